"""Trades of other tools become lots: read from a real node's events, once, to the rao, and nothing is guessed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec import structs

from agent.agent_fakes import ALICE, FakeChain, House
from ledger.test_lot_book import receipt
from ranvier.agent.api import messages as m
from ranvier.agent.api.money_messages import GetLots, ReadTrades, SetBasis
from ranvier.agent.money.ledger_writer import LedgerWriter, Target
from ranvier.agent.money.trade_walk import TradeWalk, rows_of
from ranvier.agent.network.chain_face import LiveChain
from ranvier.agent.network.chain_watch import Head
from ranvier.chain.model import Movement, StakePosition
from ranvier.chain.networks import sandbox_network
from ranvier.chain.position_steps import Seen, Step
from ranvier.ledger import changes, coverage, lot_book, receipts
from ranvier.ledger.changes import REST, Change, Walked
from ranvier.ledger.lot_book import LotBook, Order
from ranvier.ledger.store import Ledger
from ranvier.sandbox.rpc.server import RpcServer
from sandbox.support import TAO, Bench


class Trading:
    """A node, our ledger, and somebody who trades with another tool."""

    def __init__(self, folder: Path, tempo: int = 5) -> None:
        self.bench = Bench(tempo=tempo)
        self.server = RpcServer(self.bench.node)
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.me, self.friend = (self.bench.keys.signer("t", n, "cold") for n in range(2))
        self.validators = [hotkey for _, hotkey in self.bench.cast.validators]
        for one in (self.me, self.friend):
            self.bench.fund(one)
        self.own = [self.me.ss58]
        self.chain: LiveChain | None = None

    async def __aenter__(self) -> Trading:
        await self.server.start(0)
        genesis = f"0x{self.bench.node.chain.genesis_hash.hex()}"
        self.chain = LiveChain(sandbox_network(f"ws://127.0.0.1:{self.server.port}", genesis))
        await self.chain.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.chain is not None
        await self.chain.close()
        await self.ledger.close()
        await self.server.close()
        self.bench.node.chain.close()

    def do(self, who, name: str, **arguments) -> None:
        assert self.bench.run(who, "SubtensorModule", name, **arguments) is None, name

    def stake(self, hotkey, tao: int, who=None) -> None:
        self.do(who or self.me, "add_stake", hotkey=hotkey.public_key, netuid=1, amount_staked=tao)

    async def head(self) -> Head:
        assert self.chain is not None
        return Head("sandbox", self.chain, await self.chain.head())

    async def follow(self) -> int:
        """Walk up to now; the block that this is."""
        self.bench.blocks(8)  # until all is final
        head = await self.head()
        await TradeWalk(lambda _: self.ledger, lambda _: self.own, self._no_archive).follow(head)
        return await head.chain.finalized()

    async def pay(self, hotkeys: list[str]) -> None:
        """Note what they were paid from the first block on."""
        targets = [Target(1, one, 2) for one in hotkeys]
        writer = LedgerWriter(
            lambda _: self.ledger, lambda _: targets, lambda _: None, lambda _: None, lambda _: None
        )  # fmt: skip
        await writer.catch_up(await self.head())

    async def _no_archive(self, _: str) -> None:
        return None

    async def book(self, order: Order = Order.FIFO) -> LotBook:
        return await self.ledger.read(lambda c: lot_book.lot_book(c, 1, order, None, {}))

    async def held(self, number: int) -> int:
        assert self.chain is not None
        found = await self.chain.positions(self.own, await self.chain.block(number))
        return sum(one.alpha_rao for one in found if one.netuid == 1)


async def test_what_another_tool_bought_and_sold_is_in_the_lots_with_its_tao(tmp_path: Path) -> None:
    async with Trading(tmp_path) as trading:
        await trading.follow()  # nothing is held yet: no position is known
        hotkey = trading.validators[0]
        trading.stake(hotkey, 5 * TAO)
        bought = trading.bench.event("StakeAdded")
        await trading.follow()
        trading.do(trading.me, "remove_stake", hotkey=hotkey.public_key, netuid=1, amount_unstaked=TAO)
        sold = trading.bench.event("StakeRemoved")
        until = await trading.follow()
        book = await trading.book()
        (part,) = book.taken
        assert part.disposal.startswith("unstake, found on the chain, block") and " event " in part.disposal
        assert part.proceeds == sold[2] > 0
        assert part.lot is not None and part.lot.startswith("stake, found on the chain"), "new since the last look"
        assert part.cost == bought[2] * part.rao // bought[3] and book.unknown == 0
        assert abs(book.held_rao - await trading.held(until)) <= 8
        assert (book.read_to, book.trouble) == (until, "")


async def test_followed_from_the_beginning_every_cost_is_known_and_a_receipt_counts_once(tmp_path: Path) -> None:
    async with Trading(tmp_path) as trading:
        hotkey, other = trading.validators[:2]
        await trading.ledger.write(lambda c: [coverage.follow(c, 1, one.ss58, 2, 3) for one in (hotkey, other)])
        trading.stake(hotkey, 5 * TAO)
        first = trading.bench.event("StakeAdded")
        trading.stake(hotkey, 3 * TAO)
        second = trading.bench.event("StakeAdded")
        trading.do(trading.me, "remove_stake", hotkey=hotkey.public_key, netuid=1, amount_unstaked=first[3] // 2)
        await trading.follow()
        book = await trading.book(Order.FIFO)
        assert book.unknown == 0 and book.taken[0].cost == first[2] * book.taken[0].rao // first[3]
        known = [one.cost for one in book.left if one.lot.startswith("stake")]
        assert sum(cost or 0 for cost in known) + book.cost == first[2] + second[2], "every rao that was spent"
        changed = await trading.ledger.read(lambda c: changes.operations(c, 1))
        trade = next(one for one in changed if one.kind == "stake, found on the chain")
        mine = structs.replace(trade, kind="stake")
        await trading.ledger.write(lambda c: receipts.add(c, receipt("0xmine", mine)))
        again = await trading.ledger.read(lambda c: changes.operations(c, 1))
        assert len(again) == len(changed) and sum(one.alpha_rao for one in again) == sum(o.alpha_rao for o in changed)
        assert [one.kind for one in again if one.block == trade.block] == ["stake"]


async def test_a_gift_has_no_known_cost_until_it_is_told_and_a_move_is_no_sale(tmp_path: Path) -> None:
    async with Trading(tmp_path) as trading:
        hotkey, other = trading.validators[:2]
        trading.stake(hotkey, TAO)
        await trading.follow()
        trading.stake(hotkey, 9 * TAO, who=trading.friend)
        trading.do(
            trading.friend, "transfer_stake", destination_coldkey=trading.me.public_key, hotkey=hotkey.public_key,
            origin_netuid=1, destination_netuid=1, alpha_amount=4 * TAO,
        )  # fmt: skip
        trading.do(
            trading.me, "move_stake", origin_hotkey=hotkey.public_key, destination_hotkey=other.public_key,
            origin_netuid=1, destination_netuid=1, alpha_amount=2 * TAO,
        )  # fmt: skip
        trading.do(trading.me, "remove_stake", hotkey=other.public_key, netuid=1, amount_unstaked=2 * TAO - 10)
        until = await trading.follow()
        book = await trading.book(Order.LIFO)
        gift = next(one for one in book.left if one.lot.startswith("transfer, found on the chain"))
        assert gift.cost is None
        assert {one.disposal.split(",")[0] for one in book.taken if one.rao > 10} == {"unstake"}, "a move is no sale"
        assert abs(book.held_rao - await trading.held(until)) <= 20
        await trading.ledger.write(lambda c: lot_book.set_basis(c, 1, gift.lot, 4 * TAO, 1))
        told = await trading.book(Order.LIFO)
        assert sum(one.cost or 0 for one in (*told.left, *told.taken) if one.lot == gift.lot) == 4 * TAO
        assert told.unknown < book.unknown or told.unknown_lots < book.unknown_lots
        with pytest.raises(Exception, match="No lot of unknown cost"):
            await trading.ledger.write(lambda c: lot_book.set_basis(c, 1, "nothing", 1, 1))


@pytest.mark.limit_s(90)
async def test_random_trades_pay_and_dividends_sum_to_the_chain(tmp_path: Path) -> None:
    """With pay noted by the ledger's own writer, in many small walks or in one: the lots are what is held."""
    async with Trading(tmp_path) as trading:
        chance, bench = random.Random(7), trading.bench
        miner_cold, miner_hot = bench.cast.competitors[0]
        trading.own = [trading.me.ss58, miner_cold.ss58]
        places = [*trading.validators[:2], miner_hot]
        await trading.ledger.write(lambda c: [coverage.follow(c, 1, one.ss58, 2, 3) for one in places])
        writer = LedgerWriter(
            lambda _: trading.ledger, lambda _: [Target(1, one.ss58, 2) for one in places],
            lambda _: None, lambda _: None, lambda _: None,
        )  # fmt: skip
        for number in range(40):
            for _, validator in bench.cast.validators:
                if number % 10 == 0:
                    values = {"netuid": 1, "dests": [3, 4, 5], "weights": [3, 2, 1], "version_key": 0}
                    bench.run(validator, "SubtensorModule", "set_weights", **values)
            hotkey, who = chance.choice(places), chance.choice([trading.me, trading.me, trading.friend])
            if chance.random() < 0.5:
                trading.stake(hotkey, chance.randrange(TAO // 10, 3 * TAO), who=who)
            else:
                rao = chance.randrange(TAO // 10, TAO)
                bench.run(
                    who, "SubtensorModule", "remove_stake", hotkey=hotkey.public_key, netuid=1, amount_unstaked=rao
                )
            if number % 8 == 7:
                await trading.follow()
        until = await trading.follow()
        await writer.catch_up(await trading.head())
        book = await trading.book()
        held = await trading.held(until)
        later = await trading.ledger.payments(limit=1000)
        after = sum(row.alpha_rao for row in later if row.block > until and row.coldkey_ss58 in trading.own)
        kinds = {one.kind for one in await trading.ledger.read(lambda c: changes.operations(c, 1))}
        assert {"stake, found on the chain", "unstake, found on the chain", "dividends, found on the chain"} <= kinds
        assert not any("unknown" in kind or "not told apart" in kind for kind in kinds), kinds
        others = sum(row.alpha_rao for row in later if row.coldkey_ss58 not in trading.own)
        assert abs(book.held_rao - after - others - held) <= 4 * (len(book.left) + len(book.taken))
        before = await trading.ledger.read(lambda c: changes.operations(c, 1))
        await trading.ledger.write(lambda c: c.execute("DELETE FROM walked"))
        await trading.ledger.write(lambda c: c.execute("DELETE FROM change"))
        await TradeWalk(lambda _: trading.ledger, lambda _: trading.own, trading._no_archive).follow(
            await trading.head()
        )
        again = await trading.ledger.read(lambda c: changes.operations(c, 1))
        assert set(before) <= set(again), "one long walk finds what the short ones found"


def test_a_step_is_its_events_and_the_rest() -> None:
    place, moved = ("H", "C", 1), Movement("stake", 4, "C", "H", 1, 100, -90)
    step = Step(7, 70, 160, False, (Seen("stake", 4, 100), Seen("recycle", 6, -40)), (moved,))
    stake, recycle, rest = rows_of(place, step)
    assert (stake.kind, stake.event_index, stake.alpha_rao, stake.tao_rao) == ("stake", 4, 100, -90)
    assert (recycle.kind, recycle.alpha_rao, recycle.tao_rao) == ("recycle", -40, 0)
    assert rest == Change("C", "H", 1, 7, REST, 70, "unknown", 100)
    fee = Step(7, 70, -50, False, (Seen("unstake", 2, -40), Seen("fee", 3, None)), ())
    assert [(one.kind, one.alpha_rao) for one in rows_of(place, fee)] == [("unstake", -40), ("fee", -10)]
    swapped = Step(7, 70, -500, False, (Seen("key swap", 3, None),))
    assert [(one.kind, one.event_index, one.alpha_rao) for one in rows_of(place, swapped)] == [("key swap", REST, -500)]
    come = Step(7, 70, 500, True, (Seen("key swap", 3, None),))
    assert [one.kind for one in rows_of(place, come)] == ["key swap"], "no income: it was ours before"
    gone = Step(7, 70, 0, True, (Seen("key swap", 3, None),))
    assert [(one.kind, one.alpha_rao) for one in rows_of(place, gone)] == [("key swap", 0)], (
        "with the pay of that block"
    )
    paid = Step(7, 70, 500, True, (Seen("fee", 3, None),))
    assert [one.kind for one in rows_of(place, paid)] == ["unknown"], "pay may be in it"


async def test_a_replaced_key_sells_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    rows = [Change("C", hotkey, 1, 9, REST, 90, "key swap", rao) for hotkey, rao in (("Old", -500), ("New", 500))]
    walked = [Walked("C", "Old", 1, 5, 50, 500, 9, 0), Walked("C", "New", 1, 5, 50, 0, 9, 500)]
    await ledger.write(lambda c: changes.keep(c, rows, walked))
    book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
    assert (book.taken, book.held_rao, len(book.left)) == ((), 500, 1)
    await ledger.close()


async def test_what_nobody_keeps_any_more_is_told_and_tried_again(tmp_path: Path) -> None:
    chain, ledger = FakeChain(height=57), Ledger(tmp_path / "l.sqlite")
    held = {1: 100, 50: 150}
    chain.held = lambda at: [StakePosition("H", "C", 1, sum(r for n, r in held.items() if n <= at.number), 10**9, 0)]

    async def no_archive(_: str) -> None:
        return None

    walk = TradeWalk(lambda _: ledger, lambda _: ["C"], no_archive)

    async def follow() -> tuple[int, str]:
        await walk.follow(Head("test", chain, chain.at(chain.height)))
        book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
        return book.held_rao, book.trouble

    assert await follow() == (250, "")
    held[60] = 1000
    chain.height, steps = 70, chain.position_steps

    async def forgot(*_: object) -> None:
        from ranvier.core.errors import ChainError

        raise ChainError("Too long ago", "State already discarded.", "Name an archive.")

    chain.position_steps = forgot
    held_rao, trouble = await follow()
    assert held_rao == 250 and "Name an archive" in trouble, "nothing is made up"
    chain.position_steps = steps
    assert await follow() == (1250, "")
    found = await ledger.read(lambda c: changes.operations(c, 1))
    assert (found[-1].kind, found[-1].alpha_rao) == ("pay and dividends, not told apart, found on the chain", 1000)
    await ledger.close()


async def test_over_the_agents_socket_trades_are_read_and_costs_told(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.held = lambda at: [StakePosition("H", ALICE, 1, 100 if at.number < 60 else 100 + TAO, 10**9, 0)]
    async with House(tmp_path, chain) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await house.until(lambda status: status.chain.head is not None)
        await call(m.WatchColdkeys((ALICE,)))
        await call(ReadTrades())
        chain.height = 63
        await house.until(lambda status: status.chain.head.number == 63)
        await call(ReadTrades())
        book = await call(GetLots(1))
        gain, opening = sorted(book.left, key=lambda one: -one.rao)
        assert (opening.rao, opening.cost, gain.rao, gain.cost) == (100, None, TAO, None)
        assert (book.read_to, book.unknown_lots, book.held_rao) == (63, 2, TAO + 100)
        await call(SetBasis(1, opening.lot, 7))
        assert {one.lot: one.cost for one in (await call(GetLots(1))).left}[opening.lot] == 7
        await call(SetBasis(1, opening.lot, None))
        assert {one.cost for one in (await call(GetLots(1))).left} == {None}


async def test_a_past_that_is_wanted_later_is_followed_from_there(tmp_path: Path) -> None:
    async with Trading(tmp_path) as trading:
        hotkey = trading.validators[0]
        begin = trading.bench.node.chain.head.number
        trading.stake(hotkey, 5 * TAO)
        bought = trading.bench.event("StakeAdded")
        await trading.follow()
        assert [one.cost for one in (await trading.book()).left] == [None], "it was there when we came"
        await trading.ledger.write(lambda c: coverage.follow(c, 1, hotkey.ss58, begin + 1, begin + 2))
        until = await trading.follow()
        book = await trading.book()
        assert [one.cost for one in book.left if one.lot.startswith("stake")] == [bought[2]]
        assert not any("held at the start" in one.lot for one in book.left)
        assert abs(book.held_rao - await trading.held(until)) <= 8
