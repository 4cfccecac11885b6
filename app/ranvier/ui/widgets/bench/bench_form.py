"""Small inputs of the benchmark forms: a name above each, numbers that a passing wheel does not change, and the grid
that they stand in, whatever the window's width."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from ranvier.ui.widgets.text import label

_HEIGHT = 34
_MARGINS = (6, 0, 0, 0)
_GAP = 16
_LEAST_LETTERS = 22  # of a column of the grid, so that a number with its unit is read


class Number(QSpinBox):
    """A whole number; the wheel scrolls the page instead."""

    def __init__(self, value: int, low: int, high: int, unit: str = "") -> None:
        super().__init__()
        self.setRange(low, high)
        self.setValue(value)
        self.setSuffix(f" {unit}" if unit else "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(*_MARGINS)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Rate(QDoubleSpinBox):
    """A number with one decimal place."""

    def __init__(self, value: float, low: float, high: float, unit: str = "") -> None:
        super().__init__()
        self.setDecimals(1)
        self.setRange(low, high)
        self.setValue(value)
        self.setSuffix(f" {unit}" if unit else "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(*_MARGINS)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Choice(QComboBox):
    """A list whose entries may change below it without the choice being lost."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.currentTextChanged.connect(self.setToolTip)  # it may not fit

    def paintEvent(self, event: QPaintEvent) -> None:
        """As Qt's own, with an ellipsis where the words do not fit."""
        option: Any = QStyleOptionComboBox()  # PySide6's stubs leave the option's public fields out
        self.initStyleOption(option)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self).width()
        option.currentText = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room - 4)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def set_entries(self, entries: list[tuple[str, object]]) -> None:
        """(words, data) each; the chosen data stays chosen where it is still there."""
        now = [(self.itemText(place), self.itemData(place)) for place in range(self.count())]
        if now == entries:
            return
        kept = self.currentData()
        self.blockSignals(True)
        self.clear()
        for words, data in entries:
            self.addItem(words, data)
        place = next((place for place, (_words, data) in enumerate(entries) if data == kept), 0)
        self.setCurrentIndex(place)
        self.blockSignals(False)
        self.currentIndexChanged.emit(place)


def named(name: str, widget: QWidget) -> QWidget:
    """The input below its name."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    head = label(name, "small")
    head.setBuddy(widget)
    widget.setAccessibleName(name)
    widget.setFixedHeight(_HEIGHT)
    column.addWidget(head)
    column.addWidget(widget)
    column.addStretch(1)  # inputs of one row begin at one height
    return whole


class Fields(QWidget):
    """Named inputs in a grid of six columns, of four or of two where it is narrow; each takes one, two or three.

    ``arrange`` after one was shown or hidden: those that are hidden take no room.
    """

    def __init__(self, *fields: tuple[QWidget, int]) -> None:
        super().__init__()
        self._fields = fields
        self._placed: tuple[object, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(_GAP)
        self._grid.setVerticalSpacing(10)
        for field, _span in fields:
            field.setParent(self)
        self.arrange()

    def minimumSizeHint(self) -> QSize:
        """Two columns are the narrowest."""
        return QSize(2 * self._column() + _GAP, self._grid.totalMinimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Put the visible inputs where they belong at this width."""
        number = next((n for n in (6, 4) if n * self._column() + (n - 1) * _GAP <= self.width()), 2)
        visible = [(field, min(span, number)) for field, span in self._fields if not field.isHidden()]
        if (number, *visible) == self._placed:
            return
        self._placed = (number, *visible)
        for field, _span in self._fields:
            self._grid.removeWidget(field)
        row = column = 0
        for field, span in visible:
            if column + span > number:
                row, column = row + 1, 0
            self._grid.addWidget(field, row, column, 1, span)
            column += span
        for place in range(6):
            self._grid.setColumnStretch(place, 1 if place < number else 0)
            self._grid.setColumnMinimumWidth(place, self._column() if place < number else 0)

    def _column(self) -> int:
        return self.fontMetrics().averageCharWidth() * _LEAST_LETTERS
