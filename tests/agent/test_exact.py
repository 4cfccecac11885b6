"""The ledger against the chain, to the rao: random operations by several people, kills and a failing endpoint."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.earnings_child import Writer
from ranvier.agent.network.chain_face import LiveChain
from ranvier.chain.networks import sandbox_network
from ranvier.chain.position_steps import MOST_EPOCHS
from ranvier.keys import addresses
from ranvier.ledger import crosscheck, payments
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.subtensor import shares
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.rpc.server import RpcServer
from sandbox.support import TAO, Bench

Key = tuple[int, str]  # block, hotkey

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="kills by signal"),
    # A client that is killed in the middle of its greeting leaves the node's side of the socket to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


class World:
    """A practice network whose blocks the test makes, and what its epochs really paid."""

    def __init__(self, seed: int, tempo: int) -> None:
        self.random, self.tempo = random.Random(seed), tempo
        self.bench = Bench(tempo=tempo)
        self.server = RpcServer(self.bench.node)
        self.people = [
            (self.bench.keys.signer("p", n, "cold"), self.bench.keys.signer("p", n, "hot")) for n in range(4)
        ]
        self.paid: dict[Key, tuple[int, int, str, str | None]] = {}  # gross, paid, fate, destination
        self.dividends: list[tuple[int, int]] = []  # of the quiet miner, whose only staker is its owner
        self.held: dict[int, int] = {}  # and what that miner's position was after each block
        self.port = self.archive_port = 0
        self.netuids = (1,)
        for coldkey, _ in self.people:
            self.bench.fund(coldkey)

    @property
    def goals(self) -> dict[int, int]:
        return {1: max(block for block, _ in self.paid)}

    @property
    def hotkeys(self) -> list[str]:
        cast = self.bench.cast
        pairs = [*cast.validators, *cast.competitors, cast.owner, *self.people]
        return [hotkey.ss58 for _, hotkey in pairs]

    async def listen(self) -> None:
        await self.server.start(self.port)
        self.port = self.server.port

    async def fail(self) -> None:
        """The endpoint goes away for a moment, with all its connections."""
        await self.server.close()
        await asyncio.sleep(0.05)
        self.server = RpcServer(self.bench.node)
        await self.listen()

    def block(self, operations: int) -> None:
        for _ in range(operations):
            self._operate()
        state = self.bench.state
        count = Subtensor.SubnetworkN.get(state, 1)
        seats = [Subtensor.Keys.get(state, 1, uid) for uid in range(count)]
        owners = [Subtensor.Owner.get(state, hotkey) for hotkey in seats]
        places = [Subtensor.AutoStakeDestination.get(state, owner, 1) for owner in owners]
        subnet_owner = Subtensor.SubnetOwner.get(state, 1)
        self.bench.blocks()
        coldkey, hotkey = (one.public_key for one in self.bench.cast.competitors[0])
        self.held[self.bench.node.chain.head.number] = shares.stake_of(self.bench.state, hotkey, coldkey, 1)
        event = self.bench.event("IncentiveAlphaEmittedToMiners")
        if event is None:
            return
        number = self.bench.node.chain.head.number
        quiet = self.bench.cast.competitors[0][1].public_key
        rest = Subtensor.AlphaDividendsPerSubnet.get(self.bench.state, 1, quiet)  # without the owner's take
        take = Subtensor.Delegates.get(self.bench.state, quiet)
        self.dividends.append((number, rest + rest * take // (65_535 - take)))
        for hotkey, owner, place, rao in zip(seats, owners, places, event["emissions"], strict=True):
            if rao:
                own = owner == subnet_owner
                landed = None if own else addresses.ss58(place or hotkey)
                fate = "paid" if not own else str(Subtensor.RecycleOrBurn.get(self.bench.state, 1)[0]).lower()
                self.paid[number, addresses.ss58(hotkey)] = (rao, 0 if own else rao, fate, landed)

    def _operate(self) -> None:
        pick, cast = self.random, self.bench.cast
        coldkey, hotkey = pick.choice(self.people)
        other = pick.choice([*cast.validators, *cast.competitors[1:]])[1].public_key
        count = Subtensor.SubnetworkN.get(self.bench.state, 1)
        uids = pick.sample(range(3, count), k=min(3, count - 3))
        signer, pallet, call, arguments = pick.choice(
            [
                (coldkey, "Balances", "transfer_keep_alive",
                 {"dest": ("Id", pick.choice(self.people)[0].public_key), "value": pick.randrange(1, 3 * TAO)}),
                (coldkey, "SubtensorModule", "add_stake",
                 {"hotkey": other, "netuid": 1, "amount_staked": pick.randrange(TAO // 10, 5 * TAO)}),
                (coldkey, "SubtensorModule", "remove_stake",
                 {"hotkey": other, "netuid": 1, "amount_unstaked": pick.randrange(TAO // 10, 3 * TAO)}),
                (coldkey, "SubtensorModule", "burned_register", {"netuid": 1, "hotkey": hotkey.public_key}),
                (pick.choice(cast.competitors[1:])[0], "SubtensorModule", "set_coldkey_auto_stake_hotkey",
                 {"netuid": 1, "hotkey": other}),
                (pick.choice(cast.validators)[1], "SubtensorModule", "set_weights",
                 {"netuid": 1, "dests": uids, "weights": [pick.randrange(1, 65_535) for _ in uids], "version_key": 0}),
            ]
        )  # fmt: skip
        try:
            self.bench.node.send(signer, pallet, call, arguments)
        except Refused:
            return  # a refusal is a life's event too


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(request.param[0], request.param[1])
    yield made
    made.bench.node.chain.close()


def compare(world: World, rows: list[payments.Payment], until: int) -> None:
    noted = {
        (row.block, row.hotkey_ss58): (row.gross_rao, row.alpha_rao, row.fate, row.destination_ss58) for row in rows
    }
    assert len(noted) == len(rows)
    words = {"burn": "burned", "recycle": "recycled", "paid": "paid"}
    truth = {
        key: (gross, paid, words[fate], place)
        for key, (gross, paid, fate, place) in world.paid.items()
        if key[0] <= until
    }
    assert noted == truth
    for hotkey in world.hotkeys:
        chain = sum(paid for (_, who), (_, paid, _, _) in truth.items() if who == hotkey)
        assert sum(row.alpha_rao for row in rows if row.hotkey_ss58 == hotkey) == chain
    assert all(row.price_rao and row.event_index is not None and row.time_ms for row in rows)


async def check_steps(world: World, rows: list[payments.Payment], until: int) -> None:
    """Every change of everybody's position is explained: by pay, by the chain's events, or as dividends."""
    chain = LiveChain(sandbox_network(f"ws://127.0.0.1:{world.port}", f"0x{world.bench.node.chain.genesis_hash.hex()}"))
    await chain.open()
    kinds: set[str] = set()
    try:
        begin = max(1, until - MOST_EPOCHS * world.tempo // 2)  # a look is that long at most
        state = world.bench.node.chain.state_at(until)
        first = world.bench.node.chain.state_at(begin)
        for coldkey, hotkey in [*world.bench.cast.validators, *world.bench.cast.competitors, *world.people]:
            for other in (hotkey, world.bench.cast.validators[0][1]):
                place = (other.ss58, coldkey.ss58, 1)
                held = shares.stake_of(state, other.public_key, coldkey.public_key, 1)
                before = shares.stake_of(first, other.public_key, coldkey.public_key, 1)
                steps = await chain.position_steps(place, begin, until)
                told = crosscheck.explain(
                    *place, crosscheck.Reading(begin, before), crosscheck.Reading(until, held), rows, (), steps=steps,
                    covered=[(1, until)],
                )  # fmt: skip
                kinds |= {line.what for line in told.lines}
                assert told.verdict in (crosscheck.Verdict.EXACT, crosscheck.Verdict.ROUNDING), (told, steps)
    finally:
        await chain.close()
    assert kinds >= {"pay", "dividends", "stake", "unstake"}


def check_position(world: World, rows: list[payments.Payment], until: int) -> None:
    """Not the event but the state: nobody touched this miner's stake, so pay and dividends must explain it."""
    coldkey, hotkey = world.bench.cast.competitors[0]
    told = crosscheck.explain(
        hotkey.ss58, coldkey.ss58, 1, crosscheck.Reading(0, 0), crosscheck.Reading(until, world.held[until]), rows, (),
        dividends=world.dividends,
    )  # fmt: skip
    assert told.verdict in (crosscheck.Verdict.EXACT, crosscheck.Verdict.ROUNDING), told
    assert told.lines[0].rao > 0


async def live(world: World, path: Path, blocks: int, kills: int, failures: int) -> Writer:
    """Blocks with operations while the writer is killed and the endpoint fails at random moments."""
    await world.listen()
    writer = Writer(world, path)
    chances = world.random.sample(range(blocks), k=kills + failures)
    kill_at, fail_at = set(chances[:kills]), set(chances[kills:])
    writer.start()
    for number in range(blocks):
        world.block(world.random.randrange(4))
        await asyncio.sleep(0.01)
        if number in kill_at:
            writer.kill()
            writer.start()
        if number in fail_at:
            await world.fail()
    return writer


async def exact(world: World, path: Path, blocks: int, kills: int, failures: int) -> None:
    writer = Writer(world, path)
    try:
        writer = await live(world, path, blocks, kills, failures)
        until = (await writer.until_whole())[1]
        rows = writer.rows({1: until})
        compare(world, rows, until)
        check_position(world, rows, until)
        await check_steps(world, rows, until)
        assert any(row.destination_ss58 not in (None, row.hotkey_ss58) for row in rows), "auto-stake was at work"
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM coverage")  # as if nothing were known: all is read again
        connection.close()
        writer.start()
        again = (await writer.until_whole())[1]
        compare(world, writer.rows({1: again}), again)
        assert writer.rows({1: until}) == rows, "reading it all again changes nothing"
        with sqlite3.connect(path) as connection:
            query = "SELECT sum(alpha_rao), sum(tao_rao) FROM "
            assert connection.execute(query + "payment").fetchone() == connection.execute(query + "pay_day").fetchone()
        connection.close()
    finally:
        writer.kill()
        await world.server.close()


@pytest.mark.limit_s(90)
@pytest.mark.parametrize("world", [(1, 5)], indirect=True)
async def test_the_ledger_is_what_the_chain_paid(world: World, tmp_path: Path) -> None:
    await exact(world, tmp_path / "l.sqlite", blocks=240, kills=3, failures=3)


@pytest.mark.slow
@pytest.mark.limit_s(900)
@pytest.mark.parametrize("world", [(2, 20), (3, 7), (4, 1)], indirect=True)
async def test_over_thousands_of_blocks(world: World, tmp_path: Path) -> None:
    await exact(world, tmp_path / "l.sqlite", blocks=2500, kills=25, failures=25)
