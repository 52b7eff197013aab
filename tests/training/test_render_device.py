"""Rendering with torch, here on the processor: the same sound as the other renderer from the same scenes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from sepprune.data.collection import Collection
from sepprune.data.corpus import Voices, load_voices
from sepprune.training import acoustics
from sepprune.training.mixtures import Mixtures, MixtureSettings, Sounds, load_sounds
from sepprune.training.render_device import SceneBatch, clipped, faster, render_batch, scene_batch, speaking
from sepprune.training.scenes import Activity, draw_activity, draw_scenes

RATE = 16_000
#: every part of a scene
EVERYTHING = MixtureSettings(
    seconds=1.0,
    batch=12,
    formants=0.1,
    voice_colour=0.5,
    turns=0.3,
    single=0.2,
    partial_overlap=0.5,
    noise=0.5,
    room=0.5,
    rooms=2,
    moved=0.5,
    colour=0.5,
    clip=0.3,
)


@pytest.fixture
def voices(data_folder: Path) -> Voices:
    return load_voices(Collection(data_folder), "train", "speech")


def batch(settings: MixtureSettings, sounds: Sounds, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    scenes = scene_batch(draw_scenes(settings, sounds, seed, 0), sounds, settings)
    return render_batch(scenes, settings.formants > 0)


def level_db(signal: torch.Tensor) -> torch.Tensor:
    return 10 * (signal.double().square().mean(-1) + 1e-12).log10()


@pytest.mark.parametrize("without", [(), ("formants",), ("room",), ("noise", "clip"), ("colour", "voice_colour")])
def test_both_renderers_make_the_same_sound(data_folder: Path, without: tuple[str, ...]) -> None:
    settings = dataclasses.replace(EVERYTHING, **dict.fromkeys(without, 0.0))
    sounds = load_sounds(Collection(data_folder), "train", settings)
    for here, there in zip(batch(settings, sounds), Mixtures(settings, sounds, 1, seed=0)[0], strict=True):
        difference = level_db(here - there) - level_db(there).clamp_min(-60)
        assert difference.max() < -25 and difference.mean() < -38  # of interpolating voices


def test_references_add_up_to_the_mixture_without_noise(voices: Voices) -> None:
    mixture, references = batch(MixtureSettings(seconds=1.0, batch=4), Sounds(voices))
    assert torch.allclose(references.sum(1), mixture, atol=1e-6)


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


def test_noise_comes_at_the_asked_ratio(voices: Voices, data_folder: Path) -> None:
    noise = load_voices(Collection(data_folder), "train", "noise")
    settings = MixtureSettings(seconds=1.0, batch=16, noise=1.0, snr_db=(10.0, 10.0))
    mixture, references = batch(settings, Sounds(voices, noise))
    voice = references.sum(1)
    assert np.allclose(level_db(voice) - level_db(mixture - voice), 10.0, atol=0.1)


def test_clipped_mixtures_have_unclipped_references(voices: Voices) -> None:
    mixture, references = batch(MixtureSettings(seconds=1.0, batch=4, clip=1.0), Sounds(voices))
    assert (references.sum(1).abs().amax(-1) > mixture.abs().amax(-1)).all()


def test_batches_have_the_same_shapes_whatever_is_in_them(data_folder: Path) -> None:
    sounds = load_sounds(Collection(data_folder), "train", EVERYTHING)
    one, two = (scene_batch(draw_scenes(EVERYTHING, sounds, 0, number), sounds, EVERYTHING) for number in (0, 1))
    assert all(a.shape == b.shape and a.dtype == b.dtype for a, b in zip(one, two, strict=True))
    assert isinstance(one, SceneBatch) and one.voices.dtype == torch.int16


@pytest.mark.parametrize("kind", ["overlap", "single", "partial_overlap", "turns"])
def test_voices_speak_when_the_other_renderer_lets_them(kind: str) -> None:
    activity = draw_activity(kind, RATE, np.random.default_rng(3))
    stops = torch.tensor([[*activity.stops, RATE, RATE]])
    speaks = torch.tensor([[*activity.speaking, (0, 0), (0, 0)]]).float().transpose(1, 2)
    np.testing.assert_allclose(speaking(stops, speaks, RATE)[0], acoustics.speaking(activity), atol=1e-5)


def test_activities_of_a_batch_do_not_mix() -> None:
    both = [Activity((400, 1000), ((True, False), (True, True))), Activity((700, 1000), ((False, True), (True, False)))]
    stops = torch.tensor([activity.stops for activity in both])
    speaks = torch.tensor([activity.speaking for activity in both]).float().transpose(1, 2)
    expected = np.stack([acoustics.speaking(activity) for activity in both])
    np.testing.assert_allclose(speaking(stops, speaks, 1000), expected, atol=1e-5)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.15])
def test_a_voice_played_faster_sounds_higher_by_as_much(factor: float) -> None:
    tone = 0.5 * torch.sin(2 * torch.pi * 1000 * torch.arange(round(1.2 * RATE)) / RATE)
    played = faster(tone[None], torch.tensor([factor], dtype=torch.float64), RATE)
    spectrum = torch.fft.rfft(played[0] * torch.hann_window(RATE)).abs().square()
    near = slice(round(1000 * factor) - 3, round(1000 * factor) + 4)
    assert 10 * torch.log10(spectrum[near].sum() / (spectrum.sum() - spectrum[near].sum())) > 50


def test_a_voice_played_faster_has_no_aliases() -> None:
    tone = torch.sin(2 * torch.pi * 7600 * torch.arange(2 * RATE) / RATE) * torch.hann_window(2 * RATE)
    played = faster(tone[None], torch.tensor([1.15], dtype=torch.float64), RATE)
    assert level_db(played[0]) < level_db(tone) - 40  # 8.7 kHz is more than the sample rate allows


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.004, 0.01])
def test_clipping_is_that_of_the_other_renderer(share: float) -> None:
    signal = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    here = clipped(torch.from_numpy(signal)[None], torch.tensor([share]))
    np.testing.assert_allclose(here[0], acoustics.clipped(signal, share), atol=1e-4)
