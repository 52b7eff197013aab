from PyQt6.QtCore import Qt

from app.engine.commands import Calibrate
from app.engine.events import Calibrated, LevelChanged

TRIALS = [
    {
        "level": level,
        "backend": "openvino",
        "precision": precision,
        "p50_ms": p50_ms,
        "agreement_db": 40.0,
        "chosen": chosen,
    }
    for level, precision, p50_ms, chosen in (
        (0, "fp32", 0.25, False),
        (0, "int8", 0.13, True),
        (1, "fp32", 0.10, True),
        (2, "fp32", 0.08, True),
    )
]


def test_the_button_and_c_measure_and_wait_for_the_answer(qtbot, window, engine):
    qtbot.mouseClick(window.status.computed_by, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window.level.slider, Qt.Key.Key_C)
    assert engine.sent == [Calibrate()] and not window.status.computed_by.isEnabled()
    engine.say(Calibrated(TRIALS))
    window.tick()
    qtbot.keyClick(window.level.slider, Qt.Key.Key_C)
    assert engine.sent == 2 * [Calibrate()]


def test_the_choice_and_its_figures_stand_in_the_status_line(window, engine):
    engine.say(Calibrated(TRIALS))
    window.tick()
    assert window.status.message.whole.endswith(
        "level 0 openvino int8 (0.13 ms), levels 1 to 2 openvino fp32 (0.10 to 0.08 ms)."
    )


def test_the_button_works_again_when_nothing_was_measured(window, engine):
    window.controller.calibrate()
    engine.say(Calibrated([]))
    window.tick()
    assert window.status.computed_by.isEnabled()


def test_what_computes_the_level_that_is_heard_is_shown(window, engine):
    engine.say(LevelChanged(1, 30.0, "openvino", "int8"))
    window.tick()
    assert window.status.computed_by.text() == "openvino int8"
