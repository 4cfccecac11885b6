"""JSON-RPC 2.0: frames in, frames out, errors as a node gives them. Knows no method."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from ranvier.core.errors import RanvierError
from ranvier.core.outside import NOT_JSON
from ranvier.sandbox.node.waiting import Refused

log = logging.getLogger(__name__)

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
STATE_ERROR = 4003
_MAX_BATCH = 1000
_LETTERS = string.ascii_letters + string.digits


class RpcError(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


def bad_params(text: str) -> RpcError:
    return RpcError(INVALID_PARAMS, "Invalid params", text)


class Subscription:
    """One subscription of one connection: its notifications' method name, and how to end it."""

    def __init__(self, method: str, end: Callable[[], None]) -> None:
        self.method = method
        self.end = end
        self.id = "".join(secrets.choice(_LETTERS) for _ in range(16))


class Session(Protocol):
    """The connection behind a request, as methods see it."""

    def subscribe(self, method: str) -> Subscription:
        """A new subscription, to be completed with its ``end``; raises RpcError where there can be none."""
        ...

    def unsubscribe(self, subscription_id: str) -> bool: ...

    def notify(self, subscription: Subscription, result: Any) -> None: ...


Handler = Callable[[list[Any], Session], Any]
Methods = Mapping[str, Handler]


def handle_frame(frame: bytes | str, methods: Methods, session: Session) -> bytes | None:
    """The answer to one frame (a request or a batch), or None when it asks for none. Never raises."""
    try:
        request = msgspec.json.decode(frame)
    except NOT_JSON:
        return _encode(_error(None, RpcError(PARSE_ERROR, "Parse error")))
    if isinstance(request, list):
        if not request or len(request) > _MAX_BATCH:
            return _encode(_error(None, RpcError(INVALID_REQUEST, "Invalid request")))
        answers = [answer for one in request if (answer := _answer(one, methods, session)) is not None]
        return _encode(answers) if answers else None
    answer = _answer(request, methods, session)
    return None if answer is None else _encode(answer)


def _answer(request: Any, methods: Methods, session: Session) -> dict[str, Any] | None:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        identity = request.get("id") if isinstance(request, dict) else None
        return _error(identity, RpcError(INVALID_REQUEST, "Invalid request"))
    identity = request.get("id")
    try:
        result = _call(request["method"], request.get("params"), methods, session)
        answer = {"jsonrpc": "2.0", "result": result, "id": identity}
    except RpcError as error:
        answer = _error(identity, error)
    except Refused as refused:
        answer = _error(identity, RpcError(refused.code, refused.message, refused.data))
    except RanvierError as error:
        answer = _error(identity, RpcError(INTERNAL_ERROR, str(error)))
    except Exception:
        log.exception("%s failed", request["method"][:80])
        answer = _error(identity, RpcError(INTERNAL_ERROR, "Internal error"))
    return answer if "id" in request else None


def _call(name: str, params: Any, methods: Methods, session: Session) -> Any:
    handler = methods.get(name)
    if handler is None:
        raise RpcError(METHOD_NOT_FOUND, "Method not found")
    if params is None:
        params = []
    if isinstance(params, dict):
        params = list(params.values())
    if not isinstance(params, list):
        raise bad_params("an array is expected")
    return handler(params, session)


def _error(identity: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.body(), "id": identity}


def _encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def notification(subscription: Subscription, result: Any) -> bytes:
    params = {"subscription": subscription.id, "result": result}
    return _encode({"jsonrpc": "2.0", "method": subscription.method, "params": params})


def param(params: list[Any], index: int, kind: type | tuple[type, ...], *, optional: bool = False) -> Any:
    """One positional parameter of the right type; raises the error of a node when it is not."""
    value = params[index] if index < len(params) else None
    if value is None:
        if optional:
            return None
        raise bad_params("No more params")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise bad_params(f"parameter {index + 1} has the wrong type")
    return value


def hex_bytes(text: Any) -> bytes:
    """Bytes from hex text; as in a node the prefix 0x may be missing."""
    if not isinstance(text, str):
        raise bad_params("hex text is expected")
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise bad_params("not hex") from error


def hex_text(data: bytes) -> str:
    return f"0x{data.hex()}"
