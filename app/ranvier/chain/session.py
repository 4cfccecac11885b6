"""The thread's side of a connection: a socket to one endpoint at a time, the next one when it fails.

Imported on the worker thread only. Every block is read with the types of the runtime that made it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from ranvier.chain.errors import TOO_LONG_AGO, RpcError
from ranvier.chain.runtime import codec, metadata
from ranvier.chain.runtime.codec import Runtime
from ranvier.chain.runtime.metadata_cache import MetadataCache
from ranvier.chain.runtime.runtime_apis import VERSION, RuntimeApis
from ranvier.chain.runtime.values import read_compact
from ranvier.chain.wire import DroppedError, Traffic, Wire
from ranvier.core.errors import ChainError, NetworkError

_V14 = 14
_PAGE = 1000
_KEYS_PER_REQUEST = 3000
_REMEMBER = 32_768  # blocks whose runtime is known: a position of more than a year is looked at in one go
UPGRADE_KEY = codec.storage_prefix("System", "LastRuntimeUpgrade")


class Session:
    """Requests to a network over one socket. Every method blocks for at most a few time-outs.

    ``genesis`` given: every endpoint must have it; not given: the first one answered by is kept from then on.
    """

    def __init__(
        self,
        title: str,
        endpoints: Sequence[str],
        genesis: str | None,
        timeout_s: float,
        cache: MetadataCache | None = None,
    ) -> None:
        self._title = title
        self._endpoints = tuple(endpoints)
        self._timeout_s = timeout_s
        self._cache = cache or MetadataCache(None)
        self._wire: Wire | None = None
        self._apis: dict[int, RuntimeApis] = {}
        self._without_apis: set[int] = set()
        self._specs: dict[str, int] = {}
        self._closed = False
        self.traffic = Traffic()
        self.genesis = genesis
        self.endpoint: str | None = None
        self.runtime: Runtime | None = None

    # Sockets

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
            self._advice(),
        )

    def read(self, method: str, params: Sequence[Any]) -> Any:
        """A request that changes nothing: asked once more, elsewhere if need be, when the socket drops."""
        (answer,) = self.read_many([(method, params)])
        if isinstance(answer, RpcError):
            raise answer
        return answer

    def read_many(self, questions: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Several such requests, sent together; one that the node refuses has an RpcError as its answer."""
        for last in (False, True):
            if self._wire is None:
                self.open()
            try:
                return self._open_wire().request_many(questions)
            except DroppedError as error:
                self._drop()
                if last:
                    raise self._unreachable(str(error)) from error
        raise AssertionError("unreachable")

    def send(self, method: str, params: Sequence[Any]) -> Any:
        """A request that may change something: sent once, over a socket that has just answered."""
        self.read("chain_getHead", [])
        try:
            return self._open_wire().request(method, params)
        except DroppedError as error:
            self._drop()
            raise NetworkError(
                "Connection lost",
                f"The connection broke while {method} was under way; whether it arrived is not known.",
                "Look at the account before doing it again.",
            ) from error

    def abort(self) -> None:
        """Called from another thread: end the socket, so that a waiting request fails at once."""
        self._closed = True
        wire = self._wire
        if wire is not None:
            wire.abort()

    def close(self) -> None:
        self._closed = True
        self._drop()

    # State

    def values(self, keys: Sequence[str], block_hash: str) -> dict[str, str]:
        """The raw values of storage keys at one block, in one request (a few when there are thousands)."""
        return self.together(keys, (), (), block_hash)[0]

    def together(
        self, keys: Sequence[str], prefixes: Sequence[str], calls: Sequence[tuple[str, str]], block_hash: str
    ) -> tuple[dict[str, str], list[list[str]], list[Any]]:
        """In one round about one block: the raw values of storage keys, the keys below each prefix, and what runtime
        calls (name, arguments in hex) answer. A call that the node refuses has an RpcError as its answer."""
        parts = [keys[start : start + _KEYS_PER_REQUEST] for start in range(0, len(keys), _KEYS_PER_REQUEST)]
        answers = self.read_many(
            [("state_queryStorageAt", [list(part), block_hash]) for part in parts]
            + [("state_getKeysPaged", [prefix, _PAGE, None, block_hash]) for prefix in prefixes]
            + [("state_call", [name, arguments, block_hash]) for name, arguments in calls]
        )
        told, pages = answers[: len(parts)], answers[len(parts) : len(parts) + len(prefixes)]
        for answer in (*told, *pages):
            if isinstance(answer, RpcError):
                raise answer
        found = {
            key: value
            for answer in told
            for change in answer or ()
            for key, value in change["changes"]
            if value is not None
        }
        for prefix, page in zip(prefixes, pages, strict=True):
            self._rest(prefix, page, block_hash)
        return found, pages, answers[len(parts) + len(prefixes) :]

    def best(self, keys: Sequence[str]) -> tuple[str, dict[str, str]]:
        """The best block's hash and the raw values there, in one request: a node that is not told a block names it."""
        answer = self.read("state_queryStorageAt", [list(keys)])
        try:
            (change,) = answer
            return change["block"], {key: value for key, value in change["changes"] if value is not None}
        except (KeyError, TypeError, ValueError) as error:
            raise ChainError("Unreadable answer", "The node does not say which block its values are of.") from error

    def values_each(self, wanted: Sequence[tuple[Sequence[str], str]]) -> list[dict[str, str] | ChainError]:
        """``values`` of several (keys, block hash) in one round; what the node refuses is an error in its place."""
        answers = self.read_many([("state_queryStorageAt", [list(keys), at]) for keys, at in wanted])
        return [
            answer
            if isinstance(answer, RpcError)
            else {key: value for change in answer or () for key, value in change["changes"] if value is not None}
            for answer in answers
        ]

    def keys(self, prefix: str, block_hash: str) -> list[str]:
        """Every storage key below ``prefix`` at one block."""
        (found,) = self.together((), [prefix], (), block_hash)[1]
        return found

    def _rest(self, prefix: str, found: list[str], block_hash: str) -> None:
        """Append the pages that follow a first one that was full."""
        full = len(found) == _PAGE
        while full:
            page = self.read("state_getKeysPaged", [prefix, _PAGE, found[-1], block_hash])
            found += page
            full = len(page) == _PAGE

    # Runtimes

    def refresh_runtime(self) -> Runtime:
        """The runtime of the chain now: what is signed is made for it."""
        version = self.read("state_getRuntimeVersion", [])
        self.runtime = self._runtime(version, [], self.read)
        return self.runtime

    def note_spec(self, block_hash: str, upgraded: str | None) -> None:
        """Remember which runtime made a block: ``upgraded`` is the raw ``System.LastRuntimeUpgrade`` at it.

        In the block that brings new code it is still the old version, which is right: that block's events and
        state are of the old types.
        """
        if len(self._specs) >= _REMEMBER:
            self._specs.clear()
        if upgraded is not None:
            self._specs[block_hash] = read_compact(bytes.fromhex(upgraded[2:]), 0)[0]

    def runtime_at(self, block_hash: str) -> Runtime:
        """The runtime whose types a block's state and events have."""
        if block_hash not in self._specs:
            self.note_spec(block_hash, self.values([UPGRADE_KEY], block_hash).get(UPGRADE_KEY))
        spec = self._specs.get(block_hash)
        current = self.runtime or self.refresh_runtime()
        if spec == current.spec_version:
            return current
        known = codec.known_runtime(self.genesis or "", spec) if spec is not None else None
        if known is not None:
            return known
        version = self.read("state_getRuntimeVersion", [block_hash])
        described_at = block_hash
        if spec is not None and spec != int(version["specVersion"]):  # new code lies in its state already
            described_at = self.read("chain_getHeader", [block_hash])["parentHash"]
            version = self.read("state_getRuntimeVersion", [described_at])
        found = self._runtime(version, [described_at], self.read)
        self._specs[block_hash] = found.spec_version
        return found

    def apis(self, block_hash: str | None = None) -> RuntimeApis:
        """The runtime calls of a block's runtime by V15 metadata, fetched when first asked for."""
        runtime = self.runtime_at(block_hash) if block_hash else self.runtime or self.refresh_runtime()
        spec = runtime.spec_version
        if spec in self._without_apis:
            raise ChainError("Not supported", "This node offers no description of its runtime calls.")
        if spec not in self._apis:
            cached = self._cache.load(self.genesis or "", spec, VERSION)
            if cached is not None:
                self._apis[spec] = RuntimeApis(cached[1])
            else:
                question = "0x" + VERSION.to_bytes(4, "little").hex()
                at = [block_hash] if block_hash else []
                try:
                    answer = self.read("state_call", ["Metadata_metadata_at_version", question, *at])
                    self._apis[spec] = RuntimeApis(bytes.fromhex(answer[2:]))
                except ChainError as error:
                    if error.title != TOO_LONG_AGO:  # another node may still have that block
                        self._without_apis.add(spec)
                    raise
                self._cache.save(self.genesis or "", spec, runtime.transaction_version, self._apis[spec].index)
        return self._apis[spec]

    def _runtime(self, version: Any, at: list[str], ask: Callable[[str, Sequence[Any]], Any]) -> Runtime:
        """The runtime of a ``state_getRuntimeVersion`` answer: known, from disk, or described by the node."""
        genesis = self.genesis or ""
        spec, transaction = int(version["specVersion"]), int(version["transactionVersion"])
        known = codec.known_runtime(genesis, spec)
        if known is not None:
            return known
        cached = self._cache.load(genesis, spec, _V14)
        if cached is not None and cached[0] == transaction:
            return codec.decode_runtime(genesis, spec, transaction, cached[1])
        answer = ask("state_getMetadata", at)
        try:
            index = metadata.parse(bytes.fromhex(answer[2:]))
        except (TypeError, ValueError) as error:
            raise ChainError("Unknown metadata", "The node does not describe itself.") from error
        self._cache.save(genesis, spec, transaction, index)
        return codec.decode_runtime(genesis, spec, transaction, index)

    # Inside

    def _open_one(self, endpoint: str) -> None:
        try:
            self._wire = Wire(endpoint, self._timeout_s, self.traffic)
            genesis, version = self._open_wire().request_many(
                [("chain_getBlockHash", [0]), ("state_getRuntimeVersion", [])]
            )
        except DroppedError as error:
            raise self._unreachable(str(error), endpoint) from error
        if isinstance(genesis, RpcError):
            raise genesis
        if self.genesis is not None and genesis != self.genesis:
            raise NetworkError(
                "Another network",
                f"{endpoint} is not {self._title}: its first block is {str(genesis)[:18]}…, not {self.genesis[:18]}….",
                "Nothing was signed or sent. Choose another endpoint, or the network that it belongs to.",
            )
        self.genesis, self.endpoint = genesis, endpoint
        if isinstance(version, RpcError):
            raise version
        try:
            self.runtime = self._runtime(version, [], self._open_wire().request)
        except DroppedError as error:
            raise self._unreachable(str(error), endpoint) from error

    def _open_wire(self) -> Wire:
        if self._wire is None or self._closed:
            raise DroppedError("not connected")
        return self._wire

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.close()

    def _unreachable(self, reason: str, endpoint: str | None = None) -> NetworkError:
        return NetworkError(
            "Network unreachable",
            f"{endpoint or self.endpoint or self._title} does not answer ({reason}).",
            self._advice(),
        )

    def _advice(self) -> str:
        """A node on this machine does not need the internet."""
        local = all("://127.0.0.1" in endpoint or "://localhost" in endpoint for endpoint in self._endpoints)
        where = "that the node on this machine runs" if local else "the endpoint and the internet connection"
        return f"Check {where}; it is tried again by itself."
