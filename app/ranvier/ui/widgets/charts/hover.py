"""The small raised box beside the pointer of a chart."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

from ranvier.ui.theme import colours_of

_AWAY = 14


class HoverWords(QLabel):
    """Plain words beside a point of its parent, always inside the parent, never in the way of the pointer."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._owner = parent
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMargin(7)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAutoFillBackground(True)
        self.hide()

    def say(self, words: str, at: QPoint) -> None:
        """Show ``words`` beside ``at`` (in the parent's coordinates)."""
        colours = colours_of(self._owner)
        palette = self._owner.palette()
        palette.setColor(self.backgroundRole(), QColor(colours.raised))
        palette.setColor(self.foregroundRole(), QColor(colours.text))
        self.setPalette(palette)
        self.setText(words)
        self.adjustSize()
        room = self._owner.rect()
        right = at.x() + _AWAY
        x = right if right + self.width() <= room.width() else at.x() - _AWAY - self.width()
        y = min(at.y() - self.height() // 2, room.height() - self.height())
        self.move(max(0, x), max(0, y))
        self.show()
        self.raise_()
