import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sepprune.commands.train
from sepprune.cli import main
from sepprune.data.collection import Collection
from sepprune.errors import UserError
from sepprune.ladders.weights import load_model, load_weights
from sepprune.separators import build_separator
from sepprune.separators.calling import delay_of, sources_of
from sepprune.training.batches import BatchSource, batch_source, training_batches
from sepprune.training.learner import Learner
from sepprune.training.lessons import layer_inputs
from sepprune.training.settings import TrainingSettings, load_settings
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


def train(config: Path, updates: int, resume: bool = False, cooldown: bool = False) -> dict[str, float]:
    """Train by a clock that advances by a second per update, so that the speed of the machine does not matter."""
    settings = replace(load_settings(str(config)), validate_minutes=10 / 60)
    torch.manual_seed(0)
    learner = Learner(settings, load_model(settings.model), resume)
    ticks = itertools.count()
    (report,) = Trainer(settings, [learner], clock=lambda: float(next(ticks))).run(updates / 60, cooldown)
    return report


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.is_file() and process.poll() is None:
        time.sleep(0.05)


@pytest.mark.parametrize("entry", ["imitation = 0.5", 'hints = ["norm"]'])
def test_imitation_and_hints_need_a_teacher(
    config: Path, entry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sepprune.commands.train, "keep_memory", lambda: None)  # it would restart pytest
    config.write_text(f"{entry}\n{config.read_text()}")
    assert main(["train", str(config)]) == 2
    assert "no teacher here" in capsys.readouterr().err


def test_training_lowers_the_loss_and_keeps_the_best_weights(config: Path, tmp_path: Path) -> None:
    report = train(config, 60)
    lines = (tmp_path / "run/log.csv").read_text().splitlines()
    losses = [float(line.split(",")[3]) for line in lines[1:]]
    assert losses[-1] < losses[0]
    settings = load_settings(str(config))
    kept = build_separator("skim", **MODEL)
    load_weights(kept, tmp_path / "run/best.safetensors")
    score = si_sdr_improvement(kept, *validation_sets(Collection(settings.data), settings.mixtures, 4)["clean"])
    assert abs(score - report["best_si_sdri"]) < 1e-3


def test_a_resumed_run_continues_counting(config: Path) -> None:
    first = train(config, 5)
    second = train(config, 5, resume=True)
    assert second["steps"] == 2 * first["steps"] and second["seconds"] == 2 * first["seconds"]


def test_a_resumed_run_continues_as_if_it_had_not_been_interrupted(config: Path, tmp_path: Path) -> None:
    settings = load_settings(str(config))

    def learner(folder: str, resume: bool = False) -> Learner:
        torch.manual_seed(0)
        return Learner(replace(settings, out=str(tmp_path / folder)), load_model(settings.model), resume)

    def run(one: Learner, updates: int) -> None:
        ticks = itertools.count()
        Trainer(settings, [one], clock=lambda: float(next(ticks))).run(updates / 60)

    whole, half = learner("whole"), learner("half")
    settings = replace(settings, validate_minutes=500_000)
    run(whole, 7)
    run(half, 4)
    rest = learner("half", resume=True)
    run(rest, 4)
    assert whole.counters.steps == 6 and rest.counters.steps == 2 * half.counters.steps == 6
    torch.testing.assert_close(whole.average.state_dict(), rest.average.state_dict())


def test_validations_come_at_their_interval(config: Path, tmp_path: Path) -> None:
    train(config, 35)
    lines = (tmp_path / "run/log.csv").read_text().splitlines()[1:]
    assert [float(line.split(",")[1]) for line in lines] == [10, 21, 32, 35]  # a validation takes a tick as well


def test_the_step_size_falls_to_zero_where_it_is_asked_for(config: Path, tmp_path: Path) -> None:
    train(config, 30, cooldown=True)
    rates = [float(line.split(",")[5]) for line in (tmp_path / "run/log.csv").read_text().splitlines()[1:]]
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.002


def test_a_killed_run_resumes_from_its_last_checkpoint(config: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sepprune", "train", str(config), "--minutes", "5"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    log = tmp_path / "run/log.csv"
    wait_for(log, process)  # it is written after the checkpoint
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    steps = int(log.read_text().splitlines()[1].split(",")[0])
    assert train(config, 2, resume=True)["steps"] > steps


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_termination_signal_saves_before_it_ends(config: Path, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sepprune", "train", str(config), "--minutes", "5", "--json", "-"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE)
    wait_for(tmp_path / "run/last.pt", process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and json.loads(output)["complete"] is False


class Broken(torch.utils.data.Dataset):
    """Batches that cannot be made."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        raise ArithmeticError(f"batch {index} cannot be made")


def broken_clock() -> Iterator[float]:
    """Seconds, and an error after two updates."""
    yield from (0.0, 1.0, 2.0, 3.0)
    raise ArithmeticError("there is no time")


@pytest.mark.parametrize("where", ["in the process that makes batches", "in the loop"])
def test_an_exception_ends_the_processes_that_make_batches(config: Path, where: str) -> None:
    settings, ticks = load_settings(str(config)), broken_clock()
    learner, source = Learner(settings, load_model(settings.model)), BatchSource(Broken())
    if where == "in the loop":
        trainer = Trainer(settings, [learner], clock=lambda: next(ticks))
    else:
        trainer = Trainer(settings, [learner], source=source)
    with pytest.raises(ArithmeticError) as kept:  # it holds the frames of the loop, as the end of a program does
        trainer.run(1.0)
    assert not multiprocessing.active_children(), kept


def test_a_started_run_is_not_overwritten(config: Path) -> None:
    train(config, 1)
    with pytest.raises(UserError, match="already holds a run: add --resume"):
        train(config, 1)


def in_order(learner: Learner, teacher: torch.nn.Module, settings: TrainingSettings) -> bool:
    """Whether the sources of a learner are nearer to the teacher's in their order than in the other one."""
    mixture, _ = training_batches(settings, seed=99)[0]
    with torch.no_grad():
        said, taught = (sources_of(one, mixture, delay_of(one)) for one in (learner.separator, teacher))
    return bool((said - taught).square().sum() < (said - taught.flip(1)).square().sum())


def test_with_a_teacher_a_separator_learns_the_teachers_order(config: Path) -> None:
    settings = load_settings(str(config))
    torch.manual_seed(0)
    teacher, other = load_model(settings.model), load_model(settings.model)
    learner = Learner(replace(settings, imitation=0.5), other)
    Trainer(settings, [learner], teacher).run_updates(60)
    assert all(not parameter.requires_grad for parameter in teacher.parameters())
    assert in_order(learner, teacher, settings)


def test_a_learner_among_others_learns_what_it_would_learn_alone(config: Path, tmp_path: Path) -> None:
    settings = load_settings(str(config))

    def learner(folder: str, seed: int) -> Learner:
        torch.manual_seed(seed)
        return Learner(replace(settings, out=str(tmp_path / folder)), load_model(settings.model))

    alone, first, second = learner("alone", 1), learner("first", 0), learner("second", 1)
    Trainer(settings, [alone]).run_updates(3)
    Trainer(settings, [first, second]).run_updates(3)
    torch.testing.assert_close(alone.separator.state_dict(), second.separator.state_dict())


def test_a_teacher_that_learns_itself_learns_as_if_alone_and_teaches_its_order(config: Path, tmp_path: Path) -> None:
    settings = load_settings(str(config))

    def learner(folder: str, seed: int, imitation: float = 0.0) -> Learner:
        torch.manual_seed(seed)
        own = replace(settings, out=str(tmp_path / folder), imitation=imitation)
        return Learner(own, load_model(settings.model))

    alone, teacher, other = learner("alone", 1), learner("teacher", 1), learner("other", 0, 0.5)
    Trainer(settings, [alone]).run_updates(60)
    Trainer(settings, [other, teacher], teacher).run_updates(60)
    torch.testing.assert_close(alone.separator.state_dict(), teacher.separator.state_dict())
    assert in_order(other, teacher.separator, settings)


def test_mixtures_rendered_on_the_device_train_as_those_of_the_processor(config: Path, tmp_path: Path) -> None:
    settings = load_settings(str(config))
    losses = []
    for on_device in (False, True):
        torch.manual_seed(0)
        own = replace(settings, out=str(tmp_path / str(on_device)))
        learner = Learner(own, load_model(settings.model))
        Trainer(own, [learner], source=batch_source(own, on_device)).run_updates(5)
        losses.append(learner.mean_loss())
    assert losses[0] == pytest.approx(losses[1], abs=0.3)


class LastNorm:
    """Hints for separators of the same shape: compares the inputs of the last norm."""

    layers = ("norm",)

    def distance(self, features: dict[str, torch.Tensor], lesson: dict[str, torch.Tensor]) -> torch.Tensor:
        return (features["norm"] - lesson["norm"]).square().mean()


@pytest.mark.parametrize("learns", [False, True], ids=["fixed teacher", "teacher that learns"])
def test_hints_bring_the_features_of_a_learner_nearer_to_its_teachers(
    config: Path, tmp_path: Path, learns: bool
) -> None:
    def distance_after_training(weight: float) -> float:
        settings = replace(load_settings(str(config)), hint_weight=weight)
        torch.manual_seed(0)
        dense = load_model(settings.model)
        own = replace(settings, out=str(tmp_path / f"{weight}"))
        learner = Learner(own, load_model(settings.model), hints=LastNorm())
        if learns:
            teacher = Learner(replace(settings, out=str(tmp_path / f"{weight}-teacher")), dense)
            Trainer(settings, [teacher, learner], teacher).run_updates(30)
        else:
            Trainer(settings, [learner], dense).run_updates(30)
        mixture, _ = training_batches(settings, seed=99)[0]
        with torch.no_grad(), layer_inputs(dense, ["norm"]) as lesson, layer_inputs(learner.separator, ["norm"]) as own:
            sources_of(dense, mixture, 0)
            sources_of(learner.separator, mixture, 0)
        return float(LastNorm().distance(own, lesson))

    assert distance_after_training(10.0) < 0.5 * distance_after_training(0.0)


def test_a_run_prints_one_json_object_and_its_progress_elsewhere(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sepprune.commands.train, "keep_memory", lambda: None)
    assert main(["train", str(config), "--minutes", "0.02", "--json", "-"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["steps"] > 0 and "h of mixtures" in output.err


def test_a_benchmark_is_one_json_object_and_leaves_no_run(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sepprune.commands.train, "keep_memory", lambda: None)
    assert main(["train", str(config), "--benchmark", "0.5", "--json", "-"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["hours_per_hour"] > 0 and "hours of mixtures per hour" in output.err
    assert not (tmp_path / "run").exists()
