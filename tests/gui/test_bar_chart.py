"""The bar chart looked at closely: wheel, drag, keys; very many bars are drawn as few, and no peak is lost."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from ranvier.ui.widgets.charts.bar_chart import Bar, BarChart, Columns

T, DAY = 1_700_000_000.0, 86_400.0
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


async def shown(qtbot, days: int = 200) -> BarChart:
    chart = BarChart(unit="TAO")
    qtbot.addWidget(chart)
    chart.resize(800, 300)
    chart.set_bars([Bar(T + n * DAY, DAY, 1.0 + n, 0, f"day {n}") for n in range(days)])
    chart.show()
    await chart.load()
    await asyncio.sleep(0)
    return chart


def wheel(chart: BarChart, x: float, along: int, across: int = 0, keys=NONE) -> None:
    view = chart._plot.viewport()
    at = QPointF(x, 100)
    event = QWheelEvent(
        at, QPointF(view.mapToGlobal(at.toPoint())), QPoint(), QPoint(across, along), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def mouse(chart: BarChart, kind: QEvent.Type, x: float) -> None:
    view = chart._plot.viewport()
    at = QPointF(x, 100)
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else LEFT
    button = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else LEFT
    QApplication.sendEvent(view, QMouseEvent(kind, at, QPointF(view.mapToGlobal(at.toPoint())), button, held, NONE))


async def test_the_wheel_zooms_where_the_pointer_is_and_a_double_click_shows_all(qtbot) -> None:
    chart = await shown(qtbot)
    whole = chart.view
    box = chart._plot.getPlotItem().getViewBox()
    under = box.mapSceneToView(QPointF(500, 100)).x()
    wheel(chart, 500, 360)
    low, high = chart.view
    assert high - low == pytest.approx((whole[1] - whole[0]) * 0.8**3)
    assert box.mapSceneToView(QPointF(500, 100)).x() == pytest.approx(under, abs=0.02 * (high - low))
    wheel(chart, 500, 0, across=120)
    assert chart.view[0] < low
    wheel(chart, 500, -120, keys=Qt.KeyboardModifier.ShiftModifier)
    assert chart.view[0] == pytest.approx(low, abs=1.0)
    mouse(chart, QEvent.Type.MouseButtonDblClick, 300)
    assert chart.view == whole


async def test_dragging_takes_the_bars_along(qtbot) -> None:
    chart = await shown(qtbot)
    chart.zoom(0.25)
    low, high = chart.view
    width = chart._plot.getPlotItem().getViewBox().width()
    mouse(chart, QEvent.Type.MouseButtonPress, 400)
    mouse(chart, QEvent.Type.MouseMove, 400 + width / 4)
    assert chart.view[0] == pytest.approx(low - (high - low) / 4)
    mouse(chart, QEvent.Type.MouseMove, 400 + 100 * width)
    assert chart.view[0] == T, "not beyond the first bar"
    mouse(chart, QEvent.Type.MouseButtonRelease, 400)
    mouse(chart, QEvent.Type.MouseMove, 300)
    assert chart.view[0] == T


async def test_keys_do_the_same(qtbot) -> None:
    chart = await shown(qtbot)
    whole = chart.view
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_Plus)
    low, high = chart.view
    assert high - low == pytest.approx(0.6 * (whole[1] - whole[0]))
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chart.view[0] == pytest.approx(low + 0.15 * (high - low))
    QTest.keyClick(chart, Qt.Key.Key_End)
    assert chart.view[1] == whole[1]
    QTest.keyClick(chart, Qt.Key.Key_Home)
    assert chart.view[0] == whole[0]
    QTest.keyClick(chart, Qt.Key.Key_Minus)
    assert chart.view == whole
    QTest.keyClick(chart, Qt.Key.Key_Plus)
    QTest.keyClick(chart, Qt.Key.Key_0)
    assert chart.view == whole


async def test_what_was_zoomed_to_stays_when_a_bar_comes_and_goes_with_other_bars(qtbot) -> None:
    chart = await shown(qtbot)
    chart.zoom(0.2)
    view = chart.view
    chart.set_bars([*chart.bars, Bar(T + 200 * DAY, DAY, 3.0, 0, "new")])
    assert chart.view == view
    chart.set_bars([Bar(T, 7 * DAY, 3.0, 0, "weeks")])
    assert chart.view != view


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(low=st.floats(-1e9, 3e9), span=st.floats(-1e6, 1e9), factor=st.floats(1e-6, 1e6), pan=st.floats(-1e9, 1e9))
def test_the_view_is_always_a_part_of_the_bars(qapp, low: float, span: float, factor: float, pan: float) -> None:
    chart = BarChart(unit="TAO")
    chart.set_bars([Bar(T + n * DAY, DAY, 1.0, 0, "") for n in range(200)])
    chart.set_view(low, low + span)
    chart.zoom(factor)
    chart.pan(pan)
    first, last = chart.view
    assert first + 1e-3 >= T and last <= T + 200 * DAY + 1e-3 and last - first >= 4 * DAY - 1e-3
    chart.deleteLater()


async def test_a_million_bars_are_drawn_as_few_and_the_peaks_stay(qtbot) -> None:
    chart = await shown(qtbot, days=1)
    count = 1_000_000
    starts = T + np.repeat(np.arange(count // 4), 4) * 4320.0
    values = np.full(count, 1.0)
    values[[777_777, 12]] = 50.0
    values[500_000:500_400] = np.nan
    chart.set_columns(Columns(starts, starts + 4320.0, values, np.arange(count) % 4, lambda place: f"row {place}"))
    drawn = [thing for thing in chart._drawn if hasattr(thing, "opts") and "height" in thing.opts]
    rects = sum(len(thing.opts["height"]) for thing in drawn)
    assert len(drawn) == 4 and 400 < rects < 1200, "a bar for each few pixels, of each series"
    tops = np.concatenate([thing.opts["y0"] + thing.opts["height"] for thing in drawn])
    assert tops.max() == 53.0 and (tops > 50).sum() >= 2, "both peaks are seen"
    assert chart.words_at(starts[8]).splitlines() == ["row 8", "row 9", "row 10", "row 11"]
    chart.set_view(starts[500_000] - 90_000, starts[500_400] + 90_000)
    assert sum(hasattr(thing, "lines") for thing in chart._drawn) == 1, "what is not known is one band"
    seen = [thing.opts for thing in chart._drawn if "height" in getattr(thing, "opts", {})]
    assert all(len(one["height"]) < 60 for one in seen), "now slot by slot"
    stacks = sorted({float(y) for one in seen for y in one["y0"]})
    assert stacks == [0.0, 1.0, 2.0, 3.0]
    assert all(before <= after for before, after in itertools.pairwise(starts[:100]))


async def test_few_bars_stand_at_the_right_and_no_future_is_shown(qtbot) -> None:
    chart = await shown(qtbot, days=2)
    low, high = chart.view
    assert high == T + 2 * DAY and low == T - 5 * DAY


async def test_days_are_the_finest_marks_of_bars_of_days(qtbot) -> None:
    chart = await shown(qtbot, days=3)
    axis = chart._plot.getPlotItem().getAxis("bottom")
    for utc, least in ((True, 86_400.0), (False, 0.0)):
        chart.set_bars(chart.bars, "TAO", utc=utc)
        assert axis.least == least
