"""The list of wallets: one table for each folder, with a heading where there is more than one folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ranvier.ui.models.rows import RowsModel
from ranvier.ui.models.wallets import BACKUP_COLUMN, Listed, backup_level, wallets_model
from ranvier.ui.widgets.level_cell import LevelCell
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import label

_ROW = 34
_MOST_ROWS = 8


@dataclass(frozen=True, slots=True)
class Group:
    """The wallets of one folder."""

    folder: Path
    title: str
    rows: tuple[Listed, ...]


class _Part(QWidget):
    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.heading = label("", "muted", wrap=True)
        self.model: RowsModel[Listed] = wallets_model()
        self.table = Table(self.model, stretch=0)
        self.table.setItemDelegateForColumn(BACKUP_COLUMN, LevelCell(self.table, backup_level))
        self.table.sort_by(0)
        column.addWidget(self.heading)
        column.addWidget(self.table, 1)

    def show_group(self, group: Group, *, alone: bool) -> None:
        first = not self.model.rows
        self.heading.setText(group.title)
        self.table.setAccessibleName(f"Wallets in {group.title}")
        self.heading.setVisible(not alone)
        self.model.set_rows(group.rows)
        least = self.table.horizontalHeader().sizeHint().height() + _ROW * min(len(group.rows), 3) + 4
        self.table.setMinimumHeight(least)
        if first and group.rows:
            self.table.fit()


class WalletGroups(QWidget):
    """``picked`` carries the one chosen row of all groups, or None."""

    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(14)
        self._parts: dict[Path, _Part] = {}
        self._quiet = False

    @property
    def rows(self) -> tuple[Listed, ...]:
        """Every row of every group."""
        return tuple(row for part in self._parts.values() for row in part.model.rows)

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings that can be seen."""
        return tuple(part.heading.text() for part in self._parts.values() if not part.heading.isHidden())

    def show_groups(self, groups: Sequence[Group]) -> None:
        """Show these; what is selected stays selected where it is still there."""
        chosen = self.current()
        self._quiet = True
        for gone in [folder for folder in self._parts if folder not in {group.folder for group in groups}]:
            part = self._parts.pop(gone)
            self._column.removeWidget(part)
            part.hide()
            part.deleteLater()
        for place, group in enumerate(groups):
            part = self._parts.get(group.folder) or self._new_part(group.folder)
            self._column.removeWidget(part)
            self._column.insertWidget(place, part, 1 + min(len(group.rows), _MOST_ROWS))
            part.show_group(group, alone=len(groups) == 1 and group.title == str(group.folder))
        self._quiet = False
        if chosen is None or not self.select(chosen.wallet.path):
            self._select_first()
        self.picked.emit(self.current())

    def _new_part(self, folder: Path) -> _Part:
        part = _Part()
        part.table.picked.connect(lambda row: self._picked(part, row))
        self._parts[folder] = part
        return part

    def current(self) -> Listed | None:
        """The chosen row."""
        rows = (part.table.current_row() for part in self._parts.values())
        return next((row for row in rows if row is not None), None)

    def select(self, wallet_path: Path) -> bool:
        """Choose the wallet at this path, if it is there."""
        return any(part.table.select_key(wallet_path) for part in self._parts.values())

    def _select_first(self) -> None:
        for part in self._parts.values():
            if part.model.rows:
                part.table.choose_row(0)
                return

    def _picked(self, part: _Part, row: Listed | None) -> None:
        if self._quiet:
            return
        if row is not None:
            self._quiet = True
            for other in self._parts.values():
                if other is not part:
                    other.table.clearSelection()
            self._quiet = False
        self.picked.emit(self.current())
