"""Stake: one block, exact totals, three values apart, alphas never added, unknown never zero."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel

from gui import samples, samples_money
from ranvier.agent.api.market_messages import GetHoldings, Holdings
from ranvier.core.errors import AgentError
from ranvier.core.units import RAO_PER_COIN
from ranvier.ui.dialogs.money import money_forms as forms
from ranvier.ui.dialogs.money import money_forms_miner as miner_forms
from ranvier.ui.models.holdings import depth_words, holding_rows, holdings_model, locked_words, seat_words, sums
from ranvier.ui.models.rows import ROW_ROLE, UNKNOWN_ROLE, Column, RowsModel, RowsProxy
from ranvier.ui.models.stake import percent_text
from ranvier.ui.pages.stake import StakePage
from ranvier.ui.widgets.table import Table

COIN = 10**9


def cells(model, row):
    return [model.index(row, column).data() for column in range(model.columnCount())]


def rows():
    return holding_rows(samples_money.holdings())


def test_totals_are_exact_and_leave_unpriced_positions_out():
    whole = samples_money.holdings().portfolio
    found = sums(whole)
    priced = [one for one in whole.holdings if one.price_rao is not None]
    assert found.spot_rao == sum(one.alpha_rao * one.price_rao // RAO_PER_COIN for one in priced)
    assert found.free_rao == 105_512_004_871
    assert (found.positions, found.unpriced, found.locked) == (6, 1, 1)
    # Selling two positions of one subnet brings less than each alone: the second sells at a lower price.
    alone = sum(one.sale.gets_rao for one in priced if one.sale is not None)
    assert 0 < found.sale_rao < alone < found.spot_rao
    assert sums(replace(whole, exits={})).sale_rao is None and sums(replace(whole, exits={}, holdings=())).sale_rao == 0


def test_rows_keep_the_three_values_apart(qapp):
    model = holdings_model()
    model.set_rows(rows())
    shown = cells(model, 0)
    assert shown[0] == "1 · practice" and shown[2] == "391.870554 α1"
    spot, sale, locked = shown[3], shown[4], shown[5]
    assert spot == "11.102998 TAO" and locked == "120.000000 α1" and sale == "7.697958 TAO"
    last = model.rowCount() - 1
    assert cells(model, last)[3:5] == ["unknown"] * 2
    assert model.index(last, 4).data(UNKNOWN_ROLE) is True
    assert model.index(4, 4).data() == "25.000000 TAO"  # root: one for one


def test_sentences_say_depth_locks_and_the_line():
    first, second, third, behind, root, _ = rows()
    whole = samples_money.holdings().portfolio
    assert seat_words(first) == (
        "Seat uid 6: 4 go before you; immune until block 50\N{NARROW NO-BREAK SPACE}213 (about 6 h 40 min)."
    )
    assert "the next registration takes this seat; immunity is over" in seat_words(second)
    assert "31 seats still free" in seat_words(third)
    assert "has no seat here any more" in seat_words(behind)
    assert "moves the price 4.7" in depth_words(behind).replace("4.79", "4.7") or "moves the price" in depth_words(
        behind
    )
    assert "one for one" in depth_words(root) and "Not your hotkey" not in seat_words(root)
    (collateral,) = locked_words(first, whole)
    assert "only work releases it" in collateral and "260.000000 α1 more" in collateral
    locked = replace(first, holding=replace(first.holding, locked_rao=first.holding.alpha_rao, sale=None))
    assert locked.sale_rao == 0 and "all of it is locked" in depth_words(locked)


@pytest.mark.parametrize(
    ("ppm", "text"),
    [(0, "under 0.0001 %"), (1, "0.0001 %"), (610, "0.061 %"), (5_000, "0.5 %"), (41_234, "4.12 %"),
     (412_345, "41.2 %"), (1_500_000, "150 %")],
)  # fmt: skip
def test_percentages_are_cut_off_and_never_vanish(ppm, text):
    assert percent_text(ppm) == text


@pytest.mark.parametrize("order", [Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder])
def test_unknown_sorts_last_both_ways(qapp, order):
    model = holdings_model()
    model.set_rows(rows())
    proxy = RowsProxy(model)
    proxy.sort(3, order)
    shown = [proxy.index(row, 3).data() for row in range(proxy.rowCount())]
    assert shown[-1] == "unknown"
    numbers = shown[:-1]
    value = lambda text: float(text.split(" TAO")[0].replace("\N{NARROW NO-BREAK SPACE}", ""))  # noqa: E731
    assert numbers == sorted(numbers, key=value, reverse=order.value == 1)


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
    model = holdings_model()
    first = rows()
    model.set_rows(first)
    table = Table(model)
    qtbot.addWidget(table)
    table.selectRow(2)
    chosen = table.current_row()
    model.set_rows([replace(r, holding=replace(r.holding, alpha_rao=r.holding.alpha_rao + 1)) for r in first])
    assert table.current_row().holding.hotkey_ss58 == chosen.holding.hotkey_ss58
    assert table.current_row().holding.alpha_rao == chosen.holding.alpha_rao + 1
    assert f"{chosen.holding.netuid} · " in table.selected_text()


def test_a_thousand_positions_stay_fluid(qtbot, capsys):
    whole = samples_money.holdings()
    pattern = whole.portfolio.holdings
    many = tuple(
        replace(pattern[n % 4], hotkey_ss58=f"5{n:047d}", alpha_rao=pattern[n % 4].alpha_rao + n) for n in range(1000)
    )
    found = msgspec.structs.replace(whole, portfolio=replace(whole.portfolio, holdings=many))
    model = holdings_model()
    table = Table(model)
    qtbot.addWidget(table)
    table.resize(1200, 700)
    table.sort_by(3, Qt.SortOrder.DescendingOrder)
    table.show()
    times = []
    for shift in (0, 1, 2):
        begun = time.perf_counter()
        made = holding_rows(found)
        model.set_rows([replace(r, holding=replace(r.holding, alpha_rao=r.holding.alpha_rao + shift)) for r in made])
        QApplication.processEvents()
        times.append(time.perf_counter() - begun)
    assert model.rowCount() == 1000 and sums(found.portfolio).positions == 1000
    with capsys.disabled():
        print(f"1000 positions: first {times[0] * 1000:.0f} ms, refresh {times[-1] * 1000:.0f} ms")  # noqa: T201


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


def words(page):
    return "\n".join(one.text() for one in page.findChildren(QLabel))


async def test_page_shows_one_block_and_all_values(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    page.shown()
    await samples.until(lambda: page.model.rowCount() == 6, "positions")
    assert page.free.value.text() == "105.512004 TAO"
    assert page.free.note.text() == "in 2 coldkeys; 105.511504 TAO can be spent; 0.093000 TAO more is reserved"
    found = sums(samples_money.holdings().portfolio)
    assert page.spot.value.text() == samples_money_text(found.spot_rao)
    assert page.sale.value.text() == samples_money_text(found.sale_rao)
    assert "1 of 6 positions without a price" in page.spot.note.text()
    assert "price is missing" in page.total.note.text()
    assert "Block 48\N{NARROW NO-BREAK SPACE}213" in page.subtitle.text()
    assert page.add_stake.isEnabled() and page.send.isEnabled() and page.remove.isEnabled()
    assert page.table.select_key((samples.COLDKEY, samples.HOTKEY, 1))
    assert "4 go before you" in words(page.detail) and "moves the price" in words(page.detail)
    assert page.remove.isEnabled()
    page.hidden()
    asked = len(house.client.called(GetHoldings))
    assert not page._polling.running and asked >= 1
    await house.close()


def samples_money_text(rao):
    whole, fraction = divmod(rao, COIN)
    return f"{whole}.{fraction:09d}"[:-3] + " TAO"


async def test_page_is_honest_when_there_is_nothing(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    page.show_holdings(samples_money.nothing_held())
    assert page.stack.currentIndex() == 0 and "No coldkey is watched" in page.empty.title.text()
    assert not page.add_stake.isEnabled() and "No coldkey" in page.send.toolTip()
    page.show_holdings(samples_money.nothing_held(accounts=True))
    assert page.stack.currentIndex() == 1 and page.inner.currentIndex() == 0
    assert page.spot.value.text() == "0.000000 TAO" and page.send.isEnabled() and not page.remove.isEnabled()
    assert "Nothing is staked" in page.remove.toolTip()
    whole = samples_money.holdings()
    only: Holdings = msgspec.structs.replace(
        whole, portfolio=replace(whole.portfolio, holdings=whole.portfolio.holdings[-1:], exits={})
    )
    page.show_holdings(only)
    assert page.spot.value.text() == page.sale.value.text() == "unknown"
    await house.close()


async def test_page_keeps_what_it_knew_when_the_agent_is_lost(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    house.client.answers[GetHoldings] = AgentError("No agent", "The agent is not running.")
    page.shown()
    await samples.until(lambda: page.empty.title.text() == "No agent", "the error")
    house.client.answers[GetHoldings] = samples_money.holdings()
    page._polling.now()
    await samples.until(lambda: page.model.rowCount() == 6, "positions")
    house.client.answers[GetHoldings] = AgentError("No agent", "The agent is not running.")
    page._polling.now()
    await samples.until(lambda: "Not up to date" in page.subtitle.text(), "the warning")
    assert page.model.rowCount() == 6
    page.hidden()
    await house.close()


async def test_another_network_clears_the_page(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    house.bridge.status.emit(samples.status())
    page.show_holdings(samples_money.holdings())
    page.table.selectRow(0)
    other = samples.status()
    house.bridge.status.emit(other)
    assert page.model.rowCount() == 6
    house.bridge.status.emit(msgspec.structs.replace(other, chain=samples.chain_view("finney")))
    assert page.model.rowCount() == 0 and page.stack.currentIndex() == 0 and page.detail.isHidden()
    await house.close()


async def test_every_action_opens_its_form_with_what_is_chosen(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    assert not page.more.menu().isEmpty() and not page.menu_actions[forms.MOVE.title].isEnabled()
    page.show_holdings(samples_money.holdings())
    assert page.table.select_key((samples.COLDKEY, samples.HOTKEY_2, 19))
    for action, form in (
        (page.remove.click, forms.UNSTAKE),
        (page.add_stake.click, forms.STAKE),
        (page.menu_actions[forms.SWAP.title].trigger, forms.SWAP),
        (page.menu_actions[miner_forms.SWAP_HOTKEY.title].trigger, miner_forms.SWAP_HOTKEY),
    ):
        action()
        await samples.until(lambda: page.desk.dialog is not None, "the form")
        dialog = page.desk.dialog
        assert dialog.form is form
        answers = dialog.answers()
        assert answers.get("position", (samples.COLDKEY, samples.HOTKEY_2, 19))[1] == samples.HOTKEY_2
        assert answers.get("hotkey", samples.HOTKEY_2) == samples.HOTKEY_2
        dialog.reject()
        await samples.until(lambda: page.desk.dialog is None, "the end")
    assert page.together.isHidden()
    page.desk.basket.append(("Unstake 1 α1", None))
    page._allow()
    assert not page.together.isHidden() and page.together.text() == "Sign together (1)"
    house.bridge.status.emit(samples.status("finney"))
    assert page.desk.basket == [] and page.together.isHidden() and not house.errors
    await house.close()
