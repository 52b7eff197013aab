"""The cold floor is the time to read a level's weights once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.bench.cold import BYTES, cold_floors
from tests.streaming.ladders import small_ladder


def test_every_level_and_precision_has_a_time(tmp_path: Path) -> None:
    ladder = small_ladder(tmp_path, "skim")
    wanted = [(level.level, precision) for level in ladder.levels for precision in BYTES]
    found = cold_floors(ladder, wanted, passes=3, caches=2**20)
    assert list(found) == wanted and min(found.values()) > 0


@pytest.mark.parametrize("passes", [1, 4])
def test_a_level_that_is_asked_for_twice_is_measured_once(tmp_path: Path, passes: int) -> None:
    assert list(cold_floors(small_ladder(tmp_path, "skim"), [(0, "fp32")] * 2, passes, 2**20)) == [(0, "fp32")]
