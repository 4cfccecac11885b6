"""Payloads to sign and signed transactions (format 4), from given parts, without a node and without a key.

The call's bytes go in as they were planned.
Equal byte for byte to two other implementations (tests/chain/test_offline.py).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ranvier.chain.runtime.values import write_compact as compact
from ranvier.core.errors import ChainError

if TYPE_CHECKING:
    from ranvier.chain.runtime.codec import Runtime

ERA_BLOCKS = 64
_FORMAT = 4
_SIGNED = 0x80
_ACCOUNT_ID = 0  # MultiAddress::Id
_LONGEST_UNHASHED = 256
_NONE = b"\0"
_FILLED = {
    "CheckSpecVersion",
    "CheckTxVersion",
    "CheckGenesis",
    "CheckMortality",
    "CheckNonce",
    "ChargeTransactionPayment",
    "CheckMetadataHash",
}


@dataclass(frozen=True, slots=True)
class Mortality:
    """Valid for ``ERA_BLOCKS`` from ``block``, whose hash is signed too."""

    block: int
    block_hash: str

    def era(self) -> bytes:
        """Two bytes: the period as a power of two, and where in it ``block`` lies."""
        return (ERA_BLOCKS.bit_length() - 2 | (self.block % ERA_BLOCKS) << 4).to_bytes(2, "little")


def signing_problem(runtime: Runtime) -> str | None:
    """Why nothing may be signed for this runtime; None when its transactions are fully understood."""
    if runtime.extrinsic_version != _FORMAT:
        return f"the chain wants transactions of format {runtime.extrinsic_version}"
    unknown = [name for name, empty in runtime.signed_extensions() if not empty and name not in _FILLED]
    return f"the chain wants something signed that this version does not know ({unknown[0]})" if unknown else None


def signature_payload(runtime: Runtime, call_hex: str, nonce: int, mortality: Mortality | None) -> bytes:
    """The bytes to sign (hashed by rule when they are longer than 256)."""
    implicit = {
        "CheckSpecVersion": runtime.spec_version.to_bytes(4, "little"),
        "CheckTxVersion": runtime.transaction_version.to_bytes(4, "little"),
        "CheckGenesis": _bytes(runtime.genesis),
        "CheckMortality": _bytes(mortality.block_hash if mortality is not None else runtime.genesis),
        "CheckMetadataHash": _NONE,
    }
    parts = [_bytes(call_hex), _explicit(runtime, nonce, mortality)]
    parts += [implicit.get(name, b"") for name, _ in runtime.signed_extensions()]
    payload = b"".join(parts)
    return hashlib.blake2b(payload, digest_size=32).digest() if len(payload) > _LONGEST_UNHASHED else payload


def signed(
    runtime: Runtime,
    call_hex: str,
    public_key: bytes,
    crypto_type: int,
    signature: bytes,
    nonce: int,
    mortality: Mortality | None,
) -> bytes:
    """The whole transaction, ready to submit. ``crypto_type`` as in key files: 0 ed25519, 1 sr25519."""
    if len(public_key) != 32 or len(signature) != 64 or crypto_type not in (0, 1):
        raise ChainError("Not signed", "The signature has an unknown form.")
    body = bytes([_SIGNED | _FORMAT, _ACCOUNT_ID]) + public_key + bytes([crypto_type]) + signature
    body += _explicit(runtime, nonce, mortality) + _bytes(call_hex)
    return compact(len(body)) + body


def hash_of(extrinsic: bytes) -> str:
    """The hash by which nodes and explorers know a transaction."""
    return "0x" + hashlib.blake2b(extrinsic, digest_size=32).hexdigest()


def _explicit(runtime: Runtime, nonce: int, mortality: Mortality | None) -> bytes:
    known = {
        "CheckMortality": mortality.era() if mortality is not None else _NONE,
        "CheckNonce": compact(nonce),
        "ChargeTransactionPayment": compact(0),  # a tip buys nothing here
        "CheckMetadataHash": _NONE,  # disabled: only hardware signers need it
    }
    return b"".join(known.get(name, b"") for name, _ in runtime.signed_extensions())


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
