"""The sidebar: where one can go. Ctrl+1 to Ctrl+9 and Ctrl+0, Ctrl+comma for the settings, or the arrow keys.

In a narrow window only the icons stay; their tooltips name the pages.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ranvier import __version__
from ranvier.ui.icons import line_icon, pixmap
from ranvier.ui.pages import PLACES
from ranvier.ui.shortcuts import place_keys
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.text import label

WIDTH = 196
COMPACT_WIDTH = 66
COMPACT_BELOW = 1120  # a window narrower than this, in pixels of the ordinary font size


class Sidebar(QFrame):
    """``chosen`` carries the key of the page; ``mark`` shows which page is open."""

    chosen = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "sidebar")
        self.setAccessibleName("Pages")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 16, 12, 14)
        column.setSpacing(3)
        column.addLayout(self._brand())
        column.addSpacing(14)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for place in (p for p in PLACES if p.title):
            keys = place_keys().get(place.key, "")
            place_button = self._button(place.title, keys)
            place_button.clicked.connect(lambda _=False, key=place.key: self.chosen.emit(key))
            if keys:
                QShortcut(QKeySequence(keys), window, lambda key=place.key: self.chosen.emit(key))
            self._group.addButton(place_button)
            self.buttons[place.key] = place_button
            column.addWidget(place_button)
        column.addStretch(1)
        self._version = label(f"Ranvier {__version__}", "small")
        column.addWidget(self._version)
        self._draw_icons()
        self.compact = True
        self.set_compact(False)

    def set_compact(self, compact: bool) -> None:
        """Only icons, or icons and names."""
        if compact is self.compact:
            return
        self.compact = compact
        style = Qt.ToolButtonStyle.ToolButtonIconOnly if compact else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for place_button in self.buttons.values():
            place_button.setToolButtonStyle(style)
        for words in (self._name, self._version):
            words.setVisible(not compact)
        self.setFixedWidth(COMPACT_WIDTH if compact else self._full_width())

    def _full_width(self) -> int:
        """Wide enough for the longest name in bold, whatever the system's font."""
        font = self.font()
        font.setBold(True)
        metrics = QFontMetrics(font)
        return max(
            WIDTH, 78 + max(metrics.horizontalAdvance(place_button.text()) for place_button in self.buttons.values())
        )

    def _brand(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(6, 0, 0, 0)
        row.setSpacing(10)
        mark = QLabel()
        mark.setPixmap(pixmap("ranvier", 28, ratio=2.0))
        row.addWidget(mark)
        self._name = label("Ranvier", "heading")
        row.addWidget(self._name, 1)
        return row

    def _button(self, title: str, keys: str) -> QToolButton:
        result = QToolButton()
        result.setProperty("role", "place")
        result.setText(f"  {title}")
        result.setCheckable(True)
        result.setIconSize(QSize(20, 20))
        result.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        result.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        result.setAccessibleName(title)
        result.setToolTip(f"{title}  ({keys})" if keys else title)
        return result

    def mark(self, key: str) -> None:
        """Show ``key`` as open; a page outside the sidebar leaves nothing marked."""
        place_button = self.buttons.get(key)
        if place_button is not None:
            if self.window().focusWidget() in self.buttons.values():
                place_button.setFocus()  # the ring stays with the mark when a shortcut opened the page
            place_button.setChecked(True)
            return
        self._group.setExclusive(False)
        for other in self.buttons.values():
            other.setChecked(False)
        self._group.setExclusive(True)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "buttons"):
            self._draw_icons()
        super().changeEvent(event)

    def _draw_icons(self) -> None:
        colour = colours_of(self).text
        for place in PLACES:
            if place.key in self.buttons:
                self.buttons[place.key].setIcon(line_icon(place.icon, colour))
