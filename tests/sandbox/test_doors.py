"""Web pages and the node: whose socket is let in, and who may use the developers' methods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.support import NodeProcess


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path_factory.mktemp("net"), "--manual", "--allow-origin", "https://mine.example/")
    yield process
    assert process.stop() == 0


async def by_socket(node: NodeProcess, headers: dict[str, str], method: str) -> Any:
    """The answer over a WebSocket, or the HTTP status with which it was refused."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(node.endpoint, headers=headers) as socket:
                await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": []})
                return await socket.receive_json(timeout=5)
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def by_post(node: NodeProcess, headers: dict[str, str], method: str) -> Any:
    url = node.endpoint.replace("ws", "http", 1)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []})
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return json.loads(await answer.text()) if answer.status == 200 else answer.status


OWNERS = ({}, {"Origin": "http://localhost:3000"}, {"Origin": "https://127.0.0.1"}, {"Origin": "https://mine.example"})
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://127.0.0.1.evil.example:80"},
    {"Origin": "https://evil.example/?http://localhost"},
    {"Host": "evil.example"},  # a name that was made to lead to this machine
    {"Host": "evil.example", "Origin": "http://evil.example"},
)


@pytest.mark.parametrize("ask", [by_socket, by_post])
@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_is_not_let_in(node: NodeProcess, ask: Any, headers: dict[str, str]) -> None:
    assert await ask(node, headers, "system_chain") == 403


@pytest.mark.parametrize("ask", [by_socket, by_post])
@pytest.mark.parametrize("headers", OWNERS)
async def test_programs_and_pages_of_this_machine_may_do_everything(
    node: NodeProcess, ask: Any, headers: dict[str, str]
) -> None:
    assert (await ask(node, headers, "sandbox_info"))["result"]["manual"] is True


@pytest.mark.parametrize("ask", [by_socket, by_post])
async def test_the_explorer_that_nodes_let_in_is_no_developer(node: NodeProcess, ask: Any) -> None:
    headers = {"Origin": "https://polkadot.js.org"}
    assert (await ask(node, headers, "system_chain"))["result"]
    assert (await ask(node, headers, "sandbox_makeBlocks"))["error"]["code"] == -32601
    listed = (await ask(node, headers, "rpc_methods"))["result"]["methods"]
    assert "author_submitExtrinsic" in listed and not [name for name in listed if name.startswith("sandbox_")]
    everything = (await ask(node, {}, "rpc_methods"))["result"]["methods"]
    assert "sandbox_makeBlocks" in everything and set(listed) < set(everything)


async def test_a_browser_is_told_which_pages_may_post(node: NodeProcess) -> None:
    url = node.endpoint.replace("ws", "http", 1)
    async with aiohttp.ClientSession() as session:
        async with session.options(url, headers={"Origin": "https://mine.example"}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "https://mine.example"
        async with session.options(url, headers={"Origin": "https://evil.example"}) as answer:
            assert answer.status == 403 and "Access-Control-Allow-Origin" not in answer.headers


async def test_every_listed_method_is_served(node: NodeProcess) -> None:
    for name in (await by_post(node, {}, "rpc_methods"))["result"]["methods"]:
        if name not in ("sandbox_makeBlocks", "sandbox_reorg"):
            answer = await by_post(node, {}, name)
            assert answer.get("error", {}).get("message") != "Method not found" or "subscribe" in name.lower(), name


@pytest.mark.parametrize(
    ("params", "code", "data"),
    [
        ([], -32602, "No more params"),
        ([7], -32602, "parameter 1 has the wrong type"),
        (["0xzz"], -32602, "not hex"),
        (["0x00", "0x11"], 4003, None),
        (["0x00", "0x" + "11" * 32], 4003, None),
    ],
)
async def test_bad_parameters_are_refused_as_a_node_does(node: NodeProcess, params: Any, code: int, data: Any) -> None:
    url = node.endpoint.replace("ws", "http", 1)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "state_getStorage", "params": params})
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as answer:
        error = json.loads(await answer.text())["error"]
    assert (error["code"], error.get("data")) == (code, data)
    assert error["message"] == "Invalid params" or "Header was not found in the database" in error["message"]


async def test_all_origins_can_be_allowed(tmp_path: Path) -> None:
    process = NodeProcess(tmp_path / "open", "--manual", "--allow-origin", "all")
    try:
        assert (await by_socket(process, {"Origin": "https://anywhere.example"}, "sandbox_info"))["result"]
    finally:
        assert process.stop() == 0
