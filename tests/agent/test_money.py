"""The commands of money over the agent's real socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.agent_fakes import ALICE, FakeChain, House
from ledger.test_receipts import DONE
from ranvier.agent.api import messages as m
from ranvier.agent.api.money_messages import CancelExport, ExportLots, ExportView, GetExport, GetLots
from ranvier.agent.hardware_watch import power_mw
from ranvier.chain.model import StakePosition
from ranvier.core.errors import RanvierError
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ledger.cost_book import Cost, Tariff
from ranvier.ledger.payments import Payment
from ranvier.ledger.prices import PriceSource


def chain() -> FakeChain:
    made = FakeChain(height=57)
    made.pay = {ALICE: 1000}
    return made


async def refused(house: House, command: m.Command) -> str:
    with pytest.raises(RanvierError) as caught:
        await house.client.call(command)
    return str(caught.value)


async def test_a_past_is_read_on_demand_and_what_is_missing_is_told(tmp_path: Path) -> None:
    made = chain()
    made.forgets_below = 25
    async with House(tmp_path, made) as house:
        call = house.client.call
        assert "No network" in await refused(house, m.GetGaps())
        await call(m.UseNetwork("test"))
        await house.until(lambda status: status.chain.head is not None)
        assert "not an ss58" in await refused(house, m.FollowEarnings(1, "5Nobody", 5))
        assert "does not exist yet" in await refused(house, m.FollowEarnings(1, ALICE, 500))
        await call(m.FollowEarnings(1, ALICE, 5))
        found = await house.earned(3)
        row = found.rows[0]
        assert (row.block, row.fate, row.destination_ss58, row.event_index) == (50, "paid", ALICE, 7)
        gaps = await call(m.GetGaps())
        (gap,) = gaps.gaps
        assert (gap.from_block, gap.to_block, gaps.archive) == (5, 20, None)
        assert "discarded" in (gap.reason or "")
        made.forgets_below = 0
        await call(m.FillGaps())
        found = await house.earned(5)
        assert (await call(m.GetGaps())).gaps == ()
        week = await call(m.GetEarnings("week", by_hotkey=True, limit=2, offset=1))
        assert [row.block for row in week.rows] == [40, 30]
        assert [one.hotkey_ss58 for one in week.buckets] == [ALICE]
        assert sum(one.alpha_rao for one in week.buckets) == sum(row.alpha_rao for row in found.rows)
        assert "Use epoch, day, week, month" in await refused(house, m.GetEarnings("year"))
        assert "begins with wss://" in await refused(house, m.UseArchive("https://example.invalid"))
        await call(m.UseArchive("wss://127.0.0.1:1"))
        assert (await call(m.GetGaps())).archive == "wss://127.0.0.1:1"
        await call(m.UseArchive("off"))
        assert (await call(m.GetGaps())).archive is None


async def test_a_position_is_held_against_the_ledger(tmp_path: Path) -> None:
    made = chain()
    owner = f"{ALICE}-owner"  # whom the made-up chain names as payee
    async with House(tmp_path, made) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await house.until(lambda status: status.chain.head is not None)
        await call(m.FollowEarnings(1, ALICE, 1))
        await house.earned(5)
        gained = {20: 1020, 30: 1030, 40: 1040, 50: 1050, 57: 860}  # the last one from nowhere
        made.held = lambda at: [
            StakePosition(ALICE, owner, 1, sum(rao for n, rao in gained.items() if n <= at.number), 10**9, 0)
        ]
        exact = await call(m.CheckPosition(ALICE, owner, 1, 10, 30))
        assert (exact.verdict, exact.change_rao, exact.lines) == ("exact", 2050, (("pay", 2050, 2),))
        assert (exact.value_change_rao, exact.price_effect_rao) == (2050, 0)
        off = await call(m.CheckPosition(ALICE, owner, 1, 30))
        assert (off.to_block, off.verdict, off.unexplained_rao) == (57, "unexplained", 860)
        assert "block 57" in off.sentence
        assert "comes before" in await refused(house, m.CheckPosition(ALICE, owner, 1, 30, 10))


async def test_receipts_travel_from_the_window_and_stay(tmp_path: Path) -> None:
    sent = DONE
    async with House(tmp_path, chain()) as house:
        await house.client.call(m.UseNetwork("test"))
        assert (await house.client.call(m.AddReceipt(sent))).text == "Kept."
        assert (await house.client.call(m.AddReceipt(sent))).text == "It was known."
        assert "is of sandbox, not test" in await refused(house, m.AddReceipt(replace(sent, network="sandbox")))
        await house.stop()
        await house.start()
        await house.until(lambda status: status.chain.head is not None)
        (kept,) = (await house.client.call(m.GetReceipts())).receipts
        assert (kept.id, kept.kept, kept.lines, kept.block_hash) == ("0xaa", "yes", (("To", "5You"),), "0x07")
        assert kept.sentences[0].startswith("The fee was")


async def test_prices_are_off_until_chosen_and_value_earnings_and_costs(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("date,price\n1970-01-01,400\n")
    async with House(tmp_path / "home", chain()) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await house.until(lambda status: status.chain.head is not None)
        await call(m.FollowEarnings(1, ALICE, 1))
        await house.earned(5)
        assert (await call(m.GetPrices())).source is None
        assert (await call(m.GetEarnings())).currency is None
        assert "No price source" in await refused(house, m.FetchPrices())
        assert "three to five capital" in await refused(house, m.UsePriceSource(PriceSource("csv", str(file), "euro")))
        await call(m.UsePriceSource(PriceSource("csv", str(file), "EUR")))
        await call(m.FetchPrices())
        view = await call(m.GetPrices())
        assert [(p.micro_per_tao, p.source) for p in view.prices] == [(400_000_000, "prices.csv")]
        (day,) = (found := await call(m.GetEarnings())).buckets
        assert found.currency == "EUR"
        assert day.tao_rao is not None
        assert day.fiat_micro == day.tao_rao * 400_000_000 // 10**9
        await call(m.SetTariff(Tariff("EUR", 300_000)))
        await call(m.SetCost(Cost("c", "other", "Cable", 5, None, "EUR", 7_000_000)))
        await call(m.AddReceipt(replace(DONE, function="burned_register", balance_before_rao=None)))
        costs = await call(m.GetCosts(0, 86_400_000))
        assert costs.currency == "EUR"
        assert costs.slots == ((0, "other", 7_000_000), (0, "registration", (10**9 + 100) * 400_000_000 // 10**9))
        await call(m.RemoveCost("c"))
        assert (await call(m.GetCosts(0, 86_400_000))).entries == ()
        assert "no span" in await refused(house, m.GetCosts(5, 0))
        await call(m.UsePriceSource(None))
        assert (await call(m.GetEarnings())).buckets[0].fiat_micro is None
        assert (await call(m.GetCosts(0, 5))).currency == "EUR", "the tariff's"


def test_power_is_known_only_when_every_card_says() -> None:
    def sample(*watts: float | None) -> Hardware:
        cards = tuple(Gpu(str(n), "card", n, power_w=one) for n, one in enumerate(watts))
        return Hardware(0.0, None, cards)  # type: ignore[arg-type]

    assert power_mw(sample(100.5, 20)) == 120_500
    assert power_mw(sample(100.5, None)) is None
    assert power_mw(sample()) is None


async def test_an_export_tells_how_far_it_is_can_be_ended_and_keeps_nothing_waiting(tmp_path: Path) -> None:
    async with House(tmp_path, chain()) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        ledger = await house.agent.ledgers.open("test")
        rows = [
            Payment(1, 0, n, ALICE, 3, n * 1000, n, 10**9, "0x", n, 0, "paid", "c", ALICE, 1) for n in range(20_000)
        ]
        await ledger.add_payments(rows)
        path = str(tmp_path / "out.csv")
        writing = asyncio.ensure_future(call(m.ExportEarnings(path, "csv"), timeout_s=60))
        while not (found := await call(GetExport(path))).rows:
            assert not writing.done(), "the export was over before it was seen"
        assert 0 < found.rows < found.all == 20_000
        assert (await call(m.GetEarnings(limit=1))).rows, "the ledger answers meanwhile"
        await call(CancelExport(path))
        assert "cancelled" in (await writing).text
        assert await call(GetExport(path)) == ExportView(None, None)
        assert [one.name for one in tmp_path.iterdir() if "out" in one.name] == []
        assert str(path) in (await call(m.ExportEarnings(path, "csv"), timeout_s=60)).text
        book = await call(GetLots(1, "lifo"))
        assert (len(book.left), book.lots, book.currency) == (10_000, 19_999, "TAO")
        assert "no order" in await refused(house, GetLots(1, "best"))
        await call(ExportLots(str(tmp_path / "lots.csv"), 1))
        assert (tmp_path / "lots.csv").read_text().count("\n") == 20_000
