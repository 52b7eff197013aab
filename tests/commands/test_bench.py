from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from sepprune.bench.times import Row
from sepprune.cli import main
from sepprune.commands.bench import times_table
from sepprune.streaming import Ladder
from sepprune.streaming.machine import machine
from tests.light import ROOT, LightEnvironment, light

__all__ = ["light"]


def bench(ladder: Ladder, *more: str) -> int:
    return main(["bench", str(ladder.folder), "--seconds", "0.1", "--backend", "torch", "--levels", "0", *more])


def test_the_report_has_the_machine_and_the_rows(tcn_ladder: Ladder, capsys: pytest.CaptureFixture) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2,8", "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["machine"]["cores"] >= 1 and [row["chunk_ms"] for row in report["rows"]] == [2, 8]
    assert {
        "level",
        "backend",
        "precision",
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "max_ms",
        "rtf",
        "macs_per_second",
        "floor_ms",
    } <= set(report["rows"][0])


def test_chunks_that_are_no_whole_hops_are_raised_once_with_a_note(
    tcn_ladder: Ladder, capsys: pytest.CaptureFixture
) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "0.5,1,2", "--json", "-") == 0
    printed = capsys.readouterr()
    assert [row["chunk_ms"] for row in json.loads(printed.out)["rows"]] == [2]
    assert "became 2 ms" in printed.err


def test_people_get_a_table(tcn_ladder: Ladder, capsys: pytest.CaptureFixture) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "8", "--backend", "onnxruntime") == 0
    assert "onnxruntime fp32" in capsys.readouterr().out


@pytest.mark.parametrize("milliseconds", [0.276, 5.31, 48.2, 231.9])
def test_the_table_fits_80_columns_however_fast_the_machine_is(milliseconds: float) -> None:
    row: Row = {
        "level": 0,
        "backend": "onnxruntime",
        "precision": "fp32",
        "threads": 1,
        "chunk_ms": 0.375,
        **dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "max_ms", "floor_ms", "cold_floor_ms"), milliseconds),
        "rtf": 1.25,
        "macs_per_second": 1234e6,
        "upkeep_ms": 0.0,
        "chunks": 400,
    }
    console = Console(width=80, file=io.StringIO())
    console.print(times_table({"machine": machine(), "rows": [row]}))
    printed = console.file.getvalue()
    assert "onnxruntime fp32" in printed and "…" not in printed


def test_the_plot_is_written_and_said(tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--plot", str(tmp_path / "[1].png")) == 0
    assert f"The plot is in {tmp_path / '[1].png'}" in capsys.readouterr().err
    assert (tmp_path / "[1].png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--chunk-ms", "fast"), "--chunk-ms 'fast' is no list"),
        (("--seconds", "0"), "--seconds 0 is not possible"),
        (("--seconds", "inf"), "--seconds inf is not possible: give more than 0 and at most 86400"),
        (("--seconds", "nan"), "--seconds nan is not possible"),
        (("--seconds", "1e8"), "--seconds 1e+08 is not possible"),
        (("--report", "a", "--quick", "--seconds", "1e300"), "--seconds 1e+300 is not possible"),
        (("--report", "a", "--seconds", "1e10"), "--seconds 1e+10 is not possible"),
        (("--backend", "abacus"), "no backend is called 'abacus'"),
        (("--plot", "/nowhere/at/all.png"), "there is no folder /nowhere/at"),
        (("--plot", "chart.txt"), "--plot chart.txt does not end in .png"),
        (("--threads", "two"), "--threads 'two' is no list"),
        (("--threads", "0"), "0 threads are not possible"),
    ],
)
def test_a_wrong_argument_is_one_sentence(
    tcn_ladder: Ladder, capsys: pytest.CaptureFixture, more: tuple[str, ...], sentence: str
) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", *more) == 2
    assert sentence in capsys.readouterr().err


def test_a_report_has_both_files_and_what_programs_need(
    tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "new" / "report"
    assert bench(tcn_ladder, "--chunk-ms", "2", "--report", str(folder), "--soak", "0.001", "--json", "-") == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((folder / "report.json").read_text())
    assert {name: printed[name] for name in ("verdict", "warnings", "safe", "machine")} == {
        name: written[name] for name in ("verdict", "warnings", "safe", "machine")
    }
    assert [(row["paced"], row["soak"]) for row in written["rows"]] == [(False, False), (True, False), (True, True)]
    assert {
        "level", "backend", "precision", "chunk_ms", "paced", "chunks", "p50_ms", "p95_ms", "p99_ms",
        "p99_interval_ms", "max_ms", "misses", "miss_rate_upper", "rtf", "raw",
    } <= set(written["rows"][0])  # fmt: skip
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_an_interruption_before_the_first_block_leaves_an_older_report_alone(
    tcn_ladder: Ladder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "report.html").write_text("older")
    monkeypatch.setattr("sepprune.bench.latency.StreamingSeparator", interrupted)
    assert bench(tcn_ladder, "--chunk-ms", "2", "--report", str(tmp_path)) == 130
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "older"
    assert "no report is written" in capsys.readouterr().err


def test_people_get_the_verdict_and_the_place_of_the_page(
    tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--quick", "--report", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "machine" in printed and str(tmp_path / "report.html") in printed.replace("\n", "")


def test_two_reports_are_compared_and_the_page_is_written(
    tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--report", str(tmp_path)) == 0
    report, page = str(tmp_path / "report.json"), tmp_path / "compared.html"
    assert main(["bench", "--compare", report, report, "--out", str(page)]) == 0
    capsys.readouterr()
    assert main(["bench", "--compare", report, report, "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {"level", "chunk_ms", "ratio", "interval", "different"} <= set(rows[0])
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--quick",), "--quick is for a latency report"),
        (("--soak", "5"), "--soak is for a latency report"),
        (("--seed", "5"), "--seed is for a latency report"),
        (("--out", "a.html"), "is for a comparison"),
        (("--report", "a", "--compare", "a", "b"), "give one of them"),
        (("--compare", "a.json", "b.json"), "is for measuring"),
        (("--report", "a", "--plot", "a.png"), "--plot a.png is for runs without"),
        (("--report", "/dev/null/report"), "cannot write /dev/null/report"),
        (("--report", "a", "--soak", "0"), "--soak 0 is not possible"),
        (("--report", "a", "--soak", "1e300"), "--soak 1e+300 is not possible: give more than 0 and at most 1440 min"),
        (("--report", "a", "--soak", "inf"), "--soak inf is not possible"),
    ],
)
def test_options_of_reports_that_make_no_sense_are_one_sentence(
    tcn_ladder: Ladder, capsys: pytest.CaptureFixture, words: tuple[str, ...], sentence: str
) -> None:
    assert bench(tcn_ladder, *words) == 2
    assert sentence in capsys.readouterr().err


def test_a_report_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture) -> None:
    assert main(["bench", "--compare", "/nowhere/a.json", "/nowhere/b.json"]) == 2
    assert "cannot read /nowhere/a.json" in capsys.readouterr().err


def test_a_report_needs_no_extra(light: LightEnvironment, tmp_path: Path) -> None:
    words = ("bench", "--report", str(tmp_path / "report"), "--levels", "7", "--seconds", "0.1", "--chunk-ms", "8")
    assert "level 7 at 8 ms" in light.run("-m", "sepprune", *words, folder=ROOT, home=tmp_path).stdout


def test_a_report_under_load_says_so(tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--report", str(tmp_path), "--load", "1", "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["busy_processes"] == 1 and report["verdict"].startswith("Beside a busy process, ")


def test_progress_for_programs_is_lines_of_json_up_to_the_end(
    tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--report", str(tmp_path), "--progress") == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert lines[-1]["share"] == 1.0 and set(lines[-1]) == {"share", "seconds", "of_seconds"}


def test_reports_become_a_page_of_machines(tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--report", str(tmp_path / "mine")) == 0
    page = tmp_path / "laptops.md"
    capsys.readouterr()
    assert main(["bench", "--table", str(tmp_path), "--out", str(page), "--json", "-"]) == 0
    [row] = json.loads(capsys.readouterr().out)["rows"]
    assert row["processor"] in page.read_text(encoding="utf-8") and row["level"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--load", "2"), "--load is for a latency report"),
        (("--report", "DIR", "--load", "-1"), "--load -1 is not possible"),
        (("--table", "reports", "--levels", "0"), "--levels 0 is for measuring"),
        (("--table", "reports", "--report", "DIR"), "--report measures and --table does not"),
        (("--table", "reports", "--compare", "a", "b"), "two ways to show reports"),
    ],
)
def test_options_of_reports_that_do_not_go_together_are_one_sentence(
    capsys: pytest.CaptureFixture, arguments: tuple[str, ...], sentence: str
) -> None:
    assert main(["bench", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_note_is_in_the_report_and_on_its_page(
    tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--report", str(tmp_path), "--note", "lid <closed>") == 0
    assert json.loads((tmp_path / "report.json").read_text())["note"] == "lid <closed>"
    assert "lid &lt;closed&gt;" in (tmp_path / "report.html").read_text(encoding="utf-8")
