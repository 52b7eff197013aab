"""Numbers of a training run that would fail, not end or teach nothing are refused with their limits."""

from __future__ import annotations

import dataclasses
import re

import pytest

from sepprune.errors import UserError
from sepprune.training.limits import check_limits
from sepprune.training.settings import TrainingSettings

SETTINGS = TrainingSettings("out", "data")


def changed(table: str, name: str, value: object) -> TrainingSettings:
    if not table:
        return dataclasses.replace(SETTINGS, **{name: value})
    inner = dataclasses.replace(getattr(SETTINGS, table), **{name: value})
    return dataclasses.replace(SETTINGS, **{table: inner})


@pytest.mark.parametrize(
    ("table", "name", "value", "expected"),
    [
        ("", "seed", -1, "0 to 9007199254740992"),
        ("", "validation_mixtures", 0, "1 to 100000"),
        ("", "validate_minutes", -1.0, "0 to 527040"),
        ("", "threads", -1, "0 to 1024"),
        ("", "imitation", 1.5, "0 to 1"),
        ("", "hint_weight", -1.0, "0 to 1000"),
        ("mixtures", "batch", 0, "1 to 4096"),
        ("mixtures", "seconds", 0.01, "0.1 to 600"),
        ("mixtures", "seconds", 1e6, "0.1 to 600"),
        ("mixtures", "speed", 1.5, "0 to 0.5"),
        ("mixtures", "formants", -0.1, "0 to 0.5"),
        ("mixtures", "difference_db", -5.0, "0 to 60"),
        ("mixtures", "rooms", -1, "0 to 100000"),
        ("mixtures", "noise", -0.1, "0 to 1"),
        ("mixtures", "clip", 1.5, "0 to 1"),
        ("mixtures", "level_db", (-1000.0, -18.0), "-100 to 0"),
        ("mixtures", "level_db", (-18.0, 20.0), "-100 to 0"),
        ("mixtures", "snr_db", (-1e30, 5.0), "-60 to 100"),
        ("optimiser", "learning_rate", 0.0, "more than 0 and at most 1"),
        ("optimiser", "learning_rate", 1000.0, "more than 0 and at most 1"),
        ("optimiser", "weight_decay", -1.0, "0 to 1000"),
        ("optimiser", "warmup", 2_000_000, "0 to 1000000"),
        ("optimiser", "clip", 0.0, "0.001 to 1000000"),
        ("optimiser", "ema", 1.0, "0 to 0.99999"),
    ],
)
def test_a_number_beyond_its_limits_is_refused(table: str, name: str, value: object, expected: str) -> None:
    with pytest.raises(UserError, match=rf"^{name} \S+ is not possible: give {re.escape(expected)}$"):
        check_limits(changed(table, name, value))


@pytest.mark.parametrize("name", ["level_db", "snr_db"])
def test_a_range_in_the_wrong_order_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is -5 to -35: give the lower end first"):
        check_limits(changed("mixtures", name, (-5.0, -35.0)))


def test_the_defaults_are_within_the_limits() -> None:
    check_limits(SETTINGS)
