from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.streaming import Ladder, StreamingSeparator, calibration
from sepprune.streaming.backends import create_backend
from sepprune.streaming.cache import cached
from sepprune.streaming.calibration import calibrate, calibrate_beside, choices, default_choice, measured
from sepprune.streaming.protocols import Backend, CompiledStep, Level, Samples, State


@pytest.fixture(autouse=True)
def unmeasured(tcn_ladder: Ladder) -> None:
    calibration.discard(tcn_ladder, 128)


def test_a_level_that_was_not_measured_is_computed_in_fp32(tcn_ladder: Ladder) -> None:
    with StreamingSeparator(tcn_ladder) as stream:
        assert (stream.backend, stream.precision) == default_choice() == ("openvino", "fp32")
        assert not stream.calibrated


def test_every_level_is_computed_by_the_best_of_its_trials(tcn_ladder: Ladder) -> None:
    trials = calibrate(tcn_ladder, 128, seconds=0.2)
    assert set(choices(trials)) == {0, 1, 2}
    for level, choice in choices(trials).items():
        times = {
            (trial.backend, trial.precision): trial.p50_ms
            for trial in trials
            if trial.level == level and trial.agreement_db >= calibration.AGREEMENT_DB
        }
        usual = times[default_choice()]
        good_enough = min(usual, min(times.values()) / calibration.WORTH_IT)
        assert times[choice] <= good_enough or choice == default_choice()


class _ColdStarter:
    """A backend that computes as the usual one does, and takes 20 ms more after a pause."""

    name, precision = "onnxruntime", "fp32"

    def __init__(self, usual: Backend) -> None:
        self.usual = usual

    def compile(self, level: Level, samples: int) -> CompiledStep:
        return _ColdStep(self.usual.compile(level, samples))


class _ColdStep:
    def __init__(self, step: CompiledStep) -> None:
        self.inner, self.samples, self._last = step, step.samples, 0.0
        self.initial_state, self.cleared, self.end_segment = step.initial_state, step.cleared, step.end_segment

    def step(self, chunk: Samples, state: State) -> tuple[Samples, State]:
        if time.perf_counter() - self._last > 0.004:
            time.sleep(0.02)
        result = self.inner.step(chunk, state)
        self._last = time.perf_counter()
        return result


def test_levels_are_timed_at_live_pace(tcn_ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(name: str, precision: str, threads: int) -> Backend:
        usual = create_backend("openvino", precision, threads)
        return _ColdStarter(usual) if name == "onnxruntime" else usual

    monkeypatch.setattr(calibration, "create_backend", create)
    monkeypatch.setattr(calibration, "available", lambda among: [("openvino", "fp32"), ("onnxruntime", "fp32")])
    trials = calibrate(tcn_ladder, 128, seconds=0.1)
    dense = {trial.backend: trial.p50_ms for trial in trials if trial.level == 0}
    assert dense["onnxruntime"] >= 20
    assert set(choices(trials).values()) == {("openvino", "fp32")}


def test_what_was_measured_is_remembered(tcn_ladder: Ladder) -> None:
    trials = calibrate(tcn_ladder, 128, seconds=0.1)
    assert measured(tcn_ladder, 128) == trials
    with StreamingSeparator(tcn_ladder) as stream:
        assert stream.calibrated
        assert dict(enumerate(stream.choices)) == choices(trials)


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [(0.2, 0.1, True), (9.0, 8.0, True), (9.0, 1.0, False), (None, 1.0, True), (9.0, None, True)],
    ids=["calm", "still busy", "busy before", "not known before", "not known now"],
)
def test_what_was_measured_on_a_busy_machine_is_measured_again_on_a_calm_one(
    tcn_ladder: Ladder, monkeypatch: pytest.MonkeyPatch, before: float | None, now: float | None, kept: bool
) -> None:
    monkeypatch.setattr(calibration.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(calibration, "load", lambda: before)
    trials = calibrate(tcn_ladder, 512, seconds=0.01)
    monkeypatch.setattr(calibration, "load", lambda: now)
    assert measured(tcn_ladder, 512) == (trials if kept else None)


def test_another_chunk_is_another_measurement(tcn_ladder: Ladder) -> None:
    calibrate(tcn_ladder, 128, seconds=0.1)
    assert measured(tcn_ladder, 256) is None


def test_a_measurement_that_was_stopped_leaves_nothing(tcn_ladder: Ladder) -> None:
    assert calibrate_beside(tcn_ladder, 128, 1, stop=lambda: True) is None
    assert measured(tcn_ladder, 128) is None


def test_a_process_of_its_own_measures_for_this_one(tcn_ladder: Ladder) -> None:
    trials = calibrate_beside(tcn_ladder, 128, 1, stop=lambda: False)
    assert set(choices(trials)) == {0, 1, 2} and measured(tcn_ladder, 128) == trials


def test_damaged_files_are_one_sentence_from_that_process_too(tcn_ladder: Ladder, tmp_path: Path) -> None:
    copy = Ladder.load(shutil.copytree(tcn_ladder.folder, tmp_path / "ladder"))
    (copy.folder / "level-1.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="level-1.safetensors"):
        calibrate_beside(copy, 128, 1, stop=lambda: False)


def test_a_precision_that_departs_from_fp32_is_not_chosen(tcn_ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "AGREEMENT_DB", 200.0)
    trials = calibrate(tcn_ladder, 128, seconds=0.1)
    assert {precision for _, precision in choices(trials).values()} == {"fp32"}
    assert {trial.precision for trial in trials if trial.level > 0} == {"fp32"}


def test_eager_torch_does_not_take_part(tcn_ladder: Ladder) -> None:
    assert "torch" not in {trial.backend for trial in calibrate(tcn_ladder, 128, seconds=0.1)}


@pytest.mark.parametrize("named", [{"backend": "openvino"}, {"precision": "fp32"}])
def test_what_was_named_is_not_chosen_for(tcn_ladder: Ladder, named: dict[str, str]) -> None:
    calibrate(tcn_ladder, 128, seconds=0.1)
    with StreamingSeparator(tcn_ladder, **named) as stream:
        assert stream.calibrated and set(stream.choices) == {("openvino", "fp32")}


def test_a_calibration_beside_a_stream_leaves_the_level_that_runs(tcn_ladder: Ladder) -> None:
    with StreamingSeparator(tcn_ladder) as stream:
        before = stream.backend, stream.precision
        stream.calibrate()
        assert (stream.backend, stream.precision) == before


def test_levels_that_need_conversion_are_left_out_of_a_quick_preparation(
    tcn_ladder: Ladder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPPRUNE_CACHE", str(tmp_path))
    with StreamingSeparator(tcn_ladder, backend="onnxruntime") as stream:
        converted = len(list(tmp_path.iterdir()))
        stream.prepare(quick=True)
        assert len(list(tmp_path.iterdir())) == converted == 1
        stream.prepare()
        assert len(list(tmp_path.iterdir())) == len(tcn_ladder.levels)


@pytest.mark.parametrize(
    "stored",
    [
        "[" * 100_000,
        "{}",
        "[5]",
        '[{"level": 0}]',
        '[{"level": 99, "backend": "openvino", "precision": "fp32", "p50_ms": 1, "agreement_db": Infinity}]',
        '[{"level": 0, "backend": "other", "precision": "fp32", "p50_ms": 1, "agreement_db": Infinity}]',
        '[{"level": 0, "backend": "openvino", "precision": "fp32", "p50_ms": NaN, "agreement_db": 1}]',
    ],
)
def test_a_cache_entry_that_is_no_measurement_is_measured_again(tcn_ladder: Ladder, stored: str) -> None:
    def save(folder: Path) -> None:
        (folder / "trials.json").write_text(stored)

    cached(calibration._key(tcn_ladder, 64, 1), save)
    assert measured(tcn_ladder, 64) is None
    calibration.discard(tcn_ladder, 64)
