from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import pytest
import torch

from sepprune.cli import main
from sepprune.streaming import Ladder
from tests.streaming.ladders import babble

FORMATS = pytest.mark.parametrize(("format", "suffix"), [("onnx", ".onnx"), ("openvino", ".xml")])


def export(ladder: Ladder, out: Path, format: str, *more: str) -> int:
    return main(["export", str(ladder.folder), "--format", format, "--out", str(out), "--chunk-ms", "4", *more])


def ports(path: Path) -> tuple[set[str], set[str]]:
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(path)
        return {port.name for port in session.get_inputs()}, {port.name for port in session.get_outputs()}
    model = openvino.Core().read_model(path)
    return {port.any_name for port in model.inputs}, {port.any_name for port in model.outputs}


@FORMATS
def test_the_written_file_computes_what_torch_does(
    skim_ladder: Ladder, tmp_path: Path, format: str, suffix: str, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / f"level{suffix}"
    assert export(skim_ladder, out, format, "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["file"] == str(out) and report["max_abs_difference"] < 1e-4
    assert (report["segment"], report["calls_per_segment"], report["samples"]) == (6, 3, 64)


@FORMATS
def test_signal_and_state_go_in_and_out_by_name(tcn_ladder: Ladder, tmp_path: Path, format: str, suffix: str) -> None:
    out = tmp_path / f"level{suffix}"
    assert export(tcn_ladder, out, format) == 0
    assert ports(out) == ({"signal", "state"}, {"sources", "new_state"})


def test_a_level_without_segments_is_one_file(tcn_ladder: Ladder, tmp_path: Path) -> None:
    assert export(tcn_ladder, tmp_path / "level.onnx", "onnx") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["level.onnx"]


def test_the_explanation_is_enough_to_run_the_files_elsewhere(
    skim_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert export(skim_ladder, tmp_path / "level.onnx", "onnx") == 0
    assert "After every 3 calls (a segment of 6 frames), run" in capsys.readouterr().out
    step, end = (onnxruntime.InferenceSession(tmp_path / name) for name in ("level.onnx", "level.end_segment.onnx"))
    signal, state = (np.zeros(port.shape, "f4") for port in step.get_inputs())
    mixture, parts = babble(0.2)[: 64 * 40], []
    for number, chunk in enumerate(mixture.reshape(-1, 64), 1):
        signal = np.append(signal[:, 64:], chunk[None], axis=1)
        sources, carried = step.run(["sources", "new_state"], {"signal": signal, "state": state})
        state[:, : carried.size] = carried
        parts.append(sources[0])
        if number % 3 == 0:
            (state,) = end.run(["new_state"], {"state": state})
    with torch.inference_mode():
        batch = skim_ladder.build(0)(torch.from_numpy(mixture)[None])[0][0].numpy()
    np.testing.assert_allclose(np.concatenate(parts, axis=1), batch, atol=1e-4)


@pytest.mark.parametrize(
    ("out", "more", "sentence"),
    [("level.txt", (), "does not end in .onnx"), ("level.onnx", ("--level", "9"), "no level 9")],
)
def test_a_wrong_argument_is_one_sentence(
    tcn_ladder: Ladder, tmp_path: Path, capsys: pytest.CaptureFixture, out: str, more: tuple[str, ...], sentence: str
) -> None:
    assert export(tcn_ladder, tmp_path / out, "onnx", *more) == 2
    assert sentence in capsys.readouterr().err
