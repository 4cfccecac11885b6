"""Registration by proof of work, which 343 had where a subnet allowed it and 425 turned into one by burning.

Follows ``do_registration`` of 343.
"""

from __future__ import annotations

from hashlib import sha256

from ranvier.sandbox.codec.scale import U64, Alias
from ranvier.sandbox.codec.types import ACCOUNT, BYTES
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.maths.keccak import keccak_256
from ranvier.sandbox.pallets.subtensor import neurons, registration
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules
from ranvier.sandbox.pallets.system import System

_WHO = Alias(ACCOUNT, "T::AccountId")
_FRESH_BLOCKS = 3


def seal(state: State, block_number: int, nonce: int, hotkey: bytes) -> bytes:
    """What the work must be (``create_seal_hash``)."""
    block_and_hotkey = keccak_256(System.BlockHash.get(state, block_number) + hotkey)
    return keccak_256(sha256(nonce.to_bytes(8, "little") + block_and_hotkey).digest())


def meets(work: bytes, difficulty: int) -> bool:
    """``hash_meets_difficulty``: the product fits in 256 bits."""
    return int.from_bytes(work, "little") * difficulty < 1 << 256


@call(
    6,
    {"netuid": NETUID, "block_number": U64, "nonce": U64, "work": BYTES, "hotkey": _WHO, "coldkey": _WHO},
    ref_time=197_900_000,
)
def register(
    context: Context,
    who: bytes,
    netuid: int,
    block_number: int,
    nonce: int,
    work: bytes,
    hotkey: bytes,
    coldkey: bytes,
) -> None:
    """Seat a hotkey for work, signed by itself (343); at 425 the work counts for nothing and the signer pays."""
    if rules(context.state) >= 425:
        registration.register(context, who, netuid, hotkey)
        return
    state = context.state
    if who != hotkey:
        raise fail("TransactorAccountShouldBeHotKey")
    registration.ensure_open(state, netuid)
    if not Subtensor.NetworkPowRegistrationAllowed.get(state, netuid):
        raise fail("SubNetRegistrationDisabled")
    registration.interval_limits(state, netuid)
    if Subtensor.Uids.get(state, netuid, hotkey) is not None:
        raise fail("HotKeyAlreadyRegisteredInSubNet")
    if not context.block - _FRESH_BLOCKS < block_number <= context.block:
        raise fail("InvalidWorkBlock")
    if not meets(work, Subtensor.Difficulty.get(state, netuid)):
        raise fail("InvalidDifficulty")
    if work != seal(state, block_number, nonce, hotkey):
        raise fail("InvalidSeal")
    Subtensor.UsedWork.put(state, work, value=context.block)
    neurons.create_account_if_new(context, coldkey, hotkey)
    if Subtensor.MaxAllowedUids.get(state, netuid) == 0:
        raise fail("NoNeuronIdAvailable")
    neurons.register_neuron(context, netuid, hotkey)
    registration.count(state, netuid, Subtensor.POWRegistrationsThisInterval)


CALLS = (register,)
