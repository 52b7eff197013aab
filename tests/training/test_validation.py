"""Validation sets: the same mixtures in every version, so that scores of different times can be compared."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sepprune.data.collection import Collection
from sepprune.separators import build_separator
from sepprune.training.settings import MixtureSettings
from sepprune.training.validation import si_sdr_improvement, si_sdr_improvements, validation_sets

#: every 4001st sample of the sets of version 0.1.0, before scenes were drawn apart from their rendering
EARLIER = np.load(Path(__file__).with_name("validation.npz"))


@pytest.fixture
def sets(data_folder: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    settings = MixtureSettings(noise=0.6, room=0.5, rooms=2, moved=0.5)
    return validation_sets(Collection(data_folder), settings, 6, split="train")  # the other split has no noise


def test_the_sets_are_those_of_earlier_versions(sets: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    assert list(sets) == ["clean", "noisy", "room", "moved"]
    for name, (mixtures, references) in sets.items():
        assert mixtures.shape == (6, 64_000) and references.shape == (6, 2, 64_000)
        # equal to the bit on one machine; mathematical functions of others may round differently
        np.testing.assert_allclose(mixtures[..., ::4001], EARLIER[f"{name}_mixture"], atol=1e-4)
        np.testing.assert_allclose(references[..., ::4001], EARLIER[f"{name}_references"], atol=1e-4)


def test_conditions_are_those_of_the_training_mixtures(data_folder: Path) -> None:
    assert list(validation_sets(Collection(data_folder), MixtureSettings(), 2)) == ["clean"]


def test_the_mixture_as_estimate_improves_nothing(sets: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    class Copy(torch.nn.Linear):
        def forward(self, mixture: torch.Tensor) -> torch.Tensor:
            return mixture.unsqueeze(1).expand(-1, 2, -1)

    improvements = si_sdr_improvements(Copy(1, 1), *sets["clean"], batch=4)
    torch.testing.assert_close(improvements, torch.zeros(6), atol=1e-4, rtol=0)


def test_scoring_keeps_the_mode_of_the_separator(sets: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    separator = build_separator("skim", features=16, hidden=8, blocks=1, segment=10, memory=8)
    mixtures, references = sets["clean"]
    for training in (True, False):
        separator.train(training)
        si_sdr_improvement(separator, mixtures[:1], references[:1])
        assert separator.training is training
