"""Costs, tariff, price source, lots and exports from the Earnings page: what is typed is what the agent is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QDialog, QPushButton, QWidget

from gui import samples, samples_books
from ranvier.agent.api.market_messages import ExportEarnings
from ranvier.agent.api.messages import (
    CheckPosition,
    Done,
    EarningBucket,
    FetchPrices,
    GetCosts,
    GetPrices,
    RemoveCost,
    SetCost,
    SetTariff,
    UsePriceSource,
)
from ranvier.agent.api.money_messages import (
    CancelExport,
    ExportLots,
    ExportView,
    GetExport,
    GetLots,
    ReadTrades,
    SetBasis,
)
from ranvier.core.errors import ChainError
from ranvier.ledger.costs import Electricity, Window
from ranvier.ledger.payments import Payment
from ranvier.ledger.prices import FiatPrice, PriceSource
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.explain import ExplainDialog, Place, check_lines, places_of
from ranvier.ui.dialogs.money.costs import CostDialog, CostsDialog, TariffDialog
from ranvier.ui.dialogs.money.lots import BasisDialog, LotsDialog, followed_words, lot_lines, sums_words
from ranvier.ui.dialogs.money.price_source import PRESET, PriceSourceDialog, sent_words
from ranvier.ui.models.costs import parse_day, parse_fiat, parse_windows, plain_fiat, windows_text
from ranvier.ui.pages.earning_books import EarningBooks, ExportLine, prices_words
from ranvier.ui.widgets.earning_sums import EarningSums

windows = st.builds(
    Window,
    from_minute=st.integers(0, 719), to_minute=st.integers(720, 1440), micro_per_kwh=st.integers(0, 10**8),
    weekdays=st.sets(st.integers(0, 6)).map(lambda days: tuple(sorted(days))),
)  # fmt: skip


@given(st.lists(windows, max_size=4).map(tuple))
def test_a_tariffs_times_are_written_as_they_are_read(found: tuple[Window, ...]) -> None:
    assert parse_windows(windows_text(found)) == found


@given(st.integers(0, 10**15))
def test_fiat_is_exact_both_ways(micro: int) -> None:
    assert parse_fiat(plain_fiat(micro)) == micro


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("22-6 0.2", "Line 1: write it like"),
        ("22:00-06:00 0.2\n25:00-26:00 1", "Line 2: 25:00 is no time"),
        ("08:00-20:00 0.2 Xx", "is no day"),
        ("08:00-08:00 0.2", "begins when it ends"),
        ("08:00-09:00 0.12345678", "more than six decimals"),
    ],
)
def test_a_time_that_makes_no_sense_is_named(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_windows(text)
    assert parse_windows("20:00–08:00 0.2 Sa-Mo")[0].weekdays == (0, 5, 6)


async def answered(parent: QWidget, kind: type[QDialog], work: Any) -> None:
    """Wait for the dialog, fill it in and close it."""
    found: list[Any] = []

    def there() -> bool:
        found[:] = [one for one in parent.findChildren(kind) if one.isVisible()]
        return bool(found)

    await samples.until(there, kind.__name__)
    work(found[0])
    await samples.until(lambda: not found[0].isVisible(), f"{kind.__name__} to close")


@pytest.fixture
def house(tmp_path):
    house = samples.House(tmp_path)
    house.client.answers |= {GetCosts: samples_books.costs(), GetPrices: samples_books.prices()}
    return house


async def test_a_cost_is_added_and_another_removed(qtbot, house) -> None:
    page, changed = QWidget(), []
    qtbot.addWidget(page)
    page.show()
    books = EarningBooks(house.context, page, lambda: changed.append(1))
    going = asyncio.ensure_future(books.costs())
    await answered(page, CostsDialog, lambda dialog: dialog.add.click())

    def fill(dialog: CostDialog) -> None:
        dialog.yes.click()
        assert dialog.isVisible() and dialog.cost is None, "a name and an amount are wanted"
        dialog.name.input.setText("Card")
        dialog.amount.input.setText("1200.5")
        dialog.start.input.setText("2026-01-31")
        dialog.end.input.setText("2026-01-31")
        dialog.rest.input.setText("1300")
        dialog.yes.click()
        assert dialog.isVisible(), "an end that is no end, a rest above the price"
        dialog.end.input.setText("2029-01-31")
        dialog.rest.input.setText("100")
        dialog.yes.click()

    await answered(page, CostDialog, fill)
    await samples.until(lambda: house.client.called(SetCost), "the cost to be told")
    (cost,) = [command.cost for command in house.client.called(SetCost)]
    assert (cost.kind, cost.name, cost.amount, cost.rest, cost.currency) == (
        "hardware", "Card", 1_200_500_000, 100_000_000, "EUR",
    )  # fmt: skip
    assert (cost.from_ms, cost.to_ms) == (parse_day("2026-01-31"), parse_day("2029-01-31"))

    def remove(dialog: CostsDialog) -> None:
        assert not dialog.remove.isEnabled()
        dialog.table.select_key("b")
        dialog.remove.click()

    await answered(page, CostsDialog, remove)
    await answered(page, Dialog, lambda dialog: dialog.yes.click())
    await answered(page, CostsDialog, lambda dialog: dialog.yes.click())
    await going
    assert house.client.called(RemoveCost) == [RemoveCost("b")] and len(changed) == 2
    await house.close()


async def test_the_tariff_is_told_with_its_times_and_can_be_forgotten(qtbot, house) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.show()
    books = EarningBooks(house.context, page, lambda: None)
    going = asyncio.ensure_future(books.tariff())

    def change(dialog: TariffDialog) -> None:
        assert dialog.windows.toPlainText() == "22:00-06:00 0.21\n08:00-20:00 0.38 Mo-Fr"
        dialog.windows.setPlainText("22:00-06:00 0.2x")
        dialog.yes.click()
        assert dialog.isVisible() and "Line 1" in dialog._problem.text()
        dialog.windows.setPlainText("22:00-06:00 0.2")
        dialog.zone.input.setText("Nowhere/At all")
        dialog.yes.click()
        assert dialog.isVisible() and "no time zone" in dialog._problem.text()
        dialog.zone.input.setText("UTC")
        dialog.yes.click()

    await answered(page, TariffDialog, change)
    await going
    (told,) = [command.tariff for command in house.client.called(SetTariff)]
    assert (told.micro_per_kwh, told.windows, told.extra_mw, told.factor_ppm) == (
        310_000, (Window(1320, 360, 200_000),), 60_000, 1_100_000,
    )  # fmt: skip
    going = asyncio.ensure_future(books.tariff())
    await answered(page, TariffDialog, lambda dialog: (dialog.price.input.setText(""), dialog.yes.click()))
    await going
    assert house.client.called(SetTariff)[-1].tariff is None
    await house.close()


async def test_prices_come_from_nobody_until_chosen_and_it_is_said_what_is_sent(qtbot, house) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.show()
    books = EarningBooks(house.context, page, lambda: None)
    house.client.answers[FetchPrices] = Done("1 new prices.")
    fresh = PriceSourceDialog(page, None)
    assert "Nobody is asked" in fresh.sends.text() and fresh.kind.currentData() == "off"
    going = asyncio.ensure_future(books.prices())

    def choose(dialog: PriceSourceDialog) -> None:
        assert "prices.example sees your internet address" in dialog.sends.text()
        dialog.kind.setCurrentIndex(dialog.kind.findData(PRESET))
        assert "coingecko.com" in dialog.sends.text() and "No wallet" in dialog.sends.text()
        dialog.currency.input.setText("usd")
        dialog.yes.click()

    await answered(page, PriceSourceDialog, choose)
    await going
    (source,) = [command.source for command in house.client.called(UsePriceSource)]
    assert source == PriceSource("json", source.place, "USD", "bittensor.usd")
    assert house.said[-1] == prices_words(()) and "no price yet" in house.said[-1]
    one = FiatPrice("USD", 1_763_942_400_000, 400_000_000, "coingecko.com", 1_763_942_400_000)
    assert prices_words((one, one)) == "2 prices in USD known, the newest of 2025-11-24 00:00 UTC."
    assert source.place.startswith("https://") and "usd" in source.place and house.client.called(FetchPrices)
    going = asyncio.ensure_future(books.prices())
    off = lambda dialog: (dialog.kind.setCurrentIndex(0), dialog.yes.click())  # noqa: E731
    await answered(page, PriceSourceDialog, off)
    await going
    assert house.client.called(UsePriceSource)[-1].source is None and len(house.client.called(FetchPrices)) == 1
    assert "Nothing is sent" in sent_words("csv", "")
    await house.close()


async def test_lots_are_read_by_subnet_and_order_and_written(qtbot, house, tmp_path) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.show()
    house.client.answers[GetLots] = lambda command: samples_books.lots(command.netuid, command.order)
    house.client.answers[ExportLots] = Done("written")
    books = EarningBooks(house.context, page, lambda: None)
    going = asyncio.ensure_future(books.lots([1, 4], {1: "practice"}))
    await samples.until(lambda: page.findChildren(LotsDialog), "the dialog")
    dialog = page.findChildren(LotsDialog)[0]
    await samples.until(lambda: dialog.book is not None, "lots")
    dialog.order.setCurrentIndex(2)
    dialog.subnet.setCurrentIndex(1)
    await samples.until(lambda: (dialog.book.netuid, dialog.book.order) == (4, "hifo"), "the other book")
    assert dialog.table.rows_model.rowCount() == 17 and dialog.file.isEnabled()
    assert "2 of them without a known cost" in dialog.sums.text()
    dialog._write(4, "hifo", str(tmp_path / "x.csv"))
    await samples.until(lambda: dialog.sums.text() == "written", "the file")
    assert house.client.called(ExportLots) == [ExportLots(str(tmp_path / "x.csv"), 4, "hifo")]
    dialog.chain.click()
    await samples.until(lambda: "are followed to block" in dialog.sums.text(), "the chain to be read")
    assert house.client.called(ReadTrades) == [ReadTrades()] and dialog.chain.isEnabled()
    assert "The cost of 1 lot is unknown." in dialog.sums.text()
    dialog.accept()
    await going
    await house.close()


async def test_what_a_gift_cost_can_be_told_and_nothing_else(qtbot, house) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.show()
    house.client.answers[GetLots] = lambda asked: samples_books.lots(asked.netuid, asked.order)
    going = asyncio.ensure_future(EarningBooks(house.context, page, lambda: None).lots([1], {}))
    await samples.until(lambda: page.findChildren(LotsDialog), "the dialog")
    dialog = page.findChildren(LotsDialog)[0]
    await samples.until(lambda: dialog.book is not None, "lots")
    enabled = {}
    for row in range(dialog.table.rows_model.rowCount()):
        dialog.table.selectRow(row)
        enabled[dialog.table.current_row().lot] = dialog.cost.isEnabled()
    (gift,) = (lot for lot, can in enabled.items() if can)
    assert gift.startswith("transfer, found on the chain")
    (place,) = (
        row for row in range(17) if (dialog.table.selectRow(row), dialog.table.current_row().lot)[1] == gift
    )  # fmt: skip
    dialog.table.selectRow(place)
    dialog.cost.click()
    await samples.until(lambda: dialog.findChildren(BasisDialog), "the question")
    question = dialog.findChildren(BasisDialog)[0]
    question.amount.setText("a lot")
    question.yes.click()
    assert question.isVisible() and house.client.called(SetBasis) == []
    question.amount.setText("1.5")
    question.yes.click()
    await samples.until(lambda: house.client.called(SetBasis), "the answer")
    assert house.client.called(SetBasis) == [SetBasis(1, gift, 1_500_000_000)]
    dialog.accept()
    await going
    await house.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"read_to": None}, "No position was followed yet"),
        ({"trouble": "Name an archive."}, "Not read further than block 48"),
        ({"unknown_lots": 0}, "Your positions are followed to block"),
    ],
)
def test_how_far_the_chain_was_read_is_said(changes, words) -> None:
    assert followed_words(msgspec.structs.replace(samples_books.lots(), **changes)).startswith(words)


def test_unknown_is_not_zero_and_what_is_held_has_no_gain() -> None:
    book = samples_books.lots()
    lines = lot_lines(book)
    assert [one.gain for one in lines[:4]] == [None, None, -500_000, 5_000_000]
    assert all(one.gain is None and one.disposed_ms is None for one in lines[4:])
    assert "cost 28.00 EUR, brought 32.50 EUR, gain 4.50 EUR" in sums_words(book)


async def test_an_export_shows_how_far_it_is_and_can_be_ended(qtbot, house, monkeypatch) -> None:
    monkeypatch.setattr("ranvier.ui.pages.earning_books._LOOK_S", 0.01)
    ended = asyncio.Event()
    plain = house.client.call

    async def call(command: Any, *, timeout_s: float | None = None) -> Any:
        if isinstance(command, ExportEarnings):
            await ended.wait()
            return Done("The export was cancelled; no file is left.")
        if isinstance(command, CancelExport):
            ended.set()
        return await plain(command, timeout_s=timeout_s)

    monkeypatch.setattr(house.client, "call", call)
    house.client.answers[GetExport] = ExportView(200, 1000)
    line = ExportLine(house.context)
    qtbot.addWidget(line)
    going = asyncio.ensure_future(line.write(ExportEarnings("/x.csv", "csv")))
    await samples.until(lambda: not line.isHidden(), "the line")
    assert "200 of 1\N{NARROW NO-BREAK SPACE}000" in line.words.text() and line.bar.value() == 200
    line.end.click()
    await going
    assert line.isHidden() and house.client.called(CancelExport) == [CancelExport("/x.csv")]
    await house.close()


async def test_a_position_is_checked_from_its_oldest_pay_on_and_every_line_is_shown(qtbot, house) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.show()
    pay = Payment(1, 0, 700, samples.HOTKEY, 6, 1, 9, 1, "0x", 9, 0, "paid", samples.COLDKEY, samples.HOTKEY, 3)
    rows = [
        pay,
        replace(pay, block=361),
        replace(pay, block=90, coldkey_ss58=None),
        replace(pay, block=80, alpha_rao=0),
    ]
    assert places_of(rows) == (Place(samples.HOTKEY, samples.COLDKEY, 1, 360),)
    house.client.answers[CheckPosition] = samples_books.check()
    books = EarningBooks(house.context, page, lambda: None)
    going = asyncio.ensure_future(books.explain(rows, {}))
    await samples.until(lambda: page.findChildren(ExplainDialog), "the dialog")
    dialog = page.findChildren(ExplainDialog)[0]
    primary = [one.text() for one in dialog.findChildren(QPushButton) if one.property("kind") == "primary"]
    assert primary == ["Check"] and dialog.check.isDefault()
    dialog.check.click()
    await samples.until(lambda: dialog.found is not None, "the check")
    assert house.client.called(CheckPosition) == [CheckPosition(samples.HOTKEY, samples.COLDKEY, 1, 360)]
    assert "rounding" in dialog.sentence.text() and dialog.check.isEnabled()
    found = samples_books.check()
    lines = check_lines(found, 1)
    assert lines[0] == ("Mined", "+84.000000000 α1", "48 times") and lines[-1][1] == "+61.250000119 α1"
    assert ("Rounding of shares", "\N{MINUS SIGN}0.000000001 α1", "") in lines
    assert sum(rao for _, rao, _ in found.lines) + found.unexplained_rao == found.change_rao
    assert "+0.176150 TAO by the price" in dialog.value.text()
    house.client.answers[CheckPosition] = ChainError("Too long ago", "The node forgot it.", "Name an archive.")
    dialog.begin()
    await samples.until(lambda: "forgot" in dialog.sentence.text(), "the reason")
    dialog.accept()
    await going
    await books.explain([], {})
    assert "no pay" in house.said[-1]
    await house.close()


def test_a_tariff_without_watts_is_not_free_electricity(qtbot) -> None:
    sums = EarningSums()
    qtbot.addWidget(sums)
    paid = [EarningBucket(0, 1, 10**9, 10**8, 1, fiat_micro=40_000_000)]
    view = samples_books.costs()
    sums.show_sums(paid, {}, None, "7 days", "EUR", view)
    assert "electricity not counted" in sums.figures[1].note.text()
    used = Electricity(0, 1_000_000, 310_000, 24)
    sums.show_sums(paid, {}, None, "7 days", "EUR", msgspec.structs.replace(view, electricity=(used,)))
    assert "electricity not counted" not in sums.figures[1].note.text()
