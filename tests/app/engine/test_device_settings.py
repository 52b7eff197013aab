"""Environment variables that change how devices are opened."""

from __future__ import annotations

import pytest

from app.engine.device_settings import LATENCY_S, LATENCY_VARIABLE, RATE_VARIABLE, block_s, latency_s, rates_to_try
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


@pytest.mark.parametrize("latency", [0.016, 0.024, 0.036])
def test_four_blocks_of_an_output_are_its_buffer(latency: float) -> None:
    assert 4 * block_s("output", 0.012, latency) == pytest.approx(latency)


def test_an_input_delivers_a_chunk_at_a_time() -> None:
    assert block_s("input", 0.008, 0.016) == 0.008


@pytest.mark.parametrize("direction", ["input", "output"])
def test_no_block_is_longer_than_a_chunk_or_32_ms(direction: str) -> None:
    assert block_s(direction, 0.004, 0.5) == 0.004
    assert block_s(direction, 1.0, 0.5) == 0.032


def test_a_short_buffer_does_not_make_blocks_that_python_cannot_serve() -> None:
    assert block_s("output", 0.008, 0.005) == 0.002
