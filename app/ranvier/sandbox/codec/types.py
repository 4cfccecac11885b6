"""The runtime's shared types, with the paths of spec 343: clients recognise them by path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ranvier.sandbox.codec.composites import UNIT, Enum, Field, Struct, Variant, Vec, enum, struct, wrapper
from ranvier.sandbox.codec.registry import Registry
from ranvier.sandbox.codec.scale import (
    I64,
    I128,
    U8,
    U32,
    U64,
    U128,
    Alias,
    Bytes,
    Codec,
    Compact,
    FixedBytes,
    Reader,
    ScaleError,
)

ACCOUNT = wrapper("sp_core::crypto::AccountId32", FixedBytes(32))
H160 = wrapper("primitive_types::H160", FixedBytes(20))
H256 = wrapper("primitive_types::H256", FixedBytes(32))
BYTES = Bytes()

# Amounts are u64 rao; the aliases are what the runtime's source calls them.
BALANCE = Alias(U64, "T::Balance")
TAO = Alias(U64, "TaoCurrency")
ALPHA = Alias(U64, "AlphaCurrency")

MULTI_ADDRESS = enum(
    "sp_runtime::multiaddress::MultiAddress",
    {
        "Id": (0, ACCOUNT),
        "Index": (1, Compact(UNIT)),
        "Raw": (2, BYTES),
        "Address32": (3, FixedBytes(32)),
        "Address20": (4, FixedBytes(20)),
    },
    AccountId=ACCOUNT,
    AccountIndex=UNIT,
)
LOOKUP = Alias(MULTI_ADDRESS, "AccountIdLookupOf<T>")

MULTI_SIGNATURE = enum(
    "sp_runtime::MultiSignature",
    {"Ed25519": (0, FixedBytes(64)), "Sr25519": (1, FixedBytes(64)), "Ecdsa": (2, FixedBytes(65))},
)

EXTRA_FLAGS = wrapper("pallet_balances::types::ExtraFlags", U128)
ACCOUNT_DATA = struct(
    "pallet_balances::types::AccountData",
    {"free": U64, "reserved": U64, "frozen": U64, "flags": EXTRA_FLAGS},
    Balance=U64,
)
ACCOUNT_INFO = struct(
    "frame_system::AccountInfo",
    {"nonce": U32, "consumers": U32, "providers": U32, "sufficients": U32, "data": ACCOUNT_DATA},
    Nonce=U32,
    AccountData=ACCOUNT_DATA,
)

WEIGHT = struct("sp_weights::weight_v2::Weight", {"ref_time": Compact(U64), "proof_size": Compact(U64)})
DISPATCH_CLASS = enum("frame_support::dispatch::DispatchClass", {"Normal": 0, "Operational": 1, "Mandatory": 2})
PAYS = enum("frame_support::dispatch::Pays", {"Yes": 0, "No": 1})
DISPATCH_INFO = struct("frame_system::DispatchEventInfo", {"weight": WEIGHT, "class": DISPATCH_CLASS, "pays_fee": PAYS})


MODULE_ERROR = struct("sp_runtime::ModuleError", {"index": U8, "error": FixedBytes(4)})
TOKEN_ERROR = enum(
    "sp_runtime::TokenError",
    {
        name: index
        for index, name in enumerate(
            ("FundsUnavailable", "OnlyProvider", "BelowMinimum", "CannotCreate", "UnknownAsset", "Frozen",
             "Unsupported", "CannotCreateHold", "NotExpendable", "Blocked")
        )
    },
)  # fmt: skip
ARITHMETIC_ERROR = enum("sp_arithmetic::ArithmeticError", {"Underflow": 0, "Overflow": 1, "DivisionByZero": 2})
TRANSACTIONAL_ERROR = enum("sp_runtime::TransactionalError", {"LimitReached": 0, "NoLayer": 1})
TRIE_ERROR = enum(
    "sp_runtime::proving_trie::TrieError",
    {
        name: index
        for index, name in enumerate(
            ("InvalidStateRoot", "IncompleteDatabase", "ValueAtIncompleteKey", "DecoderError", "InvalidHash",
             "DuplicateKey", "ExtraneousNode", "ExtraneousValue", "ExtraneousHashReference", "InvalidChildReference",
             "ValueMismatch", "IncompleteProof", "RootMismatch", "DecodeError")
        )
    },
)  # fmt: skip
DISPATCH_ERROR = enum(
    "sp_runtime::DispatchError",
    {
        "Other": 0,
        "CannotLookup": 1,
        "BadOrigin": 2,
        "Module": (3, MODULE_ERROR),
        "ConsumerRemaining": 4,
        "NoProviders": 5,
        "TooManyConsumers": 6,
        "Token": (7, TOKEN_ERROR),
        "Arithmetic": (8, ARITHMETIC_ERROR),
        "Transactional": (9, TRANSACTIONAL_ERROR),
        "Exhausted": 10,
        "Corruption": 11,
        "Unavailable": 12,
        "RootNotAllowed": 13,
        "Trie": (14, TRIE_ERROR),
    },
)

PHASE = enum("frame_system::Phase", {"ApplyExtrinsic": (0, U32), "Finalization": 1, "Initialization": 2})
DIGEST_ITEM = Enum(
    ("sp_runtime", "generic", "digest", "DigestItem"),
    (
        Variant("PreRuntime", 6, (Field(None, Alias(FixedBytes(4), "ConsensusEngineId")), Field(None, BYTES))),
        Variant("Consensus", 4, (Field(None, Alias(FixedBytes(4), "ConsensusEngineId")), Field(None, BYTES))),
        Variant("Seal", 5, (Field(None, Alias(FixedBytes(4), "ConsensusEngineId")), Field(None, BYTES))),
        Variant("Other", 0, (Field(None, BYTES),)),
        Variant("RuntimeEnvironmentUpdated", 8),
    ),
)
DIGEST = struct("sp_runtime::generic::digest::Digest", {"logs": Vec(DIGEST_ITEM)})
HEADER = struct(
    "sp_runtime::generic::header::Header",
    {
        "parent_hash": H256,
        "number": Compact(U32),
        "state_root": H256,
        "extrinsics_root": H256,
        "digest": DIGEST,
    },
)


def typenum(value: int) -> Struct:
    """A number as a type (``U64`` is UInt<...B0>): the fractional bits of a fixed-point type."""
    if value == 0:
        return Struct(("substrate_typenum", "uint", "UTerm"), ())
    upper, bit = typenum(value >> 1), Struct(("substrate_typenum", "bit", f"B{value & 1}"), ())
    return struct("substrate_typenum::uint::UInt", {"msb": upper, "lsb": bit}, U=upper, B=bit)


@dataclass(frozen=True)
class Fixed(Codec):
    """A ``substrate_fixed`` number; its value here is the bare int of its bits."""

    signed: bool
    fraction: int
    size: int = 128

    @property
    def _bits(self) -> Codec:
        if self.size == 64:
            return I64 if self.signed else U64
        return I128 if self.signed else U128

    def encode(self, value: Any) -> bytes:
        return self._bits.encode(value)

    def read(self, reader: Reader) -> Any:
        return self._bits.read(reader)

    def describe(self, registry: Registry) -> bytes:
        name = f"Fixed{'I' if self.signed else 'U'}{self.size}"
        return registry.composite(
            ("substrate_fixed", name), (("Frac", typenum(self.fraction)),), (Field("bits", self._bits),)
        )

    @property
    def label(self) -> str:
        whole = self.size - self.fraction
        return f"{'I' if self.signed else 'U'}{whole}F{self.fraction}"


U64F64 = Fixed(signed=False, fraction=64)
I96F32 = Fixed(signed=True, fraction=32)
I64F64 = Fixed(signed=True, fraction=64)
U96F32 = Fixed(signed=False, fraction=32)
I32F32 = Fixed(signed=True, fraction=32, size=64)
FIXED_U128 = wrapper("sp_arithmetic::fixed_point::FixedU128", U128)


@dataclass(frozen=True)
class Era(Codec):
    """Mortality: None is immortal, else (period, phase) with a period of a power of two from 4 to 65536."""

    def encode(self, value: Any) -> bytes:
        if value is None:
            return b"\x00"
        period, phase = value
        if period & (period - 1) or not 4 <= period <= 1 << 16 or not 0 <= phase < period:
            raise ScaleError("not a mortal era")
        quantised = phase // max(period >> 12, 1)
        return int.to_bytes(max(1, period.bit_length() - 2) | quantised << 4, 2, "little")

    def read(self, reader: Reader) -> tuple[int, int] | None:
        first = reader.take(1)
        if first == b"\x00":
            return None
        bits = int.from_bytes(first + reader.take(1), "little")
        period = 2 << (bits & 15)
        phase = (bits >> 4) * max(period >> 12, 1)
        if period < 4 or phase >= period:
            raise ScaleError("not a mortal era")
        return period, phase

    def describe(self, registry: Registry) -> bytes:
        mortal = [Variant(f"Mortal{index}", index, (Field(None, Alias(U8, "")),)) for index in range(1, 256)]
        return registry.variant(("sp_runtime", "generic", "era", "Era"), (), [Variant("Immortal", 0), *mortal])


ERA = Era()


def era_birth(era: tuple[int, int] | None, current: int) -> int:
    """The block whose hash a mortal extrinsic signs, as seen from block ``current``; 0 for an immortal one."""
    if era is None:
        return 0
    period, phase = era
    return (max(current, phase) - phase) // period * period + phase
