"""The window with the real engine in its own process."""

import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import Qt, QTimer, qCritical, qWarning
from PyQt6.QtGui import QImage

from app.engine.commands import StartRecording, StopRecording
from app.engine.process import EngineProcess
from app.engine.protocol import Settings
from app.ui.engine_link import RUNNING
from app.ui.main import prepared_application, run
from app.ui.settings import Preferences, load_preferences
from app.ui.window import MainWindow
from sepprune.errors import UserError
from tests.app.conftest import speech_like

#: for whatever the engine does: the machine may be busy
PATIENCE_MS = 600_000


@pytest.fixture
def settings(ladder, sound) -> Settings:
    return Settings(input=str(sound(speech_like(2.0))), output="none", ladder=str(ladder), backend="openvino")


@pytest.fixture
def window(qtbot, settings):
    window = MainWindow(EngineProcess(settings), Preferences())
    qtbot.addWidget(window)
    window.show()
    window.start()
    qtbot.waitUntil(lambda: window.link.state == RUNNING, timeout=PATIENCE_MS)
    yield window
    window.close()


def test_every_window_has_the_name_and_icon_of_the_app(qapp):
    prepared = prepared_application()
    assert prepared is qapp and prepared.applicationName() == "SepPrune Live"
    assert prepared.windowIcon().pixmap(64).toImage().pixelColor(32, 32).alpha() > 0


def test_a_timed_session_leaves_a_report_and_a_picture(settings, tmp_path, settings_path):
    report, picture = tmp_path / "report.json", tmp_path / "window.png"
    assert run(settings, seconds=1.0, report=str(report), screenshot=str(picture)) == 0
    content = json.loads(report.read_text())
    image = QImage(str(picture))
    assert content["levels"][0]["chunks"] > 50 and content["backend"] == "openvino"
    assert image.width() >= 1280 and len({image.pixel(x, 200) for x in range(image.width())}) > 20
    assert not settings_path.exists()


def test_a_recording_asked_for_on_the_command_line_holds_the_whole_session(settings, tmp_path):
    assert run(settings, seconds=1.0, record=str(tmp_path / "out"), record_format="flac") == 0
    [folder] = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {"mixture.flac", "voice1.flac", "voice2.flac", "session.json"}
    assert soundfile.info(folder / "voice1.flac").duration > 0.4


def test_qt_prints_nothing_while_the_window_is_used(qapp, settings, capfd):
    def use_menus():
        window = next(each for each in qapp.topLevelWidgets() if isinstance(each, MainWindow) and each.isVisible())
        window.transport.input.showPopup()  # on this platform Qt warns that it can neither raise nor grab
        window.transport.input.hidePopup()
        qWarning("a note of Qt")
        qCritical("an error of Qt")

    QTimer.singleShot(300, use_menus)
    assert run(settings, seconds=1.0) == 0
    assert capfd.readouterr().err == "an error of Qt\n"


def test_a_ladder_that_is_not_there_ends_a_timed_session_with_a_sentence(settings, tmp_path, capfd):
    assert run(replace(settings, ladder=str(tmp_path / "nowhere")), seconds=1.0) == 2
    assert "nowhere" in capfd.readouterr().err


def test_a_recording_that_cannot_be_made_ends_a_timed_session_with_a_sentence(settings, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert run(settings, seconds=30.0, record=str(tmp_path / "file")) == 2
    assert "cannot record into" in capfd.readouterr().err


def test_a_screenshot_that_cannot_be_written_is_an_error_that_names_it(settings, tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        run(settings, seconds=0.1, screenshot=str(tmp_path / "nowhere" / "window.png"))


def test_an_untimed_session_remembers_the_window(qapp, qtbot, settings):
    def choose_and_close():
        window = next(each for each in qapp.topLevelWidgets() if isinstance(each, MainWindow) and each.isVisible())
        window.set_view("waveform")
        window.close()

    QTimer.singleShot(200, choose_and_close)
    assert run(settings) == 0
    assert load_preferences()[0].view == "waveform"


def test_the_slider_moved_by_key_and_mouse_changes_what_the_engine_computes(qtbot, window):
    slider = window.level.slider
    qtbot.waitUntil(
        lambda: 0 in window.latency.strip.frames["level"], timeout=PATIENCE_MS
    )  # the first chunks do not count
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: 1 in window.latency.strip.frames["level"], timeout=PATIENCE_MS)
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=slider.tick_position(2).toPoint())
    qtbot.waitUntil(lambda: 2 in window.latency.strip.frames["level"], timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: min(canvas.ring.filled for canvas in window.tracks.canvases) > 10, timeout=PATIENCE_MS)


def test_a_window_that_is_blocked_for_two_seconds_costs_no_sound(qtbot, window, settings, tmp_path):
    window.link.send(StartRecording(str(tmp_path / "out")))
    qtbot.waitUntil(lambda: window.recordings.path is not None, timeout=PATIENCE_MS)
    before = window.link.telemetry.counters["chunks"]
    time.sleep(2.0)
    assert window.link.telemetry.counters["chunks"] - before > 200  # of 250: the engine has not waited for the window
    window.link.send(StopRecording())
    qtbot.waitUntil(lambda: window.recordings.path is None, timeout=PATIENCE_MS)
    [folder] = (tmp_path / "out").iterdir()
    recorded, said = (soundfile.read(path, dtype="float32")[0] for path in (folder / "mixture.wav", settings.input))
    recorded = recorded[128:]  # from the very first chunk on it would begin with the separator's delay
    start = max(range(len(said)), key=lambda shift: float(np.roll(said, -shift)[:4000] @ recorded[:4000]))
    repeated = np.resize(np.roll(said, -start), len(recorded))
    np.testing.assert_array_equal(recorded, repeated)  # not one sample is missing


def test_an_engine_that_is_killed_is_started_again_at_the_same_level(qtbot, window):
    window.level.slider.setValue(2)
    dead = window.link._engine.pid
    os.kill(dead, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.link._engine.pid != dead and window.link.state == RUNNING, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: 2 in window.latency.strip.frames["level"], timeout=PATIENCE_MS)
    assert window.level.slider.value() == 2
