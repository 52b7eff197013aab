import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from sepprune.data.collection import Collection
from sepprune.data.corpus import Voices, load_voices
from sepprune.training.mixtures import Mixtures, MixtureSettings, SceneBatches, Sounds
from sepprune.training.render_device import render_batch


@pytest.fixture
def voices(data_folder: Path) -> Voices:
    return load_voices(Collection(data_folder), "train", "speech")


def test_a_batch_depends_on_seed_and_number_alone(voices: Voices) -> None:
    settings = MixtureSettings(seconds=0.5, batch=2)
    again = [
        Mixtures(settings, Sounds(voices), 10, seed)[number][0] for seed, number in ((1, 4), (1, 4), (1, 5), (2, 4))
    ]
    assert torch.equal(again[0], again[1])
    assert not torch.equal(again[0], again[2]) and not torch.equal(again[0], again[3])


def test_batches_of_scenes_are_those_of_the_mixtures(voices: Voices) -> None:
    settings = MixtureSettings(seconds=0.5, batch=2)
    arguments = settings, Sounds(voices), 10, 1
    mixtures, scenes = Mixtures(*arguments), SceneBatches(*arguments)
    assert len(mixtures) == len(scenes) == 10
    rendered, _ = render_batch(scenes[4])
    error = (rendered - mixtures[4][0]).square().mean() / mixtures[4][0].square().mean()
    assert 10 * torch.log10(error) < -30


def test_workers_of_another_process_can_make_batches(voices: Voices) -> None:
    mixtures = Mixtures(MixtureSettings(seconds=0.5, batch=2), Sounds(voices), 10, 1)
    assert torch.equal(pickle.loads(pickle.dumps(mixtures))[4][0], mixtures[4][0])


def test_voices_have_one_sex_in_the_share_that_is_asked_for() -> None:
    """Women are positive numbers here, men negative ones."""
    samples = np.concatenate([np.full(16_000, 8000), np.full(16_000, -8000)]).astype(np.int16)
    women, men = ((0, 16_000),), ((16_000, 32_000),)
    voices = Voices(samples, (women, men, women, men, women), ("F", "M", "F", "M", "F"))
    _, references = Mixtures(
        MixtureSettings(seconds=0.2, batch=50, same_sex=1.0, partial_overlap=0), Sounds(voices), 1, seed=0
    )[0]
    assert (references.mean(-1).sign().sum(1).abs() == 2).all()
