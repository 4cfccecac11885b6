"""A level in a pill: mark, words, and in the tooltip since when it is known."""

from __future__ import annotations

import time

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ranvier.core.evidence import Evidence, Level, age_text
from ranvier.ui.theme import LEVEL_WORDS, colours_of, tabular
from ranvier.ui.widgets.marks import Mark, paint_mark
from ranvier.ui.widgets.text import label

_MARK = 13
_PAD = 9
_NAME_WIDTH = 58


class Badge(QWidget):
    """Shows one ``Level`` with its text. The tooltip says what was seen and how old that is.

    The window ticks every badge and evidence line of the visible page once a second.
    """

    def __init__(self, level: Level = Level.UNKNOWN, text: str = "", seen_at: float | None = None) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFont(tabular(self.font()))
        self.level, self.text, self.seen_at = level, text, seen_at
        self._detail = ""
        self.show_level(level, text, seen_at)

    def show_level(self, level: Level, text: str = "", seen_at: float | None = None, detail: str = "") -> None:
        """Show ``level``; ``text`` empty means the level's own word; ``detail`` goes before the age in the tooltip."""
        self.level, self.text, self.seen_at = level, text or LEVEL_WORDS[level], seen_at
        self._detail = detail
        self.setAccessibleName(f"{self.text} ({LEVEL_WORDS[level]})")
        self.tick(time.time())
        self.updateGeometry()
        self.update()

    def tick(self, now: float) -> None:
        """Bring the age in the tooltip up to date."""
        self.setToolTip(f"{self._detail or self.text}\nseen: {age_text(self.seen_at, now)}")

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(self.text) + _MARK + 3 * _PAD - 3
        return QSize(width, max(metrics.height() + 6, _MARK + 8))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = colours_of(self)
        colour = QColor(colours.level(self.level))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        fill = QColor(colour)
        fill.setAlphaF(0.16 if colours.dark else 0.10)
        painter.setBrush(fill)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        paint_mark(painter, QRectF(_PAD, (self.height() - _MARK) / 2, _MARK, _MARK), self.level, colour)
        painter.setPen(QColor(colours.text))
        words = self.rect().adjusted(_PAD + _MARK + 6, 0, -_PAD + 2, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text)
        painter.end()


class EvidenceLine(QWidget):
    """One ``Evidence`` as a row: mark, what it is about, words, and its age on the right."""

    def __init__(self, evidence: Evidence, name: str = "") -> None:
        super().__init__()
        self.name = label(name, "muted")
        self.name.setVisible(bool(name))
        self.name.setMinimumWidth(max(_NAME_WIDTH, 4 * self.name.fontMetrics().height()))
        self._mark = Mark(size=_MARK)
        self._words = label(wrap=True)
        self._age = label(role="muted")
        self._age.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._mark)
        row.addWidget(self.name)
        row.addWidget(self._words, 1)
        row.addWidget(self._age)
        self.show_evidence(evidence)

    def show_evidence(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._mark.set_level(evidence.level)
        self._words.setText(evidence.text)
        self.tick(time.time())

    def tick(self, now: float) -> None:
        text = age_text(self.evidence.seen_at, now)
        if self._age.text() != text:
            self._age.setText(text)
            self.setAccessibleName(f"{self.evidence.text}, {LEVEL_WORDS[self.evidence.level]}, seen {text}")
