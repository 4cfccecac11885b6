"""Conviction locks: how they age, what they hold, and that the chain's sums always fit the locks in them."""

from __future__ import annotations

from decimal import Decimal, getcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.sandbox.frame.api import View
from ranvier.sandbox.pallets.subtensor import lock_rules, locks, shares
from ranvier.sandbox.pallets.subtensor.apis import APIS
from ranvier.sandbox.pallets.subtensor.lock_rules import ONE, LockState, Pace
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench, call

MASS = 10**12


@given(st.integers(1, 10**9), st.integers(1, 10**7))
def test_decay_is_the_exponential(blocks: int, rate: int) -> None:
    getcontext().prec = 50
    ratio = min(Decimal(blocks) / rate, Decimal(40))
    bits = lock_rules.decay(blocks, rate)
    assert abs(Decimal(bits) - (-ratio).exp() * ONE) <= 32  # 62 terms are cut off
    assert lock_rules.decay(blocks + rate, rate) <= bits <= ONE


def test_decay_at_its_edges() -> None:
    assert lock_rules.decay(0, 0) == ONE and lock_rules.decay(5, 0) == 0
    assert lock_rules.decay(10**9, 1) == lock_rules.decay(40, 1)


def test_a_lock_decays_and_its_conviction_grows_and_falls() -> None:
    pace, start = Pace(934_866, 311_622), LockState(MASS, 0, 100)
    year = lock_rules.rolled(start, 100 + 934_866, pace, owner=False, perpetual=False)
    assert year.mass == lock_rules.decay(934_866, 934_866) * MASS >> 64 and year.block == 100 + 934_866
    # tau_x (e**-1 - e**-3) / (tau_x - tau_y) of the mass
    share = (Decimal(-1).exp() - Decimal(-3).exp()) * Decimal(934_866) / (934_866 - 311_622)
    assert abs(Decimal(year.conviction) / ONE / MASS - share) < Decimal("1e-9")
    forever = lock_rules.rolled(start, 100 + 311_622, pace, owner=False, perpetual=True)
    assert forever.mass == MASS and abs(Decimal(forever.conviction) / ONE / MASS - (1 - Decimal(-1).exp())) < 1
    assert lock_rules.rolled(start, 101, pace, owner=True, perpetual=True).conviction == MASS << 64
    equal = lock_rules.rolled(start, 200, Pace(100, 100), owner=False, perpetual=False)
    assert abs(Decimal(equal.conviction) / ONE / MASS - Decimal(-1).exp()) < Decimal("1e-9")
    dust = lock_rules.rolled(LockState(99, 0, 1), 2, pace, owner=False, perpetual=True)
    assert (dust.mass, dust.conviction, dust.block) == (0, 0, 2)


@pytest.fixture
def bench() -> Bench:
    bench = Bench(tempo=200)
    bench.blocks(2)
    return bench


def total(bench: Bench, who: Any) -> int:
    return shares.total_of(bench.state, who.public_key, 1)


def asked(bench: Bench, method: str, *arguments: Any) -> Any:
    api = next(one for one in APIS if one.name == "StakeInfoRuntimeApi")
    found = next(one for one in api.methods if one.name == method)
    return found.run(View(bench.state, bench.node.chain.head.number, bench.node.chain.machine), *arguments)


def test_locked_alpha_stays(staked: Any) -> None:
    bench, cold, (first, second, _) = staked
    have = total(bench, cold)
    lock = {"hotkey": first, "netuid": 1}
    assert call(bench, cold, "lock_stake", hotkey=first, netuid=9, amount=1) == "SubnetNotExists"
    assert call(bench, cold, "lock_stake", **lock, amount=0) == "AmountTooLow"
    assert call(bench, cold, "lock_stake", hotkey=b"\x09" * 32, netuid=1, amount=1) == "HotKeyAccountNotExists"
    assert call(bench, cold, "lock_stake", **lock, amount=have + 1) == "InsufficientStakeForLock"
    assert call(bench, cold, "lock_stake", **lock, amount=have // 2) is None
    assert bench.event("StakeLocked")["amount"] == have // 2
    assert call(bench, cold, "lock_stake", hotkey=second, netuid=1, amount=1) == "LockHotkeyMismatch"
    remove = {"hotkey": first, "netuid": 1}
    assert call(bench, cold, "remove_stake", amount_unstaked=have * 3 // 4, **remove) == "StakeUnavailable"
    route = {"origin_netuid": 1, "destination_netuid": 0, "alpha_amount": have * 3 // 4}
    assert call(bench, cold, "swap_stake", hotkey=first, **route) == "StakeUnavailable"
    assert call(bench, cold, "burn_alpha", hotkey=first, amount=have * 3 // 4, netuid=1) == "StakeUnavailable"
    move = {"origin_hotkey": first, "destination_hotkey": second, "origin_netuid": 1, "destination_netuid": 1}
    assert call(bench, cold, "move_stake", **move, alpha_amount=have * 3 // 4) is None, "within the subnet it may move"
    ((_, rows),) = asked(bench, "get_stake_availability_for_coldkeys", [cold.public_key], None)
    ((netuid, row),) = rows
    lock_now = asked(bench, "get_coldkey_lock", cold.public_key, 1)
    assert netuid == 1 and row["locked"] == lock_now["locked_mass"] < have // 2
    assert row["available"] == row["total"] - row["locked"]
    assert lock_now["last_update"] == bench.node.chain.head.number and lock_now["conviction"] > 0
    free = locks.locked_of(bench.state, cold.public_key, 1)
    assert call(bench, cold, "remove_stake", hotkey=second, netuid=1, amount_unstaked=have - free - TAO) is None


def test_a_decaying_lock_goes_and_a_perpetual_one_stays(staked: Any) -> None:
    bench, cold, (first, _, _) = staked
    bench.node.give({Subtensor.UnlockRate.key(): (2).to_bytes(8, "little")})
    bench.node.give({Subtensor.MaturityRate.key(): (2).to_bytes(8, "little")})
    amount = total(bench, cold) // 2
    assert call(bench, cold, "lock_stake", hotkey=first, netuid=1, amount=amount) is None
    assert call(bench, cold, "set_perpetual_lock", netuid=1, enabled=True) is None
    assert bench.event("PerpetualLockUpdated")["enabled"] is True
    held = locks.locked_of(bench.state, cold.public_key, 1)
    assert 0 < held < amount
    bench.blocks(20)
    assert locks.locked_of(bench.state, cold.public_key, 1) == held
    conviction = locks.coldkey_lock(bench.state, cold.public_key, 1)
    assert conviction is not None and abs((conviction.conviction >> 64) - held) <= held // 1000
    assert Subtensor.DecayingHotkeyLock.get(bench.state, 1, first) is None
    assert Subtensor.HotkeyLock.get(bench.state, 1, first)["locked_mass"] == held
    assert call(bench, cold, "set_perpetual_lock", netuid=1, enabled=False) is None
    assert Subtensor.HotkeyLock.get(bench.state, 1, first) is None
    bench.blocks(80)
    assert locks.locked_of(bench.state, cold.public_key, 1) == 0
    assert Subtensor.Lock.exists(bench.state, cold.public_key, 1, first), "kept until the stake is touched"
    remove = {"hotkey": first, "netuid": 1, "amount_unstaked": total(bench, cold)}
    assert call(bench, cold, "remove_stake", **remove) is None
    assert not Subtensor.Lock.exists(bench.state, cold.public_key, 1, first)
    assert not Subtensor.LockingColdkeys.exists(bench.state, 1, first, cold.public_key)
    assert Subtensor.DecayingHotkeyLock.get(bench.state, 1, first) is None


def test_a_lock_moves_and_keeps_conviction_with_its_owner_only(staked: Any) -> None:
    bench, cold, (first, second, _) = staked
    owner = bench.cast.validators[0][0]
    other = bench.keys.signer("second hot").public_key
    assert call(bench, owner, "try_associate_hotkey", hotkey=other) is None
    assert call(bench, cold, "move_lock", destination_hotkey=second, netuid=1) == "NoExistingLock"
    assert call(bench, cold, "lock_stake", hotkey=first, netuid=1, amount=total(bench, cold) // 2) is None
    bench.blocks(5)
    assert call(bench, cold, "move_lock", destination_hotkey=other, netuid=1) is None
    assert bench.event("LockMoved")["origin_hotkey"] == first
    kept = locks.coldkey_lock(bench.state, cold.public_key, 1)
    assert kept is not None and kept.conviction > 0, "both hotkeys are of one owner"
    assert call(bench, cold, "move_lock", destination_hotkey=second, netuid=1) is None
    lost = Subtensor.Lock.get(bench.state, cold.public_key, 1, second)
    assert lost["conviction"] == 0 and lost["locked_mass"] > 0
    assert Subtensor.DecayingHotkeyLock.get(bench.state, 1, first) is None


def test_given_alpha_takes_its_lock_along(staked: Any) -> None:
    bench, cold, (first, _, _) = staked
    friend = bench.keys.signer("friend")
    bench.fund(friend, TAO)
    have = total(bench, cold)
    assert call(bench, cold, "lock_stake", hotkey=first, netuid=1, amount=have // 2) is None
    give = {"destination_coldkey": friend.public_key, "hotkey": first, "origin_netuid": 1, "destination_netuid": 1}
    assert call(bench, cold, "transfer_stake", **give, alpha_amount=have * 3 // 4) == "AccountRejectsLockedAlpha"
    assert call(bench, cold, "transfer_stake", **give, alpha_amount=have // 4) is None, "what is free may go"
    assert locks.locked_of(bench.state, friend.public_key, 1) == 0
    assert call(bench, friend, "set_reject_locked_alpha", enabled=False) is None
    assert call(bench, cold, "transfer_stake", **give, alpha_amount=have // 2) is None
    mine = Subtensor.Lock.get(bench.state, cold.public_key, 1, first)
    theirs = Subtensor.Lock.get(bench.state, friend.public_key, 1, first)
    assert theirs["locked_mass"] in range(have // 4 - have // 10**5, have // 4 + 3)
    assert mine["locked_mass"] + theirs["locked_mass"] <= have // 2
    assert theirs["conviction"] > 0
    assert Subtensor.DecayingHotkeyLock.get(bench.state, 1, first)["locked_mass"] >= mine["locked_mass"]


def test_the_owner_s_cut_is_locked_where_the_subnet_says_so(bench: Bench) -> None:
    cold, hot = bench.cast.owner
    quick = Bench(tempo=3)
    quick.node.give({Subtensor.OwnerCutAutoLockEnabled.key(1): b"\x01"})
    quick.blocks(9)
    found = Subtensor.Lock.get(quick.state, cold.public_key, 1, hot.public_key)
    assert found["locked_mass"] > 0
    assert found["conviction"] == found["locked_mass"] << 64, "the owner's lock has its whole mass as conviction"
    assert Subtensor.DecayingOwnerLock.get(quick.state, 1)["locked_mass"] >= found["locked_mass"]


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["lock", "move", "perpetual", "wait", "give"]), st.integers(1, 99)),
    min_size=3,
    max_size=12,
)


@settings(max_examples=10, deadline=None)
@given(STEPS)
def test_the_sums_fit_the_locks(steps: list[tuple[int, str, int]]) -> None:
    bench = Bench(tempo=200)
    people = bench.cast.validators
    hotkeys = [hot.public_key for _, hot in people]
    for cold, _ in people:
        call(bench, cold, "set_reject_locked_alpha", enabled=False)
    for who, step, part in steps:
        cold, amount = people[who][0], total(bench, people[who][0]) * part // 100
        if step == "lock":
            call(bench, cold, "lock_stake", hotkey=hotkeys[part % 3], netuid=1, amount=amount)
        elif step == "move":
            call(bench, cold, "move_lock", destination_hotkey=hotkeys[part % 3], netuid=1)
        elif step == "perpetual":
            call(bench, cold, "set_perpetual_lock", netuid=1, enabled=bool(part % 2))
        elif step == "give":
            route = {"hotkey": hotkeys[who], "origin_netuid": 1, "destination_netuid": 1, "alpha_amount": amount}
            call(bench, cold, "transfer_stake", destination_coldkey=people[part % 3][0].public_key, **route)
        else:
            bench.blocks(part % 7)
    now, pace = locks.now(bench.state), locks.pace(bench.state)
    for hotkey in hotkeys:
        for perpetual in (True, False):
            bucket = locks.Bucket(1, hotkey, False, perpetual)
            kept = bucket.get(bench.state)
            mine = [
                bucket.age(lock, now, pace)
                for cold, _ in people
                if (lock := locks.read(Subtensor.Lock, bench.state, cold.public_key, 1, hotkey)) is not None
                and locks.is_perpetual(bench.state, cold.public_key, 1) is perpetual
            ]
            whole = 0 if kept is None else bucket.age(kept, now, pace).mass
            assert abs(whole - sum(lock.mass for lock in mine)) <= 4 * (len(steps) + 1)
    for cold, _ in people:
        assert locks.locked_of(bench.state, cold.public_key, 1) <= total(bench, cold)
