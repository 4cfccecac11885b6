"""Frame times of the earnings chart with very many bars, beside pyqtgraph's own bars with all of them in the scene."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_SERIES, _SLOT_S, _START = 4, 4320.0, 1_700_000_000.0


def charts(count: int, frames: int) -> dict[str, Any]:
    """Milliseconds: giving the bars until they are painted, and each frame of zooming, panning and hovering."""
    import numpy as np
    from PySide6.QtWidgets import QApplication

    from ranvier.ui.widgets.charts.bar_chart import BarChart, Columns

    application = QApplication.instance() or QApplication(["bench"])
    starts = _START + np.repeat(np.arange(count // _SERIES), _SERIES) * _SLOT_S
    values = np.random.default_rng(1).uniform(0.5, 1.5, len(starts))
    columns = Columns(starts, starts + _SLOT_S, values, np.arange(len(starts)) % _SERIES, lambda place: f"row {place}")
    chart = BarChart(unit="TAO")
    chart.resize(1000, 300)
    chart.show()
    asyncio.run(chart.load())
    application.processEvents()

    def painted() -> None:
        chart._plot.viewport().repaint()

    started = time.perf_counter()
    chart.set_columns(columns)
    painted()
    found: dict[str, Any] = {"bars": len(starts), "open_ms": 1000 * (time.perf_counter() - started)}
    zooms = [0.8] * (frames // 2) + [1.25] * (frames // 2)
    factor = iter(zooms)
    found["zoom"] = _frames(lambda: chart.zoom(next(factor), _START + _SLOT_S * 1000), painted, len(zooms))
    chart.show_all()
    chart.zoom(0.5)
    found["pan"] = _frames(lambda: chart.pan(0.01), painted, frames)
    low, high = chart.view
    moments = iter(np.linspace(low, high, frames))
    found["hover"] = _frames(lambda: chart.words_at(float(next(moments))), lambda: None, frames)
    found["all_drawn"] = _plain(application, columns, painted_frames=3)
    found["ratio_pan"] = found["all_drawn"]["median_ms"] / found["pan"]["median_ms"]
    chart.close()
    return found


def _plain(application: Any, columns: Any, painted_frames: int) -> dict[str, float]:
    """Every bar in the scene, as charts are drawn when nothing is left out."""
    pg = sys.modules["pyqtgraph"]
    plot = pg.PlotWidget()
    plot.resize(1000, 300)
    for series in range(_SERIES):
        mine = columns.series == series
        plot.addItem(
            pg.BarGraphItem(
                x0=columns.starts[mine], width=_SLOT_S * 0.8, y0=series, height=columns.values[mine], pen=pg.mkPen(None)
            )
        )
    plot.show()
    application.processEvents()
    first, last = float(columns.starts[0]), float(columns.starts[-1])
    place = iter(range(painted_frames + 1))

    def pan() -> None:
        shift = 0.01 * next(place) * (last - first)
        plot.setXRange(first + shift, (first + last) / 2 + shift, padding=0)

    found = _frames(pan, lambda: plot.viewport().repaint(), painted_frames)
    plot.close()
    return found


def _frames(move: Callable[[], Any], paint: Callable[[], None], count: int) -> dict[str, float]:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        move()
        paint()
        times.append(1000 * (time.perf_counter() - started))
    return {"median_ms": statistics.median(times), "worst_ms": max(times)}
