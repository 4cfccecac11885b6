"""The base of every page: a title row with actions, a sentence below it, and scrolling content."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

from ranvier.ui.widgets.badge import Badge, EvidenceLine
from ranvier.ui.widgets.tab_order import order_tabs
from ranvier.ui.widgets.text import label

if TYPE_CHECKING:
    from ranvier.ui.context import Context

MARGIN = 28


class Page(QWidget):
    """Made on its first visit by the window. ``shown`` and ``hidden`` start and end polling; ``tick`` comes once
    a second while the page is visible. Set ``scrolls = False`` for a page that fills its height with tables: it
    scrolls only where it could not be drawn whole.
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
        self.subtitle.setContentsMargins(MARGIN, 4, MARGIN, 0)
        self.subtitle.hide()
        outer.addWidget(self.subtitle)
        outer.addSpacing(8)  # what is scrolled away ends below the words, not at them
        self.content = QVBoxLayout()
        self.content.setContentsMargins(MARGIN - 1, 9, MARGIN - 1, MARGIN - 1)  # the scroll area has a ring of 1
        self.content.setSpacing(14)
        body = Body() if self.scrolls else _LowBody()
        body.setLayout(self.content)
        self.area = scroll_area(body)
        outer.addWidget(self.area, 1)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        order_tabs(self)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Qt asks its way up from the widget that has the focus; parts of a page come and go."""
        order_tabs(self)
        return super().focusNextPrevChild(forward)

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


class Body(QWidget):
    """What scrolls: as high as its contents are at its own width. Qt would take what they need when they are as narrow
    as can be, and one would scroll over blank space."""

    def minimumSizeHint(self) -> QSize:
        layout = self.layout()
        if layout is None or not layout.hasHeightForWidth():
            return super().minimumSizeHint()
        return QSize(layout.totalMinimumSize().width(), 0)


class _LowBody(Body):
    """As low as its parts can be, not as high as they would like: tables and charts scroll or shrink first."""

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        if layout is None:
            return -1
        # The second reckons with the words at this width, but with tables as high as they would like.
        return min(layout.totalMinimumSize().height(), layout.totalMinimumHeightForWidth(width))


def scroll_area(body: Body) -> QScrollArea:
    """``body`` in an area that scrolls up and down. Tab stops at it only while there is something to scroll."""
    body.setProperty("role", "page-body")
    area = QScrollArea()
    area.setProperty("role", "page")
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(body)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setAccessibleName("Content; the arrow keys scroll it")
    stops = {False: Qt.FocusPolicy.NoFocus, True: Qt.FocusPolicy.StrongFocus}
    area.verticalScrollBar().rangeChanged.connect(lambda _low, high: area.setFocusPolicy(stops[high > 0]))
    return area


def clear(layout: QLayout) -> None:
    """Remove and delete everything in ``layout``."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
