"""Runners of a ladder's levels: made once, used again."""

from __future__ import annotations

import numpy as np
import pytest

from sepprune.streaming import Ladder
from sepprune.streaming.compiled import CompiledLevels
from sepprune.streaming.runner import LevelRunner
from tests.streaming.ladders import babble


@pytest.fixture
def levels(skim_ladder: Ladder) -> CompiledLevels:
    return CompiledLevels(skim_ladder, 128, "openvino", "fp32")


def heard(runner: LevelRunner) -> np.ndarray:
    parts = np.zeros((50, 2, 128), np.float32)
    for chunk, out in zip(babble(0.4).reshape(-1, 128), parts, strict=True):
        runner.step(chunk, out)
    return parts


def test_a_runner_that_was_given_back_is_handed_out_again(levels: CompiledLevels) -> None:
    runner = levels.open(1)
    levels.give_back(runner)
    assert levels.open(1) is runner and levels.open(1) is not runner


def test_a_runner_that_is_used_again_starts_from_silence_in_its_own_order(levels: CompiledLevels) -> None:
    runner = levels.open(1)
    first = heard(runner)
    runner.order = (1, 0)
    levels.give_back(runner)
    np.testing.assert_array_equal(heard(levels.open(1)), first)


def test_after_a_preparation_nothing_is_left_to_make(
    levels: CompiledLevels, skim_ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels.prepare(lambda: False)
    monkeypatch.setattr("sepprune.streaming.compiled.LevelRunner", None)
    assert [levels.open(level.level).level.level for level in skim_ladder.levels] == [0, 1, 2]
