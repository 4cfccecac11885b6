"""A runtime's types: storage keys, values, calls, events and errors by its metadata. Nothing here talks to a node.

A decoded runtime is a pure function of (genesis, spec version), so it is kept for the life of the process.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ranvier.chain.runtime import metadata
from ranvier.chain.runtime.events import Event
from ranvier.chain.runtime.metadata import Index, Pallet
from ranvier.chain.runtime.values import ValueFaultError, Values, fault, read_compact
from ranvier.core.errors import ChainError, RanvierError

SS58_PREFIX = 42
_HASH_BYTES = {"Blake2_128Concat": 16, "Twox64Concat": 8, "Identity": 0}

_known: dict[tuple[str, int], Runtime] = {}
_building = threading.Lock()


@dataclass(frozen=True, slots=True)
class Item:
    """One storage item: its prefix, how its keys are made and what its value is (type numbers)."""

    pallet: str
    name: str
    prefix: str
    hashers: tuple[str, ...]
    key_types: tuple[int, ...]
    value_type: int
    optional: bool
    default: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A decoded call; arguments that are calls themselves are Calls too."""

    pallet: str
    function: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.pallet}.{self.function}({', '.join(f'{k}={_shown(v)}' for k, v in self.arguments.items())})"


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_shown(one) for one in value)}]"
    return str(value)


def known_runtime(genesis: str, spec_version: int) -> Runtime | None:
    """The decoded runtime, if some connection of this process has met it."""
    return _known.get((genesis, spec_version))


def decode_runtime(genesis: str, spec_version: int, transaction_version: int, blob: bytes | Index) -> Runtime:
    """The runtime of V14 metadata (or of its index), once per (genesis, spec version)."""
    with _building:
        runtime = _known.get((genesis, spec_version))
        if runtime is None:
            index = blob if isinstance(blob, Index) else metadata.parse(blob)
            runtime = Runtime(genesis, spec_version, transaction_version, index)
            _known[genesis, spec_version] = runtime
        return runtime


def storage_prefix(pallet_prefix: str, name: str) -> str:
    """The key under which a storage item lies, as hex."""
    return f"0x{_twox128(pallet_prefix)}{_twox128(name)}"


class Runtime:
    """One decoded runtime. Shared between connections, so it is not changed after it is made."""

    def __init__(self, genesis: str, spec_version: int, transaction_version: int, index: Index) -> None:
        self.genesis, self.spec_version, self.transaction_version = genesis, spec_version, transaction_version
        self.index = index
        self.values = Values(index)
        self._pallets: dict[str, Pallet] = {pallet.name: pallet for pallet in index.pallets}
        self._by_index = {pallet.index: pallet for pallet in index.pallets}
        self._items: dict[tuple[str, str], Item | None] = {}

    # What there is

    def has_item(self, pallet: str, name: str) -> bool:
        return self._find_item(pallet, name) is not None

    def has_call(self, pallet: str, name: str) -> bool:
        return name in self.names(pallet, "calls")

    def has_event(self, pallet: str, name: str) -> bool:
        return name in self.names(pallet, "events")

    def names(self, pallet: str, kind: str) -> tuple[str, ...]:
        """The names of a pallet's ``calls``, ``events`` or ``errors``; none for a pallet that is not there."""
        found = self._pallets.get(pallet)
        number = getattr(found, kind) if found is not None else None
        return tuple(v.name for v in self.values.type(number).variants) if number is not None else ()

    def call_arguments(self, pallet: str, name: str) -> tuple[str, ...]:
        """The names of a call's arguments; raises ChainError when there is no such call."""
        found = self._pallets.get(pallet)
        if found is not None and found.calls is not None:
            for variant in self.values.type(found.calls).variants:
                if variant.name == name:
                    return tuple(str(field.name) for field in variant.fields)
        raise ChainError("Cannot be done here", f"This chain (version {self.spec_version}) has no {pallet}.{name}.")

    def constant(self, pallet: str, name: str) -> Any:
        """A constant's value; None when this runtime has none of that name."""
        found = self._pallets.get(pallet)
        for constant in found.constants if found is not None else ():
            if constant.name == name:
                return self.decode(constant.type, constant.value)
        return None

    # Storage

    def item(self, pallet: str, name: str) -> Item:
        """A storage item; raises ChainError when this runtime has none of that name."""
        item = self._find_item(pallet, name)
        if item is None:
            raise ChainError(
                "Not on this chain",
                f"This chain (version {self.spec_version}) has no {pallet}.{name}.",
                "Update Ranvier, or use another network.",
            )
        return item

    def key(self, pallet: str, name: str, params: Sequence[Any]) -> str:
        """The storage key as hex, also of the first few keys of a map; built here, without a request."""
        item = self.item(pallet, name)
        if len(params) > len(item.key_types):
            raise ChainError("Bad request", f"{pallet}.{name} has {len(item.key_types)} keys, not {len(params)}.")
        parts = [item.prefix]
        try:
            for hasher, key_type, param in zip(item.hashers, item.key_types, params, strict=False):
                parts.append(_hashed(hasher, self.values.encode(key_type, param)))
        except (ValueFaultError, RanvierError) as error:
            raise ChainError("Bad request", f"{pallet}.{name} cannot be read with these keys: {error}.") from error
        return "".join(parts)

    def value(self, item: Item, raw: str | None) -> Any:
        """A stored value; what is missing reads as its default, or as None where the item is optional."""
        if raw is None:
            return None if item.optional else self.decode(item.value_type, item.default)
        return self.decode(item.value_type, bytes.fromhex(raw[2:]))

    def map_keys(self, item: Item, key: str, given: int) -> tuple[Any, ...]:
        """The keys behind the first ``given`` ones of a map entry, read out of its storage key."""
        data = bytes.fromhex(key[2:])
        place = len(item.prefix) // 2 - 1
        keys: list[Any] = []
        try:
            for hasher, key_type in zip(item.hashers, item.key_types, strict=True):
                if hasher not in _HASH_BYTES:
                    raise ChainError("Unreadable keys", f"{item.pallet}.{item.name} hides its keys.")
                value, place = self.values.decode_at(key_type, data, place + _HASH_BYTES[hasher])
                keys.append(value)
        except ValueFaultError as error:
            raise fault(error) from error
        return tuple(keys[given:])

    def decode(self, number: int, data: bytes) -> Any:
        """Plain Python values; raises ChainError for bytes that are not of the type."""
        try:
            return self.values.decode(number, data)
        except ValueFaultError as error:
            raise fault(error) from error

    # Calls, events, errors

    def call(self, pallet: str, function: str, arguments: Mapping[str, Any]) -> str:
        """The SCALE-encoded call as hex; raises ChainError for a call that this runtime lacks or bad arguments.

        An argument that is a call itself is given as its bytes in hex.
        """
        found = self._pallets.get(pallet)
        names = self.call_arguments(pallet, function)
        if set(names) != set(arguments):
            raise ChainError("Cannot be done here", f"{pallet}.{function} wants {', '.join(names) or 'no arguments'}.")
        assert found is not None and found.calls is not None
        variant = next(v for v in self.values.type(found.calls).variants if v.name == function)
        data = bytes([found.index, variant.index])
        try:
            for field in variant.fields:
                data += self.values.encode(field.type, arguments[str(field.name)])
        except (ValueFaultError, RanvierError, TypeError) as error:
            raise ChainError("Cannot be done here", f"{pallet}.{function} cannot be made: {error}.") from error
        return "0x" + data.hex()

    def read_call(self, call_hex: str) -> Call:
        """What the bytes of a call mean; raises ChainError when they mean nothing here."""
        try:
            data = bytes.fromhex(call_hex.removeprefix("0x"))
            call, end = self._read_call(data, 0)
            if end != len(data):
                raise ValueFaultError("bytes are left over")
        except (ValueFaultError, KeyError, IndexError, ValueError) as error:
            raise ChainError("Unreadable call", "The call cannot be decoded with this chain's types.") from error
        return call

    def call_words(self, call_hex: str) -> str:
        """``Balances.transfer_keep_alive(dest=5F…, value=1)``: what the bytes mean, not what was asked for."""
        return str(self.read_call(call_hex))

    def _read_call(self, data: bytes, place: int) -> tuple[Call, int]:
        pallet = self._by_index[data[place]]
        if pallet.calls is None:
            raise ValueFaultError("a pallet without calls")
        variant = self.values.variants(pallet.calls)[data[place + 1]]
        place += 2
        arguments: dict[str, Any] = {}
        for field in variant.fields:
            arguments[str(field.name)], place = self._read_argument(field.type, data, place)
        return Call(pallet.name, variant.name, arguments), place

    def _read_argument(self, number: int, data: bytes, place: int) -> tuple[Any, int]:
        kind = self.values.type(number)
        if kind.path[-1:] == ("RuntimeCall",):
            return self._read_call(data, place)
        if kind.kind == "sequence" and self.values.type(kind.inner).path[-1:] == ("RuntimeCall",):
            count, place = read_compact(data, place)
            calls = []
            for _ in range(count):
                call, place = self._read_call(data, place)
                calls.append(call)
            return calls, place
        return self.values.decode_at(number, data, place)

    def events(self, raw: str | None) -> tuple[Event, ...]:
        """The decoded ``System.Events`` of a block."""
        records = self.value(self.item("System", "Events"), raw) or []
        found = []
        for record in records:
            phase, outer = record["phase"], record["event"]
            extrinsic = phase.get("ApplyExtrinsic") if isinstance(phase, dict) else None
            pallet, event = next(iter(outer.items())) if isinstance(outer, dict) else (outer, "")
            name, attributes = next(iter(event.items())) if isinstance(event, dict) else (event, None)
            found.append(Event(pallet, name, attributes, extrinsic))
        return tuple(found)

    def error_name(self, dispatch_error: Any) -> tuple[str, str]:
        """The name and the chain's own words of a dispatch error."""
        if not isinstance(dispatch_error, dict) or not dispatch_error:
            return str(dispatch_error), ""
        kind, detail = next(iter(dispatch_error.items()))
        if kind != "Module":
            return f"{kind}.{detail}" if isinstance(detail, str) else str(kind), ""
        index, error = detail["index"], detail["error"]
        number = int(error[2:4], 16) if isinstance(error, str) else error[0] if isinstance(error, list) else error
        pallet = self._by_index.get(index)
        variant = self.values.variants(pallet.errors).get(number) if pallet and pallet.errors is not None else None
        if pallet is None or variant is None:
            return f"Module {index}, error {number}", ""
        return f"{pallet.name}.{variant.name}", variant.docs

    def dispatch_error(self, data: bytes) -> Any:
        """A bare ``DispatchError`` as ``error_name`` takes it (dry runs give one); None when it cannot be read."""
        for number, kind in enumerate(self.index.types):
            if kind.path[-1:] == ("DispatchError",):
                return self.decode(number, data)
        return None

    @property
    def extrinsic_version(self) -> int:
        return self.index.extrinsic_version

    def signed_extensions(self) -> tuple[tuple[str, bool], ...]:
        """(name, whether it adds nothing to the transaction or to what is signed), in wire order."""
        return tuple(
            (one.name, self.values.is_empty(one.explicit) and self.values.is_empty(one.implicit))
            for one in self.index.extensions
        )

    def _find_item(self, pallet: str, name: str) -> Item | None:
        if (pallet, name) not in self._items:
            self._items[pallet, name] = self._build_item(pallet, name)
        return self._items[pallet, name]

    def _build_item(self, pallet: str, name: str) -> Item | None:
        found = self._pallets.get(pallet)
        entry = next((e for e in found.storage if e.name == name), None) if found is not None else None
        if found is None or entry is None:
            return None
        keys: tuple[int, ...] = ()
        if entry.key is not None:
            keys = (entry.key,) if len(entry.hashers) == 1 else self.values.type(entry.key).items
        prefix = storage_prefix(found.prefix, name)
        return Item(pallet, name, prefix, entry.hashers, keys, entry.value, entry.optional, entry.default)


def _hashed(hasher: str, data: bytes) -> str:
    if hasher == "Blake2_128Concat":
        return (hashlib.blake2b(data, digest_size=16).digest() + data).hex()
    if hasher == "Twox64Concat":
        return _twox64(data) + data.hex()
    if hasher == "Identity":
        return data.hex()
    if hasher == "Blake2_128":
        return hashlib.blake2b(data, digest_size=16).hexdigest()
    if hasher == "Blake2_256":
        return hashlib.blake2b(data, digest_size=32).hexdigest()
    rounds = {"Twox128": 2, "Twox256": 4}[hasher]
    import xxhash

    return b"".join(xxhash.xxh64(data, seed=seed).digest()[::-1] for seed in range(rounds)).hex()


def _twox64(data: bytes) -> str:
    import xxhash

    return xxhash.xxh64(data, seed=0).digest()[::-1].hex()


def _twox128(text: str) -> str:
    data = text.encode()
    import xxhash

    return b"".join(xxhash.xxh64(data, seed=seed).digest()[::-1] for seed in (0, 1)).hex()
