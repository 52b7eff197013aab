"""Comparisons of synthetic machines: no difference where there is none, and a difference where there is one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from sepprune.bench.compare import LARGEST_BOUND, Comparison, Key, Side, compare, largest_difference, read_side
from sepprune.bench.compare_page import compare_page
from sepprune.bench.latency import LatencyReport, ReportSettings
from sepprune.errors import UserError
from tests.bench.pages import Page, embedded
from tests.bench.virtual import synthetic_report

REPEATS = 40
SETTINGS = ReportSettings([0, 4], [8.0], [("openvino", "fp32")], seconds=10.0)


def report(seed: int, factor: float = 1.0, settings: ReportSettings = SETTINGS) -> LatencyReport:
    """A machine that is slower by a factor."""
    return synthetic_report(
        lambda random, one, chunk_ms, time: factor * float(random.lognormal(0, 0.15)), settings, seed
    )


def side(seed: int, factor: float = 1.0, runs: int = 1, rows: int = 4) -> Side:
    """Runs of one machine, whose blocks are drawn directly; runs differ by 1 %."""
    random = np.random.default_rng(seed)
    keys = [Key(level, 8.0, "openvino", "fp32", 1, True) for level in range(rows)]
    found = []
    for _ in range(runs):
        run = factor * float(random.lognormal(0, 0.01)) if runs > 1 else factor
        found.append({key: list(run * random.lognormal(0, 0.15, (20, 64))) for key in keys})
    return Side(f"side {seed}", "processor", "mains", 0, found)


def write(folder: Path, content: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(content))
    return folder / "report.json"


@pytest.mark.parametrize("runs", [1, 9])
def test_a_machine_against_itself_shows_no_difference_in_95_percent_of_repeats(runs: int) -> None:
    same = [compare(side(seed, runs=runs), side(1000 + seed, runs=runs)) for seed in range(REPEATS)]
    assert sum(one["conclusion"].startswith("No difference") for one in same) >= 0.95 * REPEATS


@pytest.mark.parametrize("runs", [1, 9])
def test_a_backend_that_is_slower_by_five_percent_is_found_in_90_percent_of_repeats(runs: int) -> None:
    found = [compare(side(seed, runs=runs), side(1000 + seed, 1.05, runs)) for seed in range(REPEATS)]
    assert sum(all(row["different"] for row in one["rows"]) for one in found) >= 0.9 * REPEATS


def test_the_same_report_twice_has_a_ratio_of_one(tmp_path: Path) -> None:
    one = read_side(write(tmp_path, report(0)))
    result = compare(one, one)
    assert {(row["ratio"], row["different"]) for row in result["rows"]} == {(1.0, False)}
    assert all(row["statement"].startswith("no difference larger than") for row in result["rows"])


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Side, Side]:
    folder = tmp_path_factory.mktemp("compare")
    first, second = read_side(write(folder / "a", report(1))), read_side(write(folder / "b", report(2, 1.5)))
    return compare(first, second), first, second


def test_two_reports_are_compared_row_by_row(slower: tuple[Comparison, Side, Side]) -> None:
    result = slower[0]
    assert [(row["level"], row["paced"]) for row in result["rows"]] == [(0, False), (0, True), (4, False), (4, True)]
    assert [row["ratio"] for row in result["rows"]] == pytest.approx([1.5] * 4, rel=0.03)
    assert result["unit"] == "part of a run" and "slower in 4 of 4 rows" in result["conclusion"]


def test_the_page_of_a_comparison_requests_nothing_and_has_text_for_every_plot(
    slower: tuple[Comparison, Side, Side],
) -> None:
    page = compare_page(*slower)
    parsed = Page(page)
    assert parsed.links == ["data:,"] and len(parsed.pictures) == parsed.captions == 4
    assert embedded(page) == slower[0] and slower[0]["conclusion"] in page


def test_nine_runs_of_each_side_make_the_run_the_unit(tmp_path: Path) -> None:
    quick = ReportSettings([0], [8.0], [("openvino", "fp32")], seconds=0.6)
    for name in "ab":
        for run in range(9):
            write(tmp_path / name / str(run), report(run + 10 * ord(name), settings=quick))
    result = compare(read_side(tmp_path / "a"), read_side(tmp_path / "b"))
    assert result["unit"] == "run" and not any("counts as one run" in note for note in result["notes"])


def test_a_difference_in_power_is_noted(slower: tuple[Comparison, Side, Side]) -> None:
    _, first, second = slower
    battery = Side(second.name, second.processor, "battery", 0, second.runs)
    assert any("power source" in note for note in compare(first, battery)["notes"])


def test_a_measurement_beside_busy_processes_is_noted(slower: tuple[Comparison, Side, Side]) -> None:
    _, first, second = slower
    loaded = Side(second.name, second.processor, second.power, 2, second.runs)
    assert any("second side was measured beside 2 busy processes" in note for note in compare(first, loaded)["notes"])
    assert not any("busy" in note for note in compare(first, second)["notes"])


def test_opposite_differences_are_told_apart_and_not_averaged() -> None:
    slow, fast = Key(0, 8.0, "openvino", "fp32", 1, True), Key(1, 8.0, "openvino", "fp32", 1, True)
    random = np.random.default_rng(0)

    def made(name: str, factors: dict[Key, float]) -> Side:
        blocks = {key: list(factor * random.lognormal(0, 0.05, (20, 64))) for key, factor in factors.items()}
        return Side(name, "processor", "mains", 0, [blocks])

    result = compare(made("first", {slow: 1.0, fast: 1.0}), made("second", {slow: 1.2, fast: 0.8}))
    assert re.match(
        r"The second side is slower in 1 of 2 rows, by (19|20|21)\.\d%, and faster in 1 of 2 rows, by (19|20|21)\.\d%",
        result["conclusion"],
    )
    assert [row["statement"].split(" (")[0].split(" by ")[0] for row in result["rows"]] == ["slower", "faster"]


def test_too_few_blocks_give_no_ratio() -> None:
    few = Side("few", "processor", "mains", 0, [{Key(0, 8.0, "openvino", "fp32", 1, True): [np.ones(64)]}])
    result = compare(few, few)
    assert result["rows"][0]["ratio"] is None and result["rows"][0]["different"] is None
    assert result["conclusion"] == "Too few blocks to compare."


def restless(name: str, seed: int, runs: int = 1) -> Side:
    """Runs of a machine whose speed changes several times over from block to block."""
    random = np.random.default_rng(seed)
    key = Key(0, 8.0, "openvino", "fp32", 1, True)
    speeds = random.lognormal(0, 0.8, (runs, 20, 1))
    return Side(name, "p", "mains", 0, [{key: list(run * random.lognormal(0, 0.1, (20, 64)))} for run in speeds])


@pytest.mark.parametrize(("runs", "words"), [(1, "into 10 consecutive parts"), (9, "median chunk times of its runs")])
def test_the_times_beside_a_ratio_are_those_that_it_divides(runs: int, words: str) -> None:
    first, second = restless("first", 0, runs), restless("second", 1, runs)
    result = compare(first, second)
    [row] = result["rows"]
    assert row["ratio"] == pytest.approx(row["second_ms"] / row["first_ms"], rel=1e-9)
    page = compare_page(result, first, second)
    assert words in page and "geometric mean of the median chunk times" in page


def test_runs_that_allow_a_large_difference_say_that_they_cannot_tell() -> None:
    result = compare(restless("first", 0), restless("second", 1))
    [row] = result["rows"]
    assert row["interval"] is not None and not row["different"]
    most = largest_difference(*row["interval"])
    assert most > LARGEST_BOUND
    assert row["statement"] == f"cannot tell: a difference of up to {most:.1%} may be hidden"
    assert result["conclusion"] == (
        f"These runs cannot tell whether the sides differ: a difference of up to {most:.1%} may be hidden in 1 of 1 "
        "row, so measure longer (--seconds) on a machine that does nothing else, each side nine times."
    )


def test_one_row_is_not_called_rows() -> None:
    result = compare(side(0, rows=1), side(1, rows=2))
    assert result["conclusion"].endswith("in the only row.")
    assert "Intervals hold for the only row at 95% (Bonferroni)." in result["notes"]
    assert "1 row is missing on one side or in one run, and is left out." in result["notes"]


def test_the_largest_difference_looks_in_both_directions() -> None:
    assert largest_difference(0.8, 1.1) == pytest.approx(0.25)


def test_nine_runs_against_one_are_refused() -> None:
    with pytest.raises(UserError, match="has 9 runs"):
        compare(side(0, runs=9), side(1))


def test_sides_without_a_common_row_are_refused() -> None:
    with pytest.raises(UserError, match="in common"):
        compare(side(0, rows=1), Side("other", "p", "mains", 0, [{Key(9, 8.0, "torch", "fp32", 1, True): []}]))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"rows": []}, "is no latency report"),
        ({"format": "sepprune-latency-report", "version": 99}, "has version 99"),
        ({"format": "sepprune-latency-report", "version": 1, "rows": [{}]}, "is damaged"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, content: object, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_side(write(tmp_path, content))


@pytest.mark.parametrize(("key", "value"), [("paced", "yes"), ("paced", []), ("soak", None), ("backend", "a\nb")])
def test_a_row_whose_names_are_of_other_types_is_refused(tmp_path: Path, key: str, value: object) -> None:
    content = report(1)
    content["rows"][0][key] = value
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"has '{key}' .*, expected "):
        read_side(tmp_path / "report.json")


def test_damaged_raw_times_are_refused(tmp_path: Path) -> None:
    content = report(0)
    content["rows"][0]["raw"]["chunks"][0] += 1
    with pytest.raises(UserError, match="is damaged"):
        read_side(write(tmp_path, content))


def test_missing_files_empty_folders_and_a_few_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_side(tmp_path / "none.json")
    with pytest.raises(UserError, match="has no report.json"):
        read_side(tmp_path)
    for run in range(3):
        write(tmp_path / str(run), {})
    with pytest.raises(UserError, match="has 3 reports"):
        read_side(tmp_path)
    (tmp_path / "text.json").write_text("no JSON")
    with pytest.raises(UserError, match="is no JSON"):
        read_side(tmp_path / "text.json")
