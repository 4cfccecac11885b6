"""The What fits part: the catalogue of models against one GPU's memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit

from ranvier.benchmark.fit import Catalogue, Fit
from ranvier.benchmark.reached import reached
from ranvier.benchmark.store import Record
from ranvier.hardware.snapshot import Hardware
from ranvier.ui.context import Run
from ranvier.ui.models import fits
from ranvier.ui.models.benchmarks import number_text
from ranvier.ui.widgets.bench.bench_form import Choice, Fields, Number, named
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.level_cell import LevelCell
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import label
from ranvier.ui.words import size_text

_DEFAULT_CONTEXT = 8192
_TABLE_HEIGHT = 420


class FitPart(Card):
    """Computed in a worker whenever a choice changes."""

    def __init__(self, catalogue: Catalogue, run: Run) -> None:
        super().__init__("What fits")
        self._catalogue, self._run = catalogue, run
        self._records: Sequence[Record] = ()
        self._found: tuple[Fit, ...] = ()
        self._wish = 0
        self._places: dict[str, fits.Place] = {}
        self.place = Choice()
        self.context_length = Choice()
        self.context_length.set_entries([(f"{number_text(size)} tokens", size) for size in fits.CONTEXTS])
        self.context_length.setCurrentIndex(fits.CONTEXTS.index(_DEFAULT_CONTEXT))
        self.sequences = Number(1, 1, 1024, "at once")
        titles = fits.quantisation_titles(catalogue)
        self.quantisation = Choice()
        self.quantisation.set_entries([("all", None), *((title, key) for key, title in titles.items())])
        self.search = QLineEdit()
        self.search.setPlaceholderText("part of a name")
        self.search.setClearButtonEnabled(True)
        self.empty_card = QCheckBox("As if its memory were empty")
        self.only_fitting = QCheckBox("Only what fits")
        self.summary = label("", "muted", wrap=True)
        self.model = fits.fits_model(titles)
        self.table = Table(self.model, stretch=1)
        self.table.setMinimumHeight(_TABLE_HEIGHT)
        self.table.setAccessibleName("Which models fit")
        self.table.setItemDelegateForColumn(0, LevelCell(self.table, fits.level_of))
        self.table.sort_by(0, Qt.SortOrder.DescendingOrder)
        self._build()

    def _build(self) -> None:
        fields = Fields(
            (named("Memory of", self.place), 2), (named("Context", self.context_length), 1),
            (named("Sequences", self.sequences), 1), (named("Quantisation", self.quantisation), 1),
            (named("Model", self.search), 1),
        )  # fmt: skip
        self.add(fields)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.empty_card)
        row.addWidget(self.only_fitting)
        row.addStretch(1)
        self.body.addLayout(row)
        self.add(self.summary)
        self.add(self.table, 1)
        for choice in (self.place, self.context_length):
            choice.currentIndexChanged.connect(lambda _index: self._compute())
        self.sequences.valueChanged.connect(lambda _value: self._compute())
        self.empty_card.toggled.connect(lambda _on: self._compute())
        self.quantisation.currentIndexChanged.connect(lambda _index: self._filter())
        self.search.textChanged.connect(lambda _text: self._filter())
        self.only_fitting.toggled.connect(lambda _on: self._filter())

    def show_hardware(self, sample: Hardware) -> None:
        """The memories of this machine as they are now."""
        self._places = {place.uuid: place for place in fits.places(sample)}
        entries: list[tuple[str, object]] = [(place.title, place.uuid) for place in self._places.values()]
        before = self.place.currentData()
        self.place.set_entries(entries)
        if before == self.place.currentData():
            self._compute()

    def show_records(self, records: Sequence[Record]) -> None:
        """Kept results: their measured bandwidth is the roof."""
        self._records = records
        if self.place.count():
            self._compute()

    def _compute(self) -> None:
        self._wish += 1
        if self.place.currentData() is not None:
            self._run(self._compute_in_worker(self._wish), "what fits")

    async def _compute_in_worker(self, wish: int) -> None:
        place = self._places[self.place.currentData()]
        whole = self.empty_card.isChecked()
        found = await asyncio.to_thread(
            fits.compute, self._catalogue, place, self._records, context=self.context_length.currentData(),
            sequences=self.sequences.value(), whole=whole,
        )  # fmt: skip
        near = await asyncio.to_thread(reached, self._records, self._catalogue, place.uuid)
        if wish != self._wish:
            return  # another choice was made meanwhile
        self._found = found
        memory = place.total if whole else place.free
        text = f"{size_text(memory)} {'in all' if whole else 'free now'}, {sum(one.fits for one in found)} of "
        text += f"{len(found)} fit. An estimate: weights, KV cache and an overhead of one GiB and two percent."
        if found and found[0].roof is None:
            text += " Run the device check to learn how many tokens per second its memory allows at most."
        self.summary.setText("\n".join([text, *(one.words for one in near)]))
        self._filter()

    def _filter(self) -> None:
        first = not self.model.rows
        rows = fits.chosen(
            self._found,
            words=self.search.text(),
            quantisation=self.quantisation.currentData(),
            only_fitting=self.only_fitting.isChecked(),
        )
        self.model.set_rows(rows)
        if first and rows:
            self.table.fit()
