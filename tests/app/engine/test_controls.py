"""The live controls: one value that is checked as a whole."""

from __future__ import annotations

import pickle

import pytest

from app.engine.controls import ROUTINGS, SIGNALS, Controls
from sepprune.errors import UserError


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"level": 3}, r"there is no level 3: choose from 0 \(dense\) to 2 \(lightest\)"),
        ({"level": -1}, "there is no level -1"),
        ({"routing": "everything"}, "there is no routing 'everything': choose from mixture, voice1"),
        ({"solo": "split"}, "there is no solo 'split': choose from mixture, voice1, voice2"),
    ],
)
def test_a_value_that_is_not_possible_is_a_sentence_with_the_choices(values: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Controls(**values).check(levels=3)


@pytest.mark.parametrize("routing", ROUTINGS)
@pytest.mark.parametrize("solo", [None, *SIGNALS])
def test_every_routing_and_solo_is_possible(routing: str, solo: str | None) -> None:
    Controls(level=2, routing=routing, solo=solo).check(levels=3)


def test_solo_outranks_bypass_and_bypass_outranks_routing() -> None:
    controls = Controls(routing="split")
    heard = [controls, controls.changed(bypass=True), controls.changed(bypass=True, solo="voice2")]
    assert [one.heard for one in heard] == ["split", "mixture", "voice2"]


def test_a_copy_with_other_values_leaves_the_original_alone() -> None:
    controls = Controls()
    assert controls.changed(mute=True, level=2) == Controls(mute=True, level=2) and controls == Controls()


def test_a_name_that_is_no_control_is_an_error() -> None:
    with pytest.raises(TypeError):
        Controls().changed(volume=3)


def test_controls_can_be_sent_to_another_process() -> None:
    controls = Controls(level=1, solo="voice1", gain_db=-3.0)
    assert pickle.loads(pickle.dumps(controls)) == controls
