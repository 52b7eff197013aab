"""Names of the two voices: edited, remembered, and used wherever the voices are named."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QContextMenuEvent
from PyQt6.QtWidgets import QApplication, QLabel

from app.engine.commands import StartRecording
from app.ui.settings import Preferences, load_preferences, save_preferences
from app.ui.voice_names import LONGEST_NAME, NamesDialog, cleaned


def answer(first: str, second: str, button: str = "accept") -> None:
    """Fill the dialog that opens next, and close it."""

    def fill() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, NamesDialog)
        for field, text in zip(dialog.fields, (first, second), strict=True):
            field.setText(text)
        getattr(dialog, button)()

    QTimer.singleShot(0, fill)


def test_f2_asks_for_names_and_they_are_remembered(qtbot, window):
    answer("Anna", "Ben")
    qtbot.keyClick(window, Qt.Key.Key_F2)
    save_preferences(window.preferences())
    remembered = load_preferences()[0]
    assert (remembered.voice1, remembered.voice2) == ("Anna", "Ben")


def test_a_right_click_on_a_name_asks_too_and_cancel_changes_nothing(window):
    answer("Anna", "Ben", "reject")
    gutter = window.tracks.gutters[1]
    gutter.contextMenuEvent(QContextMenuEvent(QContextMenuEvent.Reason.Mouse, gutter.rect().center()))
    assert window.voices.names == ("Voice 1", "Voice 2")


def test_every_place_that_names_a_voice_uses_the_names(make_window, engine):
    window = make_window(Preferences(voice1="Anna", voice2="Ben"))
    buttons, rows = window.listen.routing.buttons, window.tracks
    assert [gutter.name for gutter in rows.gutters] == ["Mixture", "Anna", "Ben"]
    assert [meter.accessibleName() for meter in rows.meters][1:] == ["Anna level meter", "Ben level meter"]
    assert (buttons["voice1"].text(), buttons["voice2"].accessibleName()) == ("Anna", "Listen to: Ben")
    assert buttons["split"].toolTip().startswith("Anna on the left, Ben on the right")
    texts = [label.text() for label in window.overlay.findChildren(QLabel)]
    assert {"listen to Anna", "hold to hear Ben alone", "Anna left, Ben right"} <= set(texts)
    everything = texts + [each.toolTip() for each in (*buttons.values(), *rows.gutters, *rows.meters)]
    assert not [text for text in everything if "oice 1" in text or "oice 2" in text]
    window.recordings.toggle()
    assert isinstance(engine.sent[-1], StartRecording) and engine.sent[-1].voices == ("Anna", "Ben")


def test_without_a_name_the_number_of_the_voice_stands_there(window, engine):
    window.voices.give("Anna", "  ")
    assert [gutter.name for gutter in window.tracks.gutters] == ["Mixture", "Anna", "Voice 2"]
    window.voices.give("", "")
    window.recordings.toggle()
    assert engine.sent[-1].voices == () and window.preferences().voice1 == ""


@pytest.mark.parametrize("presentation", [False, True])
def test_a_long_name_is_shortened_and_whole_in_the_tooltip(make_window, presentation):
    window = make_window(Preferences(voice1="W" * LONGEST_NAME, presentation=presentation))
    button = window.listen.routing.buttons["voice1"]
    assert button.text().endswith("…") and "W" * LONGEST_NAME in button.toolTip()
    assert all(each.sizeHint().width() <= each.width() + 1 for each in window.listen.routing.buttons.values())
    assert window.listen.minimumSizeHint().width() <= window.listen.width()


@pytest.mark.parametrize(
    ("given", "kept"), [(" Dr.\n  Who ", "Dr. Who"), ("Voice 1", ""), ("x" * 99, "x" * LONGEST_NAME), ("", "")]
)
def test_a_name_is_one_short_line(given, kept):
    assert cleaned(given) == kept
