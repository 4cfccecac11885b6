"""Charts: a missing sample is a gap, never a zero; ticks are round; pyqtgraph comes late and off the UI thread."""

from __future__ import annotations

import importlib
import itertools
import math
import subprocess
import sys
import time
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ranvier.ui.theme import DARK, palette
from ranvier.ui.widgets.charts.axes import day_axis_class, day_ticks, moment_words, nice_ticks, span_words
from ranvier.ui.widgets.charts.bar_chart import Bar, BarChart
from ranvier.ui.widgets.charts.chart import Line, LineChart, load_charts
from ranvier.ui.widgets.charts.legend import ChartPanel, Swatch
from ranvier.ui.widgets.charts.series import gaps, value_near, with_gaps
from ranvier.ui.words import percent_text

T = 1_800_000_000.0


def steady(count: int, step: float = 2.0, value: float = 50.0) -> list[tuple[float, float | None]]:
    return [(T + step * place, value) for place in range(count)]


def test_a_steady_line_has_no_gap():
    assert gaps(steady(100)) == []


def test_a_missing_value_is_a_gap_from_the_last_known_to_the_next():
    points = steady(10)
    points[4] = (points[4][0], None)
    points[5] = (points[5][0], None)
    assert gaps(points) == [(points[3][0], points[6][0])]
    xs, ys = with_gaps(points)
    assert [y for y in ys if math.isnan(y)] and 0.0 not in ys
    assert xs == sorted(xs)


def test_a_long_pause_is_a_gap_but_thinned_old_samples_are_not():
    points = steady(20) + [(T + 200 + 2 * n, 1.0) for n in range(20)]
    assert gaps(points) == [(T + 38, T + 200)]
    thinned = [(T + 10.0 * n, 1.0) for n in range(20)] + [(T + 190 + 2.0 * n, 1.0) for n in range(1, 60)]
    assert gaps(thinned) == []


def test_silence_until_now_is_a_gap():
    points = steady(20)
    assert gaps(points, until=T + 500) == [(T + 38, T + 500)]


def test_values_missing_from_the_start_or_to_the_end():
    points = [(T, None), (T + 2, None), (T + 4, 1.0), (T + 6, None)]
    assert gaps(points) == [(T, T + 4), (T + 4, T + 6)]
    assert gaps([(T, None), (T + 2, None)]) == [(T, T + 2)]


values = st.one_of(st.none(), st.floats(0, 100))


@given(st.lists(st.tuples(st.floats(0.5, 200), values), max_size=40))
def test_gaps_are_in_order_inside_the_data_and_break_the_line(steps):
    points, at = [], T
    for step, value in steps:
        at += step
        points.append((at, value))
    found = gaps(points)
    assert found == sorted(found)
    for start, end in found:
        assert start <= end and points[0][0] <= start and end <= points[-1][0]
        assert all(value is None for at, value in points if start < at < end)
    for before, after in itertools.pairwise(found):
        assert before[1] <= after[0]
    xs, ys = with_gaps(points)
    assert [y for y in ys if not math.isnan(y)] == [value for _at, value in points if value is not None]
    assert len(xs) == len(ys)


def test_value_near_says_nothing_inside_a_gap():
    points = steady(10, value=7.0)
    points[5] = (points[5][0], None)
    assert value_near(points, T + 4.4) == 7.0
    assert value_near(points, T + 10.1) is None
    assert value_near([], T) is None


@given(st.floats(1e-9, 1e15))
def test_ticks_are_round_and_inside(high):
    ticks = nice_ticks(0.0, high)
    assert ticks[0] == 0.0 and ticks[-1] <= high * (1 + 1e-6)
    assert 1 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))


def test_tick_texts_have_no_float_dust():
    assert nice_ticks(0, 0.35)[3] == 0.3
    assert nice_ticks(0, 100) == [0, 25, 50, 75, 100]
    assert nice_ticks(5, 5) == [5]
    assert nice_ticks(0, math.nan) == [0]


@pytest.mark.parametrize(
    ("low", "span", "words"),
    [
        (1_795_312_560, 540, ["02:00"]),  # one mark in an hour is no day
        (1_795_305_600 + 43_000, 90_000, ["12:00", "23 Nov", "12:00"]),
        (1_795_305_600 - 3600, 200_000, ["22 Nov", "23 Nov", "24 Nov"]),
        (1_795_305_600, 300 * 86_400, ["Dec 2026", "Mar 2027", "Jun 2027", "Aug 2027"]),
    ],
)
def test_marks_of_time_say_hours_days_or_months(qtbot, low, span, words):
    axis = day_axis_class()("bottom")
    axis.utc = True
    ((spacing, ticks),) = axis.tickValues(low, low + span, 440 if span > 100_000 else 330)
    said = axis.tickStrings(ticks, 1.0, spacing)
    assert said == words


def test_bars_of_days_have_no_marks_for_hours(qtbot):
    axis = day_axis_class()("bottom")
    axis.utc, axis.shift, axis.least = True, 43_200.0, 86_400.0  # as below bars of days
    ((spacing, ticks),) = axis.tickValues(1_795_305_600, 1_795_305_600 + 3 * 86_400, 3000)
    assert axis.tickStrings(ticks, 1.0, spacing) == ["22 Nov", "23 Nov", "24 Nov"]


@given(st.floats(1.0, 4e7), st.integers(2, 12))
def test_day_ticks_are_few_and_in_range(span, most):
    ticks = day_ticks(T, T + span, most, utc=True)
    assert len(ticks) <= max(most + 1, span / 2_592_000 + 1)
    assert all(T <= tick <= T + span for tick in ticks)


def test_moments_in_words():
    assert moment_words(1_795_305_600, hours=False, utc=True) == "22 Nov"
    assert moment_words(1_795_305_600 + 3660, hours=True, utc=True) == "01:01"
    assert span_words(0.2) == "now" and span_words(300) == "5 min ago"
    assert span_words(5400) == "90 min ago" and span_words(28_800) == "8 h ago"


async def shown(qtbot, chart):
    host = QWidget()
    host.resize(600, 220)
    QVBoxLayout(host).addWidget(chart)
    qtbot.addWidget(host)
    host.show()
    await chart.load()
    return host


async def test_line_chart_draws_gaps_and_says_values_on_hover(qtbot):
    chart = LineChart(span_s=900, value_words=percent_text)
    now = time.time()
    points = [(now - 900 + 2 * n, None if 200 <= n < 230 else 40.0) for n in range(450)]
    chart.set_lines([Line("CPU", points)], now)
    assert not chart.loaded
    host = await shown(qtbot, chart)
    assert chart.loaded
    assert chart.words_at(now - 700).endswith("40 %".replace(" ", "\N{NARROW NO-BREAK SPACE}"))
    assert chart.words_at(now - 470).endswith("unknown")
    assert "7 min 50 s ago" in chart.words_at(now - 470)
    host.grab()
    box = chart._plot.getPlotItem().getViewBox()
    chart._hover(box.mapViewToScene(QPointF(now - 300, 20)))
    assert chart._words.isVisible() and chart.rect().contains(chart._words.geometry())
    chart._end_hover()
    assert not chart._words.isVisible()


async def test_bar_chart_stacks_bars_of_one_day_and_leaves_unknown_grey(qtbot):
    chart = BarChart(unit="TAO")
    day = 86_400.0
    chart.set_bars(
        [
            Bar(T, day, 2.0, 0, "two"),
            Bar(T, day, 1.0, 1, "one"),
            Bar(T + day, day, None, 0, "unknown"),
            Bar(T + 2 * day, day, 4.0, 0, "four"),
        ]
    )
    host = await shown(qtbot, chart)
    host.grab()
    assert chart.words_at(T + 10) == "two\none"
    assert chart.words_at(T + 1.5 * day) == "unknown"
    assert chart.words_at(T - 10) == ""
    low, high = chart._plot.getPlotItem().viewRange()[1]
    assert low <= 0 and high >= 4
    chart.set_bars([])
    host.grab()


async def test_chart_follows_the_theme(qtbot):
    chart = LineChart(span_s=900, value_words=percent_text)
    chart.set_lines([Line("CPU", steady(10))])
    host = await shown(qtbot, chart)
    host.setPalette(palette(DARK))
    host.grab()
    assert chart._plot.backgroundBrush().color().name() == DARK.surface
    assert chart.palette().color(QPalette.ColorRole.Window).name() == DARK.window


def test_legend_shows_only_when_there_is_something_to_tell_apart(qtbot):
    panel = ChartPanel("Use", LineChart(span_s=900, value_words=percent_text), ("one",))
    qtbot.addWidget(panel)
    assert not panel.findChildren(Swatch)
    panel.set_names(("one", "two"))
    assert len(panel.findChildren(Swatch)) == 2


@pytest.mark.parametrize(
    "module", ["ranvier.ui.widgets.charts.chart", "ranvier.ui.pages.hardware", "ranvier.ui.pages.earnings"]
)
def test_pyqtgraph_is_not_imported_with_the_page(module):
    code = f"import sys, {module}; sys.exit('pyqtgraph' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environment(), check=False).returncode == 0


def environment():
    from ranvier.core.processes import child_environment

    return child_environment()


async def test_charts_wait_for_an_import_that_has_only_begun(monkeypatch):
    half = types.ModuleType("pyqtgraph")
    half.__spec__ = types.SimpleNamespace(_initializing=True)
    monkeypatch.setitem(sys.modules, "pyqtgraph", half)
    asked = []
    monkeypatch.setattr(importlib, "import_module", asked.append)
    await load_charts()
    assert asked == ["pyqtgraph"], "listed is not loaded"
    half.__spec__._initializing = False
    await load_charts()
    assert len(asked) == 1
