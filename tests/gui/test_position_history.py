"""The past of a position on the Stake page: three ways to see it, gaps as gaps, marks with their words."""

from __future__ import annotations

import time

import pytest

from gui import samples, samples_money
from ranvier.agent.api.history_messages import GetPositionHistory, PositionHistory, PositionMark, PositionPoint
from ranvier.ui.pages.stake import StakePage
from ranvier.ui.widgets.charts.series import gaps
from ranvier.ui.widgets.position_history import AMOUNT, PRICE, VALUE, PositionHistoryView, points_of

COIN = 10**9


@pytest.fixture
def house(tmp_path, qloop):
    made = samples.House(tmp_path)
    made.bridge.latest = samples.status()
    return made


def test_amount_price_and_value_are_three_lines_and_unknown_is_no_zero():
    points = tuple(
        PositionPoint(at * 300_000, at, alpha, price)
        for at, alpha, price in ((1, 2 * COIN, COIN // 2), (2, 2 * COIN, None), (3, 0, None), (30, COIN, COIN))
    )
    history = PositionHistory(points, (), 300.0)
    assert [value for _, value in points_of(history, AMOUNT)] == [2.0, 2.0, 0.0, None, 1.0]
    assert [value for _, value in points_of(history, PRICE)] == [0.5, None, None, None, 1.0]
    assert [value for _, value in points_of(history, VALUE)] == [1.0, None, 0.0, None, 1.0]
    assert gaps(points_of(history, AMOUNT)) == [(900.0, 9000.0)]


async def test_the_page_shows_the_chosen_positions_past(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    page.show_holdings(samples_money.holdings())
    assert page.table.select_key((samples.COLDKEY, samples.HOTKEY, 1))
    await samples.until(lambda: page.past.history is not None and page.past.chart.loaded, "the past")
    assert house.client.called(GetPositionHistory)[-1] == GetPositionHistory(samples.COLDKEY, samples.HOTKEY, 1)
    assert "2 own transactions marked" in page.past.words.text()
    chart = page.past.chart
    mark = chart.marks[0].at_ms / 1000
    said = chart.words_at(mark)
    assert "Stake 5.000000000 TAO on practice" in said and " TAO" in said
    assert "Stake" not in chart.words_at(mark + 86_400)
    page.past.choices[AMOUNT].click()
    assert "α1" in chart.words_at(mark) and chart.tick_words(250.0) == "250 α1"
    page.past.choices[PRICE].click()
    assert chart.tick_words(0.0281) == "0.0281 TAO"
    assert page.table.select_key((samples.COLDKEY, samples.HOTKEY_2, 19))
    assert page.past.history is None and "Reading" in page.past.words.text()
    await samples.until(lambda: page.past.history is not None, "the other past")
    assert house.client.called(GetPositionHistory)[-1].netuid == 19
    assert not house.errors
    await house.close()


async def test_nothing_noted_is_said_and_old_notes_end_in_a_gap(qtbot, house):
    view = PositionHistoryView()
    qtbot.addWidget(view)
    await view.load()
    view.show_history(PositionHistory((), (), 300.0), 1)
    assert "Nothing was noted yet" in view.words.text() and not view.chart.lines
    old = int((time.time() - 7200) * 1000)
    point = PositionPoint(old, 1, COIN, COIN)
    mark = PositionMark(old, "Stake", "no", "0x1")
    view.show_history(PositionHistory((point,), (mark,), 300.0), 1)
    assert view.chart.right_edge() > time.time() - 60 and view.chart.span_s >= 7200
    assert "unknown" in view.chart.words_at(time.time() - 30)
    await house.close()
