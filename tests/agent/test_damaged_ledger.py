"""A damaged ledger of a real network: told with its next step, and begun anew from what can be read of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.agent_fakes import ALICE, FakeChain, House
from ledger.test_receipts import DONE
from ranvier.agent.api import messages as m
from ranvier.agent.api.money_messages import MendLedger
from ranvier.core.errors import RanvierError
from ranvier.ledger.cost_book import Cost
from ranvier.ledger.errors import needs_mending

COST = Cost("c1", "rent", "Rack", 1, None, "EUR", 70)


@pytest.mark.parametrize("garbage", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 9000])
async def test_the_next_step_is_offered_and_begins_anew(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "networks" / "test" / "ledger.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(garbage)
    chain = FakeChain(height=57)
    chain.pay = {ALICE: 1000}
    async with House(tmp_path, chain) as house:
        await house.client.call(m.UseNetwork("test"))
        status = await house.until(lambda s: any(one.page == "earnings" for one in s.attention))
        (told,) = (one for one in status.attention if one.page == "earnings")
        assert "Begin a new ledger on the Earnings page" in told.text
        with pytest.raises(RanvierError) as caught:
            await house.client.call(m.GetEarnings())
        assert needs_mending(caught.value), "the page knows what to offer"
        done = await house.client.call(MendLedger())
        assert "kept as ledger-damaged-1.sqlite. Nothing of it could be read." in done.text
        assert (await house.client.call(m.GetEarnings())).rows == ()
        await house.until(lambda s: not s.attention)
        await house.client.call(m.FollowEarnings(1, ALICE, 5))
        await house.earned(5)
        with pytest.raises(RanvierError, match="not damaged"):
            await house.client.call(MendLedger())
        assert len((await house.client.call(m.GetEarnings())).rows) == 5, "a sound one stays"
    assert path.with_name("ledger-damaged-1.sqlite").read_bytes() == garbage


async def test_a_ledger_that_breaks_under_the_agent_keeps_receipts_and_costs(tmp_path: Path) -> None:
    path = tmp_path / "networks" / "test" / "ledger.sqlite"
    chain = FakeChain(height=57)
    chain.pay = {ALICE: 1000}
    async with House(tmp_path, chain) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await house.until(lambda s: s.chain.head is not None)
        await call(m.AddReceipt(DONE))
        await call(m.SetCost(COST))
        await call(m.FollowEarnings(1, ALICE, 5))
        await house.earned(5)
        ledger = house.agent.ledgers.get("test")
        pages = await ledger.read(
            lambda c: (
                c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall(),
                c.execute("SELECT rootpage FROM sqlite_master WHERE name IN ('payment', 'payment_by_time')").fetchall(),
            )[1]
        )
        with path.open("r+b") as file:
            for (page,) in pages:
                file.seek((page - 1) * 4096)
                file.write(b"\xff" * 4096)
        await ledger.read(lambda c: c.execute("PRAGMA cache_size = 0").fetchall())
        with pytest.raises(RanvierError) as caught:
            for _ in range(3):
                await call(m.GetEarnings("epoch"))
        assert needs_mending(caught.value)
        done = await call(MendLedger())
        assert "1 receipts, 1 costs" in done.text
        assert [one.id for one in (await call(m.GetReceipts())).receipts] == [DONE.id]
        assert (await call(m.GetCosts(0, 0))).entries == (COST,)
        await house.earned(5)  # what was followed is read again from the chain
