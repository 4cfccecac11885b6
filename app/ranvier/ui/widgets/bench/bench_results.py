"""The Results part: everything ever measured, one in full, two side by side, a card for others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.benchmark.store import Record, compare, export
from ranvier.core.errors import StorageError
from ranvier.ui.context import Run
from ranvier.ui.models.benchmarks import (
    comparison_model,
    difference_words,
    results_model,
    same_kind,
    subject_words,
)
from ranvier.ui.models.rows import ROW_ROLE
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.record_view import RecordView
from ranvier.ui.widgets.share_card import card_picture
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import local_time

_MOST_ROWS, _MOST_FIGURES = 8, 14


class ResultsPart(QWidget):
    """``run`` starts a coroutine, ``say`` shows a passing note."""

    def __init__(self, run: Run, say: Callable[[str], None]) -> None:
        super().__init__()
        self._run, self._say = run, say
        self.model = results_model()
        self.table = Table(self.model, stretch=2)
        self.table.sort_by(0, Qt.SortOrder.DescendingOrder)
        self.table.setAccessibleName("Results")
        self.hint = label("Choose one result to read it, two to hold them side by side.", "muted", wrap=True)
        self.empty = EmptyState("Nothing measured yet", "Every benchmark is kept here for ever, with all its samples.")
        self.list = Card("Results")
        self.list.add(self.hint)
        self.list.add(self.table)
        self.one = Card()
        self.view = RecordView()
        self.one.add(self.view)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(button("Export as JSON", self._export, kind="quiet", tip="Without identifiers"))
        row.addWidget(button("Copy card", self.copy_card, kind="quiet", tip="A small picture, without identifiers"))
        row.addWidget(button("Save card", self._save, kind="quiet"))
        self.one.body.addLayout(row)
        self.two = Card("Side by side")
        self.sides = label("", "muted", wrap=True)
        self.comparison = comparison_model()
        self.comparison_table = Table(self.comparison)
        self.comparison_table.setAccessibleName("Two results side by side")
        self.comparison_table.sort_by(-1)  # in the order of the record
        self.two.add(self.sides)
        self.two.add(self.comparison_table)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        for widget in (self.empty, self.list, self.one, self.two):
            column.addWidget(widget)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._picked())
        self.show_records(())

    def show_records(self, records: Sequence[Record]) -> None:
        """All kept results."""
        first = not self.model.rows
        self.model.set_rows(records)
        self.empty.setVisible(not records)
        self.list.setVisible(bool(records))
        self.table.show_rows(min(_MOST_ROWS, max(3, len(records))))
        if first and records:
            self.table.fit()
        self._picked()

    def picked(self) -> list[Record]:
        """The selected results, oldest first."""
        found = [index.data(ROW_ROLE) for index in self.table.selectionModel().selectedRows()]
        return sorted(found, key=lambda record: float(record.at))

    def _picked(self) -> None:
        chosen = self.picked()
        self.one.setVisible(len(chosen) == 1)
        self.two.setVisible(len(chosen) == 2)
        if len(chosen) == 1:
            self.view.show_record(chosen[0])
            if chosen[0].sweep is not None and not self.view.knee.loaded:
                self._run(self.view.knee.load(), "load charts")
        if len(chosen) == 2:
            self._compare(chosen[0], chosen[1])

    def _compare(self, first: Record, second: Record) -> None:
        names = [f"{subject_words(one)} of {local_time(int(one.at * 1000))}" for one in (first, second)]
        apart = "" if same_kind((first, second)) else " They have no figure in common."
        words = f"First: {names[0]}. Second: {names[1]}.{apart}"
        self.sides.setText("\n".join([words, *difference_words(first, second)]))
        rows = compare(first, second)
        self.comparison.set_rows(rows)
        self.comparison_table.fit()
        self.comparison_table.show_rows(min(_MOST_FIGURES, max(1, len(rows))))

    # --- for others ------------------------------------------------------------------------------------------

    def copy_card(self) -> None:
        """The card into the clipboard."""
        if self.view.record is not None:
            QGuiApplication.clipboard().setPixmap(card_picture(self.view.record, self))
            self._say("The card is in the clipboard.")

    def save_card(self, path: str) -> None:
        """The card as a PNG file. Raises StorageError."""
        if self.view.record is not None:
            if not card_picture(self.view.record, self).save(path, "PNG"):
                raise StorageError("Not saved", f"{path} cannot be written.", "Choose another folder.")
            self._say(f"Saved as {path}.")

    def _save(self) -> None:
        self._ask_path("Save the card", "png", self._save_card_soon)

    def _export(self) -> None:
        self._ask_path("Export the result", "json", self._export_to)

    def _save_card_soon(self, path: str) -> None:
        async def save() -> None:
            self.save_card(path)

        self._run(save(), "save card")

    def _export_to(self, path: str) -> None:
        record = self.view.record

        async def write() -> None:
            if record is not None:
                await asyncio.to_thread(export, record, Path(path))
                self._say(f"Exported to {path}.")

        self._run(write(), "export result")

    def _ask_path(self, title: str, suffix: str, chosen: Callable[[str], None]) -> None:
        if self.view.record is None:
            return
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        dialog = QFileDialog(self, title, folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.selectFile(f"ranvier-{self.view.record.id}.{suffix}")
        dialog.fileSelected.connect(chosen)
        dialog.open()
