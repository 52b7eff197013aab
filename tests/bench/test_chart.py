"""The chart shows every row, with and without a floor."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import pytest

from sepprune.bench.chart import plot
from sepprune.bench.times import Report, Row

ROW: Row = {
    "level": 0,
    "backend": "torch",
    "precision": "fp32",
    "chunk_ms": 2.0,
    "p50_ms": 1.0,
    "p95_ms": 1.5,
    "p99_ms": 1.8,
    "max_ms": 2.0,
    "rtf": 0.5,
    "macs_per_second": 1e6,
    "floor_ms": 0.2,
    "cold_floor_ms": 0.3,
    "upkeep_ms": 0.1,
    "threads": 1,
    "chunks": 32,
}


def report(floor_ms: float | None, durations: tuple[float, ...] = (2.0, 4.0)) -> Report:
    rows: list[Row] = [
        {**ROW, "chunk_ms": chunk_ms, "level": level, "macs_per_second": 1e6 / (1 + level), "floor_ms": floor_ms}
        for chunk_ms in durations
        for level in (0, 1)
    ]
    return {"machine": {"processor": "any"}, "rows": rows}


@pytest.mark.parametrize("durations", [(2.0,), (2.0, 4.0)])
@pytest.mark.parametrize("floor_ms", [0.2, None])
def test_the_chart_is_a_whole_picture(tmp_path: Path, floor_ms: float | None, durations: tuple[float, ...]) -> None:
    plot(report(floor_ms, durations), tmp_path / "bench.png")
    picture = matplotlib.image.imread(tmp_path / "bench.png")
    assert picture.std() > 0
    assert (picture[:, [0, -1]] == 1).all(), "something is cut off at the left or right edge"


def test_a_picture_format_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="txt"):
        plot(report(0.2), tmp_path / "bench.txt")
