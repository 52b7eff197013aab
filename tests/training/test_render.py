from pathlib import Path

import numpy as np
import pytest
import torch

from sepprune.data.collection import Collection
from sepprune.data.corpus import Voices, load_voices
from sepprune.training.mixtures import Mixtures, MixtureSettings, Sounds, load_sounds
from sepprune.training.rooms import load_rooms


@pytest.fixture
def voices(data_folder: Path) -> Voices:
    return load_voices(Collection(data_folder), "train", "speech")


def level_db(signal: torch.Tensor) -> torch.Tensor:
    return 10 * signal.double().square().mean(-1).log10()


def test_references_add_up_to_the_mixture_without_noise(voices: Voices) -> None:
    mixture, references = Mixtures(MixtureSettings(seconds=1.0, batch=4), Sounds(voices), 10, seed=3)[7]
    assert torch.allclose(references.sum(1), mixture, atol=1e-6)


def test_levels_stay_within_the_settings(voices: Voices) -> None:
    settings = MixtureSettings(seconds=1.0, batch=32, difference_db=3.0, level_db=(-30.0, -20.0), partial_overlap=0)
    mixture, references = Mixtures(settings, Sounds(voices), 1, seed=0)[0]
    one, two = level_db(references).unbind(1)
    assert (one - two).abs().max() <= 3.01
    assert level_db(mixture).min() >= -30.01 and level_db(mixture).max() <= -19.99


def test_single_speaker_mixtures_have_one_silent_reference(voices: Voices) -> None:
    _, references = Mixtures(MixtureSettings(seconds=0.5, batch=8, single=1.0), Sounds(voices), 1, seed=0)[0]
    assert ((references.abs().amax(-1) == 0).sum(1) == 1).all()


def test_noise_comes_at_the_asked_ratio(voices: Voices, data_folder: Path) -> None:
    noise = load_voices(Collection(data_folder), "train", "noise")
    settings = MixtureSettings(seconds=1.0, batch=16, noise=1.0, snr_db=(10.0, 10.0))
    mixture, references = Mixtures(settings, Sounds(voices, noise), 1, seed=0)[0]
    voice = references.sum(1)
    assert np.allclose(level_db(voice) - level_db(mixture - voice), 10.0, atol=0.1)


def test_voices_keep_their_bandwidth() -> None:
    noise = (3000 * np.random.default_rng(0).standard_normal(32_000)).astype(np.int16)
    voices = Voices(np.tile(noise, 2), (((0, 32_000),), ((32_000, 64_000),)))
    mixture, _ = Mixtures(MixtureSettings(seconds=1.0, batch=4, partial_overlap=0), Sounds(voices), 1, seed=0)[0]
    power = torch.fft.rfft(mixture).abs().square().mean(0)
    middle, top = power[2000:4000].mean(), power[6400:6700].mean()  # the slowest voice ends at 7.0 kHz
    assert abs(10 * torch.log10(top / middle)) < 1


def test_nothing_clips(voices: Voices) -> None:
    mixture, _ = Mixtures(MixtureSettings(seconds=0.5, batch=16, level_db=(0.0, 0.0)), Sounds(voices), 1, seed=0)[0]
    assert mixture.abs().max() < 1


def test_mixtures_in_a_room_have_late_reverberation_that_their_references_lack(
    voices: Voices, data_folder: Path
) -> None:
    rooms = load_rooms(Collection(data_folder), "train", simulated=2)
    settings = MixtureSettings(seconds=1.0, batch=8, room=1.0)
    mixture, references = Mixtures(settings, Sounds(voices, rooms=rooms), 1, seed=0)[0]
    late = mixture - references.sum(1)
    assert (level_db(late) < level_db(mixture)).all() and (level_db(late) > level_db(mixture) - 40).all()


def test_moved_talkers_differ_more_in_level(voices: Voices, data_folder: Path) -> None:
    rooms = load_rooms(Collection(data_folder), "train", simulated=2)

    def spread(share: float) -> float:
        settings = MixtureSettings(seconds=1.0, batch=32, difference_db=1e-3, partial_overlap=0, room=1.0, moved=share)
        one, two = level_db(Mixtures(settings, Sounds(voices, rooms=rooms), 1, seed=0)[0][1]).unbind(1)
        return float((one - two).std())

    assert spread(1.0) > spread(0.0) + 2


def test_clipped_mixtures_have_unclipped_references(voices: Voices) -> None:
    settings = MixtureSettings(seconds=1.0, batch=4, clip=1.0)
    mixture, references = Mixtures(settings, Sounds(voices), 1, seed=0)[0]
    assert (references.sum(1).abs().amax(-1) > mixture.abs().amax(-1)).all()


def test_every_part_of_a_scene_can_be_asked_for_at_once(voices: Voices, data_folder: Path) -> None:
    settings = MixtureSettings(
        seconds=1.0,
        batch=16,
        formants=0.1,
        voice_colour=1.0,
        turns=0.5,
        single=0.5,
        noise=1.0,
        room=1.0,
        rooms=2,
        moved=1.0,
        colour=1.0,
        clip=1.0,
    )
    mixture, references = Mixtures(settings, load_sounds(Collection(data_folder), "train", settings), 1, seed=0)[0]
    assert mixture.isfinite().all() and references.isfinite().all() and mixture.abs().max() < 1
