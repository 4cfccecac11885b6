"""Extrinsics of version 4: their bytes, what is signed, the signature check. Signed extensions of specs 343 and 425."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import ed25519_zebra
import sr25519

from ranvier.sandbox.codec.composites import UNIT, Field, Option, Struct, Tuple, enum, wrapper
from ranvier.sandbox.codec.registry import Registry
from ranvier.sandbox.codec.scale import U8, U32, U64, Codec, Compact, FixedBytes, Reader, ScaleError, encode_compact
from ranvier.sandbox.codec.types import ERA, H256, MULTI_ADDRESS, MULTI_SIGNATURE
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.version import Spec

_SIGNED = 0x84
_BARE = 0x04
_MODE = enum("frame_metadata_hash_extension::Mode", {"Disabled": 0, "Enabled": 1})
_RUNTIME = Struct(("node_subtensor_runtime", "Runtime"), ())


def _empty(path: str, parameter: Codec | None = None) -> Struct:
    return Struct(tuple(path.split("::")), (), (("T", parameter),))


@dataclass(frozen=True)
class SignedExtension:
    """Name, what it puts into the extrinsic, what it adds to the signed payload; ``since`` which spec."""

    name: str
    explicit: Codec
    implicit: Codec
    since: int = 343


EXTENSIONS = (
    SignedExtension(
        "CheckNonZeroSender", _empty("frame_system::extensions::check_non_zero_sender::CheckNonZeroSender"), UNIT
    ),
    SignedExtension("CheckSpecVersion", _empty("frame_system::extensions::check_spec_version::CheckSpecVersion"), U32),
    SignedExtension("CheckTxVersion", _empty("frame_system::extensions::check_tx_version::CheckTxVersion"), U32),
    SignedExtension("CheckGenesis", _empty("frame_system::extensions::check_genesis::CheckGenesis"), H256),
    SignedExtension(
        "CheckMortality", wrapper("frame_system::extensions::check_mortality::CheckMortality", ERA, T=None), H256
    ),
    SignedExtension(
        "CheckNonce", wrapper("node_subtensor_runtime::check_nonce::CheckNonce", Compact(U32), T=None), UNIT
    ),
    SignedExtension("CheckWeight", _empty("frame_system::extensions::check_weight::CheckWeight"), UNIT),
    SignedExtension(
        "ChargeTransactionPayment",
        wrapper("pallet_transaction_payment::ChargeTransactionPayment", Compact(U64), T=None),
        UNIT,
    ),
    SignedExtension(
        "SudoTransactionExtension",
        _empty("node_subtensor_runtime::sudo_wrapper::SudoTransactionExtension", _RUNTIME),
        UNIT,
        since=425,
    ),
    SignedExtension(
        "CheckShieldedTxValidity",
        _empty("pallet_shield::extension::CheckShieldedTxValidity", _RUNTIME),
        UNIT,
        since=425,
    ),
    SignedExtension(
        "SubtensorTransactionExtension",
        _empty("pallet_subtensor::transaction_extension::SubtensorTransactionExtension", _RUNTIME),
        UNIT,
    ),
    SignedExtension("DrandPriority", _empty("pallet_drand::drand_priority::DrandPriority", _RUNTIME), UNIT),
    SignedExtension(
        "CheckMetadataHash",
        Struct(("frame_metadata_hash_extension", "CheckMetadataHash"), (Field("mode", _MODE),), (("T", None),)),
        Option(FixedBytes(32)),
    ),
)


def extensions_of(version: int) -> list[SignedExtension]:
    """Those that a spec has, in wire order. What 425 added is empty: extrinsics have the same bytes under both."""
    return [extension for extension in EXTENSIONS if extension.since <= version]


class _Extra(Codec):
    """All extensions' parts of an extrinsic; described as the runtime at hand has them."""

    _all = Tuple(tuple(extension.explicit for extension in EXTENSIONS))

    def encode(self, value: Any) -> bytes:
        return self._all.encode(value)

    def read(self, reader: Reader) -> Any:
        return self._all.read(reader)

    def describe(self, registry: Registry) -> bytes:
        return registry.row([extension.explicit for extension in extensions_of(registry.face.version)])


EXTRA = _Extra()


@dataclass(frozen=True, slots=True)
class Extrinsic:
    """A decoded extrinsic. ``signer`` is None for the block author's own (inherents)."""

    call: tuple[str, tuple[str, Any]]
    call_bytes: bytes
    encoded: bytes  # with its length prefix, as it travels and is stored
    signer: bytes | None = None
    signature: tuple[str, bytes] | None = None
    era: tuple[int, int] | None = None
    era_bytes: bytes = b"\x00"
    nonce: int = 0
    tip: int = 0
    metadata_mode: int = 0

    @property
    def hash(self) -> bytes:
        return blake2b(self.encoded, digest_size=32).digest()

    def payload(self, spec: Spec, genesis: bytes, birth_hash: bytes) -> bytes:
        """What the signer signed, if they meant this runtime and this chain."""
        extra = self.era_bytes + encode_compact(self.nonce) + encode_compact(self.tip) + bytes((self.metadata_mode,))
        return signing_payload(self.call_bytes, extra, spec, genesis, birth_hash)


def signing_payload(call_bytes: bytes, extra: bytes, spec: Spec, genesis: bytes, birth_hash: bytes) -> bytes:
    """Call, extensions, and what the extensions imply; hashed when longer than 256 bytes."""
    versions = U32.encode(spec.version) + U32.encode(spec.transaction_version)
    implied = versions + genesis + birth_hash + b"\x00"
    whole = call_bytes + extra + implied
    return whole if len(whole) <= 256 else blake2b(whole, digest_size=32).digest()


def decode_extrinsic(encoded: bytes) -> Extrinsic:
    """Read an extrinsic with its length prefix; raises ScaleError for anything that is not exactly one."""
    try:
        return _decode(encoded)
    except RecursionError as error:
        raise ScaleError("calls are nested too deep") from error


def _decode(encoded: bytes) -> Extrinsic:
    reader = Reader(encoded)
    length = Compact(U32).read(reader)
    if length != reader.left:
        raise ScaleError("the length prefix does not fit")
    version = U8.read(reader)
    if version == _BARE:
        start = reader.offset
        call = RUNTIME_CALL.read(reader)
        if reader.left:
            raise ScaleError("bytes after the call")
        return Extrinsic(call, encoded[start:], encoded)
    if version != _SIGNED:
        raise ScaleError(f"extrinsic version {version & 127} is not 4")
    kind, account = MULTI_ADDRESS.read(reader)
    if kind not in ("Id", "Address32"):
        raise ScaleError("the sender must be an account id")
    signature = MULTI_SIGNATURE.read(reader)
    era_start = reader.offset
    era = ERA.read(reader)
    era_bytes = encoded[era_start : reader.offset]
    nonce, tip = Compact(U32).read(reader), Compact(U64).read(reader)
    mode = U8.read(reader)
    if mode > 1:
        raise ScaleError("unknown metadata hash mode")
    start = reader.offset
    call = RUNTIME_CALL.read(reader)
    if reader.left:
        raise ScaleError("bytes after the call")
    return Extrinsic(call, encoded[start:], encoded, account, signature, era, era_bytes, nonce, tip, mode)


def encode_signed(signer: bytes, crypto_type: int, signature: bytes, extra: bytes, call_bytes: bytes) -> bytes:
    """A signed extrinsic with its length prefix. ``crypto_type``: 0 ed25519, 1 sr25519."""
    name = ("Ed25519", "Sr25519")[crypto_type]
    body = (
        bytes((_SIGNED,))
        + MULTI_ADDRESS.encode(("Id", signer))
        + MULTI_SIGNATURE.encode((name, signature))
        + extra
        + call_bytes
    )
    return encode_compact(len(body)) + body


def encode_bare(call_bytes: bytes) -> bytes:
    """An unsigned extrinsic with its length prefix."""
    return encode_compact(len(call_bytes) + 1) + bytes((_BARE,)) + call_bytes


def signed_extra(era: tuple[int, int] | None, nonce: int, tip: int = 0) -> bytes:
    """The extensions' bytes in the extrinsic."""
    return ERA.encode(era) + encode_compact(nonce) + encode_compact(tip) + b"\x00"


def signature_valid(extrinsic: Extrinsic, spec: Spec, genesis: bytes, birth_hash: bytes) -> bool:
    """Whether the signer signed exactly this, here and for this runtime. Accounts are ed25519 or sr25519."""
    if extrinsic.signature is None or extrinsic.signer is None or extrinsic.metadata_mode:
        return False
    scheme, signature = extrinsic.signature
    payload = extrinsic.payload(spec, genesis, birth_hash)
    try:
        if scheme == "Sr25519":
            return bool(sr25519.verify(signature, payload, extrinsic.signer))
        if scheme == "Ed25519":
            return bool(ed25519_zebra.ed_verify(signature, payload, extrinsic.signer))
    except (ValueError, TypeError):
        return False  # the bindings raise for bytes that are no key or no signature
    return False
