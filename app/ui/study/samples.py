"""Buttons that play samples, scores below them, and the passage that is looped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from sepprune.study.methods.mushra import OPEN_REFERENCE

from ...engine.player import Player
from ..labels import label
from ..theme import Theme
from .style import button

#: keys of the samples from left to right: the row of digits. The open reference has R.
KEYS = "1234567890-="
#: width of one of many columns, in pixels; it holds the word `playing`, so that no column moves
NARROW = 60
UNSCORED = "–"
#: heights of score sliders, and steps of keys that move them
SLIDER_HEIGHT, STEP, LARGE_STEP = 270, 1, 10


def keys_of(labels: Sequence[str]) -> dict[str, str]:
    """The key of every sample."""
    others = [one for one in labels if one != OPEN_REFERENCE]
    keys = dict(zip(others, KEYS, strict=False))
    return {one: "R" if one == OPEN_REFERENCE else keys[one] for one in labels}


class SampleColumn(QWidget):
    """A button that plays a sample, and below it its key or the word ``playing``.

    Args:
        name: label of the sample.
        key: that plays it.
        narrow: for many samples side by side.
    """

    def __init__(self, name: str, key: str, narrow: bool) -> None:
        super().__init__()
        self.playing, self._key = False, key
        self._roles = ("key-narrow", "playing-narrow") if narrow else ("small", "playing")
        self.button = button("Ref." if narrow and name == OPEN_REFERENCE else name, "narrow" if narrow else "sample")
        self.button.setAccessibleName(name)
        if narrow:
            self.setFixedWidth(NARROW)
        self.button.setCheckable(True)
        self.state = label(f"key {key}", self._roles[0])
        self.state.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(4)
        self.column.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignHCenter)
        self.column.addWidget(self.state)

    def show_playing(self, playing: bool) -> None:
        """Show in words, and not by colour alone, whether this sample is heard."""
        self.playing = playing
        self.button.setChecked(playing)
        self.state.setText("playing" if playing else f"key {self._key}")
        self.state.setProperty("role", self._roles[playing])
        if style := self.state.style():
            style.polish(self.state)


class ScoreColumn(SampleColumn):
    """A sample with a slider from 0 to 100, which is enabled while the sample is heard."""

    changed = pyqtSignal()

    def __init__(self, name: str, key: str) -> None:
        super().__init__(name, key, narrow=True)
        self.score: int | None = None
        self.slider = QSlider(Qt.Orientation.Vertical)
        self.slider.setAccessibleName(f"Score of {name}")
        self.slider.setRange(0, 100)
        self.slider.setPageStep(LARGE_STEP)
        self.slider.setFixedSize(48, SLIDER_HEIGHT)
        self.slider.setEnabled(False)
        self.value = label(UNSCORED, "figure")
        self.value.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.column.insertWidget(0, self.value)
        self.column.insertWidget(1, self.slider, alignment=Qt.AlignmentFlag.AlignHCenter)
        self.slider.valueChanged.connect(self._scored)
        self.slider.sliderReleased.connect(self._scored)

    def step(self, change: int) -> None:
        """Move the slider by this much, as far as it goes; a score of 0 counts too."""
        self.slider.setValue(self.slider.value() + change)
        self._scored()

    def show_playing(self, playing: bool) -> None:
        super().show_playing(playing)
        self.slider.setEnabled(playing)

    def _scored(self) -> None:
        self.score = self.slider.value()
        self.value.setText(str(self.score))
        self.changed.emit()


class ScaleNames(QWidget):
    """Names of the five ranges beside the sliders, best at the top."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for name in names:
            one = label(name, "small")
            one.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            column.addWidget(one, stretch=1)
        self.setFixedHeight(SLIDER_HEIGHT)


@dataclass(frozen=True)
class _Shares:
    """Passage and position as shares of the sample."""

    start: float = 0.0
    stop: float = 1.0
    position: float = 0.0


class PassageBar(QWidget):
    """Where in the sample the sound is, and the passage that is looped. The same for every sample."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._shares = theme, _Shares()
        self.setFixedHeight(18)
        self.setAccessibleName("Position in the sample")

    def show_player(self, player: Player) -> None:
        """Take passage and position from the player."""
        whole = player.duration or 1.0
        start, stop = player.loop
        shares = _Shares(start / whole, stop / whole, player.position / whole)
        if shares != self._shares:
            self._shares = shares
            self.setAccessibleDescription(f"the passage from {start:.1f} to {stop:.1f} seconds is looped")
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, theme, shares = QPainter(self), self._theme, self._shares
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        width, middle = self.width() - 6.0, self.height() / 2
        painter.setBrush(QColor(theme.border))
        painter.drawRoundedRect(QRectF(3, middle - 3, width, 6), 3, 3)
        painter.setBrush(QColor(theme.muted))
        painter.drawRoundedRect(
            QRectF(3 + width * shares.start, middle - 3, width * (shares.stop - shares.start), 6), 3, 3
        )
        painter.setBrush(QColor(theme.compute))
        painter.drawRoundedRect(QRectF(1 + width * shares.position, 1, 5, self.height() - 2), 2.5, 2.5)


class SoundRow(QWidget):
    """Below the samples: what changes how they play.

    Attributes:
        keys: key -> effect.
    """

    keys: Mapping[str, Callable[[], None]]

    def tick(self) -> None:
        """Show what the player does. Called regularly."""


class PassageRow(SoundRow):
    """The passage bar and what changes it: start and end at the present position, the whole sample, stop.

    Args:
        player: the samples.
        theme: colours.
    """

    def __init__(self, player: Player, theme: Theme) -> None:
        super().__init__()
        self._player = player
        self.bar = PassageBar(theme)
        self.start, self.stop, self.whole = (
            button("Loop from here (I)", "small"),
            button("Loop to here (O)", "small"),
            button("Loop all (L)", "small"),
        )
        self.silence = button("Stop (S)", "small")
        self.restart = QCheckBox("Start again at every switch")
        self.restart.setChecked(player.restart)
        self.start.clicked.connect(lambda: player.set_loop(player.position, player.loop[1]))
        self.stop.clicked.connect(lambda: player.set_loop(player.loop[0], player.position))
        self.whole.clicked.connect(lambda: player.set_loop(0.0, player.duration))
        self.silence.clicked.connect(player.stop)
        self.restart.toggled.connect(self._set_restart)
        self.keys = {
            "I": self.start.click,
            "O": self.stop.click,
            "L": self.whole.click,
            "S": self.silence.click,
        }
        row = QHBoxLayout()
        row.setSpacing(8)
        for one in (self.start, self.stop, self.whole, self.silence):
            row.addWidget(one)
        row.addStretch(1)
        row.addWidget(self.restart)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.bar)
        column.addLayout(row)

    def tick(self) -> None:
        self.bar.show_player(self._player)

    def _set_restart(self, on: bool) -> None:
        self._player.restart = on


def small_note(text: str) -> QLabel:
    """A line of small text that may wrap."""
    return label(text, "small", wrap=True)
