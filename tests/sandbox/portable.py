"""Reads metadata 14 and 15 into plain structures to compare: an own reader, not the sandbox's codecs."""

from __future__ import annotations

from typing import Any

PRIMITIVES = (
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256",
)  # fmt: skip


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def compact(self) -> int:
        first = self.u8()
        mode = first & 3
        if mode == 3:
            return int.from_bytes(self.take((first >> 2) + 4), "little")
        return int.from_bytes(bytes((first,)) + self.take((0, 1, 3)[mode]), "little") >> 2

    def text(self) -> str:
        return self.take(self.compact()).decode()

    def many(self, read: Any) -> list[Any]:
        return [read() for _ in range(self.compact())]

    def maybe(self, read: Any) -> Any:
        return read() if self.u8() else None


class Portable:
    """The types of one metadata, and from version 15 its runtime APIs."""

    def __init__(self, raw: bytes) -> None:
        self._b = b = Bytes(raw[raw.index(b"meta") :])
        assert b.take(4) == b"meta"
        self.version = b.u8()
        self.types: dict[int, dict[str, Any]] = dict(b.many(self._type))
        self.pallets = b.many(self._pallet)
        if self.version >= 15:
            b.u8()
            for _ in range(4):
                b.compact()
            b.many(lambda: (b.text(), b.compact(), b.compact()))
            b.compact()
            self.apis: dict[str, dict[str, Any]] = dict(b.many(self._api))

    def _type(self) -> tuple[int, dict[str, Any]]:
        b = self._b
        number = b.compact()
        path = b.many(b.text)
        params = b.many(lambda: (b.text(), b.maybe(b.compact)))
        kind = b.u8()
        if kind == 0:
            body: Any = b.many(self._field)
        elif kind == 1:
            body = b.many(lambda: (b.text(), b.many(self._field), b.u8(), b.many(b.text))[:3])
        elif kind == 2:
            body = b.compact()
        elif kind == 3:
            size = b.u32()
            body = (size, b.compact())
        elif kind == 4:
            body = b.many(b.compact)
        elif kind == 5:
            body = PRIMITIVES[b.u8()]
        elif kind == 6:
            body = b.compact()
        else:
            body = (b.compact(), b.compact())
        b.many(b.text)
        return number, {"path": path, "params": params, "kind": kind, "body": body}

    def _field(self) -> tuple[str | None, int, str | None]:
        b = self._b
        field = (b.maybe(b.text), b.compact(), b.maybe(b.text))
        b.many(b.text)
        return field

    def _pallet(self) -> dict[str, Any]:
        b = self._b
        name = b.text()
        storage = b.maybe(lambda: (b.text(), b.many(self._entry)))
        calls, events = b.maybe(b.compact), b.maybe(b.compact)
        constants = b.many(lambda: (b.text(), b.compact(), b.take(b.compact()), b.many(b.text))[:3])
        errors = b.maybe(b.compact)
        index = b.u8()
        if self.version >= 15:
            b.many(b.text)
        return {"name": name, "storage": storage, "calls": calls, "events": events, "errors": errors,
                "constants": constants, "index": index}  # fmt: skip

    def _entry(self) -> dict[str, Any]:
        b = self._b
        name, modifier = b.text(), b.u8()
        if b.u8() == 0:
            kind: Any = ((), None, b.compact())
        else:
            kind = (tuple(b.many(b.u8)), b.compact(), b.compact())
        default = b.take(b.compact())
        b.many(b.text)
        return {"name": name, "modifier": modifier, "kind": kind, "default": default}

    def _api(self) -> tuple[str, dict[str, Any]]:
        b = self._b
        name = b.text()
        methods = b.many(self._method)
        b.many(b.text)
        return name, dict(methods)

    def _method(self) -> tuple[str, Any]:
        b = self._b
        name = b.text()
        inputs = b.many(lambda: (b.text(), b.compact()))
        output = b.compact()
        b.many(b.text)
        return name, (inputs, output)

    def shape(self, number: int, depth: int = 0) -> Any:
        """What bytes of a type look like, names included; paths only where a type is named."""
        entry = self.types[number]
        kind, body, path = entry["kind"], entry["body"], "::".join(entry["path"])
        if depth > 14:
            return path
        if kind == 0:
            return path, [(name, self.shape(one, depth + 1)) for name, one, _ in body]
        if kind == 1:
            rows = [(n, [(f, self.shape(t, depth + 1)) for f, t, _ in fields], i) for n, fields, i in body]
            return path, sorted(rows, key=lambda row: row[2])
        if kind == 3:
            return "array", body[0], self.shape(body[1], depth + 1)
        if kind == 4:
            return [self.shape(one, depth + 1) for one in body]
        if kind == 5:
            return body
        return ("sequence", "", "", "", "compact")[kind - 2], self.shape(body, depth + 1)
