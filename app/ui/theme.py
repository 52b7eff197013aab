"""Colours and text sizes, light and dark, and the style sheet made from them.

Data colours are based on the Okabe-Ito palette, whose colours can be told apart with every common kind of colour
blindness: the mixture is grey, voice 1 blue, voice 2 amber, computation teal, and a missed deadline vermilion. A missed
deadline never differs by its colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFont, QFontMetrics, QGuiApplication, QPalette
from PyQt6.QtWidgets import QApplication, QPushButton

#: the value for which :func:`colour_table` gives the colour itself
PURE = 194

#: what the user can choose: the system's choice of light or dark, or one of them always
COLOURS = ("system", "light", "dark")


@dataclass(frozen=True)
class Theme:
    """Named colours as ``#rrggbb``; ``points`` is the size of body text."""

    dark: bool
    window: str
    card: str
    well: str  # background of plots, and the colour of silence in a spectrogram
    border: str
    text: str
    muted: str
    faint: str  # grid lines and disabled parts, never text
    hover: str
    mixture: str
    voice1: str
    voice2: str
    compute: str
    transition: str
    miss: str
    points: float = 9.5

    @property
    def voices(self) -> tuple[str, str, str]:
        """Colours of mixture, voice 1 and voice 2."""
        return self.mixture, self.voice1, self.voice2

    def with_points(self, points: float) -> Theme:
        """The same colours with another size of body text."""
        return replace(self, points=points)


LIGHT = Theme(
    dark=False,
    window="#f3f4f6",
    card="#ffffff",
    well="#fafbfc",
    border="#dfe3e8",
    text="#171b21",
    muted="#586270",
    faint="#c3cad2",
    hover="#eceff3",
    mixture="#4d5866",
    voice1="#0068a8",
    voice2="#a05c00",
    compute="#007a65",
    transition="#8a5a9e",
    miss="#c8321e",
)
DARK = Theme(
    dark=True,
    window="#0e1014",
    card="#16191f",
    well="#101318",
    border="#272c35",
    text="#e9ecf0",
    muted="#9aa4b2",
    faint="#3b424d",
    hover="#20252d",
    mixture="#aab4c2",
    voice1="#58b4f0",
    voice2="#f0aa3c",
    compute="#2fc4a0",
    transition="#c99be0",
    miss="#ff6a4d",
)


def running_application() -> QApplication:
    """The application object; it has to exist."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        raise RuntimeError("there is no QApplication: make one first")
    return application


def system_theme(application: QGuiApplication) -> Theme:
    """The desktop's choice of light or dark; where it states none, the one that fits its palette."""
    hints = application.styleHints()
    scheme = Qt.ColorScheme.Unknown if hints is None else hints.colorScheme()
    if scheme == Qt.ColorScheme.Unknown:
        return DARK if application.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


def chosen_theme(colours: str, application: QGuiApplication) -> Theme:
    """The theme of a choice, one of :data:`COLOURS`."""
    return {"light": LIGHT, "dark": DARK}.get(colours) or system_theme(application)


def colour_table(theme: Theme, colour: str) -> NDArray[np.uint32]:
    """256 colours from the plot background through ``colour`` to white (dark theme) or nearly black (light theme).

    Returns:
        ``(256,)`` uint32, 0xffrrggbb: the colour of each value of a uint8 image.
    """
    end = "#ffffff" if theme.dark else "#05080c"
    stops = [_rgb(theme.well), _mixed(theme.well, colour, 0.42), _rgb(colour), _mixed(colour, end, 0.72)]
    places = (0, PURE // 2, PURE, 255)
    red, green, blue = (np.interp(np.arange(256), places, [stop[k] for stop in stops]) for k in range(3))
    red, green, blue = (channel.round().astype(np.uint32) for channel in (red, green, blue))
    packed: NDArray[np.uint32] = (red << 16) | (green << 8) | blue | np.uint32(0xFF000000)
    return packed


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], dtype=float)


def _mixed(first: str, second: str, share: float) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = (1 - share) * _rgb(first) + share * _rgb(second)
    return mixed


def blend(first: str, second: str, share: float) -> str:
    """A colour between two, with ``share`` of the second."""
    return "#" + "".join(f"{round(part):02x}" for part in _mixed(first, second, share))


def fit_bold(button: QPushButton) -> None:
    """Give a button the width of its text in bold, which it has while it is checked."""
    button.ensurePolished()
    font = QFont(button.font())
    font.setBold(True)
    more = QFontMetrics(font).horizontalAdvance(button.text()) - button.fontMetrics().horizontalAdvance(button.text())
    button.setMinimumWidth(0)
    button.setMinimumWidth(button.sizeHint().width() + max(0, more))


def style_sheet(theme: Theme) -> str:
    """The style sheet of the main window."""
    t, size = theme, theme.points
    pressed = blend(t.card, t.text, 0.14)
    return f"""
    QWidget {{ color: {t.text}; font-size: {size:.1f}pt; }}
    #window, #content {{ background: {t.window}; }}
    QFrame[role="card"] {{ background: {t.card}; border: 1px solid {t.border}; border-radius: 8px; }}
    QFrame[role="bar"] {{ background: {t.card}; border: 0; border-bottom: 1px solid {t.border}; }}
    QFrame[role="status"] {{ background: {t.card}; border: 0; border-top: 1px solid {t.border}; }}
    QFrame[role="banner"] {{ background: {blend(t.card, t.miss, 0.16)}; border: 0; border-bottom: 1px solid {t.miss}; }}
    QLabel {{ background: transparent; border: 0; }}
    QLabel[role="title"] {{ font-weight: 600; }}
    QLabel[role="headline"] {{ font-size: {size * 1.8:.1f}pt; font-weight: 600; }}
    QLabel[role="muted"] {{ color: {t.muted}; }}
    QLabel[role="small"] {{ color: {t.muted}; font-size: {size * 0.9:.1f}pt; }}
    QLabel[role="figure"] {{ font-weight: 600; }}
    QLabel[alarm="true"] {{ color: {t.miss}; font-weight: 700; }}
    QToolTip {{ background: {t.card}; color: {t.text}; border: 1px solid {t.border}; padding: 5px; }}

    QPushButton, QComboBox, QSpinBox {{ background: {t.card}; border: 1px solid {t.border}; border-radius: 6px;
        padding: 4px 10px; min-height: {size * 1.6:.0f}px; }}
    QPushButton {{ icon-size: {max(16, round(size * 1.6))}px; }}
    QPushButton:hover, QComboBox:hover {{ background: {t.hover}; }}
    QPushButton:pressed {{ background: {pressed}; }}
    QPushButton:focus, QComboBox:focus, QSpinBox:focus {{ border: 1px solid {t.compute}; }}
    QPushButton:disabled, QComboBox:disabled, QSpinBox:disabled {{ color: {t.faint}; }}
    QPushButton:checked {{ background: {t.text}; color: {t.card}; border: 1px solid {t.text}; font-weight: 600; }}
    QPushButton:checked:focus {{ border: 1px solid {t.compute}; }}
    QPushButton[role="link"] {{ background: transparent; border: 1px solid transparent; padding: 0 4px; min-height: 0;
        color: {t.muted}; }}
    QPushButton[role="link"]:hover, QPushButton[role="link"]:focus {{ color: {t.text}; text-decoration: underline; }}
    QPushButton[role="icon"] {{ padding: 4px 6px; }}
    QPushButton[role="menu"] {{ padding: 4px 3px; border-top-left-radius: 0; border-bottom-left-radius: 0; }}
    QPushButton::menu-indicator {{ image: none; width: 0; }}
    QMenu {{ background: {t.card}; border: 1px solid {t.border}; padding: 4px; }}
    QMenu::item {{ padding: 5px 22px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.hover}; }}
    QPushButton[role="record"]:checked {{ background: {t.miss}; color: {"#14171c" if t.dark else "#ffffff"};
        border: 1px solid {t.miss}; }}
    QPushButton[role="record"] {{ border-top-right-radius: 0; border-bottom-right-radius: 0; }}
    QPushButton[segment="left"] {{ border-top-right-radius: 0; border-bottom-right-radius: 0; }}
    QPushButton[segment="middle"] {{ border-radius: 0; border-left: 0; }}
    QPushButton[segment="right"] {{ border-top-left-radius: 0; border-bottom-left-radius: 0; border-left: 0; }}
    QPushButton[segment] {{ padding: 4px 5px; }}
    QComboBox {{ padding-right: 2px; }}
    QComboBox::drop-down {{ border: 0; width: 22px; }}
    QComboBox::down-arrow {{ image: none; }}
    QComboBox QAbstractItemView {{ background: {t.card}; border: 1px solid {t.border}; padding: 4px;
        selection-background-color: {t.hover}; selection-color: {t.text}; outline: 0; }}
    QSpinBox {{ padding: 3px 6px; }}
    QDialog QLineEdit {{ background: {t.card}; border: 1px solid {t.border}; border-radius: 6px; padding: 4px 8px;
        placeholder-text-color: {t.muted}; }}
    QDialog QLineEdit:focus {{ border: 1px solid {t.compute}; }}
    QSlider#gain::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.border}; }}
    QSlider#gain::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {t.muted}; }}
    QSlider#gain::handle:horizontal {{ width: 14px; height: 14px; margin: -6px 0; border-radius: 8px;
        background: {t.card}; border: 1px solid {t.muted}; }}
    QSlider#gain::handle:horizontal:focus {{ border: 2px solid {t.compute}; }}
    """
