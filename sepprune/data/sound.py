"""Reading sound files as arrays: the one reader for recordings, mixtures and impulse responses."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..checked import check_sound
from ..errors import UserError

Signal = NDArray[np.float32]
#: samples for each byte of a recording in memory: Opus at 6 kbit/s has 64; and samples that are read in any case
MOST_EXPANDED, _SMALL = 200, 10_000_000
#: samples of all channels that are read at once, 256 MB, and samples of a channel in a block of a longer recording
_MOST, _BLOCK = 64_000_000, 2**18
#: seconds of a file around a part that is resampled
_AROUND_S = 0.1


def frames_of(path: Path, sample_rate: int) -> int:
    """Length of a sound file in samples per channel at ``sample_rate`` hertz.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with _opened(path) as file:
            return int(file.frames) * sample_rate // int(file.samplerate)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise unreadable(str(path), error) from error


def read_channels(source: Path | bytes, name: str = "", start: int = 0, frames: int = -1) -> tuple[Signal, int]:
    """All channels of a sound file, or of a part of it.

    Args:
        source: the file, or its content.
        name: what error messages call it; the path by default.
        start: first sample to read.
        frames: samples to read, zeros after the end of the file; -1 for all.

    Returns:
        The samples, ``(samples, channels)`` between -1 and 1, and the sample rate in hertz.

    Raises:
        UserError: the file cannot be read.
    """
    name = name or str(source)
    try:
        with _opened(source) as file:
            wanted = file.frames if frames < 0 else frames
            _check(source, name, file, wanted)
            if (numbers := file.channels * wanted) > _MOST:
                raise UserError(
                    f"{name} has {numbers / 1e6:.0f} million samples, expected at most {_MOST / 1e6:.0f} million: "
                    "cut it into parts"
                )
            file.seek(min(start, file.frames))
            samples = file.read(frames, dtype="float32", always_2d=True, fill_value=0.0)
            return samples, int(file.samplerate)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise unreadable(name, error) from error


def read_at_rate(source: Path | bytes, sample_rate: int, name: str = "") -> Signal:
    """A whole sound file as one channel, the mean of all, resampled to ``sample_rate`` hertz.

    Raises:
        UserError: the file cannot be read.
    """
    name = name or str(source)
    try:
        with _opened(source) as file:
            numbers, rate = file.channels * file.frames, file.samplerate
            _check(source, name, file, file.frames)
            if numbers > _SMALL:
                return _in_blocks(file, sample_rate)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise unreadable(name, error) from error
    mono: Signal = read_channels(source, name)[0].mean(axis=1)
    return mono if rate == sample_rate else resampled(mono, rate, sample_rate)


def read_part(path: Path, sample_rate: int, start: int, frames: int) -> Signal:
    """A part of a sound file as one channel: the samples that the whole file has there at ``sample_rate`` hertz.

    Args:
        path: the file.
        sample_rate: of the result, in hertz.
        start: first sample, at that rate.
        frames: samples at that rate; zeros follow the end of the file.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with _opened(path) as file:
            rate = int(file.samplerate)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise unreadable(str(path), error) from error
    if rate == sample_rate:
        mono: Signal = read_channels(path, start=start, frames=frames)[0].mean(axis=1)
        return mono
    # samples of both rates coincide once a period; the part is read with whole periods around it for the filter
    common = math.gcd(rate, sample_rate)
    theirs, ours = rate // common, sample_rate // common
    around = math.ceil(_AROUND_S * sample_rate / ours)
    first, last = max(0, start // ours - around), -(-(start + frames) // ours) + around
    mono = read_channels(path, start=first * theirs, frames=(last - first) * theirs)[0].mean(axis=1)
    begin = start - first * ours
    return resampled(mono, rate, sample_rate)[begin : begin + frames]


def _in_blocks(file: soundfile.SoundFile, sample_rate: int) -> Signal:
    """A recording whose channels would not fit into memory: mixed and resampled block by block."""
    parts: list[Signal] = []
    resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        parts.append(resampler.resample_chunk(block.mean(axis=1)))
    parts.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return np.concatenate(parts)


def _opened(source: Path | bytes) -> soundfile.SoundFile:
    """The file, under a name that need not be UTF-8."""
    if isinstance(source, bytes):
        return soundfile.SoundFile(io.BytesIO(source))
    return soundfile.SoundFile(os.fsencode(source) if os.name == "posix" else source)


def _check(source: Path | bytes, name: str, file: soundfile.SoundFile, frames: int) -> None:
    """Refuse a file whose header promises more than is possible."""
    check_sound(name, file.samplerate, file.channels, frames)
    numbers = file.channels * file.frames
    if isinstance(source, bytes) and numbers > max(_SMALL, MOST_EXPANDED * len(source)):
        raise UserError(f"{name} would expand to {numbers / 1e6:.0f} million samples: replace it")


def resampled(signal: Signal, rate: float, wanted: float, quality: str = "HQ") -> Signal:
    """A signal at another sample rate; ``quality`` is one of soxr's."""
    result: Signal = soxr.resample(signal, rate, wanted, quality=quality)
    return result


def unreadable(name: str, error: Exception) -> UserError:
    return UserError(f"cannot read {name} ({error}): expected a sound file such as WAV, FLAC or Ogg; replace it")
