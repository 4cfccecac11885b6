"""Keys that change hands: a coldkey by announcement, a hotkey everywhere or in one subnet, and the delegate's take."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.pallets.balances import free_balance
from ranvier.sandbox.pallets.subtensor import collateral, locks, shares
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench, call

COST = 100_000_000


def started(rules: int = 425) -> Bench:
    bench = Bench(tempo=400, rules=rules)
    bench.blocks(2)
    return bench


@pytest.fixture
def bench() -> Bench:
    """Announcements come due after 4 blocks, and may be renewed or cleared 3 blocks later."""
    bench = started()
    delays = {Subtensor.ColdkeySwapAnnouncementDelay: 4, Subtensor.ColdkeySwapReannouncementDelay: 3}
    bench.node.give({item.key(): value.to_bytes(4, "little") for item, value in delays.items()})
    bench.blocks()
    return bench


def batched(bench: Bench, who: Any, name: str, **arguments: Any) -> str | None:
    """In a batch, so that the pool does not look at it."""
    return bench.run(who, "Utility", "batch_all", calls=[("SubtensorModule", (name, arguments))])


def held(bench: Bench, hotkey: bytes, who: Any, netuid: int = 1) -> int:
    return shares.stake_of(bench.state, hotkey, who.public_key, netuid)


def made(bench: Bench) -> range:
    """TAO that the newest block made: its emission, but for a rao or two of rounding."""
    emission: int = Subtensor.BlockEmission.get(bench.state)
    return range(emission - 2, emission + 1)


def test_a_coldkey_waits_and_then_gives_all_it_has(bench: Bench) -> None:
    (cold, hot), new = bench.cast.validators[0], bench.keys.signer("new coldkey")
    miner, other = bench.cast.competitors[0], bench.cast.competitors[1][1]
    assert call(bench, cold, "add_stake", hotkey=hot.public_key, netuid=1, amount_staked=10 * TAO) is None
    assert call(bench, cold, "add_stake", hotkey=hot.public_key, netuid=0, amount_staked=10 * TAO) is None
    assert call(bench, cold, "set_coldkey_auto_stake_hotkey", netuid=1, hotkey=other.public_key) is None
    assert call(bench, cold, "lock_stake", hotkey=hot.public_key, netuid=1, amount=TAO) is None
    assert call(bench, cold, "set_perpetual_lock", netuid=1, enabled=True) is None
    add = {"netuid": 1, "hotkey": hot.public_key, "alpha": TAO, "limit_price": 10**12}
    assert call(bench, cold, "add_collateral", **add) is None
    have = held(bench, hot.public_key, cold), held(bench, hot.public_key, cold, 0)
    hash_ = blake2_256(new.public_key)
    assert call(bench, cold, "swap_coldkey_announced", new_coldkey=new.public_key) == "ColdkeySwapAnnouncementNotFound"
    free, issued = free_balance(bench.state, cold.public_key), Subtensor.TotalIssuance.get(bench.state)
    assert call(bench, cold, "announce_coldkey_swap", new_coldkey_hash=hash_) is None
    spent = free - free_balance(bench.state, cold.public_key) - bench.event("TransactionFeePaid")["actual_fee"]
    assert spent == COST
    assert Subtensor.TotalIssuance.get(bench.state) - (issued - COST) in made(bench), "the price is recycled"
    when = bench.node.chain.head.number + 4
    assert Subtensor.ColdkeySwapAnnouncements.get(bench.state, cold.public_key) == (when, hash_)
    remove = {"hotkey": hot.public_key, "netuid": 1, "amount_unstaked": TAO}
    assert call(bench, cold, "remove_stake", **remove) == "1010 Custom error: 0"
    pay = {"dest": ("Id", new.public_key), "value": TAO}
    assert bench.run(cold, "Balances", "transfer_keep_alive", **pay) == "1010 Custom error: 0"
    assert call(bench, cold, "swap_coldkey_announced", new_coldkey=new.public_key) == "ColdkeySwapTooEarly"
    wrong = call(bench, cold, "swap_coldkey_announced", new_coldkey=miner[0].public_key)
    assert wrong == "AnnouncedColdkeyHashDoesNotMatch"
    again = call(bench, cold, "announce_coldkey_swap", new_coldkey_hash=hash_)
    assert again == "ColdkeySwapReannouncedTooEarly"
    bench.blocks(max(when - bench.node.chain.head.number, 0))
    free = free_balance(bench.state, cold.public_key)
    locked = locks.locked_of(bench.state, cold.public_key, 1)
    assert call(bench, cold, "swap_coldkey_announced", new_coldkey=new.public_key) is None
    assert bench.event("ColdkeySwapped") == {"old_coldkey": cold.public_key, "new_coldkey": new.public_key}
    fee = bench.event("TransactionFeePaid")["actual_fee"]
    assert (free_balance(bench.state, cold.public_key), free_balance(bench.state, new.public_key)) == (0, free - fee)
    assert held(bench, hot.public_key, new) in range(have[0] - 2, have[0] + 1)
    assert (held(bench, hot.public_key, cold), held(bench, hot.public_key, new, 0)) == (0, have[1])
    assert Subtensor.Owner.get(bench.state, hot.public_key) == new.public_key
    assert Subtensor.OwnedHotkeys.get(bench.state, new.public_key) == [hot.public_key]
    assert not Subtensor.OwnedHotkeys.exists(bench.state, cold.public_key)
    assert not Subtensor.StakingHotkeys.exists(bench.state, cold.public_key)
    assert Subtensor.AutoStakeDestination.get(bench.state, new.public_key, 1) == other.public_key
    assert Subtensor.AutoStakeDestinationColdkeys.get(bench.state, other.public_key, 1) == [new.public_key]
    assert locks.locked_of(bench.state, new.public_key, 1) == locked > 0
    assert locks.is_perpetual(bench.state, new.public_key, 1)
    assert locks.rejects_locked(bench.state, new.public_key), "the flags are the old coldkey's"
    assert collateral.locked(bench.state, 1, hot.public_key, new.public_key) == TAO
    assert Subtensor.ColdkeyMinerCollateral.get(bench.state, 1, cold.public_key) == 0
    assert not Subtensor.ColdkeySwapAnnouncements.exists(bench.state, cold.public_key)


def test_a_coldkey_is_not_swapped_onto_one_in_use(bench: Bench) -> None:
    taken = bench.cast.validators[0][0]
    for target, error in ((taken, "ColdKeyAlreadyAssociated"), (bench.cast.competitors[2][1], "NewColdKeyIsHotkey")):
        fresh = bench.keys.signer("fresh", error)
        bench.fund(fresh)
        hash_ = blake2_256(target.public_key)
        assert call(bench, fresh, "announce_coldkey_swap", new_coldkey_hash=hash_) is None
        bench.blocks(4)
        assert call(bench, fresh, "swap_coldkey_announced", new_coldkey=target.public_key) == error
        assert Subtensor.ColdkeySwapAnnouncements.exists(bench.state, fresh.public_key), "a failed call changes nothing"


def test_an_announcement_is_cleared_or_disputed(bench: Bench) -> None:
    cold = bench.cast.competitors[0][0]
    poor = bench.keys.signer("poor")
    bench.fund(poor, COST)
    hash_ = {"new_coldkey_hash": b"\x07" * 32}
    assert call(bench, poor, "announce_coldkey_swap", **hash_) == "NotEnoughBalanceToPaySwapColdKey"
    for name in ("dispute_coldkey_swap", "clear_coldkey_swap_announcement"):
        assert call(bench, cold, name) == "ColdkeySwapAnnouncementNotFound"
    assert call(bench, cold, "announce_coldkey_swap", **hash_) is None
    assert call(bench, cold, "clear_coldkey_swap_announcement") == "ColdkeySwapClearTooEarly"
    bench.blocks(6)
    free = free_balance(bench.state, cold.public_key)
    assert call(bench, cold, "announce_coldkey_swap", **hash_) is None, "again, and without a price"
    assert free - free_balance(bench.state, cold.public_key) < COST
    bench.blocks(7)
    assert call(bench, cold, "clear_coldkey_swap_announcement") is None
    assert bench.event("ColdkeySwapCleared") == {"who": cold.public_key}
    pay = {"dest": ("Id", poor.public_key), "value": 1000}
    assert bench.run(cold, "Balances", "transfer_keep_alive", **pay) is None
    assert call(bench, cold, "announce_coldkey_swap", **hash_) is None
    assert batched(bench, cold, "try_associate_hotkey", hotkey=b"\x05" * 32) == "1010 Custom error: 0"
    assert call(bench, cold, "dispute_coldkey_swap") is None
    assert Subtensor.ColdkeySwapDisputes.get(bench.state, cold.public_key) == bench.node.chain.head.number
    for name in ("dispute_coldkey_swap", "clear_coldkey_swap_announcement"):
        assert call(bench, cold, name) == "1010 Custom error: 21"


def test_a_hotkey_swap_of_425(bench: Bench) -> None:
    cold, hot = bench.cast.competitors[0]
    new, third = bench.keys.signer("new hot").public_key, bench.keys.signer("third hot").public_key
    old = hot.public_key
    assert call(bench, cold, "add_stake", hotkey=old, netuid=1, amount_staked=10 * TAO) is None
    assert call(bench, cold, "lock_stake", hotkey=old, netuid=1, amount=TAO) is None
    have, uid = held(bench, old, cold), Subtensor.Uids.get(bench.state, 1, old)
    swap = {"hotkey": old, "new_hotkey": new, "netuid": 1}
    taken = bench.cast.competitors[1][1].public_key
    assert call(bench, cold, "swap_hotkey", **{**swap, "netuid": 9}) == "SubnetNotExists"
    assert call(bench, cold, "swap_hotkey", **{**swap, "new_hotkey": taken}) == "NonAssociatedColdKey"
    assert call(bench, cold, "swap_hotkey", **{**swap, "new_hotkey": old}) == "NewHotKeyIsSameWithOld"
    assert call(bench, cold, "swap_hotkey_v2", **swap, keep_stake=True) is None
    assert bench.event("HotkeySwappedOnSubnet")["new_hotkey"] == new
    assert (Subtensor.Uids.get(bench.state, 1, new), Subtensor.Uids.get(bench.state, 1, old)) == (uid, None)
    assert held(bench, old, cold) == have and held(bench, new, cold) == 0, "the stake stays, the seat goes"
    assert Subtensor.Lock.exists(bench.state, cold.public_key, 1, new), "a lock follows the seat"
    assert Subtensor.DecayingHotkeyLock.get(bench.state, 1, old) is None
    assert set(Subtensor.OwnedHotkeys.get(bench.state, cold.public_key)) == {old, new}
    again = {"hotkey": new, "new_hotkey": third, "netuid": 1}
    assert call(bench, cold, "swap_hotkey", **again) == "HotKeySwapOnSubnetIntervalNotPassed"
    everywhere = {**again, "netuid": None}
    assert call(bench, cold, "swap_hotkey", **everywhere) == "HotKeySwapOnSubnetIntervalNotPassed"
    bench.node.give({Subtensor.LastHotkeySwapOnNetuid.key(1, cold.public_key): None})
    bench.blocks()
    free, issued = free_balance(bench.state, cold.public_key), Subtensor.TotalIssuance.get(bench.state)
    assert call(bench, cold, "swap_hotkey", **everywhere) is None
    fee = bench.event("TransactionFeePaid")["actual_fee"]
    assert free - free_balance(bench.state, cold.public_key) == COST + fee
    assert Subtensor.TotalIssuance.get(bench.state) - (issued - COST) in made(bench)
    assert not Subtensor.Owner.exists(bench.state, new) and Subtensor.Owner.get(bench.state, third) == cold.public_key
    assert Subtensor.OwnedHotkeys.get(bench.state, cold.public_key) == [old, third]
    assert Subtensor.IsNetworkMember.get(bench.state, third, 1) and not Subtensor.IsNetworkMember.get(
        bench.state, new, 1
    )


def test_stake_moves_with_a_hotkey_and_root_must_be_clean(bench: Bench) -> None:
    (cold, hot), friend = bench.cast.competitors[0], bench.keys.signer("friend")
    bench.fund(friend)
    new = bench.keys.signer("new hot").public_key
    for who in (cold, friend):
        for netuid in (0, 1):
            stake = {"hotkey": hot.public_key, "netuid": netuid, "amount_staked": 10 * TAO}
            assert call(bench, who, "add_stake", **stake) is None
    assert call(bench, cold, "try_associate_hotkey", hotkey=new) is None
    assert call(bench, friend, "add_stake", hotkey=new, netuid=0, amount_staked=TAO) is None
    swap = {"hotkey": hot.public_key, "new_hotkey": new, "netuid": None}
    assert call(bench, cold, "swap_hotkey", **swap) == "NewHotKeyNotCleanForRootSwap"
    assert call(bench, friend, "unstake_all", hotkey=new) is None
    have = {(who, n): held(bench, hot.public_key, who, n) for who in (cold, friend) for n in (0, 1)}
    assert call(bench, cold, "swap_hotkey", **swap) is None
    for (who, netuid), amount in have.items():
        assert held(bench, new, who, netuid) in range(amount - 2, amount + 1)
        assert held(bench, hot.public_key, who, netuid) == 0
        assert hot.public_key not in Subtensor.StakingHotkeys.get(bench.state, who.public_key)


def test_a_hotkey_swap_of_343_has_one_limit_for_a_coldkey() -> None:
    bench = started(343)
    cold, hot = bench.cast.competitors[0]
    new, third = bench.keys.signer("new hot").public_key, bench.keys.signer("third hot").public_key
    assert call(bench, cold, "add_stake", hotkey=hot.public_key, netuid=1, amount_staked=10 * TAO) is None
    have = held(bench, hot.public_key, cold)
    on_subnet = {"hotkey": hot.public_key, "new_hotkey": new, "netuid": 1}
    early = call(bench, cold, "swap_hotkey", **on_subnet)
    assert early == "HotKeySwapOnSubnetIntervalNotPassed", "counted from block 0 on, even for the first one"
    assert call(bench, cold, "swap_hotkey", **{**on_subnet, "netuid": None}) is None
    assert held(bench, new, cold) == have and Subtensor.Uids.get(bench.state, 1, new) == 3
    assert Subtensor.LastTxBlock.get(bench.state, cold.public_key) == bench.node.chain.head.number
    again = {"hotkey": new, "new_hotkey": third, "netuid": None}
    assert call(bench, cold, "swap_hotkey", **again) == "HotKeySetTxRateLimitExceeded"
    bench.node.give({Subtensor.TxRateLimit.key(): (0).to_bytes(8, "little")})
    bench.blocks()
    assert call(bench, cold, "swap_hotkey", **again) is None


def test_a_take_is_raised_slowly(bench: Bench) -> None:
    cold, hot = bench.cast.validators[0]
    key = {"hotkey": hot.public_key}
    assert call(bench, cold, "decrease_take", hotkey=b"\x02" * 32, take=5) == "1010 Custom error: 4"
    assert call(bench, bench.cast.validators[1][0], "decrease_take", **key, take=5) == "1010 Custom error: 25"
    assert call(bench, cold, "increase_take", **key, take=20_000) == "1010 Custom error: 27"
    assert call(bench, cold, "increase_take", **key, take=6_000) is None, "a take that was never set has no before"
    assert call(bench, cold, "increase_take", **key, take=7_000) == "DelegateTxRateLimitExceeded"
    assert call(bench, cold, "decrease_take", **key, take=6_000) == "DelegateTakeTooLow"
    assert call(bench, cold, "decrease_take", **key, take=5_000) is None
    assert Subtensor.Delegates.get(bench.state, hot.public_key) == 5_000
    bench.node.give({Subtensor.TxDelegateTakeRateLimit.key(): (1).to_bytes(8, "little")})
    bench.blocks(3)
    assert call(bench, cold, "increase_take", **key, take=7_000) is None


def test_a_destination_follows_and_is_listed_once(bench: Bench) -> None:
    cold = bench.cast.competitors[0][0]
    first, second = (hot.public_key for _, hot in bench.cast.competitors[1:3])
    assert call(bench, cold, "set_coldkey_auto_stake_hotkey", netuid=9, hotkey=first) == "SubnetNotExists"
    stranger = bench.keys.signer("stranger").public_key
    refused = call(bench, cold, "set_coldkey_auto_stake_hotkey", netuid=1, hotkey=stranger)
    assert refused == "HotKeyNotRegisteredInSubNet"
    for hotkey in (first, second, first):
        assert call(bench, cold, "set_coldkey_auto_stake_hotkey", netuid=1, hotkey=hotkey) is None
    assert Subtensor.AutoStakeDestinationColdkeys.get(bench.state, first, 1) == [cold.public_key]
    assert Subtensor.AutoStakeDestinationColdkeys.get(bench.state, second, 1) == []
