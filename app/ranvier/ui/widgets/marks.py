"""The mark of a level: a shape as well as a colour, so that it is read without seeing colours."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ranvier.core.evidence import Level
from ranvier.ui.theme import LEVEL_WORDS, colours_of


def paint_mark(painter: QPainter, box: QRectF, level: Level, colour: QColor) -> None:
    """Draw the mark of ``level`` into the square ``box``.

    Good: disc with a tick. Busy: half disc. Warn: triangle. Bad: square with a bar. Unknown: dashed ring with a
    question dot. Off: empty ring.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    size = min(box.width(), box.height())
    inner = QRectF(box.center().x() - size / 2, box.center().y() - size / 2, size, size).adjusted(0.5, 0.5, -0.5, -0.5)
    pen = QPen(colour, max(1.2, size / 9))
    hole = QPen(QColor("#ffffff") if colour.lightness() < 140 else QColor("#15181c"), max(1.3, size / 8))
    hole.setCapStyle(Qt.PenCapStyle.RoundCap)
    hole.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)

    def at(x: float, y: float) -> QPointF:
        return QPointF(inner.left() + x * inner.width(), inner.top() + y * inner.height())

    if level is Level.GOOD:
        painter.drawEllipse(inner)
        painter.setPen(hole)
        painter.drawPolyline([at(0.27, 0.53), at(0.44, 0.69), at(0.73, 0.34)])
    elif level is Level.BUSY:
        painter.drawPie(inner, 90 * 16, 180 * 16)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawEllipse(inner.adjusted(0.5, 0.5, -0.5, -0.5))
    elif level is Level.WARN:
        path = QPainterPath(at(0.5, 0.02))
        path.lineTo(at(1.0, 0.94))
        path.lineTo(at(0.0, 0.94))
        path.closeSubpath()
        painter.drawPath(path)
        painter.setPen(hole)
        painter.drawLine(at(0.5, 0.38), at(0.5, 0.60))
        painter.drawPoint(at(0.5, 0.79))
    elif level is Level.BAD:
        painter.drawRoundedRect(inner, size / 6, size / 6)
        painter.setPen(hole)
        painter.drawLine(at(0.3, 0.3), at(0.7, 0.7))
        painter.drawLine(at(0.7, 0.3), at(0.3, 0.7))
    else:
        if level is Level.UNKNOWN:
            pen.setStyle(Qt.PenStyle.DotLine)
            painter.drawEllipse(at(0.5, 0.5), size / 7, size / 7)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawEllipse(inner.adjusted(0.5, 0.5, -0.5, -0.5))
    painter.restore()


class Mark(QWidget):
    """The mark of one level as a widget."""

    def __init__(self, level: Level = Level.UNKNOWN, size: int = 14) -> None:
        super().__init__()
        self._size = size
        self._level = level
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_level(level)

    @property
    def level(self) -> Level:
        return self._level

    def set_level(self, level: Level) -> None:
        self._level = level
        self.setAccessibleName(LEVEL_WORDS[level])
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._size, self._size)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_mark(painter, QRectF(self.rect()), self._level, QColor(colours_of(self).level(self._level)))
        painter.end()
