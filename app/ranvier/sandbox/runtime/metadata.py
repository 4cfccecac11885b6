"""Metadata of the runtime, version 14 and 15, as bytes, from the pallets' declarations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranvier.sandbox.codec.composites import Field, Struct
from ranvier.sandbox.codec.registry import Registry, optional, text, vector
from ranvier.sandbox.codec.scale import Codec, encode_compact
from ranvier.sandbox.codec.types import BYTES, MULTI_ADDRESS, MULTI_SIGNATURE
from ranvier.sandbox.frame.api import Api
from ranvier.sandbox.frame.extrinsic import EXTRA, extensions_of
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.pallet import Constant, Pallet
from ranvier.sandbox.frame.storage import Item
from ranvier.sandbox.frame.version import Spec
from ranvier.sandbox.runtime.runtime import RUNTIME_ERROR, RUNTIME_EVENT
from ranvier.sandbox.runtime.specs import Face

_MAGIC = b"meta"
_NO_DOCS = b"\x00"
_EXTRINSIC_VERSION = 4
_RUNTIME = Struct(("node_subtensor_runtime", "Runtime"), ())
_EXTRINSIC_PARAMS = (("Address", MULTI_ADDRESS), ("Call", RUNTIME_CALL), ("Signature", MULTI_SIGNATURE))
_GENERIC = Struct(
    ("sp_runtime", "generic", "unchecked_extrinsic", "UncheckedExtrinsic"),
    (Field(None, BYTES),),
    (*_EXTRINSIC_PARAMS, ("Extra", EXTRA)),
)
UNCHECKED_EXTRINSIC = Struct(
    ("fp_self_contained", "unchecked_extrinsic", "UncheckedExtrinsic"),
    (Field(None, _GENERIC),),
    (*_EXTRINSIC_PARAMS, ("Extension", EXTRA)),
)


def metadata_v14(pallets: Sequence[Pallet], spec: Spec) -> bytes:
    """What ``state_getMetadata`` answers: magic, version, types, pallets, extrinsic, runtime type."""
    registry = Registry(Face(spec.version, pallets))
    listed = vector([_pallet(registry, pallet, spec) for pallet in _shown(registry, pallets)])
    extrinsic = registry.reference(UNCHECKED_EXTRINSIC) + bytes((_EXTRINSIC_VERSION,)) + _extensions(registry)
    runtime = registry.reference(_RUNTIME)
    return _MAGIC + b"\x0e" + registry.encode() + listed + extrinsic + runtime


def metadata_v15(pallets: Sequence[Pallet], spec: Spec, apis: Sequence[Api]) -> bytes:
    """Version 15: as 14, with the runtime APIs and the outer enums."""
    registry = Registry(Face(spec.version, pallets))
    listed = vector([_pallet(registry, pallet, spec) + _NO_DOCS for pallet in _shown(registry, pallets)])
    parts: list[Codec] = [MULTI_ADDRESS, RUNTIME_CALL, MULTI_SIGNATURE, EXTRA]
    extrinsic = bytes((_EXTRINSIC_VERSION,)) + b"".join(map(registry.reference, parts)) + _extensions(registry)
    runtime = registry.reference(_RUNTIME)
    api_list = vector([_api(registry, api) for api in apis if api.of(spec.version)])
    outer = b"".join(registry.reference(codec) for codec in (RUNTIME_CALL, RUNTIME_EVENT, RUNTIME_ERROR))
    custom = vector([])
    return _MAGIC + b"\x0f" + registry.encode() + listed + extrinsic + runtime + api_list + outer + custom


def _shown(registry: Registry, pallets: Sequence[Pallet]) -> list[Pallet]:
    return [pallet for pallet in pallets if registry.face.has_pallet(pallet.name)]


def _pallet(registry: Registry, pallet: Pallet, spec: Spec) -> bytes:
    face = registry.face
    storage = None
    if pallet.storage is not None:
        storage = text(pallet.storage.prefix) + vector(
            [_entry(registry, item) for item in pallet.items if face.has(pallet.name, "storage", item.name)]
        )
    constants = [
        text(one.name)
        + registry.reference(one.codec)
        + BYTES.encode(one.codec.encode(_value(pallet, one, spec)))
        + _NO_DOCS
        for one in pallet.constants
        if face.has(pallet.name, "constants", one.name)
    ]
    kinds = [optional(registry.reference(kind) if kind is not None else None) for kind in _types(pallet)]
    calls, events, errors = kinds
    return text(pallet.name) + optional(storage) + calls + events + vector(constants) + errors + bytes((pallet.index,))


def _value(pallet: Pallet, constant: Constant, spec: Spec) -> Any:
    """A constant's value; System.Version is the runtime's own."""
    return spec.value if (pallet.name, constant.name) == ("System", "Version") else constant.value


def _types(pallet: Pallet) -> tuple[Codec | None, Codec | None, Codec | None]:
    return pallet.call_type(), pallet.event_type(), pallet.error_type()


def _entry(registry: Registry, item: Item) -> bytes:
    modifier = b"\x00" if item.optional else b"\x01"
    if not item.keys:
        kind = b"\x00" + registry.reference(item.value)
    else:
        hashers = vector([bytes((hasher.index,)) for _, hasher in item.keys])
        kind = b"\x01" + hashers + registry.reference(item.key_type) + registry.reference(item.value)
    return text(item.name) + modifier + kind + BYTES.encode(item.default_bytes) + _NO_DOCS


def _extensions(registry: Registry) -> bytes:
    return vector(
        [
            text(one.name) + registry.reference(one.explicit) + registry.reference(one.implicit)
            for one in extensions_of(registry.face.version)
        ]
    )


def _api(registry: Registry, api: Api) -> bytes:
    methods = []
    for method in api.of(registry.face.version):
        inputs = [text(name) + registry.reference(codec) for name, codec in method.inputs.items()]
        methods.append(text(method.name) + vector(inputs) + registry.reference(method.output) + _NO_DOCS)
    return text(api.name) + vector(methods) + encode_compact(0)
