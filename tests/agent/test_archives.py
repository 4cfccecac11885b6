"""The archive: the usual one, a chosen one, none; tried again after a while when it does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.agent_fakes import FakeChain
from ranvier.agent.money.price_watch import PriceWatch, fetch
from ranvier.agent.network.archives import Archives
from ranvier.core.errors import LedgerError, NetworkError, RanvierError
from ranvier.ledger.prices import PriceSource
from ranvier.ledger.store import Ledger


async def test_one_connection_at_the_chosen_place(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    made: list[tuple[str, str, FakeChain]] = []
    down = FakeChain()
    down.down = "Nobody answers."

    def chain_of(network: str, endpoint: str) -> FakeChain:
        chain = down if endpoint == "wss://down" else FakeChain()
        made.append((network, endpoint, chain))
        return chain

    archives = Archives(lambda _: ledger, chain_of, retry_s=0.0)
    assert await archives.endpoint("sandbox") is None
    assert await archives.chain("sandbox") is None
    usual = await archives.endpoint("finney")
    assert usual is not None and usual.startswith("wss://")
    first = await archives.chain("finney")
    assert first is await archives.chain("finney") is made[0][2]
    await archives.choose("finney", "wss://mine")
    assert made[0][2].closed == 1
    assert await archives.chain("finney") is made[1][2]
    await archives.choose("finney", "wss://down")
    assert await archives.chain("finney") is None
    down.down = None
    assert await archives.chain("finney") is down
    await archives.choose("finney", "off")
    assert (await archives.endpoint("finney"), await archives.chain("finney")) == (None, None)
    await archives.choose("finney", "")
    assert await archives.endpoint("finney") == usual
    await archives.close()
    await ledger.close()
    with pytest.raises(LedgerError, match="not open"):
        await Archives(lambda _: None, chain_of).choose("finney", "off")


async def test_nobody_is_asked_for_prices_before_one_was_chosen(tmp_path: Path) -> None:
    asked: list[str] = []

    async def get(address: str) -> bytes:
        asked.append(address)
        return b'{"p": 12.5}'

    ledger = Ledger(tmp_path / "l.sqlite")
    troubles: list[RanvierError | None] = []
    watch = PriceWatch(lambda: ledger, troubles.append, get=get, now=lambda: 1000.0)
    assert (await watch.source(), await watch.fetch(), asked) == (None, None, [])
    chosen = PriceSource("json", "https://example.invalid/p", "USD", "p")
    await watch.choose(chosen)
    assert (await watch.source(), await watch.fetch(), await watch.fetch()) == (chosen, 1, 0)
    await watch.choose(None)
    assert (await watch.fetch(), len(asked)) == (None, 2)
    await ledger.close()


async def test_an_address_that_does_not_answer_is_told_without_repeating_it() -> None:
    with pytest.raises(NetworkError) as caught:
        await fetch("http://127.0.0.1:1/?key=secret")
    assert "secret" not in str(caught.value)
