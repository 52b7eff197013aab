"""Labels of windows."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel


def label(text: str = "", role: str = "", wrap: bool = False) -> QLabel:
    """A label in one of the styles; the text is shown as it is, without markup.

    Args:
        text: to show.
        role: property that the style sheet reads; empty for plain text.
        wrap: whether the text may take several lines.
    """
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made
