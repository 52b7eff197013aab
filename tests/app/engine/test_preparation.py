"""What is made ready before audio starts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.engine.preparation import stored_levels, with_existing_level
from app.engine.protocol import Settings


@pytest.mark.parametrize(("remembered", "used"), [(0, 0), (2, 2), (3, 2), (60, 2)])
def test_a_level_remembered_from_another_ladder_becomes_the_lightest(
    settings: Settings, remembered: int, used: int
) -> None:
    wanted = replace(settings, controls=settings.controls.changed(level=remembered))
    found, sentence = with_existing_level(wanted)
    assert found.controls.level == used and (sentence is None) == (remembered == used)


def test_a_ladder_that_cannot_be_read_is_left_to_the_engine(settings: Settings) -> None:
    wanted = replace(settings, ladder="nowhere")
    assert with_existing_level(wanted) == (wanted, None)


def test_what_the_ladder_stores_is_known_before_the_engine_runs(settings: Settings) -> None:
    assert [level.level for level in stored_levels(settings)] == [0, 1, 2]
    assert stored_levels(replace(settings, ladder="nowhere")) == ()
