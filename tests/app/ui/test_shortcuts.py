import pytest
from PyQt6.QtCore import Qt

from app.engine.commands import Rescan, StartRecording, StopRecording
from app.engine.events import Recording
from app.ui.settings import Preferences
from tests.app.ui.engine_double import CONTROLS, READY


@pytest.mark.parametrize(
    ("key", "command"),
    [
        (Qt.Key.Key_3, CONTROLS.changed(level=3)),
        (Qt.Key.Key_B, CONTROLS.changed(bypass=True)),
        (Qt.Key.Key_Space, CONTROLS.changed(paused=True)),
        (Qt.Key.Key_Q, CONTROLS.changed(routing="mixture")),
        (Qt.Key.Key_W, CONTROLS.changed(routing="voice1")),
        (Qt.Key.Key_E, CONTROLS.changed(routing="voice2")),
        (Qt.Key.Key_Y, CONTROLS.changed(routing="both")),
        (Qt.Key.Key_M, CONTROLS.changed(mute=True)),
        (Qt.Key.Key_L, CONTROLS.changed(loop=False)),
        (Qt.Key.Key_U, CONTROLS.changed(fallback=True)),
        (Qt.Key.Key_Plus, CONTROLS.changed(gain_db=1.0)),
        (Qt.Key.Key_Minus, CONTROLS.changed(gain_db=-1.0)),
        (Qt.Key.Key_Right, CONTROLS.changed(level=1)),
        (Qt.Key.Key_End, CONTROLS.changed(level=5)),
        (Qt.Key.Key_F5, Rescan()),
    ],
)
def test_a_key_sends_its_command(qtbot, window, engine, key, command):
    qtbot.keyClick(window.level.slider, key)
    assert engine.sent == [command]


def test_t_returns_to_one_voice_on_each_side(qtbot, window, engine):
    qtbot.keyClick(window.level.slider, Qt.Key.Key_Y)
    qtbot.keyClick(window.level.slider, Qt.Key.Key_T)
    assert engine.sent == [CONTROLS.changed(routing="both"), CONTROLS]


def test_r_records_into_the_recordings_folder_and_ends_it(qtbot, make_window, engine, tmp_path):
    window = make_window(Preferences(recordings=str(tmp_path)))
    engine.say(READY)
    window.tick()
    qtbot.keyClick(window, Qt.Key.Key_R)
    engine.say(Recording(str(tmp_path / "one")))
    window.tick()
    qtbot.keyClick(window, Qt.Key.Key_R)
    assert engine.sent == [StartRecording(str(tmp_path)), StopRecording()]


def test_a_digit_beyond_the_ladder_does_nothing(qtbot, window, engine):
    qtbot.keyClick(window, Qt.Key.Key_9)
    assert engine.sent == []


def test_digits_in_a_text_field_stay_there(qtbot, window, engine):
    window.level.sweep_seconds.setFocus()
    window.level.sweep_seconds.selectAll()
    qtbot.keyClicks(window.level.sweep_seconds.lineEdit(), "3")
    assert engine.sent == [] and window.level.sweep_seconds.value() == 3


def test_space_presses_the_button_that_was_reached_with_tab(qtbot, window, engine):
    window.transport.bypass.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(window.transport.bypass, Qt.Key.Key_Space)
    assert engine.sent == [CONTROLS.changed(bypass=True)]


def test_v_changes_the_view(qtbot, window):
    qtbot.keyClick(window, Qt.Key.Key_V)
    assert window.tracks.view == window.transport.view.value == "waveform"


def test_the_question_mark_shows_the_shortcuts_and_escape_hides_them(qtbot, window):
    qtbot.keyClick(window, "?")
    shown = window.overlay.isVisible()
    qtbot.keyClick(window.overlay, Qt.Key.Key_Escape)
    assert shown and not window.overlay.isVisible()


@pytest.mark.parametrize("presentation", [False, True])
def test_the_list_of_keys_fits_into_the_smallest_window(make_window, presentation):
    names = {"voice1": "Professor Dr. Maximilian", "voice2": "Bartholomew Longfellow"}
    window = make_window(Preferences(width=1024, height=640, presentation=presentation, **names))
    window.overlay.toggle()
    card = window.overlay.layout().itemAt(0).widget()
    assert card.sizeHint().width() <= window.width() and card.sizeHint().height() <= window.height() - 18


def test_f_enlarges_the_text(qtbot, window):
    before = window.theme.points
    qtbot.keyClick(window, Qt.Key.Key_F)
    large = window.theme.points
    qtbot.keyClick(window, Qt.Key.Key_F)
    assert large > 1.3 * before and window.theme.points == before
