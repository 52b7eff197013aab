from PyQt6.QtCore import Qt

from app.engine.commands import MeasureRoundTrip
from app.engine.events import RoundTrip

FOUND = RoundTrip(44.0, 52.0, 0.5, "the round trip takes 44.0 ms")


def test_the_button_and_p_measure_and_wait_for_the_answer(qtbot, window, engine):
    qtbot.mouseClick(window.latency.round_trip, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window.level.slider, Qt.Key.Key_P)
    assert engine.sent == [MeasureRoundTrip()] and not window.latency.round_trip.isEnabled()
    engine.say(FOUND)
    window.tick()
    qtbot.keyClick(window.level.slider, Qt.Key.Key_P)
    assert engine.sent == 2 * [MeasureRoundTrip()]


def test_the_status_line_and_the_latency_bar_show_the_result(window, engine):
    engine.say(FOUND)
    window.tick()
    assert window.status.message.whole == "The round trip takes 44.0 ms"
    assert window.latency.bar.total_text.endswith("52 ms measured")


def test_a_measurement_without_result_says_why(window, engine):
    engine.say(FOUND, RoundTrip(None, None, 0.0, "nothing of the chirps came back"))
    window.tick()
    assert window.status.message.whole == "Nothing of the chirps came back"
    assert "measured" not in window.latency.bar.total_text


def test_other_devices_remove_the_measured_latency(window, engine):
    engine.say(FOUND)
    window.tick()
    window.controller.set_devices("USB microphone, ALSA", "none")
    assert "measured" not in window.latency.bar.total_text


def test_an_engine_that_is_started_again_can_measure_again(window, engine):
    window.controller.measure_round_trip()
    window.controller.restart()
    assert window.latency.round_trip.isEnabled()
