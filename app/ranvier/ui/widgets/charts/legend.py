"""A chart with its heading and the names of its lines, each beside its colour."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.charts.chart import Chart
from ranvier.ui.widgets.text import label

_GAP, _BETWEEN = 14, 3


class Swatch(QWidget):
    """A small square in the colour of one series."""

    def __init__(self, series: int) -> None:
        super().__init__()
        self._series = series
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(11, 11)

    def paintEvent(self, event: QPaintEvent) -> None:
        series = colours_of(self).series
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(series[self._series % len(series)]))
        painter.setPen(QColor(0, 0, 0, 0))
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)
        painter.end()


class Names(QWidget):
    """Names beside their colours, at the right, in as many lines as they need."""

    def __init__(self) -> None:
        super().__init__()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._parts: list[QWidget] = []

    def show_names(self, names: Sequence[str]) -> None:
        for part in self._parts:
            part.hide()
            part.deleteLater()
        self._parts = []
        for place, name in enumerate(names):
            part = QWidget(self)
            row = QHBoxLayout(part)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(6)
            row.addWidget(Swatch(place))
            row.addWidget(label(name, "small"))
            part.show()
            self._parts.append(part)
        self.updateGeometry()
        self._place()

    def sizeHint(self) -> QSize:
        sizes = [part.sizeHint() for part in self._parts]
        width = sum(size.width() + _GAP for size in sizes)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSizeHint(self) -> QSize:
        sizes = [part.sizeHint() for part in self._parts]
        return QSize(max((size.width() for size in sizes), default=0), self.sizeHint().height())

    def heightForWidth(self, width: int) -> int:
        lines = self._lines(width)
        return len(lines) * self.sizeHint().height() + max(0, len(lines) - 1) * _BETWEEN

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _lines(self, width: int) -> list[list[QWidget]]:
        lines: list[list[QWidget]] = []
        left = 0
        for part in self._parts:
            wide = part.sizeHint().width() + _GAP
            if not lines or wide > left:
                lines.append([])
                left = width + _GAP
            lines[-1].append(part)
            left -= wide
        return lines

    def _place(self) -> None:
        high = self.sizeHint().height()
        for number, line in enumerate(self._lines(self.width())):
            x = self.width() - sum(part.sizeHint().width() + _GAP for part in line) + _GAP
            for part in line:
                size = part.sizeHint()
                part.setGeometry(x, number * (high + _BETWEEN), size.width(), high)
                x += size.width() + _GAP


class ChartPanel(QWidget):
    """Heading, legend, chart. The legend shows from two names on."""

    def __init__(self, title: str, chart: Chart, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.chart = chart
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._head = head = QHBoxLayout()
        self.title = label(title, "muted")
        head.addWidget(self.title, 0, Qt.AlignmentFlag.AlignTop)
        self._names = Names()
        head.addWidget(self._names, 1)
        column.addLayout(head)
        column.addWidget(chart, 1)
        self.set_names(names)

    def set_names(self, names: Sequence[str]) -> None:
        """The series in the chart's order."""
        self._names.show_names(names if len(names) > 1 else ())

    def add_choice(self, choice: QWidget) -> None:
        """At the right of the names: something that changes what is drawn."""
        self._head.addSpacing(_GAP)
        self._head.addWidget(choice, 0, Qt.AlignmentFlag.AlignTop)
