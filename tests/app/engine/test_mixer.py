"""Routing, gain, bypass, mute and solo: exact after the ramp, and no jump during it.

No subnormal numbers: a backend that ran earlier in this process may have switched them off.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.controls import ROUTINGS, Controls
from app.engine.mixer import LIMITER_KNEE, Mixer, limit

SIGNALS = np.random.default_rng(0).uniform(-0.4, 0.4, (3, 640)).astype(np.float32)
MIXTURE, VOICE1, VOICE2 = SIGNALS


@pytest.mark.parametrize(
    ("routing", "left", "right"),
    [
        ("mixture", MIXTURE, MIXTURE),
        ("voice1", VOICE1, VOICE1),
        ("voice2", VOICE2, VOICE2),
        ("split", VOICE1, VOICE2),
        ("both", VOICE1 + VOICE2, VOICE1 + VOICE2),
    ],
)
def test_each_routing_is_exact(routing: str, left: np.ndarray, right: np.ndarray) -> None:
    np.testing.assert_array_equal(Mixer(16_000, Controls(routing=routing))(SIGNALS), np.stack([left, right], axis=1))


def test_gain_is_in_decibels() -> None:
    np.testing.assert_allclose(
        Mixer(16_000, Controls(routing="voice1", gain_db=-20))(SIGNALS)[:, 0], VOICE1 / 10, rtol=1e-6
    )


def test_bypass_is_the_mixture_at_the_same_gain() -> None:
    mixer = Mixer(16_000, Controls(routing="split", gain_db=-6))
    mixer.apply(Controls(routing="split", gain_db=-6, bypass=True))
    mixer(SIGNALS)
    np.testing.assert_allclose(mixer(SIGNALS)[:, 1], MIXTURE * 10**-0.3, rtol=1e-6)


CHANGES = [
    *({"routing": routing} for routing in ROUTINGS),
    {"bypass": True},
    {"bypass": False},
    {"mute": True},
    {"mute": False},
    {"paused": True},
    {"paused": False},
    {"solo": "voice1"},
    {"solo": "voice2"},
    {"solo": None},
    {"gain_db": -12.0},
    {"gain_db": 0.0},
]


@given(st.lists(st.sampled_from(CHANGES), max_size=12), st.sampled_from([16, 128, 640]))
def test_no_change_jumps_more_than_a_twenty_millisecond_ramp(changes: list[dict], chunk: int) -> None:
    controls = Controls(routing="mixture")
    mixer, constants, output = Mixer(16_000, controls), np.array([[0.4], [-0.4], [0.3]], np.float32), []
    for change in changes:
        controls = controls.changed(**change)
        mixer.apply(controls)
        output.append(mixer(np.repeat(constants, chunk, axis=1)))
    jumps = np.abs(np.diff(np.concatenate([np.full((1, 2), 0.4, np.float32), *output]), axis=0))
    assert jumps.max(initial=0.0) <= 0.8 / 320 + 1e-6


@pytest.mark.parametrize("change", [{"paused": True}, {"mute": True}, {"mute": True, "solo": "voice1"}])
def test_pause_and_mute_are_silence_once_the_ramp_is_over(change: dict) -> None:
    mixer = Mixer(16_000, Controls())
    mixer.apply(Controls(**change))
    during = mixer.settled
    mixer(SIGNALS)
    assert (during, mixer.settled, np.abs(mixer(SIGNALS)).max()) == (False, True, 0.0)


def test_a_measurement_is_silence_whatever_the_controls() -> None:
    mixer = Mixer(16_000, Controls())
    mixer.apply(Controls(solo="voice1"), measuring=True)
    mixer(SIGNALS)
    assert np.abs(mixer(SIGNALS)).max() == 0.0


def test_a_change_that_is_not_heard_starts_no_ramp() -> None:
    mixer = Mixer(16_000, Controls())
    mixer.apply(Controls(level=3, fallback=True, loop=False))
    assert mixer.settled


@pytest.mark.parametrize(("solo", "alone"), [("mixture", MIXTURE), ("voice1", VOICE1), ("voice2", VOICE2)])
@pytest.mark.parametrize("bypass", [False, True])
def test_solo_is_heard_alone_whatever_the_routing_and_ends_where_it_began(
    solo: str, alone: np.ndarray, bypass: bool
) -> None:
    controls = Controls(routing="split", bypass=bypass)
    mixer = Mixer(16_000, controls)
    before = mixer(SIGNALS)
    mixer.apply(controls.changed(solo=solo))
    mixer(SIGNALS)
    np.testing.assert_array_equal(mixer(SIGNALS), np.stack([alone, alone], axis=1))
    mixer.apply(controls)
    mixer(SIGNALS)
    np.testing.assert_array_equal(mixer(SIGNALS), before)


@given(st.floats(-100, 100, width=32, allow_subnormal=False))
def test_the_limiter_stays_inside_full_scale_and_keeps_the_sign(value: float) -> None:
    result = float(limit(np.array([value], np.float32))[0])
    assert abs(result) <= 1.0 and result * value >= 0.0


@given(st.floats(-LIMITER_KNEE, LIMITER_KNEE, allow_subnormal=False))
def test_the_limiter_leaves_samples_below_the_knee_alone(value: float) -> None:
    assert limit(np.array([value, 5.0], np.float32))[0] == np.float32(value)
