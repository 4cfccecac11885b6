"""The local API: typed commands over HTTP, events over a WebSocket, on a socket that only its owner can open."""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import secrets
import socket
import sys
import time
import weakref
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import WSCloseCode, web

from ranvier.agent.api.endpoint import Endpoint, endpoint_file, socket_path, write_endpoint
from ranvier.agent.api.hub import Hub, Subscription
from ranvier.agent.api.messages import Command, StatusEvent
from ranvier.core.errors import AgentError, Cancelled, ErrorData, RanvierError
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths, private_folder
from ranvier.core.tasks import Tasks

log = logging.getLogger(__name__)

Handler = Callable[[Any], Awaitable[Any]]

_LARGEST_COMMAND = 1 << 20


class Server:
    """Serves ``handlers`` (by command class) and the hub's events until ``close``.

    ``status`` makes the first event that a new listener gets. One agent at a time: the caller holds the lock.
    """

    def __init__(
        self,
        paths: Paths,
        handlers: Mapping[type[Command[Any]], Handler],
        hub: Hub,
        status: Callable[[], StatusEvent],
        *,
        tcp: bool = sys.platform == "win32",
    ) -> None:
        self._paths = paths
        self._handlers = {command.__name__: (command, handler) for command, handler in handlers.items()}
        self._hub = hub
        self._status = status
        self._tcp = tcp
        self._token = secrets.token_urlsafe(32) if tcp else None
        self._sockets: weakref.WeakSet[web.WebSocketResponse] = weakref.WeakSet()
        self._runner: web.AppRunner | None = None
        self._socket: Path | None = None

    async def open(self) -> Endpoint:
        """Listen, and tell clients where. Raises AgentError when the socket cannot be made."""
        app = web.Application(client_max_size=_LARGEST_COMMAND, middlewares=[self._guard])
        app.router.add_post("/call/{name}", self._call)
        app.router.add_get("/events", self._events)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        try:
            listener = self._listener()
            await web.SockSite(self._runner, listener).start()
        except OSError as error:
            raise AgentError("Agent cannot listen", f"{error.strerror or error}.", "Check the data folder.") from error
        endpoint = Endpoint(
            pid=os.getpid(),
            started=time.time(),
            socket=None if self._socket is None else str(self._socket),
            port=listener.getsockname()[1] if self._tcp else None,
            token=self._token,
        )
        write_endpoint(self._paths, endpoint)
        return endpoint

    async def close(self) -> None:
        """Hang up on everybody and take the socket away."""
        if self._runner is None:
            return
        with contextlib.suppress(OSError):
            endpoint_file(self._paths).unlink()
        for one in list(self._sockets):
            with contextlib.suppress(ConnectionError):
                await one.close(code=WSCloseCode.GOING_AWAY)
        await self._runner.cleanup()
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)

    def _listener(self) -> socket.socket:
        if sys.platform == "win32" or self._tcp:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.bind(("127.0.0.1", 0))
            return listener
        self._socket = socket_path(self._paths)
        private_folder(self._socket.parent)
        self._socket.unlink(missing_ok=True)  # the lock is ours, so whoever made it is dead
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(self._socket))
        finally:
            os.umask(before)
        return listener

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self._token is not None:
            shown = request.headers.get("Authorization", "")
            if not hmac.compare_digest(shown.encode(), f"Bearer {self._token}".encode()):
                return web.Response(status=401)
        return await handler(request)

    async def _call(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._handlers:
            return web.Response(status=404)
        kind, handler = self._handlers[name]
        try:
            command = msgspec.json.decode(await request.read() or b"{}", type=kind)
        except NOT_JSON as error:
            return _refusal(ErrorData("AgentError", "Not understood", f"{name}: {error}."))
        try:
            result = await handler(command)
        except RanvierError as error:
            return _refusal(error.data())
        except Cancelled:
            return _refusal(ErrorData("Cancelled", "Cancelled", "It was cancelled."))
        except Exception:
            log.exception("%s failed", name)
            return _refusal(
                ErrorData("AgentError", "Agent error", f"{name} failed; the agent goes on.", "Its log has the details.")
            )
        return web.Response(body=msgspec.json.encode(result), content_type="application/json")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.WebSocketResponse(heartbeat=20.0)
        await response.prepare(request)
        self._sockets.add(response)
        with self._hub.subscribe() as subscription:
            await response.send_str(msgspec.json.encode(self._status()).decode())
            sending = Tasks()
            sending.start(_send_all(response, subscription), "events to a listener")
            try:
                async for _ in response:  # a listener says nothing; this ends when it hangs up
                    pass
            finally:
                await sending.close()
        return response


async def _send_all(response: web.WebSocketResponse, subscription: Subscription) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await response.send_str((await subscription.next()).decode())


def _refusal(error: ErrorData) -> web.Response:
    return web.Response(status=422, body=msgspec.json.encode(error), content_type="application/json")
