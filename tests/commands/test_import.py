"""``sepprune import``: a folder that is a MODEL and a LADDER, for every command, at the separator's own rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sepprune.cli import main
from sepprune.pruning import load_pruned
from sepprune.streaming import Ladder
from tests.importing.checkpoints import espnet
from tests.importing.narrowband import imported
from tests.streaming.ladders import babble

KINDS = {"espnet skim": ("espnet", "skim"), "espnet tcn": ("espnet", "tcn"), "asteroid": ("asteroid", "")}
KEYS = {"family", "sample_rate", "sources", "latency_ms", "params", "macs_per_second", "causal"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        kind: imported(tmp_path_factory.mktemp("import"), program, separator)
        for kind, (program, separator) in KINDS.items()
    }


def report_of(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    path = tmp_path / "report.json"
    assert main([*arguments, "--json", str(path)]) == 0
    report: dict[str, Any] = json.loads(path.read_text())
    return report


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_says_what_was_imported(kind: str, folders: dict[str, Path]) -> None:
    report = json.loads((folders[kind].parent / "i.json").read_text())
    assert report.keys() >= KEYS
    window = 16 if kind == "asteroid" else 8
    assert (report["sample_rate"], report["sources"], report["causal"]) == (8000, 2, True)
    assert report["latency_ms"] == window / 8
    assert report["look_ahead_samples"] == window - 1
    assert report["family"] == ("tasnet-skim" if "skim" in kind else "tasnet-tcn")


@pytest.mark.parametrize("kind", KINDS)
def test_analyze_counts_a_second_at_its_own_rate(kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    report = report_of(tmp_path, "analyze", str(folders[kind]))
    first = json.loads((folders[kind].parent / "i.json").read_text())
    assert (report["params"], report["macs_per_second"]) == (first["params"], first["macs_per_second"])
    assert report["look_ahead_limited"] and report["look_ahead_layers"] == []
    assert report["blocked"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_prune_keeps_half_of_it(kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "pruned"
    arguments = ["prune", str(folders[kind]), "--method", "l2", "--macs", "0.5", "--out", str(out)]
    report = report_of(tmp_path, *arguments)
    assert 0.45 < report["macs_after"] / report["macs_before"] <= 0.5
    assert report["max_abs_difference"] < 1e-5
    assert (out / "plan.json").is_file()


def test_a_pruned_model_is_named_where_a_ladder_is_expected_and_loads_as_the_page_says(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half, folder = tmp_path / "half", folders["espnet tcn"]
    report = report_of(
        tmp_path,
        "prune",
        str(folder),
        "--method",
        "l2",
        "--macs",
        "0.5",
        "--data",
        str(mixtures(tmp_path / "data", 16_000)),
        "--out",
        str(half),
    )
    assert main(["evaluate", str(half), "--data", str(tmp_path / "data")]) == 2
    said = capsys.readouterr().err
    assert "is the result of `sepprune prune`, no ladder: load it in Python with sepprune.load_pruned" in said
    loaded = load_pruned(half, Ladder.load(folder).build(0))
    assert sum(weight.numel() for weight in loaded.parameters()) == report["params_after"]


def test_prune_does_not_say_that_the_weights_are_random(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["prune", str(folders["asteroid"]), "--method", "l2", "--macs", "0.5", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert "random" not in capsys.readouterr().err


def test_masks_are_learned_on_mixtures_at_its_own_rate(folders: dict[str, Path], tmp_path: Path) -> None:
    data = mixtures(tmp_path / "data", 8000)
    arguments = ["prune", str(folders["espnet tcn"]), "--macs", "0.6", "--data", str(data), "--steps", "2"]
    report = report_of(tmp_path, *arguments, "--seconds", "0.2", "--out", str(tmp_path / "pruned"))
    assert report["macs_after"] <= 0.6 * report["macs_before"]


def test_another_rate_is_refused(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(folders["asteroid"]), "--sample-rate", "16000"]) == 2
    assert "--sample-rate is 16000, the separator works at 8000 Hz" in capsys.readouterr().err


def mixtures(folder: Path, rate: int) -> Path:
    random = np.random.default_rng(0)
    voices = [babble(0.5, rate), 0.05 * random.standard_normal(rate // 2).astype(np.float32)]
    for name, signal in (("mix", sum(voices)), ("s1", voices[0]), ("s2", voices[1])):
        (folder / name).mkdir(parents=True)
        soundfile.write(folder / name / "one.wav", signal, rate)
    return folder


def test_it_is_a_ladder_of_one_level_for_the_other_commands(folders: dict[str, Path], tmp_path: Path) -> None:
    ladder, data = str(folders["espnet skim"]), mixtures(tmp_path / "data", 16_000)
    scores = report_of(tmp_path, "evaluate", ladder, "--data", str(data), "--chunk-ms", "5")
    assert [level["level"] for level in scores["levels"]] == [0]
    report = report_of(tmp_path, "separate", str(data / "mix/one.wav"), ladder, "--out", str(tmp_path / "voices"))
    assert report["sample_rate"] == 8000 and len(report["outputs"]) == 2
    export = ["export", ladder, "--format", "openvino", "--chunk-ms", "1", "--out", str(tmp_path / "level.xml")]
    report = report_of(tmp_path, *export)
    assert report["max_abs_difference"] < 1e-5
    assert (report["samples"], report["sample_rate"]) == (8, 8000)
    timed = ["bench", ladder, "--seconds", "0.05", "--chunk-ms", "0.5,3", "--backend", "openvino"]
    assert [row["chunk_ms"] for row in report_of(tmp_path, *timed)["rows"]] == [0.5, 3.0]


def test_what_stood_at_the_folder_stays_where_the_checkpoint_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = imported(tmp_path, "espnet", "tcn")
    before = Ladder.load(folder).digest
    espnet(tmp_path, "tcn", norm_type="BN")
    (tmp_path / "config.yaml").write_text((tmp_path / "config.yaml").read_text().replace("BN", "gLN"))
    assert main(["import", "espnet", str(tmp_path), "--out", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "cannot stream, since norm_type gLN" in said and said.count("\n") == 1
    assert Ladder.load(folder).digest == before
