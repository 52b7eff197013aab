"""Small ladders with random weights, and the fixtures that tests of several folders take from here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sepprune.separators import build_separator
from sepprune.streaming import Ladder, LevelRecord, write_ladder

FILTERBANK = {"hop": 32, "window": 64, "analysis_window": 128}
SETTINGS = {
    "skim": {"features": 24, "hidden": 16, "blocks": 2, "segment": 6, "memory": 8, "consistency": 5, **FILTERBANK},
    "conv-tasnet": {"bottleneck": 16, "hidden": 24, "blocks": 3, "dilations": 3, **FILTERBANK},
}


def random_weights(family: str) -> dict[str, torch.Tensor]:
    """Weights of a separator that was not trained, with statistics in its norms, and shares of the rest, as training
    leaves them."""
    torch.manual_seed(1)
    module = build_separator(family, **SETTINGS[family])
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
    if module.consistency:
        torch.nn.init.normal_(module.consistency.share.weight, 0, 0.2)
    return module.state_dict()


def relative(state: dict[str, torch.Tensor], swapped: bool, seed: int) -> dict[str, torch.Tensor]:
    """Nearly the same separator, as fine-tuning leaves it; ``swapped`` gives its sources in the other order."""
    generator = torch.Generator().manual_seed(seed)
    other = {
        key: value + 0.01 * value.abs().mean() * torch.randn(value.shape, generator=generator)
        if value.is_floating_point() and "running" not in key
        else value
        for key, value in state.items()
    }
    if swapped:
        for key in {"mask.weight", "mask.bias", "consistency.share.weight", "consistency.share.bias"} & other.keys():
            other[key] = other[key].roll(len(other[key]) // 2, 0)
        if "consistency.lstm.weight_ih_l0" in other:  # it hears the levels of both sources, the rest and the mixture
            *narrowed, first, second, rest, whole = other["consistency.lstm.weight_ih_l0"].unbind(1)
            other["consistency.lstm.weight_ih_l0"] = torch.stack([*narrowed, second, first, rest, whole], 1)
    return other


def small_ladder(folder: Path, family: str) -> Ladder:
    """Three levels: one separator, a relative of it in the other source order, and a relative in the same order."""
    dense = random_weights(family)
    states = [dense, relative(dense, True, 1), relative(dense, False, 2)]
    facts = [{"macs_per_second": 1e6 / (level + 1), "si_sdri": {"clean": 1.5}} for level in range(3)]
    levels = [LevelRecord(family, SETTINGS[family], None, *each) for each in zip(states, facts, strict=True)]
    return write_ladder(folder, f"small {family}", levels, {"data": "none"})


def babble(seconds: float, sample_rate: int = 16_000) -> np.ndarray:
    """Two synthetic voices, ``(samples,)`` float32: harmonics that glide, in syllables with pauses."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    signal = np.zeros_like(time)
    for pitch, rate, shift in ((110.0, 3.1, 0.0), (190.0, 4.3, 1.0)):
        phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * time + shift))) / sample_rate
        syllables = np.clip(np.sin(2 * np.pi * rate * time / 2 + shift), 0, None) ** 0.5
        signal += syllables * sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    return (0.1 * signal).astype(np.float32)


@pytest.fixture(scope="session", autouse=True)
def converted_levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of converted levels that all tests share, apart from the user's own."""
    folder = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEPPRUNE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def skim_ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    return small_ladder(tmp_path_factory.mktemp("ladders") / "skim", "skim")


@pytest.fixture(scope="session")
def tcn_ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    return small_ladder(tmp_path_factory.mktemp("ladders") / "tcn", "conv-tasnet")
