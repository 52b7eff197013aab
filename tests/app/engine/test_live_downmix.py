"""A microphone whose two channels cancel each other is heard, others are mixed to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.live_downmix import RAMP_S, WINDOW_S, LiveDownmix
from app.engine.ports import InputPort
from app.engine.sources import MicrophoneSource
from tests.app.conftest import speech_like
from tests.app.engine.test_sources import Flags

RATE, BLOCK = 16_000, 128
SPEECH = speech_like(4.0)
NOISE = np.random.default_rng(0).normal(0, 0.003, (len(SPEECH), 2)).astype(np.float32)


def mixed(channels: np.ndarray, downmix: LiveDownmix) -> np.ndarray:
    return np.concatenate([downmix(block)[0] for block in np.split(channels, range(BLOCK, len(channels), BLOCK))])


def power(samples: np.ndarray) -> float:
    return float(np.square(samples.astype(np.float64)).mean())


@pytest.mark.parametrize("share", [1.0, 0.8])
def test_of_inverted_channels_the_louder_one_is_heard_after_a_second(share: float) -> None:
    downmix = LiveDownmix(2, RATE)
    heard = mixed(np.stack([-share * SPEECH, SPEECH], axis=1) + NOISE, downmix)
    start = round((WINDOW_S + RAMP_S) * RATE) + BLOCK
    loudest = int(share < 1.0)
    if share < 1.0:
        np.testing.assert_allclose(heard[start:], SPEECH[start:] + NOISE[start:, loudest], atol=1e-6)
    assert power(heard[start:]) > 0.9 * power(SPEECH[start:])
    assert downmix.note("USB, ALSA") == (
        f'the channels of "USB, ALSA" cancel each other, one is inverted: only channel {downmix.chosen + 1} is used'
    )


@pytest.mark.parametrize("second", ["the same", "independent", "silent", "faint"])
def test_channels_that_do_not_cancel_are_their_mean(second: str) -> None:
    other = {
        "the same": SPEECH,
        "independent": np.roll(SPEECH, RATE),
        "silent": np.zeros_like(SPEECH),
        "faint": -0.1 * SPEECH,
    }
    channels = np.stack([SPEECH, other[second]], axis=1)
    downmix = LiveDownmix(2, RATE)
    np.testing.assert_allclose(mixed(channels, downmix), channels.mean(axis=1), atol=1e-6)
    assert downmix.chosen is None and downmix.note("USB, ALSA") is None


def test_the_inverted_noise_of_a_silent_room_is_not_judged() -> None:
    faint = np.random.default_rng(0).normal(0, 1e-4, len(SPEECH)).astype(np.float32)
    downmix = LiveDownmix(2, RATE)
    mixed(np.stack([faint, -faint], axis=1), downmix)
    assert downmix.chosen is None


def test_the_mean_returns_without_a_click_when_the_channels_agree_again() -> None:
    time = np.arange(4 * RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 100 * time)).astype(np.float32)
    sign = np.where(time < 2, -1.0, 1.0).astype(np.float32)
    downmix = LiveDownmix(2, RATE)
    heard = mixed(np.stack([tone, sign * tone], axis=1), downmix)
    assert downmix.chosen is None
    np.testing.assert_allclose(heard[-RATE // 2 :], tone[-RATE // 2 :], atol=1e-6)
    assert np.abs(np.diff(heard)).max() < 1.1 * np.abs(np.diff(tone)).max()


def test_samples_that_are_not_numbers_are_zero_and_are_counted() -> None:
    for channels in (1, 2):
        block = np.full((BLOCK, channels), 0.5, np.float32)
        block[3, 0] = np.nan
        heard, bad = LiveDownmix(channels, RATE)(block)
        assert bad == 1 and heard[3] == 0.5 * (channels - 1) / channels and heard[4] == 0.5


def test_a_microphone_with_an_inverted_channel_is_not_silent_and_says_so() -> None:
    port = InputPort(RATE, 2)
    source = MicrophoneSource(port, "USB, ALSA", BLOCK, RATE)
    heard = []
    for block in np.split(np.stack([SPEECH, -SPEECH], axis=1), range(BLOCK, len(SPEECH), BLOCK)):
        port.callback(block, len(block), None, Flags())
        heard += [chunk for chunk, _ in iter(source.read, None)]
    after = round(1.2 * RATE)
    assert power(np.concatenate(heard)[after:]) > 0.9 * power(SPEECH[after:])
    assert source.note is not None and "one is inverted" in source.note
