"""Input level: any microphone's level and offset give the same separation, and nothing is made louder."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sepprune.separators import build_separator
from sepprune.separators.input_level import DECIBEL, FALL_DB_PER_S, LOWEST_DB, InputLevel

HOP, PAST, RATE = 32, 96, 16_000


def follower(lowest_db: float = -20.0, highest_db: float = -20.0) -> InputLevel:
    return InputLevel(lowest_db, highest_db, HOP, PAST, RATE)


def followed(signal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Level in dB of every frame of a signal that follows silence, the frames, and the delayed signal."""
    layer = follower()
    padded = torch.nn.functional.pad(signal, (PAST, 0))
    gain, frames, delayed, _ = layer(padded, layer.initial_state(len(signal), signal))
    return -20.0 - gain[:, 0].log() / DECIBEL, frames, delayed


def noise(frames: int, level_db: int = -20.0) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return 10 ** (level_db / 20) * torch.randn(1, frames * HOP, generator=random)


def separator() -> torch.nn.Module:
    torch.manual_seed(0)
    sizes = {"features": 12, "hidden": 16, "blocks": 2, "segment": 7, "memory": 5, "consistency": 6}
    built = build_separator("skim", hop=HOP, window=64, analysis_window=128, input_level=-20, **sizes)
    torch.nn.init.normal_(built.consistency.share.weight)
    return built.eval().requires_grad_(False)


@given(level_db=st.integers(-40, 6))
def test_sources_are_as_loud_as_the_input_whatever_its_level(level_db: int) -> None:
    model, signal = separator(), noise(60)
    gain = 10 ** (level_db / 20)
    expected, (scaled, _) = gain * model(signal)[0], model(gain * signal)
    assert (scaled - expected).square().sum() < 1e-5 * expected.square().sum()


@given(offset=st.floats(-0.5, 0.5, allow_subnormal=False), silent=st.integers(0, 5))
def test_an_offset_does_not_change_the_sources_from_the_first_sample(offset: float, silent: int) -> None:
    """Also where hops of digital silence come first, as from a device that starts or is muted."""
    model, sound = separator(), noise(60)
    silence = torch.zeros(1, silent * HOP)
    clean = model(torch.cat([silence, sound], 1))[0]
    shifted = model(torch.cat([silence, sound + offset], 1))[0]
    assert torch.allclose(shifted, clean, atol=2e-4)


def test_an_offset_alone_gives_silence() -> None:
    assert separator()(torch.full((1, 20 * HOP), 0.25))[0].abs().max() < 1e-6


def test_the_level_rises_with_the_window_and_falls_slowly() -> None:
    level, _, _ = followed(torch.cat([noise(50, -50.0), noise(50, -20.0), noise(400, -50.0)], dim=1))
    seconds = 300 * HOP / RATE
    assert level[0, 49] == pytest.approx(-50, abs=2)
    assert level[0, 60] == pytest.approx(-20, abs=2)
    assert level[0, 100].item() - level[0, 400].item() == pytest.approx(FALL_DB_PER_S * seconds, abs=0.01)


def test_what_is_quieter_than_the_lowest_level_is_not_brought_up_to_the_target() -> None:
    level, _, _ = followed(noise(50, LOWEST_DB - 30.0))
    assert level.min().item() == pytest.approx(LOWEST_DB)


def test_silence_gives_silence() -> None:
    assert separator()(torch.zeros(1, 20 * HOP))[0].abs().max() == 0


def test_the_mean_of_a_frame_is_subtracted_from_it() -> None:
    signal = noise(20) + 0.25
    _, frames, _ = followed(signal)
    window = signal[:, -PAST - HOP :]
    assert torch.allclose(frames[:, -1], window - window.mean(), atol=1e-6)


def test_hops_of_digital_silence_have_no_offset() -> None:
    _, frames, delayed = followed(torch.cat([torch.full((1, HOP), 0.25), torch.zeros(1, 3 * HOP)], 1))
    assert frames.abs().max() == delayed.abs().max() == 0


def test_the_offset_of_the_delayed_signal_has_no_steps() -> None:
    """An offset that changed from hop to hop would be steps of ten times the steepest change of this tone."""
    tone = torch.sin(2 * math.pi * 40 / RATE * torch.arange(100 * HOP)).unsqueeze(0)
    _, _, delayed = followed(tone)
    assert delayed[:, 10 * HOP :].diff().abs().max() < 2 * tone.diff().abs().max()


@given(frames=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_any_chunking_follows_the_same_level(frames: list[int]) -> None:
    layer, signal = follower(), torch.nn.functional.pad(noise(sum(frames)), (PAST, 0))
    whole, *_ = layer(signal, torch.zeros(1, 1))
    state, pieces, start = torch.zeros(1, 1), [], 0
    for count in frames:
        gain, _, _, state = layer(signal[:, start * HOP : PAST + (start + count) * HOP], state)
        pieces.append(gain)
        start += count
    assert torch.allclose(torch.cat(pieces, 2).log(), whole.log(), atol=1e-4)


@pytest.mark.parametrize("levels", [3, [-10, -20], -90])
def test_a_level_above_full_scale_or_a_range_in_the_wrong_order_is_refused(levels: int | list[int]) -> None:
    with pytest.raises(ValueError, match="between -70 and 0"):
        build_separator("skim", input_level=levels)


@given(level_db=st.integers(-60, 0))
def test_a_level_inside_the_range_stays_and_others_go_to_its_nearer_end(level_db: int) -> None:
    signal = torch.full((1, PAST + HOP), 10 ** (level_db / 20))
    signal[:, ::2] *= -1  # no offset
    gain, *_ = follower(-30.0, -10.0)(signal, torch.zeros(1, 1))
    assert level_db + 10 * math.log10(gain.item()) == pytest.approx(min(-10.0, max(-30.0, level_db)), abs=0.01)


def test_inside_the_range_the_sources_are_those_without_an_input_level() -> None:
    torch.manual_seed(0)
    sizes = {"features": 12, "hidden": 16, "blocks": 2, "segment": 7, "memory": 5, "hop": HOP, "window": 64}
    plain = build_separator("skim", analysis_window=128, **sizes).eval()
    ranged = build_separator("skim", analysis_window=128, input_level=[-40, -5], **sizes).eval()
    ranged.load_state_dict(plain.state_dict())
    signal = noise(60)
    signal -= torch.nn.functional.pad(signal, (PAST, 0)).unfold(1, PAST + HOP, HOP).mean(2).repeat_interleave(HOP, 1)
    with torch.no_grad():
        expected, sources = plain(signal)[0], ranged(signal)[0]
    assert (sources - expected).square().sum() < 1e-2 * expected.square().sum()


def test_the_lowest_level_is_the_level_before_the_first_sample() -> None:
    layer = follower()
    gain, *_ = layer(torch.zeros(1, PAST + HOP), layer.initial_state(1, torch.zeros(1)))
    assert 10 * math.log10(gain.item()) == pytest.approx(-20 - LOWEST_DB, abs=1e-3)
