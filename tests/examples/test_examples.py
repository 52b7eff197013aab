"""Every program in examples/ runs from any folder and does what its description says."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from sepprune import Ladder

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs an example as a program in an empty folder; returns what it printed."""

    def run_example(name: str, *arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run_example


def figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, text
    return float(found[1])


def test_a_model_is_pruned_to_its_budget_and_rebuilt_from_its_plan(run: Callable[..., str], tmp_path: Path) -> None:
    printed = run("prune_a_model.py", "--macs", "0.5", "--steps", "3")
    assert figure(r"([\d.]+)% of the multiply-adds", printed) <= 50.0
    assert figure(r"differs from the masked model by (\S+)", printed) < 1e-5
    assert "rebuilt from plan.json: the same output" in printed
    assert (tmp_path / "plan.json").is_file()


def test_a_stream_changes_its_level_halfway_and_gives_voices_as_long_as_the_mixture(
    run: Callable[..., str], tmp_path: Path
) -> None:
    mixture, rate = soundfile.read(EXAMPLES.parent / "assets/demo/mixture.flac", frames=5 * 16_000)
    soundfile.write(tmp_path / "mixture.wav", mixture, rate)
    printed = run("stream_in_your_program.py", "mixture.wav", "--out", "voices")
    assert figure(r"(\d+) at level 0", printed) == pytest.approx(figure(r"(\d+) at level 4", printed), abs=5)
    facts = [soundfile.info(tmp_path / "voices" / f"voice{number}.wav") for number in (1, 2)]
    assert [(one.frames, one.samplerate) for one in facts] == [(len(mixture), rate)] * 2


def test_a_ladder_of_three_levels_is_written_and_loads(run: Callable[..., str], tmp_path: Path) -> None:
    run("make_a_ladder.py", "--steps", "4", "--out", "mine")
    costs = [level.macs_per_second for level in Ladder.load(tmp_path / "mine").levels]
    assert len(costs) == 3
    assert costs[1] <= 0.5 * costs[0]
    assert costs[2] <= 0.25 * costs[0]


def test_an_exported_level_gives_the_librarys_output_in_onnx_runtime(run: Callable[..., str]) -> None:
    printed = run("export_to_onnxruntime.py", "--level", "7")
    assert figure(r"largest difference from torch (\S+)", printed) < 1e-5
