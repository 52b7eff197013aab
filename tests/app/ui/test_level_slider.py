"""Labels of the slider: every level has one, whatever the number of levels and the text size."""

from __future__ import annotations

import pytest

from app.engine.facts import LevelFacts
from app.ui.level_slider import LevelSlider
from app.ui.theme import LIGHT, style_sheet

SHARES = (1.0, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05)
LEVELS = tuple(LevelFacts(number, 1000, 1e6 * share, share, {}) for number, share in enumerate(SHARES))


def make_slider(qtbot, levels=LEVELS, scale=1.0) -> LevelSlider:
    slider = LevelSlider()
    qtbot.addWidget(slider)
    slider.setStyleSheet(style_sheet(LIGHT.with_points(9.5 * scale)))
    slider.resize(round(292 * scale), 50)
    slider.ensurePolished()
    slider.set_levels(levels)
    return slider


@pytest.mark.parametrize("scale", [1.0, 1.4, 2.1])
@pytest.mark.parametrize("current", range(len(LEVELS)))
def test_eight_levels_have_eight_labels_that_do_not_touch(qtbot, current, scale):
    slider = make_slider(qtbot, scale=scale)
    slider.setValue(current)
    labels = sorted(slider.labels(), key=lambda label: label.left)
    assert [label.text for label in labels] == ["0", "−25", "−40", "−55", "−70", "−80", "−90", "−95"]
    assert [label.here for label in labels].index(True) == current
    assert all(one.left + one.width < other.left for one, other in zip(labels, labels[1:], strict=False))
    assert labels[0].left >= 0 and labels[-1].left + labels[-1].width <= slider.width()


def test_where_there_is_room_the_labels_are_words(qtbot):
    slider = make_slider(qtbot, LEVELS[:5])
    slider.setValue(1)
    assert {label.text for label in slider.labels()} == {"Dense", "−25 %", "−40", "−55", "−70"}


def test_of_very_many_levels_those_that_touch_are_left_out(qtbot):
    levels = [LevelFacts(number, 1000, 1e6, 1 - number / 50, {}) for number in range(40)]
    slider = make_slider(qtbot, levels)
    slider.setValue(20)
    texts = [label.text for label in slider.labels()]
    assert texts[0] == "−40" and {"0", "−78"} < set(texts) and len(texts) < 40
