from PyQt6.QtCore import Qt

from app.engine.commands import Calibrate
from app.engine.events import Calibrated, LevelChanged
from app.engine.facts import Trial

TRIALS = tuple(
    Trial(level, "openvino", precision, p50_ms, 40.0, chosen)
    for level, precision, p50_ms, chosen in (
        (0, "fp32", 0.25, False),
        (0, "int8", 0.13, True),
        (1, "fp32", 0.10, True),
        (2, "fp32", 0.08, True),
    )
)


def test_the_button_and_c_measure_and_wait_for_the_answer(qtbot, window, engine):
    qtbot.mouseClick(window.status.computed_by, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window.level.slider, Qt.Key.Key_C)
    assert engine.sent == [Calibrate()] and not window.status.computed_by.isEnabled()
    engine.say(Calibrated(TRIALS))
    window.tick()
    qtbot.keyClick(window.level.slider, Qt.Key.Key_C)
    assert engine.sent == 2 * [Calibrate()]


def test_the_status_line_shows_the_choice_and_its_figures(window, engine):
    engine.say(Calibrated(TRIALS))
    window.tick()
    assert window.status.message.whole.endswith(
        "level 0 openvino int8 (0.13 ms), levels 1 to 2 openvino fp32 (0.10 to 0.08 ms)."
    )


def test_the_button_works_again_when_nothing_was_measured(window, engine):
    window.controller.calibrate()
    engine.say(Calibrated(()))
    window.tick()
    assert window.status.computed_by.isEnabled()


def test_backend_and_precision_of_the_level_that_is_heard_are_shown(window, engine):
    engine.say(LevelChanged(1, 1, 30.0, "openvino", "int8"))
    window.tick()
    assert window.status.computed_by.text() == "openvino int8"
