from __future__ import annotations

import json
from pathlib import Path

import pytest

from sepprune.cli import main
from sepprune.streaming import Ladder


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


def test_people_get_a_table_that_fits_80_columns(tcn_ladder: Ladder, capsys: pytest.CaptureFixture) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "8", "--backend", "onnxruntime") == 0
    table = capsys.readouterr().out
    assert "onnxruntime fp32" in table and "…" not in table


def test_the_plot_is_written(tcn_ladder: Ladder, tmp_path: Path) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", "--plot", str(tmp_path / "bench.png")) == 0
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--chunk-ms", "fast"), "--chunk-ms fast is no list"),
        (("--seconds", "0"), "--seconds 0 is not possible"),
        (("--backend", "abacus"), "no backend is called 'abacus'"),
        (("--plot", "/nowhere/at/all.png"), "cannot draw"),
        (("--threads", "two"), "--threads two is no list"),
        (("--threads", "0"), "0 threads are not possible"),
    ],
)
def test_a_wrong_argument_is_one_sentence(
    tcn_ladder: Ladder, capsys: pytest.CaptureFixture, more: tuple[str, str], sentence: str
) -> None:
    assert bench(tcn_ladder, "--chunk-ms", "2", *more) == 2
    assert sentence in capsys.readouterr().err
