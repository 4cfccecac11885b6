"""The connection over a real socket: pinned reads, reconnection, failover, time limits, the wrong network."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from chain import fixtures_343 as real
from chain.fake_node import HEAD, FakeNode
from chain.fixtures_343 import needs_343
from ranvier.chain import reads
from ranvier.chain.connection import Connection
from ranvier.chain.errors import RpcError
from ranvier.chain.model import BlockRef
from ranvier.chain.networks import FINNEY, NETWORKS, Network, sandbox_network
from ranvier.chain.wire import DroppedError, Traffic, Wire
from ranvier.core.errors import ChainError, NetworkError

pytestmark = needs_343
AT = BlockRef(100, HEAD)


@contextlib.asynccontextmanager
async def opened(*endpoints: str, genesis: str | None = real.GENESIS, timeout_s: float = 5.0):
    network = Network("x", "Testing", tuple(endpoints), genesis, "TAO", play_money=True)
    connection = Connection(network, timeout_s=timeout_s)
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


async def test_head_and_reads_are_few_requests() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:
        node.put("System", "Number", [], number(100, 4))
        node.put("Timestamp", "Now", [], number(1_700_000_000_000, 8))
        node.put("SubtensorModule", "Tempo", [3], number(99, 2))
        assert (connection.endpoint, connection.genesis_hash, connection.spec_version) == (
            node.endpoint, real.GENESIS, 343
        )  # fmt: skip
        head = await connection.head()
        assert head == BlockRef(100, HEAD, 1_700_000_000_000)
        node.asked.clear()
        values = await connection.read(
            [("SubtensorModule", "Tempo", [n]) for n in (3, 4)] + [("System", "Account", [real.BOB])], head
        )
        assert values[:2] == [99, 360] and values[2]["data"]["free"] == 0
        assert node.asked == ["state_queryStorageAt"]
        with pytest.raises(ChainError, match="has no"):
            await connection.read([("SubtensorModule", "AlphaV2", [])], head)
        assert connection.has_item("SubtensorModule", "Alpha") and not connection.has_item("SubtensorModule", "AlphaV2")


async def test_three_key_maps_give_all_their_keys() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:
        for netuid in (1, 2):
            node.put("SubtensorModule", "Alpha", [real.ALICE, real.BOB, netuid], number(netuid << 64, 16))
        rows = await connection.read_prefix("SubtensorModule", "Alpha", [real.ALICE], AT)
        assert sorted(rows) == [((real.BOB, 1), {"bits": 1 << 64}), ((real.BOB, 2), {"bits": 2 << 64})]
        rows = await connection.read_prefix("SubtensorModule", "Alpha", [], AT)
        assert {keys for keys, _ in rows} == {(real.ALICE, real.BOB, 1), (real.ALICE, real.BOB, 2)}


async def test_many_keys_are_paged() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:
        for netuid in range(2100):
            node.put("SubtensorModule", "Tempo", [netuid], number(netuid, 2))
        rows = await connection.read_prefix("SubtensorModule", "Tempo", [], AT)
        assert sorted((keys[0], value) for keys, value in rows) == [(n, n) for n in range(2100)]


async def test_stake_positions_by_share_pool() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:
        bob, alice = (real.addresses_of(real.BOB), real.addresses_of(real.ALICE))
        node.put("SubtensorModule", "StakingHotkeys", [real.BOB], b"\x04" + alice)
        for netuid in (0, 7):
            node.put("SubtensorModule", "NetworksAdded", [netuid], b"\1")
            node.put("SubtensorModule", "Alpha", [real.ALICE, real.BOB, netuid], number(3 << 64, 16))
            node.put("SubtensorModule", "TotalHotkeyShares", [real.ALICE, netuid], number(4 << 64, 16))
            node.put("SubtensorModule", "TotalHotkeyAlpha", [real.ALICE, netuid], number(4_000_000_000, 8))
        node.put("SubtensorModule", "SubnetTAO", [7], number(50, 8))
        node.put("SubtensorModule", "SubnetAlphaIn", [7], number(100, 8))
        assert bob != alice
        positions = await reads.stake_positions(connection, [real.BOB, real.ALICE], AT)
        assert [(p.netuid, p.alpha_rao, p.price_rao, p.spot_rao) for p in positions] == [
            (0, 3_000_000_000, 10**9, 3_000_000_000),
            (7, 3_000_000_000, 10**9 // 2, 1_500_000_000),
        ]
        assert all((p.hotkey_ss58, p.coldkey_ss58) == (real.ALICE, real.BOB) for p in positions)


async def test_reads_survive_a_cut_and_a_restart() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:
        node.put("System", "Number", [], number(100, 4))
        for _ in range(3):
            await node.cut()
            assert (await connection.head()).number == 100
        await node.stop()
        with pytest.raises(NetworkError, match="connection refused"):
            await connection.head()
        await node.start()
        assert (await connection.head()).number == 100


async def test_next_endpoint_takes_over() -> None:
    async with FakeNode() as first, FakeNode() as second:
        for node in (first, second):
            node.put("System", "Number", [], number(100, 4))
        dead = f"ws://127.0.0.1:{free_port()}"
        async with opened(dead, first.endpoint, second.endpoint) as connection:
            assert connection.endpoint == first.endpoint
            await first.stop()
            assert (await connection.head()).number == 100
            assert connection.endpoint == second.endpoint


async def test_dead_endpoints_fail_fast_and_say_so() -> None:
    started = time.monotonic()
    with pytest.raises(NetworkError, match="None of the 2 nodes"):
        async with opened(f"ws://127.0.0.1:{free_port()}", f"ws://127.0.0.1:{free_port()}"):
            pass
    with pytest.raises(NetworkError, match="refused"):
        async with opened(f"ws://127.0.0.1:{free_port()}"):
            pass
    with pytest.raises(NetworkError):
        async with opened("ws://no-such-host.invalid", timeout_s=2):
            pass
    with pytest.raises(NetworkError):
        async with opened("nonsense"):
            pass
    with pytest.raises(NetworkError, match="No address"):
        async with opened():
            pass
    assert time.monotonic() - started < 15


async def test_silent_node_is_left_in_time() -> None:
    async with FakeNode() as node, opened(node.endpoint, timeout_s=0.5) as connection:
        node.silent = True
        started = time.monotonic()
        with pytest.raises(NetworkError):
            await connection.head()
        assert time.monotonic() - started < 5
        node.silent = False
        node.put("System", "Number", [], number(7, 4))
        assert (await connection.head()).number == 7


async def test_wrong_network_is_refused() -> None:
    async with FakeNode(genesis="0x" + "77" * 32) as node:
        with pytest.raises(NetworkError, match="first block"):
            async with opened(node.endpoint):
                pass
        async with opened(node.endpoint, genesis=None) as connection:
            assert connection.genesis_hash == "0x" + "77" * 32
            node.genesis = "0x" + "78" * 32  # somebody else's node behind the same address
            await node.cut()
            with pytest.raises(NetworkError, match="first block"):
                await connection.head()


async def test_close_does_not_wait_for_a_silent_node() -> None:
    async with FakeNode() as node, opened(node.endpoint, timeout_s=30) as connection:
        node.silent = True
        waiting = asyncio.ensure_future(connection.head())
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await connection.close()
        assert time.monotonic() - started < 3
        with pytest.raises(NetworkError):
            await waiting
        with pytest.raises(NetworkError):
            await connection.head()


async def test_node_errors_are_words() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:

        def gone(_: object) -> None:
            raise ValueError({"code": 4003, "message": "Client error: State already discarded for 0x00"})

        node.answers["state_queryStorageAt"] = gone
        with pytest.raises(RpcError, match="no longer keeps"):
            await connection.head()
        with pytest.raises(RpcError, match="does not know"):
            await connection.rpc("no_such_method", [])
        node.answers["chain_getBlockHash"] = lambda params: real.GENESIS if params == [0] else None
        with pytest.raises(ChainError, match="does not exist yet"):
            await connection.block(5)


async def test_the_head_is_one_request_and_says_its_block() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:
        node.put("System", "Number", [], (100).to_bytes(4, "little"))
        await connection.head()  # now the runtime of that block is known
        node.asked.clear()
        found = await connection.head()
        assert (found.number, found.hash, node.asked) == (100, HEAD, ["state_queryStorageAt"])
        for strange in ([], [{"changes": []}], None, [{"block": HEAD}]):
            node.answers["state_queryStorageAt"] = lambda _, answer=strange: answer
            with pytest.raises(ChainError, match="which block"):
                await connection.head()


async def test_what_changes_the_chain_is_sent_once() -> None:
    async with FakeNode() as node, opened(node.endpoint, timeout_s=1) as connection:
        await node.cut()  # noticed by the harmless question before
        node.answers["sandbox_fund"] = lambda _: "0x01"
        assert await connection.rpc("sandbox_fund", [real.BOB, 1]) == "0x01"

        node.answers["chain_getHead"] = lambda _: HEAD
        node.asked.clear()
        node.answers["sandbox_fund"] = lambda _: time.sleep(1.5)
        with pytest.raises(NetworkError, match="whether it arrived"):
            await connection.rpc("sandbox_fund", [real.BOB, 1])
        assert node.asked.count("sandbox_fund") == 1


async def test_not_opened_says_so() -> None:
    connection = Connection(FINNEY)
    assert connection.endpoint is None and connection.spec_version is None
    assert connection.genesis_hash == FINNEY.genesis
    with pytest.raises(NetworkError):
        await connection.head()
    with pytest.raises(NetworkError):
        connection.has_item("System", "Account")
    await connection.close()


def test_networks() -> None:
    assert set(NETWORKS) == {"sandbox", "test", "finney"}
    assert not NETWORKS["finney"].play_money and NETWORKS["sandbox"].play_money
    assert len({n.genesis for n in NETWORKS.values()}) == 3
    assert sandbox_network("ws://127.0.0.1:1", "0x1").endpoints == ("ws://127.0.0.1:1",)


@needs_343
async def test_a_cancelled_close_still_closes_the_socket() -> None:
    async with FakeNode() as node, opened(node.endpoint) as connection:
        session = connection._session
        assert session is not None and session._wire is not None
        inner = session._wire._socket
        closing = asyncio.ensure_future(connection.close())
        await asyncio.sleep(0)
        assert inner.sock is not None, "its thread is waited for"
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert inner.sock is None


async def test_text_that_is_none_is_a_broken_connection() -> None:
    class Mumbling(FakeNode):
        async def _answer(self, socket: web.WebSocketResponse, question: dict[str, Any]) -> None:
            assert socket._writer is not None
            await socket._writer.send_frame(b'{"id": %d, "result": "\xff"}' % question["id"], WSMsgType.TEXT)

    async with Mumbling() as node:
        wire = await asyncio.to_thread(Wire, node.endpoint, 2.0, Traffic())
        with pytest.raises(DroppedError, match="the connection broke"):
            await asyncio.to_thread(wire.request, "chain_getHead", [])
        wire.close()
