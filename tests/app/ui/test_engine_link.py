import time

from PyQt6.QtCore import Qt

from app.engine.commands import SetBypass
from app.engine.events import Failed, Recording
from app.ui.engine_link import RUNNING, STOPPED
from tests.app.ui.engine_double import READY


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_an_engine_that_dies_is_started_again_with_the_same_settings(window, engine):
    window.level.slider.setValue(3)
    engine.alive = False
    window.tick()
    assert (engine.alive, engine.starts, engine.settings.level) == (True, 2, 3)


def test_a_second_death_waits_for_the_user(qtbot, window, engine):
    for _ in range(2):
        engine.say(READY, Failed("the audio engine ended by signal 9: start it again", fatal=True))
        window.tick()
    assert (window.link.state, engine.starts) == (STOPPED, 2)
    assert window.banner.isVisible() and window.banner.restart.isVisible()
    click(qtbot, window.banner.restart)
    assert engine.starts == 3


def test_a_recording_is_over_when_the_engine_dies(window, engine):
    engine.say(Recording("/music/one"))
    window.tick()
    engine.alive = False
    window.tick()
    assert window.transport.record.text() == "Record"


def test_bypass_outlives_the_engine(window, engine):
    window.listening.set_bypass(True)
    engine.alive = False
    window.tick()
    engine.sent.clear()
    engine.say(READY)
    window.tick()
    assert engine.sent == [SetBypass(True)]


def test_an_engine_that_never_became_ready_says_why(make_window, engine):
    window = make_window()
    engine.say(Failed("there is no ladder in /nowhere: give another folder", fatal=True))
    window.tick()
    assert window.link.state == STOPPED and engine.starts == 1
    assert window.banner.sentence.text() == "There is no ladder in /nowhere: give another folder"


def test_a_hanging_engine_is_announced(window, engine):
    window.link._ready_at = window.link._heartbeat = time.perf_counter() - 10
    engine.telemetry.set("heartbeat", 0)
    window.tick()
    announced = window.banner.isVisible()
    engine.telemetry.set("heartbeat", time.perf_counter())
    window.tick()
    assert announced and window.link.state == RUNNING and not window.banner.isVisible()
