"""Conviction locks: alpha that stays staked to one hotkey of a subnet, and the sums that the chain keeps of them.

Follows staking/lock of spec 425. There is no call that unlocks: a lock decays, unless its owner made it perpetual.
Each lock is also in one sum (aggregate): of the hotkey or of the subnet owner's hotkey, decaying or perpetual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ranvier.sandbox.codec.scale import BOOL, Alias
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure, call
from ranvier.sandbox.frame.storage import Item, State, WritableState
from ranvier.sandbox.pallets.subtensor import shares
from ranvier.sandbox.pallets.subtensor.events import (
    LOCK_MOVED,
    PERPETUAL_LOCK_UPDATED,
    REJECT_LOCKED_ALPHA_UPDATED,
    STAKE_LOCKED,
    fail,
)
from ranvier.sandbox.pallets.subtensor.lock_rules import LockState, Pace, rolled
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.pallets.system import System

_HOTKEY = Alias(ACCOUNT, "T::AccountId")
_ACCEPTS_LOCKED = 1


def now(state: State) -> int:
    """The block that is being made, or whose state this is."""
    block: int = System.Number.get(state)
    return block


def pace(state: State) -> Pace:
    return Pace(Subtensor.UnlockRate.get(state), Subtensor.MaturityRate.get(state))


def is_owner_hotkey(state: State, netuid: int, hotkey: bytes) -> bool:
    return bool(Subtensor.SubnetOwnerHotkey.get(state, netuid) == hotkey)


def is_perpetual(state: State, coldkey: bytes, netuid: int) -> bool:
    return Subtensor.DecayingLock.get(state, coldkey, netuid) is False


def read(item: Item, state: State, *keys: Any) -> LockState | None:
    value = item.get(state, *keys)
    return None if value is None else LockState(value["locked_mass"], value["conviction"], value["last_update"])


def write(item: Item, state: WritableState, *keys: Any, lock: LockState) -> None:
    value = {"locked_mass": lock.mass, "conviction": lock.conviction, "last_update": lock.block}
    item.put(state, *keys, value=value)


def put_lock(state: WritableState, coldkey: bytes, netuid: int, hotkey: bytes, lock: LockState) -> None:
    """Keep a lock and who locks on the hotkey; dust is removed (``insert_lock_state``)."""
    if lock.is_dust:
        remove_lock(state, coldkey, netuid, hotkey)
    else:
        Subtensor.LockingColdkeys.put(state, netuid, hotkey, coldkey, value=())
        write(Subtensor.Lock, state, coldkey, netuid, hotkey, lock=lock)


def remove_lock(state: WritableState, coldkey: bytes, netuid: int, hotkey: bytes) -> None:
    Subtensor.LockingColdkeys.remove(state, netuid, hotkey, coldkey)
    Subtensor.Lock.remove(state, coldkey, netuid, hotkey)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where one sum of locks is kept: by hotkey, or for the owner's hotkey by subnet; perpetual or decaying."""

    netuid: int
    hotkey: bytes
    owner: bool
    perpetual: bool

    @property
    def _place(self) -> tuple[Item, tuple[Any, ...]]:
        if self.owner:
            return (Subtensor.OwnerLock if self.perpetual else Subtensor.DecayingOwnerLock), (self.netuid,)
        item = Subtensor.HotkeyLock if self.perpetual else Subtensor.DecayingHotkeyLock
        return item, (self.netuid, self.hotkey)

    def get(self, state: State) -> LockState | None:
        item, keys = self._place
        return read(item, state, *keys)

    def put(self, state: WritableState, lock: LockState) -> None:
        """Keep the sum, or nothing when it is empty."""
        item, keys = self._place
        if lock.mass or lock.conviction:
            write(item, state, *keys, lock=lock)
        else:
            item.remove(state, *keys)

    def age(self, lock: LockState, block: int, rates: Pace, *, dust: bool = False) -> LockState:
        """A lock of this kind at another block."""
        return rolled(lock, block, rates, owner=self.owner, perpetual=self.perpetual, dust=dust)


class Model:
    """One coldkey's lock on one hotkey, and the sum that it is in (``ConvictionModel``)."""

    def __init__(self, state: State, coldkey: bytes, netuid: int, hotkey: bytes) -> None:
        self.coldkey, self.netuid, self.hotkey = coldkey, netuid, hotkey
        self.block = now(state)
        self._pace = pace(state)
        empty = LockState(0, 0, self.block)
        perpetual = is_perpetual(state, coldkey, netuid)
        self.bucket = Bucket(netuid, hotkey, is_owner_hotkey(state, netuid, hotkey), perpetual)
        self.lock = read(Subtensor.Lock, state, coldkey, netuid, hotkey) or empty
        self.sum = self.bucket.get(state) or empty

    def aged(self) -> LockState:
        """The lock as it is now, without changing the model."""
        return self.bucket.age(self.lock, self.block, self._pace)

    def roll(self) -> None:
        """Bring lock and sum to now: the others in the sum are aged apart from this lock (``roll_forward``)."""
        anchor = max(self.sum.block, self.lock.block)
        lock = self.bucket.age(self.lock, anchor, self._pace, dust=True)
        whole = self.bucket.age(self.sum, anchor, self._pace)
        others = self.bucket.age(whole.minus(lock.mass, lock.conviction), self.block, self._pace, dust=True)
        self.lock = self.bucket.age(lock, self.block, self._pace)
        joined = others.plus(self.lock.mass, self.lock.conviction)
        self.sum = LockState(joined.mass, joined.conviction, max(others.block, self.lock.block))

    def roll_sum(self) -> None:
        self.sum = self.bucket.age(self.sum, self.block, self._pace)

    def detach(self) -> LockState:
        """Take the whole lock out of the model and out of the sum."""
        found = self.lock
        self.lock = LockState(0, 0, found.block)
        self.sum = self.sum.minus(found.mass, found.conviction)
        return found

    def attach(self, lock: LockState) -> None:
        """Put a lock in after ``detach``."""
        self.lock = lock
        self.sum = self.sum.plus(lock.mass, lock.conviction)

    def add(self, mass: int) -> None:
        """Lock more (``add_locked_mass``)."""
        lock = self.detach()
        self.attach(self.bucket.age(lock.plus(mass, 0), self.block, self._pace))
        self.roll_sum()

    def save(self, state: WritableState) -> None:
        put_lock(state, self.coldkey, self.netuid, self.hotkey, self.lock)
        self.bucket.put(state, self.sum)


def model_of(state: State, coldkey: bytes, netuid: int) -> Model | None:
    """The coldkey's one lock in a subnet, or None (``read_conviction_model``)."""
    for keys, _ in Subtensor.Lock.items(state, coldkey, netuid):
        return Model(state, coldkey, netuid, keys[2])
    return None


def coldkey_lock(state: State, coldkey: bytes, netuid: int) -> LockState | None:
    """The lock as it is now (``get_coldkey_lock``)."""
    model = model_of(state, coldkey, netuid)
    return None if model is None else model.aged()


def locked_of(state: State, coldkey: bytes, netuid: int) -> int:
    """Rao of alpha that a lock holds now, from whatever hotkey it would be unstaked (``get_current_locked``)."""
    lock = coldkey_lock(state, coldkey, netuid)
    return 0 if lock is None else lock.mass


def refresh(state: WritableState, coldkey: bytes, netuid: int) -> None:
    """Bring a lock to now; one that has decayed to nothing goes (``cleanup_lock_if_zero``)."""
    model = model_of(state, coldkey, netuid)
    if model is not None:
        model.roll()
        model.save(state)


def rejects_locked(state: State, coldkey: bytes) -> bool:
    """Whether locked alpha may not be given to this coldkey: so it is unless it said otherwise."""
    flags: int = Subtensor.AccountFlags.get(state, coldkey)
    return not flags & _ACCEPTS_LOCKED


def set_accepts(state: WritableState, coldkey: bytes, accepts: bool) -> None:
    flags: int = Subtensor.AccountFlags.get(state, coldkey)
    flags = flags | _ACCEPTS_LOCKED if accepts else flags & ~_ACCEPTS_LOCKED
    if flags:
        Subtensor.AccountFlags.put(state, coldkey, value=flags)
    else:
        Subtensor.AccountFlags.remove(state, coldkey)


def ensure_accepts(state: State, coldkey: bytes, amount: int) -> None:
    if amount and rejects_locked(state, coldkey):
        raise fail("AccountRejectsLockedAlpha")


def do_lock(context: Context, coldkey: bytes, netuid: int, hotkey: bytes, amount: int) -> None:
    """``do_lock_stake`` in the order of its checks; more is added to a lock that is there."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if amount == 0:
        raise fail("AmountTooLow")
    if not Subtensor.Owner.exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    model = model_of(state, coldkey, netuid)
    if model is not None and model.hotkey != hotkey:
        raise fail("LockHotkeyMismatch")
    model = model or Model(state, coldkey, netuid, hotkey)
    model.roll()
    if shares.total_of(state, coldkey, netuid) < model.lock.mass + amount:
        raise fail("InsufficientStakeForLock")
    model.add(amount)
    model.save(state)
    context.deposit(STAKE_LOCKED, {"coldkey": coldkey, "hotkey": hotkey, "netuid": netuid, "amount": amount})


def lock_owner_cut(context: Context, netuid: int, amount: int) -> None:
    """The owner's cut is locked where the owner's lock is, if the subnet says so (``auto_lock_owner_cut``)."""
    state = context.state
    if not Subtensor.OwnerCutAutoLockEnabled.get(state, netuid):
        return
    coldkey = Subtensor.SubnetOwner.get(state, netuid)
    model = model_of(state, coldkey, netuid)
    hotkey = Subtensor.SubnetOwnerHotkey.get(state, netuid) if model is None else model.hotkey
    try:
        with context.attempt():
            do_lock(context, coldkey, netuid, hotkey, amount)
    except DispatchFailure:
        return  # a cut of nothing locks nothing


@call(136, {"hotkey": _HOTKEY, "netuid": NETUID, "amount": ALPHA})
def lock_stake(context: Context, who: bytes, hotkey: bytes, netuid: int, amount: int) -> None:
    """Lock alpha that one holds in a subnet to one hotkey; its conviction grows with time."""
    do_lock(context, who, netuid, hotkey, amount)


@call(137, {"destination_hotkey": _HOTKEY, "netuid": NETUID})
def move_lock(context: Context, who: bytes, destination_hotkey: bytes, netuid: int) -> None:
    """Lock to another hotkey; the conviction is lost unless both have the same owner (``do_move_lock``)."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if not Subtensor.Owner.exists(state, destination_hotkey):
        raise fail("HotKeyAccountNotExists")
    source = model_of(state, who, netuid)
    if source is None:
        raise fail("NoExistingLock")
    source.roll()
    lock = source.detach()
    if not same_owner(state, source.hotkey, destination_hotkey):
        lock = LockState(lock.mass, 0, lock.block)
    source.save(state)
    target = Model(state, who, netuid, destination_hotkey)
    lock = target.bucket.age(lock, target.block, pace(state))
    target.roll()
    there = target.detach()
    joined = there.plus(lock.mass, lock.conviction)
    target.attach(LockState(joined.mass, joined.conviction, max(there.block, lock.block)))
    target.save(state)
    fields = {"coldkey": who, "origin_hotkey": source.hotkey, "destination_hotkey": destination_hotkey}
    context.deposit(LOCK_MOVED, {**fields, "netuid": netuid})


def same_owner(state: State, hotkey: bytes, other: bytes) -> bool:
    """``conviction_survives_hotkey_change``."""
    return bool(Subtensor.Owner.get(state, hotkey) == Subtensor.Owner.get(state, other))


@call(138, {"netuid": NETUID, "enabled": BOOL})
def set_perpetual_lock(context: Context, who: bytes, netuid: int, enabled: bool) -> None:
    """Stop the decay of one's lock in a subnet, or let it go on (``do_set_perpetual_lock``)."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    changes = is_perpetual(state, who, netuid) != enabled
    model = model_of(state, who, netuid)
    if model is not None:
        model.roll()
        model.save(state)
        if changes:
            change_sum(state, who, netuid, model.hotkey, model.lock, -1)
    if enabled:
        Subtensor.DecayingLock.put(state, who, netuid, value=False)
    else:
        Subtensor.DecayingLock.remove(state, who, netuid)
    model = model_of(state, who, netuid)
    if changes and model is not None:
        change_sum(state, who, netuid, model.hotkey, model.lock, 1)
    context.deposit(PERPETUAL_LOCK_UPDATED, {"coldkey": who, "netuid": netuid, "enabled": enabled})


def change_sum(state: WritableState, coldkey: bytes, netuid: int, hotkey: bytes, lock: LockState, sign: int) -> None:
    """Add a lock to the sum that it belongs to by now, or take it out (``add_`` and ``reduce_aggregate_lock``)."""
    model = Model(state, coldkey, netuid, hotkey)
    model.roll_sum()
    if sign > 0:
        model.sum = model.sum.plus(lock.mass, lock.conviction)
        model.roll_sum()
    else:
        model.sum = model.sum.minus(lock.mass, lock.conviction)
    model.bucket.put(state, model.sum)


@call(142, {"enabled": BOOL})
def set_reject_locked_alpha(context: Context, who: bytes, enabled: bool) -> None:
    """Say whether others may give one locked alpha; until then they may not."""
    set_accepts(context.state, who, not enabled)
    context.deposit(REJECT_LOCKED_ALPHA_UPDATED, {"coldkey": who, "enabled": enabled})


CALLS = (lock_stake, move_lock, set_perpetual_lock, set_reject_locked_alpha)
