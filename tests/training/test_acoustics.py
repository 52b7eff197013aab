import numpy as np
import pytest

from sepprune.training.acoustics import (
    EARLY,
    LATE_DB,
    UNEQUAL_DB,
    activity,
    clipped,
    coloured,
    coloured_noise,
    moved,
    reverberated,
)

RATE = 16_000


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_room_of_one_impulse_changes_nothing(random: np.random.Generator) -> None:
    voices = random.standard_normal((2, 1000)).astype(np.float32)
    heard, early = reverberated(voices, [np.ones(1, np.float32)] * 2, 800)
    assert np.allclose(heard, voices, atol=1e-6) and np.allclose(early, voices, atol=1e-6)


def test_what_is_heard_is_the_early_part_and_what_comes_later(random: np.random.Generator) -> None:
    voices, response = random.standard_normal((1, 2000)), random.standard_normal(700) * 0.99 ** np.arange(700)
    heard, early = reverberated(voices, [response], 100)
    assert np.allclose(heard[0], np.convolve(voices[0], response)[:2000], atol=1e-4)
    assert np.allclose(early[0], np.convolve(voices[0], response[:100])[:2000], atol=1e-4)


def test_the_late_part_of_a_response_longer_than_the_mixture_is_cut(random: np.random.Generator) -> None:
    heard, _ = reverberated(random.standard_normal((1, 300)), [random.standard_normal(4000)], 800)
    assert heard.shape == (1, 300) and np.isfinite(heard).all()


def gains_db(random: np.random.Generator) -> np.ndarray:
    """What moving does to two responses of half a second, in dB."""
    return 20 * np.log10(moved([np.ones(RATE // 2, np.float32)] * 2, random))


def test_moved_talkers_keep_their_direct_sound_but_for_how_loud_it_is(random: np.random.Generator) -> None:
    one, two = gains_db(random)[:, : RATE // 100]
    assert np.ptp(one) == np.ptp(two) == 0
    assert one[0] == pytest.approx(-two[0], abs=1e-4) and abs(one[0]) <= UNEQUAL_DB / 2


def test_the_late_reverberation_of_moved_talkers_changes_alike(random: np.random.Generator) -> None:
    late = []
    for gains in (gains_db(random) for _ in range(50)):
        changes = gains[:, EARLY:] - gains[:, :1]
        assert np.ptp(changes) < 1e-4
        late.append(changes[0, 0])
    assert LATE_DB[0] <= min(late) < -3 and 7 < max(late) <= LATE_DB[1]


@pytest.mark.parametrize(
    ("kind", "together"), [("single", (0.0, 0.0)), ("partial_overlap", (0.45, 1.0)), ("turns", (0.02, 0.6))]
)
def test_voices_overlap_as_the_kind_says(random: np.random.Generator, kind: str, together: tuple[float, float]) -> None:
    shares = [activity(kind, 4 * RATE, random).min(axis=0).mean() for _ in range(30)]
    assert together[0] <= np.mean(shares) <= together[1]


@pytest.mark.parametrize("kind", ["partial_overlap", "turns"])
def test_voices_start_and_stop_without_a_click(random: np.random.Generator, kind: str) -> None:
    speaks = activity(kind, RATE, random)
    assert speaks.shape == (2, RATE) and np.abs(np.diff(speaks)).max() < 0.02


def test_a_microphones_colour_keeps_sums(random: np.random.Generator) -> None:
    voices = random.standard_normal((2, 4000)).astype(np.float32)
    mixture, one, two = coloured(np.concatenate([voices.sum(axis=0, keepdims=True), voices]), random)
    assert np.allclose(mixture, one + two, atol=1e-4)


def test_synthetic_noise_falls_with_frequency_at_most_as_brown_noise(random: np.random.Generator) -> None:
    slopes = []
    for _ in range(20):
        power = np.abs(np.fft.rfft(coloured_noise(RATE, random))) ** 2
        slopes.append(10 * np.log10(power[2000:4000].mean() / power[1000:2000].mean()))
    assert min(slopes) > -7 and max(slopes) < 1


def test_clipping_limits_the_loudest_hundredth_at_most(random: np.random.Generator) -> None:
    signal = random.standard_normal(RATE)
    assert 0 < np.mean(clipped(signal, random) != signal) <= 0.0101
