"""The engine's telemetry in shared memory: audio, one row for each chunk, counters and peaks.

One process writes, another reads, and neither waits: rings are overwritten, and the reader gets the newest part that
cannot have been overwritten while it was copied. The memory is a ``RawArray`` that the parent makes and the child
inherits at spawn, so that no name or lock outlives a killed process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ctypes import Array, c_double, c_float, c_longlong
from multiprocessing.sharedctypes import RawArray

import numpy as np
from numpy.typing import NDArray

from .arrays import Frames, Samples

#: samples of each signal that a reader can look back: 12 s at 16 kHz
AUDIO_SAMPLES = 192_000

#: chunks that a reader can look back, 32 s at 8 ms
FRAME_ROWS = 4096

#: signals of the audio ring; the mixture is delayed by the separator's delay, so that all three are aligned
SIGNALS = ("mixture", "voice1", "voice2")

#: columns of a chunk's row. Times are ``time.perf_counter`` seconds (comparable across processes), nan where unknown:
#: ``t_in`` when its last sample arrived, ``t_start`` and ``t_done`` when the separator began and ended, ``t_out`` when
#: its last sample was handed to the driver
FRAME_COLUMNS = ("index", "level", "t_in", "t_start", "t_done", "t_out", "flags")

#: one row for each chunk
FRAME = np.dtype([(name, np.float64) for name in FRAME_COLUMNS])


def joined(parts: Sequence[Frames]) -> Frames:
    """Rows of several arrays of :data:`FRAME`, one after the other, ``(n,)``.

    NumPy takes ten times as long to join structured arrays, since it compares their types.
    """
    columns = [np.ascontiguousarray(part).view(np.float64) for part in parts]
    rows: Frames = np.concatenate(columns).view(FRAME)
    return rows


#: bits of a row's ``flags``
TRANSITION, DEADLINE_MISS, WARM_UP, BYPASS = 1, 2, 4, 8

#: more bits: what made a chunk late, see :mod:`app.engine.lateness`
WAITED, COMPUTED, DELIVERED = 16, 32, 64

#: ``input_overflows``, ``output_underflows``: the driver's own flags. ``ring_overruns``: blocks dropped because a ring
#: was full. ``ring_underruns``: gaps because the output ring was empty. ``stalls``: devices that stopped calling back.
#: ``deadline_misses``: chunks that were done too late. ``fallbacks``, ``recoveries``: steps of the fallback to a
#: lighter level, and back. ``bad_samples``: input samples that were not finite. ``cushion_chunks``: chunks of delay
#: added after underruns. ``device_in_ms``, ``device_out_ms``: delays of the devices as the audio system states them,
#: nan where it does not. ``drift_samples``: samples inserted or removed to follow the device's clock.
#: ``file_position``, ``file_duration``: of the input file in seconds, 0 with a microphone. ``heartbeat``:
#: ``time.perf_counter`` of the engine's last turn.
COUNTERS = (
    "input_overflows",
    "output_underflows",
    "ring_overruns",
    "ring_underruns",
    "stalls",
    "deadline_misses",
    "switches",
    "fallbacks",
    "recoveries",
    "bad_samples",
    "chunks",
    "cushion_chunks",
    "device_in_ms",
    "device_out_ms",
    "drift_samples",
    "file_position",
    "file_duration",
    "engine_cpu_seconds",
    "rss_bytes",
    "heartbeat",
)

#: peak levels that decay, linear, full scale 1.0
PEAKS = (*SIGNALS, "left", "right")

PEAK_DECAY_DB_PER_S = 20.0

# the rings are longer than a reader looks back, by more than the writer writes while the reader copies
_AUDIO_RING = AUDIO_SAMPLES + 8192
_FRAME_RING = FRAME_ROWS + 64

#: audio, rows, counters, peaks, and how much was written
_Shared = tuple["Array[c_float]", "Array[c_double]", "Array[c_double]", "Array[c_double]", "Array[c_longlong]"]


class Telemetry:
    """The shared memory. Make it in the parent and pass it to ``Process``; one side writes, the other reads.

    >>> telemetry = Telemetry()
    >>> telemetry.write_audio(np.zeros((3, 128), np.float32))
    >>> position, audio = telemetry.audio_since(0)
    >>> position, audio.shape
    (128, (3, 128))
    """

    def __init__(self) -> None:
        self._shared: _Shared = (
            RawArray(c_float, len(SIGNALS) * _AUDIO_RING),
            RawArray(c_double, len(FRAME_COLUMNS) * _FRAME_RING),
            RawArray(c_double, len(COUNTERS)),
            RawArray(c_double, len(PEAKS)),
            RawArray(c_longlong, 2),
        )
        self._attach()

    def __getstate__(self) -> _Shared:
        return self._shared

    def __setstate__(self, shared: _Shared) -> None:
        self._shared = shared
        self._attach()

    def _attach(self) -> None:
        """View the shared memory as arrays."""
        audio, frames, counters, peaks, written = self._shared
        self._audio: Samples = np.frombuffer(memoryview(audio), np.float32).reshape(len(SIGNALS), _AUDIO_RING)
        self._frames: Frames = np.frombuffer(memoryview(frames), FRAME)
        self._counters: NDArray[np.float64] = np.frombuffer(memoryview(counters), np.float64)
        self._peaks: NDArray[np.float64] = np.frombuffer(memoryview(peaks), np.float64)
        self._written: NDArray[np.int64] = np.frombuffer(memoryview(written), np.int64)  # samples, rows

    # ---- writer ----

    def write_audio(self, signals: Samples) -> None:
        """Append ``(3, samples)`` float32, in the order of :data:`SIGNALS`."""
        position, samples = int(self._written[0]), signals.shape[1]
        start = position % _AUDIO_RING
        first = min(samples, _AUDIO_RING - start)
        self._audio[:, start : start + first] = signals[:, :first]
        self._audio[:, : samples - first] = signals[:, first:]
        self._written[0] = position + samples

    def write_frame(self, level: int, t_in: float, t_start: float, t_done: float, t_out: float, flags: int) -> None:
        """Append the next chunk's row; see :data:`FRAME`."""
        index = int(self._written[1])
        self._frames[index % _FRAME_RING] = (index, level, t_in, t_start, t_done, t_out, flags)
        self._written[1] = index + 1

    def count(self, name: str, amount: float = 1) -> None:
        """Add to a counter."""
        self._counters[_COUNTER[name]] += amount

    def set(self, name: str, value: float) -> None:
        """Set a counter."""
        self._counters[_COUNTER[name]] = value

    def show_peaks(self, peaks: Samples, seconds: float) -> None:
        """Raise the peaks to those of a chunk ``(5,)``; higher ones decay for the chunk's duration in ``seconds``."""
        decay = 10 ** (-PEAK_DECAY_DB_PER_S * seconds / 20)
        np.maximum(self._peaks * decay, peaks, out=self._peaks)

    # ---- reader ----

    @property
    def audio_position(self) -> int:
        """Samples written since the engine started."""
        return int(self._written[0])

    def audio_since(self, position: int) -> tuple[int, Samples]:
        """Audio written since ``position``, or the newest :data:`AUDIO_SAMPLES` of it.

        Returns:
            The position to pass next time, and a copy ``(3, samples)``, whose last sample is the newest.
        """
        end = int(self._written[0])
        start = min(end, max(position, end - AUDIO_SAMPLES))
        audio: Samples = self._audio[:, np.arange(start, end) % _AUDIO_RING]
        overwritten = int(self._written[0]) - AUDIO_SAMPLES - start
        return end, audio[:, max(0, overwritten) :]

    def frames_since(self, index: int) -> Frames:
        """Rows from ``index`` on, or the newest :data:`FRAME_ROWS` of them, oldest first, as an array of :data:`FRAME`.

        A chunk's row appears once it was played. Pass the last row's index plus one next time.
        """
        end = int(self._written[1])
        start = min(end, max(index, end - FRAME_ROWS))
        rows: Frames = self._frames[np.arange(start, end) % _FRAME_RING]
        overwritten = int(self._written[1]) - FRAME_ROWS - start
        return rows[max(0, overwritten) :]

    @property
    def counters(self) -> Mapping[str, float]:
        """Every counter by name, see :data:`COUNTERS`."""
        return dict(zip(COUNTERS, self._counters.tolist(), strict=True))

    @property
    def peaks(self) -> Mapping[str, float]:
        """Every peak by name, see :data:`PEAKS`."""
        return dict(zip(PEAKS, self._peaks.tolist(), strict=True))


_COUNTER = {name: index for index, name in enumerate(COUNTERS)}
