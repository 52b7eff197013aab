import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from sepprune.losses import best_order, pairwise_snr
from sepprune.separators import build_separator
from sepprune.separators.calling import sources_of
from sepprune.training.batches import batch_source, ordered_batches, training_batches, validation_mixtures
from sepprune.training.render_device import SceneBatch
from sepprune.training.settings import DatasetSettings, MixtureSettings, TrainingSettings
from tests.data.test_datasets import several


@pytest.fixture
def settings(data_folder: Path) -> TrainingSettings:
    mixtures = MixtureSettings(seconds=0.8, batch=2)
    return TrainingSettings("", str(data_folder), mixtures=mixtures, validation_mixtures=3)


@pytest.fixture
def prepared(settings: TrainingSettings, tmp_path: Path) -> TrainingSettings:
    several(tmp_path, 4, samples=16_000)
    (tmp_path / "wav16k/min/tr").rename(tmp_path / "wav16k/min/cv")
    several(tmp_path, 4, samples=16_000)
    return dataclasses.replace(settings, data=str(tmp_path), dataset=DatasetSettings("lrs2-2mix"))


def test_batches_are_those_of_the_seed_of_the_run_or_another(settings: TrainingSettings) -> None:
    own, same, other = (training_batches(settings, seed)[3][0] for seed in (None, settings.seed, 7))
    assert torch.equal(own, same) and not torch.equal(own, other)


def test_mixtures_rendered_on_the_device_are_those_of_the_processor(settings: TrainingSettings) -> None:
    source = batch_source(settings, on_device=True)
    scenes = source.data[5]
    assert isinstance(scenes, SceneBatch) and source.render is not None
    mixture, references = source.render(*scenes)
    expected, _ = batch_source(settings, on_device=False).data[5]
    assert (mixture - expected).square().mean() < 1e-3 * expected.square().mean() and references.shape == (2, 2, 12_800)


@pytest.mark.parametrize("on_device", [False, True])
def test_a_prepared_set_needs_no_rendering(prepared: TrainingSettings, on_device: bool) -> None:
    source = batch_source(prepared, on_device)
    mixture, references = source.data[0]
    assert source.render is None and mixture.shape == (2, 12_800) and references.shape == (2, 2, 12_800)


def test_references_come_in_the_order_of_the_separators_sources(settings: TrainingSettings) -> None:
    torch.manual_seed(0)
    separator = build_separator("skim", features=16, hidden=8, blocks=1, segment=10, memory=8)
    batches = ordered_batches(settings, separator, seed=0)
    for _ in range(4):
        mixture, references = next(batches)
        with torch.no_grad():
            estimate = sources_of(separator, mixture, separator.delay)
        order, _ = best_order(pairwise_snr(estimate, references[..., : estimate.shape[-1]]))
        assert order.tolist() == [[0, 1], [0, 1]]


def test_validation_has_the_number_of_mixtures_that_is_asked_for(settings: TrainingSettings) -> None:
    assert validation_mixtures(settings)["clean"][0].shape == (3, 64_000)


def test_known_speakers_are_scored_beside_the_others_where_asked_for(settings: TrainingSettings) -> None:
    asked = dataclasses.replace(settings, known_speakers=True)
    sets, known = validation_mixtures(settings), validation_mixtures(asked)
    assert list(sets) == ["clean"] and list(known) == ["clean", "known"]
    assert torch.equal(known["clean"][0], sets["clean"][0])
    assert known["known"][0].shape == (3, 64_000) and not torch.equal(known["known"][0], sets["clean"][0])


def test_a_prepared_set_is_validated_on_its_own_mixtures(prepared: TrainingSettings) -> None:
    [(name, (mixtures, references))] = validation_mixtures(prepared).items()
    assert name == "valid" and mixtures.shape == (3, 64_000) and references.shape == (3, 2, 64_000)


def test_a_separator_that_looks_ahead_has_batches_too(settings: TrainingSettings) -> None:
    class Halves(nn.Module):
        def forward(self, mixture: torch.Tensor) -> torch.Tensor:
            return torch.stack([mixture, 0.5 * mixture], 1)

    mixture, references = next(ordered_batches(settings, Halves(), seed=0))
    assert mixture.shape == (2, 12_800) and references.shape == (2, 2, 12_800)
