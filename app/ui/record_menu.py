"""The small menu beside the record button: format and folder of recordings."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from .icons import icon
from .theme import Theme

#: format, label
FORMATS = (("wav", "WAV, 32-bit float"), ("flac", "FLAC, 24-bit"))


class RecordMenu(QPushButton):
    """A button with a menu of formats, and entries that choose and open the folder."""

    format_asked = pyqtSignal(str)
    folder_asked = pyqtSignal(str)
    opening_asked = pyqtSignal()

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
            action = QAction(label, menu)
            action.setCheckable(True)
            action.triggered.connect(lambda _, format=format: self.format_asked.emit(format))
            group.addAction(action)
            menu.addAction(action)
            self.formats[format] = action
        menu.addSeparator()
        self.choose = QAction("Choose folder…", menu)
        self.choose.triggered.connect(self._choose_folder)
        menu.addAction(self.choose)
        self.open = QAction("Open the folder of recordings", menu)
        self.open.triggered.connect(self.opening_asked)
        menu.addAction(self.open)
        self.setMenu(menu)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icon in the theme's colours."""
        self.setIcon(icon("more", theme.text))

    def show_choice(self, format: str, folder: str) -> None:
        """Show what is chosen; emits nothing."""
        self.formats[format].setChecked(True)
        self._folder = folder
        self.choose.setText(f"Choose folder… ({folder})")

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for recordings", self._folder)
        if folder:
            self.folder_asked.emit(folder)
