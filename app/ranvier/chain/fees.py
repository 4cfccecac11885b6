"""What a call would cost, asked of the chain; never computed here, because the rules change."""

from __future__ import annotations

from typing import Any

from ranvier.chain.connection import Connection
from ranvier.chain.errors import RpcError
from ranvier.chain.model import SUBTENSOR, BlockRef
from ranvier.chain.runtime import extrinsics
from ranvier.chain.runtime.values import read_compact
from ranvier.core.errors import ChainError
from ranvier.keys import addresses

_NO_SIGNATURE = b"\0" * 64
_SR25519 = 1
_FORMS = ("TransactionPaymentApi_query_info", "payment_queryInfo")
# From this version on these are charged to the coldkey that owns the hotkey which signs them (runtime's fee_filters);
# before, they are free. The metadata does not say so: the wrapper describes itself as what it wraps.
_OWNER_PAYS_FROM = 426
_OWNER_PAYS = ((SUBTENSOR, "serve_axon"), (SUBTENSOR, "serve_prometheus"), ("Commitments", "set_commitment"))


async def estimate(conn: Connection, call_hex: str, signer_ss58: str, at: BlockRef) -> int:
    """The fee in rao of the call, signed by that account. No key is needed: the signature is all zeros."""
    public_key = addresses.public_key(signer_ss58)
    nonce = int(await conn.rpc("system_accountNextIndex", [signer_ss58]))  # its length is paid for, too
    mortality = extrinsics.Mortality(at.number, at.hash)
    extrinsic = await conn.compute(
        lambda runtime: extrinsics.signed(runtime, call_hex, public_key, _SR25519, _NO_SIGNATURE, nonce, mortality)
    )
    try:
        question = "0x" + (extrinsic + len(extrinsic).to_bytes(4, "little")).hex()
        answer = await conn.rpc("state_call", [_FORMS[0], question, at.hash])
        return _read(bytes.fromhex(str(answer)[2:]))
    except RpcError:
        return _fee(await conn.rpc(_FORMS[1], ["0x" + extrinsic.hex()]))


async def payer(conn: Connection, pallet: str, function: str, signer_ss58: str, at: BlockRef) -> str:
    """Who is charged the fee of this call: the signer, or the owner of the hotkey that signs."""
    spec = conn.spec_version
    if spec is None or spec < _OWNER_PAYS_FROM or (pallet, function) not in _OWNER_PAYS:
        return signer_ss58
    (owner,) = await conn.read([(SUBTENSOR, "Owner", [signer_ss58])], at)
    return signer_ss58 if owner is None or str(owner) == addresses.ss58(bytes(32)) else str(owner)


def _read(info: bytes) -> int:
    """``RuntimeDispatchInfo``: two compact weights, a class of one byte, and the fee, which is the rest."""
    try:
        _, place = read_compact(info, 0)
        _, place = read_compact(info, place)
    except (IndexError, ValueError) as error:
        raise ChainError("Fee unknown", "The node does not say what this transaction costs.") from error
    fee = info[place + 1 :]
    if len(fee) not in (8, 16):
        raise ChainError("Fee unknown", "The node does not say what this transaction costs.")
    return int.from_bytes(fee, "little")


def _fee(info: Any) -> int:
    for name in ("partial_fee", "partialFee"):
        if isinstance(info, dict) and name in info:
            return int(info[name])
    raise ChainError("Fee unknown", "The node does not say what this transaction costs.")
