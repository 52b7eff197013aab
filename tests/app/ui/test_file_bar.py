"""Seeking in a file, the passage that is repeated, and the key back to the previous level."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from app.engine.commands import Seek
from app.engine.controls import Controls


@pytest.fixture
def playing(window, engine):
    """A file of 20 seconds that is at second 8."""
    window.file.show_position(8.0, 20.0)
    return window


def passages(engine) -> list[tuple[float, float] | None]:
    return [one.passage for one in engine.sent if isinstance(one, Controls)]


def test_the_bar_is_hidden_with_a_microphone(window):
    window.file.show_position(0.0, 0.0)
    assert window.file.isHidden()


def test_the_bar_shows_where_the_file_is_and_sends_nothing_for_it(playing, engine):
    assert playing.file.time.text() == "0:08 / 0:20" and playing.file.slider.value() == 400
    assert engine.sent == []


def test_keys_mark_a_passage_and_let_it_go(qtbot, playing, engine):
    qtbot.keyClick(playing, Qt.Key.Key_I)
    playing.file.show_position(11.0, 20.0)
    qtbot.keyClick(playing, Qt.Key.Key_O)
    qtbot.keyClick(playing, Qt.Key.Key_N)
    assert passages(engine) == [(8.0, 20.0), (8.0, 11.0), None]


def test_an_end_without_a_start_repeats_from_the_beginning(qtbot, playing, engine):
    qtbot.keyClick(playing, Qt.Key.Key_O)
    assert passages(engine) == [(0.0, 8.0)]


def test_keys_seek_within_the_file(qtbot, playing, engine):
    qtbot.keyClick(playing, Qt.Key.Key_Comma)
    qtbot.keyClick(playing, Qt.Key.Key_Period)
    playing.file.show_position(2.0, 20.0)
    qtbot.keyClick(playing, Qt.Key.Key_Comma)
    assert engine.sent == [Seek(3.0), Seek(13.0), Seek(0.0)]


def test_the_slider_seeks(playing, engine):
    playing.file.slider.setValue(750)
    assert engine.sent == [Seek(15.0)]


def test_another_input_forgets_the_passage(qtbot, playing, engine):
    qtbot.keyClick(playing, Qt.Key.Key_I)
    playing.transport.devices_asked.emit("USB microphone, ALSA", "none")
    assert playing.link.controls.passage is None


def test_a_key_goes_back_to_the_previous_level_and_again(qtbot, window, engine):
    for key in (Qt.Key.Key_2, Qt.Key.Key_4, Qt.Key.Key_X, Qt.Key.Key_X, Qt.Key.Key_X):
        qtbot.keyClick(window, key)
    assert [one.level for one in engine.sent if isinstance(one, Controls)] == [2, 4, 2, 4, 2]
