"""What a miner can do with collateral: add to it, and set the floor that work does not go below (435)."""

from __future__ import annotations

from ranvier.sandbox.codec.scale import Alias
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, TAO
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.pallets.subtensor import collateral, shares, staking, swaps
from ranvier.sandbox.pallets.subtensor.events import COLLATERAL_LOCKED, MIN_COLLATERAL_SET, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor

_HOTKEY = Alias(ACCOUNT, "T::AccountId")


def _place(state: State, netuid: int) -> None:
    if netuid == swaps.ROOT:
        raise fail("RegistrationNotPermittedOnRootSubnet")
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")


def _own(state: State, who: bytes, hotkey: bytes) -> None:
    if not staking.hotkey_exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    if Subtensor.Owner.get(state, hotkey) != who:
        raise fail("NonAssociatedColdKey")


@call(144, {"netuid": NETUID, "hotkey": _HOTKEY, "alpha": ALPHA, "limit_price": TAO}, ref_time=530_000_000)
def add_collateral(context: Context, who: bytes, netuid: int, hotkey: bytes, alpha: int, limit_price: int) -> None:
    """Lock more: free stake of the position first, the rest is bought, all of it or nothing (``do_add_collateral``)."""
    state = context.state
    _place(state, netuid)
    staking.open_subnet(state, netuid)
    _own(state, who, hotkey)
    if alpha == 0:
        raise fail("AmountTooLow")
    free = shares.stake_of(state, hotkey, who, netuid) - collateral.locked(state, netuid, hotkey, who)
    added = min(max(free, 0), alpha)
    tao = collateral.tao_for(state, netuid, alpha - added) if added < alpha else 0
    if tao:
        staking.check_add(state, who, hotkey, netuid, tao, tao, False)
    if added:
        collateral.credit(state, netuid, hotkey, who, added, renew=False)
    if tao:
        if tao > swaps.most_tao_below(state, netuid, limit_price):
            raise fail("SlippageTooHigh")
        bought = staking.stake_tao(context, who, hotkey, netuid, tao)
        collateral.credit(state, netuid, hotkey, who, bought, renew=False)
        added += bought
    if added == 0:
        raise fail("AmountTooLow")
    fields = {"netuid": netuid, "hotkey": hotkey, "locked": added}
    total = collateral.locked(state, netuid, hotkey, who)
    context.deposit(COLLATERAL_LOCKED, {**fields, "total_locked": total})


@call(145, {"netuid": NETUID, "hotkey": _HOTKEY, "min_locked": ALPHA})
def set_min_collateral(context: Context, who: bytes, netuid: int, hotkey: bytes, min_locked: int) -> None:
    """Set the floor of a position's collateral; 0 takes it away (``do_set_min_collateral``)."""
    state = context.state
    _place(state, netuid)
    _own(state, who, hotkey)
    collateral.set_floor(state, netuid, hotkey, who, min_locked)
    context.deposit(MIN_COLLATERAL_SET, {"netuid": netuid, "hotkey": hotkey, "min_locked": min_locked})


CALLS = (add_collateral, set_min_collateral)
