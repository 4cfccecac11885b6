"""SCALE values by an index of types: bytes to plain Python values and back, each type's way worked out once.

Values have the forms that the ecosystem's Python library gives (the tests hold them against it): accounts are ss58
texts, hashes hex, byte strings text where they are UTF-8 and hex otherwise, options None or the value, enums the
variant's name or ``{name: fields}``, structs dicts, a wrapper around one value that value itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ranvier.chain.runtime.metadata import Field, Index, Type, Variant
from ranvier.core.errors import ChainError
from ranvier.keys import addresses

Decoder = Callable[[bytes, int], tuple[Any, int]]
_ACCOUNT = ("sp_core", "crypto", "AccountId32")
_SIZES = {f"{sign}{bits}": bits // 8 for sign in "ui" for bits in (8, 16, 32, 64, 128, 256)}


class ValueFaultError(ValueError):
    """The bytes or the value do not fit the type."""


class Values:
    """Decoding and encoding by type number."""

    def __init__(self, index: Index) -> None:
        self._types = index.types
        self._decoders: dict[int, Decoder] = {}

    def decode(self, number: int, data: bytes) -> Any:
        """The value that is exactly these bytes. Raises ValueFaultError."""
        value, end = self.decode_at(number, data, 0)
        if end != len(data):
            raise ValueFaultError(f"{len(data) - end} bytes too many")
        return value

    def decode_at(self, number: int, data: bytes, place: int) -> tuple[Any, int]:
        """The value at ``place`` and where it ends."""
        try:
            value, end = self.decoder(number)(data, place)
        except (IndexError, KeyError) as error:
            raise ValueFaultError("cut short, or an unknown alternative") from error
        if end > len(data):
            raise ValueFaultError("cut short")
        return value, end

    def decoder(self, number: int) -> Decoder:
        found = self._decoders.get(number)
        if found is None:
            # A type may contain itself: until it is made, whoever needs it asks again when it is used.
            self._decoders[number] = lambda data, place: self._decoders[number](data, place)
            found = self._decoders[number] = self._make(self._types[number])
        return found

    def is_empty(self, number: int) -> bool:
        """Whether a value of this type takes no bytes."""
        kind = self._types[number]
        if kind.kind == "tuple":
            return all(self.is_empty(item) for item in kind.items)
        if kind.kind == "composite":
            return all(self.is_empty(field.type) for field in kind.fields)
        return False

    def variants(self, number: int) -> dict[int, Variant]:
        return {variant.index: variant for variant in self._types[number].variants}

    def type(self, number: int) -> Type:
        return self._types[number]

    # Decoding

    def _make(self, kind: Type) -> Decoder:
        if kind.kind == "primitive":
            return _primitive(kind.primitive)
        if kind.kind == "composite":
            return self._composite(kind)
        if kind.kind == "variant":
            return self._variant(kind)
        if kind.kind == "sequence":
            return _bytes if self._is_u8(kind.inner) else self._sequence(kind.inner)
        if kind.kind == "array":
            return self._array(kind.inner, kind.length)
        if kind.kind == "tuple":
            return self._fields([Field(None, item) for item in kind.items])
        if kind.kind == "compact":
            return read_compact
        raise ValueFaultError("bit sequences are not read")

    def _composite(self, kind: Type) -> Decoder:
        if kind.path == _ACCOUNT:
            return _account
        return self._fields(kind.fields)

    def _fields(self, fields: Sequence[Field]) -> Decoder:
        parts = [(field.name, self.decoder(field.type)) for field in fields]
        if not parts:
            return lambda data, place: (None, place)
        if len(parts) == 1 and parts[0][0] is None:
            return parts[0][1]
        if all(name is not None for name, _ in parts):

            def struct(data: bytes, place: int) -> tuple[Any, int]:
                found = {}
                for name, part in parts:
                    found[name], place = part(data, place)
                return found, place

            return struct

        def several(data: bytes, place: int) -> tuple[Any, int]:
            found = []
            for _, part in parts:
                value, place = part(data, place)
                found.append(value)
            return tuple(found), place

        return several

    def _variant(self, kind: Type) -> Decoder:
        if kind.path == ("Option",):
            inner = self.decoder(kind.variants[1].fields[0].type)

            def option(data: bytes, place: int) -> tuple[Any, int]:
                if data[place] > 1:
                    raise ValueFaultError("an option is 0 or 1")
                return inner(data, place + 1) if data[place] else (None, place + 1)

            return option
        plain = kind.path[-1:] == ("MultiAddress",)
        forms = {v.index: (v.name, self._fields(v.fields) if v.fields else None) for v in kind.variants}

        def variant(data: bytes, place: int) -> tuple[Any, int]:
            name, fields = forms[data[place]]
            if fields is None:
                return name, place + 1
            value, end = fields(data, place + 1)
            return (value if plain and name == "Id" else {name: value}), end

        return variant

    def _sequence(self, number: int) -> Decoder:
        inner = self.decoder(number)
        size = _SIZES.get(self._plain(number), 0)
        signed = self._plain(number)[:1] == "i"

        def numbers(data: bytes, place: int) -> tuple[Any, int]:
            count, place = read_compact(data, place)
            end = place + count * size
            if end > len(data):
                raise ValueFaultError("cut short")
            return [
                int.from_bytes(data[at : at + size], "little", signed=signed) for at in range(place, end, size)
            ], end

        def sequence(data: bytes, place: int) -> tuple[Any, int]:
            count, place = read_compact(data, place)
            if count > len(data):
                raise ValueFaultError("longer than its bytes")
            found = []
            for _ in range(count):
                value, place = inner(data, place)
                found.append(value)
            return found, place

        return numbers if size else sequence

    def _array(self, number: int, length: int) -> Decoder:
        if self._is_u8(number):
            return lambda data, place: ("0x" + data[place : place + length].hex(), place + length)
        inner = self.decoder(number)

        def array(data: bytes, place: int) -> tuple[Any, int]:
            found = []
            for _ in range(length):
                value, place = inner(data, place)
                found.append(value)
            return found, place

        return array

    def _is_u8(self, number: int) -> bool:
        return self._types[number].primitive == "u8"

    def _plain(self, number: int) -> str:
        """The integer behind wrappers (``NetUid(u16)`` is ``u16``); empty when there is none."""
        kind = self._types[number]
        if kind.kind == "primitive":
            return kind.primitive
        if kind.kind == "composite" and len(kind.fields) == 1 and kind.fields[0].name is None:
            return self._plain(kind.fields[0].type)
        return ""

    # Encoding

    def encode(self, number: int, value: Any) -> bytes:
        """The bytes of a value in any of the forms that ``decode`` gives, and bytes for byte strings."""
        kind = self._types[number]
        if kind.kind == "primitive":
            return _encode_primitive(kind.primitive, value)
        if kind.kind == "compact":
            return write_compact(_integer(value))
        if kind.kind == "composite":
            return _encode_account(value) if kind.path == _ACCOUNT else self._encode_fields(kind.fields, value)
        if kind.kind == "variant":
            return self._encode_variant(kind, value)
        if kind.kind == "tuple":
            return self._encode_fields([Field(None, item) for item in kind.items], value)
        if kind.kind in ("sequence", "array"):
            return self._encode_list(kind, value)
        raise ValueFaultError("bit sequences are not written")

    def _encode_fields(self, fields: Sequence[Field], value: Any) -> bytes:
        if not fields:
            return b""
        if len(fields) == 1 and not (isinstance(value, dict) and fields[0].name in value):
            return self.encode(fields[0].type, value)
        if isinstance(value, dict):
            names = {field.name for field in fields}
            if set(value) != names:
                raise ValueFaultError(f"wanted: {', '.join(sorted(str(name) for name in names))}")
            return b"".join(self.encode(field.type, value[field.name]) for field in fields)
        if not isinstance(value, (list, tuple)) or len(value) != len(fields):
            raise ValueFaultError(f"{len(fields)} values are wanted")
        return b"".join(self.encode(field.type, one) for field, one in zip(fields, value, strict=True))

    def _encode_variant(self, kind: Type, value: Any) -> bytes:
        if kind.path == ("Option",):
            return b"\0" if value is None else b"\1" + self.encode(kind.variants[1].fields[0].type, value)
        if kind.path[-1:] == ("MultiAddress",) and not isinstance(value, dict):
            value = {"Id": value}
        if kind.path[-1:] == ("RuntimeCall",) and isinstance(value, (bytes, str)):
            return value if isinstance(value, bytes) else bytes.fromhex(value.removeprefix("0x"))
        name, inner = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else (value, None)
        for variant in kind.variants:
            if variant.name == name:
                body = self._encode_fields(variant.fields, inner) if variant.fields else b""
                return bytes([variant.index]) + body
        raise ValueFaultError(f"no alternative {str(name)[:40]!r}")

    def _encode_list(self, kind: Type, value: Any) -> bytes:
        if self._is_u8(kind.inner):
            data = _to_bytes(value)
        elif isinstance(value, (list, tuple)):
            if len(value) == 1 and isinstance(value[0], list) and self._types[kind.inner].kind == "variant":
                value = value[0]  # the ecosystem's library wants a bounded list written twice: both ways are taken
            data = b"".join(self.encode(kind.inner, one) for one in value)
        else:
            raise ValueFaultError("a list is wanted")
        if kind.kind == "sequence":
            count = len(data) if self._is_u8(kind.inner) else len(value)
            return write_compact(count) + data
        if (len(data) if self._is_u8(kind.inner) else len(value)) != kind.length:
            raise ValueFaultError(f"{kind.length} are wanted")
        return data


def read_compact(data: bytes, place: int) -> tuple[int, int]:
    """SCALE's compact number at ``place`` and where it ends."""
    first = data[place]
    mode = first & 3
    if mode == 0:
        return first >> 2, place + 1
    size = (2, 4)[mode - 1] if mode < 3 else (first >> 2) + 4
    start = place if mode < 3 else place + 1
    end = start + size
    if end > len(data):
        raise ValueFaultError("cut short")
    number = int.from_bytes(data[start:end], "little")
    return (number >> 2 if mode < 3 else number), end


def write_compact(number: int) -> bytes:
    """SCALE's compact form of a number below 2**536."""
    if not 0 <= number < 1 << 536:
        raise ValueFaultError("out of range")
    if number < 1 << 6:
        return bytes([number << 2])
    if number < 1 << 14:
        return (number << 2 | 1).to_bytes(2, "little")
    if number < 1 << 30:
        return (number << 2 | 2).to_bytes(4, "little")
    length = (number.bit_length() + 7) // 8
    return bytes([(length - 4) << 2 | 3]) + number.to_bytes(length, "little")


def _primitive(name: str) -> Decoder:
    if name == "bool":
        return _bool
    if name == "str":
        return _text
    if name == "char":
        return lambda data, place: (chr(int.from_bytes(data[place : place + 4], "little")), place + 4)
    size, signed = _SIZES[name], name.startswith("i")

    def number(data: bytes, place: int) -> tuple[Any, int]:
        end = place + size
        return int.from_bytes(data[place:end], "little", signed=signed), end

    return number


def _bool(data: bytes, place: int) -> tuple[Any, int]:
    if data[place] > 1:
        raise ValueFaultError("a truth value is 0 or 1")
    return data[place] == 1, place + 1


def _text(data: bytes, place: int) -> tuple[Any, int]:
    count, place = read_compact(data, place)
    return data[place : place + count].decode(errors="replace"), place + count


def _bytes(data: bytes, place: int) -> tuple[Any, int]:
    count, place = read_compact(data, place)
    end = place + count
    if end > len(data):
        raise ValueFaultError("cut short")
    taken = data[place:end]
    try:
        return taken.decode(), end
    except UnicodeDecodeError:
        return "0x" + taken.hex(), end


def _account(data: bytes, place: int) -> tuple[Any, int]:
    end = place + 32
    if end > len(data):
        raise ValueFaultError("cut short")
    return _ss58(data[place:end]), end


@lru_cache(maxsize=8192)
def _ss58(public_key: bytes) -> str:
    return addresses.ss58(public_key)


@lru_cache(maxsize=8192)
def _public_key(text: str) -> bytes:
    return addresses.public_key(text)


def _encode_account(value: Any) -> bytes:
    if isinstance(value, str) and not value.startswith("0x"):
        return _public_key(value)
    data = _to_bytes(value)
    if len(data) != 32:
        raise ValueFaultError("an account has 32 bytes")
    return data


def _encode_primitive(name: str, value: Any) -> bytes:
    if name == "bool":
        if not isinstance(value, bool):
            raise ValueFaultError("true or false is wanted")
        return bytes([value])
    if name == "str":
        data = str(value).encode()
        return write_compact(len(data)) + data
    if name == "char":
        return ord(value).to_bytes(4, "little")
    try:
        return _integer(value).to_bytes(_SIZES[name], "little", signed=name.startswith("i"))
    except OverflowError as error:
        raise ValueFaultError(f"{value} is no {name}") from error


def _integer(value: Any) -> int:
    if isinstance(value, dict) and len(value) == 1:  # {'bits': n}
        value = next(iter(value.values()))
    if type(value) is not int:
        raise ValueFaultError(f"a whole number is wanted, not {str(value)[:40]!r}")
    return value


def _to_bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, str):
        try:
            return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()
        except ValueError as error:
            raise ValueFaultError("not hex") from error
    if isinstance(value, (list, tuple)):
        return bytes(_integer(one) for one in value)
    raise ValueFaultError("bytes are wanted")


def fault(error: Exception) -> ChainError:
    """For what the node answered and cannot be read."""
    return ChainError("Unreadable answer", f"The node's answer is not what its types say ({error}).")
