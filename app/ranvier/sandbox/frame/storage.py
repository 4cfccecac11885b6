"""Storage items: real keys, typed values. A pallet's items are the attributes of one class.

The key of an item is twox128(pallet) + twox128(item) + the hashed keys, so that any client's keys fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

import xxhash

from ranvier.sandbox.codec.composites import Tuple
from ranvier.sandbox.codec.scale import Codec, Reader

_UNSET = object()


class State(Protocol):
    """Bytes under keys, sorted by key."""

    def get(self, key: bytes) -> bytes | None: ...

    def keys_under(self, prefix: bytes) -> Iterator[bytes]: ...


class WritableState(State, Protocol):
    """A state that a call may change; None removes."""

    def put(self, key: bytes, value: bytes | None) -> None: ...


def twox(data: bytes, bits: int) -> bytes:
    """xxHash64 with the seeds 0, 1, ... side by side."""
    return b"".join(xxhash.xxh64_intdigest(data, seed).to_bytes(8, "little") for seed in range(bits // 64))


def blake2b_64(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


def blake2_128(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def blake2_256(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def blake2b_512(data: bytes) -> bytes:
    return blake2b(data).digest()


class Hasher:
    """How a key becomes part of a storage key; the plain key follows, so that keys can be read back."""

    def __init__(self, name: str, index: int, size: int) -> None:
        self.name = name
        self.index = index  # its place in metadata's StorageHasher
        self.size = size  # bytes of hash before the plain key

    def __call__(self, data: bytes) -> bytes:
        if self.size == 16:
            return blake2_128(data) + data
        return twox(data, 64) + data if self.size == 8 else data


BLAKE2_128_CONCAT = Hasher("Blake2_128Concat", 2, 16)
TWOX_64_CONCAT = Hasher("Twox64Concat", 5, 8)
IDENTITY = Hasher("Identity", 6, 0)


class Item:
    """One storage item: its value type, and for a map its keys with their hashers.

    Without a value in the state an ``optional`` item reads None, any other its default.
    """

    name = ""
    prefix = b""

    def __init__(
        self, value: Codec, *keys: tuple[Codec, Hasher], default: Any = _UNSET, optional: bool = False
    ) -> None:
        self.value = value
        self.keys = keys
        self.optional = optional
        self._default = default

    def __set_name__(self, owner: type[Storage], name: str) -> None:
        self.name = name
        self.prefix = twox(owner.prefix.encode(), 128) + twox(name.encode(), 128)

    @cached_property
    def default_bytes(self) -> bytes:
        """The default of metadata. What zero bytes decode to is every type's own default: 0, false, empty, None."""
        if self.optional:
            return b"\x00"
        if self._default is not _UNSET:
            return self.value.encode(self._default)
        zeros = Reader(bytes(1024))
        self.value.read(zeros)
        return bytes(zeros.offset)

    @property
    def default(self) -> Any:
        """A fresh default value (decoded anew: callers may change lists)."""
        return None if self.optional else self.value.decode(self.default_bytes)

    def key(self, *keys: Any) -> bytes:
        """The storage key, or the prefix of all keys that begin with ``keys``."""
        parts = [hasher(codec.encode(key)) for (codec, hasher), key in zip(self.keys, keys, strict=False)]
        return self.prefix + b"".join(parts)

    def get(self, state: State, *keys: Any) -> Any:
        data = state.get(self.key(*keys))
        return self.default if data is None else self.value.decode(data)

    def exists(self, state: State, *keys: Any) -> bool:
        return state.get(self.key(*keys)) is not None

    def put(self, state: WritableState, *keys: Any, value: Any) -> None:
        state.put(self.key(*keys), self.value.encode(value))

    def remove(self, state: WritableState, *keys: Any) -> None:
        state.put(self.key(*keys), None)

    def add(self, state: WritableState, *keys: Any, amount: int) -> int:
        """Add to a number (never below zero: ScaleError then) and return it."""
        total: int = self.get(state, *keys) + amount
        self.put(state, *keys, value=total)
        return total

    def key_parts(self, key: bytes) -> tuple[Any, ...]:
        """The decoded keys in a full storage key of this item."""
        reader = Reader(key, len(self.prefix))
        parts = []
        for codec, hasher in self.keys:
            reader.take(hasher.size)
            parts.append(codec.read(reader))
        return tuple(parts)

    def items(self, state: State, *keys: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """All (keys, value) whose keys begin with ``keys``, in the order of their storage keys."""
        for key in list(state.keys_under(self.key(*keys))):
            data = state.get(key)
            if data is not None:
                yield self.key_parts(key), self.value.decode(data)

    @property
    def key_type(self) -> Codec:
        """The key type of metadata: one type, or a tuple."""
        codecs = tuple(codec for codec, _ in self.keys)
        return codecs[0] if len(codecs) == 1 else Tuple(codecs)


class Storage:
    """A pallet's storage items as class attributes. ``prefix`` is the pallet's storage prefix."""

    prefix = ""

    @classmethod
    def all_items(cls) -> list[Item]:
        return [item for item in vars(cls).values() if isinstance(item, Item)]
