"""The node's face for its own market, and a connection that does not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ranvier.core.errors import ChainError
from ranvier.sandbox.node.face import OwnNode
from ranvier.sandbox.rpc import server
from ranvier.sandbox.rpc.server import SocketSession
from sandbox.support import TAO, Bench


async def test_own_market_sends_through_the_waiting_room() -> None:
    bench = Bench()
    face = OwnNode(bench.node)
    faucet, dest = bench.node.faucet, bench.keys.signer("x").public_key

    async def settled(value: int) -> Any:
        work = asyncio.ensure_future(
            face.submit("Balances", "transfer_keep_alive", {"dest": ("Id", dest), "value": value}, faucet)
        )
        waiting = asyncio.ensure_future(face.next_block())
        await asyncio.sleep(0)
        bench.blocks()
        return await work, await waiting

    done, block = await settled(5 * TAO)
    assert (done.block, done.error, block) == (1, None, 1)
    done, _ = await settled(1)
    assert done.error is None, "the account exists by now"
    done, _ = await settled(10**18)
    assert done.error == "Underflow"
    assert face.read("System", "Account", dest)["data"]["free"] == 5 * TAO + 1
    assert face.read("SubtensorModule", "Axons", 1, dest) is None
    with pytest.raises(ChainError, match="Inability to pay"):
        await face.submit(
            "Balances", "transfer_all", {"dest": ("Id", dest), "keep_alive": True}, bench.keys.signer("y")
        )
    with pytest.raises(ChainError, match="Custom error: 10"):
        axon = {"version": 1, "ip": 9, "port": 9, "ip_type": 4, "protocol": 4, "placeholder1": 0, "placeholder2": 0}
        await face.submit("SubtensorModule", "serve_axon", {"netuid": 1, **axon}, faucet)


class DeafSocket:
    """Takes nothing, ever."""

    async def send_str(self, text: str) -> None:
        await asyncio.Event().wait()


async def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_QUEUE_BYTES", 10_000)
    aborted: list[bool] = []
    session = SocketSession(DeafSocket(), lambda: aborted.append(True))  # type: ignore[arg-type]
    writer = asyncio.ensure_future(session.write())
    subscription = session.subscribe("x")
    ended: list[bool] = []
    subscription.end = lambda: ended.append(True)
    for sent in range(1000):
        session.notify(subscription, "y" * 100)
        await asyncio.sleep(0)
        assert session.overrun == (sent > 60) or 40 < sent <= 60
    assert aborted == [True]
    session.end()
    assert ended == [True] and not session.unsubscribe(subscription.id)
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
