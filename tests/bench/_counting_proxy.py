"""A WebSocket proxy that counts what goes through it, so that any client's requests and bytes can be compared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, WSMsgType, web

_KINDS = (WSMsgType.TEXT, WSMsgType.BINARY)


@dataclass
class Counted:
    requests: int = 0
    sent: int = 0
    received: int = 0


class CountingProxy:
    """Forwards to ``target``; ``take()`` gives what was counted since the last time.

    ``delay_s`` is how far away the node seems: a whole round trip takes that much longer, whatever is sent together.
    """

    def __init__(self, target: str, delay_s: float = 0.0) -> None:
        self.target, self.counted, self.port = target, Counted(), 0
        self.delay_s = delay_s
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> CountingProxy:
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def endpoint(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def take(self) -> Counted:
        counted, self.counted = self.counted, Counted()
        return counted

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(max_msg_size=0)
        await client.prepare(request)
        async with ClientSession() as session, session.ws_connect(self.target, max_msg_size=0) as node:

            async def back() -> None:
                async for message in node:
                    if message.type not in _KINDS:
                        break
                    self.counted.received += len(message.data)
                    answers.put_nowait((loop.time() + self.delay_s, message))
                answers.put_nowait((0.0, None))

            async def deliver() -> None:
                while True:
                    due, message = await answers.get()
                    if message is None:
                        await client.close()
                        return
                    if due > loop.time():
                        await asyncio.sleep(due - loop.time())
                    await _pass_on(client, message)

            loop = asyncio.get_running_loop()
            answers: asyncio.Queue[tuple[float, Any]] = asyncio.Queue()
            delivering = asyncio.ensure_future(deliver())
            returning = asyncio.ensure_future(back())
            async for message in client:
                if message.type not in _KINDS:
                    break
                text = message.data if message.type is WSMsgType.TEXT else message.data.decode()
                self.counted.requests += text.count('"method"')
                self.counted.sent += len(text)
                await _pass_on(node, message)
            returning.cancel()
            delivering.cancel()
        return client


async def _pass_on(socket: Any, message: Any) -> None:
    if message.type is WSMsgType.TEXT:
        await socket.send_str(message.data)
    else:
        await socket.send_bytes(message.data)
