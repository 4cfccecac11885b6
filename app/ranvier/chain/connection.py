"""One connection to one network: awaited from asyncio, run on a thread of its own, reads pinned to one block."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ranvier.chain.model import BlockRef
from ranvier.chain.networks import Network
from ranvier.chain.runtime.events import Event
from ranvier.chain.worker import Worker
from ranvier.core.errors import ChainError, NetworkError

if TYPE_CHECKING:
    from pathlib import Path

    from ranvier.chain.runtime.codec import Item, Runtime
    from ranvier.chain.session import Session

T = TypeVar("T")
Read = tuple[str, str, Sequence[Any]]
_READ_ONLY = ("chain_", "state_", "system_", "payment_", "rpc_", "sandbox_info")
_SLACK_S = 10.0


class Connection:
    """Reads and requests to a network. Not tied to a loop; ``close`` it when done.

    ``endpoints`` (the user's own nodes) are asked before the network's. After a broken socket reads are asked once
    more, over the next endpoint if need be; nothing that changes the chain is ever sent twice. ``cache`` is a folder
    in which decoded metadata is kept, so that the next start needs neither its download nor its decoding.
    """

    def __init__(
        self, network: Network, *, endpoints: Sequence[str] = (), timeout_s: float = 15.0, cache: Path | None = None
    ) -> None:
        self.network = network
        # A practice network's description may change with this program while its version stays: it is never kept.
        self._cache = None if network.name == "sandbox" else cache
        self._endpoints = tuple(dict.fromkeys((*endpoints, *network.endpoints)))
        self._timeout_s = timeout_s
        self._worker = Worker(f"chain {network.name}")
        self._session: Session | None = None

    # Life

    async def open(self) -> None:
        """Connect, check that it is the right network, learn its types. Raises NetworkError, ChainError."""

        def opening() -> None:
            from ranvier.chain.runtime.metadata_cache import MetadataCache
            from ranvier.chain.session import Session

            genesis, cache = self.network.genesis, MetadataCache(self._cache)
            session = Session(self.network.title, self._endpoints, genesis, self._timeout_s, cache)
            self._session = session
            session.open()

        await self._run(opening)

    async def close(self) -> None:
        """End it, also in the middle of a request; never waits for the network."""
        session = self._session
        if session is not None:
            session.abort()
        try:
            await self._worker.close()
        finally:  # a second cancellation must not leave the socket open
            if session is not None:
                session.close()

    @property
    def endpoint(self) -> str | None:
        """The endpoint in use; None before the first connection."""
        return self._session.endpoint if self._session is not None else None

    @property
    def traffic(self) -> tuple[int, int, int, int]:
        """Since the start: requests, round trips, bytes sent, bytes received (of JSON text)."""
        session = self._session
        if session is None:
            return 0, 0, 0, 0
        traffic = session.traffic
        return traffic.requests, traffic.rounds, traffic.sent, traffic.received

    @property
    def genesis_hash(self) -> str | None:
        return self._session.genesis if self._session is not None else self.network.genesis

    @property
    def spec_version(self) -> int | None:
        runtime = self._session.runtime if self._session is not None else None
        return runtime.spec_version if runtime is not None else None

    @property
    def runtime(self) -> Runtime:
        """The chain's types as last seen; raises NetworkError before ``open``."""
        runtime = self._session.runtime if self._session is not None else None
        if runtime is None:
            raise NetworkError("Not connected", f"There is no connection to {self.network.title} yet.")
        return runtime

    def has_item(self, pallet: str, item: str) -> bool:
        """Whether the chain has a storage item now (``runtime_at`` for a block of the past)."""
        return self.runtime.has_item(pallet, item)

    def has_call(self, pallet: str, call: str) -> bool:
        return self.runtime.has_call(pallet, call)

    def has_event(self, pallet: str, event: str) -> bool:
        return self.runtime.has_event(pallet, event)

    def constant(self, pallet: str, name: str) -> Any:
        """A constant of the runtime; None when it has none of that name."""
        return self.runtime.constant(pallet, name)

    # Blocks

    async def head(self) -> BlockRef:
        """The best block now. A runtime upgrade is noticed here."""

        def asking(session: Session) -> BlockRef:
            found = self._noted(session, *session.best(_block_keys()))
            if session.runtime_at(found.hash) is not session.runtime:
                session.refresh_runtime()
            return found

        return await self._ask(asking)

    async def block(self, number: int) -> BlockRef:
        """The block of that height; raises ChainError when there is none (yet) or its state is gone."""

        def asking(session: Session) -> BlockRef:
            block_hash = session.read("chain_getBlockHash", [number])
            if block_hash is None:
                raise ChainError("No such block", f"Block {number} does not exist yet.")
            return self._block(session, block_hash)

        return await self._ask(asking)

    async def blocks(self, numbers: Sequence[int]) -> list[BlockRef | ChainError]:
        """The blocks of those heights, in order, in two rounds; a ChainError for each that ``block`` would refuse."""

        def asking(session: Session) -> list[BlockRef | ChainError]:
            found: list[Any] = session.read_many([("chain_getBlockHash", [number]) for number in numbers])
            for place, number in enumerate(numbers):
                if found[place] is None:
                    found[place] = ChainError("No such block", f"Block {number} does not exist yet.")
            known = [place for place, one in enumerate(found) if isinstance(one, str)]
            raw = session.values_each([(_block_keys(), found[place]) for place in known])
            for place, values in zip(known, raw, strict=True):
                if isinstance(values, ChainError):
                    found[place] = values
                else:
                    found[place] = self._noted(session, found[place], values)
            return found

        return await self._ask(asking)

    @staticmethod
    def _block(session: Session, block_hash: str) -> BlockRef:
        return Connection._noted(session, block_hash, session.values(_block_keys(), block_hash))

    @staticmethod
    def _noted(session: Session, block_hash: str, raw: dict[str, str]) -> BlockRef:
        number, now, upgrade = _block_keys()
        session.note_spec(block_hash, raw.get(upgrade))
        height, time_ms = (_little(raw.get(key)) for key in (number, now))
        return BlockRef(height, block_hash, time_ms or None)

    async def runtime_at(self, at: BlockRef) -> Runtime:
        """The runtime whose types and rules the block has; every read decodes with it."""
        return await self._ask(lambda session: session.runtime_at(at.hash))

    # Storage

    async def read(self, items: Sequence[Read], at: BlockRef) -> list[Any]:
        """Decoded values of (pallet, item, keys), in order, all at one block and in one request.

        What is missing reads as the item's default, or None. Raises ChainError when the chain has no such item.
        """
        values, _, _ = await self.together(at, reads=items)
        return values

    async def together(
        self, at: BlockRef, *, reads: Sequence[Read] = (), listed: Sequence[Read] = (), calls: Sequence[Read] = ()
    ) -> tuple[list[Any], list[list[tuple[Any, ...]]], list[Any]]:
        """In one round trip about one block: values as ``read`` gives them, for each (pallet, item, first keys) of
        ``listed`` the rest of each key below them, and what ``runtime_calls`` gives."""

        def asking(session: Session) -> tuple[list[Any], list[list[tuple[Any, ...]]], list[Any]]:
            runtime = session.runtime_at(at.hash)
            items = [runtime.item(pallet, name) for pallet, name, _ in reads]
            keys = [runtime.key(pallet, name, params) for pallet, name, params in reads]
            prefixes = [runtime.key(pallet, name, params) for pallet, name, params in listed]
            asked = []
            if calls:
                apis = session.apis(at.hash)
                asked = [(f"{api}_{name}", apis.encode(api, name, params)) for api, name, params in calls]
            raw, below, answers = session.together(keys, prefixes, asked, at.hash)
            return (
                [runtime.value(item, raw.get(key)) for item, key in zip(items, keys, strict=True)],
                [
                    [runtime.map_keys(runtime.item(pallet, name), key, len(params)) for key in found]
                    for (pallet, name, params), found in zip(listed, below, strict=True)
                ],
                [
                    answer if isinstance(answer, ChainError) else apis.decode(api, name, answer)
                    for (api, name, _), answer in zip(calls, answers, strict=True)
                ],
            )

        return await self._ask(asking)

    async def read_each(self, wanted: Sequence[tuple[BlockRef, Sequence[Read]]]) -> list[list[Any] | ChainError]:
        """``read`` at several blocks in one round, each decoded with its own block's types; what the node refuses is
        a ChainError in its place. The item ``System.Events`` is given as ``events`` gives it.
        """

        def asking(session: Session) -> list[list[Any] | ChainError]:
            keys: list[list[str]] = []
            for at, items in wanted:
                runtime = session.runtime_at(at.hash)
                keys.append([runtime.key(pallet, name, params) for pallet, name, params in items])
            raw = session.values_each([(few, at.hash) for few, (at, _) in zip(keys, wanted, strict=True)])
            found: list[list[Any] | ChainError] = []
            for (at, items), few, values in zip(wanted, keys, raw, strict=True):
                if isinstance(values, ChainError):
                    found.append(values)
                    continue
                runtime = session.runtime_at(at.hash)
                found.append(
                    [
                        runtime.events(values.get(key))
                        if (pallet, name) == ("System", "Events")
                        else runtime.value(runtime.item(pallet, name), values.get(key))
                        for (pallet, name, _), key in zip(items, few, strict=True)
                    ]
                )
            return found

        return await self._ask(asking)

    async def read_prefix(
        self, pallet: str, item: str, params_prefix: Sequence[Any], at: BlockRef
    ) -> list[tuple[tuple[Any, ...], Any]]:
        """Every entry of a map below its first keys: (the keys that follow, decoded; the value)."""

        def asking(session: Session) -> list[tuple[tuple[Any, ...], Any]]:
            runtime = session.runtime_at(at.hash)
            found: Item = runtime.item(pallet, item)
            keys = session.keys(runtime.key(pallet, item, params_prefix), at.hash)
            raw = session.values(keys, at.hash) if keys else {}
            given = len(params_prefix)
            return [(runtime.map_keys(found, k, given), runtime.value(found, raw[k])) for k in keys if k in raw]

        return await self._ask(asking)

    async def events(self, at: BlockRef) -> tuple[Event, ...]:
        """Everything that happened in the block."""

        def asking(session: Session) -> tuple[Event, ...]:
            runtime = session.runtime_at(at.hash)
            key = runtime.item("System", "Events").prefix
            return runtime.events(session.values([key], at.hash).get(key))

        return await self._ask(asking)

    # Requests

    async def runtime_call(self, api: str, method: str, params: Sequence[Any], at: BlockRef) -> Any:
        """The decoded answer of a runtime call; the first one fetches the V15 metadata if it is not on disk."""
        (answer,) = await self.runtime_calls([(api, method, params)], at)
        if isinstance(answer, ChainError):
            raise answer
        return answer

    async def runtime_calls(self, calls: Sequence[Read], at: BlockRef) -> list[Any]:
        """Several runtime calls in one round trip: each a value, or the ChainError with which the node refused it."""
        _, _, answers = await self.together(at, calls=calls)
        return answers

    async def has_api(self, api: str, method: str, at: BlockRef) -> bool:
        """Whether that block's runtime has a runtime call with a typed answer."""

        def asking(session: Session) -> bool:
            try:
                return session.apis(at.hash).typed(api, method)
            except ChainError:  # it offers no V15 metadata
                return False

        return await self._ask(asking)

    async def rpc(self, method: str, params: Sequence[Any]) -> Any:
        """The ``result`` of any JSON-RPC request; raises RpcError (a ChainError) for the node's own errors.

        Only requests that are known to change nothing are asked again after a broken connection.
        """

        def asking(session: Session) -> Any:
            if method.startswith(_READ_ONLY):
                return session.read(method, list(params))
            return session.send(method, list(params))

        return await self._ask(asking)

    async def rpc_many(self, questions: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Several requests that change nothing, sent together; one that the node refuses has an RpcError as answer."""
        if not all(method.startswith(_READ_ONLY) for method, _ in questions):
            raise ValueError("only what changes nothing is asked together")
        return await self._ask(lambda session: session.read_many(questions))

    async def current_runtime(self) -> Runtime:
        """The runtime that the chain has this moment, asked for anew: before something is signed."""
        return await self._ask(lambda session: session.refresh_runtime())

    async def compute(self, work: Callable[[Runtime], T]) -> T:
        """Run ``work`` with the chain's types on the connection's thread (encoding and decoding take time)."""
        return await self._ask(lambda session: work(session.runtime or session.refresh_runtime()))

    async def _ask(self, call: Callable[[Session], T]) -> T:
        session = self._session
        if session is None:
            raise NetworkError("Not connected", f"There is no connection to {self.network.title} yet.")
        return await self._run(lambda: call(session))

    async def _run(self, call: Callable[[], T]) -> T:
        limit = 2 * self._timeout_s * max(1, len(self._endpoints)) + _SLACK_S
        try:
            async with asyncio.timeout(limit):
                return await self._worker.run(call)
        except TimeoutError:
            raise NetworkError(
                "Network too slow",
                f"{self.network.title} did not answer within {limit:.0f} seconds.",
                "It is tried again by itself; another endpoint may be faster.",
            ) from None


def _block_keys() -> list[str]:
    """Height, time and runtime version: these three look alike on every chain."""
    from ranvier.chain.runtime.codec import storage_prefix
    from ranvier.chain.session import UPGRADE_KEY

    return [storage_prefix("System", "Number"), storage_prefix("Timestamp", "Now"), UPGRADE_KEY]


def _little(raw: str | None) -> int:
    return int.from_bytes(bytes.fromhex(raw[2:]), "little") if raw else 0
