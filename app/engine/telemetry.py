"""What the engine shows while it runs: audio, one row a chunk, counters and peaks, in shared memory.

One process writes, another reads, nobody waits: rings are overwritten, and the reader is given the newest part that is
certainly whole. Memory is a ``RawArray`` made by the parent and inherited at spawn, so that no name or lock outlives
a killed process.
"""

from __future__ import annotations

from collections.abc import Mapping
from multiprocessing.sharedctypes import RawArray

import numpy as np

#: samples of each signal that a reader can look back: 12 s at 16 kHz
AUDIO_SAMPLES = 192_000

#: chunks that a reader can look back, 32 s at 8 ms
FRAME_ROWS = 4096

#: signals of the audio ring: the mixture is delayed by the separator's delay, so that all three are aligned
SIGNALS = ("mixture", "voice1", "voice2")

#: one row a chunk; times are ``time.perf_counter`` seconds (comparable across processes), nan where unknown:
#: ``t_in`` its last sample has arrived, ``t_start`` and ``t_done`` the separator's work, ``t_out`` its last sample
#: has been handed to the driver
FRAME = np.dtype([(name, np.float64) for name in ("index", "level", "t_in", "t_start", "t_done", "t_out", "flags")])

#: bits of a row's ``flags``
TRANSITION, DEADLINE_MISS, WARM_UP, BYPASS = 1, 2, 4, 8

#: ``input_overflows``, ``output_underflows``: the driver's own flags. ``ring_overruns``: blocks dropped since a ring
#: was full. ``ring_underruns``: gaps since the output ring ran empty. ``stalls``: devices that stopped calling back.
#: ``deadline_misses``: chunks done too late. ``fallbacks``, ``recoveries``: levels given up for it, and won back.
#: ``bad_samples``: input that was not a number. ``cushion_chunks``: chunks of delay added after underruns.
#: ``heartbeat``: ``time.perf_counter`` of the engine's last turn.
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
    "drift_samples",
    "engine_cpu_seconds",
    "rss_bytes",
    "heartbeat",
)

#: decaying peak levels, linear, 1.0 is full scale
PEAKS = (*SIGNALS, "left", "right")

PEAK_DECAY_DB_PER_S = 20.0

# what the writer may be overwriting while a reader copies: more than the longest chunk
_AUDIO_RING = AUDIO_SAMPLES + 8192
_FRAME_RING = FRAME_ROWS + 64


class Telemetry:
    """The shared memory. Make it in the parent, hand it to ``Process``; write on one side, read on the other.

    >>> telemetry = Telemetry()
    >>> telemetry.write_audio(np.zeros((3, 128), np.float32))
    >>> position, audio = telemetry.audio_since(0)
    >>> position, audio.shape
    (128, (3, 128))
    """

    def __init__(self) -> None:
        self._shared = (
            RawArray("f", len(SIGNALS) * _AUDIO_RING),
            RawArray("d", len(FRAME.names) * _FRAME_RING),
            RawArray("d", len(COUNTERS)),
            RawArray("d", len(PEAKS)),
            RawArray("q", 2),
        )
        self._attach()

    def __getstate__(self) -> tuple:
        return self._shared

    def __setstate__(self, shared: tuple) -> None:
        self._shared = shared
        self._attach()

    def _attach(self) -> None:
        audio, frames, counters, peaks, written = self._shared
        self._audio = np.frombuffer(audio, np.float32).reshape(len(SIGNALS), _AUDIO_RING)
        self._frames = np.frombuffer(frames, FRAME)
        self._counters = np.frombuffer(counters, np.float64)
        self._peaks = np.frombuffer(peaks, np.float64)
        self._written = np.frombuffer(written, np.int64)  # samples, rows

    # ---- writer ----

    def write_audio(self, signals: np.ndarray) -> None:
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

    def show_peaks(self, peaks: np.ndarray, seconds: float) -> None:
        """Raise the peaks to those of a chunk ``(5,)``, let the others fall for the ``seconds`` it lasted."""
        decay = 10 ** (-PEAK_DECAY_DB_PER_S * seconds / 20)
        np.maximum(self._peaks * decay, peaks, out=self._peaks)

    # ---- reader ----

    @property
    def audio_position(self) -> int:
        """Samples written since the engine started."""
        return int(self._written[0])

    def audio_since(self, position: int) -> tuple[int, np.ndarray]:
        """What has been written since ``position``, or the newest of it where the ring has moved on.

        Returns:
            The position to ask from next time, and a copy ``(3, samples)``, whose last sample is the newest.
        """
        end = int(self._written[0])
        start = min(end, max(position, end - AUDIO_SAMPLES))
        audio = self._audio[:, np.arange(start, end) % _AUDIO_RING]
        overwritten = int(self._written[0]) - AUDIO_SAMPLES - start
        return end, audio[:, max(0, overwritten) :]

    def frames_since(self, index: int) -> np.ndarray:
        """Rows from ``index`` on, or the newest :data:`FRAME_ROWS` of them, oldest first, as an array of :data:`FRAME`.

        A chunk's row appears once its fate is known. Ask next time from the last row's index plus one.
        """
        end = int(self._written[1])
        start = min(end, max(index, end - FRAME_ROWS))
        rows = self._frames[np.arange(start, end) % _FRAME_RING]
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
