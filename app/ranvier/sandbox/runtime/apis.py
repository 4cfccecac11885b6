"""The runtime APIs that are not a pallet's own: Core, Metadata, nonces and fees."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Option, Vec, struct, wrapper
from ranvier.sandbox.codec.scale import U32, U64, Codec, Compact, Reader, ScaleError, encode_compact
from ranvier.sandbox.codec.types import ACCOUNT, BYTES, DISPATCH_CLASS, WEIGHT
from ranvier.sandbox.frame.api import Api, Method, View
from ranvier.sandbox.frame.extrinsic import decode_extrinsic
from ranvier.sandbox.frame.version import RUNTIME_VERSION, SPECS, spec_of
from ranvier.sandbox.pallets.subtensor.apis import APIS as SUBTENSOR_APIS
from ranvier.sandbox.pallets.subtensor.storage import rules
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.runtime.metadata import UNCHECKED_EXTRINSIC

_OPAQUE = wrapper("sp_core::OpaqueMetadata", BYTES)
DISPATCH_FEE = struct(
    "pallet_transaction_payment::types::RuntimeDispatchInfo",
    {"weight": WEIGHT, "class": DISPATCH_CLASS, "partial_fee": U64},
    Balance=U64,
    Weight=WEIGHT,
)
_INCLUSION = struct(
    "pallet_transaction_payment::types::InclusionFee",
    {"base_fee": U64, "len_fee": U64, "adjusted_weight_fee": U64},
    Balance=U64,
)
FEE_DETAILS = struct(
    "pallet_transaction_payment::types::FeeDetails", {"inclusion_fee": Option(_INCLUSION), "tip": U64}, Balance=U64
)


class _OpaqueExtrinsic(Codec):
    """An extrinsic as an argument: its bytes with their length prefix."""

    def encode(self, value: Any) -> bytes:
        return bytes(value)

    def read(self, reader: Reader) -> bytes:
        length = Compact(U32).read(reader)
        return encode_compact(length) + reader.take(length)

    def describe(self, registry: Any) -> bytes:
        raise ScaleError("described by the plain type")

    @property
    def plain(self) -> Codec:
        return UNCHECKED_EXTRINSIC


_UXT = {"uxt": _OpaqueExtrinsic(), "len": U32}


def _version(view: View) -> dict[str, Any]:
    return spec_of(view.state).value


def _metadata(view: View) -> bytes:
    return view.machine.metadata(spec_of(view.state), 14)


def _metadata_at(view: View, version: int) -> bytes | None:
    return view.machine.metadata(spec_of(view.state), version) if version in (14, 15) else None


def _metadata_versions(view: View) -> list[int]:
    return [14, 15]


def _nonce(view: View, account: bytes) -> int:
    nonce: int = System.Account.get(view.state, account)["nonce"]
    return nonce


def _query_info(view: View, uxt: bytes, length: int) -> dict[str, Any]:
    fee = view.machine.fee(decode_extrinsic(uxt), rules(view.state), length)
    return {
        "weight": {"ref_time": fee.ref_time, "proof_size": fee.proof_size},
        "class": (fee.dispatch_class, ()),
        "partial_fee": fee.without_tip,
    }


def _query_details(view: View, uxt: bytes, length: int) -> dict[str, Any]:
    fee = view.machine.fee(decode_extrinsic(uxt), rules(view.state), length)
    parts = {"base_fee": fee.base, "len_fee": fee.length, "adjusted_weight_fee": fee.weight}
    return {"inclusion_fee": parts if fee.pays else None, "tip": 0}


APIS: tuple[Api, ...] = (
    Api("Core", (Method("version", {}, RUNTIME_VERSION, _version),)),
    Api(
        "Metadata",
        (
            Method("metadata", {}, _OPAQUE, _metadata),
            Method("metadata_at_version", {"version": U32}, Option(_OPAQUE), _metadata_at),
            Method("metadata_versions", {}, Vec(U32), _metadata_versions),
        ),
    ),
    Api("AccountNonceApi", (Method("account_nonce", {"account": ACCOUNT}, U32, _nonce),)),
    Api(
        "TransactionPaymentApi",
        (
            Method("query_info", _UXT, DISPATCH_FEE, _query_info),
            Method("query_fee_details", _UXT, FEE_DETAILS, _query_details),
        ),
    ),
    *SUBTENSOR_APIS,
)
METHODS: dict[int, dict[str, Method]] = {
    version: {f"{api.name}_{method.name}": method for api in APIS for method in api.of(version)} for version in SPECS
}
