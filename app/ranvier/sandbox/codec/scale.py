"""SCALE codecs: typed, small, and each able to describe itself to a scale-info registry. Simple types are here.

Values are plain Python: ints, bool, bytes for byte strings and fixed byte arrays, list for ``Vec``, tuple for tuples,
dict for structs with named fields, the inner value for one-field wrappers, ``(name, value)`` for enums. Codecs are
frozen dataclasses, so two that are alike are equal; the registry uses that to list every type once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranvier.sandbox.codec.registry import Registry

LONGEST = 1 << 24  # no list in the practice network comes near; a hostile length must not allocate


class ScaleError(ValueError):
    """Bytes that are not a value of the type, or a value that does not fit the type."""


class Reader:
    """Bytes and a position."""

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    def take(self, count: int) -> bytes:
        end = self.offset + count
        if end > len(self.data):
            raise ScaleError(f"{count} bytes wanted, {len(self.data) - self.offset} left")
        piece = self.data[self.offset : end]
        self.offset = end
        return piece

    @property
    def left(self) -> int:
        return len(self.data) - self.offset


def encode_compact(value: int) -> bytes:
    """The compact form of an unsigned int below 2**536."""
    if value < 0:
        raise ScaleError(f"{value} is negative")
    if value < 1 << 6:
        return bytes((value << 2,))
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    if value < 1 << 30:
        return (value << 2 | 2).to_bytes(4, "little")
    size = (value.bit_length() + 7) // 8
    if size > 67:
        raise ScaleError("too large for a compact integer")
    return bytes((size - 4 << 2 | 3,)) + value.to_bytes(size, "little")


def decode_compact(reader: Reader) -> int:
    """An unsigned int in compact form; only the shortest form is accepted, as in a node."""
    first = reader.take(1)[0]
    mode = first & 3
    if mode == 0:
        return first >> 2
    if mode == 3:
        size = (first >> 2) + 4
        value = int.from_bytes(reader.take(size), "little")
        if value < 1 << 30 or value.bit_length() <= 8 * (size - 1):
            raise ScaleError("compact integer is not in its shortest form")
        return value
    size = 2 if mode == 1 else 4
    value = int.from_bytes(bytes((first,)) + reader.take(size - 1), "little") >> 2
    if value < (1 << 6 if mode == 1 else 1 << 14):
        raise ScaleError("compact integer is not in its shortest form")
    return value


def decode_length(reader: Reader) -> int:
    length = decode_compact(reader)
    if length > LONGEST:
        raise ScaleError(f"a list of {length} is too long")
    return length


class Codec(ABC):
    """How values of one type are written, read and described."""

    @abstractmethod
    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``; raises ScaleError when it does not fit the type."""

    @abstractmethod
    def read(self, reader: Reader) -> Any:
        """The next value; raises ScaleError."""

    @abstractmethod
    def describe(self, registry: Registry) -> bytes:
        """The scale-info ``Type`` of this codec; child types are registered on the way."""

    @property
    def label(self) -> str | None:
        """The ``typeName`` shown beside a field of this type."""
        return None

    @property
    def plain(self) -> Codec:
        """This codec without names for people; what the registry lists."""
        return self

    def decode(self, data: bytes) -> Any:
        """The value that ``data`` is, to the last byte."""
        reader = Reader(data)
        value = self.read(reader)
        if reader.left:
            raise ScaleError(f"{reader.left} bytes too many")
        return value


@dataclass(frozen=True)
class Int(Codec):
    """u8 to u256 and i8 to i128, little-endian."""

    name: str

    @cached_property
    def _size(self) -> int:
        return int(self.name[1:]) // 8

    @cached_property
    def _signed(self) -> bool:
        return self.name[0] == "i"

    def encode(self, value: Any) -> bytes:
        try:
            return int.to_bytes(value, self._size, "little", signed=self._signed)
        except (OverflowError, TypeError) as error:
            raise ScaleError(f"{value!r} is not a {self.name}") from error

    def read(self, reader: Reader) -> int:
        return int.from_bytes(reader.take(self._size), "little", signed=self._signed)

    def describe(self, registry: Registry) -> bytes:
        return registry.primitive(self.name)

    @property
    def label(self) -> str:
        return self.name


@dataclass(frozen=True)
class Bool(Codec):
    """One byte, 0 or 1."""

    def encode(self, value: Any) -> bytes:
        return b"\x01" if value else b"\x00"

    def read(self, reader: Reader) -> bool:
        byte = reader.take(1)[0]
        if byte > 1:
            raise ScaleError("neither true nor false")
        return byte == 1

    def describe(self, registry: Registry) -> bytes:
        return registry.primitive("bool")

    @property
    def label(self) -> str:
        return "bool"


@dataclass(frozen=True)
class Text(Codec):
    """UTF-8 text with its length."""

    def encode(self, value: Any) -> bytes:
        data = str(value).encode()
        return encode_compact(len(data)) + data

    def read(self, reader: Reader) -> str:
        try:
            return reader.take(decode_length(reader)).decode()
        except UnicodeDecodeError as error:
            raise ScaleError("not UTF-8") from error

    def describe(self, registry: Registry) -> bytes:
        return registry.primitive("str")


U8, U16, U32, U64, U128 = (Int(name) for name in ("u8", "u16", "u32", "u64", "u128"))
I16, I64, I128 = (Int(name) for name in ("i16", "i64", "i128"))
BOOL = Bool()
TEXT = Text()


@dataclass(frozen=True)
class Compact(Codec):
    """An unsigned int in compact form, held to the range of ``inner``."""

    inner: Codec

    def encode(self, value: Any) -> bytes:
        self.inner.encode(value)
        return encode_compact(value)

    def read(self, reader: Reader) -> int:
        value = decode_compact(reader)
        self.inner.encode(value)
        return value

    def describe(self, registry: Registry) -> bytes:
        return registry.compact(self.inner)

    @property
    def plain(self) -> Codec:
        return Compact(self.inner.plain)

    @property
    def label(self) -> str | None:
        return self.inner.label


@dataclass(frozen=True)
class Alias(Codec):
    """The same type under the name that the runtime's source gives it (``NetUid`` is a u16 on the wire)."""

    inner: Codec
    name: str

    def encode(self, value: Any) -> bytes:
        return self.inner.encode(value)

    def read(self, reader: Reader) -> Any:
        return self.inner.read(reader)

    def describe(self, registry: Registry) -> bytes:
        return self.inner.describe(registry)

    @property
    def label(self) -> str:
        return self.name

    @property
    def plain(self) -> Codec:
        return self.inner.plain


@dataclass(frozen=True)
class Bytes(Codec):
    """``Vec<u8>``."""

    def encode(self, value: Any) -> bytes:
        return encode_compact(len(value)) + bytes(value)

    def read(self, reader: Reader) -> bytes:
        return reader.take(decode_length(reader))

    def describe(self, registry: Registry) -> bytes:
        return registry.sequence(U8)

    @property
    def label(self) -> str:
        return "Vec<u8>"


@dataclass(frozen=True)
class FixedBytes(Codec):
    """``[u8; size]``."""

    size: int

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, bytes | bytearray) or len(value) != self.size:
            raise ScaleError(f"{self.size} bytes wanted")
        return bytes(value)

    def read(self, reader: Reader) -> bytes:
        return reader.take(self.size)

    def describe(self, registry: Registry) -> bytes:
        return registry.array(U8, self.size)

    @property
    def label(self) -> str:
        return f"[u8; {self.size}]"


@dataclass(frozen=True)
class FixedArray(Codec):
    """``[T; size]`` of anything but bytes; a list."""

    inner: Codec
    size: int

    def encode(self, value: Any) -> bytes:
        if len(value) != self.size:
            raise ScaleError(f"{self.size} elements wanted")
        return b"".join(map(self.inner.encode, value))

    def read(self, reader: Reader) -> list[Any]:
        return [self.inner.read(reader) for _ in range(self.size)]

    def describe(self, registry: Registry) -> bytes:
        return registry.array(self.inner, self.size)
