"""Large type and calm colours of the pages, on top of the theme of the main window."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ..theme import Theme, blend, style_sheet

#: text size of the pages, relative to the desktop's
SCALE = 1.35
#: widest text block, in pixels
TEXT_WIDTH = 720


def study_style(theme: Theme) -> str:
    """The style sheet of the pages."""
    t, size = theme, theme.points
    return (
        style_sheet(theme)
        + f"""
    #page {{ background: {t.window}; }}
    QLabel[role="question"] {{ font-size: {size * 1.35:.1f}pt; font-weight: 600; }}
    QLabel[role="playing"] {{ color: {t.compute}; font-size: {size * 0.9:.1f}pt; font-weight: 600; }}
    QLabel[role="key-narrow"], QLabel[role="playing-narrow"] {{ color: {t.muted}; font-size: {size * 0.76:.1f}pt; }}
    QLabel[role="playing-narrow"] {{ color: {t.compute}; font-weight: 600; }}
    QLabel[role="notice"] {{ background: {blend(t.card, t.miss, 0.16)}; border: 1px solid {t.miss};
        border-radius: 6px; padding: 8px 12px; }}
    QPushButton {{ padding: 7px 18px; border-radius: 8px; }}
    QPushButton:focus {{ border: 2px solid {t.compute}; padding: 6px 17px; }}
    QPushButton:checked:focus {{ border: 3px solid {t.compute}; padding: 5px 16px; }}
    QPushButton[role="sample"] {{ font-size: {size * 1.7:.1f}pt; font-weight: 600; padding: 4px; min-height: 78px;
        min-width: 144px; }}
    QPushButton[role="narrow"] {{ font-size: {size * 1.3:.1f}pt; font-weight: 600; padding: 4px; min-height: 46px;
        min-width: 48px; }}
    QPushButton[role="sample"]:focus, QPushButton[role="narrow"]:focus {{ padding: 3px; }}
    QPushButton[role="sample"]:checked:focus, QPushButton[role="narrow"]:checked:focus {{ padding: 2px; }}
    QPushButton[role="main"] {{ background: {t.compute}; color: {t.card}; border: 1px solid {t.compute};
        font-weight: 600; }}
    QPushButton[role="main"]:hover {{ background: {blend(t.compute, t.text, 0.2)}; }}
    QPushButton[role="main"]:focus {{ border: 2px solid {t.text}; }}
    QPushButton[role="main"]:disabled {{ background: {t.card}; color: {t.muted}; border: 1px solid {t.border}; }}
    QPushButton[role="small"] {{ font-size: {size * 0.9:.1f}pt; padding: 4px 10px; }}
    QPushButton[role="small"]:focus {{ padding: 3px 9px; }}
    QCheckBox {{ font-size: {size * 0.9:.1f}pt; color: {t.muted}; spacing: 8px; border: 2px solid transparent;
        border-radius: 6px; padding: 3px 6px; }}
    QCheckBox::indicator {{ width: 16px; height: 16px; border: 1px solid {t.muted}; border-radius: 4px;
        background: {t.card}; }}
    QCheckBox::indicator:checked {{ border: 5px solid {t.compute}; background: {t.card}; width: 8px; height: 8px; }}
    QCheckBox:focus {{ border: 2px solid {t.compute}; }}
    QLineEdit {{ background: {t.card}; border: 1px solid {t.border}; border-radius: 6px; padding: 7px 10px; }}
    QLineEdit:focus {{ border: 2px solid {t.compute}; padding: 6px 9px; }}
    QProgressBar {{ background: {t.border}; border: 0; border-radius: 4px; max-height: 8px; }}
    QProgressBar::chunk {{ background: {t.compute}; border-radius: 4px; }}
    QScrollArea {{ background: transparent; border: 0; }}
    QSlider {{ background: transparent; border: 2px solid transparent; border-radius: 6px; }}
    QSlider:focus {{ border: 2px solid {t.compute}; }}
    QSlider::groove:vertical {{ width: 8px; border-radius: 4px; background: {t.border}; }}
    QSlider::groove:horizontal {{ height: 8px; border-radius: 4px; background: {t.border}; }}
    QSlider::handle {{ background: {t.text}; border-radius: 6px; }}
    QSlider::handle:vertical {{ height: 16px; margin: 0 -11px; }}
    QSlider::handle:horizontal {{ width: 16px; margin: -11px 0; }}
    QSlider::handle:disabled {{ background: {t.faint}; }}
    """
    )


def button(text: str, role: str = "") -> QPushButton:
    """A button in one of the styles, reached by Tab; a click takes the focus too."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    if role:
        made.setProperty("role", role)
    return made


def centred(content: QVBoxLayout | QHBoxLayout) -> QHBoxLayout:
    """The content in the middle of a row."""
    row = QHBoxLayout()
    row.addStretch(1)
    row.addLayout(content)
    row.addStretch(1)
    return row


def page_background(widget: QWidget) -> None:
    """Give a page its background."""
    widget.setObjectName("page")
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
