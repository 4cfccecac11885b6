"""A coldkey that is to be replaced: announced, waited for, executed, disputed or given up (spec 425).

Follows swap/swap_coldkey.rs and guards/check_coldkey_swap.rs. The first announcement is paid for; from then on the
coldkey can only go on with its swap, and after a dispute it can do nothing at all.
"""

from __future__ import annotations

from ranvier.sandbox.codec.scale import Alias
from ranvier.sandbox.codec.types import ACCOUNT, H256, TAO
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call, ensure_root
from ranvier.sandbox.frame.storage import State, WritableState, blake2_256
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import collateral, info, lock_moves, locks, root_claims, shares, swaps
from ranvier.sandbox.pallets.subtensor.events import (
    COLDKEY_SWAP_ANNOUNCED,
    COLDKEY_SWAP_CLEARED,
    COLDKEY_SWAP_DISPUTED,
    COLDKEY_SWAP_RESET,
    COLDKEY_SWAPPED,
    fail,
)
from ranvier.sandbox.pallets.subtensor.storage import Subtensor

SWAP_COST_RAO = 100_000_000
"""What replacing a key costs everywhere: a coldkey, or a hotkey in all subnets (``KeySwapCost``)."""
_WHO = Alias(ACCOUNT, "T::AccountId")
_ALLOWED = {
    ("SubtensorModule", "announce_coldkey_swap"),
    ("SubtensorModule", "swap_coldkey_announced"),
    ("SubtensorModule", "dispute_coldkey_swap"),
    ("SubtensorModule", "clear_coldkey_swap_announcement"),
    ("MevShield", "submit_encrypted"),
}


def guard(state: State, who: bytes, pallet: str, name: str) -> None:
    """What a coldkey with an announced or disputed swap may still call (``CheckColdkeySwap``)."""
    if not Subtensor.ColdkeySwapAnnouncements.exists(state, who):
        return
    if Subtensor.ColdkeySwapDisputes.exists(state, who):
        raise fail("ColdkeySwapDisputed")
    if (pallet, name) not in _ALLOWED:
        raise fail("ColdkeySwapAnnounced")


def recycle(context: Context, who: bytes, cost: int, error: str) -> None:
    """Take TAO out of the issuance (``recycle_tao``); the account stays alive, or the call fails with ``error``."""
    if balances.spendable(context.state, who) < cost:
        raise fail(error)
    balances.burn(context, who, cost)
    Subtensor.TotalIssuance.add(context.state, amount=-cost)


@call(125, {"new_coldkey_hash": H256})
def announce_coldkey_swap(context: Context, who: bytes, new_coldkey_hash: bytes) -> None:
    """Say that this coldkey will be replaced by the one with this hash, or by another one than said before."""
    state = context.state
    before = Subtensor.ColdkeySwapAnnouncements.get(state, who)
    if before is None:
        recycle(context, who, SWAP_COST_RAO, "NotEnoughBalanceToPaySwapColdKey")
    elif context.block < before[0] + Subtensor.ColdkeySwapReannouncementDelay.get(state):
        raise fail("ColdkeySwapReannouncedTooEarly")
    when = context.block + Subtensor.ColdkeySwapAnnouncementDelay.get(state)
    Subtensor.ColdkeySwapAnnouncements.put(state, who, value=(when, new_coldkey_hash))
    context.deposit(COLDKEY_SWAP_ANNOUNCED, {"who": who, "new_coldkey_hash": new_coldkey_hash})


@call(126, {"new_coldkey": _WHO})
def swap_coldkey_announced(context: Context, who: bytes, new_coldkey: bytes) -> None:
    """Give all that the coldkey has to the announced one, once its time has come."""
    state = context.state
    announced = Subtensor.ColdkeySwapAnnouncements.get(state, who)
    if announced is None:
        raise fail("ColdkeySwapAnnouncementNotFound")
    when, new_coldkey_hash = announced
    if blake2_256(new_coldkey) != new_coldkey_hash:
        raise fail("AnnouncedColdkeyHashDoesNotMatch")
    if context.block < when:
        raise fail("ColdkeySwapTooEarly")
    Subtensor.ColdkeySwapAnnouncements.remove(state, who)
    _swap(context, who, new_coldkey)


def _swap(context: Context, old: bytes, new: bytes) -> None:
    """``do_swap_coldkey``."""
    state = context.state
    if Subtensor.StakingHotkeys.get(state, new):
        raise fail("ColdKeyAlreadyAssociated")
    if Subtensor.Owner.exists(state, new):
        raise fail("NewColdKeyIsHotkey")
    identity = Subtensor.IdentitiesV2.get(state, old)
    if identity is not None and not Subtensor.IdentitiesV2.exists(state, new):
        Subtensor.IdentitiesV2.remove(state, old)
        Subtensor.IdentitiesV2.put(state, new, value=identity)
    locks.set_accepts(state, new, True)
    for netuid in info.netuids(state):
        if Subtensor.SubnetOwner.get(state, netuid) == old:
            Subtensor.SubnetOwner.put(state, netuid, value=new)
        _move_destination(state, netuid, old, new)
        _move_stake(state, netuid, old, new)
        collateral.move_coldkey(state, netuid, old, new)
    _move_lists(state, old, new)
    lock_moves.swap_coldkey(state, old, new)
    amount = balances.spendable(state, old, keep_alive=False)
    if amount:
        balances.transfer(context, old, new, amount, keep_alive=False)
    context.deposit(COLDKEY_SWAPPED, {"old_coldkey": old, "new_coldkey": new})


def _move_destination(state: WritableState, netuid: int, old: bytes, new: bytes) -> None:
    hotkey = Subtensor.AutoStakeDestination.get(state, old, netuid)
    if hotkey is None:
        return
    Subtensor.AutoStakeDestination.remove(state, old, netuid)
    Subtensor.AutoStakeDestination.put(state, new, netuid, value=hotkey)
    listed = Subtensor.AutoStakeDestinationColdkeys.get(state, hotkey, netuid)
    kept = [one for one in listed if one not in (old, new)]
    Subtensor.AutoStakeDestinationColdkeys.put(state, hotkey, netuid, value=[*kept, new])


def _move_stake(state: WritableState, netuid: int, old: bytes, new: bytes) -> None:
    for hotkey in Subtensor.StakingHotkeys.get(state, old):
        alpha = shares.stake_of(state, hotkey, old, netuid)
        if alpha:
            shares.add_stake(state, hotkey, new, netuid, shares.take_stake(state, hotkey, old, netuid, alpha))
        if shares.stake_of(state, hotkey, new, netuid):
            # So it is on the chain: what was claimed in a subnet follows only where stake of that subnet is held.
            root_claims.move_claimed(state, netuid, (hotkey, old), (hotkey, new))
            if netuid == swaps.ROOT:
                root_claims.remember_coldkey(state, new)


def _move_lists(state: WritableState, old: bytes, new: bytes) -> None:
    """Hotkeys that the coldkey stakes on, and those that it owns."""
    staking = Subtensor.StakingHotkeys.get(state, new)
    staking += [one for one in Subtensor.StakingHotkeys.get(state, old) if one not in staking]
    Subtensor.StakingHotkeys.remove(state, old)
    if staking:
        Subtensor.StakingHotkeys.put(state, new, value=staking)
    owned = Subtensor.OwnedHotkeys.get(state, old)
    for hotkey in owned:
        Subtensor.Owner.put(state, hotkey, value=new)
    there = Subtensor.OwnedHotkeys.get(state, new)
    Subtensor.OwnedHotkeys.remove(state, old)
    Subtensor.OwnedHotkeys.put(state, new, value=there + [one for one in owned if one not in there])


@call(127, {})
def dispute_coldkey_swap(context: Context, who: bytes) -> None:
    """Stop an announced swap that was not one's own: nothing of the coldkey can be called any more."""
    if not Subtensor.ColdkeySwapAnnouncements.exists(context.state, who):
        raise fail("ColdkeySwapAnnouncementNotFound")
    if Subtensor.ColdkeySwapDisputes.exists(context.state, who):
        raise fail("ColdkeySwapAlreadyDisputed")
    Subtensor.ColdkeySwapDisputes.put(context.state, who, value=context.block)
    context.deposit(COLDKEY_SWAP_DISPUTED, {"coldkey": who})


@call(133, {})
def clear_coldkey_swap_announcement(context: Context, who: bytes) -> None:
    """Give an announced swap up; only long after it could have been done."""
    state = context.state
    announced = Subtensor.ColdkeySwapAnnouncements.get(state, who)
    if announced is None:
        raise fail("ColdkeySwapAnnouncementNotFound")
    if context.block < announced[0] + Subtensor.ColdkeySwapReannouncementDelay.get(state):
        raise fail("ColdkeySwapClearTooEarly")
    Subtensor.ColdkeySwapAnnouncements.remove(state, who)
    context.deposit(COLDKEY_SWAP_CLEARED, {"who": who})


@call(71, {"old_coldkey": _WHO, "new_coldkey": _WHO, "swap_cost": TAO}, root=True)
def swap_coldkey(context: Context, who: bytes, old_coldkey: bytes, new_coldkey: bytes, swap_cost: int) -> None:
    """Root replaces any coldkey at once, at its cost; what was announced or disputed is forgotten (425)."""
    ensure_root(who)
    if swap_cost:
        recycle(context, old_coldkey, swap_cost, "NotEnoughBalanceToPaySwapColdKey")
    _swap(context, old_coldkey, new_coldkey)
    _forget(context.state, old_coldkey)


@call(128, {"coldkey": _WHO}, root=True)
def reset_coldkey_swap(context: Context, who: bytes, coldkey: bytes) -> None:
    """Root forgets a coldkey's announcement and dispute: the only way out of a dispute."""
    ensure_root(who)
    _forget(context.state, coldkey)
    context.deposit(COLDKEY_SWAP_RESET, {"who": coldkey})


def _forget(state: WritableState, coldkey: bytes) -> None:
    for item in (Subtensor.ColdkeySwapAnnouncements, Subtensor.ColdkeySwapDisputes):
        item.remove(state, coldkey)


CALLS = (
    swap_coldkey,
    reset_coldkey_swap,
    announce_coldkey_swap,
    swap_coldkey_announced,
    dispute_coldkey_swap,
    clear_coldkey_swap_announcement,
)
