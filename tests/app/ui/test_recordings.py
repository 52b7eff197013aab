"""Format, folder and loop from the top bar, and recordings that continue with a restarted engine."""

from dataclasses import replace

import pytest
from PyQt6.QtCore import Qt

from app.engine.commands import SetDevices, StartRecording
from app.engine.events import Notice, Recording, RecordingFailed
from app.ui.settings import Preferences
from tests.app.ui.engine_double import CONTROLS, READY


def test_the_menu_chooses_the_format_and_it_is_remembered(window, engine):
    window.transport.record_menu.formats["flac"].trigger()
    window.recordings.toggle()
    [sent] = engine.sent
    assert sent.format == "flac" and window.preferences().record_format == "flac"


def test_the_menu_chooses_the_folder_and_it_is_remembered(window, engine, monkeypatch):
    monkeypatch.setattr("app.ui.record_menu.QFileDialog.getExistingDirectory", lambda *_: "/music/talks")
    window.transport.record_menu.choose.trigger()
    window.recordings.toggle()
    assert engine.sent == [StartRecording("/music/talks")] and window.preferences().recordings == "/music/talks"


def test_the_menu_shows_what_is_remembered(make_window):
    menu = make_window(Preferences(recordings="/music", record_format="flac")).transport.record_menu
    assert menu.formats["flac"].isChecked() and "/music" in menu.choose.text()


def test_a_recording_continues_when_the_engine_that_died_is_ready_again(window, engine):
    window.recordings.start(StartRecording("/music"))
    engine.say(Recording("/music/one"))
    window.tick()
    engine.alive = False
    window.tick()
    between = window.transport.record.text()
    engine.sent.clear()
    engine.say(READY)
    window.tick()
    assert engine.sent == [StartRecording("/music")] and between == "Record"


def test_a_recording_continues_when_the_user_restarts_an_engine_that_does_not_respond(window, engine):
    window.recordings.start(StartRecording("/music"))
    engine.say(Recording("/music/one"))
    window.tick()
    engine.sent.clear()
    window.controller.restart()
    between = window.transport.record.text()
    engine.say(READY)
    window.tick()
    assert engine.sent == [StartRecording("/music")] and between == "Record"


def test_a_restarted_engine_that_opens_devices_twice_is_asked_once(window, engine):
    window.recordings.start(StartRecording("/music"))
    engine.say(Recording("/music/one"))
    window.tick()
    engine.alive = False
    window.tick()
    engine.sent.clear()
    engine.say(READY, READY)
    window.tick()
    engine.say(READY)
    window.tick()
    assert engine.sent == [StartRecording("/music")]


def test_pressing_record_twice_before_the_engine_answers_asks_once(window, engine):
    window.recordings.toggle()
    window.recordings.toggle()
    assert len(engine.sent) == 1


def test_a_recording_that_was_stopped_stays_stopped(window, engine):
    window.recordings.start(StartRecording("/music"))
    engine.say(Recording("/music/one"), Recording(None))
    window.tick()
    engine.alive = False
    window.tick()
    engine.sent.clear()
    engine.say(READY)
    window.tick()
    assert engine.sent == []


def test_the_loop_button_and_l_say_whether_a_file_starts_again(qtbot, window, engine):
    qtbot.mouseClick(window.transport.loop, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window.level.slider, Qt.Key.Key_L)
    assert engine.sent == [CONTROLS.changed(loop=False), CONTROLS] and window.preferences().controls.loop


def test_only_a_file_can_be_looped(window, engine):
    with_file = window.transport.loop.isVisible()
    window.controller.set_devices("USB microphone, ALSA", "none")
    engine.say(replace(READY, input="USB microphone, ALSA", input_name="USB microphone, ALSA"))
    window.tick()
    assert with_file and not window.transport.loop.isVisible()
    assert engine.sent == [SetDevices("USB microphone, ALSA", "none")]


def test_a_recording_that_failed_is_named_until_the_user_has_seen_it_and_not_called_stored(qtbot, window, engine):
    window.recordings.start(StartRecording("/music"))
    engine.say(Recording("/music/one"))
    window.tick()
    engine.say(RecordingFailed("no space left on the disk: the recording has ended"), Recording(None))
    window.tick()
    engine.say(READY, Notice("something else"))
    window.tick()
    assert window.alert.isVisible() and "No space left on the disk" in window.alert.sentence.text()
    assert "The recording is in" not in window.status.message.whole and window.transport.record.text() == "Record"
    qtbot.mouseClick(window.alert.close_button, Qt.MouseButton.LeftButton)
    assert not window.alert.isVisible()


def test_the_menu_opens_the_folder_of_recordings(make_window, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("app.ui.recordings.QDesktopServices.openUrl", lambda url: opened.append(url) or True)
    window = make_window(Preferences(recordings=str(tmp_path)))
    window.transport.record_menu.open.trigger()
    assert [url.toLocalFile() for url in opened] == [str(tmp_path)]


def test_before_the_first_recording_a_sentence_names_the_folder(make_window, tmp_path, monkeypatch):
    monkeypatch.setattr("app.ui.recordings.QDesktopServices.openUrl", lambda url: pytest.fail("there is no folder"))
    window = make_window(Preferences(recordings=str(tmp_path / "none")))
    window.transport.record_menu.open.trigger()
    assert "no recordings yet" in window.status.message.whole and str(tmp_path / "none") in window.status.message.whole


def test_where_no_program_shows_folders_a_sentence_says_where_the_recordings_are(make_window, tmp_path, monkeypatch):
    monkeypatch.setattr("app.ui.recordings.QDesktopServices.openUrl", lambda url: False)
    window = make_window(Preferences(recordings=str(tmp_path)))
    window.recordings.open_folder()
    assert window.status.message.whole == f"No program shows folders here. The recordings are in {tmp_path}."
