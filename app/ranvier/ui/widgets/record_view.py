"""One benchmark result in full: large figures, percentiles or samples with their spread, and what to know about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from ranvier.benchmark.device import DeviceRun
from ranvier.benchmark.figures import Figure as Measured
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.store import Record, Value
from ranvier.ui.models.benchmarks import (
    counts_words,
    headline,
    notes,
    number_text,
    percentile_rows,
    steps_model,
    subject_title,
    sustained_title,
)
from ranvier.ui.widgets.charts.knee_chart import KneeChart
from ranvier.ui.widgets.charts.legend import ChartPanel
from ranvier.ui.widgets.figures import Figure, FigureRow
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import label
from ranvier.ui.words import UNKNOWN, local_time

_PERCENTILES = ("", "median", "p90", "p95", "p99", "mean")


class RecordView(QWidget):
    """Empty until ``show_record``. ``lead``: what the record is here, before its time: ``Newest result``."""

    def __init__(self, lead: str = "") -> None:
        super().__init__()
        self._lead = lead
        self.record: Record | None = None
        self.title = label("", "heading", wrap=True)
        self.when = label("", "muted", wrap=True)
        self._figures = FigureRow()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(22)
        self._grid.setVerticalSpacing(7)
        self.knee = KneeChart()
        self.knee_panel = ChartPanel("Output over open requests", self.knee, ("all", "within the objective"))
        self.steps = Table(steps_model())
        self.steps.sort_by(0)
        self.steps.setAccessibleName("Steps of the sweep")
        self.notes = label("", "muted", wrap=True, copyable=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.title)
        column.addWidget(self.when)
        column.addWidget(self._figures)
        column.addWidget(self.knee_panel)
        column.addLayout(self._grid)
        column.addWidget(self.steps)
        column.addWidget(self.notes)

    def show_record(self, record: Record) -> None:
        """Draw one result."""
        self.record = record
        self.title.setText(subject_title(record))
        self.when.setText(" · ".join(filter(None, (self._lead, _when(record)))))
        self._figures.show_figures([_large(value) for value in headline(record)])
        clear(self._grid)
        self.knee_panel.setVisible(record.sweep is not None)
        self.steps.setVisible(record.sweep is not None)
        if record.serving is not None:
            self._fill(_PERCENTILES, percentile_rows(record.serving))
        elif record.device is not None:
            self._fill(("", "median", "lowest", "highest", "spread", "samples"), _device_rows(record.device))
        elif record.sweep is not None:
            self.knee.show_sweep(record.sweep)
            self._show_steps(record.sweep.steps)
        self.notes.setText("\n".join(notes(record)))

    def _show_steps(self, steps: Sequence[LoadResult]) -> None:
        self.steps.rows_model.set_rows(steps)
        self.steps.fit()
        self.steps.show_rows(len(steps))

    def _fill(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for column, head in enumerate(heads):
            self._cell(label(head, "small"), 0, column)
            self._grid.setColumnStretch(column, 2 if column == 0 else 1)
        for place, row in enumerate(rows, start=1):
            for column, text in enumerate(row):
                self._cell(label(text, copyable=True), place, column)

    def _cell(self, widget: QWidget, row: int, column: int) -> None:
        side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
        self._grid.addWidget(widget, row, column, side | Qt.AlignmentFlag.AlignVCenter)


def _when(record: Record) -> str:
    parts = [local_time(int(record.at * 1000))]
    if record.serving is not None:
        parts.append(counts_words(record.serving))
    if record.subject.driver is not None:
        parts.append(f"driver {record.subject.driver}")
    parts += [f"{name} {version}" for name, version in record.subject.versions.items()]
    return " · ".join(parts)


def _large(value: Value) -> Figure:
    figure = Figure(value.title)
    spread = "" if value.spread_percent is None else f"spread {value.spread_percent:.1f} %"
    figure.show_value(number_text(value.value, value.unit), spread)
    return figure


def _device_rows(run: DeviceRun) -> list[tuple[str, ...]]:
    """Each test, then the long run as one row: its samples are about a second each."""
    result = run.result
    tests = [*result.figures]
    if result.sustained:
        rates = tuple(slice_.rate for slice_ in result.sustained)
        tests.append(Measured("sustained", sustained_title(result), result.sustained_unit, rates))
    return [
        (
            figure.title,
            number_text(figure.median, figure.unit),
            number_text(min(figure.samples), figure.unit),
            number_text(max(figure.samples), figure.unit),
            f"{figure.spread_percent:.1f} %" if len(figure.samples) > 1 else UNKNOWN,
            str(len(figure.samples)),
        )
        for figure in tests
        if figure.samples
    ]
