"""A runtime's own description (metadata V14 and V15), read once into a compact index that goes to disk as it is.

The index holds what reading, signing and explaining need: types, storage items, constants, the calls', events' and
errors' types, and the runtime calls (V15 only). Texts are kept for errors only. It is data, never code: MessagePack
with a fixed schema, so a damaged or foreign file is refused instead of obeyed.
"""

from __future__ import annotations

import msgspec

from ranvier.core.errors import ChainError

FORMAT = 1
_MAGIC = b"meta"
_PRIMITIVES = (
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256",
)  # fmt: skip
_HASHERS = (
    "Blake2_128", "Blake2_256", "Blake2_128Concat", "Twox128", "Twox256", "Twox64Concat", "Identity",
)  # fmt: skip


class Field(msgspec.Struct, frozen=True, array_like=True):
    """A member of a composite or variant; ``name`` is None in tuples."""

    name: str | None
    type: int


class Variant(msgspec.Struct, frozen=True, array_like=True):
    """One alternative of an enum."""

    name: str
    index: int
    fields: tuple[Field, ...]
    docs: str = ""


class Type(msgspec.Struct, frozen=True, array_like=True):
    """One type. ``kind`` says which of the other members count: composite (fields), variant (variants), sequence,
    compact (inner), array (inner, length), tuple (items), primitive (primitive), bits (nothing)."""

    kind: str
    path: tuple[str, ...] = ()
    params: tuple[int | None, ...] = ()
    fields: tuple[Field, ...] = ()
    variants: tuple[Variant, ...] = ()
    inner: int = 0
    length: int = 0
    items: tuple[int, ...] = ()
    primitive: str = ""


class StorageItem(msgspec.Struct, frozen=True, array_like=True):
    """``key`` is the type of the map's key (a tuple where there are several hashers), None for a plain value."""

    name: str
    optional: bool
    hashers: tuple[str, ...]
    key: int | None
    value: int
    default: bytes


class Constant(msgspec.Struct, frozen=True, array_like=True):
    name: str
    type: int
    value: bytes


class Pallet(msgspec.Struct, frozen=True, array_like=True):
    name: str
    prefix: str
    index: int
    storage: tuple[StorageItem, ...]
    calls: int | None
    events: int | None
    errors: int | None
    constants: tuple[Constant, ...]


class Extension(msgspec.Struct, frozen=True, array_like=True):
    """A signed extension: ``explicit`` goes into the transaction, ``implicit`` is signed besides."""

    name: str
    explicit: int
    implicit: int


class Method(msgspec.Struct, frozen=True, array_like=True):
    """A runtime call: the types of its arguments and of its answer."""

    api: str
    name: str
    inputs: tuple[int, ...]
    output: int


class Index(msgspec.Struct, frozen=True, array_like=True):
    """Everything of one metadata blob."""

    format: int
    version: int
    types: tuple[Type, ...]
    pallets: tuple[Pallet, ...]
    extrinsic_version: int
    extensions: tuple[Extension, ...]
    methods: tuple[Method, ...] = ()


def parse(data: bytes) -> Index:
    """The index of a V14 or V15 blob (also inside ``Option<Bytes>``). Raises ChainError for anything else."""
    start = data.find(_MAGIC, 0, 16)
    if start < 0:
        raise ChainError("Unknown metadata", "The node does not describe itself.")
    try:
        reader = _Reader(data, start + len(_MAGIC))
        version = reader.u8()
        if version not in (14, 15):
            raise ChainError("Unknown metadata", f"The node describes itself in format {version}; 14 and 15 are known.")
        return _read(reader, version)
    except (IndexError, UnicodeDecodeError, ValueError) as error:
        raise ChainError("Unknown metadata", "The node describes itself in a way that cannot be read.") from error


def pack(index: Index) -> bytes:
    return msgspec.msgpack.encode(index)


def unpack(data: bytes) -> Index:
    """The index in a file; raises ValueError when the file is damaged, cut short or of another format."""
    try:
        index = msgspec.msgpack.decode(data, type=Index)
    except msgspec.MsgspecError as error:
        raise ValueError("not an index") from error
    if index.format != FORMAT:
        raise ValueError("another format")
    return index


class _Reader:
    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place

    def u8(self) -> int:
        value = self.data[self.place]
        self.place += 1
        return value

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def take(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self.data):
            raise IndexError("cut short")
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def compact(self) -> int:
        data, place = self.data, self.place
        first = data[place]
        mode = first & 3
        if mode == 0:
            self.place = place + 1
            return first >> 2
        if mode == 1:
            self.place = place + 2
            return (first | data[place + 1] << 8) >> 2
        if mode == 2:
            return self.u32() >> 2
        self.place = place + 1
        return int.from_bytes(self.take((first >> 2) + 4), "little")

    def text(self) -> str:
        return self.take(self.compact()).decode()

    def option_text(self) -> str | None:
        return self.text() if self.u8() else None

    def texts(self) -> str:
        return " ".join(line.strip() for line in [self.text() for _ in range(self.compact())] if line.strip())

    def option_compact(self) -> int | None:
        return self.compact() if self.u8() else None


def _read(reader: _Reader, version: int) -> Index:
    types = [_type(reader) for _ in range(reader.compact())]
    pallets = tuple(_pallet(reader, version) for _ in range(reader.compact()))
    if version == 14:
        reader.compact()
        extrinsic_version = reader.u8()
    else:
        extrinsic_version = reader.u8()
        for _ in range(4):  # address, call, signature, extra
            reader.compact()
    extensions = tuple(Extension(reader.text(), reader.compact(), reader.compact()) for _ in range(reader.compact()))
    reader.compact()  # the runtime's own type
    methods = tuple(_methods(reader)) if version >= 15 else ()
    errors = {pallet.errors for pallet in pallets}
    kept = tuple(one if number in errors else _without_docs(one) for number, one in enumerate(types))
    return Index(FORMAT, version, kept, pallets, extrinsic_version, extensions, methods)


def _type(reader: _Reader) -> Type:
    reader.compact()  # its number, which is its place
    path = tuple(reader.text() for _ in range(reader.compact()))
    params = []
    for _ in range(reader.compact()):
        reader.text()
        params.append(reader.option_compact())
    found = _definition(reader, path, tuple(params))
    reader.texts()
    return found


def _definition(reader: _Reader, path: tuple[str, ...], params: tuple[int | None, ...]) -> Type:
    kind = reader.u8()
    if kind == 0:
        return Type("composite", path, params, fields=_fields(reader))
    if kind == 1:
        return Type("variant", path, params, variants=tuple(_variant(reader) for _ in range(reader.compact())))
    if kind == 2:
        return Type("sequence", path, params, inner=reader.compact())
    if kind == 3:
        length = reader.u32()
        return Type("array", path, params, inner=reader.compact(), length=length)
    if kind == 4:
        return Type("tuple", path, params, items=tuple(reader.compact() for _ in range(reader.compact())))
    if kind == 5:
        return Type("primitive", path, params, primitive=_PRIMITIVES[reader.u8()])
    if kind == 6:
        return Type("compact", path, params, inner=reader.compact())
    if kind == 7:
        reader.compact()
        reader.compact()
        return Type("bits", path, params)
    raise ValueError(f"type of kind {kind}")


def _fields(reader: _Reader) -> tuple[Field, ...]:
    found = []
    for _ in range(reader.compact()):
        name, number = reader.option_text(), reader.compact()
        reader.option_text()
        reader.texts()
        found.append(Field(name, number))
    return tuple(found)


def _variant(reader: _Reader) -> Variant:
    name, fields, index = reader.text(), _fields(reader), reader.u8()
    return Variant(name, index, fields, reader.texts())


def _without_docs(one: Type) -> Type:
    if one.kind != "variant":
        return one
    return msgspec.structs.replace(one, variants=tuple(Variant(v.name, v.index, v.fields) for v in one.variants))


def _pallet(reader: _Reader, version: int) -> Pallet:
    name = reader.text()
    prefix = ""
    storage: tuple[StorageItem, ...] = ()
    if reader.u8():
        prefix = reader.text()
        storage = tuple(_storage(reader) for _ in range(reader.compact()))
    calls, events = reader.option_compact(), reader.option_compact()
    constants = tuple(_constant(reader) for _ in range(reader.compact()))
    errors, index = reader.option_compact(), reader.u8()
    if version >= 15:
        reader.texts()
    return Pallet(name, prefix, index, storage, calls, events, errors, constants)


def _storage(reader: _Reader) -> StorageItem:
    name, optional = reader.text(), reader.u8() == 0
    hashers: tuple[str, ...] = ()
    key: int | None = None
    if reader.u8() == 0:
        value = reader.compact()
    else:
        hashers = tuple(_HASHERS[reader.u8()] for _ in range(reader.compact()))
        key, value = reader.compact(), reader.compact()
    default = reader.take(reader.compact())
    reader.texts()
    return StorageItem(name, optional, hashers, key, value, default)


def _constant(reader: _Reader) -> Constant:
    name, number = reader.text(), reader.compact()
    value = reader.take(reader.compact())
    reader.texts()
    return Constant(name, number, value)


def _methods(reader: _Reader) -> list[Method]:
    found = []
    for _ in range(reader.compact()):
        api = reader.text()
        for _ in range(reader.compact()):
            name = reader.text()
            inputs = []
            for _ in range(reader.compact()):
                reader.text()
                inputs.append(reader.compact())
            found.append(Method(api, name, tuple(inputs), reader.compact()))
            reader.texts()
        reader.texts()
    return found
