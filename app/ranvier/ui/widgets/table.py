"""The house's table: sortable, whole rows, unknown values grey, copy as tab-separated text."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QHelpEvent, QKeyEvent, QKeySequence, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from ranvier.ui.models.rows import FIXED_ROLE, ROW_ROLE, UNKNOWN_ROLE, RowsModel, RowsProxy
from ranvier.ui.words import tip_text

_STRETCHED_LEAST = 220
_AT_ONCE = 200  # rows
_BORDER = 3  # the frame and its rounded corners


class Table(QTableView):
    """A view of one ``RowsModel``. ``picked`` carries the selected row (or None) as it changes.

    The column ``stretch`` (the last, if None) takes the room that the others leave; it stays wide enough to be read.
    Where there is no room for all, columns that can be spared (``Column.spare``) go, and each row's tooltip tells them.
    """

    picked = Signal(object)

    def __init__(self, model: RowsModel[Any], parent: QWidget | None = None, *, stretch: int | None = None) -> None:
        super().__init__(parent)
        self._stretched = len(model.columns) - 1 if stretch is None else stretch
        self._least = 0
        self._fitted = self._fitting = False
        self._by_hand: set[int] = set()  # columns whose width somebody chose
        self._left_out: dict[int, int] = {}  # columns for which there is no room, and how wide they were
        self.rows_model = model
        # Owned by the view: Python's collector may run in a worker thread, where no QObject may be destroyed.
        model.setParent(self)
        self.proxy = RowsProxy(model, self)
        self.setModel(self.proxy)
        self.setItemDelegate(_CellDelegate(self))
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(max(34, self.fontMetrics().height() + 18))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setMinimumSectionSize(64)
        header.sectionResized.connect(self._section_resized)
        self.selectionModel().selectionChanged.connect(lambda *_: self.picked.emit(self.current_row()))
        self.proxy.modelReset.connect(lambda: self.picked.emit(self.current_row()))
        self._growing = QTimer(self)  # once for all rows that changed together
        self._growing.setSingleShot(True)
        self._growing.timeout.connect(self._grow)
        self._measuring = QTimer(self)
        self._measuring.setSingleShot(True)
        self._measuring.timeout.connect(self._fit)
        self.proxy.modelReset.connect(self._growing.start)
        self.proxy.dataChanged.connect(lambda *_: self._growing.start())

    def sort_by(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by this column until the user clicks another."""
        self.sortByColumn(column, order)

    def fit(self) -> None:
        """Give each column the width of its contents (of the first rows: enough, and quick on long tables).

        From then on columns become wider by themselves when their contents do. A long table's are measured in a turn
        of their own: sorting it took one already.
        """
        if self.proxy.rowCount() > _AT_ONCE:
            self._measuring.start()
        else:
            self._fit()

    def _fit(self) -> None:
        self._fitted = self._fitting = True
        self.horizontalHeader().setResizeContentsPrecision(40)
        for column in range(self.proxy.columnCount()):
            if column != self._stretched:
                least = self.horizontalHeader().sectionSizeHint(column)
                self._set_width(column, max(self._content_width(column), least))
        self._stretch()
        self._fitting = False

    def widen(self) -> None:
        """Widen columns whose contents became longer; none gets narrower, so that nothing jumps."""
        self._fitting = True
        for column in range(self.proxy.columnCount()):
            if column != self._stretched and column not in self._by_hand:
                before = self._left_out.get(column, self.columnWidth(column))
                self._set_width(column, max(before, self._content_width(column)))
        self._stretch()
        self._fitting = False

    def _content_width(self, column: int) -> int:
        return self.sizeHintForColumn(column) + 6

    def _set_width(self, column: int, width: int) -> None:
        if column in self._left_out:
            self._left_out[column] = width
        else:
            self.setColumnWidth(column, width)

    def _grow(self) -> None:
        if self._fitted and self.proxy.rowCount():
            self.widen()

    def _stretch(self) -> None:
        """Qt's own stretching does not take the room back when the table becomes narrower."""
        header = self.horizontalHeader()
        needed = max(header.sectionSizeHint(self._stretched), self.sizeHintForColumn(self._stretched) + 6)
        self._least = min(needed, _STRETCHED_LEAST)
        self._make_room()
        self._take_room()

    def _make_room(self) -> None:
        """Leave out the columns that can be spared, one after the other, until the rest fits."""
        if not self._fitted:
            return
        header, columns = self.horizontalHeader(), self.rows_model.columns
        widths = {place: self._left_out.get(place, header.sectionSize(place)) for place in range(len(columns))}
        widths[self._stretched] = self._least
        needed, out = sum(widths.values()), set()
        for place in sorted((n for n, one in enumerate(columns) if one.spare), key=lambda n: columns[n].spare):
            if needed <= self.viewport().width():
                break
            out.add(place)
            needed -= widths[place]
        if out == set(self._left_out):
            return
        was, self._fitting = self._fitting, True
        self._left_out = {place: widths[place] for place in out}
        for place in range(len(columns)):
            if header.isSectionHidden(place) is not (place in out):
                header.setSectionHidden(place, place in out)
                if place not in out:
                    header.resizeSection(place, widths[place])
        self._fitting = was

    def _take_room(self) -> None:
        header = self.horizontalHeader()
        others = header.length() - header.sectionSize(self._stretched)
        header.resizeSection(self._stretched, max(self._least, self.viewport().width() - others))

    def _section_resized(self, section: int, _before: int, _now: int) -> None:
        if not self._fitting and self.isVisible():
            self._by_hand.add(section)
        if section != self._stretched:
            self._take_room()

    @property
    def left_out(self) -> tuple[str, ...]:
        """Titles of the columns for which there is no room."""
        return tuple(self.rows_model.columns[place].title for place in sorted(self._left_out))

    def tip(self, index: QModelIndex | QPersistentModelIndex) -> str:
        """What hovering a cell says: its own words, and the row's values in columns for which there is no room."""
        row, columns = index.data(ROW_ROLE), self.rows_model.columns
        own = columns[index.column()].tooltip
        words = [own(row)] if own is not None else []
        words += [f"{columns[place].title}: {columns[place].text(row)}" for place in sorted(self._left_out)]
        return tip_text("\n".join(one for one in words if one))

    def current_row(self) -> Any | None:
        """The selected row's data; None when nothing, or more than one row, is selected."""
        chosen = self.selectionModel().selectedRows()
        return chosen[0].data(ROW_ROLE) if len(chosen) == 1 else None

    def select_key(self, key: object) -> bool:
        """Select the row with this key, if it is there."""
        for place, row in enumerate(self.rows_model.rows):
            if self.rows_model.key_of(row) == key:
                self.choose_row(self.proxy.mapFromSource(self.rows_model.index(place, 0)).row())
                return True
        return False

    def choose_row(self, row: int) -> None:
        """Select this row alone, counted as shown. Qt's own ``selectRow`` takes a choice back while Ctrl is held."""
        index, flags = self.proxy.index(row, 0), QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)

    def show_rows(self, count: int) -> None:
        """Be as high as this many rows with their heading, at any size of text."""
        rows = count * self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows + 2 * _BORDER)

    def selected_text(self) -> str:
        """The selected rows as shown, tab-separated, with a header line."""
        places = sorted(index.row() for index in self.selectionModel().selectedRows())
        columns = range(self.proxy.columnCount())
        lines = ["\t".join(column.title for column in self.rows_model.columns)]
        lines += ["\t".join(str(self.proxy.index(place, column).data()) for column in columns) for place in places]
        return "\n".join(lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()
        self._take_room()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text())
            return
        super().keyPressEvent(event)


class _CellDelegate(QStyledItemDelegate):
    """Grey for what is not known, the fixed-width font for addresses, no dotted focus frame."""

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        if event.type() != QEvent.Type.ToolTip or not index.isValid() or not isinstance(view, Table):
            return super().helpEvent(event, view, option, index)
        QToolTip.showText(event.globalPos(), view.tip(index), view)
        return True

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        # PySide6's stubs leave the option's public fields out.
        cell: Any = option
        cell.state &= ~QStyle.StateFlag.State_HasFocus  # the whole row is marked already
        if index.data(UNKNOWN_ROLE):
            grey = cell.palette.color(QPalette.ColorRole.PlaceholderText)
            cell.palette.setColor(QPalette.ColorRole.Text, grey)
        if index.data(FIXED_ROLE):
            size = cell.font.pointSizeF()
            cell.font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
            if size > 0:
                cell.font.setPointSizeF(size)
