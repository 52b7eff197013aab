"""Batches reach a separator at its own sample rate."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from sepprune.separators import build_separator
from sepprune.training.batches import batch_source, ordered_batches, training_batches, validation_mixtures
from sepprune.training.rates import Rate
from sepprune.training.settings import MixtureSettings, TrainingSettings

SMALL = {"basis": 16, "hidden": 8, "blocks": 2, "segment": 50, "hop": 4, "window": 8}


@pytest.fixture
def settings(data_folder: Path) -> TrainingSettings:
    return TrainingSettings("", str(data_folder), mixtures=MixtureSettings(seconds=0.8, batch=2), validation_mixtures=2)


def tone(hertz: float, rate: int, samples: int) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(samples, dtype=torch.float64) / rate).float()


@pytest.mark.parametrize("wanted", [8_000, 11_025, 44_100])
def test_a_tone_stays_what_it_is(wanted: int) -> None:
    rate = Rate(16_000, wanted, 1)
    found = rate(tone(1_000, 16_000, 16_000)[None])
    assert found.shape == (1, wanted)
    torch.testing.assert_close(found[0], tone(1_000, wanted, wanted), rtol=0, atol=1e-4)


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    assert float(Rate(16_000, 8_000)(tone(5_000, 16_000, 16_000)).abs().max()) < 1e-4


def test_lengths_are_whole_hops() -> None:
    rate = Rate(16_000, 8_000, 48)
    assert rate(torch.zeros(2, 1_001)).shape[-1] == rate.samples(1_001) == 480


def test_data_at_the_separators_rate_is_only_cut_to_whole_hops() -> None:
    signals = torch.randn(2, 1_001)
    torch.testing.assert_close(Rate.of(build_separator("tasnet-skim", **SMALL))(signals), signals[:, :1_000])


@pytest.mark.parametrize("on_device", [False, True])
def test_batches_of_every_kind_have_the_separators_rate(settings: TrainingSettings, on_device: bool) -> None:
    separator = build_separator("tasnet-skim", sample_rate=8_000, **SMALL)
    source = batch_source(settings, on_device, separator)
    batch = source.data[0]
    mixture, references = batch if source.render is None else source.render(*batch)
    assert (mixture.shape, references.shape) == ((2, 6_400), (2, 2, 6_400))
    if not on_device:
        wide, _ = training_batches(settings)[0]
        torch.testing.assert_close(mixture, Rate(16_000, 8_000)(wide))


def test_masks_and_scores_use_the_separators_rate(settings: TrainingSettings) -> None:
    separator = build_separator("tasnet-skim", sample_rate=8_000, **SMALL)
    assert next(ordered_batches(settings, separator, seed=0))[0].shape == (2, 6_400)
    assert validation_mixtures(settings, separator)["clean"][0].shape == (2, 32_000)
