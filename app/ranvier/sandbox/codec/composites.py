"""SCALE codecs made of other codecs: lists, options, tuples, structs, enums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from struct import calcsize, iter_unpack, pack
from struct import error as PackingError  # noqa: N812  # a class in a module's clothes
from typing import TYPE_CHECKING, Any

from ranvier.sandbox.codec.scale import LONGEST, Codec, Int, Reader, ScaleError, decode_length, encode_compact

if TYPE_CHECKING:
    from ranvier.sandbox.codec.registry import Registry

_LETTERS = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q"}


@dataclass(frozen=True)
class Vec(Codec):
    """A list of one type."""

    inner: Codec
    limit: int = field(default=LONGEST, compare=False)

    @cached_property
    def _packed(self) -> tuple[str, int] | None:
        """The ``struct`` letters of one element and its size, for a list of small numbers or of tuples of them.

        A row of weights is 256 pairs, and an epoch reads and writes hundreds of rows: all at once they cost a tenth.
        """
        inner = self.inner.plain
        parts = [part.plain for part in inner.parts] if isinstance(inner, Tuple) else [inner]
        letters = "".join(_LETTERS.get(part.name, "?") if isinstance(part, Int) else "?" for part in parts)
        return None if "?" in letters or not letters else (letters, calcsize(f"<{letters}"))

    def encode(self, value: Any) -> bytes:
        if self._packed is None:
            return encode_compact(len(value)) + b"".join(map(self.inner.encode, value))
        letters, _ = self._packed
        rows: Any = value
        if isinstance(self.inner.plain, Tuple):
            if any(len(row) != len(letters) for row in value):
                raise ScaleError(f"{len(letters)} parts wanted")
            rows = chain.from_iterable(value)
        try:
            return encode_compact(len(value)) + pack(f"<{letters * len(value)}", *rows)
        except PackingError as error:
            raise ScaleError(f"a number does not fit: {error}") from error

    def read(self, reader: Reader) -> list[Any]:
        count = decode_length(reader)
        if count > self.limit:
            raise ScaleError(f"a list of {count} is too long")
        if self._packed is None:
            return [self.inner.read(reader) for _ in range(count)]
        letters, size = self._packed
        rows = iter_unpack(f"<{letters}", reader.take(count * size))
        return list(rows) if isinstance(self.inner.plain, Tuple) else [number for (number,) in rows]

    def describe(self, registry: Registry) -> bytes:
        return registry.sequence(self.inner)

    @property
    def plain(self) -> Codec:
        return Vec(self.inner.plain)

    @property
    def label(self) -> str | None:
        return f"Vec<{self.inner.label}>" if self.inner.label else None


@dataclass(frozen=True)
class Option(Codec):
    """None or a value."""

    inner: Codec

    def encode(self, value: Any) -> bytes:
        return b"\x00" if value is None else b"\x01" + self.inner.encode(value)

    def read(self, reader: Reader) -> Any:
        present = reader.take(1)[0]
        if present > 1:
            raise ScaleError("neither Some nor None")
        return self.inner.read(reader) if present else None

    def describe(self, registry: Registry) -> bytes:
        variants = [Variant("None", 0), Variant("Some", 1, (Field(None, self.inner),))]
        return registry.variant(("Option",), [("T", self.inner)], variants)

    @property
    def plain(self) -> Codec:
        return Option(self.inner.plain)


@dataclass(frozen=True)
class Tuple(Codec):
    """A fixed row of types; ``()`` is the unit type."""

    parts: tuple[Codec, ...] = ()

    def encode(self, value: Any) -> bytes:
        if len(value) != len(self.parts):
            raise ScaleError(f"{len(self.parts)} parts wanted")
        return b"".join(codec.encode(part) for codec, part in zip(self.parts, value, strict=True))

    def read(self, reader: Reader) -> tuple[Any, ...]:
        return tuple([codec.read(reader) for codec in self.parts])

    def describe(self, registry: Registry) -> bytes:
        return registry.row(self.parts)

    @property
    def plain(self) -> Codec:
        return Tuple(tuple(part.plain for part in self.parts))


UNIT = Tuple()


@dataclass(frozen=True)
class Field:
    """One field of a struct or of a variant; without a name it is positional."""

    name: str | None
    codec: Codec


@dataclass(frozen=True)
class Struct(Codec):
    """A type with a path. Named fields are a dict; a single unnamed field is its bare value."""

    path: tuple[str, ...]
    fields: tuple[Field, ...]
    params: tuple[tuple[str, Codec | None], ...] = ()

    def encode(self, value: Any) -> bytes:
        return encode_fields(self.fields, value)

    def read(self, reader: Reader) -> Any:
        return read_fields(self.fields, reader)

    def describe(self, registry: Registry) -> bytes:
        return registry.composite(self.path, self.params, self.fields)

    @property
    def label(self) -> str:
        return self.path[-1]


def encode_fields(fields: Sequence[Field], value: Any) -> bytes:
    """Fields in their order; see ``Struct`` for the shape of ``value``."""
    if not fields:
        return b""
    if fields[0].name is not None:
        if not isinstance(value, Mapping) or len(value) != len(fields):
            raise ScaleError(f"fields wanted: {', '.join(str(f.name) for f in fields)}")
        try:
            return b"".join([f.codec.encode(value[f.name]) for f in fields])
        except KeyError as error:
            raise ScaleError(f"field {error} is missing") from error
    if len(fields) == 1:
        return fields[0].codec.encode(value)
    if len(value) != len(fields):
        raise ScaleError(f"{len(fields)} values wanted")
    return b"".join([f.codec.encode(part) for f, part in zip(fields, value, strict=True)])


def read_fields(fields: Sequence[Field], reader: Reader) -> Any:
    if not fields:
        return ()
    if fields[0].name is not None:
        return {f.name: f.codec.read(reader) for f in fields}
    if len(fields) == 1:
        return fields[0].codec.read(reader)
    return tuple([f.codec.read(reader) for f in fields])


@dataclass(frozen=True)
class Variant:
    """One case of an enum."""

    name: str
    index: int
    fields: tuple[Field, ...] = ()
    docs: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Enum(Codec):
    """A choice: ``(name, value)``; a case without fields has the value ``()``."""

    path: tuple[str, ...]
    variants: tuple[Variant, ...]
    params: tuple[tuple[str, Codec | None], ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, Variant]:
        return {variant.name: variant for variant in self.variants}

    @cached_property
    def _by_index(self) -> dict[int, Variant]:
        return {variant.index: variant for variant in self.variants}

    def encode(self, value: Any) -> bytes:
        try:
            variant = self._by_name[value[0]]
        except (KeyError, TypeError, IndexError) as error:
            raise ScaleError(f"{value!r} is no case of {self.path[-1]}") from error
        return bytes((variant.index,)) + encode_fields(variant.fields, value[1])

    def read(self, reader: Reader) -> tuple[str, Any]:
        index = reader.take(1)[0]
        variant = self._by_index.get(index)
        if variant is None:
            raise ScaleError(f"{self.path[-1]} has no case {index}")
        return variant.name, read_fields(variant.fields, reader)

    def describe(self, registry: Registry) -> bytes:
        return registry.variant(self.path, self.params, self.variants)

    @property
    def label(self) -> str:
        return self.path[-1]


@dataclass(frozen=True)
class Lazy(Codec):
    """A type that is only known later or contains itself; ``name`` is its identity."""

    name: str
    find: Callable[[], Codec] = field(compare=False)

    def encode(self, value: Any) -> bytes:
        return self.find().encode(value)

    def read(self, reader: Reader) -> Any:
        return self.find().read(reader)

    def describe(self, registry: Registry) -> bytes:
        return self.find().describe(registry)

    @property
    def label(self) -> str:
        return self.name

    @property
    def plain(self) -> Codec:
        return self.find().plain


def struct(path: str, fields: Mapping[str, Codec], **params: Codec | None) -> Struct:
    """A struct with named fields; ``path`` is written with ``::``."""
    return Struct(tuple(path.split("::")), tuple(Field(n, c) for n, c in fields.items()), tuple(params.items()))


def wrapper(path: str, inner: Codec, **params: Codec | None) -> Struct:
    """A struct of one unnamed field; its value is the inner value."""
    return Struct(tuple(path.split("::")), (Field(None, inner),), tuple(params.items()))


def enum(path: str, cases: Mapping[str, Any], **params: Codec | None) -> Enum:
    """An enum: name -> index, or name -> (index, codec), or name -> (index, {field: codec})."""
    variants = []
    for name, case in cases.items():
        index, content = case if isinstance(case, tuple) else (case, None)
        if content is None:
            fields: tuple[Field, ...] = ()
        elif isinstance(content, Mapping):
            fields = tuple(Field(n, c) for n, c in content.items())
        else:
            fields = (Field(None, content),)
        variants.append(Variant(name, index, fields))
    return Enum(tuple(path.split("::")), tuple(variants), tuple(params.items()))
