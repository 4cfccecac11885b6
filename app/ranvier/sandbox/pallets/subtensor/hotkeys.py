"""Hotkeys and coldkeys: association, take, swap_hotkey, and the announcement of a coldkey's swap.

Follows swap/swap_hotkey.rs, staking/{increase,decrease}_take.rs and swap/swap_coldkey.rs.
"""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.composites import Option
from ranvier.sandbox.context import Context
from ranvier.sandbox.pallet import call
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import info, neurons
from ranvier.sandbox.pallets.subtensor.events import (
    COLDKEY_SWAP_ANNOUNCED,
    COLDKEY_SWAP_DISPUTED,
    HOTKEY_SWAPPED,
    HOTKEY_SWAPPED_ON_SUBNET,
    TAKE_DECREASED,
    TAKE_INCREASED,
    fail,
)
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules
from ranvier.sandbox.scale import U16, Alias
from ranvier.sandbox.storage import State, WritableState
from ranvier.sandbox.types import ACCOUNT, H256

SWAP_COST_RAO = 100_000_000
SWAP_ON_SUBNET_COST_RAO = 1_000_000
_SWAP_INTERVALS = {343: 36_000, 425: 7_200}
_ANNOUNCEMENT_DELAY = 36_000
_WHO = Alias(ACCOUNT, "T::AccountId")


@call(91, {"hotkey": _WHO}, ref_time=30_000_000)
def try_associate_hotkey(context: Context, who: bytes, hotkey: bytes) -> None:
    """Tie a hotkey that nobody owns to the signer; otherwise nothing happens (``do_try_associate_hotkey``)."""
    if not Subtensor.Owner.exists(context.state, hotkey):
        neurons.create_account_if_new(context, who, hotkey)


def _own(state: State, who: bytes, hotkey: bytes) -> None:
    if not Subtensor.Owner.exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    if Subtensor.Owner.get(state, hotkey) != who:
        raise fail("NonAssociatedColdKey")


@call(65, {"hotkey": _WHO, "take": U16}, pays=False)
def decrease_take(context: Context, who: bytes, hotkey: bytes, take: int) -> None:
    """Keep less of the dividends for the hotkey's owner (``do_decrease_take``)."""
    _own(context.state, who, hotkey)
    if take >= Subtensor.Delegates.get(context.state, hotkey) or take < Subtensor.MinDelegateTake.get(context.state):
        raise fail("DelegateTakeTooLow")
    Subtensor.Delegates.put(context.state, hotkey, value=take)
    context.deposit(TAKE_DECREASED, (who, hotkey, take))


@call(66, {"hotkey": _WHO, "take": U16}, pays=False)
def increase_take(context: Context, who: bytes, hotkey: bytes, take: int) -> None:
    """Keep more of the dividends for the hotkey's owner (``do_increase_take``)."""
    _own(context.state, who, hotkey)
    if take <= Subtensor.Delegates.get(context.state, hotkey):
        raise fail("DelegateTakeTooLow")
    if take > Subtensor.MaxDelegateTake.get(context.state):
        raise fail("DelegateTakeTooHigh")
    Subtensor.Delegates.put(context.state, hotkey, value=take)
    context.deposit(TAKE_INCREASED, (who, hotkey, take))


@call(70, {"hotkey": _WHO, "new_hotkey": _WHO, "netuid": Option(NETUID)}, ref_time=275_000_000)
def swap_hotkey(context: Context, who: bytes, hotkey: bytes, new_hotkey: bytes, netuid: int | None) -> None:
    """Give all that a hotkey is, everywhere or in one subnet, to another (``do_swap_hotkey``)."""
    state = context.state
    if netuid is not None and not info.exists(state, netuid):
        raise fail("SubnetNotExists")
    if Subtensor.Owner.get(state, hotkey) != who or not Subtensor.Owner.exists(state, hotkey):
        raise fail("NonAssociatedColdKey")
    if Subtensor.Owner.exists(state, new_hotkey) and Subtensor.Owner.get(state, new_hotkey) != who:
        raise fail("NonAssociatedColdKey")
    if hotkey == new_hotkey:
        raise fail("NewHotKeyIsSameWithOld")
    known = info.netuids(state) if netuid is None else [netuid]
    if any(Subtensor.IsNetworkMember.get(state, new_hotkey, one) for one in known):
        raise fail("HotKeyAlreadyRegisteredInSubNet")
    seated = [one for one in known if netuid is not None or Subtensor.IsNetworkMember.get(state, hotkey, one)]
    for one in seated:
        last = Subtensor.LastHotkeySwapOnNetuid.get(state, one, who)
        if last and last + _SWAP_INTERVALS[rules(state)] >= context.block:
            raise fail("HotKeySwapOnSubnetIntervalNotPassed")
    _pay(context, who, SWAP_COST_RAO if netuid is None else SWAP_ON_SUBNET_COST_RAO)
    neurons.create_account_if_new(context, who, new_hotkey)
    for one in known:
        _swap_on(state, who, hotkey, new_hotkey, one)
    for one in seated:
        Subtensor.LastHotkeySwapOnNetuid.put(state, one, who, value=context.block)
    fields = {"coldkey": who, "old_hotkey": hotkey, "new_hotkey": new_hotkey}
    if netuid is not None:
        context.deposit(HOTKEY_SWAPPED_ON_SUBNET, {**fields, "netuid": netuid})
        return
    Subtensor.Delegates.put(state, new_hotkey, value=Subtensor.Delegates.get(state, hotkey))
    Subtensor.Delegates.remove(state, hotkey)
    Subtensor.Owner.remove(state, hotkey)
    owned = [one for one in Subtensor.OwnedHotkeys.get(state, who) if one != hotkey]
    Subtensor.OwnedHotkeys.put(state, who, value=owned)
    context.deposit(HOTKEY_SWAPPED, fields)


def _pay(context: Context, who: bytes, cost: int) -> None:
    """The price is recycled: it leaves the issuance (``recycle_tao``)."""
    if balances.spendable(context.state, who) < cost:
        raise fail("NotEnoughBalanceToPaySwapHotKey")
    balances.burn(context, who, cost)
    Subtensor.TotalIssuance.add(context.state, amount=-cost)


def _swap_on(state: WritableState, who: bytes, old: bytes, new: bytes, netuid: int) -> None:
    """Seat, addresses, stake and destinations of one subnet (``perform_hotkey_swap_on_one_subnet``)."""
    uid = Subtensor.Uids.get(state, netuid, old)
    if uid is not None:
        Subtensor.Uids.remove(state, netuid, old)
        Subtensor.Uids.put(state, netuid, new, value=uid)
        Subtensor.Keys.put(state, netuid, uid, value=new)
        Subtensor.IsNetworkMember.remove(state, old, netuid)
        Subtensor.IsNetworkMember.put(state, new, netuid, value=True)
    by_hotkey = (Subtensor.Axons, Subtensor.NeuronCertificates, Subtensor.Prometheus, Subtensor.AlphaDividendsPerSubnet)
    for item in by_hotkey:
        _rename(state, item, (netuid, old), (netuid, new))
    if Subtensor.SubnetOwnerHotkey.get(state, netuid) == old:
        Subtensor.SubnetOwnerHotkey.put(state, netuid, value=new)
    for (coldkey, one), hotkey in list(Subtensor.AutoStakeDestination.items(state, who)):
        if one == netuid and hotkey == old:
            Subtensor.AutoStakeDestination.put(state, coldkey, netuid, value=new)
    _rename(state, Subtensor.AutoStakeDestinationColdkeys, (old, netuid), (new, netuid))
    _move_shares(state, old, new, netuid)


def _rename(state: WritableState, item: Any, old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    if item.exists(state, *old):
        item.put(state, *new, value=item.get(state, *old))
        item.remove(state, *old)


def _move_shares(state: WritableState, old: bytes, new: bytes, netuid: int) -> None:
    """Shares and totals are added, so that a new hotkey that already has stake keeps it."""
    for item in (Subtensor.TotalHotkeyAlpha, Subtensor.TotalHotkeyShares):
        amount = item.get(state, old, netuid)
        if amount:
            item.add(state, new, netuid, amount=amount)
        item.remove(state, old, netuid)
    _rename(state, Subtensor.TotalHotkeyAlphaLastEpoch, (old, netuid), (new, netuid))
    for (_, coldkey, one), share in list(Subtensor.Alpha.items(state, old)):
        if one != netuid:
            continue
        Subtensor.Alpha.add(state, new, coldkey, netuid, amount=share)
        Subtensor.Alpha.remove(state, old, coldkey, netuid)
        listed = Subtensor.StakingHotkeys.get(state, coldkey)
        if new not in listed:
            Subtensor.StakingHotkeys.put(state, coldkey, value=[*listed, new])


@call(125, {"new_coldkey_hash": H256})
def announce_coldkey_swap(context: Context, who: bytes, new_coldkey_hash: bytes) -> None:
    """Say that this coldkey will be replaced; until then its other calls fail (425)."""
    if Subtensor.ColdkeySwapAnnouncements.exists(context.state, who):
        raise fail("ColdkeySwapReannouncedTooEarly")
    value = (context.block + _ANNOUNCEMENT_DELAY, new_coldkey_hash)
    Subtensor.ColdkeySwapAnnouncements.put(context.state, who, value=value)
    context.deposit(COLDKEY_SWAP_ANNOUNCED, {"who": who, "new_coldkey_hash": new_coldkey_hash})


@call(127, {})
def dispute_coldkey_swap(context: Context, who: bytes) -> None:
    """Stop an announced swap that was not one's own: nothing of the coldkey can be called any more (425)."""
    if not Subtensor.ColdkeySwapAnnouncements.exists(context.state, who):
        raise fail("ColdkeySwapAnnouncementNotFound")
    if Subtensor.ColdkeySwapDisputes.exists(context.state, who):
        raise fail("ColdkeySwapAlreadyDisputed")
    Subtensor.ColdkeySwapDisputes.put(context.state, who, value=context.block)
    context.deposit(COLDKEY_SWAP_DISPUTED, {"coldkey": who})


def guard(state: State, who: bytes, name: str) -> None:
    """What a coldkey with an announced or disputed swap may still call (``check_coldkey_swap``)."""
    if Subtensor.ColdkeySwapDisputes.exists(state, who):
        raise fail("ColdkeySwapDisputed")
    if Subtensor.ColdkeySwapAnnouncements.exists(state, who) and name not in _ALLOWED:
        raise fail("ColdkeySwapAnnounced")


_ALLOWED = {"announce_coldkey_swap", "dispute_coldkey_swap"}
CALLS = (
    decrease_take,
    increase_take,
    swap_hotkey,
    try_associate_hotkey,
    announce_coldkey_swap,
    dispute_coldkey_swap,
)
