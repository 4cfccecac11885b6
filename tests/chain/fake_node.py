"""A node that answers what the test says, over a real socket: for silence, wrong answers and broken connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from chain import fixtures_343 as real

HEAD = "0x" + "aa" * 32


class FakeNode:
    """JSON-RPC over WebSocket with the real chain's metadata. ``state`` maps storage keys to hex values."""

    def __init__(self, genesis: str = real.GENESIS, port: int = 0, runtime: Any = None) -> None:
        self.genesis, self.port = genesis, port
        self.runtime = runtime  # another than the real chain's: known to the process already, so never described
        self.state: dict[str, str] = {}
        self.asked: list[str] = []
        self.silent = False
        self.answers: dict[str, Callable[[list[Any]], Any]] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    @property
    def endpoint(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> FakeNode:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        await self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def cut(self) -> None:
        """Break every connection."""
        for socket in list(self._sockets):
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0.05)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                question = json.loads(message.data)
                self.asked.append(question["method"])
                if self.silent:
                    continue
                await self._answer(socket, question)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _answer(self, socket: web.WebSocketResponse, question: dict[str, Any]) -> None:
        method, params = question["method"], question["params"]
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": question["id"]}
        try:
            result = self.answers[method](params) if method in self.answers else self._usual(method, params)
            if method == "author_submitAndWatchExtrinsic":
                await socket.send_json({**answer, "result": "sub"})
                for status in result:
                    if status is None:  # break the connection here
                        transport = socket._req.transport if socket._req is not None else None
                        assert transport is not None
                        transport.abort()
                        return
                    await socket.send_json({"jsonrpc": "2.0", "params": {"subscription": "sub", "result": status}})
                return
            answer["result"] = result
        except KeyError:
            answer["error"] = {"code": -32601, "message": "Method not found"}
        except ValueError as error:
            answer["error"] = error.args[0]
        await socket.send_json(answer)

    def _usual(self, method: str, params: list[Any]) -> Any:
        if method == "state_queryStorageAt":
            at = params[1] if len(params) > 1 else HEAD
            return [{"block": at, "changes": [[key, self.state.get(key)] for key in params[0]]}]
        if method == "state_getKeysPaged":
            after = params[2] or ""
            return sorted(key for key in self.state if key.startswith(params[0]) and key > after)[: params[1]]
        return {
            "chain_getHead": lambda: HEAD,
            "chain_getFinalizedHead": lambda: HEAD,
            "chain_getBlockHash": lambda: self.genesis if params == [0] else HEAD,
            "chain_getHeader": lambda: {"number": "0x64", "parentHash": HEAD},
            "state_getRuntimeVersion": lambda: {
                "specVersion": self.runtime.spec_version if self.runtime else 343,
                "transactionVersion": 1,
            },
            "state_getMetadata": lambda: real.V14.read_text().strip(),
        }[method]()

    def put(self, pallet: str, item: str, params: list[Any], value: bytes) -> None:
        runtime = self.runtime or real.runtime()
        self.state[runtime.key(pallet, item, params)] = "0x" + value.hex()
