"""Stake: one block, exact totals, alphas never added, unknown never zero."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt

from gui import samples
from ranvier.agent.messages import GetPortfolio, Portfolio
from ranvier.core.errors import AgentError
from ranvier.core.units import RAO_PER_COIN, Tao
from ranvier.ui.models.rows import ROW_ROLE, UNKNOWN_ROLE, Column, RowsModel, RowsProxy
from ranvier.ui.models.stake import position_rows, stake_model, totals
from ranvier.ui.pages.stake import StakePage
from ranvier.ui.widgets.table import Table


def cells(model, row):
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_totals_are_exact_and_leave_unpriced_positions_out():
    portfolio = samples.portfolio()
    sums = totals(portfolio)
    priced = [p for p in portfolio.positions if p.price_rao is not None]
    assert sums.staked_spot == Tao(sum(p.alpha_rao * p.price_rao // RAO_PER_COIN for p in priced))
    assert sums.free == Tao(105_512_004_871)
    assert (sums.positions, sums.unpriced) == (4, 1)
    assert sums.spot == sums.free + sums.staked_spot


def test_rows_name_the_subnet_and_keep_unknown_unknown(qapp):
    model = stake_model()
    model.set_rows(position_rows(samples.portfolio()))
    assert cells(model, 0)[0] == "1 · practice"
    assert cells(model, 0)[2] == "391.870554 α1"
    last = model.rowCount() - 1
    assert cells(model, last)[3:] == ["unknown", "unknown"]
    assert model.index(last, 4).data(UNKNOWN_ROLE) is True
    assert model.sort_value(model.index(last, 4)) is None
    assert model.index(0, 4).data(Qt.ItemDataRole.ToolTipRole) == "11.095621152 TAO"


@pytest.mark.parametrize("order", [Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder])
def test_unknown_sorts_last_both_ways(qapp, order):
    model = stake_model()
    model.set_rows(position_rows(samples.portfolio()))
    proxy = RowsProxy(model)
    proxy.sort(4, order)
    shown = [proxy.index(row, 4).data() for row in range(proxy.rowCount())]
    assert shown[-1] == "unknown"
    numbers = shown[:-1]
    assert numbers == sorted(numbers, key=lambda text: float(text.split()[0]), reverse=order.value == 1)


@given(st.lists(st.one_of(st.none(), st.integers(0, 2**80)), max_size=12), st.booleans())
def test_sorting_is_exact_beyond_what_qt_numbers_hold(numbers, down):
    model = RowsModel((Column("n", lambda row: str(row[1]), lambda row: row[1]),), key=lambda row: row[0])
    model.set_rows(list(enumerate(numbers)))
    proxy = RowsProxy(model)
    proxy.sort(0, Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder)
    shown = [proxy.index(row, 0).data(ROW_ROLE)[1] for row in range(proxy.rowCount())]
    known = sorted((n for n in numbers if n is not None), reverse=down)
    assert shown == known + [None] * (len(numbers) - len(known))


def test_update_in_place_keeps_the_selection(qtbot):
    model = stake_model()
    rows = position_rows(samples.portfolio())
    model.set_rows(rows)
    table = Table(model)
    qtbot.addWidget(table)
    table.selectRow(2)
    chosen = table.current_row()
    model.set_rows([replace(row, position=replace(row.position, alpha_rao=row.position.alpha_rao + 1)) for row in rows])
    assert table.current_row().position.hotkey_ss58 == chosen.position.hotkey_ss58
    assert table.current_row().position.alpha_rao == chosen.position.alpha_rao + 1
    assert "1 · practice\t" in table.selected_text() or "4 · targon\t" in table.selected_text()


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


async def test_page_shows_one_block_and_says_what_spot_means(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    page.shown()
    await samples.until(lambda: page.model.rowCount() == 4, "positions")
    assert page.free.value.text() == "105.512004 TAO"
    assert page.staked.value.text() == "14.355549 TAO"
    assert "1 of 4 positions without a price" in page.staked.note.text()
    assert "price is missing" in page.total.note.text()
    assert "Block 48\N{NARROW NO-BREAK SPACE}213" in page.subtitle.text()
    page.hidden()
    asked = len(house.client.called(GetPortfolio))
    assert not page._polling.running and asked >= 1
    await house.close()


async def test_page_is_honest_when_there_is_nothing(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    full = samples.portfolio()
    page.show_portfolio(Portfolio(full.block, (), (), ()))
    assert page.stack.currentIndex() == 0 and "No coldkey is watched" in page.empty.title.text()
    page.show_portfolio(Portfolio(full.block, full.balances, (), ()))
    assert page.stack.currentIndex() == 1 and page.inner.currentIndex() == 0
    assert page.staked.value.text() == "0.000000 TAO"
    only = Portfolio(full.block, full.balances, full.positions[-1:], full.subnets)
    page.show_portfolio(only)
    assert page.staked.value.text() == "unknown"
    await house.close()


async def test_page_keeps_what_it_knew_when_the_agent_is_lost(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    house.client.answers[GetPortfolio] = AgentError("No agent", "The agent is not running.")
    page.shown()
    await samples.until(lambda: page.empty.title.text() == "No agent", "the error")
    house.client.answers[GetPortfolio] = samples.portfolio()
    page._polling.now()
    await samples.until(lambda: page.model.rowCount() == 4, "positions")
    house.client.answers[GetPortfolio] = AgentError("No agent", "The agent is not running.")
    page._polling.now()
    await samples.until(lambda: "Not up to date" in page.subtitle.text(), "the warning")
    assert page.model.rowCount() == 4
    page.hidden()
    await house.close()


async def test_another_network_clears_the_page(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    house.bridge.status.emit(samples.status())
    page.show_portfolio(samples.portfolio())
    other = samples.status()
    house.bridge.status.emit(other)
    assert page.model.rowCount() == 4
    house.bridge.status.emit(msgspec.structs.replace(other, chain=samples.chain_view("finney")))
    assert page.model.rowCount() == 0 and page.stack.currentIndex() == 0
    await house.close()
