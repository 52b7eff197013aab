"""What experiments with the streaming separator share: the demo recordings and a quiet garbage collector."""

from __future__ import annotations

import gc

import numpy as np
from numpy.typing import NDArray

from sepprune.resources import asset
from sepprune.streaming.files import read_mono

CHUNK_MS = 8.0


def demo(name: str, rate: int, seconds: float) -> NDArray[np.float32]:
    """``mixture``, ``voice1`` or ``voice2`` of the demo, repeated to a whole number of chunks, ``(samples,)``."""
    chunk = round(rate * CHUNK_MS / 1000)
    samples = round(seconds * rate) // chunk * chunk
    return np.resize(read_mono(asset(f"demo/{name}.flac"), rate)[0], samples).astype(np.float32)


def quiet_collector() -> None:
    """Switch the garbage collector off, so that it does not disturb timing."""
    gc.collect()
    gc.freeze()
    gc.disable()
