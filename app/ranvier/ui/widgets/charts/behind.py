"""Faint bars behind those of a bar chart: what the same place was before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QColor

if TYPE_CHECKING:
    from ranvier.ui.theme import Colours
    from ranvier.ui.widgets.charts.bar_chart import Columns

_FILL, _EDGE = 0.20, 0.75


def draw_behind(columns: Columns, view: tuple[float, float], most: int, colours: Colours) -> tuple[Any, float]:
    """(the bars in ``view``, how high they reach); (None, 0.0) where none lies there.

    They are as wide as their slot, so that they are seen beside the bars before them. Of several that share the width
    of one bar (``most`` fit into the view) the highest stands for all.
    """
    import numpy as np

    low, high = view
    seen = (columns.ends > low) & (columns.starts < high) & (np.nan_to_num(columns.values) > 0)
    starts, ends, values = columns.starts[seen], columns.ends[seen], columns.values[seen]
    if not len(starts):
        return None, 0.0
    if len(starts) > most:
        step = (high - low) / most
        slots = np.floor((starts - low) / step)
        firsts = np.nonzero(np.append(True, np.diff(slots) > 0))[0]
        starts, values = low + slots[firsts] * step, np.maximum.reduceat(values, firsts)
        ends = starts + step
    fill, edge = QColor(colours.muted), QColor(colours.muted)
    fill.setAlphaF(_FILL)
    edge.setAlphaF(_EDGE)
    pg = sys.modules["pyqtgraph"]
    wide = ends - starts
    bars = pg.BarGraphItem(
        x0=starts + wide * 0.02, width=wide * 0.96, y0=0, height=values, brush=fill, pen=pg.mkPen(edge, width=1)
    )
    bars.setZValue(-2)
    return bars, float(values.max())
