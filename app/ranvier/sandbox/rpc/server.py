"""The socket: JSON-RPC over WebSocket and HTTP POST on loopback, with bounded frames, queues and subscriptions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from ranvier.core.tasks import Tasks
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.rpc.develop import Develop
from ranvier.sandbox.rpc.protocol import (
    METHOD_NOT_FOUND,
    Handler,
    RpcError,
    Subscription,
    handle_frame,
    notification,
)
from ranvier.sandbox.rpc.reads import Reads
from ranvier.sandbox.rpc.writes import Writes

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
_FRAME_BYTES = 4 << 20
_QUEUE_BYTES = 64 << 20
_SUBSCRIPTIONS = 16_384
_HEARTBEAT_S = 60.0
_LOCAL = r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_LOCAL_HOST = re.compile(_LOCAL)
_LOCAL_ORIGIN = re.compile(rf"https?://{_LOCAL}")
_FOREIGN_ORIGINS = frozenset({"https://polkadot.js.org"})  # what a node of its own accord lets in besides


class Doors:
    """Whom a browser may bring: any page can open a socket to this machine, and says which page it is (Origin).

    Programs send no Origin and may do everything; so may pages of this machine and of ``allowed`` origins ("all" for
    every one). A page of the few others that a node lets in too may use a node's methods, but not ``sandbox_*``.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(origin.rstrip("/") for origin in allowed)

    def refusal(self, request: web.Request) -> str | None:
        """Why a request is not let in, as a node says it."""
        if "all" in self._allowed:
            return None
        if not _LOCAL_HOST.fullmatch(request.host):  # a name that leads here is how a page gets round the Origin
            return "Provided Host header is not whitelisted.\n"
        origin = request.headers.get("Origin")
        if origin is None or self._owns(origin) or origin in _FOREIGN_ORIGINS:
            return None
        return "Origin of the request is not whitelisted.\n"

    def owner(self, request: web.Request) -> bool:
        """Whether it may use the developers' methods too."""
        origin = request.headers.get("Origin")
        return origin is None or self._owns(origin)

    def _owns(self, origin: str) -> bool:
        return "all" in self._allowed or origin in self._allowed or _LOCAL_ORIGIN.fullmatch(origin) is not None


class HttpSession:
    """A request that came by POST: there is nowhere to send notifications to."""

    def subscribe(self, method: str) -> Subscription:
        raise RpcError(METHOD_NOT_FOUND, "Subscriptions need a WebSocket")

    def unsubscribe(self, subscription_id: str) -> bool:
        return False

    def notify(self, subscription: Subscription, result: Any) -> None:
        raise RuntimeError("no subscription can exist here")


class SocketSession:
    """One WebSocket: a bounded queue out; who does not read loses the connection, not the node its memory."""

    def __init__(self, socket: web.WebSocketResponse, abort: Callable[[], None]) -> None:
        self._socket = socket
        self._abort = abort
        self._subscriptions: dict[str, Subscription] = {}
        self._out: deque[bytes] = deque()
        self._queued_bytes = 0
        self._held: list[bytes] | None = None
        self._wake = asyncio.Event()
        self.overrun = False

    def subscribe(self, method: str) -> Subscription:
        if len(self._subscriptions) >= _SUBSCRIPTIONS:
            raise RpcError(
                -32006, "Too many subscriptions on the connection", f"Exceeded max limit of {_SUBSCRIPTIONS}"
            )
        subscription = Subscription(method, lambda: None)
        self._subscriptions[subscription.id] = subscription
        return subscription

    def unsubscribe(self, subscription_id: str) -> bool:
        subscription = self._subscriptions.pop(subscription_id, None)
        if subscription is None:
            return False
        subscription.end()
        return True

    def notify(self, subscription: Subscription, result: Any) -> None:
        if subscription.id not in self._subscriptions:
            return
        frame = notification(subscription, result)
        if self._held is not None:
            self._held.append(frame)  # the answer with the subscription's id goes out first
        else:
            self._send(frame)

    def handle(self, frame: bytes | str, methods: Any) -> None:
        self._held = []
        try:
            answer = handle_frame(frame, methods, self)
        finally:
            held, self._held = self._held, None
        if answer is not None:
            self._send(answer)
        for one in held:
            self._send(one)

    def _send(self, frame: bytes) -> None:
        if self.overrun:
            return
        self._queued_bytes += len(frame)
        self._out.append(frame)
        if self._queued_bytes > _QUEUE_BYTES:
            self.overrun = True
            self._out.clear()
            self._abort()  # a polite close would wait for the very client that does not read
        self._wake.set()

    async def write(self) -> None:
        """Send what is queued until the connection ends."""
        while not self.overrun:
            await self._wake.wait()
            self._wake.clear()
            while self._out:
                frame = self._out.popleft()
                await self._socket.send_str(frame.decode())
                self._queued_bytes -= len(frame)

    def end(self) -> None:
        for subscription_id in tuple(self._subscriptions):
            self.unsubscribe(subscription_id)


def _lost(error: BaseException) -> None:
    """A client that went away while it was being written to."""
    log.debug("a connection was lost: %r", error)


def _listing(methods: Mapping[str, Handler]) -> Handler:
    """``rpc_methods``: what is served, itself included."""
    return lambda params, session: {"methods": sorted(methods)}


def _cors(request: web.Request) -> dict[str, str]:
    origin = request.headers.get("Origin")
    if origin is None:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Headers": "content-type", "Vary": "Origin"}


class RpcServer:
    """Serves one node."""

    def __init__(self, node: Node, snapshots: Path | None = None, origins: Collection[str] = ()) -> None:
        reads, writes = Reads(node), Writes(node)
        develop = Develop(node, self.drop_connections, snapshots)
        self._node = node
        self._doors = Doors(origins)
        self._node_methods = {**reads.methods(), **writes.methods()}
        self._methods = {**self._node_methods, **develop.methods()}
        for methods in (self._node_methods, self._methods):
            methods["rpc_methods"] = _listing(methods)
        self._sockets: set[web.WebSocketResponse] = set()
        self._transports: set[asyncio.Transport] = set()
        self._tasks = Tasks(on_error=_lost)
        app = web.Application(client_max_size=_FRAME_BYTES)
        app.router.add_get("/", self._socket)
        app.router.add_post("/", self._post)
        app.router.add_options("/", self._preflight)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        self.port = 0

    def drop_connections(self) -> int:
        """End every connection without a word, as a failing network does; how many there were."""
        transports = tuple(self._transports)
        for transport in transports:
            transport.abort()
        return len(transports)

    async def start(self, port: int) -> None:
        """Listen on loopback; port 0 takes a free one. Raises OSError when the port is taken."""
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, HOST, port, reuse_address=True)
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        for socket in tuple(self._sockets):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the practice network ends")
        await self._tasks.close()
        await self._runner.cleanup()

    async def _slowly(self) -> None:
        """The fault of slow answers."""
        if self._node.faults.slow_ms:
            await asyncio.sleep(self._node.faults.slow_ms / 1000)

    def _methods_for(self, request: web.Request) -> Mapping[str, Handler]:
        return self._methods if self._doors.owner(request) else self._node_methods

    async def _preflight(self, request: web.Request) -> web.Response:
        """A browser asks whether a page may POST."""
        refusal = self._doors.refusal(request)
        return web.Response(headers=_cors(request)) if refusal is None else web.Response(status=403, text=refusal)

    async def _post(self, request: web.Request) -> web.Response:
        refusal = self._doors.refusal(request)
        if refusal is not None:
            return web.Response(status=403, text=refusal)
        await self._slowly()
        answer = handle_frame(await request.read(), self._methods_for(request), HttpSession())
        return web.Response(body=answer or b"", content_type="application/json", headers=_cors(request))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=405, text="Used HTTP Method is not allowed. POST is required\n")
        refusal = self._doors.refusal(request)
        if refusal is not None:
            return web.Response(status=403, text=refusal)
        methods = self._methods_for(request)
        socket = web.WebSocketResponse(max_msg_size=_FRAME_BYTES, heartbeat=_HEARTBEAT_S, compress=False)
        await socket.prepare(request)
        transport = request.transport
        session = SocketSession(socket, transport.abort if transport is not None else lambda: None)
        self._sockets.add(socket)
        if transport is not None:
            self._transports.add(transport)
        writer = self._tasks.start(session.write(), "rpc writer")
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._slowly()
                    session.handle(message.data, methods)
        finally:
            self._sockets.discard(socket)
            if transport is not None:
                self._transports.discard(transport)
            session.end()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket
