"""Small widgets of the latency lab."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from ..labels import label
from ..theme import Theme, blend, style_sheet


def button(text: str, tip: str, role: str = "") -> QPushButton:
    """A button that is reached by Tab."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setAutoDefault(False)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if role:
        made.setProperty("role", role)
    return made


class Card(QFrame):
    """A card with a title; ``column`` takes its content."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(16, 12, 16, 14)
        self.column.setSpacing(9)
        self.column.addWidget(label(title, "title"))


def lab_style(theme: Theme) -> str:
    """The style sheet of the window."""
    t = theme
    return (
        style_sheet(theme)
        + f"""
    #lab, #facts {{ background: {t.window}; }}
    #facts {{ background: {t.card}; }}
    QScrollArea {{ background: {t.card}; border: 0; }}
    QLabel[role="verdict"] {{ font-size: {t.points * 1.25:.1f}pt; font-weight: 600; }}
    QProgressBar {{ background: {t.border}; border: 0; border-radius: 4px; max-height: 8px; min-height: 8px; }}
    QProgressBar::chunk {{ background: {t.compute}; border-radius: 4px; }}
    QPushButton[role="main"] {{ background: {t.compute}; color: {t.card}; border: 1px solid {t.compute};
        font-weight: 600; }}
    QPushButton[role="main"]:hover {{ background: {blend(t.compute, t.text, 0.2)}; }}
    QPushButton[role="main"]:focus {{ border: 1px solid {t.text}; }}
    QPushButton[segment] {{ padding: 4px 12px; }}
    QScrollBar:vertical {{ background: transparent; border: 0; width: 10px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: {t.faint}; border-radius: 4px; min-height: 28px; margin: 0 1px; }}
    QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
    QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{ background: transparent; }}
    QCheckBox:disabled {{ color: {t.faint}; }}
    QCheckBox {{ spacing: 8px; }}
    QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid {t.muted}; border-radius: 4px;
        background: {t.card}; }}
    QCheckBox::indicator:checked {{ border: 4px solid {t.compute}; width: 8px; height: 8px; }}
    QCheckBox:focus {{ color: {t.compute}; }}
    """
    )
