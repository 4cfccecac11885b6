"""Hotkeys: association, take, and swap_hotkey with its variants.

Follows swap/swap_hotkey.rs and staking/{increase,decrease}_take.rs; where 343 and 425 differ ``rules`` decides.
"""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Option
from ranvier.sandbox.codec.scale import BOOL, U16, Alias
from ranvier.sandbox.codec.types import ACCOUNT
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import Item, State, WritableState
from ranvier.sandbox.pallets.subtensor import (
    children,
    coldkeys,
    collateral,
    info,
    lock_moves,
    neurons,
    root_claims,
    shares,
    swaps,
)
from ranvier.sandbox.pallets.subtensor.events import (
    HOTKEY_SWAPPED,
    HOTKEY_SWAPPED_ON_SUBNET,
    TAKE_DECREASED,
    TAKE_INCREASED,
    fail,
)
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

SWAP_ON_SUBNET_COST_RAO = 1_000_000
_SWAP_INTERVALS = {343: 36_000, 425: 7_200}
_WHO = Alias(ACCOUNT, "T::AccountId")
_TOO_POOR = "NotEnoughBalanceToPaySwapHotKey"


@call(91, {"hotkey": _WHO}, ref_time=30_000_000)
def try_associate_hotkey(context: Context, who: bytes, hotkey: bytes) -> None:
    """Tie a hotkey that nobody owns to the signer; otherwise nothing happens (``do_try_associate_hotkey``)."""
    if not Subtensor.Owner.exists(context.state, hotkey):
        neurons.create_account_if_new(context, who, hotkey)


def _own(state: State, who: bytes, hotkey: bytes) -> None:
    """``do_take_checks``."""
    if not Subtensor.Owner.exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    if Subtensor.Owner.get(state, hotkey) != who:
        raise fail("NonAssociatedColdKey")


def check_take(state: State, who: bytes, hotkey: bytes, take: int) -> None:
    """What the pool asks of a change of take (``CheckDelegateTake``, 425)."""
    if take < Subtensor.MinDelegateTake.get(state):
        raise fail("DelegateTakeTooLow")
    if take > Subtensor.MaxDelegateTake.get(state):
        raise fail("DelegateTakeTooHigh")
    _own(state, who, hotkey)


@call(65, {"hotkey": _WHO, "take": U16}, pays=False)
def decrease_take(context: Context, who: bytes, hotkey: bytes, take: int) -> None:
    """Keep less of the dividends for the hotkey's owner (``do_decrease_take``)."""
    state = context.state
    _own(state, who, hotkey)
    if Subtensor.Delegates.exists(state, hotkey) and take >= Subtensor.Delegates.get(state, hotkey):
        raise fail("DelegateTakeTooLow")
    if take < Subtensor.MinDelegateTake.get(state):
        raise fail("DelegateTakeTooLow")
    Subtensor.Delegates.put(state, hotkey, value=take)
    Subtensor.LastTxBlockDelegateTake.put(state, hotkey, value=context.block)
    context.deposit(TAKE_DECREASED, (who, hotkey, take))


@call(66, {"hotkey": _WHO, "take": U16}, pays=False)
def increase_take(context: Context, who: bytes, hotkey: bytes, take: int) -> None:
    """Keep more of the dividends for the hotkey's owner, and not too often (``do_increase_take``)."""
    state = context.state
    _own(state, who, hotkey)
    if Subtensor.Delegates.exists(state, hotkey) and take <= Subtensor.Delegates.get(state, hotkey):
        raise fail("DelegateTakeTooLow")
    if take > Subtensor.MaxDelegateTake.get(state):
        raise fail("DelegateTakeTooHigh")
    last = Subtensor.LastTxBlockDelegateTake.get(state, hotkey)
    if _too_soon(last, context.block, Subtensor.TxDelegateTakeRateLimit.get(state)):
        raise fail("DelegateTxRateLimitExceeded")
    Subtensor.LastTxBlockDelegateTake.put(state, hotkey, value=context.block)
    Subtensor.Delegates.put(state, hotkey, value=take)
    context.deposit(TAKE_INCREASED, (who, hotkey, take))


def _too_soon(last: int, block: int, limit: int) -> bool:
    """Within ``limit`` blocks of the last time; 0 is never and no limit."""
    return bool(limit and last and block - last <= limit)


@call(70, {"hotkey": _WHO, "new_hotkey": _WHO, "netuid": Option(NETUID)}, ref_time=275_000_000, paid_since=425)
def swap_hotkey(context: Context, who: bytes, hotkey: bytes, new_hotkey: bytes, netuid: int | None) -> None:
    """Give all that a hotkey is, everywhere or in one subnet, to another (``do_swap_hotkey``)."""
    if rules(context.state) < 425:
        _swap_343(context, who, hotkey, new_hotkey, netuid)
    else:
        _swap(context, who, hotkey, new_hotkey, netuid, keep_stake=False)


@call(72, {"hotkey": _WHO, "new_hotkey": _WHO, "netuid": Option(NETUID), "keep_stake": BOOL}, ref_time=275_000_000)
def swap_hotkey_v2(
    context: Context, who: bytes, hotkey: bytes, new_hotkey: bytes, netuid: int | None, keep_stake: bool
) -> None:
    """As swap_hotkey; with ``keep_stake`` stake and dividends stay with the old hotkey (425)."""
    _swap(context, who, hotkey, new_hotkey, netuid, keep_stake=keep_stake)


def _swap(context: Context, who: bytes, old: bytes, new: bytes, netuid: int | None, *, keep_stake: bool) -> None:
    """``do_swap_hotkey`` of 425."""
    state = context.state
    known = info.netuids(state) if netuid is None else [netuid]
    if netuid is not None and not info.exists(state, netuid):
        raise fail("SubnetNotExists")
    if not _owns(state, who, old) or (Subtensor.Owner.exists(state, new) and not _owns(state, who, new)):
        raise fail("NonAssociatedColdKey")
    if old == new:
        raise fail("NewHotKeyIsSameWithOld")
    if keep_stake and any(Subtensor.MinerCollateral.exists(state, one, old, who) for one in known):
        raise fail("KeepStakeBlockedByCollateral")
    _unregistered(state, new, known)
    if swaps.ROOT in known and not root_claims.is_clean(state, new):
        raise fail("NewHotKeyNotCleanForRootSwap")
    limited = [one for one in known if netuid is not None or _takes_part(state, old, one)]
    for one in limited:
        last = Subtensor.LastHotkeySwapOnNetuid.get(state, one, who)
        if last and last + _SWAP_INTERVALS[425] >= context.block:
            raise fail("HotKeySwapOnSubnetIntervalNotPassed")
    _carry(state, Subtensor.LastTxBlockDelegateTake, old, new)
    _charge(context, who, netuid)
    for one in known:
        lock_moves.swap_hotkey(state, old, new, one)
    _give_owner(state, who, old, new, retire=netuid is None and not keep_stake)
    for one in known:
        _swap_on(state, old, new, one)
        if not keep_stake:
            _move_stake(state, who, old, new, one)
    for one in limited:
        Subtensor.LastHotkeySwapOnNetuid.put(state, one, who, value=context.block)
    _finish(context, who, old, new, netuid)


def _swap_343(context: Context, who: bytes, old: bytes, new: bytes, netuid: int | None) -> None:
    """``do_swap_hotkey`` of 343: one limit for all swaps of a coldkey, and on a subnet one from the first on."""
    state = context.state
    known = info.netuids(state) if netuid is None else [netuid]
    if not _owns(state, who, old):
        raise fail("NonAssociatedColdKey")
    if old == new:
        raise fail("NewHotKeyIsSameWithOld")
    if _too_soon(Subtensor.LastTxBlock.get(state, who), context.block, Subtensor.TxRateLimit.get(state)):
        raise fail("HotKeySetTxRateLimitExceeded")
    _unregistered(state, new, known)
    if netuid is not None:
        last = Subtensor.LastHotkeySwapOnNetuid.get(state, netuid, who)
        if last + _SWAP_INTERVALS[343] >= context.block:
            raise fail("HotKeySwapOnSubnetIntervalNotPassed")
        Subtensor.LastHotkeySwapOnNetuid.put(state, netuid, who, value=context.block)
    _carry(state, Subtensor.LastTxBlockDelegateTake, old, new)
    _charge(context, who, netuid)
    _give_owner(state, who, old, new, retire=netuid is None)
    for one in known:
        _swap_on(state, old, new, one)
        _move_dividends(state, old, new, one)
        # Rates follow with whatever subnet is swapped: a fault of that spec, which a migration mended later.
        root_claims.move_rates(state, old, new)
        _move_shares(state, old, new, one)
    Subtensor.LastTxBlock.put(state, who, value=context.block)
    _finish(context, who, old, new, netuid)


def _owns(state: State, who: bytes, hotkey: bytes) -> bool:
    return Subtensor.Owner.exists(state, hotkey) and Subtensor.Owner.get(state, hotkey) == who


def _unregistered(state: State, hotkey: bytes, netuids: list[int]) -> None:
    if any(Subtensor.IsNetworkMember.get(state, hotkey, one) for one in netuids):
        raise fail("HotKeyAlreadyRegisteredInSubNet")


def _takes_part(state: State, hotkey: bytes, netuid: int) -> bool:
    member: bool = Subtensor.IsNetworkMember.get(state, hotkey, netuid)
    return member or bool(Subtensor.ChildKeys.get(state, hotkey, netuid))


def _charge(context: Context, who: bytes, netuid: int | None) -> None:
    cost = coldkeys.SWAP_COST_RAO if netuid is None else SWAP_ON_SUBNET_COST_RAO
    coldkeys.recycle(context, who, cost, _TOO_POOR)


def _carry(state: WritableState, item: Item, old: bytes, new: bytes) -> None:
    last = item.get(state, old)
    if last:
        item.put(state, new, value=last)


def _give_owner(state: WritableState, who: bytes, old: bytes, new: bytes, *, retire: bool) -> None:
    """The new hotkey is the coldkey's; the old one is nobody's when it was swapped everywhere."""
    if retire:
        Subtensor.Owner.remove(state, old)
    Subtensor.Owner.put(state, new, value=who)
    owned = Subtensor.OwnedHotkeys.get(state, who)
    owned += [] if new in owned else [new]
    Subtensor.OwnedHotkeys.put(state, who, value=[one for one in owned if not retire or one != old])


def _finish(context: Context, who: bytes, old: bytes, new: bytes, netuid: int | None) -> None:
    """What a hotkey has outside of subnets, and the event."""
    state, fields = context.state, {"coldkey": who, "old_hotkey": old, "new_hotkey": new}
    if netuid is not None:
        context.deposit(HOTKEY_SWAPPED_ON_SUBNET, {**fields, "netuid": netuid})
        return
    for item in (Subtensor.LastTxBlock, Subtensor.LastTxBlockDelegateTake):
        item.remove(state, old)
    _rename(state, Subtensor.Delegates, (old,), (new,))
    context.deposit(HOTKEY_SWAPPED, fields)


def _swap_on(state: WritableState, old: bytes, new: bytes, netuid: int) -> None:
    """Seat, addresses and destinations of one subnet (``perform_hotkey_swap_on_one_subnet``)."""
    member = Subtensor.IsNetworkMember.get(state, old, netuid)
    Subtensor.IsNetworkMember.remove(state, old, netuid)
    Subtensor.IsNetworkMember.put(state, new, netuid, value=member)
    uid = Subtensor.Uids.get(state, netuid, old)
    if member and uid is not None:
        Subtensor.Uids.remove(state, netuid, old)
        Subtensor.Uids.put(state, netuid, new, value=uid)
        Subtensor.Keys.put(state, netuid, uid, value=new)
        for item in (Subtensor.Prometheus, Subtensor.Axons, Subtensor.NeuronCertificates):
            _rename(state, item, (netuid, old), (netuid, new))
    if Subtensor.AutoStakeDestinationColdkeys.exists(state, old, netuid):
        for coldkey in Subtensor.AutoStakeDestinationColdkeys.get(state, old, netuid):
            Subtensor.AutoStakeDestination.put(state, coldkey, netuid, value=new)
        _rename(state, Subtensor.AutoStakeDestinationColdkeys, (old, netuid), (new, netuid))
    if Subtensor.SubnetOwnerHotkey.get(state, netuid) == old:
        Subtensor.SubnetOwnerHotkey.put(state, netuid, value=new)
    children.swap_hotkey(state, old, new, netuid)


def _rename(state: WritableState, item: Any, old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    if item.exists(state, *old):
        item.put(state, *new, value=item.get(state, *old))
        item.remove(state, *old)


def _move_dividends(state: WritableState, old: bytes, new: bytes, netuid: int) -> None:
    """What the last epoch left of both hotkeys is added."""
    for item, before, after in (
        (Subtensor.TotalHotkeyAlphaLastEpoch, (old, netuid), (new, netuid)),
        (Subtensor.AlphaDividendsPerSubnet, (netuid, old), (netuid, new)),
    ):
        amount = item.get(state, *before)
        item.remove(state, *before)
        if amount:
            item.add(state, *after, amount=amount)


def _move_stake(state: WritableState, who: bytes, old: bytes, new: bytes, netuid: int) -> None:
    """Collateral, dividends and every position, each by what it is worth (425)."""
    collateral.move(state, netuid, (old, who), (new, who))
    _move_dividends(state, old, new, netuid)
    coldkeys_here = [coldkey for _, coldkey, one in shares.positions(state, old) if one == netuid]
    for coldkey in coldkeys_here:
        alpha = shares.stake_of(state, old, coldkey, netuid)
        shares.add_stake(state, new, coldkey, netuid, shares.take_stake(state, old, coldkey, netuid, alpha))
        _restake(state, coldkey, old, new)
    if netuid == swaps.ROOT:
        root_claims.swap_hotkey(state, old, new, coldkeys_here)


def _restake(state: WritableState, coldkey: bytes, old: bytes, new: bytes) -> None:
    """A hotkey that nobody owns any more is no hotkey that one stakes on: the new one takes its place."""
    if Subtensor.Owner.exists(state, old):
        return
    kept = [one for one in Subtensor.StakingHotkeys.get(state, coldkey) if one not in (old, new)]
    Subtensor.StakingHotkeys.put(state, coldkey, value=[*kept, new])


def _move_shares(state: WritableState, old: bytes, new: bytes, netuid: int) -> None:
    """Shares and totals are added as they are (343)."""
    for item in (Subtensor.TotalHotkeyAlpha, Subtensor.TotalHotkeyShares):
        amount = item.get(state, old, netuid)
        if amount:
            item.add(state, new, netuid, amount=amount)
        item.remove(state, old, netuid)
    for (_, coldkey, one), share in list(Subtensor.Alpha.items(state, old)):
        if one != netuid:
            continue
        Subtensor.Alpha.add(state, new, coldkey, netuid, amount=share)
        Subtensor.Alpha.remove(state, old, coldkey, netuid)
        root_claims.move_claimed(state, netuid, (old, coldkey), (new, coldkey))
        listed = Subtensor.StakingHotkeys.get(state, coldkey)
        if new not in listed:
            Subtensor.StakingHotkeys.put(state, coldkey, value=[*listed, new])
        _restake(state, coldkey, old, new)


CALLS = (decrease_take, increase_take, swap_hotkey, swap_hotkey_v2, try_associate_hotkey)
