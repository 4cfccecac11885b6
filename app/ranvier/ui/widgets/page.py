"""The base of every page: a title row with actions, a sentence below it, and scrolling content."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

from ranvier.ui.widgets.badge import Badge, EvidenceLine
from ranvier.ui.widgets.text import label

if TYPE_CHECKING:
    from ranvier.ui.context import Context

MARGIN = 28


class Page(QWidget):
    """Made on its first visit by the window. ``shown`` and ``hidden`` start and end polling; ``tick`` comes once
    a second while the page is visible. Set ``scrolls = False`` for a page that fills its height with tables.
    """

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    scrolls: ClassVar[bool] = True

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.setAccessibleName(self.title)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self._head = QHBoxLayout()
        self._head.setContentsMargins(MARGIN, 22, MARGIN, 0)
        self._head.setSpacing(8)
        self.heading = label(self.title, "title")
        self._head.addWidget(self.heading)
        self._head.addStretch(1)
        outer.addLayout(self._head)
        self.subtitle = label("", "muted", wrap=True)
        self.subtitle.setContentsMargins(MARGIN, 2, MARGIN, 0)
        self.subtitle.hide()
        outer.addWidget(self.subtitle)
        self.content = QVBoxLayout()
        self.content.setContentsMargins(MARGIN, 18, MARGIN, MARGIN)
        self.content.setSpacing(14)
        if self.scrolls:
            outer.addWidget(self._scroll_area(), 1)
        else:
            outer.addLayout(self.content, 1)

    def _scroll_area(self) -> QScrollArea:
        body = QWidget()
        body.setProperty("role", "page-body")
        body.setLayout(self.content)
        area = QScrollArea()
        area.setProperty("role", "page")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        return area

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Append ``widget`` to the content."""
        self.content.addWidget(widget, stretch)

    def add_action(self, widget: QWidget) -> None:
        """Put a button (or other small widget) at the right end of the title row."""
        self._head.addWidget(widget)

    def set_subtitle(self, text: str) -> None:
        """One sentence below the title; empty hides it."""
        self.subtitle.setText(text)
        self.subtitle.setVisible(bool(text))

    def shown(self) -> None:
        """The page came into view: begin to poll, draw what is new."""

    def hidden(self) -> None:
        """Nobody looks any more: stop polling."""

    def choose(self, subject: str) -> None:
        """Show this one of the page's things (``Context.go("miners/ID")``); pages without a choice ignore it."""

    def tick(self, now: float) -> None:
        """Bring ages up to date; the base does so for every badge and evidence line."""
        for badge in self.findChildren(Badge):
            badge.tick(now)
        for line in self.findChildren(EvidenceLine):
            line.tick(now)


def clear(layout: QLayout) -> None:
    """Remove and delete everything in ``layout``."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
