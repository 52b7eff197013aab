import numpy as np
import pytest
from PyQt6.QtCore import Qt

from app.engine.commands import SetDevices
from app.engine.events import Failed, FileEnded, LevelChanged, Notice, Recording, RecordingFailed, RoundTrip
from tests.app.ui.engine_double import CONTROLS, READY


def tones(seconds, rate=16_000):
    t = np.arange(int(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * f * t) for f in (300, 700, 1500)]).astype(np.float32)


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_telemetry_flows_while_the_slider_moves(qtbot, window, engine):
    for level in (1, 3, 5):
        engine.run(tones(0.5), level=max(0, level - 2), transition_chunks=3)
        window.level.slider.setValue(level)
        window.tick()
    window.data.update_statistics()
    assert engine.sent == [CONTROLS.changed(level=level) for level in (1, 3, 5)]
    assert [canvas.ring.filled > 100 for canvas in window.tracks.canvases] == [True] * 3
    assert len(window.latency.strip.frames) == 3 * 62


def test_every_voice_is_painted_in_its_own_colour(window, engine):
    engine.run(tones(3))
    window.tick()
    colours = []
    for canvas in window.tracks.canvases:
        image = canvas.grab().toImage()
        pixels = [
            image.pixelColor(x, y)
            for x in range(image.width() - 60, image.width() - 20, 5)
            for y in range(image.height())
        ]
        colours.append(max(pixels, key=lambda colour: abs(colour.red() - colour.blue())))
    assert colours[1].blue() > 2 * colours[1].red() + 20 and colours[2].red() > 2 * colours[2].blue() + 20


def test_a_level_that_the_engine_chose_moves_the_slider_and_is_not_wanted(window, engine):
    engine.say(LevelChanged(4, 0, 40.0))
    window.tick()
    assert window.level.slider.value() == 4 and engine.sent == [] and window.link.controls.level == 0


def test_a_late_answer_does_not_move_the_slider_back(window, engine):
    window.level.slider.setValue(2)
    window.level.slider.setValue(5)
    engine.say(LevelChanged(2, 2, 40.0))
    window.tick()
    assert window.level.slider.value() == 5


def test_the_status_line_shows_a_notice(window, engine):
    engine.say(Notice("Wear headphones."))
    window.tick()
    assert window.status.message.whole == "Wear headphones."


def test_a_device_that_cannot_be_opened_is_not_shown_as_the_input(window, engine):
    window.controller.set_devices("USB microphone, ALSA", "none")
    engine.say(READY, Failed('"USB microphone, ALSA" cannot be opened: it is in use.', fatal=False))
    window.tick()
    assert window.transport.input.currentData() == "demo" and window.link.settings.input == "demo"


def test_a_recording_that_failed_is_a_sentence_that_stays_until_it_is_closed(window, engine):
    engine.say(RecordingFailed("cannot record into /music: the disk is full; choose another folder"), Recording(None))
    window.tick()
    assert window.alert.sentence.text() == "Cannot record into /music: the disk is full; choose another folder"


def test_monitor_devices_are_marked(window):
    labels = [window.transport.input.itemText(k) for k in range(window.transport.input.count())]
    assert [label for label in labels if "what the computer plays" in label] == [
        "Monitor of Speakers · ALSA · what the computer plays"
    ]


def test_play_starts_an_ended_file_again(qtbot, window, engine):
    engine.say(FileEnded())
    window.tick()
    click(qtbot, window.transport.play)
    assert engine.sent == [SetDevices("demo", "none")]


def test_the_record_button_shows_the_elapsed_time(window, engine):
    engine.say(Recording("/music/one"))
    window.tick()
    shown = window.transport.record.text()
    engine.say(Recording(None))
    window.tick()
    assert (shown, window.transport.record.text()) == ("0:00", "Record")
    assert window.status.message.whole == "The recording is in /music/one"


def test_counters_stand_apart_and_raise_an_alarm(window, engine):
    engine.telemetry.set("output_underflows", 2)
    window.controller.refresh_text()
    assert window.latency.counters["output_underflows"].text() == "2"
    assert window.latency.counters["output_underflows"].property("alarm") == "true"
    assert window.latency.counters["deadline_misses"].property("alarm") == "false"


def test_chunk_times_are_shown_for_the_level_that_was_measured(window, engine):
    engine.run(tones(1), level=0, compute_ms=2.0)
    window.tick()
    window.data.update_statistics()
    window.controller.refresh_text()
    assert window.latency.cells["recent", "p50"].text() == "2.00"
    assert window.level.chunk_ms[0] == pytest.approx(2.0, rel=0.02)


def test_every_message_begins_with_a_capital_letter(window, engine):
    shown = []
    for event in (Notice("a note"), Failed("a problem", fatal=False), RoundTrip(None, None, 0.0, "too few chirps")):
        engine.say(event)
        window.tick()
        shown.append(window.status.message.whole)
    window.status.message.show_text("the rest")
    window.alert.show_sentence("the disk is full")
    window.banner.show_sentence("the end")
    shown += [window.status.message.whole, window.alert.sentence.text(), window.banner.sentence.text()]
    assert shown == ["A note", "A problem", "Too few chirps", "The rest", "The disk is full", "The end"]
    assert window.alert.accessibleName() == "The disk is full"
