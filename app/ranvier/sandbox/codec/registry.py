"""The scale-info registry: every type of the runtime once, by number, with its children."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ranvier.sandbox.codec.composites import Field, Variant
from ranvier.sandbox.codec.scale import Codec, encode_compact

if TYPE_CHECKING:
    from ranvier.sandbox.runtime.specs import Face

_PRIMITIVES = (
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256",
)  # fmt: skip


def text(value: str) -> bytes:
    data = value.encode()
    return encode_compact(len(data)) + data


def vector(parts: Iterable[bytes]) -> bytes:
    listed = list(parts)
    return encode_compact(len(listed)) + b"".join(listed)


def optional(part: bytes | None) -> bytes:
    return b"\x00" if part is None else b"\x01" + part


class Registry:
    """Gives each type its number and writes them all as ``PortableRegistry`` bytes, as one runtime shows them."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self._numbers: dict[Codec, int] = {}
        self._types: list[bytes] = []

    def number(self, codec: Codec) -> int:
        """The type's number; a new type is described at once (its own number is reserved first: types may recurse)."""
        plain = codec.plain
        known = self._numbers.get(plain)
        if known is not None:
            return known
        number = self._numbers[plain] = len(self._types)
        self._types.append(b"")
        self._types[number] = plain.describe(self)
        return number

    def reference(self, codec: Codec) -> bytes:
        """The type's number as it is written inside other types."""
        return encode_compact(self.number(codec))

    def encode(self) -> bytes:
        """``PortableRegistry``."""
        return vector(encode_compact(number) + described for number, described in enumerate(self._types))

    def __len__(self) -> int:
        return len(self._types)

    def primitive(self, name: str) -> bytes:
        return self._type((), (), bytes((5, _PRIMITIVES.index(name))))

    def sequence(self, inner: Codec) -> bytes:
        return self._type((), (), b"\x02" + self.reference(inner))

    def array(self, inner: Codec, size: int) -> bytes:
        return self._type((), (), b"\x03" + size.to_bytes(4, "little") + self.reference(inner))

    def row(self, parts: Sequence[Codec]) -> bytes:
        return self._type((), (), b"\x04" + vector([self.reference(part) for part in parts]))

    def compact(self, inner: Codec) -> bytes:
        return self._type((), (), b"\x06" + self.reference(inner))

    def composite(
        self, path: Sequence[str], params: Sequence[tuple[str, Codec | None]], fields: Sequence[Field]
    ) -> bytes:
        return self._type(path, params, b"\x00" + self._fields(fields))

    def variant(
        self, path: Sequence[str], params: Sequence[tuple[str, Codec | None]], variants: Sequence[Variant]
    ) -> bytes:
        listed = [
            text(v.name) + self._fields(v.fields) + bytes((v.index,)) + vector(text(line) for line in v.docs)
            for v in variants
            if self.face.has_variant(path, v.name)
        ]
        return self._type(path, params, b"\x01" + vector(listed))

    def _fields(self, fields: Sequence[Field]) -> bytes:
        return vector([self._field(one) for one in fields])

    def _field(self, one: Field) -> bytes:
        name = optional(text(one.name) if one.name is not None else None)
        label = one.codec.label
        return name + self.reference(one.codec) + optional(text(label) if label else None) + b"\x00"

    def _type(self, path: Sequence[str], params: Sequence[tuple[str, Codec | None]], definition: bytes) -> bytes:
        listed = [text(name) + optional(self.reference(codec) if codec else None) for name, codec in params]
        return vector(text(part) for part in path) + vector(listed) + definition + b"\x00"
