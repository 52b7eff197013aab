"""Sound files: read at the ladder's rate, separated chunk by chunk, with the delay removed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ..errors import UserError
from .protocols import Samples
from .stream import StreamingSeparator


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

    if not path.is_file():
        raise UserError(f"there is no sound file {path}: check the path")
    try:
        channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UserError(f"{path} is no sound file that can be read ({error}): give WAV, FLAC, Ogg or MP3") from error
    if not len(channels):
        raise UserError(f"{path} has no samples: give a recording that is not empty")
    bad = ~np.isfinite(channels)
    channels[bad] = 0.0
    signal = channels.mean(axis=1)
    if rate != sample_rate:
        # soxr gives no output for a very short signal: it is padded, and the result is cut to its duration
        length = max(1, round(len(signal) * sample_rate / rate))
        padded = soxr.resample(np.pad(signal, (0, max(0, rate // 100 - len(signal)))), rate, sample_rate)
        signal = np.pad(padded, (0, max(0, length - len(padded))))[:length]
    return np.ascontiguousarray(signal, dtype=np.float32), int(bad.sum())


def separate_signal(stream: StreamingSeparator, mixture: Samples) -> tuple[Samples, float]:
    """Stream a whole mixture, from silence and at the stream's level.

    Args:
        stream: reset first.
        mixture: ``(samples,)`` float32 at the stream's sample rate.

    Returns:
        The sources, ``(sources, samples)``, aligned with the mixture, and the real-time factor: computing time of the
        steps over the duration of their input.
    """
    stream.reset()
    count = -(-(len(mixture) + stream.delay) // stream.chunk)
    padded = np.zeros(count * stream.chunk, np.float32)
    padded[: len(mixture)] = mixture
    sources = np.empty((stream.sources, len(padded)), np.float32)
    started = time.perf_counter()
    for start in range(0, len(padded), stream.chunk):
        sources[:, start : start + stream.chunk] = stream.step(padded[start : start + stream.chunk])
    seconds = time.perf_counter() - started
    return sources[:, stream.delay : stream.delay + len(mixture)], seconds * stream.sample_rate / len(padded)
