"""The live app and the commands on finished ladders run where nothing else is installed than what they need."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepprune.resources import asset
from tests.light import HEAVY, ROOT, LightEnvironment, light

__all__ = ["light"]


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A second of the demo mixture."""
    samples, rate = soundfile.read(asset("demo/mixture.flac"), 16_000, start=32_000, dtype="float32")
    soundfile.write(tmp_path / "second.wav", samples, rate, subtype="FLOAT")
    return tmp_path / "second.wav"


def test_the_environment_has_none_of_the_heavy_packages(light: LightEnvironment, tmp_path: Path) -> None:
    script = f"import importlib.util; print([name for name in {HEAVY} if importlib.util.find_spec(name)])"
    assert light.run("-c", script, folder=tmp_path, home=tmp_path).stdout.strip() == "[]"


def test_the_live_app_separates_the_demo(light: LightEnvironment, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    light.run(
        *("-m", "app", "--headless", "--seconds", "2", "--output", "none", "--report", str(report)),
        folder=ROOT,
        home=tmp_path / "home",
    )
    content = json.loads(report.read_text(encoding="utf-8"))
    assert content["backend"] == "openvino" and content["levels"][0]["chunks"] > 50


def test_the_window_opens_and_shows_the_engine_at_work(light: LightEnvironment, tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    light.run(
        *("-m", "app", "--output", "none", "--seconds", "2", "--screenshot", str(picture)),
        folder=ROOT,
        home=tmp_path / "home",
    )
    assert picture.stat().st_size > 10_000


def test_a_file_is_separated(light: LightEnvironment, tmp_path: Path, second: Path) -> None:
    light.run(
        *("-m", "sepprune", "separate", str(second), "--level", "4", "--out", str(tmp_path / "out")),
        folder=ROOT,
        home=tmp_path / "home",
    )
    voices = [soundfile.read(path)[0] for path in sorted((tmp_path / "out").iterdir())]
    assert [len(voice) for voice in voices] == [16_000, 16_000] and np.abs(voices).max() > 0.01


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (("analyze", "skim"), "torch"),
        (("export", "--format", "onnx", "--out", "level.onnx"), "torch"),
        (("separate", "second.wav", "--backend", "onnxruntime", "--out", "out"), "onnxruntime"),
    ],
)
def test_what_needs_an_extra_names_it_and_the_command(
    light: LightEnvironment, tmp_path: Path, second: Path, arguments: tuple[str, ...], package: str
) -> None:
    variables = {"PYTHONPATH": str(ROOT)}
    ended = light.run("-m", "sepprune", *arguments, folder=second.parent, home=tmp_path / "home", status=2, **variables)
    [sentence] = ended.stderr.strip().splitlines()
    assert f"needs the package {package}, which is not installed: install the extra" in sentence
    assert "python3 run.py setup" in sentence


def test_help_needs_no_extra(light: LightEnvironment, tmp_path: Path) -> None:
    assert "separate" in light.run("-m", "sepprune", "--help", folder=ROOT, home=tmp_path).stdout


def test_pruning_without_torch_is_one_sentence(light: LightEnvironment, tmp_path: Path) -> None:
    script = "import sepprune\ntry:\n    sepprune.prune\nexcept sepprune.UserError as error:\n    print(error)"
    output = light.run("-c", script, folder=ROOT, home=tmp_path).stdout
    assert output.startswith("sepprune.prune needs the package torch") and "extra 'train'" in output
