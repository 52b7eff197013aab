"""Reading sound files as arrays: the one reader for recordings, mixtures and impulse responses."""

from __future__ import annotations

import io
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


def frames_of(path: Path) -> int:
    """Length of a sound file in samples per channel.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return int(soundfile.info(path).frames)
    except soundfile.LibsndfileError as error:
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
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
            check_sound(name, file.samplerate, file.channels, file.frames if frames < 0 else frames)
            numbers = file.channels * file.frames
            if isinstance(source, bytes) and numbers > max(_SMALL, MOST_EXPANDED * len(source)):
                raise UserError(f"{name} would expand to {numbers / 1e6:.0f} million samples: replace it")
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
    samples, rate = read_channels(source, name)
    mono: Signal = samples.mean(axis=1)
    return mono if rate == sample_rate else resampled(mono, rate, sample_rate)


def resampled(signal: Signal, rate: float, wanted: float, quality: str = "HQ") -> Signal:
    """A signal at another sample rate; ``quality`` is one of soxr's."""
    result: Signal = soxr.resample(signal, rate, wanted, quality=quality)
    return result


def unreadable(name: str, error: Exception) -> UserError:
    return UserError(f"cannot read {name} ({error}): expected a sound file such as WAV, FLAC or Ogg; replace it")
