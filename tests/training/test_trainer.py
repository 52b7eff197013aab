import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sepprune.commands.train
from sepprune.cli import main
from sepprune.data.corpus import Collection
from sepprune.errors import UserError
from sepprune.ladders.weights import load_model, load_weights
from sepprune.separators import build_separator
from sepprune.training.learner import Learner
from sepprune.training.settings import load_settings
from sepprune.training.trainer import Trainer
from sepprune.training.validation import si_sdr_improvement, validation_sets

MODEL = {"features": 16, "hidden": 24, "blocks": 2, "segment": 10, "memory": 8}


@pytest.fixture
def config(tmp_path: Path, data_folder: Path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(
        textwrap.dedent(f"""
        out = "{tmp_path / "run"}"
        data = "{data_folder}"
        threads = 1
        validate_minutes = 0.03
        validation_mixtures = 4
        [model]
        name = "skim"
        settings = {{features = 16, hidden = 24, blocks = 2, segment = 10, memory = 8}}
        [mixtures]
        seconds = 0.8
        batch = 2
        [optimiser]
        learning_rate = 0.01
        warmup = 5
        """)
    )
    return path


def train(config: Path, seconds: float, **options: bool) -> dict[str, float]:
    settings = load_settings(str(config))
    torch.manual_seed(0)
    student = Learner(settings, load_model(settings.model), options.pop("resume", False))
    (report,) = Trainer(settings, [student]).run(seconds / 60, **options)
    return report


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.is_file() and process.poll() is None:
        time.sleep(0.05)


@pytest.mark.parametrize("entry", ["imitation = 0.5", 'hints = ["norm"]'])
def test_what_only_a_teacher_can_give_is_an_error_without_one(
    config: Path, entry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sepprune.commands.train, "keep_memory", lambda: None)  # it would start pytest again
    config.write_text(f"{entry}\n{config.read_text()}")
    assert main(["train", str(config)]) == 2
    assert "no teacher here" in capsys.readouterr().err


def test_training_lowers_the_loss_and_keeps_the_best_weights(config: Path, tmp_path: Path) -> None:
    report = train(config, 6)
    lines = (tmp_path / "run/log.csv").read_text().splitlines()
    losses = [float(line.split(",")[3]) for line in lines[1:]]
    assert losses[-1] < losses[0]
    settings = load_settings(str(config))
    kept = build_separator("skim", **MODEL)
    load_weights(kept, tmp_path / "run/best.safetensors")
    score = si_sdr_improvement(kept, *validation_sets(Collection(settings.data), settings.mixtures, 4)["clean"])
    assert abs(score - report["best_si_sdri"]) < 1e-3


def test_a_resumed_run_goes_on_counting(config: Path) -> None:
    first = train(config, 2)
    second = train(config, 2, resume=True)
    assert second["steps"] > first["steps"] and second["seconds"] > first["seconds"]


def test_a_killed_run_resumes_from_its_last_checkpoint(config: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sepprune", "train", str(config), "--minutes", "5"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    log = tmp_path / "run/log.csv"
    wait_for(tmp_path / "run/last.pt", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    steps = int(log.read_text().splitlines()[1].split(",")[0])
    assert train(config, 1, resume=True)["steps"] > steps


def test_a_termination_signal_saves_before_it_ends(config: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sepprune", "train", str(config), "--minutes", "5", "--json", "-"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE)
    wait_for(tmp_path / "run/last.pt", process)
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and b'"steps"' in output


def test_a_started_run_is_not_overwritten(config: Path) -> None:
    train(config, 1)
    with pytest.raises(UserError, match="already holds a run: add --resume"):
        train(config, 1)


def test_with_a_teacher_the_student_learns_the_teachers_order(config: Path) -> None:
    settings = load_settings(str(config))
    torch.manual_seed(0)
    student, teacher = load_model(settings.model), load_model(settings.model)
    Trainer(settings, [Learner(settings, student)], teacher).run(1 / 60)
    assert all(not parameter.requires_grad for parameter in teacher.parameters())


def test_a_student_among_others_learns_what_it_would_learn_alone(config: Path, tmp_path: Path) -> None:
    settings = load_settings(str(config))

    def student(folder: str, seed: int) -> Learner:
        torch.manual_seed(seed)
        return Learner(replace(settings, out=str(tmp_path / folder)), load_model(settings.model))

    alone, first, second = student("alone", 1), student("first", 0), student("second", 1)
    Trainer(settings, [alone]).run_updates(3)
    Trainer(settings, [first, second]).run_updates(3)
    torch.testing.assert_close(alone.separator.state_dict(), second.separator.state_dict())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("seconds = 0.8", "secs = 0.8"), r"unknown entry 'secs': choose from batch"),
        (('name = "skim"', 'name = "skin"'), r"no separator is called 'skin'"),
        (("batch = 2", "batch = "), r"not valid TOML"),
        (("data = ", "datum = "), r"unknown entry 'datum'"),
    ],
)
def test_a_wrong_configuration_is_one_sentence_and_status_2(
    config: Path,
    change: tuple[str, str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    config.write_text(config.read_text().replace(*change))
    assert main(["train", str(config)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and re.search(sentence, error)
