"""When a driver is asked for a longer buffer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.engine import device_side
from app.engine.device_side import GRACE_S, LOSSES_S, Side


@pytest.fixture
def side(monkeypatch: pytest.MonkeyPatch) -> Side[Any]:
    """A microphone that was opened at second 0."""
    monkeypatch.setattr(device_side.time, "perf_counter", lambda: 0.0)
    side: Side[Any] = Side("input", "usb")
    side.opened(SimpleNamespace(port=SimpleNamespace(losses=0, last_call=0.0)))  # type: ignore[arg-type]
    return side


def lost(side: Side[Any], *seen: tuple[float, int]) -> list[bool]:
    """Whether sound was lost, asked at these seconds, with this many losses so far."""
    answers = []
    for now, losses in seen:
        assert side.device is not None
        side.device.port.losses = losses
        answers.append(side.has_lost_sound(now))
    return answers


def test_two_losses_within_the_time_are_enough(side: Side[Any]) -> None:
    assert lost(side, (GRACE_S + 1, 1), (GRACE_S + LOSSES_S, 2)) == [False, True]


def test_losses_that_are_far_apart_are_not(side: Side[Any]) -> None:
    assert not any(lost(side, *((GRACE_S + 1 + number * (LOSSES_S + 1), number) for number in range(5))))


@pytest.mark.parametrize(("last_call", "never"), [(0.0, True), (1.0, True), (GRACE_S + 60.0, False)])
def test_a_device_that_stops_soon_after_it_was_opened_has_never_settled(
    side: Side[Any], last_call: float, never: bool
) -> None:
    assert side.device is not None
    side.device.port.last_call = last_call
    assert side.never_settled == never


def test_losses_of_a_device_that_was_just_opened_do_not_count(side: Side[Any]) -> None:
    assert lost(side, (1.0, 5), (GRACE_S + 1, 5), (GRACE_S + 2, 6)) == [False] * 3
