"""Following a head, and writing what it pays, against a chain of made-up blocks."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.agent_fakes import FakeChain
from ranvier.agent.chain_watch import ChainWatch, Head
from ranvier.agent.ledger_writer import LONGEST_WALK, LedgerWriter, Target
from ranvier.core.errors import LedgerError, NetworkError, RanvierError
from ranvier.core.evidence import Level
from ranvier.ledger.store import Ledger, Payment


class Watching:
    """A watch with a fast back-off and what it told."""

    def __init__(self, *listeners) -> None:
        self.heads: list[int] = []
        self.clock = 0.0
        self.watch = ChainWatch(
            [self._head, *listeners], lambda: None, backoff_s=(0.02,), now=lambda: time.time() + self.clock
        )

    async def _head(self, head: Head) -> None:
        self.heads.append(head.block.number)

    async def until(self, found, limit_s: float = 5.0) -> None:
        end = time.monotonic() + limit_s
        while not found():
            assert time.monotonic() < end, self.watch.view()
            await asyncio.sleep(0.01)


async def test_no_network_is_off_and_says_so() -> None:
    watching = Watching()
    assert (watching.watch.view().level, watching.watch.view().text) == (Level.OFF, "No network chosen.")
    with pytest.raises(NetworkError, match="No network chosen"):
        watching.watch.require()
    await watching.watch.close()


async def test_heads_are_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranvier.agent.chain_watch._SHORTEST_POLL_S", 0.01)
    watching, chain = Watching(), FakeChain()
    await watching.watch.use("sandbox", "the sandbox", chain)
    assert watching.watch.view().level in (Level.BUSY, Level.UNKNOWN)
    await watching.until(lambda: watching.heads == [5])
    await asyncio.sleep(0.1)
    chain.height = 6
    await watching.until(lambda: watching.heads == [5, 6])
    view = watching.watch.view()
    assert (view.level, view.genesis_hash, view.spec_version) == (Level.GOOD, "0xaa", 343)
    assert "Block 6" in view.text
    await watching.watch.close()
    assert chain.closed == 1


async def test_silence_is_told_after_a_while() -> None:
    watching, chain = Watching(), FakeChain()
    await watching.watch.use("sandbox", "the sandbox", chain)
    await watching.until(lambda: watching.heads == [5])
    watching.clock = 45.0
    view = watching.watch.view()
    assert view.level is Level.WARN
    assert view.text.startswith("No new block for 45 s")
    await watching.watch.close()


async def test_a_dead_endpoint_is_tried_for_ever_and_found_again() -> None:
    watching, chain = Watching(), FakeChain()
    chain.down = "Nobody answers."
    await watching.watch.use("sandbox", "the sandbox", chain)
    await watching.until(lambda: chain.asked > 8)
    assert watching.watch.view().level is Level.BAD
    assert "Nobody answers. Tried again in" in watching.watch.view().text
    assert watching.watch.note() is not None
    chain.down = None
    await watching.until(lambda: watching.heads == [5])
    assert watching.watch.note() is None
    chain.down = "Gone."
    chain.height = 7
    await watching.until(lambda: chain.closed > 0)
    with pytest.raises(NetworkError, match="Gone"):
        watching.watch.require()
    chain.down = None
    await watching.until(lambda: watching.heads == [5, 7])
    assert chain.opened == 2
    await watching.watch.close()


async def test_a_listener_that_fails_stops_nothing() -> None:
    async def fails(_: Head) -> None:
        raise ZeroDivisionError

    heads: list[int] = []

    async def after(head: Head) -> None:
        heads.append(head.block.number)

    watching, chain = Watching(fails, after), FakeChain()
    await watching.watch.use("sandbox", "the sandbox", chain)
    await watching.until(lambda: heads == [5])
    assert watching.watch.view().level is Level.GOOD
    await watching.watch.close()


async def test_switching_leaves_the_old_network() -> None:
    watching, one, other = Watching(), FakeChain(), FakeChain(height=900, genesis="0xbb")
    await watching.watch.use("sandbox", "the sandbox", one)
    await watching.until(lambda: watching.heads == [5])
    await watching.watch.use("test", "the test network", other)
    assert watching.watch.view().head is None
    await watching.until(lambda: watching.heads == [5, 900])
    assert (one.closed, watching.watch.view().network) == (1, "test")
    await watching.watch.close()


class Writing:
    """A writer on a real ledger."""

    def __init__(self, path: Path, chain: FakeChain, *targets: Target) -> None:
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
            retry_s=0.02,
        )

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


async def test_what_the_node_has_forgotten_is_noted_as_a_gap(tmp_path: Path) -> None:
    chain = FakeChain(height=57)
    chain.pay = {"5Hot": 1}
    chain.forgets_below = 35
    writing = Writing(tmp_path / "l.sqlite", chain, OURS)
    await writing.catch_up()
    assert await writing.blocks() == [30, 40, 50]
    assert "already discarded" in (await writing.ledger.recall("gap:1:30") or "")
    await writing.ledger.close()


async def test_a_walk_back_is_bounded(tmp_path: Path) -> None:
    chain = FakeChain(tempo=1, height=LONGEST_WALK + 50)
    chain.pay = {"5Hot": 1}
    writing = Writing(tmp_path / "l.sqlite", chain, Target(1, "5Hot", 1))
    await writing.catch_up()
    blocks = await writing.blocks()
    assert (len(blocks), max(blocks)) == (LONGEST_WALK, LONGEST_WALK + 50)
    await writing.ledger.close()


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
