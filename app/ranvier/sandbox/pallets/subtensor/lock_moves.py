"""What happens to conviction locks when stake or keys change hands. Follows staking/lock of spec 425."""

from __future__ import annotations

from ranvier.sandbox.frame.storage import WritableState
from ranvier.sandbox.pallets.subtensor import locks, shares
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.lock_rules import FRACTION, LockState, rolled
from ranvier.sandbox.pallets.subtensor.locks import Bucket, Model
from ranvier.sandbox.pallets.subtensor.storage import Subtensor


def transfer(
    state: WritableState, coldkey: bytes, other_coldkey: bytes, other_hotkey: bytes, netuid: int, amount: int
) -> None:
    """The part of given alpha that is not free goes over with its lock, in proportion (``transfer_lock``)."""
    if coldkey == other_coldkey or amount == 0:
        return
    source = locks.model_of(state, coldkey, netuid)
    if source is None:
        return
    source.roll()
    lock = source.lock
    there = locks.model_of(state, other_coldkey, netuid)
    target_hotkey = other_hotkey if there is None else there.hotkey
    over = amount - min(amount, max(shares.total_of(state, coldkey, netuid) - lock.mass, 0))
    moved, received = 0, 0
    if over:
        if there is not None and there.hotkey != other_hotkey:
            raise fail("LockHotkeyMismatch")
        moved = min(over, lock.mass)
        share = (moved << FRACTION) // lock.mass if lock.mass else 0
        conviction = lock.conviction * share >> FRACTION
        received = conviction if locks.same_owner(state, source.hotkey, target_hotkey) else 0
        lock = lock.minus(moved, conviction)
    locks.ensure_accepts(state, other_coldkey, moved)
    rates = locks.pace(state)
    source.detach()
    source.attach(source.bucket.age(lock, source.block, rates))
    source.save(state)
    if moved or there is not None:
        target = Model(state, other_coldkey, netuid, target_hotkey)
        target.roll()
        target.attach(target.bucket.age(target.detach().plus(moved, received), target.block, rates))
        target.save(state)


def ensure_none(state: WritableState, coldkey: bytes) -> None:
    """No lock anywhere that still holds something (``ensure_no_active_locks``)."""
    for (_, netuid, _), _ in list(Subtensor.Lock.items(state, coldkey)):
        if locks.locked_of(state, coldkey, netuid):
            raise fail("ActiveLockExists")


def swap_coldkey(state: WritableState, old: bytes, new: bytes) -> None:
    """All locks, their kind and the account's flags go over to another coldkey (``swap_coldkey_locks``)."""
    ensure_none(state, new)
    moving: list[tuple[int, bytes, LockState]] = []
    for (_, netuid, hotkey), _ in list(Subtensor.Lock.items(state, old)):
        lock = Model(state, old, netuid, hotkey).aged()
        locks.ensure_accepts(state, new, lock.mass)
        moving.append((netuid, hotkey, lock))
    for netuid, hotkey, lock in moving:
        locks.remove_lock(state, old, netuid, hotkey)
        locks.change_sum(state, old, netuid, hotkey, lock, -1)
    for (_, netuid), decaying in list(Subtensor.DecayingLock.items(state, old)):
        Subtensor.DecayingLock.remove(state, old, netuid)
        Subtensor.DecayingLock.put(state, new, netuid, value=decaying)
    flags = Subtensor.AccountFlags.get(state, old)
    Subtensor.AccountFlags.remove(state, old)
    if flags:
        Subtensor.AccountFlags.put(state, new, value=flags)
    else:
        Subtensor.AccountFlags.remove(state, new)
    for netuid, hotkey, lock in moving:
        locks.put_lock(state, new, netuid, hotkey, lock)
        locks.change_sum(state, new, netuid, hotkey, lock, 1)


def swap_hotkey(state: WritableState, old: bytes, new: bytes, netuid: int) -> None:
    """Every lock on a hotkey, and their sums, go over to another one (``swap_hotkey_locks_on_subnet``).

    The owner's hotkey keeps its role: this runs before the subnet knows its new owner hotkey.
    """
    was_owner = locks.is_owner_hotkey(state, netuid, old)
    becomes_owner = was_owner or locks.is_owner_hotkey(state, netuid, new)
    block, rates = locks.now(state), locks.pace(state)
    for (_, _, coldkey), _ in list(Subtensor.LockingColdkeys.items(state, netuid, old)):
        lock = locks.read(Subtensor.Lock, state, coldkey, netuid, old)
        locks.remove_lock(state, coldkey, netuid, old)
        if lock is None:
            continue
        perpetual = locks.is_perpetual(state, coldkey, netuid)
        for owner in (was_owner, becomes_owner):
            lock = rolled(lock, block, rates, owner=owner, perpetual=perpetual)
        locks.put_lock(state, coldkey, netuid, new, lock)
    for perpetual in (True, False):
        source, target = Bucket(netuid, old, was_owner, perpetual), Bucket(netuid, new, becomes_owner, perpetual)
        total = source.get(state)
        if total is not None:
            source.put(state, LockState(0, 0, block))
            target.put(state, target.age(source.age(total, block, rates), block, rates))
