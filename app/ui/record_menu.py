"""How and where recordings are stored: the small menu beside the record button."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from .icons import icon
from .theme import Theme

#: format, what it is
FORMATS = (("wav", "WAV, 32-bit float"), ("flac", "FLAC, 24-bit"))


class RecordMenu(QPushButton):
    """A button with a menu; emits what the user chooses."""

    format_asked = pyqtSignal(str)
    folder_asked = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "menu")
        self.setAccessibleName("Recording options")
        self.setToolTip("Format and folder of recordings")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._folder = ""
        menu, group = QMenu(self), QActionGroup(self)
        self.formats: dict[str, QAction] = {}
        for format, label in FORMATS:
            action = group.addAction(menu.addAction(label))
            action.setCheckable(True)
            action.triggered.connect(lambda _, format=format: self.format_asked.emit(format))
            self.formats[format] = action
        menu.addSeparator()
        self.choose = menu.addAction("Choose folder…")
        self.choose.triggered.connect(self._choose_folder)
        self.setMenu(menu)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icon in the theme's colours."""
        self.setIcon(icon("more", theme.text))

    def show_choice(self, format: str, folder: str) -> None:
        """What is chosen; announces nothing."""
        self.formats[format].setChecked(True)
        self._folder = folder
        self.choose.setText(f"Choose folder… ({folder})")

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for recordings", self._folder)
        if folder:
            self.folder_asked.emit(folder)
