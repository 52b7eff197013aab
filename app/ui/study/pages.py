"""Pages without a question about sound: messages, the questionnaire, and the volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence, QShortcut, QShowEvent
from PyQt6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from ..labels import label
from .sounds import Sounds
from .style import TEXT_WIDTH, button, page_background

#: gain of the volume slider in dB: lowest, highest, at the start
GAINS_DB = (-40, 0, -12)
#: characters from which on a question of the questionnaire takes several lines
LONG = 40


class Page(QWidget):
    """A heading, content, a notice, and a row of buttons of which the last one goes forward; Return presses it.

    Args:
        heading: first line.
        actions: text and effect of every button.
    """

    def __init__(self, heading: str, actions: Sequence[tuple[str, Callable[[], None]]]) -> None:
        super().__init__()
        page_background(self)
        self.heading, self.notice = label(heading, "headline", wrap=True), label("", "notice", wrap=True)
        self.notice.hide()
        self.content = QVBoxLayout()
        self.content.setSpacing(14)
        self.buttons = [button(text) for text, _ in actions]
        for one, (_, effect) in zip(self.buttons, actions, strict=True):
            one.clicked.connect(_alone(effect))
        self.forward = self.buttons[-1]
        self.forward.setProperty("role", "main")
        self.first: QWidget = self.forward
        column = QVBoxLayout()
        column.setSpacing(18)
        column.addStretch(1)
        column.addWidget(self.heading)
        column.addLayout(self.content)
        column.addWidget(self.notice)
        column.addSpacing(8)
        column.addLayout(self._row(self.buttons))
        column.addStretch(2)
        block = QWidget()
        block.setLayout(column)
        block.setFixedWidth(TEXT_WIDTH)
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(block)
        outer.addStretch(1)
        for key in ("Return", "Enter"):
            QShortcut(QKeySequence(key), self).activated.connect(self.press)

    def press(self) -> None:
        """Return: what the focused button does, otherwise the way forward."""
        focused = self.focusWidget()
        (focused if isinstance(focused, QPushButton) and focused.isEnabled() else self.forward).click()

    def show_notice(self, text: str) -> None:
        """Show a sentence above the buttons; an empty one hides it."""
        self.notice.setText(text)
        self.notice.setVisible(bool(text))

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self.first.setFocus(Qt.FocusReason.OtherFocusReason)

    @staticmethod
    def _row(buttons: Sequence[QPushButton]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        for one in buttons[:-1]:
            row.addWidget(one)
        row.addStretch(1)
        row.addWidget(buttons[-1])
        return row


def _alone(effect: Callable[[], None]) -> Callable[[], None]:
    """The effect, called without the argument of a button's signal."""
    return lambda: effect()


class Message(Page):
    """A text that may be long.

    Args:
        heading: first line.
        text: paragraphs, shown as they are.
        actions: as for :class:`Page`.

    Attributes:
        text: the paragraphs.
    """

    def __init__(self, heading: str, text: str, actions: Sequence[tuple[str, Callable[[], None]]]) -> None:
        super().__init__(heading, actions)
        self.text = text
        paragraphs = label(text, wrap=True)
        paragraphs.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        paragraphs.setFixedWidth(TEXT_WIDTH - 40)
        if paragraphs.heightForWidth(TEXT_WIDTH - 40) <= 420:
            self.content.addWidget(paragraphs)
            return
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(paragraphs)
        area.setWidgetResizable(True)
        area.setAccessibleName(heading)
        area.setMinimumHeight(380)
        self.content.addWidget(area)


class Questionnaire(Page):
    """Asks for the listener's code and the study's questions.

    Args:
        questions: name of an answer -> question.
        actions: as for :class:`Page`.
    """

    def __init__(self, questions: Mapping[str, str], actions: Sequence[tuple[str, Callable[[], None]]]) -> None:
        super().__init__("About you", actions)
        self.listener = QLineEdit()
        self.listener.setAccessibleName("Your code")
        self.listener.setPlaceholderText("letters and digits, such as L07")
        self.listener.setMaxLength(64)
        self.fields = {name: QLineEdit() for name in questions}
        form = QFormLayout()
        form.setSpacing(12)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.addRow(self._beside("Your code, from the researcher"), self.listener)
        for name, question in questions.items():
            self.fields[name].setAccessibleName(question)
            self.fields[name].setMaxLength(200)
            form.addRow(self._beside(question), self.fields[name])
        self.content.addLayout(form)
        self.first = self.listener

    @staticmethod
    def _beside(question: str) -> QLabel:
        """A label as high as its field, so that both have one middle."""
        made = label(question, wrap=len(question) > LONG)
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        return made

    @property
    def about(self) -> dict[str, str]:
        """The answers."""
        return {name: field.text().strip() for name, field in self.fields.items()}


class Volume(Page):
    """Plays a sample in a loop while the listener finds a comfortable volume.

    Args:
        player: with one sample loaded, called :attr:`LABEL`.
        actions: as for :class:`Page`.
    """

    LABEL = "sample"

    def __init__(self, player: Sounds, actions: Sequence[tuple[str, Callable[[], None]]]) -> None:
        super().__init__("Volume", actions)
        self._player = player
        self.play = button("Play")
        self.play.setCheckable(True)
        self.play.setFixedWidth(110)
        self.play.clicked.connect(self._toggle)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Volume")
        self.slider.setRange(*GAINS_DB[:2])
        self.slider.setPageStep(5)
        self.slider.setMinimumHeight(44)
        self.slider.valueChanged.connect(lambda value: player.set_gain(float(value)))
        self.slider.setValue(GAINS_DB[2])
        self.content.addWidget(
            label(
                "Put on your headphones, play the sample and set a comfortable volume, with the slider or with the "
                "volume of your computer. The volume stays as it is for the whole test.",
                wrap=True,
            )
        )
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addWidget(self.play)
        row.addWidget(label("softer", "muted"))
        row.addWidget(self.slider, stretch=1)
        row.addWidget(label("louder", "muted"))
        self.content.addLayout(row)
        self.first = self.play
        self.forward.setEnabled(False)
        self.forward.setToolTip("Play the sample first")

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._show()

    def _toggle(self) -> None:
        if self._player.playing is None:
            self._player.play(self.LABEL)
            self.forward.setEnabled(True)
            self.forward.setToolTip("")
        else:
            self._player.stop()
        self._show()

    def _show(self) -> None:
        on = self._player.playing is not None
        self.play.setChecked(on)
        self.play.setText("Stop" if on else "Play")
