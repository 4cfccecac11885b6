"""One thin bar for each logical processor: whether one core is full while the machine looks idle."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ranvier.ui.theme import colours_of

_HEIGHT, _WIDEST, _GAP = 30, 18, 2


class CoreBars(QWidget):
    """Percent of each core, in the system's order."""

    def __init__(self) -> None:
        super().__init__()
        self.percents: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_percents(self, percents: tuple[float, ...]) -> None:
        self.percents = percents
        busiest = max(percents, default=0.0)
        busy = sum(percent >= 90 for percent in percents)
        words = f"{len(percents)} logical processors, the busiest at {busiest:.0f} %, {busy} at 90 % or more"
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.percents:
            return
        colours = colours_of(self)
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        step = min(_WIDEST, self.width() / len(self.percents))
        ground = QColor(colours.raised)
        for place, percent in enumerate(self.percents):
            box = QRectF(place * step, 0, max(1.0, step - _GAP), self.height())
            painter.setBrush(ground)
            painter.drawRect(box)
            height = self.height() * min(100.0, max(0.0, percent)) / 100
            painter.setBrush(QColor(colours.series[0]))
            painter.drawRect(QRectF(box.left(), box.bottom() - height, box.width(), height))
        painter.end()
