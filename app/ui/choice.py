"""A combo box whose long entries are shortened in the middle: names of devices often differ at their end only."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QComboBox, QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

#: what stands after this in a label is left out first where the label does not fit
REMARK = " · "

#: widest list of names, in pixels; a longer name is shortened in the middle
WIDEST_LIST = 460


class Choice(QComboBox):
    """A combo box with a drawn arrow, whose width does not depend on its longest entry.

    An entry that does not fit is shortened in the middle. Its tooltip is the whole name, and so is the tooltip of the
    box for the entry that is chosen.

    Args:
        name: for screen readers.
        explanation: what is chosen here, the last line of the tooltip.
    """

    def __init__(self, name: str, explanation: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explanation = explanation
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaximumWidth(300)
        if view := self.view():
            view.setTextElideMode(Qt.TextElideMode.ElideMiddle)

    def show_entries(self, entries: Sequence[tuple[str, str]], current: str) -> None:
        """Fill the list, which is no choice of the user: ``activated`` is not emitted.

        Args:
            entries: value and label of each.
            current: the value that is chosen.
        """
        self.clear()
        for number, (value, label) in enumerate(entries):
            self.addItem(label, value)
            self.setItemData(number, label, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(self.findData(current))
        self.setToolTip(f"{self.currentText()}\n{self._explanation}")
        longest = max(self.fontMetrics().horizontalAdvance(label) for _, label in entries)
        if view := self.view():
            view.setMinimumWidth(min(longest + 40, WIDEST_LIST))

    @property
    def shown(self) -> str:
        """The text in the box: where the chosen label does not fit, without its remark, and shortened in the middle."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        if style is None:
            return self.currentText()
        room = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        metrics, width, label = self.fontMetrics(), room.width() - 4, self.currentText()
        if metrics.horizontalAdvance(label) > width:
            label = label.partition(REMARK)[0]
        return metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, width)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = max(3.5, self.fontMetrics().height() / 4.5)
        painter.setPen(QPen(self.palette().color(self.foregroundRole()), 0.4 * side))
        x, y = self.width() - 15.0, self.height() / 2
        painter.drawPolyline(
            QPolygonF([QPointF(x - side, y - side / 2), QPointF(x, y + side / 2), QPointF(x + side, y - side / 2)])
        )
