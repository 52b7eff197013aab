"""The button in the top bar whose menu chooses light, dark or the system's colours."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import QMenu, QPushButton, QWidget

from .icons import icon
from .theme import COLOURS, Theme

#: what the menu calls each of :data:`~app.ui.theme.COLOURS`
LABELS = {"system": "Colours of the system", "light": "Light", "dark": "Dark"}


class ColourMenu(QPushButton):
    """A button with a menu of :data:`~app.ui.theme.COLOURS`, of which one is checked."""

    colours_asked = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "icon")
        self.setAccessibleName("Colours")
        self.setToolTip("Light or dark colours (K)")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu, group = QMenu(self), QActionGroup(self)
        self.choices: dict[str, QAction] = {}
        for colours in COLOURS:
            action = QAction(LABELS[colours], menu)
            action.setCheckable(True)
            action.triggered.connect(lambda _, colours=colours: self.colours_asked.emit(colours))
            group.addAction(action)
            menu.addAction(action)
            self.choices[colours] = action
        self.setMenu(menu)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icon in the theme's colours."""
        self.setIcon(icon("colours", theme.text))

    def show_choice(self, colours: str) -> None:
        """Show what is chosen; emits nothing."""
        self.choices[colours].setChecked(True)
