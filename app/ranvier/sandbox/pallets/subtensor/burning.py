"""Alpha that its holder gives up: recycled (it can be issued again) or burned. Follows staking/recycle_alpha.rs."""

from __future__ import annotations

from ranvier.sandbox.codec.composites import Option
from ranvier.sandbox.codec.scale import Alias
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, TAO
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.pallets.subtensor import collateral, shares, staking, swaps
from ranvier.sandbox.pallets.subtensor.events import ADD_STAKE_BURN, ALPHA_BURNED, ALPHA_RECYCLED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

_HOTKEY = Alias(ACCOUNT, "T::AccountId")


def _destroy(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, amount: int) -> int:
    """Take alpha of a position away; more than there is counts as all of it."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if netuid == swaps.ROOT:
        raise fail("CannotBurnOrRecycleOnRootSubnet")
    if rules(state) < 425:
        if Subtensor.Owner.get(state, hotkey) != coldkey:
            raise fail("NonAssociatedColdKey")
    else:
        staking.open_subnet(state, netuid)
        if not staking.hotkey_exists(state, hotkey):
            raise fail("HotKeyAccountNotExists")
    amount = min(amount, shares.stake_of(state, hotkey, coldkey, netuid))
    if Subtensor.SubnetAlphaOut.get(state, netuid) < amount:
        raise fail("InsufficientLiquidity")
    collateral.ensure_available(state, coldkey, hotkey, netuid, amount)
    return shares.take_stake(state, hotkey, coldkey, netuid, amount) if amount else 0


@call(101, {"hotkey": _HOTKEY, "amount": ALPHA, "netuid": NETUID}, ref_time=110_000_000)
def recycle_alpha(context: Context, who: bytes, hotkey: bytes, amount: int, netuid: int) -> None:
    """Destroy alpha of one's own: it no longer counts as issued (``do_recycle_alpha``)."""
    taken = _destroy(context, who, hotkey, netuid, amount)
    Subtensor.SubnetAlphaOut.add(context.state, netuid, amount=-taken)
    context.deposit(ALPHA_RECYCLED, (who, hotkey, taken, netuid))


@call(102, {"hotkey": _HOTKEY, "amount": ALPHA, "netuid": NETUID}, ref_time=110_000_000)
def burn_alpha(context: Context, who: bytes, hotkey: bytes, amount: int, netuid: int) -> None:
    """Destroy alpha of one's own: it still counts as issued (``do_burn_alpha``)."""
    taken = _destroy(context, who, hotkey, netuid, amount)
    context.deposit(ALPHA_BURNED, (who, hotkey, taken, netuid))


@call(132, {"hotkey": _HOTKEY, "netuid": NETUID, "amount": TAO, "limit": Option(TAO)}, ref_time=640_000_000)
def add_stake_burn(context: Context, who: bytes, hotkey: bytes, netuid: int, amount: int, limit: int | None) -> None:
    """Buy alpha and burn it at once (``do_add_stake_burn``, 425)."""
    if limit is None:
        bought = staking.add(context, who, hotkey, netuid, amount)
    else:
        bought = staking.add_limited(context, who, hotkey, netuid, amount, limit, False)
    taken = _destroy(context, who, hotkey, netuid, bought)
    context.deposit(ALPHA_BURNED, (who, hotkey, taken, netuid))
    context.deposit(ADD_STAKE_BURN, {"netuid": netuid, "hotkey": hotkey, "amount": amount, "alpha": bought})


CALLS = (recycle_alpha, burn_alpha, add_stake_burn)
