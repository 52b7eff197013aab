"""Sources of chunks: a microphone, or a sound file at live speed."""

from __future__ import annotations

import math
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr

from sepprune.downmix import judged
from sepprune.errors import UserError
from sepprune.media import lacking, open_sound

from .arrays import Samples
from .clock import RealClock, VirtualClock
from .controls import SHORTEST_PASSAGE_S
from .live_downmix import LiveDownmix
from .ports import InputPort
from .resampling import Resampler

#: a file that is this many seconds late starts a new schedule instead of catching up
LATE_S = 1.0

#: seconds of a file that are read at once, unless a chunk is longer: each reading costs as much as a small computation
READ_S = 0.064


class Source(Protocol):
    """What the engine reads.

    Attributes:
        name: for people.
        rate: of the device or file, in hertz.
        ended: no chunk will follow.
        silent_s: seconds of nothing but zeros from a microphone, which no working microphone gives.
        paused: set by the engine; a file waits, and gives silence.
        loop: set by the engine; a file starts again at its end.
        resampler_ms: delay of the resampler in milliseconds.
        note: what the sound lacks, for the user, or ``None``; that of a microphone can change.
        device_ms: from the recording of a block's last sample until its delivery, in milliseconds, as the audio system
            states it for the last blocks; 0 for a file, nan where it is not known.
        passage: set by the engine; start and end in seconds of the part of a file that is repeated, ``None`` for all.
        position, duration: of a file, in seconds; 0 for a microphone.
    """

    name: str
    rate: int
    ended: bool
    silent_s: float
    paused: bool
    loop: bool
    passage: tuple[float, float] | None

    @property
    def note(self) -> str | None: ...
    @property
    def position(self) -> float: ...
    @property
    def duration(self) -> float: ...

    def seek(self, seconds: float) -> None:
        """Continue a file at this position; nothing for a microphone, or where the file has ended."""

    @property
    def resampler_ms(self) -> float: ...
    @property
    def device_ms(self) -> float: ...

    def read(self) -> tuple[Samples, float] | None:
        """The next chunk ``(chunk,)`` and when its last sample arrived, or ``None`` while it is not complete."""

    def wait(self, timeout: float) -> None:
        """Return when a chunk may be complete, or after ``timeout`` seconds."""

    def counts(self) -> Counter[str]:
        """Increments of the telemetry's counters since the last call, by name."""

    def close(self) -> None:
        """Close files."""


class FileSource:
    """A sound file at live speed: chunk ``n`` is complete when the time of ``n + 1`` chunks has passed, to the sample.

    Args:
        path: a file that :func:`~sepprune.media.open_sound` opens, of any rate and channel count.
        chunk: samples in a chunk.
        sample_rate: of the chunks, in hertz.
        clock: real or virtual.
        loop: start again at the end; otherwise the last chunk is filled with silence.
        tail: samples of silence after the end, so that the separator's delay is played out.

    Raises:
        UserError: there is no such file, it is empty, or it is not a sound file.
    """

    def __init__(
        self,
        path: str | Path,
        chunk: int,
        sample_rate: int,
        clock: RealClock | VirtualClock,
        loop: bool = False,
        tail: int = 0,
    ) -> None:
        self._file = open_sound(path, whole=False)
        try:
            self._downmix = judged(self._file)
            if not len(self._file.read(1)):
                raise UserError(f"{path} has no samples: give a recording that has sound")
            self._file.seek(0)
        except UserError:
            self._file.close()
            raise
        self.name, self.rate = Path(path).name, self._file.rate
        self.note = lacking(self.name, self.rate, sample_rate, self._downmix.note(self.name))
        self.ended = self.paused = False
        self.loop = loop
        self.passage: tuple[float, float] | None = None
        self.silent_s = 0.0
        self._counts: Counter[str] = Counter()
        self._chunk, self._sample_rate, self._clock, self._tail = chunk, sample_rate, clock, tail
        self._block: int = math.ceil(max(READ_S, chunk / sample_rate) * self.rate)
        self._resampler = soxr.ResampleStream(self.rate, sample_rate, 1, dtype="float32")
        self._ready = np.zeros(0, np.float32)
        self._exhausted = False
        self._start: float | None = None  # when the schedule starts: at the first read or wait
        self._count = 0  # chunks given since then
        self.resampler_ms = self.device_ms = 0.0  # the schedule counts from what it gives

    @property
    def _frames(self) -> int:
        """Samples of the file; while only its header is known, what that states."""
        return self._file.stated_frames if self._file.frames is None else self._file.frames

    @property
    def duration(self) -> float:
        return self._frames / self.rate

    @property
    def position(self) -> float:
        behind = self._file.position / self.rate - len(self._ready) / self._sample_rate
        return behind if behind >= 0 or self._exhausted else behind + self.duration

    def seek(self, seconds: float) -> None:
        if not self.ended:
            self._file.seek(max(0, min(round(seconds * self.rate), self._frames - 1)))
            self._resampler = soxr.ResampleStream(self.rate, self._sample_rate, 1, dtype="float32")
            self._ready, self._exhausted = np.zeros(0, np.float32), False

    def _started(self) -> float:
        if self._start is None:
            self._start = self._clock.now()
        return self._start

    @property
    def _due(self) -> float:
        return self._started() + (self._count + 1) * self._chunk / self._sample_rate

    def read(self) -> tuple[Samples, float] | None:
        due = self._due
        late = self._clock.now() - due
        if late < 0 or self.ended:
            return None
        if late > LATE_S:
            self._start = self._started() + late
            self._counts["stalls"] += 1
            due += late
        self._count += 1
        return (np.zeros(self._chunk, np.float32) if self.paused else self._next()), due

    def wait(self, timeout: float) -> None:
        self._clock.sleep_until(min(self._due, self._clock.now() + timeout))

    def counts(self) -> Counter[str]:
        counts, self._counts = self._counts, Counter()
        return counts

    def close(self) -> None:
        self._file.close()

    def _next(self) -> Samples:
        while (
            len(self._ready) <= self._chunk and not self._exhausted
        ):  # one sample more, to know whether this is the last chunk
            self._ready = np.concatenate([self._ready, self._more()])
        chunk, self._ready = self._ready[: self._chunk], self._ready[self._chunk :]
        if self._exhausted and not len(self._ready):
            self.ended = True
        return chunk if len(chunk) == self._chunk else np.pad(chunk, (0, self._chunk - len(chunk)))

    def _more(self) -> Samples:
        block = self._file.read(self._frames_to_read())
        if not len(block) and self.loop:
            self._file.seek(0)
            block = self._file.read(self._block)
        frames = self._file.frames
        if self.loop and frames and len(block) == frames < self._block:
            # else a file of few samples is read many times a chunk
            block = np.tile(block, (math.ceil(self._block / frames), 1))
        block, bad = self._downmix(block)
        self._counts["bad_samples"] += bad
        resampled: Samples = self._resampler.resample_chunk(block, last=not len(block))
        if not len(block):
            self._exhausted = True
            resampled = np.concatenate([resampled, np.zeros(self._tail, np.float32)])
        return resampled

    def _frames_to_read(self) -> int:
        """Frames of the next block; a passage that has ended, or was not reached, begins first."""
        if self.passage is None:
            return self._block
        shortest, frames = round(SHORTEST_PASSAGE_S * self.rate), self._frames
        start = max(0, min(round(self.passage[0] * self.rate), frames - shortest))
        stop = min(frames, max(round(self.passage[1] * self.rate), start + shortest))
        if not start <= self._file.position < stop:
            self._file.seek(start)
        return min(self._block, stop - self._file.position)


class MicrophoneSource:
    """The sound that a device's callback has written to a port.

    Args:
        port: of an open input stream.
        name: of the device.
        chunk: samples in a chunk.
        sample_rate: of the chunks, in hertz.
    """

    def __init__(self, port: InputPort, name: str, chunk: int, sample_rate: int) -> None:
        self.name, self.rate, self.port = name, port.rate, port
        self.ended = self.paused = self.loop = False
        self.passage: tuple[float, float] | None = None
        self.position = self.duration = 0.0
        self.silent_s = 0.0
        self._bad_samples = 0
        self._seen: Counter[str] = Counter()
        self._chunk, self._sample_rate = chunk, sample_rate
        self._downmix = LiveDownmix(port.channels, port.rate)
        self._resampler = Resampler(port.rate, sample_rate, channels=1)
        self._ready = np.zeros(0, np.float32)

    @property
    def note(self) -> str | None:
        return lacking(self.name, self.rate, self._sample_rate, self._downmix.note(self.name))

    @property
    def resampler_ms(self) -> float:
        return self._resampler.delay_ms

    @property
    def device_ms(self) -> float:
        return self.port.delay_ms

    def read(self) -> tuple[Samples, float] | None:
        if len(self._ready) < self._chunk and self.port.ring.available:
            block, bad = self._downmix(self.port.ring.take())
            self._bad_samples += bad
            self.silent_s = 0.0 if block.any() else self.silent_s + len(block) / self.rate
            self._ready = np.concatenate([self._ready, self._resampler(block[:, None])[:, 0]])
        if len(self._ready) < self._chunk:
            return None
        chunk, self._ready = self._ready[: self._chunk], self._ready[self._chunk :]
        # the device's sample that completed this chunk, and when the driver delivered it
        last = self.port.ring.read - int(len(self._ready) * self.rate / self._resampler.rate_out)
        arrived = self.port.stamps.time_of(last)
        return chunk, time.perf_counter() if math.isnan(arrived) else arrived

    def seek(self, seconds: float) -> None:
        """Nothing: what was said is over."""

    def wait(self, timeout: float) -> None:
        self.port.wake.wait(timeout)
        self.port.wake.clear()  # sound that arrived before this line is found by the next read

    def counts(self) -> Counter[str]:
        total = Counter(
            input_overflows=self.port.overflows, ring_overruns=self.port.overruns, bad_samples=self._bad_samples
        )
        new, self._seen = total - self._seen, total
        return new

    def close(self) -> None:
        """Nothing to close: the stream belongs to the connection."""


def finite(samples: Samples) -> tuple[Samples, int]:
    """Replace samples that are not finite by zero; returns the samples and how many were replaced."""
    good = np.isfinite(samples)
    bad = samples.size - int(np.count_nonzero(good))
    return (np.where(good, samples, np.float32(0.0)), bad) if bad else (samples, 0)
