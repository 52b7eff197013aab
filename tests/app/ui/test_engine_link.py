import time
from dataclasses import replace

from PyQt6.QtCore import Qt

from app.engine.events import Failed, Recording
from app.ui.engine_link import RUNNING, STOPPED
from tests.app.ui.engine_double import READY


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_an_engine_that_dies_is_started_again_with_the_same_settings(window, engine):
    window.level.slider.setValue(3)
    engine.alive = False
    window.tick()
    assert (engine.alive, engine.starts, engine.settings.controls.level) == (True, 2, 3)


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
    window.controller.change("bypass", True)
    engine.alive = False
    window.tick()
    assert engine.starts == 2 and engine.settings.controls.bypass and window.transport.bypass.isChecked()


def test_a_restarted_engine_is_not_paused(window, engine):
    window.controller.play_or_pause()
    paused = engine.settings.controls.paused
    window.controller.restart()
    assert paused and engine.starts == 2 and not engine.settings.controls.paused


def test_controls_that_change_while_the_engine_is_stopped_are_used_at_the_next_start(window, engine):
    window.link.stop()
    window.controller.change("mute", True)
    window.controller.play_or_pause()
    assert engine.starts == 2 and engine.settings.controls.mute


def test_devices_that_are_chosen_while_the_engine_is_stopped_start_it(window, engine):
    window.link.stop()
    window.controller.set_devices("USB microphone, ALSA", "none")
    assert engine.starts == 2 and engine.settings.input == "USB microphone, ALSA"


def test_a_restarted_engine_uses_the_devices_in_use_and_does_not_measure_again(window, engine):
    engine.settings = replace(engine.settings, input="usb", remeasure=True)
    engine.say(replace(READY, input="USB microphone, ALSA"))
    window.tick()
    assert (engine.settings.input, engine.settings.remeasure) == ("USB microphone, ALSA", False)


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
