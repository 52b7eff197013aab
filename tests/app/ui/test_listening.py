import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtWidgets import QApplication

from tests.app.ui.engine_double import CONTROLS


def solo(signal):
    """The controls with one signal alone."""
    return CONTROLS.changed(solo=signal)


def heard(window):
    """Which of mixture, voice 1 and voice 2 are marked."""
    return [gutter._heard for gutter in window.tracks.gutters]


def test_the_mute_button_and_m_switch_the_output_off_and_on(qtbot, window, engine):
    qtbot.mouseClick(window.listen.mute, Qt.MouseButton.LeftButton)
    muted = window.listen.mute.isChecked()
    qtbot.keyClick(window.level.slider, Qt.Key.Key_M)
    assert engine.sent == [CONTROLS.changed(mute=True), CONTROLS] and muted and not window.listen.mute.isChecked()


def test_nothing_is_marked_as_heard_while_muted(window):
    before = heard(window)
    window.controller.change("mute", True)
    assert (before, heard(window)) == ([False, True, True], [False, False, False])


def test_bypass_marks_the_mixture_as_heard(window):
    window.controller.change("bypass", True)
    assert heard(window) == [True, False, False]


def test_mute_outlives_the_engine(window, engine):
    window.controller.change("mute", True)
    engine.alive = False
    window.tick()
    assert engine.starts == 2 and engine.settings.controls.mute


@pytest.mark.parametrize(
    ("key", "signal"), [(Qt.Key.Key_A, "mixture"), (Qt.Key.Key_S, "voice1"), (Qt.Key.Key_D, "voice2")]
)
def test_a_key_that_is_held_down_lets_one_signal_be_heard_alone(qtbot, window, engine, key, signal):
    qtbot.keyPress(window.level.slider, key)
    marked = heard(window)
    qtbot.keyRelease(window.level.slider, key)
    assert engine.sent == [solo(signal), CONTROLS]
    assert marked.count(True) == 1 and heard(window) == [False, True, True]


def test_a_held_key_works_wherever_the_focus_is(qtbot, window, engine):
    for focus in (window.transport.input, window.transport.bypass, window.listen.gain):
        focus.setFocus()
        qtbot.keyPress(focus, Qt.Key.Key_S)
        qtbot.keyRelease(focus, Qt.Key.Key_S)
    assert engine.sent == 3 * [solo("voice1"), CONTROLS]


def test_of_two_held_keys_the_last_one_counts_until_it_is_released(qtbot, window, engine):
    for act, key in (
        (qtbot.keyPress, Qt.Key.Key_S),
        (qtbot.keyPress, Qt.Key.Key_D),
        (qtbot.keyRelease, Qt.Key.Key_D),
        (qtbot.keyRelease, Qt.Key.Key_S),
    ):
        act(window, key)
    assert engine.sent == [solo("voice1"), solo("voice2"), solo("voice1"), CONTROLS]


def test_leaving_the_window_releases_every_key(qtbot, window, engine):
    qtbot.keyPress(window, Qt.Key.Key_S)
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert engine.sent == [solo("voice1"), CONTROLS]


def test_a_name_that_is_held_down_is_heard_alone_and_chooses_nothing(qtbot, window, engine):
    gutter = window.tracks.gutters[2]
    with qtbot.waitSignal(gutter.held):
        qtbot.mousePress(gutter, Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(gutter, Qt.MouseButton.LeftButton)
    assert engine.sent == [solo("voice2"), CONTROLS] and window.listen.routing.value == "split"


def test_routing_can_change_while_a_key_is_held(qtbot, window, engine):
    qtbot.keyPress(window, Qt.Key.Key_S)
    qtbot.keyClick(window, Qt.Key.Key_Q)
    qtbot.keyRelease(window, Qt.Key.Key_S)
    assert engine.sent == [
        solo("voice1"),
        CONTROLS.changed(solo="voice1", routing="mixture"),
        CONTROLS.changed(routing="mixture"),
    ]
    assert heard(window) == [True, False, False]


def test_bypass_is_sent_once(window, engine):
    window.controller.toggle("bypass")
    assert engine.sent == [CONTROLS.changed(bypass=True)] and window.transport.bypass.isChecked()
