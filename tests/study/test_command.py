"""``sepprune study`` from the command line: create, simulate, merge."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import soundfile

from sepprune.cli import main
from sepprune.streaming import Ladder
from sepprune.study.archive import read_study
from sepprune.study.session import start_session
from tests.streaming.ladders import babble, converted_levels, skim_ladder, tcn_ladder
from tests.study.studies import answer_somehow

__all__ = ["converted_levels", "skim_ladder", "tcn_ladder"]
Capture = pytest.CaptureFixture[str]


def create(ladder: Ladder, folder: Path, *more: str) -> int:
    soundfile.write(folder / "talk.wav", babble(3.0), 16_000)
    arguments = [
        "--audio",
        str(folder / "talk.wav"),
        "--ladder",
        str(ladder.folder),
        "--backend",
        "torch",
        "--chunk-ms",
        "500",
    ]
    return main(["study", "create", *arguments, "--seconds", "1", "--out", str(folder / "study.zip"), *more])


def told(capsys: Capture) -> dict[str, object]:
    return dict(json.loads(capsys.readouterr().out))


def test_a_study_is_made_simulated_and_merged(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    assert create(tcn_ladder, tmp_path, "--method", "abx", "--levels", "0,2", "--seed", "7", "--json", "-") == 0
    report = told(capsys)
    assert (report["method"], report["items"], report["seed"], report["trials"]) == ("abx", 6, 7, 27)
    assert report["conditions"] == ["level-0", "level-2", "anchor35"]
    assert isinstance(report["largest_loudness_difference_lu"], float)
    results, study = str(tmp_path / "results"), str(tmp_path / "study.zip")
    simulated = ["--listener", "perfect", "--sessions", "7", "--results", results, "--json", "-"]
    assert main(["study", "simulate", study, *simulated]) == 0
    report = told(capsys)
    assert [report[key] for key in ("sessions", "power", "false_alarms")] == [7, 1.0, None]
    assert "interval_coverage" in report
    times = {"rows": [{"level": level, "chunk_ms": 8.0, "p50_ms": 2.0 - level / 2} for level in (0, 2)]}
    (tmp_path / "times.json").write_text(json.dumps(times))
    out = ["--out", str(tmp_path / "out"), "--times", str(tmp_path / "times.json"), "--json", "-"]
    assert main(["study", "merge", results, *out]) == 0
    report = told(capsys)
    assert report["listeners"] == 7 and report["excluded"] == [] and report["trials"] == 7 * 16
    assert report["by_level"][0]["level"] == 2 and report["by_level"][0]["chunk_ms"] == 1.0  # type: ignore[index]  # JSON
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_study_with_fewer_items_than_wanted_says_so(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    assert create(tcn_ladder, tmp_path, "--method", "abx", "--items", "7") == 0
    assert "6 items (7 were wanted, no more are loud enough" in " ".join(capsys.readouterr().out.split())


def test_the_demo_is_the_default_recording(tmp_path: Path, capsys: Capture) -> None:
    arguments = [
        "--method",
        "abx",
        "--levels",
        "6,7",
        "--items",
        "2",
        "--seconds",
        "2",
        "--backend",
        "torch",
        "--chunk-ms",
        "500",
    ]
    assert main(["study", "create", *arguments, "--out", str(tmp_path / "demo.zip"), "--json", "-"]) == 0
    report = told(capsys)
    assert report["items"] == 2 and float(str(report["largest_loudness_difference_lu"])) <= 0.1


def test_clean_voices_of_a_test_folder_become_the_reference(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture
) -> None:
    for folder, seconds in (("mix", 3.0), ("s1", 3.0), ("s2", 3.0)):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a.wav", babble(seconds), 16_000)
    arguments = ["--data", str(tmp_path), "--ladder", str(tcn_ladder.folder), "--backend", "torch", "--chunk-ms", "500"]
    out = ["--method", "mushra", "--seconds", "1", "--out", str(tmp_path / "study.zip"), "--json", "-"]
    assert main(["study", "create", *arguments, *out]) == 0
    report = told(capsys)
    assert report["conditions"] == ["level-0", "level-1", "level-2", "reference", "anchor35", "mixture"]
    assert (report["items"], report["trials"]) == (6, 7)


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--method", "abx", "--levels", "0,99"],
        ["create", "--method", "abx", "--levels", "x"],
        ["create", "--method", "opinion"],
        ["create", "--method", "abx", "--times", "missing.json"],
        ["create", "--method", "abx", "--out", "study.txt"],
        ["simulate", "missing.zip", "--listener", "guess", "--sessions", "1", "--results", "r"],
        ["simulate", "missing.zip", "--listener", "guess", "--sessions", "1", "--results", "r", "--seed", "-1"],
        ["merge", "missing.jsonl", "--out", "o"],
    ],
)
def test_mistakes_are_one_sentence(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture, arguments: list[str]) -> None:
    if arguments[0] == "create":
        assert create(tcn_ladder, tmp_path, *arguments[1:]) == 2
    else:
        assert main(["study", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("sepprune study: ") and error.count("\n") == 1


def test_a_researchers_own_texts_reach_the_study_and_answers_to_them_the_table(
    tcn_ladder: Ladder, tmp_path: Path
) -> None:
    files = {"consent": "I agree.", "instructions": "Listen.", "questionnaire": "hearing: Any trouble with hearing?"}
    options = []
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        options += [f"--{name}", str(tmp_path / name)]
    assert create(tcn_ladder, tmp_path, "--method", "abx", "--levels", "0,2", "--headphone-check", *options) == 0
    study = read_study(tmp_path / "study.zip")
    assert (study.texts.consent, study.texts.instructions) == ("I agree.", "Listen.")
    assert study.texts.questionnaire == {"hearing": "Any trouble with hearing?"} and study.facts["headphone_check"]
    session = start_session(study, tmp_path / "results", "L1", {"hearing": "no"})
    trial = session.trial()
    assert trial is not None
    answer_somehow(session, trial)
    assert main(["study", "merge", str(tmp_path / "results"), "--out", str(tmp_path / "out")]) == 0
    with open(tmp_path / "out" / "answers.csv", newline="", encoding="utf-8") as file:
        assert [row["about_hearing"] for row in csv.DictReader(file)] == ["no"]


@pytest.mark.parametrize("option", ["--consent", "--instructions", "--questionnaire"])
def test_a_text_that_is_missing_is_told_before_anything_is_rendered(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture, option: str
) -> None:
    assert create(tcn_ladder, tmp_path, "--method", "abx", "--levels", "0,2", option, "missing.txt") == 2
    assert f"cannot read {option} missing.txt" in capsys.readouterr().err
