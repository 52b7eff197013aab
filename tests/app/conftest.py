"""A ladder small enough to be made for the tests, and sound files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of three levels with random weights."""
    return write_tiny_ladder(tmp_path_factory.mktemp("ladder"))


@pytest.fixture(scope="session")
def narrowband(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of three levels of an imported separator at 8 kHz, with random weights."""
    from tests.importing.narrowband import narrowband_ladder

    return narrowband_ladder(tmp_path_factory.mktemp("narrowband"))


@pytest.fixture
def sound(tmp_path: Path) -> Callable[..., Path]:
    """Writes ``(samples,)`` or ``(samples, channels)`` to a WAV file."""

    def write(samples: np.ndarray, rate: int = 16_000, name: str = "sound.wav") -> Path:
        soundfile.write(tmp_path / name, samples, rate, subtype="FLOAT")
        return tmp_path / name

    return write


def write_tiny_ladder(folder: Path) -> Path:
    import torch

    from sepprune.separators import build_separator
    from sepprune.streaming import write_ladder

    torch.manual_seed(0)
    levels = []
    for hidden in (16, 8, 4):
        settings = {"bottleneck": 8, "hidden": hidden, "blocks": 2}
        state = build_separator("conv-tasnet", **settings).state_dict()
        levels.append(("conv-tasnet", settings, None, state, {"macs_per_second": hidden * 1e6}))
    write_ladder(folder, "tiny", levels)
    return folder


def speech_like(seconds: float, seed: int = 0, rate: int = 16_000) -> np.ndarray:
    """Noise with a syllable rhythm, peaking near 0.5."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    noise = np.convolve(generator.standard_normal(len(time)), np.hanning(9), "same")
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * time + seed)
    return (0.5 * noise * envelope / np.abs(noise).max()).astype(np.float32)
