"""Sound files: read at the ladder's rate, separated chunk by chunk, with the delay removed."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..downmix import judged
from ..errors import UserError
from ..media import blocks, lacking, open_sound
from .protocols import Samples
from .stream import StreamingSeparator

#: samples of a file that are read at a time
_BLOCK = 2**16
#: seconds of a file that is held in memory whole; evaluations and studies hold several such signals at once
LONGEST_WHOLE_S = 30 * 60
#: RIFF, format (32-bit float, one channel), number of samples, data; see "Multimedia Programming Interface and Data
#: Specifications 1.0", and "New Multimedia Data Types and Data Techniques" for the chunk ``fact``
_WAV = struct.Struct("<4sI4s 4sIHHIIHH 4sII 4sI")
_FLOAT, _BYTES = 3, 4


class MonoFile:
    """A sound file as one channel at another sample rate, in blocks, so that a long one need not fit into memory.

    Args:
        path: any file that :func:`~sepprune.media.open_sound` opens, of any rate and channel count.
        sample_rate: in hertz, of what :meth:`blocks` gives.

    Attributes:
        name: for messages.
        note: what the file lacks, for the user, or ``None``.
        bad: samples of the file that were not finite and became zero, in the last run of :meth:`blocks`.
        length: samples that the last run of :meth:`blocks` gave.

    Raises:
        UserError: the file is missing, or is no sound file.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._sound, self._wanted = open_sound(path), sample_rate
        self.name, self.bad, self.length = self._sound.name, 0, 0
        self._downmix = judged(self._sound)
        self.note = lacking(self.name, self._sound.rate, sample_rate, self._downmix.note(self.name))

    def __enter__(self) -> MonoFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._sound.close()

    def blocks(self) -> Iterator[Samples]:
        """The signal from its beginning, ``(samples,)`` float32 each.

        Raises:
            UserError: the file is damaged, or has no samples.
        """
        self.bad = self.length = 0
        self._sound.seek(0)
        for block in resampled(self._mono(), self._sound.rate, self._wanted):
            self.length += len(block)
            yield block[:, 0]
        if not self.length:
            raise UserError(f"{self.name} has no samples: give a recording that has sound")

    @property
    def rate(self) -> int:
        """Sample rate of the file itself, in hertz."""
        return self._sound.rate

    def _mono(self) -> Iterator[Samples]:
        for channels in blocks(self._sound, _BLOCK):
            block, bad = self._downmix(channels)
            self.bad += bad
            yield block[:, np.newaxis]


def read_mono(path: Path, sample_rate: int) -> tuple[Samples, int]:
    """Read a sound file as one channel at ``sample_rate``.

    Args:
        path: any file that :func:`~sepprune.media.open_sound` opens, of any rate and channel count.
        sample_rate: in hertz.

    Returns:
        The signal, ``(samples,)`` float32, and how many samples of the file were not finite and became zero.

    Raises:
        UserError: the file is missing, is no sound file, has no samples, or is too long to be held whole.
    """
    with MonoFile(path, sample_rate) as file:
        parts: list[Samples] = []
        for part in file.blocks():
            parts.append(part)
            if file.length > LONGEST_WHOLE_S * sample_rate:
                raise UserError(f"{file.name} lasts over {LONGEST_WHOLE_S // 60} minutes: cut it into parts")
        return np.concatenate(parts), file.bad


def separate_signal(stream: StreamingSeparator, mixture: Samples, rate: int | None = None) -> tuple[Samples, float]:
    """Stream a whole mixture, from silence and at the stream's level.

    Args:
        stream: reset first.
        mixture: ``(samples,)`` float32 at the stream's sample rate.
        rate: that the mixture was recorded with, for :func:`within_band`.

    Returns:
        The sources, ``(sources, samples)``, aligned with the mixture, and the real-time factor: computing time of the
        steps over the duration of their input.
    """
    started = time.perf_counter()
    parts = within_band(separated(stream, [mixture]), stream.sample_rate, rate or stream.sample_rate)
    sources = np.concatenate(list(parts), axis=1)
    return sources, (time.perf_counter() - started) * stream.sample_rate / len(mixture)


def resampled(parts: Iterable[Samples], rate: int, wanted: int) -> Iterator[Samples]:
    """A signal at another sample rate, part by part and without delay.

    Args:
        parts: ``(samples, channels)`` float32 each.
        rate: theirs, in hertz.
        wanted: that of the result, in hertz.

    Yields:
        parts of the same duration together, at least one sample where there was one.
    """
    import soxr

    if rate == wanted:
        yield from (np.ascontiguousarray(part, np.float32) for part in parts if len(part))
        return
    # The first and the last sample are repeated before the beginning and after the end. Otherwise the filter would
    # see a step there where the signal has an offset, and would give nothing for a very short signal.
    unit = math.gcd(rate, wanted)
    units = -(-unit // 50)  # about 20 ms, a whole number of samples at both rates
    ahead, skipped = units * rate // unit, units * wanted // unit
    resampler, last, length, given = None, np.zeros((1, 1), np.float32), 0, 0

    def kept(part: Samples) -> Samples:
        nonlocal skipped, given
        part, skipped = part[skipped:], max(0, skipped - len(part))
        given += len(part)
        return np.ascontiguousarray(part, np.float32)

    for part in parts:
        if not len(part):
            continue
        if resampler is None:
            resampler = soxr.ResampleStream(rate, wanted, part.shape[1], dtype="float32")
            yield kept(resampler.resample_chunk(np.repeat(part[:1], ahead, axis=0)))
        length, last = length + len(part), part[-1:]
        yield kept(resampler.resample_chunk(part))
    if resampler is not None:
        rest = kept(resampler.resample_chunk(np.repeat(last, ahead, axis=0), last=True))
        yield rest[: max(0, len(rest) - given + max(1, round(length * wanted / rate)))]


def within_band(sources: Iterable[Samples], sample_rate: int, rate: int) -> Iterator[Samples]:
    """Sources without what lies above the band of a recording that had a lower sample rate.

    The recording has nothing there. The masks of the sources change from frame to frame, and so spread a little of each
    source to where the mixture is empty. A filter that removes it needs later samples, which only a file has.

    Args:
        sources: parts ``(sources, samples)``.
        sample_rate: theirs, in hertz.
        rate: that of the recording, in hertz.

    Yields:
        parts, together as long as ``sources``; the same ones where the band is not lower.
    """
    if rate >= sample_rate:
        yield from sources
        return
    length = given = 0

    def counted() -> Iterator[Samples]:
        nonlocal length
        for part in sources:
            length += part.shape[1]
            yield part.T

    for part in resampled(resampled(counted(), sample_rate, rate), rate, sample_rate):
        kept = part[: length - given].T  # what is rounded twice may be some samples longer, or shorter
        given += kept.shape[1]
        yield kept
    yield np.zeros((part.shape[1], length - given), np.float32)


def separated(stream: StreamingSeparator, mixture: Iterable[Samples]) -> Iterator[Samples]:
    """The parts of :func:`separate_signal`, one after the other, so that long sound need not fit into memory.

    Args:
        stream: reset first.
        mixture: parts ``(samples,)`` float32 at the stream's sample rate, of any lengths.

    Yields:
        ``(sources, samples)`` of a chunk, without the stream's delay; together as long as the mixture.
    """
    stream.reset()
    chunk, length, skipped, given = stream.chunk, 0, stream.delay, 0
    waiting = np.zeros(0, np.float32)

    def step(samples: Samples) -> Iterator[Samples]:
        nonlocal skipped, given
        sources = stream.step(samples)[:, skipped:]
        skipped = max(0, skipped - chunk)
        if sources.shape[1]:
            given += sources.shape[1]
            yield sources.copy()

    for part in mixture:
        length += len(part)
        waiting = np.concatenate([waiting, part])
        whole = len(waiting) // chunk * chunk
        for start in range(0, whole, chunk):
            yield from step(waiting[start : start + chunk])
        waiting = waiting[whole:]
    while given < length:  # silence brings out what the stream still holds
        for sources in step(np.pad(waiting, (0, chunk - len(waiting)))):
            excess = max(0, given - length)
            yield sources[:, : sources.shape[1] - excess]
        waiting = waiting[:0]


def wav_header(samples: int, sample_rate: int) -> bytes:
    """The header of a WAV file of one channel of 32-bit floats, which follow it.

    >>> len(wav_header(0, 16_000))
    56
    """
    data = min(_BYTES * samples, 2**32 - 1 - _WAV.size)  # the format has no larger sizes
    return _WAV.pack(
        *(b"RIFF", _WAV.size - 8 + data, b"WAVE"),
        *(b"fmt ", 16, _FLOAT, 1, sample_rate, _BYTES * sample_rate, _BYTES, 8 * _BYTES),
        *(b"fact", 4, data // _BYTES),
        *(b"data", data),
    )
