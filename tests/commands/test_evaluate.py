from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from rich.console import Console

from sepprune.cli import main
from sepprune.commands.evaluate import _listed, _print, _table
from sepprune.streaming import Ladder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    voices = 0.1 * random.standard_normal((2, 8000))
    for part, signal in (("mix", voices.sum(0)), ("s1", voices[0]), ("s2", voices[1])):
        (tmp_path / part).mkdir()
        soundfile.write(tmp_path / part / "one.flac", signal, 16_000)
    return tmp_path


def test_the_report_names_every_level_asked_for(tcn_ladder: Ladder, data: Path, capsys: pytest.CaptureFixture) -> None:
    assert (
        main(["evaluate", str(tcn_ladder.folder), "--data", str(data), "--levels", "0,2", "--offline", "--json", "-"])
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert [level["level"] for level in report["levels"]] == [0, 2] and report["mixtures"] == 1
    assert {"params", "macs_per_second", "si_sdri", "si_sdri_ci95", "sdri", "input_si_sdr", "per_file"} <= set(
        report["levels"][0]
    )


def test_the_folder_of_mixtures_can_be_named(tcn_ladder: Ladder, data: Path, capsys: pytest.CaptureFixture) -> None:
    (data / "mix_both").mkdir()
    mixture, rate = soundfile.read(data / "mix/one.flac")
    soundfile.write(data / "mix_both/one.flac", mixture + 0.05 * np.random.default_rng(1).standard_normal(8000), rate)
    command = ["evaluate", str(tcn_ladder.folder), "--data", str(data), "--levels", "2", "--offline", "--json", "-"]
    scores = []
    for condition in ([], ["--condition", "mix"], ["--condition", "mix_both"]):
        assert main([*command, *condition]) == 0
        scores.append(json.loads(capsys.readouterr().out)["levels"][0]["input_si_sdr"])
    assert scores[0] == scores[1] > scores[2]


def test_a_gain_makes_mixtures_and_references_louder_alike(
    tcn_ladder: Ladder, data: Path, capsys: pytest.CaptureFixture
) -> None:
    command = ["evaluate", str(tcn_ladder.folder), "--data", str(data), "--levels", "2", "--offline", "--json", "-"]
    reports = []
    for gain in ("0", "-40"):
        assert main([*command, "--gain-db", gain]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    assert [report["gain_db"] for report in reports] == [0, -40]
    before, after = (report["levels"][0] for report in reports)
    assert after["input_si_sdr"] == pytest.approx(before["input_si_sdr"], abs=1e-3)
    assert after["si_sdri"] != before["si_sdri"]  # this separator does not follow the level of its input


def test_people_get_a_table(tcn_ladder: Ladder, data: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["evaluate", str(tcn_ladder.folder), "--data", str(data), "--levels", "1", "--backend", "torch"]) == 0
    assert "SI-SDRi" in capsys.readouterr().out


def test_no_score_is_cut_or_broken_at_80_columns() -> None:
    row = {"level": 0, "params": 12.3e6, "macs_per_second": 1234e6, "swaps": 12, "estoi": 0.87, "pesq": 2.34}
    row |= dict.fromkeys(("input_si_sdr", "active_si_sdr", "leak_db", "worst_leak_db"), -12.34)
    row |= {"sdri": 18.34, "si_sdri": 17.93, "si_sdri_ci95": (15.86, 20.0)}
    file = StringIO()
    _print(Console(file=file, width=80), _table([row], 3, "data", 0.0))
    assert "17.93 ± 2.07" in file.getvalue() and "…" not in file.getvalue()


@pytest.mark.parametrize(
    ("count", "gain_db", "scores", "expected"),
    [
        (3, 0.0, {"si_sdri": 9.0}, "3 mixtures of data, means in dB"),
        (1, 0.0, {"si_sdri": 9.0}, "1 mixture of data, means in dB"),
        (3, -30.0, {"si_sdri": 9.0}, "3 mixtures of data at -30 dB, means in dB"),
        (3, 0.0, {"worst_leak_db": -9.0}, "3 mixtures of data, means and the worst mixture in dB"),
    ],
)
def test_the_title_says_what_is_scored(count: int, gain_db: float, scores: dict[str, float], expected: str) -> None:
    row = {"level": 0, "params": 1e6, "macs_per_second": 1e8, "si_sdri_ci95": None, "si_sdri": None}
    assert _table([row | scores], count, "data", gain_db).title == expected


@pytest.mark.parametrize(
    ("part", "signal", "sentence"),
    [
        (
            "s1",
            np.full(4000, 0.1),
            "1 mixture has another length than a reference: only the time that all files",
        ),
        ("mix", np.r_[np.nan, np.full(7999, 0.1)], "samples that are not finite were replaced by zero in one"),
    ],
)
def test_what_the_scores_leave_out_is_said(
    tcn_ladder: Ladder,
    data: Path,
    capsys: pytest.CaptureFixture,
    part: str,
    signal: NDArray[np.float64],
    sentence: str,
) -> None:
    (data / part / "one.flac").unlink()
    for name in ("mix", "s1", "s2"):
        if name != part:
            (data / name / "one.flac").rename(data / name / "one.wav")
    soundfile.write(data / part / "one.wav", signal, 16_000, "FLOAT")
    assert main(["evaluate", str(tcn_ladder.folder), "--data", str(data), "--levels", "2", "--offline"]) == 0
    assert sentence in capsys.readouterr().err


def test_mixtures_without_any_voice_are_named(tcn_ladder: Ladder, data: Path, capsys: pytest.CaptureFixture) -> None:
    for part in ("s1", "s2"):
        soundfile.write(data / part / "one.flac", np.zeros(8000), 16_000)
    assert main(["evaluate", str(tcn_ladder.folder), "--data", str(data), "--levels", "2", "--offline"]) == 0
    assert "not scored, because every reference is silent: one" in capsys.readouterr().err


@pytest.mark.parametrize(("count", "listed"), [(1, "a"), (3, "a, b, c"), (5, "a, b, c, 2 more")])
def test_many_names_are_shortened(count: int, listed: str) -> None:
    assert _listed(list("abcde"[:count])) == listed


@pytest.mark.parametrize(("levels", "sentence"), [("x", "--levels 'x' is no list"), ("9", "no level 9")])
def test_a_wrong_level_is_one_sentence(
    tcn_ladder: Ladder, data: Path, capsys: pytest.CaptureFixture, levels: str, sentence: str
) -> None:
    assert main(["evaluate", str(tcn_ladder.folder), "--data", str(data), "--levels", levels]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("gain", ["1e300", "inf", "nan", "-121"])
def test_a_gain_that_is_not_possible_is_one_sentence(
    tcn_ladder: Ladder, data: Path, capsys: pytest.CaptureFixture, gain: str
) -> None:
    assert main(["evaluate", str(tcn_ladder.folder), "--data", str(data), f"--gain-db={gain}"]) == 2
    assert capsys.readouterr().err.endswith(" is not possible: give -120 to 120 dB\n")


def test_scores_are_stored_in_the_ladder_under_their_condition(tcn_ladder: Ladder, data: Path, tmp_path: Path) -> None:
    copy, report = tmp_path / "ladder", tmp_path / "report.json"
    shutil.copytree(tcn_ladder.folder, copy)
    assert (
        main(["evaluate", str(copy), "--data", str(data), "--levels", "1", "--store", "clean", "--json", str(report)])
        == 0
    )
    score = json.loads(report.read_text())["levels"][0]["si_sdri"]
    stored = Ladder.load(copy)
    assert stored.levels[1].si_sdri == {"clean": round(score, 2)}
    assert stored.levels[0].si_sdri == tcn_ladder[0].si_sdri
