"""Sound files: read at the ladder's rate, separated chunk by chunk, with the delay removed."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..checked import check_sound, shown
from ..errors import UserError
from ..files import is_regular
from .protocols import Samples
from .stream import StreamingSeparator

#: samples of a file that are read at a time
_BLOCK = 2**18
#: RIFF, format (32-bit float, one channel), number of samples, data; see "Multimedia Programming Interface and Data
#: Specifications 1.0", and "New Multimedia Data Types and Data Techniques" for the chunk ``fact``
_WAV = struct.Struct("<4sI4s 4sIHHIIHH 4sII 4sI")
_FLOAT, _BYTES = 3, 4


def read_mono(path: Path, sample_rate: int) -> tuple[Samples, int]:
    """Read a sound file as one channel at ``sample_rate``.

    Args:
        path: any format that soundfile reads, any rate and channel count.
        sample_rate: in hertz.

    Returns:
        The signal, ``(samples,)`` float32, and how many samples of the file were not finite and became zero.

    Raises:
        UserError: the file is missing, is no sound file or has no samples.
    """
    import soundfile
    import soxr

    if not is_regular(path):
        raise UserError(f"there is no sound file {shown(str(path))}: check the path")
    try:
        with soundfile.SoundFile(path) as file:
            check_sound(str(path), file.samplerate, file.channels, file.frames)
            rate, length, resampler, parts, bad = file.samplerate, 0, None, [], 0
            if rate != sample_rate:
                resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
            while len(channels := file.read(_BLOCK, dtype="float32", always_2d=True)):
                finite = np.isfinite(channels)
                bad += channels.size - int(np.count_nonzero(finite))
                block = np.where(finite, channels, np.float32(0.0)).mean(axis=1)
                length += len(block)
                parts.append(block if resampler is None else resampler.resample_chunk(block))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UserError(f"{path} is no sound file that can be read ({error}): give WAV, FLAC, Ogg or MP3") from error
    if not length:
        raise UserError(f"{path} has no samples: give a recording that is not empty")
    if resampler is not None:
        # soxr gives no output for a very short signal: it is padded, and the result is cut to its duration
        parts.append(resampler.resample_chunk(np.zeros(max(0, rate // 100 - length), np.float32), last=True))
        length = max(1, round(length * sample_rate / rate))
    signal = np.concatenate(parts)[:length]
    return np.ascontiguousarray(np.pad(signal, (0, length - len(signal))), dtype=np.float32), bad


def separate_signal(stream: StreamingSeparator, mixture: Samples) -> tuple[Samples, float]:
    """Stream a whole mixture, from silence and at the stream's level.

    Args:
        stream: reset first.
        mixture: ``(samples,)`` float32 at the stream's sample rate.

    Returns:
        The sources, ``(sources, samples)``, aligned with the mixture, and the real-time factor: computing time of the
        steps over the duration of their input.
    """
    started = time.perf_counter()
    sources = np.concatenate(list(separated(stream, mixture)), axis=1)
    return sources, (time.perf_counter() - started) * stream.sample_rate / len(mixture)


def separated(stream: StreamingSeparator, mixture: Samples) -> Iterator[Samples]:
    """The parts of :func:`separate_signal`, one after the other, so that long sources need not fit into memory.

    Args:
        stream: reset first.
        mixture: ``(samples,)`` float32 at the stream's sample rate.

    Yields:
        ``(sources, samples)`` of a chunk, without the stream's delay.
    """
    stream.reset()
    for start in range(0, len(mixture) + stream.delay, stream.chunk):
        chunk = mixture[start : start + stream.chunk]
        sources = stream.step(np.pad(chunk, (0, stream.chunk - len(chunk))))
        first, last = stream.delay - start, len(mixture) + stream.delay - start
        if first < stream.chunk:
            yield sources[:, max(0, first) : last].copy()


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
