"""Reports of several machines as one table: what a report says, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sepprune.bench.laptops import laptops_page, machines
from sepprune.bench.latency import ReportSettings
from sepprune.bench.times import Contender
from sepprune.checked import LARGEST_JSON
from sepprune.errors import UserError
from tests.bench.virtual import synthetic_report


def law(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
    return 0.5**one.level


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of two machines, one with levels 0, 2 and 4 at 4 and 8 ms, one with a level at 16 ms."""
    folder = tmp_path_factory.mktemp("reports")
    settings = {
        "first": ReportSettings([0, 2, 4], [4.0, 8.0], [("openvino", "fp32")], seconds=1.0),
        "second": ReportSettings([3], [16.0], [("torch", "fp32")], seconds=1.0),
    }
    for name, one in settings.items():
        (folder / name).mkdir()
        (folder / name / "report.json").write_text(json.dumps(synthetic_report(law, one)))
    return folder


def test_each_report_gives_its_densest_and_lightest_level_nearest_to_8_ms(folder: Path) -> None:
    rows = [(row["report"], row["level"], row["chunk_ms"], row["p50_ms"]) for row in machines(folder)]
    assert rows == [
        (str(Path("first/report.json")), 0, 8.0, 1.0),
        (str(Path("first/report.json")), 4, 8.0, 0.0625),
        (str(Path("second/report.json")), 3, 16.0, 0.125),
    ]


def test_the_page_has_a_line_for_each_row_and_the_verdicts(folder: Path) -> None:
    rows = machines(folder)
    page = laptops_page(rows, "sepprune bench --table reports")
    assert sum(line.startswith("| ") for line in page.splitlines()) == 2 + len(rows)
    assert all(row["verdict"] in page for row in rows) and "`sepprune bench --table reports`" in page


def test_the_table_says_what_ran_beside_a_measurement(folder: Path) -> None:
    page = laptops_page([{**machines(folder)[0], "busy_processes": 2}], "command")
    assert "| 2 | 0, 8 ms |" in page


def test_an_older_report_without_load_and_note_had_none(folder: Path, tmp_path: Path) -> None:
    report = json.loads((folder / "first/report.json").read_text())
    del report["busy_processes"], report["note"]
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert (machines(tmp_path)[0]["busy_processes"], machines(tmp_path)[0]["note"]) == (0, "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "has no report.json"),
        ("{}", "is no latency report"),
        ('{"format": "sepprune-latency-report", "version": 1}', "is damaged"),
    ],
)
def test_what_cannot_be_a_table_is_one_sentence(tmp_path: Path, content: str | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(UserError, match=sentence):
        machines(tmp_path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("warnings",), 5),
        (("warnings",), "hello"),
        (("warnings",), [5, None]),
        (("verdict",), "a\nb"),
        (("made",), 5),
        (("note",), "\x1b[31m"),
        (("rows", 0, "p50_ms"), "x"),
        (("rows", 0, "misses"), "x"),
        (("rows", 0, "paced"), "yes"),
        (("rows", 0, "p99_interval_ms"), [1]),
        (("machine", "processor", "value"), "evil\n | \x1b[31m"),
        (("machine", "processor", "value"), "y" * 300),
        (("machine", "load", "value"), [1]),
        (("machine", "system"), 5),
    ],
)
def test_a_value_of_another_type_or_with_control_characters_is_one_sentence(
    folder: Path, tmp_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    report = json.loads((folder / "first/report.json").read_text())
    inner = report
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    (tmp_path / "report.json").write_text(json.dumps(report))
    with pytest.raises(UserError) as error:
        laptops_page(machines(tmp_path), "command")
    assert str(error.value).isprintable() and "report.json" in str(error.value)


def test_a_report_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "report.json").open("wb") as file:
        file.truncate(LARGEST_JSON + 1)
    with pytest.raises(UserError, match="has 67 MB, expected at most 67 MB"):
        machines(tmp_path)
