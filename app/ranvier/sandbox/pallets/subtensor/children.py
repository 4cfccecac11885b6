"""Child keys: part of a hotkey's stake weight in one subnet lent to other hotkeys. Follows staking/set_children.rs.

What is asked for waits PendingChildKeyCooldown blocks and is then set with the subnet's epoch; before a subnet's token
is traded it is set at once.
"""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Tuple, Vec
from ranvier.sandbox.codec.scale import U16, U64, Alias
from ranvier.sandbox.codec.types import ACCOUNT
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure, call, ensure_root
from ranvier.sandbox.frame.storage import Item, State, WritableState
from ranvier.sandbox.pallets.subtensor import info, limits, swaps
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules
from ranvier.sandbox.pallets.subtensor.subnet_events import CHILDKEY_TAKE_SET, SET_CHILDREN, SET_CHILDREN_SCHEDULED

_WHO = Alias(ACCOUNT, "T::AccountId")
_MOST_CHILDREN = 5
_U64_MAX = (1 << 64) - 1
_Row = list[tuple[int, bytes]]
"""(part of 2**64 - 1, hotkey) of each child or parent."""


def _others(state: State, item: Item, hotkey: bytes, netuid: int) -> dict[bytes, int]:
    """Children or parents by hotkey, without itself."""
    return {other: part for part, other in item.get(state, hotkey, netuid) if other != hotkey}


def _check(hotkey: bytes, children: dict[bytes, int], parents: dict[bytes, int]) -> None:
    """Nobody is its own child, parts fit in one, and no child is a parent too (``ensure_*``)."""
    if hotkey in children:
        raise fail("InvalidChild")
    if sum(children.values()) > _U64_MAX:
        raise fail("ProportionOverflow")
    if children.keys() & parents.keys():
        raise fail("ChildParentInconsistency")


def _check_asked(state: State, netuid: int, hotkey: bytes, asked: _Row) -> None:
    """``ensure_pending_consistency``, in its order."""
    children = {child: part for part, child in asked}
    if hotkey in children:
        raise fail("InvalidChild")
    if len(children) > _MOST_CHILDREN:
        raise fail("TooManyChildren")
    _check(hotkey, children, _others(state, Subtensor.ParentKeys, hotkey, netuid))


def _write(state: WritableState, item: Item, hotkey: bytes, netuid: int, row: _Row) -> None:
    if row:
        item.put(state, hotkey, netuid, value=row)
    else:
        item.remove(state, hotkey, netuid)


def _link(state: WritableState, item: Item, hotkey: bytes, netuid: int, other: bytes, part: int | None) -> None:
    """Change one edge in the row of ``hotkey``; None takes it out."""
    row: _Row = item.get(state, hotkey, netuid)
    place = next((index for index, (_, one) in enumerate(row) if one == other), None)
    if part is None:
        row = [edge for edge in row if edge[1] != other]
    elif place is None:
        row = [*row, (part, other)]
    else:
        row[place] = (part, other)
    _write(state, item, hotkey, netuid, row)


def _persist(
    state: WritableState, netuid: int, hotkey: bytes, children: dict[bytes, int], parents: dict[bytes, int]
) -> None:
    """``persist_child_parent_relations``: the hotkey's own two rows, and its place in the rows of the others."""
    sides = (
        (Subtensor.ChildKeys, Subtensor.ParentKeys, children),
        (Subtensor.ParentKeys, Subtensor.ChildKeys, parents),
    )
    for own, other_item, wanted in sides:
        before = {other for _, other in own.get(state, hotkey, netuid)}
        _write(state, own, hotkey, netuid, [(part, other) for other, part in sorted(wanted.items())])
        for other, part in sorted(wanted.items()):
            _link(state, other_item, other, netuid, hotkey, part)
        for other in sorted(before - wanted.keys()):
            _link(state, other_item, other, netuid, hotkey, None)


def _apply(context: Context, netuid: int, hotkey: bytes, asked: _Row) -> None:
    """``persist_pending_chidren_ok`` (sic): what has become inconsistent is dropped without a word."""
    state = context.state
    children = {child: part for part, child in asked if child != hotkey}
    parents = _others(state, Subtensor.ParentKeys, hotkey, netuid)
    try:
        _check(hotkey, children, parents)
    except DispatchFailure:
        return
    _persist(state, netuid, hotkey, children, parents)
    context.deposit(SET_CHILDREN, (hotkey, netuid, asked))


def apply_pending(context: Context, netuid: int) -> None:
    """``do_set_pending_children``: with a subnet's epoch, those whose time has come."""
    state, traded = context.state, Subtensor.SubtokenEnabled.get(context.state, netuid)
    for (_, hotkey), (asked, when) in list(Subtensor.PendingChildKeys.items(state, netuid)):
        if when <= context.block or not traded:
            _apply(context, netuid, hotkey, asked)
            Subtensor.PendingChildKeys.remove(state, netuid, hotkey)


def total_stake(state: State, hotkey: bytes) -> int:
    """All stake on a hotkey in TAO at today's prices (``get_total_stake_for_hotkey``)."""
    held = ((one, Subtensor.TotalHotkeyAlpha.get(state, hotkey, one)) for one in info.netuids(state))
    return sum(alpha * swaps.price_bits(state, one) >> 64 for one, alpha in held if alpha)


def schedule(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, asked: _Row) -> None:
    """``do_schedule_children`` in the order of its checks."""
    state = context.state
    if not limits.passes(context, netuid, hotkey, limits.SET_CHILDREN):
        raise fail("TxRateLimitExceeded")
    if netuid == swaps.ROOT:
        raise fail("RegistrationNotPermittedOnRootSubnet")
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    _ensure_owned(state, coldkey, hotkey)
    if len({child for _, child in asked}) != len(asked):
        raise fail("DuplicateChild")
    _check_asked(state, netuid, hotkey, asked)
    enough = hotkey == Subtensor.SubnetOwnerHotkey.get(state, netuid) or not asked
    if not enough and total_stake(state, hotkey) < Subtensor.StakeThreshold.get(state):
        raise fail("NotEnoughStakeToSetChildkeys")
    limits.note(context, netuid, hotkey, limits.SET_CHILDREN)
    if not Subtensor.SubtokenEnabled.get(state, netuid):
        _apply(context, netuid, hotkey, asked)
        return
    when = context.block + Subtensor.PendingChildKeyCooldown.get(state)
    Subtensor.PendingChildKeys.put(state, netuid, hotkey, value=(asked, when))
    context.deposit(SET_CHILDREN_SCHEDULED, (hotkey, netuid, when, asked))


def forget_pending(state: WritableState, hotkey: bytes) -> None:
    """What waits is forgotten when a sale leaves less stake than children ask for (``do_remove_stake``)."""
    if total_stake(state, hotkey) < Subtensor.StakeThreshold.get(state):
        for netuid in info.netuids(state):
            Subtensor.PendingChildKeys.remove(state, netuid, hotkey)


def _ensure_owned(state: State, coldkey: bytes, hotkey: bytes) -> None:
    if not Subtensor.Owner.exists(state, hotkey) or Subtensor.Owner.get(state, hotkey) != coldkey:
        raise fail("NonAssociatedColdKey")


def give_root_validators(context: Context, netuid: int) -> None:
    """``do_set_root_validators_for_subnet``: a new subnet's owner becomes the child of all that sit on root (425)."""
    state, owner = context.state, Subtensor.SubnetOwnerHotkey.get(context.state, netuid)
    for _, hotkey in list(Subtensor.Keys.items(state, swaps.ROOT)):
        if hotkey == owner:
            continue
        try:
            with context.attempt():
                schedule(context, Subtensor.Owner.get(state, hotkey), hotkey, netuid, [(_U64_MAX, owner)])
        except DispatchFailure:
            continue


def swap_hotkey(state: WritableState, old: bytes, new: bytes, netuid: int) -> None:
    """``parent_child_swap_hotkey``: the new hotkey takes the old one's place among parents and children."""
    children = _others(state, Subtensor.ChildKeys, old, netuid)
    parents = _others(state, Subtensor.ParentKeys, old, netuid)
    _check(old, children, parents)
    for child in children:
        _link(state, Subtensor.ParentKeys, child, netuid, old, None)
    for parent in parents:
        _link(state, Subtensor.ChildKeys, parent, netuid, old, None)
    for item in (Subtensor.ChildKeys, Subtensor.ParentKeys):
        item.remove(state, old, netuid)
    if new in children or new in parents:
        raise fail("InvalidChild")
    if Subtensor.PendingChildKeys.exists(state, netuid, old):
        asked, when = Subtensor.PendingChildKeys.get(state, netuid, old)
        _check_asked(state, netuid, new, asked)
        Subtensor.PendingChildKeys.remove(state, netuid, old)
        Subtensor.PendingChildKeys.put(state, netuid, new, value=(asked, when))
    for (_, parent), (asked, when) in list(Subtensor.PendingChildKeys.items(state, netuid)):
        part = next((part for part, child in asked if child == old), None)
        if part is not None:
            value = ([edge for edge in asked if edge[1] != old] + [(part, new)], when)
            Subtensor.PendingChildKeys.put(state, netuid, parent, value=value)
    if children or parents:
        _persist(state, netuid, new, children, parents)


def least_take(state: State, netuid: int) -> int:
    """``get_effective_min_childkey_take``: a subnet may ask for more than the network (425)."""
    least: int = Subtensor.MinChildkeyTake.get(state)
    return max(least, Subtensor.MinChildkeyTakePerSubnet.get(state, netuid)) if rules(state) >= 425 else least


@call(67, {"hotkey": _WHO, "netuid": NETUID, "children": Vec(Tuple((U64, _WHO)))}, ref_time=119_000_000)
def set_children(context: Context, who: bytes, hotkey: bytes, netuid: int, children: list[Any]) -> None:
    """Lend parts of a hotkey's stake weight to up to five others; an empty list takes all back."""
    schedule(context, who, hotkey, netuid, [(part, child) for part, child in children])


@call(75, {"hotkey": _WHO, "netuid": NETUID, "take": U16}, paid_since=425)
def set_childkey_take(context: Context, who: bytes, hotkey: bytes, netuid: int, take: int) -> None:
    """What a child keeps of the dividends that it earns with its parents' weight (``do_set_childkey_take``)."""
    state = context.state
    _ensure_owned(state, who, hotkey)
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if not least_take(state, netuid) <= take <= Subtensor.MaxChildkeyTake.get(state):
        raise fail("InvalidChildkeyTake")
    rises = take > Subtensor.ChildkeyTake.get(state, hotkey, netuid)
    if rises and not limits.passes(context, netuid, hotkey, limits.SET_CHILDKEY_TAKE):
        raise fail("TxChildkeyTakeRateLimitExceeded")
    limits.note(context, netuid, hotkey, limits.SET_CHILDKEY_TAKE)
    Subtensor.ChildkeyTake.put(state, hotkey, netuid, value=take)
    context.deposit(CHILDKEY_TAKE_SET, (hotkey, take))


@call(109, {"cooldown": U64}, root=True)
def set_pending_childkey_cooldown(context: Context, who: bytes, cooldown: int) -> None:
    """Root says how long children wait, in blocks."""
    ensure_root(who)
    Subtensor.PendingChildKeyCooldown.put(context.state, value=cooldown)


CALLS = (set_children, set_childkey_take, set_pending_childkey_cooldown)
