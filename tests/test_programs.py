"""The programs that try to break the product work themselves: short runs of ``tests.kill``, ``soak`` and ``faults``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import FAULTS, Place, clock_jumps, device_changes_rate
from tests.kill import TARGETS, kill_once
from tests.soak import Desk, write_tiny_ladder


@pytest.mark.parametrize("name", ["settings", "pack"])
def test_a_killed_program_leaves_whole_files(tmp_path: Path, name: str) -> None:
    [target] = [one for one in TARGETS if one.name == name]
    kill_once(target, tmp_path, 1)


@pytest.mark.parametrize("fault", [clock_jumps, device_changes_rate])
def test_the_engine_survives_a_fault(tmp_path: Path, fault: object) -> None:
    assert fault in FAULTS and fault(Place(tmp_path))  # type: ignore[operator]  # a function of the table


def test_two_clocks_lose_no_chunk_and_no_sound_in_virtual_minutes(tmp_path: Path) -> None:
    desk = Desk(write_tiny_ladder(tmp_path / "ladder"), 256)
    desk.run(120)
    desk.separator.close()
    counters = desk.telemetry.counters
    assert counters["chunks"] == desk.blocks == 469
    assert counters["ring_underruns"] == counters["ring_overruns"] == counters["deadline_misses"] == 0
