"""A neuron's Ethereum address: the hotkey says which, and the address signs for the hotkey. Follows utils/evm.rs."""

from __future__ import annotations

from ranvier.sandbox.codec.scale import U64, Alias, FixedBytes
from ranvier.sandbox.codec.types import H160
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.maths.keccak import keccak_256
from ranvier.sandbox.maths.secp256k1 import recover
from ranvier.sandbox.pallets.subtensor.events import EVM_KEY_ASSOCIATED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor

ASSOCIATE_BLOCKS = 7_200
_SIGNATURE = Alias(FixedBytes(65), "Signature")


def check(state: State, block: int, hotkey: bytes, netuid: int) -> int:
    """The hotkey's uid; at most once a day, of which the first begins with the chain (``CheckEvmKeyAssociation``)."""
    uid = Subtensor.Uids.get(state, netuid, hotkey)
    if uid is None:
        raise fail("HotKeyNotRegisteredInSubNet")
    before = Subtensor.AssociatedEvmAddress.get(state, netuid, uid)
    if block - (0 if before is None else before[1]) < ASSOCIATE_BLOCKS:
        raise fail("EvmKeyAssociateRateLimitExceeded")
    return int(uid)


def to_sign(hotkey: bytes, block_number: int) -> bytes:
    """The digest that the address signs: hotkey and hashed block number as a personal message (EIP-191)."""
    message = hotkey + keccak_256(block_number.to_bytes(8, "little"))
    return keccak_256(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message)


@call(93, {"netuid": NETUID, "evm_key": Alias(H160, "H160"), "block_number": U64, "signature": _SIGNATURE})
def associate_evm_key(
    context: Context, who: bytes, netuid: int, evm_key: bytes, block_number: int, signature: bytes
) -> None:
    """Tie an Ethereum address to the signing hotkey's seat; the block number may be any (``do_associate_evm_key``)."""
    uid = check(context.state, context.block, who, netuid)
    which = signature[64] - (27 if signature[64] >= 27 else 0)
    key = recover(to_sign(who, block_number), signature[:64] + bytes((which,)))
    if key is None:
        raise fail("InvalidIdentity")
    if keccak_256(key)[12:] != evm_key:
        raise fail("InvalidRecoveredPublicKey")
    Subtensor.AssociatedEvmAddress.put(context.state, netuid, uid, value=(evm_key, context.block))
    fields = {"netuid": netuid, "hotkey": who, "evm_key": evm_key, "block_associated": context.block}
    context.deposit(EVM_KEY_ASSOCIATED, fields)


CALLS = (associate_evm_key,)
