"""Light, dark or the system's colours: chosen in the window, and remembered."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QPalette

from app.ui.settings import Preferences, load_preferences, save_preferences
from app.ui.theme import DARK, LIGHT


def ground(window) -> str:
    """The colour of the top bar."""
    return window.transport.grab().toImage().pixelColor(3, 3).name()


@pytest.mark.parametrize(("colours", "theme"), [("dark", DARK), ("light", LIGHT)])
def test_the_menu_changes_the_colours_and_they_are_remembered(window, colours, theme):
    window.transport.colours.choices[colours].trigger()
    assert ground(window) == theme.card and window.theme.dark == theme.dark
    save_preferences(window.preferences())
    assert load_preferences()[0].colours == colours


@pytest.mark.parametrize(("colours", "theme"), [("dark", DARK), ("light", LIGHT)])
def test_remembered_colours_are_used_and_shown(make_window, colours, theme):
    window = make_window(Preferences(colours=colours))
    assert ground(window) == theme.card and window.transport.colours.choices[colours].isChecked()


def test_chosen_colours_do_not_follow_the_system(qtbot, qapp, window):
    window.transport.colours.choices["dark"].trigger()
    qapp.setPalette(QPalette(QColor("#f0f0f0"), QColor("#f0f0f0")))
    qtbot.wait(50)
    assert window.theme.dark
    window.transport.colours.choices["system"].trigger()
    assert not window.theme.dark


def test_k_goes_through_the_three_choices(qtbot, make_window):
    window = make_window(Preferences(colours="light"))
    seen = []
    for _ in range(3):
        qtbot.keyClick(window, Qt.Key.Key_K)
        seen.append(window.appearance.colours)
        assert window.transport.colours.choices[seen[-1]].isChecked()
    assert seen == ["dark", "system", "light"]
