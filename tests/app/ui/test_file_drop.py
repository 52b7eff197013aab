"""A sound file that is dropped on the window is played; other things are refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent

from app.engine.commands import SetDevices
from app.engine.events import Failed
from tests.app.conftest import speech_like
from tests.app.ui.engine_double import CONTROLS, READY


def drop(window, paths: Sequence[Path | str]) -> bool:
    """Drag files over the window and drop them; returns whether they were taken."""
    content = QMimeData()
    content.setUrls([QUrl.fromLocalFile(str(path)) if isinstance(path, Path) else QUrl(path) for path in paths])
    where, buttons, keys = QPointF(300, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where.toPoint(), Qt.DropAction.CopyAction, content, buttons, keys)
    enter.setAccepted(False)
    QCoreApplication.sendEvent(window, enter)
    if not enter.isAccepted():
        return False
    dropped = QDropEvent(where, Qt.DropAction.CopyAction, content, buttons, keys)
    dropped.setAccepted(False)
    QCoreApplication.sendEvent(window, dropped)
    return dropped.isAccepted()


def test_a_dropped_file_becomes_the_input_as_a_chosen_one_does(window, engine, sound, monkeypatch):
    file = sound(speech_like(1.0))
    window.controller.change("passage", (1.0, 2.0))
    engine.sent.clear()
    assert drop(window, [file])
    by_drop = list(engine.sent)
    window.controller.change("passage", (1.0, 2.0))
    engine.sent.clear()
    monkeypatch.setattr("app.ui.transport.QFileDialog.getOpenFileName", lambda *_: (str(file), ""))
    window.transport.open_file()
    assert by_drop == engine.sent and set(by_drop) == {CONTROLS, SetDevices(str(file), "none")}


def test_why_a_file_was_not_played_is_not_said_of_the_next_one(window, engine, sound):
    drop(window, [sound(speech_like(0.2), name="one.wav")])
    engine.say(Failed("one.wav is no sound file", fatal=False), READY)
    window.tick()
    assert window.status.message.whole == "One.wav is no sound file"
    drop(window, [sound(speech_like(0.2), name="two.wav")])
    assert window.status.message.whole == ""


@pytest.mark.parametrize("kind", ["two files", "a folder"])
def test_what_cannot_be_played_is_refused_with_a_sentence(window, engine, sound, tmp_path, kind):
    one = sound(speech_like(0.2))
    paths = [one, one] if kind == "two files" else [tmp_path]
    assert not drop(window, paths) and engine.sent == []
    assert ("one sound file at a time" if kind == "two files" else "is a folder") in window.status.message.whole


def test_an_address_on_the_web_is_not_taken(window, engine):
    assert not drop(window, ["https://example.org/sound.wav"]) and engine.sent == []
