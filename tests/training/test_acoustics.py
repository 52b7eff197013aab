import numpy as np
import pytest

from sepprune.training.acoustics import (
    EARLY,
    FADE,
    clipped,
    coloured,
    moved,
    reverberated,
    sloped_noise,
    speaking,
)
from sepprune.training.scenes import Activity, Colour

RATE = 16_000


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_room_of_one_impulse_changes_nothing(random: np.random.Generator) -> None:
    voices = random.standard_normal((2, 1000)).astype(np.float32)
    heard, early = reverberated(voices, [np.ones(1, np.float32)] * 2, 800)
    assert np.allclose(heard, voices, atol=1e-6) and np.allclose(early, voices, atol=1e-6)


def test_a_recorded_voice_is_the_sum_of_its_early_and_its_late_part(random: np.random.Generator) -> None:
    voices, response = random.standard_normal((1, 2000)), random.standard_normal(700) * 0.99 ** np.arange(700)
    heard, early = reverberated(voices, [response], 100)
    assert np.allclose(heard[0], np.convolve(voices[0], response)[:2000], atol=1e-4)
    assert np.allclose(early[0], np.convolve(voices[0], response[:100])[:2000], atol=1e-4)


def test_the_late_part_of_a_response_longer_than_the_mixture_is_cut(random: np.random.Generator) -> None:
    heard, _ = reverberated(random.standard_normal((1, 300)), [random.standard_normal(4000)], 800)
    assert heard.shape == (1, 300) and np.isfinite(heard).all()


def gains_db(late_db: float, gain_db: float) -> np.ndarray:
    """Change of a response of half a second, in dB."""
    return 20 * np.log10(moved(np.ones(RATE // 2, np.float32), late_db, gain_db))


def test_the_direct_sound_of_a_moved_talker_changes_by_one_gain() -> None:
    np.testing.assert_allclose(gains_db(late_db=7.0, gain_db=-3.0)[: RATE // 100], -3.0, atol=1e-4)


def test_the_late_reverberation_of_a_moved_talker_changes_by_its_own_gain() -> None:
    change = gains_db(late_db=7.0, gain_db=-3.0)
    np.testing.assert_allclose(change[EARLY:], 4.0, atol=1e-4)
    assert (np.diff(change) >= -1e-5).all()  # gradually


def test_voices_start_and_stop_without_a_click() -> None:
    factors = speaking(Activity((4000, 9000, RATE), ((True, False), (True, True), (False, True))))
    assert factors.shape == (2, RATE) and np.abs(np.diff(factors)).max() < 0.02
    assert (factors[:, 2000] == (1, 0)).all() and (factors[:, 6000] == 1).all() and (factors[:, -1] == (0, 1)).all()


def test_a_fade_is_centred_on_the_change() -> None:
    factors = speaking(Activity((4000, 8000), ((True, True), (False, True))))[0]
    assert factors[4000 - FADE // 2 - 1] == 1 and factors[4000 + FADE // 2] == 0
    assert factors[4000] == pytest.approx(0.5, abs=0.01)


def test_a_microphones_colour_keeps_sums(random: np.random.Generator) -> None:
    voices = random.standard_normal((2, 4000)).astype(np.float32)
    mixture, one, two = coloured(
        np.concatenate([voices.sum(axis=0, keepdims=True), voices]), Colour(1000.0, 6.0, 100.0)
    )
    assert np.allclose(mixture, one + two, atol=1e-4)


def test_synthetic_noise_falls_with_frequency_at_most_as_brown_noise(random: np.random.Generator) -> None:
    slopes = []
    for slope in np.linspace(0, 1, 20):
        noise = sloped_noise(random.standard_normal(RATE), slope)
        power = np.abs(np.fft.rfft(noise)) ** 2
        slopes.append(10 * np.log10(power[2000:4000].mean() / power[1000:2000].mean()))
    assert min(slopes) > -7 and max(slopes) < 1 and np.abs(noise).max() == 1


def test_a_microphone_boosts_above_its_corner_and_cuts_below_its_own(random: np.random.Generator) -> None:
    noise = random.standard_normal(8 * RATE).astype(np.float32)
    power = [np.abs(np.fft.rfft(signal)) ** 2 for signal in (noise, coloured(noise, Colour(1000.0, 6.0, 200.0)))]
    low, middle, high = (
        10 * np.log10(power[1][8 * a : 8 * b].mean() / power[0][8 * a : 8 * b].mean())
        for a, b in ((10, 50), (350, 400), (6000, 7900))
    )
    assert low < -12 and abs(middle) < 2 and high == pytest.approx(6, abs=0.3)


def test_clipping_limits_the_share_that_it_is_given(random: np.random.Generator) -> None:
    signal = random.standard_normal(RATE)
    for share in (0.0005, 0.01):
        assert np.mean(clipped(signal, share) != signal) == pytest.approx(share, rel=0.1)
