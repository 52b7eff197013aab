"""The switch of the fallback, and what the window shows when the fallback chooses a level, or a level fails."""

from PyQt6.QtCore import Qt

from app.engine.commands import RetryWantedLevel
from app.engine.events import FellBack, LevelChanged, LevelFailed
from tests.app.ui.engine_double import CONTROLS


def fall(window, engine, level, wanted, message="level 2 in place of 1"):
    engine.say(FellBack(level, wanted, message), LevelChanged(level, wanted, 30.0))
    window.tick()


def test_it_is_off_until_the_button_or_u_switches_it_on(qtbot, window, engine):
    before = window.level.fallback.isChecked()
    qtbot.mouseClick(window.level.fallback, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window.level.slider, Qt.Key.Key_U)
    assert engine.sent == [CONTROLS.changed(fallback=True), CONTROLS] and not before


def test_a_step_to_a_lighter_level_is_announced_and_shown(window, engine):
    window.level.slider.setValue(1)
    engine.sent.clear()
    fall(window, engine, 2, 1)
    assert window.status.message.whole == "Level 2 in place of 1" and window.level.slider.value() == 2
    assert engine.sent == []


def test_other_controls_leave_the_slider_at_the_level_of_the_fallback(window, engine):
    fall(window, engine, 2, 0)
    window.controller.change("mute", True)
    assert window.level.slider.value() == 2 and engine.sent == [CONTROLS.changed(mute=True)]


def test_choosing_the_wanted_level_again_leaves_the_level_of_the_fallback(window, engine):
    fall(window, engine, 2, 0)
    window.level.slider.setValue(0)
    assert engine.sent == [RetryWantedLevel()]


def test_the_wanted_level_is_remembered(window, engine):
    window.level.slider.setValue(1)
    engine.say(LevelChanged(1, 1, 30.0))
    fall(window, engine, 2, 1)
    assert window.preferences().controls.level == 1


def test_a_level_chosen_by_hand_after_a_fall_is_the_one_to_remember(window, engine):
    fall(window, engine, 2, 0)
    window.level.slider.setValue(4)
    engine.say(LevelChanged(4, 4, 30.0))
    window.tick()
    assert window.preferences().controls.level == 4 and engine.sent == [CONTROLS.changed(level=4)]


def test_the_switch_is_remembered(window):
    window.controller.change("fallback", True)
    assert window.preferences().controls.fallback and window.level.fallback.isChecked()


def test_the_facts_show_the_time_of_a_switch(window, engine):
    window.level.slider.setValue(3)
    engine.say(LevelChanged(3, 3, 41.6))
    window.tick()
    shown = {labels[0].text(): labels[1].text() for labels in window.level._fact_labels}
    assert shown["Switched in"] == "42 ms"


def test_a_level_that_fails_leaves_the_slider_at_the_level_that_is_heard_and_can_be_chosen_again(window, engine):
    window.level.slider.setValue(2)
    engine.say(LevelFailed(0, 2, "level 2 cannot be used: its file is damaged"))
    window.tick()
    assert window.status.message.whole == "Level 2 cannot be used: its file is damaged"
    assert window.level.slider.value() == window.preferences().controls.level == 0
    window.level.slider.setValue(2)
    assert engine.sent == [CONTROLS.changed(level=2)] * 2


def test_a_level_that_fails_when_another_one_is_wanted_changes_nothing(window, engine):
    window.level.slider.setValue(2)
    window.level.slider.setValue(1)
    engine.say(LevelFailed(0, 2, "level 2 cannot be used: its file is damaged"))
    window.tick()
    assert window.level.slider.value() == window.link.controls.level == 1
