"""Transactions whose end nobody saw: looked for at every block, told when they came to nothing, kept once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from agent.agent_fakes import ALICE, FakeChain, House
from ranvier.agent.api import messages as m
from ranvier.agent.money.receipt_rows import stored
from ranvier.agent.money.receipt_watch import ReceiptWatch
from ranvier.agent.network.chain_watch import Head
from ranvier.chain.model import BlockRef, Plan, Receipt, TxStage
from ranvier.core.errors import ChainError, NetworkError
from ranvier.ledger import receipts
from ranvier.ledger.store import Ledger

PLAN = Plan("sandbox", "0xaa", 425, ALICE, "Send 1 TAO", "Balances", "transfer_keep_alive", "0x00", 5, 7, ())
SENT = Receipt(PLAN, TxStage.SUBMITTED, "0xf00d", None, None, None, None)
GONE = Receipt(PLAN, TxStage.DROPPED, "0xf00d", None, None, None, None, "It got into no block.", "Plan it again.")
DONE = Receipt(PLAN, TxStage.FINAL, "0xf00d", BlockRef(9, "0x9"), 5, 100, 88, as_planned=True)


async def no_archive(_):
    return None


@contextlib.asynccontextmanager
async def a_ledger(folder):
    made = Ledger(folder / "ledger.sqlite")
    try:
        yield made
    finally:
        await made.close()


async def _began(ledger, at_ms=1000):
    await ledger.write(lambda c: receipts.add(c, stored(SENT, at_ms, following="sent")))


async def _only(ledger):
    (one,) = await ledger.read(receipts.receipts)
    return one


async def test_what_is_sent_is_followed_to_its_end_and_kept(tmp_path):
    async with a_ledger(tmp_path) as ledger:
        chain, now = FakeChain(), [1.0]
        watch = ReceiptWatch(lambda _: ledger, lambda _: [], now=lambda: now[0], archive=no_archive)
        head = Head("sandbox", chain, BlockRef(5, "0x5"))
        await _began(ledger)
        await watch.on_head(head)
        assert (await _only(ledger)).stage == "submitted" and watch.attention() == []
        now[0] += 120
        (waiting,) = watch.attention()
        assert waiting.title == "On its way: Send 1 TAO" and "do not repeat" in waiting.text
        chain.ends["sent"] = DONE
        await watch.on_head(head)
        kept = await _only(ledger)
        assert (kept.stage, kept.kept, kept.block, kept.at_ms, kept.following) == ("final", "yes", 9, 1000, "")
        await watch.on_head(head)
        assert watch.attention() == [] and await ledger.read(receipts.unsettled) == ()


@pytest.mark.parametrize("error", [ChainError("Not understood", "riddle"), NetworkError("Network", "away")])
async def test_trouble_forgets_nothing(tmp_path, error):
    async with a_ledger(tmp_path) as ledger:
        chain = FakeChain()
        watch = ReceiptWatch(lambda _: ledger, lambda _: [], now=lambda: 1.0, archive=no_archive)
        await _began(ledger)

        async def settle(following, from_block):
            raise error

        whole, chain.settle = chain.settle, settle
        head = Head("sandbox", chain, BlockRef(5, "0x5"))
        if isinstance(error, NetworkError):
            with pytest.raises(NetworkError):
                await watch.on_head(head)
        else:
            await watch.on_head(head)
        chain.settle, chain.ends["sent"] = whole, DONE
        await watch.on_head(head)
        assert (await _only(ledger)).stage == "final"


async def test_what_the_node_forgot_is_read_from_an_archive_or_told(tmp_path):
    async with a_ledger(tmp_path) as ledger:
        chain, archives = FakeChain(), []

        async def archive(_):
            return archives[0] if archives else None

        async def forgot(following, from_block):
            raise ChainError("Too long ago", "The node forgot that block.", "Name an archive.")

        chain.settle = forgot
        watch = ReceiptWatch(lambda _: ledger, lambda _: [], now=lambda: 500.0, archive=archive)
        head = Head("sandbox", chain, BlockRef(5, "0x5"))
        await _began(ledger)
        await watch.on_head(head)
        (unread,) = watch.attention()
        assert unread.title == "Not read: Send 1 TAO" and "Name an archive. Do not repeat it." in unread.text
        archives.append(FakeChain())
        archives[0].ends["sent"] = DONE
        await watch.on_head(head)
        assert (await _only(ledger)).stage == "final" and watch.attention() == []


async def test_what_came_to_nothing_is_told_unless_the_window_saw_it(tmp_path):
    async with a_ledger(tmp_path) as ledger:
        chain, now = FakeChain(), [1.0]
        chain.ends["sent"] = GONE
        watch = ReceiptWatch(lambda _: ledger, lambda _: [], now=lambda: now[0], archive=no_archive)
        await _began(ledger)
        await watch.on_head(Head("sandbox", chain, BlockRef(5, "0x5")))
        (lost,) = watch.attention()
        assert lost.title == "Came to nothing: Send 1 TAO" and lost.text == "It got into no block. Plan it again."
        now[0] += 90_000
        assert watch.attention() == [], "a day is enough"
        await ledger.write(lambda c: c.execute("DELETE FROM receipt"))
        await _began(ledger)
        await watch.on_head(Head("sandbox", chain, BlockRef(5, "0x5")))
        watch.seen(stored(GONE, 1))
        assert watch.attention() == []


async def test_a_settled_receipt_replaces_one_of_a_block_that_was_taken_back(tmp_path):
    async with a_ledger(tmp_path) as ledger:
        await _began(ledger)
        in_block = replace(DONE, stage=TxStage.IN_BLOCK)
        assert await ledger.write(lambda c: receipts.add(c, stored(in_block, 2, following="sent")))
        assert not await ledger.write(lambda c: receipts.add(c, stored(SENT, 2, following="sent")))
        assert await ledger.write(lambda c: receipts.add(c, stored(GONE, 3)))
        assert not await ledger.write(lambda c: receipts.add(c, stored(GONE, 3)))
        one = await _only(ledger)
        assert (one.stage, one.at_ms, one.next_step) == ("dropped", 1000, "Plan it again.")


async def test_an_agent_that_starts_again_settles_what_was_left(tmp_path):
    """The window sent and was killed, and the agent with it: the next agent finds the end."""
    chain = FakeChain()
    async with House(tmp_path, chain) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.until(lambda status: status.chain.head is not None)
        begun = replace(SENT, plan=replace(PLAN, network="test"))
        await house.client.call(m.AddReceipt(stored(begun, int(time.time() * 1000), following="sent")))
    chain.ends["sent"] = DONE
    chain.height += 1
    async with House(tmp_path, chain) as house:
        await house.until(lambda status: status.chain.head is not None)
        async with asyncio.timeout(10):
            while (await house.client.call(m.GetReceipts())).receipts[0].stage != "final":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
