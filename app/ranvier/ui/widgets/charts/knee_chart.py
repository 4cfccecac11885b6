"""Output over open requests, with the knee marked: where more requests at once stop bringing more tokens."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.sweep import SweepResult
from ranvier.ui.models.benchmarks import number_text, step_words
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.charts.axes import plain_axis_class
from ranvier.ui.widgets.charts.chart import Chart


class KneeChart(Chart):
    """Steps of a sweep at equal distances (each doubles the one before); tokens per second upwards."""

    def __init__(self) -> None:
        super().__init__(unit="tokens/s", height=190)
        self.setMaximumHeight(240)
        self.setAccessibleName("Output over open requests")
        self.steps: tuple[LoadResult, ...] = ()
        self._knee: int | None = None
        self._best: int | None = None
        self._drawn: list[Any] = []

    def show_sweep(self, sweep: SweepResult) -> None:
        self.show_steps(sweep.steps, sweep.knee if sweep.knee_seen else None, sweep.best_good)

    def show_steps(self, steps: Sequence[LoadResult], knee: int | None = None, best: int | None = None) -> None:
        """A sweep that still runs, or ended before more stopped to help, has no knee."""
        self.steps, self._knee, self._best = tuple(steps), knee, best
        self.setAccessibleDescription(", ".join(step_words(step) for step in self.steps))
        if self.loaded:
            self.draw()

    def axis_class(self) -> Any:
        return plain_axis_class()

    def draw(self) -> None:
        pg, colours, item = sys.modules["pyqtgraph"], colours_of(self), self._plot.getPlotItem()
        for old in self._drawn:
            item.removeItem(old)
        self._drawn = []
        xs = [_place(step) for step in self.steps]
        ys = [step.output_throughput for step in self.steps]
        good = [step.output_throughput * step.good_share for step in self.steps]
        for place, heights in enumerate((ys, good)):
            colour = QColor(colours.series[place])
            self._add(
                pg.PlotDataItem(
                    xs, heights, pen=pg.mkPen(colour, width=1.8), symbol="o", symbolSize=7, symbolBrush=colour,
                    symbolPen=None, antialias=True,
                )
            )  # fmt: skip
        right = max([*xs, 1.0])
        for row, (at, word, colour_name) in enumerate(self._marks(colours.muted, colours.good)):
            x = math.log2(at)
            self._add(_mark(x, word, colour_name, row, to_left=x > 0.6 * right))
        item.getAxis("bottom").setTicks(
            [[(x, f"{step.concurrency} at once") for x, step in zip(xs, self.steps, strict=True)]]
        )
        item.setXRange(-0.25, right + 0.45, padding=0)
        self._set_heights(0.0, max([*ys, 1e-9]) * 1.15)

    def _marks(self, plain: str, good: str) -> list[tuple[int, str, str]]:
        """Where the sweep's two verdicts lie: (at once, word, colour)."""
        if self._knee is not None and self._knee == self._best:
            return [(self._knee, "knee, objective kept", good)]
        found = [(self._knee, "knee", plain), (self._best, "objective kept", good)]
        return [(at, word, colour) for at, word, colour in found if at is not None]

    def tick_words(self, value: float) -> str:
        return number_text(value, "tok/s") if value else "0"

    def _add(self, thing: Any) -> None:
        self._plot.getPlotItem().addItem(thing, ignoreBounds=True)
        self._drawn.append(thing)

    def words_at(self, x: float) -> str:
        if not self.steps:
            return ""
        step = min(self.steps, key=lambda one: abs(_place(one) - x))
        first = "unknown" if step.ttft is None else number_text(step.ttft.median, "ms")
        return (
            f"{step.concurrency} at once\n{number_text(step.output_throughput, 'tokens/s')}\n"
            f"{100 * step.good_share:.0f} % within the objective\nfirst token {first} (median)"
        )


def _place(step: LoadResult) -> float:
    return math.log2(max(1, step.concurrency or 1))


def _mark(x: float, word: str, colour: str, row: int, *, to_left: bool) -> Any:
    pg = sys.modules["pyqtgraph"]
    pen = pg.mkPen(colour, width=1, style=Qt.PenStyle.DashLine)
    side = (1.0 if to_left else 0.0, 0.5)
    options = {"position": 0.93 - 0.1 * row, "anchors": [side, side], "color": colour}
    return pg.InfiniteLine(x, angle=90, movable=False, pen=pen, label=word, labelOpts=options)
