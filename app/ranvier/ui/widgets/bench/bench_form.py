"""Small inputs of the benchmark forms: a name above each, numbers that a passing wheel does not change."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget

from ranvier.ui.widgets.text import label

_HEIGHT = 34
_MARGINS = (6, 0, 0, 0)


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
        self.setMinimumContentsLength(14)

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
