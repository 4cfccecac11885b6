"""The sidebar: where one can go. Ctrl+1 to Ctrl+9 and Ctrl+0, Ctrl+comma for the settings, or the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ranvier import __version__
from ranvier.ui.icons import line_icon, pixmap
from ranvier.ui.pages import PLACES
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.text import label

WIDTH = 196


class Sidebar(QFrame):
    """``chosen`` carries the key of the page; ``mark`` shows which page is open."""

    chosen = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "sidebar")
        self.setFixedWidth(WIDTH)
        self.setAccessibleName("Pages")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 16, 12, 14)
        column.setSpacing(3)
        column.addLayout(self._brand())
        column.addSpacing(14)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for number, place in enumerate((p for p in PLACES if p.title), start=1):
            keys = "Ctrl+," if place.key == "settings" else f"Ctrl+{number % 10}" if number <= 10 else ""
            place_button = self._button(place.title, keys)
            place_button.clicked.connect(lambda _=False, key=place.key: self.chosen.emit(key))
            if keys:
                QShortcut(QKeySequence(keys), window, lambda key=place.key: self.chosen.emit(key))
            self._group.addButton(place_button)
            self.buttons[place.key] = place_button
            column.addWidget(place_button)
        column.addStretch(1)
        column.addWidget(label(f"Ranvier {__version__}", "small"))
        self._draw_icons()

    def _brand(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(6, 0, 0, 0)
        row.setSpacing(10)
        mark = QLabel()
        mark.setPixmap(pixmap("ranvier", 28, ratio=2.0))
        row.addWidget(mark)
        row.addWidget(label("Ranvier", "heading"), 1)
        return row

    def _button(self, title: str, keys: str) -> QToolButton:
        result = QToolButton()
        result.setProperty("role", "place")
        result.setText(f"  {title}")
        result.setCheckable(True)
        result.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
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
