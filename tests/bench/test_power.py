"""Mains or battery, as macOS tells it."""

from __future__ import annotations

import pytest

from sepprune.bench.power import from_pmset
from sepprune.bench.sysfs import Missing


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("Now drawing from 'AC Power'\n", ("mains", None)),
        ("Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged; 0:00 remaining\n", ("mains", 100)),
        ("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t7%; discharging;\n", ("battery", 7)),
    ],
)
def test_source_and_charge_are_read_from_pmset(printed: str, found: tuple[str, int | None]) -> None:
    assert from_pmset(printed) == found


def test_other_output_is_a_reason() -> None:
    with pytest.raises(Missing, match="macOS does not say"):
        from_pmset("")
