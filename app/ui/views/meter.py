"""Level meters with peak hold."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from ...engine.arrays import Samples
from ...engine.input_hint import CLIPPED_DB, LOWEST_DB, SILENT_DB, decibels
from ..theme import DARK, Theme, blend

#: lower end of the bar
FLOOR_DB = -60.0

#: a voice this far below the mixture is silent
VOICE_BELOW_DB = 50.0

#: how fast the level falls
FALL_DB_PER_S = 24.0

#: seconds for which a peak is held
HOLD_S = 1.5


@dataclass
class Level:
    """A level in dB relative to full scale. It rises immediately and falls slowly; its peak is held."""

    db: float = LOWEST_DB
    peak_db: float = LOWEST_DB
    held_s: float = 0.0

    def feed(self, samples: Samples, seconds: float) -> None:
        """Take the samples ``(n,)`` that arrived during the last ``seconds``."""
        now = decibels(samples)
        self.db = max(LOWEST_DB, now, self.db - FALL_DB_PER_S * seconds)
        self.held_s += seconds
        if self.db >= self.peak_db:
            self.peak_db, self.held_s = self.db, 0.0
        elif self.held_s > HOLD_S:
            self.peak_db = max(self.db, self.peak_db - FALL_DB_PER_S * seconds)

    @property
    def resting(self) -> bool:
        """Whether level and peak are below the bar, so that nothing would change on the screen."""
        return self.peak_db <= FLOOR_DB


def caption(db: float, mixture_db: float) -> str:
    """The level of a signal in words, such as ``−46 dB``, or ``silent``.

    A quiet microphone gives quiet voices, which are not silent: the threshold of a voice follows the mixture.

    Args:
        db: of the mixture or of a voice in it, relative to full scale.
        mixture_db: of the mixture.
    """
    if mixture_db <= SILENT_DB or db <= mixture_db - VOICE_BELOW_DB:
        return "silent"
    return f"{round(db)} dB".replace("-", "−")


class Meter(QWidget):
    """A vertical bar from -60 dB to full scale, with the peak as a line, and a scale beside it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.set_name(name)
        self.level = Level()
        self.set_colour(DARK, DARK.mixture)

    def set_name(self, name: str) -> None:
        """Say whose level it is."""
        self.setAccessibleName(f"{name} level meter")
        self.setToolTip(
            f"{name}: peak level in decibels below full scale (dBFS); the line holds the peak for {HOLD_S:.1f} s"
        )

    def set_colour(self, theme: Theme, colour: str) -> None:
        """Draw with ``colour``."""
        self._theme, self._colour = theme, QColor(colour)
        self._card, self._empty = QColor(theme.card), QColor(blend(theme.card, theme.text, 0.10))
        self.setFixedWidth(self.sizeHint().width())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(16 + self.fontMetrics().horizontalAdvance("−60"), 48)

    def feed(self, samples: Samples, seconds: float) -> None:
        """Show the samples ``(n,)`` that arrived during the last ``seconds``."""
        resting = self.level.resting
        self.level.feed(samples, seconds)
        if not (resting and self.level.resting):
            self.update(0, 0, 12, self.height())

    def clear(self) -> None:
        """Show no level."""
        self.level = Level()
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, theme, height = QPainter(self), self._theme, self.height()
        painter.fillRect(event.rect() if event else self.rect(), self._card)
        painter.fillRect(QRectF(0, 0, 9, height), self._empty)
        top = self._y(self.level.db)
        colour = QColor(theme.miss) if self.level.db > CLIPPED_DB else self._colour
        painter.fillRect(QRectF(0, top, 9, height - top), colour)
        if self.level.peak_db > FLOOR_DB:
            hot = self.level.peak_db > CLIPPED_DB
            painter.fillRect(
                QRectF(0, max(0.0, self._y(self.level.peak_db) - 1), 9, 2), QColor(theme.miss if hot else theme.text)
            )
        if event and event.rect().right() <= 12:
            return
        painter.setPen(QColor(theme.muted))
        half = self.fontMetrics().height() / 2
        for db in (0, -20, -40, -60):
            y = min(max(self._y(db), half - 2), height - half + 2)
            painter.drawText(
                QRectF(13, y - half, self.width() - 13, 2 * half),
                Qt.AlignmentFlag.AlignVCenter,
                str(db).replace("-", "−"),
            )

    def _y(self, db: float) -> float:
        return min(1.0, db / FLOOR_DB) * self.height() if db < 0 else 0.0
