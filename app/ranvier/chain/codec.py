"""A runtime's types: storage keys, values, calls, events and errors by its metadata. Nothing here talks to a node.

Imported late and used on a connection's worker thread: it loads substrate-interface and its SCALE codec.
Decoded metadata is a pure function of (genesis, spec version), so it is kept for the life of the process.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset
from substrateinterface.storage import StorageKey

from ranvier.chain.events import Event
from ranvier.core.errors import ChainError

SS58_PREFIX = 42
# The library's preset says u128; on this chain a balance is u64, and the fee query fails otherwise.
_OWN_TYPES = {"types": {"Balance": "u64"}}
_HASH_BYTES = {"Blake2_128Concat": 16, "Twox64Concat": 8, "Identity": 0}

_known: dict[tuple[str, int], Runtime] = {}
_building = threading.Lock()


@dataclass(frozen=True, slots=True)
class Item:
    """One storage item: its prefix, how its keys are made and what its value is."""

    pallet: str
    name: str
    prefix: str
    hashers: tuple[str, ...]
    key_types: tuple[str, ...]
    value_type: str
    optional: bool
    default: bytes


def known_runtime(genesis: str, spec_version: int) -> Runtime | None:
    """The decoded runtime, if some connection of this process has met it."""
    return _known.get((genesis, spec_version))


def decode_runtime(genesis: str, spec_version: int, transaction_version: int, metadata: bytes) -> Runtime:
    """Decode V14 metadata (0.8 s for the real chain's), once per (genesis, spec version)."""
    with _building:
        runtime = _known.get((genesis, spec_version))
        if runtime is None:
            runtime = Runtime(genesis, spec_version, transaction_version, metadata)
            _known[genesis, spec_version] = runtime
        return runtime


def new_config() -> RuntimeConfigurationObject:
    """A type registry with the core types and ours."""
    config = RuntimeConfigurationObject(ss58_format=SS58_PREFIX)
    _fill(config)
    return config


def _fill(config: RuntimeConfigurationObject) -> None:
    config.clear_type_registry()
    config.update_type_registry(load_type_registry_preset(name="core"))
    config.update_type_registry(_OWN_TYPES)


class Runtime:
    """One decoded runtime. Shared between connections, so it is not changed after it is made."""

    def __init__(self, genesis: str, spec_version: int, transaction_version: int, metadata: bytes) -> None:
        self.genesis, self.spec_version, self.transaction_version = genesis, spec_version, transaction_version
        self.config = new_config()
        try:
            self.metadata = self.config.create_scale_object("MetadataVersioned", data=ScaleBytes(metadata))
            self.metadata.decode()
        except (ValueError, NotImplementedError, KeyError, IndexError) as error:
            raise ChainError("Unknown metadata", "The node describes itself in a way that cannot be read.") from error
        self.config.implements_scale_info = True
        _fill(self.config)  # the runtime's own types replace what the metadata's layout needed
        self.config.add_portable_registry(self.metadata)
        self.config.set_active_spec_version_id(spec_version)
        self.config.update_type_registry_types({"Weight": "sp_weights::weight_v2::Weight"})
        fee_types = self.config.type_registry["runtime_api"]["TransactionPaymentApi"]["types"]
        self.config.update_type_registry_types(fee_types)
        self._items: dict[tuple[str, str], Item | None] = {}

    # What there is

    def has_item(self, pallet: str, name: str) -> bool:
        return self._find_item(pallet, name) is not None

    def has_call(self, pallet: str, name: str) -> bool:
        found = self.metadata.get_metadata_pallet(pallet)
        return found is not None and any(call.name == name for call in found.calls or ())

    def has_event(self, pallet: str, name: str) -> bool:
        found = self.metadata.get_metadata_pallet(pallet)
        return found is not None and any(event.name == name for event in found.events or ())

    def constant(self, pallet: str, name: str) -> Any:
        """A constant's value; None when this runtime has none of that name."""
        found = self.metadata.get_metadata_pallet(pallet)
        for constant in (found.constants or ()) if found is not None else ():
            if constant.name == name:
                return self.decode(constant.type, constant.constant_value)
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
        self.item(pallet, name)
        try:
            made = StorageKey.create_from_storage_function(
                pallet, name, list(params), runtime_config=self.config, metadata=self.metadata
            )
            return str(made.to_hex())
        except (ValueError, TypeError, NotImplementedError) as error:
            raise ChainError("Bad request", f"{pallet}.{name} cannot be read with these keys: {error}.") from error

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
        for hasher, key_type in zip(item.hashers, item.key_types, strict=True):
            if hasher not in _HASH_BYTES:
                raise ChainError("Unreadable keys", f"{item.pallet}.{item.name} hides its keys.")
            place += _HASH_BYTES[hasher]
            scale = self.config.create_scale_object(key_type, ScaleBytes(data[place:]))
            keys.append(scale.decode(check_remaining=False))
            place += scale.data.offset
        return tuple(keys[given:])

    def decode(self, type_name: str, data: bytes) -> Any:
        """Plain Python values; raises ChainError for bytes that are not of the type."""
        try:
            return self.config.create_scale_object(type_name, ScaleBytes(data)).decode()
        except Exception as error:  # the codec raises a dozen kinds for bad bytes
            raise ChainError("Unreadable answer", f"The node's answer is not what its types say ({error}).") from error

    # Calls, events, errors

    def call(self, pallet: str, function: str, arguments: dict[str, Any]) -> str:
        """The SCALE-encoded call as hex; raises ChainError for a call that this runtime lacks or bad arguments."""
        call = self.config.create_scale_object("Call", metadata=self.metadata)
        try:
            call.encode({"call_module": pallet, "call_function": function, "call_args": arguments})
        except Exception as error:  # the codec raises a dozen kinds for bad arguments
            raise ChainError("Cannot be done here", f"{pallet}.{function} cannot be made: {error}.") from error
        return str(call.data.to_hex())

    def call_words(self, call_hex: str) -> str:
        """``Balances.transfer_keep_alive(dest=5F…, value=1)``: what the bytes mean, not what was asked for."""
        call = self.config.create_scale_object("Call", data=ScaleBytes(call_hex), metadata=self.metadata)
        try:
            call.decode()
        except Exception as error:  # as above
            raise ChainError("Unreadable call", "The call cannot be decoded with this chain's types.") from error
        value = call.value
        arguments = ", ".join(f"{a['name']}={a['value']}" for a in value["call_args"])
        return f"{value['call_module']}.{value['call_function']}({arguments})"

    def events(self, raw: str | None) -> tuple[Event, ...]:
        """The decoded ``System.Events`` of a block."""
        records = self.value(self.item("System", "Events"), raw) or []
        return tuple(
            Event(record["module_id"], record["event_id"], record["attributes"], record.get("extrinsic_idx"))
            for record in records
        )

    def error_name(self, dispatch_error: Any) -> tuple[str, str]:
        """The name and the chain's own words of a dispatch error."""
        if not isinstance(dispatch_error, dict) or not dispatch_error:
            return str(dispatch_error), ""
        kind, detail = next(iter(dispatch_error.items()))
        if kind != "Module":
            return f"{kind}.{detail}" if isinstance(detail, str) else str(kind), ""
        index, error = detail["index"], detail["error"]
        number = int(error[2:4], 16) if isinstance(error, str) else error[0] if isinstance(error, list) else error
        try:
            found = self.metadata.get_module_error(module_index=index, error_index=number)
        except (AttributeError, IndexError, KeyError, ValueError):
            found = None
        if found is None:
            return f"Module {index}, error {number}", ""
        pallet = next((p.name for p in self.metadata.pallets if p.value["index"] == index), str(index))
        return f"{pallet}.{found.name}", " ".join(found.docs)

    @property
    def extrinsic_version(self) -> int:
        return int(self.metadata[1][1]["extrinsic"]["version"].value)

    def signed_extensions(self) -> tuple[tuple[str, bool], ...]:
        """(name, whether it adds nothing to the transaction or to what is signed), in wire order."""
        return tuple(
            (name, all(self._is_empty(kind) for kind in parts.values()))
            for name, parts in self.metadata.get_signed_extensions().items()
        )

    def _is_empty(self, type_name: str) -> bool:
        types = self.metadata.portable_registry.value["types"]
        definition = types[int(type_name.rpartition("::")[2])]["type"]["def"]
        kind, body = next(iter(definition.items()))
        if kind == "tuple":
            return all(self._is_empty(f"scale_info::{part}") for part in body)
        if kind == "composite":
            return all(self._is_empty(f"scale_info::{field['type']}") for field in body["fields"])
        return False

    def _find_item(self, pallet: str, name: str) -> Item | None:
        if (pallet, name) not in self._items:
            self._items[pallet, name] = self._build_item(pallet, name)
        return self._items[pallet, name]

    def _build_item(self, pallet: str, name: str) -> Item | None:
        found = self.metadata.get_metadata_pallet(pallet)
        if found is None or not found.value["storage"]:
            return None
        function = found.get_storage_function(name)
        if function is None:
            return None
        key_types = tuple(function.get_params_type_string())
        key = StorageKey.create_from_storage_function(
            pallet, name, [], runtime_config=self.config, metadata=self.metadata
        )
        return Item(
            pallet,
            name,
            str(key.to_hex()),
            tuple(function.get_param_hashers())[: len(key_types)],
            key_types,
            function.get_value_type_string(),
            function.value["modifier"] == "Optional",
            bytes(function.value_object["default"].value_object),
        )
