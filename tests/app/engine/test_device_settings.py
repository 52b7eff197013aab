"""Environment variables that change how devices are opened."""

from __future__ import annotations

import pytest

from app.engine.device_settings import LATENCY_S, LATENCY_VARIABLE, RATE_VARIABLE, latency_s, rates_to_try
from sepprune.errors import UserError


def test_a_forced_rate_that_is_no_number_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RATE_VARIABLE, "fast")
    with pytest.raises(UserError, match="expected a rate in hertz"):
        rates_to_try(16_000, 48_000)


def test_the_separator_s_rate_is_tried_first_and_the_device_s_own_last() -> None:
    assert rates_to_try(16_000, 48_000) == (16_000, 48_000, 44_100, 48_000)


def test_drivers_are_asked_for_the_latency_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LATENCY_VARIABLE, raising=False)
    assert latency_s() == LATENCY_S
    monkeypatch.setenv(LATENCY_VARIABLE, "16")
    assert latency_s() == 0.016


@pytest.mark.parametrize("given", ["short", "4", "501", "16.5", "-16"])
def test_a_latency_that_is_not_possible_is_a_sentence(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LATENCY_VARIABLE, given)
    with pytest.raises(UserError, match=f"SEPPRUNE_DEVICE_LATENCY_MS is '{given}': expected whole milliseconds"):
        latency_s()
