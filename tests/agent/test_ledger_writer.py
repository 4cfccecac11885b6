"""Writing what our hotkeys are paid: live, over gaps, from an archive, and however the watching went."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.agent_fakes import FakeChain
from ranvier.agent.money.epoch_walk import EPOCHS_A_STEP, Hole, newest_hole
from ranvier.agent.money.ledger_writer import LedgerWriter, Target
from ranvier.agent.network.chain_watch import Head
from ranvier.core.errors import LedgerError, NetworkError, RanvierError
from ranvier.ledger import coverage
from ranvier.ledger.coverage import Gap
from ranvier.ledger.store import Ledger, Payment


class Writing:
    """A writer on a real ledger."""

    def __init__(self, path: Path, chain: FakeChain, *targets: Target, archive: FakeChain | None = None) -> None:
        self.archive = archive
        self.clock = 1_000_000.0
        self.ledger = Ledger(path)
        self.chain = chain
        self.targets = list(targets)
        self.told: list[Payment] = []
        self.noted: list[str] = []
        self.troubles: list[RanvierError | None] = []
        self.writer = LedgerWriter(
            lambda _: self.ledger,
            lambda _: self.targets,
            self.told.extend,
            self.noted.append,
            self.troubles.append,
            archive=self._archive_of,
            retry_s=0.02,
            now=lambda: self.clock,
        )

    async def _archive_of(self, network: str) -> FakeChain | None:
        return self.archive

    async def gaps(self) -> tuple[Gap, ...]:
        return await self.ledger.read(coverage.gaps)

    def head(self) -> Head:
        return Head("sandbox", self.chain, self.chain.at(self.chain.height))

    async def catch_up(self) -> None:
        await self.writer.catch_up(self.head())

    async def until(self, found) -> None:
        end = time.monotonic() + 5
        while not found():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def blocks(self, hotkey: str = "5Hot") -> list[int]:
        return sorted(row.block for row in await self.ledger.payments(hotkey_ss58=hotkey, limit=10**6))


OURS = Target(1, "5Hot", 12)


async def test_missed_epochs_are_read_up_from_the_registration_on(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1000, "5Other": 5}
    writing = Writing(tmp_path / "l.sqlite", chain, OURS)
    await writing.catch_up()
    assert await writing.blocks() == [20, 30, 40, 50]
    assert await writing.blocks("5Other") == []
    assert [row.block for row in writing.told] == [20, 30, 40, 50], "oldest first"
    assert writing.told[0].alpha_rao == 1020
    assert writing.writer.last_epoch("sandbox", 1) == 50
    asked = chain.asked
    await writing.catch_up()
    assert chain.asked == asked + 1, "nothing new costs one read"
    assert writing.noted == ["sandbox"]
    chain.height = 60
    await writing.catch_up()
    assert await writing.blocks() == [20, 30, 40, 50, 60]
    await writing.ledger.close()


async def test_an_epoch_is_written_when_its_block_is_final(tmp_path: Path) -> None:
    chain = FakeChain(height=51)
    chain.pay = {"5Hot": 1}
    chain.final_lag = 3
    writing = Writing(tmp_path / "l.sqlite", chain, Target(1, "5Hot", 31))
    await writing.catch_up()
    assert await writing.blocks() == [40]
    assert writing.writer.last_epoch("sandbox", 1) is None
    chain.height = 53
    await writing.catch_up()
    assert await writing.blocks() == [40, 50]
    await writing.ledger.close()


async def test_what_the_node_has_forgotten_is_noted_as_a_gap_and_filled_when_it_can_be(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1}
    chain.forgets_below = 35
    writing = Writing(tmp_path / "l.sqlite", chain, OURS)
    await writing.catch_up()
    assert await writing.blocks() == [40, 50]
    (gap,) = await writing.gaps()
    assert (gap.netuid, gap.hotkey_ss58, gap.from_block, gap.to_block) == (1, "5Hot", 12, 30)
    assert "already discarded" in (gap.reason or "")
    asked = chain.asked
    writing.writer.again()
    await writing.catch_up()
    assert chain.asked < asked + 4, "it is not tried again at once"
    writing.archive = FakeChain(height=57)
    writing.archive.pay = chain.pay
    writing.clock += 3601
    await writing.catch_up()
    assert await writing.blocks() == [20, 30, 40, 50]
    assert await writing.gaps() == ()
    await writing.ledger.close()


async def test_one_block_that_is_not_understood_is_one_gap(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1}
    chain.riddles = {30}
    writing = Writing(tmp_path / "l.sqlite", chain, OURS)
    await writing.catch_up()
    assert await writing.blocks() == [20, 40, 50]
    (gap,) = await writing.gaps()
    assert (gap.from_block, gap.to_block, "riddle" in (gap.reason or "")) == (30, 30, True)
    await writing.ledger.close()


async def test_a_long_past_is_read_in_steps_and_goes_on_where_it_was_left(tmp_path: Path) -> None:
    chain = FakeChain(tempo=1, height=4 * EPOCHS_A_STEP)
    chain.pay = {"5Hot": 1}
    writing = Writing(tmp_path / "l.sqlite", chain, Target(1, "5Hot", 1))
    await writing.writer.on_head(writing.head())  # a newer head has arrived: only one step is taken
    await writing.catch_up()
    newest = list(range(3 * EPOCHS_A_STEP + 1, 4 * EPOCHS_A_STEP + 1))
    assert await writing.blocks() == newest
    (gap,) = await writing.gaps()
    assert (gap.from_block, gap.to_block, gap.reason) == (1, newest[0] - 1, None), "still to be read"
    assert writing.writer.last_epoch("sandbox", 1) == newest[-1], "the newest epoch is known all the same"
    await writing.ledger.close()
    again = Writing(tmp_path / "l.sqlite", chain, Target(1, "5Hot", 1))
    before = chain.asked
    await again.catch_up()
    assert len(await again.blocks()) == 4 * EPOCHS_A_STEP
    assert chain.asked - before < 4 * 3 * EPOCHS_A_STEP, "what was read is not read again"
    assert await again.gaps() == ()
    await again.ledger.close()


async def test_a_hotkey_that_left_keeps_its_past_and_gets_no_future(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1, "5Gone": 1}
    writing = Writing(tmp_path / "l.sqlite", chain, Target(1, "5Hot", 31), Target(1, "5Gone", 41))
    await writing.catch_up()
    writing.targets.pop()
    await writing.ledger.write(lambda c: coverage.follow(c, 1, "5Gone", 15, 1))
    chain.height = 61
    await writing.catch_up()
    assert await writing.blocks() == [40, 50, 60]
    assert await writing.blocks("5Gone") == [20, 30, 40, 50]
    await writing.ledger.close()


spans = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)).map(lambda s: (s[0], s[0] + s[1])), max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), spans, max_size=3))
def test_the_newest_hole_is_missing_to_all_whom_it_names_and_to_nobody_else(lacking) -> None:
    holes = {hotkey: coverage.merged(spans) for hotkey, spans in lacking.items()}
    blocks = {hotkey: {b for low, high in spans for b in range(low, high + 1)} for hotkey, spans in holes.items()}
    hole: Hole | None = newest_hole(holes)
    if hole is None:
        assert not any(blocks.values())
        return
    assert hole.low <= hole.high == max(max(b) for b in blocks.values() if b)
    for block in range(hole.low, hole.high + 1):
        assert {hotkey for hotkey, lacks in blocks.items() if block in lacks} == hole.hotkeys


async def test_a_second_hotkey_gets_its_own_past(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1, "5New": 2}
    writing = Writing(tmp_path / "l.sqlite", chain, Target(1, "5Hot", 31))
    await writing.catch_up()
    writing.targets.append(Target(1, "5New", 11))
    await writing.catch_up()
    assert await writing.blocks() == [40, 50]
    assert await writing.blocks("5New") == [20, 30, 40, 50]
    await writing.ledger.close()


async def test_a_hotkey_without_a_known_start_begins_with_the_newest_epoch(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1}
    writing = Writing(tmp_path / "l.sqlite", chain, Target(1, "5Hot"))
    await writing.catch_up()
    assert await writing.blocks() == [50]
    await writing.ledger.close()


async def test_a_ledger_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1}
    writing = Writing(tmp_path / "l.sqlite", chain, OURS)
    pages = await writing.ledger._database.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await writing.ledger._database.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    await writing.ledger._database.run(lambda c: c.execute("UPDATE state SET value = value"))
    await writing.ledger._database.run(lambda c: c.execute("PRAGMA query_only = 1"))
    task = asyncio.get_running_loop().create_task(writing.writer.run())
    await writing.writer.on_head(writing.head())
    await writing.until(lambda: bool(writing.troubles))
    assert isinstance(writing.troubles[0], LedgerError)
    await writing.ledger._database.run(lambda c: c.execute("PRAGMA query_only = 0"))
    await writing.ledger._database.run(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    await writing.until(lambda: writing.troubles[-1] is None)
    assert await writing.blocks() == [20, 30, 40, 50]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await writing.ledger.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 12), st.integers(0, 14)), min_size=1, max_size=8))
def test_however_the_watching_went_each_final_epoch_is_written_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]
) -> None:
    """The agent sees some heads, with some lag, and its chain breaks in the middle of some walks."""

    async def go() -> None:
        chain = FakeChain(height=12)
        chain.pay = {"5Hot": 1}
        path = tmp_path_factory.mktemp("w") / "l.sqlite"
        writing = Writing(path, chain, Target(1, "5Hot", 1))
        for blocks, lag, breaks_after in steps:
            chain.height += blocks
            chain.final_lag = min(lag, chain.height)
            budget = chain.asked + breaks_after

            def up(budget: int = budget) -> None:
                chain.asked += 1
                if chain.asked > budget:
                    raise NetworkError("Network", "broke")

            chain._up = up
            try:
                await writing.catch_up()
            except NetworkError:
                await writing.ledger.close()  # and a new agent comes
                writing = Writing(path, chain, Target(1, "5Hot", 1))
        del chain._up
        chain.final_lag = 0
        await writing.catch_up()
        assert await writing.blocks() == list(range(10, chain.height + 1, 10))
        await writing.ledger.close()

    asyncio.run(go())
