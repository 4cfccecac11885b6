"""One Qt table model for all tables: frozen rows in, declared columns out, each with its own sort value."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from ranvier.ui.words import tip_text

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex

ROW_ROLE = Qt.ItemDataRole.UserRole + 2  # the row itself
UNKNOWN_ROLE = Qt.ItemDataRole.UserRole + 3  # True where the value is not known: drawn grey
FIXED_ROLE = Qt.ItemDataRole.UserRole + 4  # True for addresses and hashes: drawn in the fixed-width font

_NOWHERE = QModelIndex()
_UNDER_ARROW = "\N{EM SPACE}\N{EN SPACE}"  # Qt paints the sort arrow over the end of a right-aligned heading


@dataclass(frozen=True)  # no slots: Column[Row](...) sets __orig_class__, which breaks on Python 3.11 with them
class Column(Generic[Row]):
    """One column. ``sort`` gives a comparable value or None when it is not known, ``text`` what is shown.

    ``spare``: where a table is too narrow for all, columns go in the order 1, 2, ...; with 0 one always stays.
    """

    title: str
    text: Callable[[Row], str]
    sort: Callable[[Row], Any]
    tooltip: Callable[[Row], str] | None = None
    number: bool = False
    fixed: bool = False
    help: str = ""
    spare: int = 0


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows of one kind. ``key`` tells rows apart, so that an update keeps the selection where nothing moved."""

    def __init__(
        self, columns: Sequence[Column[Row]], key: Callable[[Row], Hashable], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._key = key
        self._rows: list[Row] = []
        self._sorts: dict[int, list[Any]] = {}  # the sort values of the columns that were sorted by

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(self._rows)

    def key_of(self, row: Row) -> Hashable:
        """What tells this row from the others."""
        return self._key(row)

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows. The same keys in the same order are changed in place, anything else is a reset."""
        if [self._key(row) for row in rows] == [self._key(row) for row in self._rows]:
            changed = [place for place, row in enumerate(rows) if row != self._rows[place]]
            self._rows, self._sorts = list(rows), {}
            if changed:
                # In one piece: told of one row after the other, the proxy looks for its place among rows whose values
                # are others already, and puts it in a wrong one.
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(self.columns) - 1))
            return
        self.beginResetModel()
        self._rows, self._sorts = list(rows), {}
        self.endResetModel()

    def sort_values(self, column: int) -> list[Any]:
        """What the rows sort by in this column, made once; None = not known."""
        if column not in self._sorts:
            sort = self.columns[column].sort
            self._sorts[column] = [sort(row) for row in self._rows]
        return self._sorts[column]

    # --- Qt's side ---

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(row)
            case Qt.ItemDataRole.ToolTipRole:
                return tip_text(column.tooltip(row)) if column.tooltip else None
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        if role == ROW_ROLE:
            return row
        if role == UNKNOWN_ROLE:
            return column.sort(row) is None
        if role == FIXED_ROLE:
            return column.fixed
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title
            case Qt.ItemDataRole.ToolTipRole:
                return column.help or None
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        return None


class RowsProxy(QSortFilterProxyModel):
    """Sorts by each column's sort value; what is not known comes last in both directions."""

    def __init__(self, model: RowsModel[Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.setSourceModel(model)
        self.setDynamicSortFilter(True)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        text = super().headerData(section, orientation, role)
        sorted_number = role == Qt.ItemDataRole.DisplayRole and section == self.sortColumn()
        if sorted_number and orientation == Qt.Orientation.Horizontal and self._rows.columns[section].number:
            return f"{text}{_UNDER_ARROW}"
        return text

    def lessThan(self, left: Index, right: Index) -> bool:
        # Python's own values are compared: not every int fits Qt's types, and None must not pass as zero.
        values = self._rows.sort_values(left.column())  # asked ten thousand times for a thousand rows
        first, second = values[left.row()], values[right.row()]
        if first is None or second is None:
            if first is second:
                return False
            return (first is None) == (self.sortOrder() == Qt.SortOrder.DescendingOrder)
        return bool(first < second)
