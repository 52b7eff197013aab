"""What the two voices are called: by their numbers, until the user gives them names."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

#: names that are used where the user gave none
DEFAULTS = ("Voice 1", "Voice 2")

#: most characters of a name
LONGEST_NAME = 24


class VoiceNames(QObject):
    """Holds the names of the voices, and asks for others.

    Args:
        window: owner of this object and of the dialog.
        given: the names that the user gave; empty where there is none.

    Attributes:
        given: likewise.
    """

    #: the names in use, a tuple of two
    changed = pyqtSignal(tuple)

    def __init__(self, window: QWidget, given: tuple[str, str] = ("", "")) -> None:
        super().__init__(window)
        self._window = window
        self.given = given

    @property
    def names(self) -> tuple[str, str]:
        """The names in use."""
        first, second = (own or usual for own, usual in zip(self.given, DEFAULTS, strict=True))
        return first, second

    def give(self, first: str, second: str) -> None:
        """Use other names; an empty one, or only spaces, stands for the usual name."""
        given = (cleaned(first), cleaned(second))
        if given != self.given:
            self.given = given
            self.changed.emit(self.names)

    def ask(self) -> None:
        """Let the user edit both names."""
        dialog = NamesDialog(self._window, self.given)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.give(*(field.text() for field in dialog.fields))


class NamesDialog(QDialog):
    """One field for each voice."""

    def __init__(self, parent: QWidget, given: tuple[str, str]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Names of the voices")
        self.setObjectName("window")  # the colours of the window
        text = QLabel(
            "The window uses these names, and recordings store them. Which person is in which voice is decided by the "
            "separator, and can change."
        )
        text.setWordWrap(True)
        form = QFormLayout()
        form.setVerticalSpacing(10)
        self.fields: list[QLineEdit] = []
        for own, usual in zip(given, DEFAULTS, strict=True):
            field = QLineEdit(own)
            field.setPlaceholderText(usual)
            field.setMaxLength(LONGEST_NAME)
            field.setAccessibleName(f"Name of {usual.lower()}")
            field.setToolTip(f"Name of {usual.lower()}; empty for “{usual}”")
            form.addRow(usual, field)
            self.fields.append(field)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(14)
        column.addWidget(text)
        column.addLayout(form)
        column.addWidget(buttons)
        self.setMinimumWidth(420)


def in_text(name: str) -> str:
    """A name inside a sentence: the usual names, and that of the mixture, are words there."""
    return name.lower() if name in (*DEFAULTS, "Mixture") else name


def cleaned(name: str) -> str:
    """A name in one line, without spaces at its ends and not too long; empty where it is the usual one."""
    short = " ".join(name.split())[:LONGEST_NAME].strip()
    return "" if short in DEFAULTS else short
