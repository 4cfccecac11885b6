"""The chain's own tests of conviction locks (tests/locks/*.rs): their scenarios and numbers, through our pallet."""

from __future__ import annotations

from math import exp

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import hotkeys, lock_rules, locks, moving, neurons, shares, staking
from ranvier.sandbox.pallets.subtensor.lock_rules import ONE, LockState, Pace
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.system import System
from sandbox import test_source_staking
from sandbox.test_source_staking import COIN, COLD, HOT, refusal

HOT_2, HOT_3, OTHER, OWNER_HOT = (bytes([number]) * 32 for number in (0xD1, 0xD2, 0xD3, 0xD4))
STAKED = 100 * COIN
RATES = Pace(934_866, 934_866)


def at(context: Context, block: int) -> None:
    context.block = block
    System.Number.put(context.state, value=block)


def market(*, perpetual: bool = True) -> Context:
    """COLD has staked on a hotkey of its own; locks of COLD and OTHER do not decay, and OTHER takes locked alpha."""
    context = test_source_staking.market()
    state = context.state
    Subtensor.TotalIssuance.put(state, value=10**16)
    at(context, 1)
    Subtensor.NetworksAdded.put(state, 2, value=True)
    Subtensor.SubtokenEnabled.put(state, 2, value=True)
    Subtensor.SubnetMechanism.put(state, 2, value=1)
    for item in (Subtensor.SubnetTAO, Subtensor.SubnetAlphaIn):
        item.put(state, 2, value=10_000 * COIN)
    Subtensor.SubnetOwnerHotkey.put(state, 1, value=OWNER_HOT)
    Subtensor.Owner.remove(state, HOT)
    for hotkey in (HOT, HOT_2):
        neurons.create_account_if_new(context, COLD, hotkey)
    neurons.create_account_if_new(context, OTHER, HOT_3)
    Subtensor.Owner.put(state, OWNER_HOT, value=bytes([8]) * 32)
    balances.mint(context, OTHER, 1000 * COIN)
    staking.stake_tao(context, COLD, HOT, 1, STAKED)
    locks.set_accepts(state, OTHER, True)
    for who in (COLD, OTHER):
        if perpetual:
            Subtensor.DecayingLock.put(state, who, 1, value=False)
    return context


def total(context: Context, who: bytes = COLD) -> int:
    return shares.total_of(context.state, who, 1)


def lock(context: Context, amount: int, hotkey: bytes = HOT, who: bytes = COLD) -> str | None:
    return refusal(context, locks.lock_stake, who, hotkey, 1, amount)


def kept(context: Context, hotkey: bytes = HOT, who: bytes = COLD) -> LockState | None:
    return locks.read(Subtensor.Lock, context.state, who, 1, hotkey)


def summed(context: Context, hotkey: bytes = HOT) -> LockState | None:
    return locks.read(Subtensor.HotkeyLock, context.state, 1, hotkey)


def convinced(context: Context, hotkey: bytes, conviction: int, *people: bytes) -> None:
    """Give locks and their sum a conviction, in whole alpha rao."""
    for who in people:
        mine = kept(context, hotkey, who)
        assert mine is not None
        with_it = LockState(mine.mass, conviction << 64, mine.block)
        locks.write(Subtensor.Lock, context.state, who, 1, hotkey, lock=with_it)
    whole = summed(context, hotkey)
    assert whole is not None
    joined = LockState(whole.mass, len(people) * conviction << 64, whole.block)
    locks.write(Subtensor.HotkeyLock, context.state, 1, hotkey, lock=joined)


def test_what_cannot_be_locked() -> None:
    context = market()
    everything = total(context)
    assert lock(context, 0) == "AmountTooLow"
    assert lock(context, everything + 1) == "InsufficientStakeForLock"
    assert lock(context, 1000) is None
    assert lock(context, 500, HOT_2) == "LockHotkeyMismatch"
    assert lock(context, everything * 8 // 10 - 1000) is None
    assert lock(context, everything * 3 // 10) == "InsufficientStakeForLock"


def test_more_is_added_to_a_lock_and_to_its_sum() -> None:
    context = market(perpetual=False)
    assert lock(context, 1000) is None
    assert lock(context, 500) is None
    assert kept(context) == LockState(1500, 0, 1), "in one block nothing decays"
    at(context, 101)
    assert lock(context, 500) is None
    mine = kept(context)
    assert mine is not None and 1990 < mine.mass <= 2000 and mine.conviction > 0 and mine.block == 101
    whole = locks.read(Subtensor.DecayingHotkeyLock, context.state, 1, HOT)
    assert whole is not None and (whole.mass, whole.block) == (mine.mass, 101)
    assert len(list(Subtensor.LockingColdkeys.items(context.state, 1, HOT))) == 1


@pytest.mark.parametrize(("mass", "conviction", "dust"), [(99, 99, True), (100, 99, False), (99, 100, False)])
def test_dust_is_less_than_a_hundred_of_both(mass: int, conviction: int, dust: bool) -> None:
    assert LockState(mass, conviction << 64, 0).is_dust == dust
    rolled = lock_rules.rolled(LockState(mass, conviction << 64, 5), 5, RATES, owner=False, perpetual=False)
    assert rolled == (LockState(0, 0, 5) if dust else LockState(mass, conviction << 64, 5))


def test_locked_alpha_cannot_be_sold_or_swapped_but_moved() -> None:
    context = market()
    everything = total(context)
    assert lock(context, everything // 2) is None
    at(context, 2)
    sale = COLD, HOT, 1
    assert refusal(context, staking.remove_stake, *sale, everything * 6 // 10) == "StakeUnavailable"
    assert refusal(context, moving.swap_stake, COLD, HOT, 1, 2, everything) == "StakeUnavailable"
    assert refusal(context, moving.move_stake, COLD, HOT, HOT_2, 1, 1, everything * 6 // 10) is None
    assert total(context) == everything
    assert refusal(context, staking.remove_stake, COLD, HOT, 1, everything * 4 // 10) is None


def test_a_sale_brings_a_lock_to_the_day() -> None:
    context = market(perpetual=False)
    assert lock(context, COIN) is None
    at(context, 101)
    expected = lock_rules.rolled(LockState(COIN, 0, 1), 101, locks.pace(context.state), owner=False, perpetual=False)
    assert refusal(context, staking.remove_stake, COLD, HOT, 1, COIN) is None
    assert kept(context) == expected
    whole = locks.read(Subtensor.DecayingHotkeyLock, context.state, 1, HOT)
    assert whole is not None and (whole.mass, whole.block) == (expected.mass, 101)


def test_dust_of_one_leaves_the_sum_of_all() -> None:
    """To a rao: the source ages a sum now as a whole, now without the lock, now by what the lock has lost."""
    context = market(perpetual=False)
    staking.stake_tao(context, OTHER, HOT, 1, STAKED)
    assert lock(context, COIN, HOT_2) is None and lock(context, 100, HOT_2, OTHER) is None
    at(context, 101)
    large = lock_rules.rolled(LockState(COIN, 0, 1), 101, locks.pace(context.state), owner=False, perpetual=False)
    assert refusal(context, staking.remove_stake, COLD, HOT, 1, COIN) is None
    sums = locks.read(Subtensor.DecayingHotkeyLock, context.state, 1, HOT_2)
    assert kept(context, HOT_2) == large and sums is not None and abs(sums.mass - large.mass - 100) <= 1
    assert refusal(context, staking.remove_stake, OTHER, HOT, 1, COIN) is None
    sums = locks.read(Subtensor.DecayingHotkeyLock, context.state, 1, HOT_2)
    assert sums is not None and abs(sums.mass - large.mass) <= 1 and kept(context, HOT_2, OTHER) is None


@pytest.mark.parametrize(("target", "left"), [(HOT_2, 1000), (HOT_3, 0)])
def test_a_lock_that_moves_keeps_conviction_with_one_owner_only(target: bytes, left: int) -> None:
    context = market()
    staking.stake_tao(context, OTHER, HOT, 1, STAKED // 2)
    for who in (COLD, OTHER):
        assert lock(context, 5000, who=who) is None
    convinced(context, HOT, 1000, COLD, OTHER)
    assert refusal(context, locks.move_lock, COLD, target, 1) is None
    assert kept(context, target) == LockState(5000, left << 64, 1) == summed(context, target)
    assert kept(context, HOT, OTHER) == LockState(5000, 1000 << 64, 1) == summed(context)


def test_a_lock_on_the_owner_s_hotkey_is_convinced_at_once() -> None:
    context = market()
    assert lock(context, 5000) is None
    assert refusal(context, locks.move_lock, COLD, OWNER_HOT, 1) is None
    assert kept(context, OWNER_HOT) == LockState(5000, 5000 << 64, 1)
    assert summed(context, OWNER_HOT) is None
    assert locks.read(Subtensor.OwnerLock, context.state, 1) == LockState(5000, 5000 << 64, 1)


@pytest.mark.parametrize("netuid", [1, None])
def test_a_swapped_hotkey_takes_its_locks_along_there(netuid: int | None) -> None:
    context = market()
    balances.mint(context, COLD, COIN)
    assert lock(context, 5000) is None
    convinced(context, HOT, 1000, COLD)
    new = b"\xee" * 32
    assert refusal(context, hotkeys.swap_hotkey, COLD, HOT, new, netuid) is None
    assert kept(context) is None and summed(context) is None
    assert kept(context, new) == LockState(5000, 1000 << 64, 1) == summed(context, new)
    other = market()
    assert lock(other, 5000) is None
    assert refusal(other, hotkeys.swap_hotkey, COLD, HOT, new, 2) is None
    assert kept(other) == LockState(5000, 0, 1), "a swap elsewhere leaves it"


def test_given_alpha_takes_the_lock_to_where_it_lands() -> None:
    give = moving.transfer_stake_and_hotkey
    for target, survives in ((HOT, True), (HOT_2, True), (HOT_3, False)):
        context = market()
        everything = total(context)
        assert lock(context, everything // 2) is None
        convinced(context, HOT, 1000, COLD)
        at(context, 2)
        expected = lock_rules.rolled(
            LockState(everything // 2, 1000 << 64, 1), 2, locks.pace(context.state), owner=False, perpetual=True
        )
        assert refusal(context, give, COLD, OTHER, HOT, target, 1, 1, everything) is None
        assert kept(context) is None
        given = kept(context, target, OTHER)
        assert given is not None and given.mass == expected.mass
        assert 0 < given.conviction <= expected.conviction if survives else given.conviction == 0
        assert target == HOT or (summed(context) is None and kept(context, HOT, OTHER) is None)
        whole = summed(context, target)
        assert whole is not None and whole.mass == expected.mass


def test_who_has_a_lock_gets_locked_alpha_only_there() -> None:
    context = market()
    everything = total(context)
    mine = Subtensor.Lock, context.state, OTHER, 1, HOT_3
    locks.write(*mine, lock=LockState(1_000_000, 0, 1))
    Subtensor.LockingColdkeys.put(context.state, 1, HOT_3, OTHER, value=())
    assert lock(context, everything // 2) is None
    at(context, 2)
    give = moving.transfer_stake_and_hotkey
    assert refusal(context, give, COLD, OTHER, HOT, HOT_2, 1, 1, everything) == "LockHotkeyMismatch"
    assert refusal(context, give, COLD, OTHER, HOT, HOT_3, 1, 1, everything) is None
    given = kept(context, HOT_3, OTHER)
    assert given is not None and given.mass == 1_000_000 + everything // 2


def test_locked_alpha_is_not_given_to_who_refuses_it() -> None:
    context = market()
    everything = total(context)
    assert lock(context, everything // 2) is None
    assert refusal(context, locks.set_reject_locked_alpha, OTHER, True) is None
    give = moving.transfer_stake, COLD, OTHER, HOT, 1, 1
    assert refusal(context, *give, everything) == "AccountRejectsLockedAlpha"
    assert total(context) == everything and total(context, OTHER) == 0
    assert refusal(context, *give, everything // 2) is None, "what is free goes"


def test_decay_and_conviction_by_the_closed_forms() -> None:
    """Rates that differ by one block of a million, and half of all TAO."""
    assert lock_rules.decay(100 * 216_000, 216_000) == lock_rules.decay(40 * 216_000, 216_000) > 0
    assert abs(lock_rules.decay(216_000, 216_000) / ONE - 0.36787944) < 0.001
    unlock, mass = 1_142_108, 21 * 10**15
    rolled = lock_rules.rolled(LockState(mass, 0, 0), unlock, Pace(unlock, unlock + 1), owner=False, perpetual=False)
    slow, fast = exp(-unlock / (unlock + 1)), exp(-1)
    gained = mass * unlock * (fast - slow) / -1
    assert abs(rolled.conviction / ONE - gained) < 5_000_000 and abs(rolled.mass - mass * fast) < 2_000
    once = lock_rules.rolled(LockState(COIN, 0, 0), 20_000, RATES, owner=False, perpetual=False)
    half = lock_rules.rolled(LockState(COIN, 0, 0), 10_000, RATES, owner=False, perpetual=False)
    twice = lock_rules.rolled(half, 20_000, RATES, owner=False, perpetual=False)
    assert abs(once.mass - twice.mass) <= 1 and abs(once.conviction - twice.conviction) < ONE
    double = lock_rules.rolled(LockState(2 * COIN, 0, 0), 20_000, RATES, owner=False, perpetual=False)
    assert abs(double.mass - 2 * once.mass) <= 1 and abs(double.conviction - 2 * once.conviction) <= 2 * COIN
    for blocks in (1, 1_000, 934_866, 9_348_660, 934_866_000):
        forever = lock_rules.rolled(LockState(10_000, 0, 0), blocks, RATES, owner=False, perpetual=True)
        assert forever.mass == 10_000 and forever.conviction <= 10_000 << 64
        fading = lock_rules.rolled(LockState(10_000, 0, 0), blocks, RATES, owner=False, perpetual=False)
        assert fading.conviction <= 10_000 << 64
