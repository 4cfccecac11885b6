"""Samples as bytes for the ledger: what has its default value is left out, so that a year of them stays small."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from ranvier.core.outside import NOT_JSON
from ranvier.hardware.snapshot import Disk, Gpu, GpuProcess, Hardware, Host

_KINDS = (Hardware, Host, Gpu, GpuProcess, Disk)
_DEFAULTS: dict[type, tuple[tuple[str, Any], ...]] = {
    kind: tuple((field.name, field.default) for field in dataclasses.fields(kind)) for kind in _KINDS
}
_DECODER = msgspec.json.Decoder(Hardware)


def pack(sample: Hardware) -> bytes:
    """JSON that ``unpack`` reads back as the same sample."""
    return msgspec.json.encode(_slim(sample))


def unpack(body: bytes) -> Hardware | None:
    """The sample, or None for bytes of another version that cannot be read."""
    try:
        return _DECODER.decode(body)
    except NOT_JSON:
        return None


def _slim(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_slim(item) for item in value]
    if not isinstance(value, _KINDS):
        return value
    slim: dict[str, Any] = {}
    for name, default in _DEFAULTS[type(value)]:
        item = getattr(value, name)
        if default is dataclasses.MISSING or item != default:
            slim[name] = _slim(item)
    return slim
