"""The switch for lighter levels, and what the window shows when the engine uses it."""

from PyQt6.QtCore import Qt

from app.engine.commands import SetFallback, SetLevel
from app.engine.events import FellBack, LevelChanged


def fall(window, engine, level, wanted, message="level 2 in place of 1"):
    engine.say(FellBack(level, wanted, message), LevelChanged(level, 30.0))
    window.tick()


def test_it_is_off_until_the_button_or_u_switches_it_on(qtbot, window, engine):
    before = window.level.fallback.isChecked()
    qtbot.mouseClick(window.level.fallback, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window.level.slider, Qt.Key.Key_U)
    assert engine.sent == [SetFallback(True), SetFallback(False)] and not before


def test_a_step_to_a_lighter_level_is_announced_and_shown(window, engine):
    fall(window, engine, 2, 1)
    assert window.status.message.whole == "Level 2 in place of 1" and window.level.slider.value() == 2
    assert engine.sent == []


def test_the_level_that_was_asked_for_is_remembered(window, engine):
    window.level.slider.setValue(1)
    engine.say(LevelChanged(1, 30.0))
    fall(window, engine, 2, 1)
    assert window.preferences().level == 1


def test_a_level_chosen_by_hand_after_a_fall_is_the_one_to_remember(window, engine):
    fall(window, engine, 2, 0)
    window.level.slider.setValue(4)
    engine.say(LevelChanged(4, 30.0))
    window.tick()
    assert window.preferences().level == 4 and engine.sent == [SetLevel(4)]


def test_the_switch_is_remembered(window):
    window.controller.set_fallback(True)
    assert window.preferences().fallback and window.level.fallback.isChecked()


def test_the_time_of_a_switch_stands_among_the_facts(window, engine):
    window.level.slider.setValue(3)
    engine.say(LevelChanged(3, 41.6))
    window.tick()
    shown = {labels[0].text(): labels[1].text() for labels in window.level._fact_labels}
    assert shown["Switched in"] == "42 ms"
