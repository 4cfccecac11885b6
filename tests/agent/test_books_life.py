"""Whatever people do, and whenever it is looked at: the lots of a subnet are what is held there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.any_life import AnyLife
from ranvier.agent.money.ledger_writer import LedgerWriter, Target
from ranvier.agent.money.trade_walk import TradeWalk
from ranvier.agent.network.chain_face import LiveChain
from ranvier.agent.network.chain_watch import Head
from ranvier.chain.networks import sandbox_network
from ranvier.keys import addresses
from ranvier.ledger import changes, lot_book
from ranvier.ledger.lot_book import Order
from ranvier.ledger.store import Ledger


@pytest.fixture
def life(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnyLife]:
    made = AnyLife(*request.param, tmp_path / "node", monkeypatch)
    yield made
    made.bench.node.chain.close()


async def nothing(_: str) -> None:
    return None


@pytest.mark.slow
@pytest.mark.limit_s(600)
@pytest.mark.parametrize("life", [(8, 5), (11, 4)], indirect=True)
async def test_the_lots_are_what_is_held(life: AnyLife, tmp_path: Path) -> None:
    """Everybody's keys are ours, so that nothing leaves or comes but by trade, pay and fee."""
    ledger = Ledger(tmp_path / "l.sqlite")
    await life.listen()
    genesis = f"0x{life.bench.node.chain.genesis_hash.hex()}"
    chain = LiveChain(sandbox_network(f"ws://127.0.0.1:{life.port}", genesis))
    own = [addresses.ss58(key) for key in life.operations.cold_of]
    targets = [Target(netuid, one, 2) for netuid in life.netuids for one in life.hotkeys]
    writer = LedgerWriter(lambda _: ledger, lambda _: targets, lambda _: None, lambda _: None, lambda _: None)
    walk = TradeWalk(lambda _: ledger, lambda _: own, nothing)

    async def follow() -> int:
        head = Head("sandbox", chain, await chain.head())
        await writer.catch_up(head)
        await walk.follow(head)
        return await chain.finalized()

    try:
        await chain.open()
        for number in range(200):
            life.block(life.random.randrange(5))
            if number == 60:
                life.upgrade()
            if number == 120:
                life.reuse()
            if life.random.random() < 0.06:
                await follow()
        life.bench.blocks(12)
        until = await follow()
        positions = await chain.positions(own, await chain.block(until))
        for netuid in life.netuids:
            held = sum(one.alpha_rao for one in positions if one.netuid == netuid)
            book = await ledger.read(lambda c, n=netuid: lot_book.lot_book(c, n, Order.FIFO, None, {}))
            later = [row for row in await ledger.payments(netuid=netuid, limit=1000) if row.block > until]
            after = sum(row.alpha_rao for row in later)
            assert book.trouble == ""
            kinds = {one.kind for one in await ledger.read(lambda c, n=netuid: changes.operations(c, n))}
            slack = 8 * (len(book.left) + len(book.taken))
            assert abs(book.held_rao - after - held) <= slack, (netuid, book.held_rao - after - held, slack, kinds)
    finally:
        await chain.close()
        await ledger.close()
        await life.close()
