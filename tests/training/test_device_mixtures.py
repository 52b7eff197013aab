from pathlib import Path

import numpy as np
import pytest
import torch

from sepprune.data.corpus import Collection, Voices, load_voices
from sepprune.training.acoustics import EARLY, LATE_DB, UNEQUAL_DB, moved, reverberated
from sepprune.training.device_mixtures import DeviceMixtures
from sepprune.training.device_sounds import RESPONSE
from sepprune.training.mixtures import MixtureSettings, Sounds, load_sounds
from sepprune.training.rooms import load_rooms


@pytest.fixture
def voices(data_folder: Path) -> Voices:
    return load_voices(Collection(data_folder), "train", "speech")


def batch(settings: MixtureSettings, sounds: Sounds, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    mixtures = DeviceMixtures(settings, sounds)
    torch.manual_seed(seed)
    return mixtures()


def level_db(signal: torch.Tensor) -> torch.Tensor:
    return 10 * signal.double().square().mean(-1).log10()


def test_references_add_up_to_the_mixture_without_noise(voices: Voices) -> None:
    mixture, references = batch(MixtureSettings(seconds=1.0, batch=4), Sounds(voices))
    assert torch.allclose(references.sum(1), mixture, atol=1e-6)


def test_the_same_seed_gives_the_same_batch(voices: Voices) -> None:
    settings = MixtureSettings(seconds=0.5, batch=3)
    one, again, other = (batch(settings, Sounds(voices), seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_levels_stay_within_the_settings(voices: Voices) -> None:
    settings = MixtureSettings(seconds=1.0, batch=32, difference_db=3.0, level_db=(-30.0, -20.0), partial_overlap=0)
    mixture, references = batch(settings, Sounds(voices))
    one, two = level_db(references).unbind(1)
    assert (one - two).abs().max() <= 3.01
    assert level_db(mixture).min() >= -30.01 and level_db(mixture).max() <= -19.99


def test_nothing_clips(voices: Voices) -> None:
    mixture, _ = batch(MixtureSettings(seconds=0.5, batch=16, level_db=(0.0, 0.0)), Sounds(voices))
    assert mixture.abs().max() < 1


def test_single_speaker_mixtures_have_one_silent_reference(voices: Voices) -> None:
    _, references = batch(MixtureSettings(seconds=0.5, batch=8, single=1.0), Sounds(voices))
    assert ((references.abs().amax(-1) == 0).sum(1) == 1).all()


def test_both_voices_speak_and_are_silent_where_they_take_turns(voices: Voices) -> None:
    mixtures = DeviceMixtures(MixtureSettings(seconds=8.0, batch=16, turns=1.0), Sounds(voices))
    torch.manual_seed(0)
    speaks = mixtures._activity().round()
    shares = {
        (one, two): float(((speaks[:, 0] == one) & (speaks[:, 1] == two)).float().mean())
        for one in (0, 1)
        for two in (0, 1)
    }
    assert shares[1, 0] == pytest.approx(0.35, abs=0.08) and shares[0, 1] == pytest.approx(0.35, abs=0.08)
    assert shares[1, 1] == pytest.approx(0.2, abs=0.08) and shares[0, 0] == pytest.approx(0.1, abs=0.06)


def test_two_different_speakers_are_mixed(voices: Voices) -> None:
    speakers = DeviceMixtures(MixtureSettings(seconds=0.5, batch=500), Sounds(voices))._speakers()
    assert (speakers[:, 0] != speakers[:, 1]).all()
    assert set(speakers.flatten().tolist()) == set(range(len(voices)))


def test_speakers_of_one_sex_are_mixed_where_it_is_asked_for_and_known(voices: Voices) -> None:
    voices = Voices(voices.samples, voices.spans, ("female", "male", "female", ""))
    speakers = DeviceMixtures(MixtureSettings(seconds=0.5, batch=500, same_sex=1.0), Sounds(voices))._speakers()
    assert all((one, two) in ((0, 2), (2, 0)) for one, two in speakers.tolist() if one in (0, 2))
    assert all(one != two for one, two in speakers.tolist())


def test_noise_comes_at_the_asked_ratio(voices: Voices, data_folder: Path) -> None:
    noise = load_voices(Collection(data_folder), "train", "noise")
    settings = MixtureSettings(seconds=1.0, batch=16, noise=1.0, snr_db=(10.0, 10.0))
    mixture, references = batch(settings, Sounds(voices, noise))
    voice = references.sum(1)
    assert np.allclose(level_db(voice) - level_db(mixture - voice), 10.0, atol=0.1)


def test_rooms_sound_as_they_do_in_the_mixer_on_the_processor(voices: Voices, data_folder: Path) -> None:
    rooms = load_rooms(Collection(data_folder), "train", simulated=2)
    mixtures = DeviceMixtures(MixtureSettings(seconds=1.0, batch=2, room=1.0), Sounds(voices, rooms=rooms))
    torch.manual_seed(5)
    dry = mixtures._voices(mixtures._speakers())
    torch.manual_seed(6)
    heard, direct = mixtures._reverberated(dry)
    torch.manual_seed(6)
    responses = mixtures.rooms.pairs(torch.rand(4, 2))
    for index in range(2):
        expected = reverberated(dry[index].numpy(), list(responses[index].numpy()), EARLY)
        np.testing.assert_allclose(heard[index], expected[0], atol=1e-4)
        np.testing.assert_allclose(direct[index], expected[1], atol=1e-4)


def test_two_voices_of_a_room_sound_from_two_of_its_places(voices: Voices, data_folder: Path) -> None:
    rooms = load_rooms(Collection(data_folder), "train", simulated=2)
    mixtures = DeviceMixtures(MixtureSettings(seconds=1.0, batch=2, room=1.0), Sounds(voices, rooms=rooms))
    one, two = mixtures.rooms.pairs(torch.rand(4, 200)).unbind(1)
    assert (one != two).any(1).all()


def test_talkers_are_moved_as_in_the_mixer_on_the_processor(voices: Voices, data_folder: Path) -> None:
    rooms = load_rooms(Collection(data_folder), "train", simulated=2)
    settings = MixtureSettings(seconds=1.0, batch=2, room=1.0, moved=1.0)
    mixtures = DeviceMixtures(settings, Sounds(voices, rooms=rooms))
    length = 2 * EARLY
    gains = 20 * mixtures._moved(torch.ones(64, 2, RESPONSE))[..., :length].log10()
    expected = 20 * np.log10(moved([np.ones(length, np.float32)] * 2, np.random.default_rng(0)))
    shape = (expected - expected[:, :1]) / (expected[:, -1:] - expected[:, :1])
    direct, late = gains[..., :1], gains[..., -1:] - gains[..., :1]
    np.testing.assert_allclose(gains, direct + late * torch.from_numpy(shape), atol=1e-3)
    np.testing.assert_allclose(direct[:, 0], -direct[:, 1], atol=1e-4)
    assert direct.abs().max() <= UNEQUAL_DB / 2 and LATE_DB[0] <= late.min() and late.max() <= LATE_DB[1] + 1e-4


def test_a_share_of_the_talkers_is_moved(voices: Voices, data_folder: Path) -> None:
    rooms = load_rooms(Collection(data_folder), "train", simulated=2)
    mixtures = DeviceMixtures(MixtureSettings(seconds=1.0, batch=2, room=1.0, moved=0.25), Sounds(voices, rooms=rooms))
    torch.manual_seed(0)
    still = (mixtures._moved(torch.ones(400, 2, RESPONSE)) == 1).all(2).all(1)
    assert 0.65 < still.float().mean() < 0.85


def test_clipped_mixtures_have_unclipped_references(voices: Voices) -> None:
    mixture, references = batch(MixtureSettings(seconds=1.0, batch=1, clip=1.0), Sounds(voices))
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
    mixture, references = batch(settings, load_sounds(Collection(data_folder), "train", settings))
    assert mixture.isfinite().all() and references.isfinite().all() and mixture.abs().max() < 1
