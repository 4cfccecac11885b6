"""JSON-RPC over one WebSocket, blocking, with a time-out for every answer. Used on a connection's worker thread.

Several requests may be under way at once: they are sent together and their answers collected, so that a refresh
costs round trips and not requests.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import websocket
from substrateinterface import SubstrateInterface

from ranvier.chain.errors import RpcError, rpc_error

_ROUND = 64


class DroppedError(Exception):
    """The socket is gone or silent; what was asked may or may not have arrived."""


@dataclass(slots=True)
class Traffic:
    """What went over the wire: requests, round trips, and bytes of JSON text each way."""

    requests: int = 0
    rounds: int = 0
    sent: int = 0
    received: int = 0


class Wire:
    """One open socket. Raises DroppedError for anything that makes it useless, RpcError for the node's own errors."""

    def __init__(self, endpoint: str, timeout_s: float, traffic: Traffic) -> None:
        self._traffic = traffic
        self._next = 0
        try:
            # substrate-interface makes and owns the socket. Requests go over it in rounds: its own ``rpc_request``
            # waits for each answer before it sends the next, and its type decoder needs seconds where ours needs
            # milliseconds (codec.py), so neither is used. The socket's own check of UTF-8 goes through each byte in
            # Python, half of the time of a large answer; decoding the text checks it as well.
            options = {"timeout": timeout_s, "skip_utf8_validation": True}
            self._node = SubstrateInterface(url=endpoint, ss58_format=42, auto_discover=False, ws_options=options)
            self._socket: Any = self._node.websocket
        except (OSError, websocket.WebSocketException, ValueError) as error:
            raise DroppedError(reason(error)) from error
        if self._socket is None:
            raise DroppedError("the address is not a ws:// or wss:// one")

    def request(self, method: str, params: Sequence[Any]) -> Any:
        (answer,) = self.request_many([(method, params)])
        if isinstance(answer, RpcError):
            raise answer
        return answer

    def request_many(self, questions: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The answers in order; a question that the node refuses has an RpcError as its answer."""
        found: list[Any] = []
        for start in range(0, len(questions), _ROUND):
            found += self._round(questions[start : start + _ROUND])
        return found

    def _round(self, questions: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        waiting: dict[int, int] = {}
        answers: list[Any] = [None] * len(questions)
        try:
            for place, (method, params) in enumerate(questions):
                self._next += 1
                waiting[self._next] = place
                text = json.dumps({"jsonrpc": "2.0", "id": self._next, "method": method, "params": list(params)})
                self._traffic.sent += len(text)
                self._socket.send(text)
            self._traffic.requests += len(questions)
            self._traffic.rounds += 1
            while waiting:
                raw = self._socket.recv()
                if not raw:
                    raise DroppedError("the connection was closed")
                self._traffic.received += len(raw)
                message = json.loads(raw)
                if not isinstance(message, dict) or message.get("id") not in waiting:
                    continue  # a late answer, or word of a subscription
                error = message.get("error")
                answer = rpc_error(error) if error is not None else message.get("result")
                answers[waiting.pop(message["id"])] = answer
        except (OSError, websocket.WebSocketException, ValueError) as error:
            raise DroppedError(reason(error)) from error
        return answers

    def abort(self) -> None:
        """Called from another thread: end the socket, so that a waiting request fails at once."""
        with contextlib.suppress(OSError, AttributeError):
            if self._socket.sock is not None:
                self._socket.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError, websocket.WebSocketException, AttributeError):
            self._socket.shutdown()


def reason(error: BaseException) -> str:
    """Why a socket failed, in a few words."""
    if isinstance(error, TimeoutError) or "timed out" in str(error).lower():
        return "it took too long"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (socket.gaierror, websocket.WebSocketAddressException)):
        return "its name is not known"
    if isinstance(error, (DroppedError, RpcError)):
        return str(error)
    return getattr(error, "strerror", None) or "the connection broke"
