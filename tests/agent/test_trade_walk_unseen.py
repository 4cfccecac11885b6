"""What leaves no trace in what a position holds is in the books all the same, whenever the reader was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.agent_fakes import FakeChain
from agent.test_trade_walk import Trading
from ranvier.agent.money.trade_walk import TradeWalk
from ranvier.agent.network.chain_watch import Head
from ranvier.chain.model import StakePosition
from ranvier.core.errors import ChainError
from ranvier.ledger import changes, coverage, lot_book
from ranvier.ledger.lot_book import Order
from ranvier.ledger.payments import Payment
from ranvier.ledger.store import Ledger
from ranvier.sandbox.pallets.subtensor.networks import START_DELAY_343
from sandbox.support import TAO
from sandbox.test_networks import alice


def paid(block: int, rao: int, hotkey: str = "H") -> Payment:
    at = block * 1000
    return Payment(1, 0, block, hotkey, 3, at, rao, 10**9, f"0x{block}", rao, 0, "paid", "C", hotkey, 2)


async def nothing(_: str) -> None:
    return None


async def test_what_was_bought_and_sold_again_between_two_looks_is_a_disposal(tmp_path: Path) -> None:
    """The position is empty at each look; its coldkey's transactions tell of it."""
    async with Trading(tmp_path) as trading:
        await trading.follow()
        hotkey = trading.validators[0]
        trading.stake(hotkey, 5 * TAO)
        bought = trading.bench.event("StakeAdded")
        trading.do(trading.me, "unstake_all", hotkey=hotkey.public_key)
        sold = trading.bench.event("StakeRemoved")
        assert await trading.held(await trading.follow()) <= 9
        book = await trading.book()
        (part,) = [one for one in book.taken if one.rao > 9]
        assert (part.lot or "").startswith("stake, found on the chain")
        assert (part.cost, part.proceeds) == (bought[2] * part.rao // bought[3], sold[2])
        assert book.held_rao <= 9


async def test_a_round_trip_of_a_position_that_stays_is_a_disposal(tmp_path: Path) -> None:
    async with Trading(tmp_path, tempo=50) as trading:
        hotkey = trading.validators[0]
        trading.stake(hotkey, 5 * TAO)
        await trading.follow()
        trading.stake(hotkey, 2 * TAO)
        bought = trading.bench.event("StakeAdded")
        trading.do(trading.me, "remove_stake", hotkey=hotkey.public_key, netuid=1, amount_unstaked=bought[3])
        sold = trading.bench.event("StakeRemoved")
        await trading.follow()
        book = await trading.book(Order.LIFO)
        part = next(one for one in book.taken if one.rao > 9)
        assert (part.cost, part.proceeds) == (bought[2], sold[2])
        before = await trading.ledger.read(lambda c: changes.operations(c, 1))
        await trading.follow()
        assert await trading.ledger.read(lambda c: changes.operations(c, 1)) == before, "a repeat adds nothing"


async def test_pay_that_left_before_its_position_was_ever_looked_at_is_not_held(tmp_path: Path) -> None:
    """A miner whose pay is sold at once by another tool: what is paid is read up, and nothing of it is there."""
    chain, ledger = FakeChain(height=57), Ledger(tmp_path / "l.sqlite")
    chain.held = lambda _: []
    await ledger.add_payments([paid(20, 500), paid(30, 700)])
    await TradeWalk(lambda _: ledger, lambda _: ["C"], nothing).follow(Head("test", chain, chain.at(57)))
    book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
    assert book.held_rao == 0
    assert [(one.rao, one.lot is not None, one.proceeds) for one in book.taken] == [
        (500, True, None),
        (700, True, None),
    ]
    await ledger.close()


async def test_what_left_before_a_new_position_was_followed_left_after_it_came(tmp_path: Path) -> None:
    """Pay of long ago, gone; then its position is new since the last look. It is not sold in the year 1970."""
    chain, ledger = FakeChain(height=57), Ledger(tmp_path / "l.sqlite")
    held: list[StakePosition] = []
    chain.held = lambda at: held if at.number > 57 else []
    walk = TradeWalk(lambda _: ledger, lambda _: ["C"], nothing)
    await walk.follow(Head("test", chain, chain.at(57)))
    await ledger.add_payments([paid(20, 500)])
    held.append(StakePosition("H", "C", 1, 90, 10**9, 0))
    chain.height = 60
    await walk.follow(Head("test", chain, chain.at(60)))
    book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
    assert [(one.rao, one.lot is not None) for one in book.taken] == [(500, True)]
    assert book.held_rao == 90
    await ledger.close()


async def test_a_kill_between_a_move_and_where_it_went_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved to another hotkey and sold there; killed after each writing of the book, and begun again."""
    async with Trading(tmp_path) as trading:
        hotkey, other = trading.validators[:2]
        trading.stake(hotkey, 5 * TAO)
        await trading.follow()
        trading.do(
            trading.me, "move_stake", origin_hotkey=hotkey.public_key, destination_hotkey=other.public_key,
            origin_netuid=1, destination_netuid=1, alpha_amount=2 * TAO,
        )  # fmt: skip
        trading.do(trading.me, "unstake_all", hotkey=other.public_key)
        sold = trading.bench.event("StakeRemoved")
        write, room = trading.ledger.write, 0

        async def killed(work):
            nonlocal room
            found = await write(work)
            room -= 1
            if room < 0:
                raise RuntimeError("killed")
            return found

        monkeypatch.setattr(trading.ledger, "write", killed)
        for _ in range(40):  # each life writes once, then dies
            room = 0
            try:
                until = await trading.follow()
            except RuntimeError:
                continue
            break
        else:
            room = 99
            until = await trading.follow()
        book = await trading.book()
        assert [one.proceeds for one in book.taken if one.rao > 9] == [sold[2]], "the move is no sale"
        assert abs(book.held_rao - await trading.held(until)) <= 20


async def test_pay_sold_in_the_block_that_paid_it_is_sold(tmp_path: Path) -> None:
    async with Trading(tmp_path) as trading:
        cold, hot = trading.bench.cast.competitors[0]
        trading.own = [cold.ss58]
        bench = trading.bench
        await trading.ledger.write(lambda c: coverage.follow(c, 1, hot.ss58, 2, 3))
        for _, validator in bench.cast.validators:
            values = {"netuid": 1, "dests": [3, 4, 5], "weights": [3, 2, 1], "version_key": 0}
            bench.run(validator, "SubtensorModule", "set_weights", **values)
        for _ in range(40):
            bench.run(cold, "SubtensorModule", "unstake_all", hotkey=hot.public_key)
        await trading.pay([hot.ss58])
        until = await trading.follow()
        rows = await trading.ledger.payments(limit=1000)
        assert sum(row.block <= until for row in rows) >= 3, "it was paid"
        book = await trading.book()
        after = sum(row.alpha_rao for row in rows if row.block > until)
        assert abs(book.held_rao - after - await trading.held(until)) <= 4 * (len(book.left) + len(book.taken))
        assert all(one.proceeds for one in book.taken if one.rao > 9), "each was sold for TAO"


async def test_transactions_that_nobody_can_look_through_are_told_and_looked_through_later(tmp_path: Path) -> None:
    chain, ledger = FakeChain(height=57), Ledger(tmp_path / "l.sqlite")
    chain.held = lambda _: [StakePosition("H", "C", 1, 90, 10**9, 0)]
    walk, asked = TradeWalk(lambda _: ledger, lambda _: ["C"], nothing), []

    async def follow(height: int) -> tuple[int | None, str]:
        chain.height = height
        await walk.follow(Head("test", chain, chain.at(height)))
        book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
        return book.read_to, book.trouble

    async def forgot(*_: object) -> None:
        raise ChainError("Too long ago", "State already discarded.", "Name an archive.")

    async def moves(_: str, low: int, high: int, known: object) -> dict:
        asked.append((low, high))
        return {}

    chain.own_moves = moves
    assert await follow(60) == (60, "")
    assert await follow(70) == (70, "")
    chain.own_moves = forgot
    assert await follow(80) == (70, "State already discarded. Name an archive."), "nothing is passed over in silence"
    chain.own_moves = moves
    assert await follow(90) == (90, "")
    assert asked == [(60, 70), (70, 90)]
    await ledger.close()


async def test_what_goes_from_one_own_coldkey_to_another_is_not_sold(tmp_path: Path) -> None:
    async with Trading(tmp_path) as trading:
        trading.own = [trading.me.ss58, trading.friend.ss58]
        await trading.follow()
        hotkey = trading.validators[0]
        trading.stake(hotkey, 5 * TAO)
        trading.do(
            trading.me, "transfer_stake", destination_coldkey=trading.friend.public_key, hotkey=hotkey.public_key,
            origin_netuid=1, destination_netuid=1, alpha_amount=2 * TAO,
        )  # fmt: skip
        until = await trading.follow()
        book = await trading.book()
        assert [one for one in book.taken if one.rao > 9] == []
        assert abs(book.held_rao - await trading.held(until)) <= 20


@pytest.mark.parametrize("looks", [True, False], ids=["looked at in between", "one look at the end"])
async def test_alpha_of_a_former_subnet_is_not_that_of_the_next_one_under_its_number(
    tmp_path: Path, looks: bool
) -> None:
    async with Trading(tmp_path) as trading:
        bench, hotkey = trading.bench, trading.validators[0]
        await trading.follow()
        trading.stake(hotkey, 5 * TAO)
        if looks:
            await trading.follow()
        end = ("SubtensorModule", ("root_dissolve_network", {"netuid": 1}))
        assert bench.run(alice(), "Sudo", "sudo", call=end) is None
        if looks:
            until = await trading.follow()
            book = await trading.book()
            assert await trading.held(until) == 0 and book.held_rao <= 9
        bench.fund(trading.friend, 50_000 * TAO)
        key = bench.keys.signer("t", 9, "hot")
        trading.do(trading.friend, "register_network", hotkey=key.public_key)
        bench.blocks(START_DELAY_343)
        trading.do(trading.friend, "start_call", netuid=1)
        trading.stake(key, 3 * TAO)
        bought = bench.event("StakeAdded")
        until = await trading.follow()
        book = await trading.book()
        assert abs(book.held_rao - await trading.held(until)) <= 20
        assert [one.cost for one in book.left if one.lot.startswith("stake") and one.rao > 9] == [bought[2]]
        gone = [one.disposal.split(",")[0] for one in book.taken if one.rao > 9]
        assert set(gone) == {"subnet ended"}


async def test_pay_that_comes_to_be_known_later_and_left_at_once_is_not_held(tmp_path: Path) -> None:
    """The position is followed first, and is as it was before and after the block that paid it."""
    chain, ledger = FakeChain(height=57), Ledger(tmp_path / "l.sqlite")
    chain.held = lambda _: [StakePosition("H", "C", 1, 90, 10**9, 0)]
    walk = TradeWalk(lambda _: ledger, lambda _: ["C"], nothing)
    await ledger.write(lambda c: coverage.follow(c, 1, "H", 2, 3))

    async def follow(height: int) -> int:
        chain.height = height
        await walk.follow(Head("test", chain, chain.at(height)))
        return (await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))).held_rao

    assert await follow(57) == 90
    await ledger.add_payments([paid(20, 500)])
    assert await follow(58) == 90
    asked = chain.asked
    assert await follow(59) == 90 and chain.asked - asked < 9, "it is read again once"
    await ledger.close()
