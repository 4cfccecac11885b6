"""The thread's side of a connection: a socket to one endpoint at a time, the next one when it fails.

Imported on the worker thread only: it loads substrate-interface (0.4 s).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from typing import Any

from substrateinterface import SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException
from websocket import WebSocketException

from ranvier.chain import codec
from ranvier.chain.codec import SS58_PREFIX, Runtime
from ranvier.chain.errors import RpcError, rpc_error
from ranvier.chain.runtime_apis import VERSION, RuntimeApis
from ranvier.core.errors import NetworkError

_PAGE = 1000


class _DroppedError(Exception):
    """The socket is gone or silent; what was asked may or may not have arrived."""


class Session:
    """Requests to a network over one socket. Every method blocks for at most a few time-outs.

    ``genesis`` given: every endpoint must have it; not given: the first one answered by is kept from then on.
    """

    def __init__(self, title: str, endpoints: Sequence[str], genesis: str | None, timeout_s: float) -> None:
        self._title = title
        self._endpoints = tuple(endpoints)
        self._timeout_s = timeout_s
        self._interface: SubstrateInterface | None = None
        self._apis: dict[int, RuntimeApis] = {}
        self._upgraded: Any = None
        self._closed = False
        self.genesis = genesis
        self.endpoint: str | None = None
        self.runtime: Runtime | None = None

    def open(self) -> None:
        """Connect to the first endpoint that answers and is the right network; raises NetworkError."""
        self._drop()
        if not self._endpoints:
            raise NetworkError("No endpoint", f"No address of a node is known for {self._title}.")
        failures: list[NetworkError] = []
        start = self._endpoints.index(self.endpoint) if self.endpoint in self._endpoints else 0
        for endpoint in self._endpoints[start:] + self._endpoints[:start]:
            if self._closed:
                break
            try:
                self._open_one(endpoint)
                return
            except NetworkError as error:
                self._drop()
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        raise NetworkError(
            "Network unreachable",
            f"None of the {len(failures)} nodes of {self._title} answers. " + (failures[0].message if failures else ""),
            "Check the internet connection; it is tried again by itself.",
        )

    def read(self, method: str, params: list[Any]) -> Any:
        """A request that changes nothing: asked once more, elsewhere if need be, when the socket drops."""
        for last in (False, True):
            if self._interface is None:
                self.open()
            try:
                return self._request(method, params)
            except _DroppedError as error:
                self._drop()
                if last:
                    raise self._unreachable(str(error)) from error
        raise AssertionError("unreachable")

    def send(self, method: str, params: list[Any]) -> Any:
        """A request that may change something: sent once, over a socket that has just answered."""
        self.read("chain_getHead", [])
        try:
            return self._request(method, params)
        except _DroppedError as error:
            self._drop()
            raise NetworkError(
                "Connection lost",
                f"The connection broke while {method} was under way; whether it arrived is not known.",
                "Look at the account before doing it again.",
            ) from error

    def values(self, keys: Sequence[str], block_hash: str) -> dict[str, str]:
        """The raw values of storage keys at one block, in one request; missing keys are missing."""
        answer = self.read("state_queryStorageAt", [list(keys), block_hash])
        changes = answer[0]["changes"] if answer else []
        return {key: value for key, value in changes if value is not None}

    def keys(self, prefix: str, block_hash: str) -> list[str]:
        """Every storage key below ``prefix`` at one block."""
        found: list[str] = []
        while True:
            start = [found[-1]] if found else [None]
            page = self.read("state_getKeysPaged", [prefix, _PAGE, *start, block_hash])
            found += page
            if len(page) < _PAGE:
                return found

    def refresh_runtime(self, upgraded: Any = None) -> Runtime:
        """The runtime of the chain now; ``upgraded`` is the chain's mark of its last upgrade, if it has been read."""
        if self.runtime is not None and upgraded is not None and upgraded == self._upgraded:
            return self.runtime
        version = self.read("state_getRuntimeVersion", [])
        spec, transaction = int(version["specVersion"]), int(version["transactionVersion"])
        genesis = self.genesis or ""
        runtime = codec.known_runtime(genesis, spec)
        if runtime is None:
            metadata = bytes.fromhex(self.read("state_getMetadata", [])[2:])
            runtime = codec.decode_runtime(genesis, spec, transaction, metadata)
        self.runtime, self._upgraded = runtime, upgraded
        return runtime

    def apis(self) -> RuntimeApis:
        """The runtime calls by V15 metadata, fetched and decoded when first asked for."""
        runtime = self.runtime or self.refresh_runtime()
        if runtime.spec_version not in self._apis:
            question = VERSION.to_bytes(4, "little").hex()
            answer = self.read("state_call", ["Metadata_metadata_at_version", "0x" + question])
            self._apis[runtime.spec_version] = RuntimeApis(bytes.fromhex(answer[2:]))
        return self._apis[runtime.spec_version]

    def abort(self) -> None:
        """Called from another thread: end the socket, so that a waiting request fails at once."""
        self._closed = True
        interface = self._interface
        if interface is not None and interface.websocket is not None:
            with contextlib.suppress(OSError, AttributeError):
                interface.websocket.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._closed = True
        self._drop()

    def _open_one(self, endpoint: str) -> None:
        try:
            self._interface = SubstrateInterface(
                url=endpoint,
                ss58_format=SS58_PREFIX,
                auto_discover=False,
                auto_reconnect=False,
                ws_options={"timeout": self._timeout_s},
            )
            genesis = self._request("chain_getBlockHash", [0])
        except (_DroppedError, OSError, WebSocketException, ValueError) as error:
            raise self._unreachable(_reason(error), endpoint) from error
        if self.genesis is not None and genesis != self.genesis:
            raise NetworkError(
                "Another network",
                f"{endpoint} is not {self._title}: its first block is {str(genesis)[:18]}…, not {self.genesis[:18]}….",
                "Nothing was signed or sent. Choose another endpoint, or the network that it belongs to.",
            )
        self.genesis, self.endpoint = genesis, endpoint
        self.refresh_runtime()

    def _request(self, method: str, params: list[Any]) -> Any:
        if self._interface is None or self._closed:
            raise _DroppedError("not connected")
        try:
            return self._interface.rpc_request(method, params).get("result")
        except SubstrateRequestException as error:
            raise rpc_error(error.args[0] if error.args else "") from error
        except (OSError, WebSocketException, ValueError) as error:
            raise _DroppedError(_reason(error)) from error

    def _drop(self) -> None:
        interface, self._interface = self._interface, None
        if interface is not None and interface.websocket is not None:
            with contextlib.suppress(OSError, WebSocketException, AttributeError):
                interface.websocket.shutdown()

    def _unreachable(self, reason: str, endpoint: str | None = None) -> NetworkError:
        return NetworkError(
            "Network unreachable",
            f"{endpoint or self.endpoint or self._title} does not answer ({reason}).",
            "Check the endpoint and the internet connection; it is tried again by itself.",
        )


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error).lower():
        return "it took too long"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, (_DroppedError, RpcError)):
        return str(error)
    return getattr(error, "strerror", None) or "the connection broke"
