"""Following a head, against a chain of made-up blocks."""

from __future__ import annotations

import asyncio
import time

import pytest

from agent.agent_fakes import FakeChain
from ranvier.agent.api.messages import ChainView
from ranvier.agent.network.chain_watch import ChainWatch, Head, not_reached
from ranvier.core.errors import NetworkError
from ranvier.core.evidence import Level


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
    monkeypatch.setattr("ranvier.agent.network.chain_watch._SHORTEST_POLL_S", 0.01)
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


def test_a_sandbox_that_is_off_is_not_said_to_come_back_by_itself() -> None:
    off = not_reached(ChainView("sandbox", None, Level.OFF, "The sandbox is stopped."))
    assert off.message == "The sandbox is stopped." and "Start sandbox" in off.hint
    assert "by itself" in not_reached(ChainView("test", None, Level.BAD, "No node answers.")).hint


def test_a_network_that_is_out_of_reach_says_once_that_it_is_tried_again_and_what_helps() -> None:
    away = not_reached(
        ChainView("test", None, Level.BAD, "wss://x does not answer (its name is not known). Tried again in 9 s.")
    )
    assert "again" not in away.hint and "internet connection" in away.hint and "Network check" in away.hint
