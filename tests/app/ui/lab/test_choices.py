"""Chunk duration, threads, backend and precision of the live sound, the facts, and the report of the window."""

import json
from dataclasses import replace

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QLabel

from app.engine.events import Failed, Recording
from tests.app.ui.engine_double import READY, SETTINGS


def choose(choice, text):
    choice.setCurrentIndex(choice.findText(text))
    choice.activated.emit(choice.currentIndex())


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_is_in_use_is_shown(lab):
    card = lab.window.engine
    shown = [one.currentText() for one in (card.chunk, card.threads, card.backend, card.precision)]
    assert shown == ["8 ms", "1", "auto", "auto"] and not card.apply.isEnabled()
    assert card.state.text() == "openvino fp32, chunks of 8 ms, 1 thread"


def test_chunks_that_are_offered_are_whole_hops(lab):
    offered = [lab.window.engine.chunk.itemText(k) for k in range(lab.window.engine.chunk.count())]
    assert offered == ["8 ms", "16 ms", "32 ms", "64 ms"]


def test_choices_take_effect_together_in_a_new_engine(qtbot, engine, lab):
    card, starts = lab.window.engine, engine.starts
    choose(card.chunk, "16 ms")
    choose(card.backend, "onnxruntime")
    choose(card.precision, "fp32")
    assert engine.starts == starts
    click(qtbot, card.apply)
    assert engine.settings == replace(SETTINGS, chunk_ms=16.0, backend="onnxruntime", precision="fp32")
    assert engine.starts == starts + 1


def test_times_of_other_chunks_are_not_mixed(qtbot, window, engine, lab):
    engine.run(np.zeros((3, 1280)))
    window.tick()
    window.data.update_statistics()
    choose(lab.window.engine.chunk, "16 ms")
    click(qtbot, lab.window.engine.apply)
    assert window.data.statistics.session().chunks == 0


def test_choices_that_do_not_work_are_undone_with_the_reason(qtbot, window, engine, lab):
    card = lab.window.engine
    choose(card.precision, "bf16")
    click(qtbot, card.apply)
    engine.say(Failed("the processor has no bf16", fatal=True))
    window.tick()
    qtbot.waitUntil(lambda: engine.settings == SETTINGS)
    engine.say(READY)
    window.tick()
    assert engine.alive and card.problem.text().startswith("The processor has no bf16") and card.problem.isVisible()
    assert card.precision.currentText() == "auto"


def test_a_recording_is_not_ended_by_a_choice(qtbot, window, engine, lab):
    engine.say(Recording("/somewhere"))
    window.tick()
    starts = engine.starts
    choose(lab.window.engine.chunk, "16 ms")
    click(qtbot, lab.window.engine.apply)
    assert engine.starts == starts and "stop it first" in lab.window.engine.problem.text()


def test_facts_are_shown_with_the_reason_where_there_is_none(lab):
    texts = [label.text() for label in lab.window.facts.findChildren(QLabel)]
    assert "cores" in texts and any(text.startswith("not known: ") for text in texts)


def test_ctrl_s_saves_the_live_report(qtbot, window, engine, lab, tmp_path, monkeypatch):
    file = tmp_path / "live.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    engine.run(np.zeros((3, 1280)))
    window.tick()
    qtbot.keyClick(lab.window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    report = json.loads(file.read_text())
    assert report["levels"][0]["chunks"] == 10 and "processor" in report["machine"]
    assert str(file) in window.status.message.whole


def test_escape_closes_the_lab_alone(qtbot, window, lab):
    qtbot.keyClick(lab.window, Qt.Key.Key_Escape)
    assert window.isVisible()
    qtbot.waitUntil(lambda: not lab.window.isVisible())
