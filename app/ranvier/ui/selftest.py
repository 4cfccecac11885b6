"""What ``ranvier selftest`` draws: the things that come from Qt's plug-ins and from pyqtgraph. Offscreen."""

from __future__ import annotations

import asyncio
import os

from PySide6.QtWidgets import QApplication

from ranvier.ui.icons import app_icon, pixmap
from ranvier.ui.theme import Theme
from ranvier.ui.widgets.charts.chart import Line, LineChart


def draw() -> str:
    """Draw every kind of picture once; returns what was drawn. Raises ValueError for one that stayed empty."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    application = QApplication(["ranvier"])
    style = application.style().objectName()
    theme = Theme(application, "light")
    try:
        for name in ("overview", "ranvier", "tray-good"):
            image = pixmap(name, 32).toImage()
            if not any(image.pixelColor(x, y).alpha() for x in range(32) for y in range(32)):
                raise ValueError(f"the icon {name} stays empty: Qt's SVG plug-in is missing")
        if app_icon().isNull():
            raise ValueError("the application's icon is missing")
        chart = LineChart(span_s=10.0, value_words=str)
        asyncio.run(chart.load())
        chart.set_lines([Line("test", [(0.0, 1.0), (1.0, 2.0)])])
        chart.resize(320, 160)
        drawn = chart.grab().toImage()
        colours = {drawn.pixel(x, y) for x in range(0, drawn.width(), 2) for y in range(0, drawn.height(), 2)}
        if len(colours) < 3:
            raise ValueError("the chart stays empty")
        chart.deleteLater()
    finally:
        theme.deleteLater()
        application.processEvents()
        application.shutdown()
    return f"icons and a chart of {len(colours)} colours, style {style}"
