"""A chart with its heading and the names of its lines, each beside its colour."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.charts.chart import Chart
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.text import label


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


class ChartPanel(QWidget):
    """Heading, legend, chart. The legend shows from two names on."""

    def __init__(self, title: str, chart: Chart, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.chart = chart
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        head = QHBoxLayout()
        self.title = label(title, "muted")
        head.addWidget(self.title)
        head.addStretch(1)
        self._names = QHBoxLayout()
        self._names.setSpacing(6)
        head.addLayout(self._names)
        column.addLayout(head)
        column.addWidget(chart, 1)
        self.set_names(names)

    def set_names(self, names: Sequence[str]) -> None:
        """The series in the chart's order."""
        clear(self._names)
        for place, name in enumerate(names if len(names) > 1 else ()):
            self._names.addWidget(Swatch(place))
            self._names.addWidget(label(name, "small"))
            self._names.addSpacing(6)
