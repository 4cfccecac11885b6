"""Metadata: clients decode it, and whatever we serve is what spec 343 has, but for listed exceptions with reasons."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset

from ranvier.keys.addresses import public_key
from ranvier.sandbox.frame.extrinsic import decode_extrinsic
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.version import SPECS
from ranvier.sandbox.runtime.machine import Machine
from sandbox.portable import Portable
from sandbox.support import fixture_text

OWN = {
    "Timestamp.constants.MinimumPeriod": "half of this network's own block time",
    "Aura.constants.SlotDuration": "this network's own block time",
    "SubtensorModule.constants.DurationOfStartCall": "that of a localnet's fast runtime, not finney's week",
    "System.constants.Version": "our list of runtime APIs is shorter",
}


@cache
def decoded(raw: bytes) -> tuple[dict[str, Any], Any]:
    configuration = RuntimeConfigurationObject()
    configuration.update_type_registry(load_type_registry_preset("core"))
    metadata = configuration.create_scale_object("MetadataVersioned", data=ScaleBytes(raw))
    metadata.decode()
    assert metadata.data.offset == len(raw)
    return metadata.value[1]["V14"], metadata


def ours(version: int = 343) -> dict[str, Any]:
    return decoded(Machine(1000, bytes(32)).metadata(SPECS[version], 14))[0]


def theirs() -> dict[str, Any]:
    return decoded(bytes.fromhex(fixture_text("metadata-343-v14.hex")[2:]))[0]


class Types:
    """Types of one metadata as structures that can be compared."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        self._types = {entry["id"]: entry["type"] for entry in metadata["types"]["types"]}

    def shape(self, number: int | None, depth: int = 0) -> Any:
        if number is None:
            return None
        kind = self._types[number]
        path = "::".join(kind["path"])
        if path.startswith("node_subtensor_runtime::Runtime") or depth > 12:
            return path  # made of the pallets, of which we have fewer
        params = [self.shape(one["type"], depth + 1) for one in kind["params"]]
        return path, params, self._definition(kind["def"], depth)

    def _definition(self, definition: dict[str, Any], depth: int) -> Any:
        name, body = next(iter(definition.items()))
        if name == "composite":
            return name, self.fields(body["fields"], depth)
        if name == "variant":
            rows = [(v["index"], v["name"], self.fields(v["fields"], depth)) for v in body["variants"]]
            return name, sorted(rows)
        if name == "tuple":
            return name, [self.shape(one, depth + 1) for one in body]
        if name in ("sequence", "array", "compact"):
            return name, body.get("len"), self.shape(body["type"], depth + 1)
        return name, body

    def fields(self, fields: list[dict[str, Any]], depth: int = 0) -> list[Any]:
        return [(one["name"], self.shape(one["type"], depth + 1)) for one in fields]

    def variants(self, number: int | None) -> dict[str, Any]:
        if number is None:
            return {}
        listed = self._types[number]["def"]["variant"]["variants"]
        return {v["name"]: (v["index"], self.fields(v["fields"])) for v in listed}

    def path(self, number: int) -> Any:
        return self._types[number]["path"], self._types[number]["params"]


def described(metadata: dict[str, Any]) -> dict[str, Any]:
    """Everything a client can name, each with its whole shape."""
    types, found = Types(metadata), {}
    for pallet in metadata["pallets"]:
        name = pallet["name"]
        found[f"{name}.index"] = pallet["index"]
        if pallet["storage"]:
            found[f"{name}.prefix"] = pallet["storage"]["prefix"]
            for item in pallet["storage"]["entries"]:
                found[f"{name}.storage.{item['name']}"] = storage_shape(types, item)
        for constant in pallet["constants"]:
            shape = types.shape(constant["type"]), constant["value"]
            found[f"{name}.constants.{constant['name']}"] = shape
        for kind in ("calls", "event", "error"):
            for variant, shape in types.variants(pallet[kind] and pallet[kind]["ty"]).items():
                found[f"{name}.{kind}.{variant}"] = shape
    return found


def storage_shape(types: Types, item: dict[str, Any]) -> Any:
    kind = item["type"]
    if "Plain" in kind:
        shape: Any = types.shape(kind["Plain"])
    else:
        entry = kind["Map"]
        shape = entry["hashers"], types.shape(entry["key"]), types.shape(entry["value"])
    return item["modifier"], shape, item["default"]


def test_what_we_serve_as_spec_343_is_what_it_has() -> None:
    mine, real = described(ours()), described(theirs())
    different = {name for name, shape in mine.items() if real.get(name) != shape}
    assert different == set(OWN), {name: (mine.get(name), real.get(name)) for name in different ^ set(OWN)}


def test_spec_425_adds_to_343_and_changes_nothing_of_it() -> None:
    old, new, real = described(ours()), described(ours(425)), described(theirs())
    grown = {"SubtensorModule.storage.LastRateLimitedBlock"}  # its key names eight hyperparameters more
    assert {name for name in old if new.get(name) != old[name]} == {"System.constants.Version"} | grown
    added = set(new) - set(old)
    again = added & set(real)
    told_otherwise = {"SubtensorModule.event.ColdkeySwapped", "SubtensorModule.calls.swap_coldkey"}  # 343 told the cost
    assert again - told_otherwise == {
        f"Swap.error.{name}"  # the pool of 425 has fewer errors, so that some have another number
        for name in (
            "InvalidTickRange", "InvalidLiquidityValue", "ReservesTooLow", "MechanismDoesNotExist", "SubtokenDisabled"
        )
    }  # fmt: skip
    assert {"SubtensorModule.storage.BurnHalfLife", "SubtensorModule.calls.register_limit"} <= added


def extensions(metadata: dict[str, Any]) -> list[Any]:
    types, extrinsic = Types(metadata), metadata["extrinsic"]
    rows = extrinsic["signed_extensions"]
    return [(row["identifier"], types.shape(row["ty"]), types.shape(row["additional_signed"])) for row in rows]


def test_call_event_and_error_types_have_the_real_paths() -> None:
    mine, real = ours(), theirs()
    real_pallets = {pallet["name"]: pallet for pallet in real["pallets"]}
    for pallet in mine["pallets"]:
        for kind in ("calls", "event", "error"):
            if pallet[kind] is not None:
                other = real_pallets[pallet["name"]][kind]["ty"]
                path, params = Types(mine).path(pallet[kind]["ty"])
                real_path, real_params = Types(real).path(other)
                assert path == real_path
                assert [one["name"] for one in params] == [one["name"] for one in real_params]


def test_signed_extensions_are_those_of_the_spec() -> None:
    assert extensions(ours()) == extensions(theirs())
    assert ours()["extrinsic"]["version"] == 4
    names = [name for name, _, _ in extensions(ours(425))]
    added = ["SudoTransactionExtension", "CheckShieldedTxValidity"]
    assert names == [name for name, _, _ in extensions(theirs())[:8]] + added + names[10:]
    assert [row for row in extensions(ours(425)) if row[0] not in added] == extensions(theirs())


def test_errors_are_at_the_place_of_their_number() -> None:
    """scalecodec finds a module error by position, not by index."""
    metadata = ours(425)
    types = Types(metadata)
    for pallet in metadata["pallets"]:
        listed = types.variants(pallet["error"] and pallet["error"]["ty"])
        assert [index for index, _ in listed.values()] == list(range(len(listed))), pallet["name"]


def served(call: str) -> bool:
    from ranvier.sandbox.runtime.runtime import CALLS

    return ("SubtensorModule", call) in CALLS or ("Balances", call) in CALLS


def test_signing_vectors_come_back_byte_for_byte() -> None:
    vectors = json.loads(fixture_text("signing-vectors-343.json"))
    genesis = bytes.fromhex("2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03")
    checked = 0
    for pallet, call, arguments, era, call_data, payload, encoded in vectors:
        if not served(call):
            continue
        extrinsic = decode_extrinsic(bytes.fromhex(encoded[2:]))
        assert extrinsic.call_bytes.hex() == call_data[2:]
        assert RUNTIME_CALL.encode(extrinsic.call).hex() == call_data[2:]
        name, (function, values) = extrinsic.call
        assert (name, function) == (pallet, call)
        assert plain(values) == plain({key: account(value) for key, value in arguments.items()})
        birth = genesis if era == "00" else b"\xab" * 32
        assert extrinsic.payload(SPECS[343], genesis, birth).hex() == payload[2:]
        checked += 1
    assert checked >= 10


def account(value: Any) -> Any:
    return public_key(value) if isinstance(value, str) and value.startswith("5") else value


def plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value[1] if isinstance(value, tuple) else value for key, value in values.items()}


@pytest.mark.parametrize("version", [14, 15])
@pytest.mark.parametrize("spec", [343, 425])
def test_metadata_versions_are_framed(version: int, spec: int) -> None:
    raw = Machine(1000, bytes(32)).metadata(SPECS[spec], version)
    assert raw[:5] == b"meta" + bytes((version,))


BASKETS = (
    "get_root_basket_owed",
    "get_basket_payout",
    "get_validator_basket_nav",
    "get_validator_basket",
    "get_root_basket_total_nav",
    "get_root_basket_positions",
    "get_basket_position",
    "get_root_basket_portfolio",
)
NEW_APIS = {
    "StakeInfoRuntimeApi.get_coldkey_lock": "btcli's stake list",
    "StakeInfoRuntimeApi.get_stake_availability_for_coldkeys": "btcli asks for it before it unstakes",
    "SubnetInfoRuntimeApi.get_subnet_hyperparams_v3": "btcli's hyperparameters",
    "SubnetInfoRuntimeApi.get_next_epoch_start_block": "the SDK's start schedule",
    "SubnetInfoRuntimeApi.get_block_emission": "the SDK's reads",
    "SwapRuntimeApi.current_alpha_price_all": "the SDK's prices",
    "SwapRuntimeApi.sim_swap_tao_for_alpha": "with the two slippages, which the SDK reads",
    "SwapRuntimeApi.sim_swap_alpha_for_tao": "with the two slippages, which the SDK reads",
} | {
    f"BetaBasketRuntimeApi.{name}": "spec 438; btcli asks. There are no baskets: it answers nothing" for name in BASKETS
}
# An extrinsic in a fee API contains every call of the runtime, of which we have fewer.
WITH_CALLS = {"TransactionPaymentApi.query_info", "TransactionPaymentApi.query_fee_details"}


@pytest.mark.parametrize(("spec", "newer"), [(343, set()), (425, set(NEW_APIS))])
def test_runtime_apis_have_the_types_of_spec_343(spec: int, newer: set[str]) -> None:
    real = Portable(bytes.fromhex(fixture_text("metadata-343-v15.hex")[2:]))
    mine = Portable(Machine(1000, bytes(32)).metadata(SPECS[spec], 15))
    different = set()
    for api, methods in mine.apis.items():
        for name, method in methods.items():
            other = real.apis.get(api, {}).get(name)
            if other is None or shapes(mine, method) != shapes(real, other):
                different.add(f"{api}.{name}")
    assert different - WITH_CALLS == newer
    assert sum(len(methods) for methods in mine.apis.values()) >= 39


def shapes(metadata: Portable, method: Any) -> Any:
    inputs, output = method
    return [(name, metadata.shape(kind)) for name, kind in inputs], metadata.shape(output)
