"""A table cell whose text has the mark of its level before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ranvier.core.evidence import Level
from ranvier.ui.models.rows import ROW_ROLE
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.marks import paint_mark

_MARK = 13
_ROOM = 26


class LevelCell(QStyledItemDelegate):
    """``level`` gives the level of a row's data."""

    def __init__(self, view: QWidget, level: Callable[[Any], Level]) -> None:
        super().__init__(view)
        self._view = view
        self._level = level

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        cell: Any = QStyleOptionViewItem(option)  # PySide6's stubs leave the option's public fields out
        box = cell.rect
        self.initStyleOption(cell, index)
        cell.state &= ~QStyle.StateFlag.State_HasFocus  # the whole row is marked already
        words, cell.text = cell.text, ""
        style = self._view.style()
        style.drawControl(style.ControlElement.CE_ItemViewItem, cell, painter, self._view)
        colours = colours_of(self._view)
        level = self._level(index.data(ROW_ROLE))
        place = QRectF(box.left() + 8, box.center().y() - _MARK / 2 + 1, _MARK, _MARK)
        paint_mark(painter, place, level, QColor(colours.level(level)))
        painter.save()
        painter.setPen(QColor(colours.text))
        painter.setFont(cell.font)
        painter.drawText(box.adjusted(_ROOM + 2, 0, -4, 0), cell.displayAlignment, words)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> Any:
        hint = super().sizeHint(option, index)
        hint.setWidth(hint.width() + _ROOM)
        return hint
