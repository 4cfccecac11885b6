"""What a hostile or clumsy client does: the node answers with errors, bounds its memory and keeps making blocks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from ranvier.sandbox.node.waiting import Refused
from sandbox.support import TAO, Bench, NodeProcess


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path / "net", "--block-time", "0.05")
    yield process
    assert process.stop() == 0


async def ask(session: aiohttp.ClientSession, node: NodeProcess, method: str, *params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    async with session.post(node.endpoint.replace("ws", "http", 1), data=body) as answer:
        return json.loads(await answer.text())


async def head(session: aiohttp.ClientSession, node: NodeProcess) -> int:
    return int((await ask(session, node, "chain_getHeader"))["result"]["number"], 16)


async def goes_on(session: aiohttp.ClientSession, node: NodeProcess) -> None:
    before = await head(session, node)
    deadline = time.monotonic() + 10
    while await head(session, node) < before + 3:
        assert time.monotonic() < deadline, "no more blocks"
        await asyncio.sleep(0.05)


async def test_a_huge_frame_ends_its_connection_only(node: NodeProcess) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(node.endpoint, max_msg_size=0) as large:
            with contextlib.suppress(OSError):  # the connection may end while the frame is still being sent
                await large.send_str("x" * (5 << 20))
            ended = await large.receive(timeout=5)
            assert ended.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        await goes_on(session, node)


async def test_half_open_and_silent_sockets_do_no_harm(node: NodeProcess) -> None:
    sockets = []
    for start in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{", os.urandom(300)) * 20:
        raw = socket.create_connection(("127.0.0.1", node.ready_port), timeout=5)
        raw.sendall(start)
        sockets.append(raw)
    async with aiohttp.ClientSession() as session:
        await goes_on(session, node)
    for raw in sockets:
        raw.close()


async def test_garbage_in_every_place_is_an_error(node: NodeProcess) -> None:
    junk: list[Any] = [None, 1, -1, "", "0x", "0xzz", "x" * 1000, [], {}, [[]], 2**70, 1.5, True]
    async with aiohttp.ClientSession() as session:
        methods = (await ask(session, node, "rpc_methods"))["result"]["methods"]
        spared = {"sandbox_fault", "sandbox_makeBlocks", "sandbox_reorg", "sandbox_setRules", "sandbox_snapshot"}
        for method in set(methods) - spared:
            for one in junk:
                for params in ([one], [one, one], [one, one, one]):
                    answer = await ask(session, node, method, *params)
                    assert "result" in answer or "Internal" not in answer["error"]["message"], (method, params, answer)
        await goes_on(session, node)


async def subscribed(node: NodeProcess, count: int) -> None:
    process = psutil.Process(node.process.pid)
    async with aiohttp.ClientSession() as session, session.ws_connect(node.endpoint) as many:
        before = process.memory_info().rss
        for number in range(count):
            request = {"jsonrpc": "2.0", "id": number, "method": "chain_subscribeFinalizedHeads", "params": []}
            await many.send_json(request)
        opened = 0
        while opened < count:
            told = await many.receive_json(timeout=30)
            opened += "result" in told
        await goes_on(session, node)
        assert process.memory_info().rss - before < 300 << 20
    async with aiohttp.ClientSession() as session:
        await goes_on(session, node)


async def test_a_thousand_subscriptions(node: NodeProcess) -> None:
    await subscribed(node, 1_000)


@pytest.mark.slow
@pytest.mark.limit_s(300)
async def test_ten_thousand_subscriptions(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path / "net", "--block-time", "1")
    try:
        await subscribed(node, 10_000)
    finally:
        node.stop()


def burst(count: int) -> None:
    """``count`` extrinsics at once: all of them enter blocks, in order of their nonces."""
    bench = Bench()
    value = {"dest": ("Id", bench.cast.owner[0].public_key), "value": TAO}
    for _ in range(count):
        bench.node.send(bench.node.faucet, "Balances", "transfer_keep_alive", value)
    blocks = 0
    while next(iter(bench.node.waiting), None) is not None:
        bench.blocks()
        blocks += 1
        assert blocks < count, "they never get in"
    assert bench.node.waiting.next_index(bench.node.faucet.public_key) == count


def test_a_burst_of_extrinsics_gets_in() -> None:
    burst(150)


@pytest.mark.slow
def test_a_thousand_extrinsics_get_in() -> None:
    burst(1_000)


def test_random_bytes_are_no_extrinsic() -> None:
    bench = Bench()
    good = bench.node.sign(bench.node.faucet, "System", "remark", {"remark": b"x" * 40})
    for place in range(0, len(good), 3):
        spoilt = bytearray(good)
        spoilt[place] ^= 0x55
        with pytest.raises(Refused):
            bench.node.waiting.submit(bytes(spoilt))
    for size in (0, 1, 5, 100, 5_000):
        with pytest.raises(Refused):
            bench.node.waiting.submit(os.urandom(size))
    bench.blocks()
