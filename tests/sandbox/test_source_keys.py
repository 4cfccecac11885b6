"""The chain's own tests of keys that are replaced (swap_coldkey.rs, swap_hotkey_with_subnet.rs), through our pallet."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import ROOT_ORIGIN
from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import (
    coldkeys,
    collateral,
    hotkeys,
    locks,
    neurons,
    root_claims,
    shares,
    staking,
)
from ranvier.sandbox.pallets.subtensor import events as told
from ranvier.sandbox.pallets.subtensor.lock_rules import LockState
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox import test_source_staking
from sandbox.test_source_staking import COIN, COLD, NEW, OWNER, refusal

DEPOSIT = 500
COST = coldkeys.SWAP_COST_RAO
MIN = 2_000_000
HOTS = [bytes([number]) * 32 for number in (0xE1, 0xE2, 0xE3)]
OLD, OTHER, FRESH = (bytes([number]) * 32 for number in (0xA1, 0xA2, 0xA3))
NAMES = ("name", "url", "github_repo", "image", "discord", "description", "additional")


def market(rules: int = 425) -> Context:
    """With an issuance, of which the price of a swap is taken."""
    context = test_source_staking.market(rules)
    Subtensor.TotalIssuance.put(context.state, value=10**16)
    return context


def two_subnets() -> Context:
    context = market()
    state = context.state
    for netuid in (1, 2):
        for item in (Subtensor.NetworksAdded, Subtensor.SubtokenEnabled):
            item.put(state, netuid, value=True)
        Subtensor.SubnetMechanism.put(state, netuid, value=1)
        for item in (Subtensor.SubnetTAO, Subtensor.SubnetAlphaIn):
            item.put(state, netuid, value=600 * MIN)
        Subtensor.SubnetOwner.put(state, netuid, value=OLD)
    return context


def staked(context: Context) -> dict[tuple[bytes, int], int]:
    """OLD owns three hotkeys and stakes 10, 20 and 30 times the least on them."""
    balances.mint(context, OLD, 60 * MIN + COST + DEPOSIT)
    places = list(zip(HOTS, (1, 2, 1), (10, 20, 30), strict=True))
    for hotkey, netuid, times in places:
        neurons.create_account_if_new(context, OLD, hotkey)
        staking.add(context, OLD, hotkey, netuid, times * MIN)
    return {(hotkey, netuid): shares.stake_of(context.state, hotkey, OLD, netuid) for hotkey, netuid, _ in places}


def announce(context: Context, who: bytes, new: bytes) -> str | None:
    return refusal(context, coldkeys.announce_coldkey_swap, who, blake2_256(new))


def test_an_announcement_costs_all_but_the_deposit_and_only_once() -> None:
    context = market()
    assert announce(context, OLD, NEW) == "NotEnoughBalanceToPaySwapColdKey"
    balances.mint(context, OLD, COST + DEPOSIT - 1)
    assert announce(context, OLD, NEW) == "NotEnoughBalanceToPaySwapColdKey", "the deposit stays"
    balances.mint(context, OLD, 1)
    assert announce(context, OLD, NEW) is None
    assert balances.free_balance(context.state, OLD) == DEPOSIT
    when, hash_ = Subtensor.ColdkeySwapAnnouncements.get(context.state, OLD)
    wait = Subtensor.ColdkeySwapAnnouncementDelay.get(context.state)
    assert (when, hash_) == (5 + wait, blake2_256(NEW))
    assert announce(context, OLD, FRESH) == "ColdkeySwapReannouncedTooEarly"
    context.block = when + Subtensor.ColdkeySwapReannouncementDelay.get(context.state)
    assert announce(context, OLD, FRESH) is None
    assert Subtensor.ColdkeySwapAnnouncements.get(context.state, OLD) == (context.block + wait, blake2_256(FRESH))
    assert balances.free_balance(context.state, OLD) == DEPOSIT


def test_an_announced_swap_is_due_at_its_block_and_for_its_hash_only() -> None:
    context = market()
    Subtensor.ColdkeySwapAnnouncements.put(context.state, OLD, value=(10, blake2_256(NEW)))
    swap = coldkeys.swap_coldkey_announced
    assert refusal(context, swap, OTHER, NEW) == "ColdkeySwapAnnouncementNotFound"
    assert refusal(context, swap, OLD, FRESH) == "AnnouncedColdkeyHashDoesNotMatch"
    context.block = 9
    assert refusal(context, swap, OLD, NEW) == "ColdkeySwapTooEarly"
    context.block = 10
    assert refusal(context, swap, OLD, NEW) is None
    assert not Subtensor.ColdkeySwapAnnouncements.exists(context.state, OLD)


@pytest.mark.parametrize("by_root", [True, False])
def test_everything_of_a_coldkey_goes_to_the_new_one(by_root: bool) -> None:
    context = two_subnets()
    state = context.state
    held = staked(context)
    for netuid, hotkey, listed in ((1, HOTS[0], [OLD, OTHER, COLD]), (2, HOTS[1], [OTHER, COLD, OLD])):
        Subtensor.AutoStakeDestination.put(state, OLD, netuid, value=hotkey)
        Subtensor.AutoStakeDestinationColdkeys.put(state, hotkey, netuid, value=listed)
    identity = dict.fromkeys(NAMES, b"x")
    Subtensor.IdentitiesV2.put(state, OLD, value=identity)
    total = Subtensor.TotalStake.get(state)
    Subtensor.ColdkeySwapAnnouncements.put(state, OLD, value=(1, blake2_256(NEW)))
    if by_root:
        Subtensor.ColdkeySwapDisputes.put(state, OLD, value=1)
        assert refusal(context, coldkeys.swap_coldkey, OLD, OLD, NEW, COST) == "BadOrigin"
        assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, NEW, COST) is None
    else:
        assert refusal(context, coldkeys.swap_coldkey_announced, OLD, NEW) is None
    assert told.COLDKEY_SWAPPED.encode({"old_coldkey": OLD, "new_coldkey": NEW}) in context.events[-1]
    assert not Subtensor.ColdkeySwapAnnouncements.exists(state, OLD)
    assert not Subtensor.ColdkeySwapDisputes.exists(state, OLD)
    left = DEPOSIT if by_root else DEPOSIT + COST
    assert (balances.free_balance(state, OLD), balances.free_balance(state, NEW)) == (0, left)
    assert Subtensor.IdentitiesV2.get(state, OLD) is None and Subtensor.IdentitiesV2.get(state, NEW) == identity
    for (hotkey, netuid), alpha in held.items():
        assert shares.stake_of(state, hotkey, NEW, netuid) == alpha > 0
        assert shares.stake_of(state, hotkey, OLD, netuid) == 0
        assert Subtensor.Owner.get(state, hotkey) == NEW
    for netuid, hotkey in ((1, HOTS[0]), (2, HOTS[1])):
        assert Subtensor.SubnetOwner.get(state, netuid) == NEW
        assert Subtensor.AutoStakeDestination.get(state, OLD, netuid) is None
        assert Subtensor.AutoStakeDestination.get(state, NEW, netuid) == hotkey
        assert Subtensor.AutoStakeDestinationColdkeys.get(state, hotkey, netuid) == [OTHER, COLD, NEW]
    assert Subtensor.OwnedHotkeys.get(state, NEW) == HOTS == sorted(Subtensor.StakingHotkeys.get(state, NEW))
    assert not Subtensor.OwnedHotkeys.get(state, OLD) and not Subtensor.StakingHotkeys.get(state, OLD)
    assert Subtensor.TotalStake.get(state) == total


def test_a_new_coldkey_keeps_its_own_identity() -> None:
    context = market()
    for who in (OLD, NEW):
        Subtensor.IdentitiesV2.put(context.state, who, value={**dict.fromkeys(NAMES, b""), "name": who})
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, NEW, 0) is None
    assert [Subtensor.IdentitiesV2.get(context.state, who)["name"] for who in (OLD, NEW)] == [OLD, NEW]


def test_root_s_swap_leaves_the_deposit_too() -> None:
    context = market()
    balances.mint(context, OLD, COST + DEPOSIT - 1)
    swap = ROOT_ORIGIN, OLD, NEW, COST
    assert refusal(context, coldkeys.swap_coldkey, *swap) == "NotEnoughBalanceToPaySwapColdKey"
    neurons.create_account_if_new(context, NEW, FRESH)
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, NEW, 0) == "ColdKeyAlreadyAssociated"
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, FRESH, 0) == "NewColdKeyIsHotkey"


def test_a_dispute_ends_by_root_alone() -> None:
    context = market()
    balances.mint(context, OLD, COST + DEPOSIT)
    assert refusal(context, coldkeys.dispute_coldkey_swap, OLD) == "ColdkeySwapAnnouncementNotFound"
    assert announce(context, OLD, NEW) is None
    assert refusal(context, coldkeys.dispute_coldkey_swap, OLD) is None
    assert Subtensor.ColdkeySwapDisputes.get(context.state, OLD) == 5
    assert refusal(context, coldkeys.dispute_coldkey_swap, OLD) == "ColdkeySwapAlreadyDisputed"
    assert refusal(context, coldkeys.reset_coldkey_swap, OLD, OLD) == "BadOrigin"
    assert refusal(context, coldkeys.reset_coldkey_swap, ROOT_ORIGIN, OLD) is None
    assert told.COLDKEY_SWAP_RESET.encode({"who": OLD}) in context.events[-1]
    for item in (Subtensor.ColdkeySwapAnnouncements, Subtensor.ColdkeySwapDisputes):
        assert not item.exists(context.state, OLD)


def test_an_announcement_is_cleared_one_delay_after_it_was_due() -> None:
    context = market()
    delay = Subtensor.ColdkeySwapReannouncementDelay.get(context.state)
    Subtensor.ColdkeySwapAnnouncements.put(context.state, OLD, value=(10, blake2_256(NEW)))
    context.block = 10 + delay - 1
    assert refusal(context, coldkeys.clear_coldkey_swap_announcement, OLD) == "ColdkeySwapClearTooEarly"
    context.block += 1
    assert refusal(context, coldkeys.clear_coldkey_swap_announcement, OLD) is None


def bond(context: Context, hotkey: bytes, coldkey: bytes, locked: int, **fields: Any) -> None:
    row = {"locked": locked, "drain_ratio": 1 << 64, "min_locked": 0, "earned": 7, **fields}
    collateral.put_row(context.state, 1, hotkey, coldkey, row)


def test_a_failed_swap_leaves_stake_and_collateral_where_they_were() -> None:
    context = two_subnets()
    state = context.state
    alpha = staked(context)[HOTS[0], 1]
    bond(context, HOTS[0], OLD, alpha // 2)
    locks.put_lock(state, NEW, 1, FRESH, LockState(1000, 0, 0))
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, NEW, 0) == "ActiveLockExists"
    assert shares.stake_of(state, HOTS[0], OLD, 1) == alpha and shares.stake_of(state, HOTS[0], NEW, 1) == 0
    assert Subtensor.ColdkeyMinerCollateral.get(state, 1, OLD) == alpha // 2
    assert Subtensor.MinerCollateral.get(state, 1, HOTS[0], NEW) is None
    locks.remove_lock(state, NEW, 1, FRESH)
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, NEW, 0) is None
    moved = Subtensor.MinerCollateral.get(state, 1, HOTS[0], NEW)
    assert (moved["locked"], moved["drain_ratio"], moved["earned"]) == (alpha // 2, 1 << 64, 7)
    assert Subtensor.ColdkeyMinerCollateral.get(state, 1, NEW) == alpha // 2
    assert Subtensor.ColdkeyMinerCollateral.get(state, 1, OLD) == 0


def test_collateral_without_its_hotkey_stops_the_swap() -> None:
    context = market()
    Subtensor.ColdkeyMinerCollateral.put(context.state, 1, OLD, value=25 * COIN)
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, NEW, 0) == "ColdkeyCollateralIncomplete"


def test_collateral_that_meets_other_is_added_and_released_the_slower_way() -> None:
    context = market()
    bond(context, HOTS[0], OLD, 40, drain_ratio=1 << 63, min_locked=2, earned=5)
    bond(context, HOTS[0], NEW, 10, drain_ratio=1 << 62, min_locked=3, earned=8)
    collateral.move_coldkey(context.state, 1, OLD, NEW)
    row = Subtensor.MinerCollateral.get(context.state, 1, HOTS[0], NEW)
    assert row == {"locked": 50, "drain_ratio": 1 << 62, "min_locked": 5, "earned": 13}
    assert Subtensor.MinerCollateral.get(context.state, 1, HOTS[0], OLD) is None
    sums = [Subtensor.ColdkeyMinerCollateral.get(context.state, 1, who) for who in (OLD, NEW)]
    assert sums == [0, 50]


def rooted(rules: int) -> Context:
    """COLD has 2 TAO on root with OLD's hotkey, and has claimed one alpha, all that it was owed, as stake."""
    context = market(rules)
    state = context.state
    balances.mint(context, OLD, 100 * COIN)
    neurons.create_account_if_new(context, OLD, HOTS[0])
    shares.add_stake(state, HOTS[0], COLD, 0, 2 * COIN)
    root_claims.credit(state, HOTS[0], 1, COIN)
    Subtensor.RootClaimType.put(state, COLD, value=("Keep", ()))
    root_claims.claim(context, COLD, [1])
    assert Subtensor.RootClaimed.get(state, 1, HOTS[0], COLD) == COIN
    context.block = 100_000
    return context


def claims(context: Context, hotkey: bytes) -> tuple[dict[int, int], int]:
    state = context.state
    return dict(Subtensor.RootClaimable.get(state, hotkey)), Subtensor.RootClaimed.get(state, 1, hotkey, COLD)


@pytest.mark.parametrize(("netuid", "moves"), [(1, False), (0, True), (None, True)])
def test_root_s_rates_and_claims_follow_where_root_is_swapped(netuid: int | None, moves: bool) -> None:
    context = rooted(425)
    had = claims(context, HOTS[0])
    assert had == ({1: 1 << 31}, COIN)
    assert refusal(context, hotkeys.swap_hotkey, OLD, HOTS[0], FRESH, netuid) is None
    old, new = (({}, 0), had) if moves else (had, ({}, 0))
    assert (claims(context, HOTS[0]), claims(context, FRESH)) == (old, new)
    holder = FRESH if moves else HOTS[0]
    assert shares.stake_of(context.state, holder, COLD, 0) == 2 * COIN
    assert root_claims.owed_bits(context.state, holder, COLD, 1) == 0, "nothing is owed twice"


@pytest.mark.parametrize("netuid", [1, None])
def test_at_343_rates_follow_any_swap_and_claims_the_stake_of_their_subnet(netuid: int | None) -> None:
    context = rooted(343)
    had = claims(context, HOTS[0])
    assert refusal(context, hotkeys.swap_hotkey, OLD, HOTS[0], FRESH, netuid) is None
    assert (claims(context, HOTS[0]), claims(context, FRESH)) == (({}, 0), had)


@pytest.mark.parametrize("rate", [True, False])
def test_a_hotkey_with_a_life_on_root_takes_over_no_other(rate: bool) -> None:
    context = rooted(425)
    neurons.create_account_if_new(context, OLD, FRESH)
    if rate:
        Subtensor.RootClaimable.put(context.state, FRESH, value=[(1, 5)])
    else:
        shares.add_stake(context.state, FRESH, OTHER, 0, 1_000_000)
    for netuid in (None, 0):
        assert refusal(context, hotkeys.swap_hotkey, OLD, HOTS[0], FRESH, netuid) == "NewHotKeyNotCleanForRootSwap"
    assert refusal(context, hotkeys.swap_hotkey, OLD, HOTS[0], FRESH, 1) is None


@pytest.mark.parametrize("also_alpha", [True, False])
def test_claims_follow_a_coldkey_where_it_holds_the_subnet_s_alpha(also_alpha: bool) -> None:
    """The chain's rule, fault included: with root stake alone the new coldkey is owed the past again."""
    context = rooted(425)
    state = context.state
    if not also_alpha:
        shares.take_stake(state, HOTS[0], COLD, 1, shares.stake_of(state, HOTS[0], COLD, 1))
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, COLD, NEW, 0) is None
    assert shares.stake_of(state, HOTS[0], NEW, 0) == 2 * COIN
    assert Subtensor.RootClaimed.get(state, 1, HOTS[0], NEW) == (COIN if also_alpha else 0)
    assert Subtensor.RootClaimed.get(state, 1, HOTS[0], COLD) == (0 if also_alpha else COIN)
    assert Subtensor.StakingColdkeys.get(state, NEW) is not None


def test_others_that_wait_for_a_swapped_child_wait_for_the_new_one() -> None:
    context = market()
    balances.mint(context, OLD, 100 * COIN)
    for hotkey in HOTS[:2]:
        neurons.create_account_if_new(context, OLD, hotkey)
    Subtensor.PendingChildKeys.put(context.state, 1, HOTS[1], value=([(3, HOTS[0]), (4, OTHER)], 77))
    assert refusal(context, hotkeys.swap_hotkey, OLD, HOTS[0], FRESH, 1) is None
    assert Subtensor.PendingChildKeys.get(context.state, 1, HOTS[1]) == ([(4, OTHER), (3, FRESH)], 77)


def test_half_of_all_tao_changes_its_coldkey() -> None:
    context = market()
    state, most = context.state, (21 * 10**15 - 2 * DEPOSIT - 100) // 2
    shares.add_stake(state, HOTS[0], OLD, 1, most)
    Subtensor.Owner.put(state, HOTS[0], value=OWNER)
    assert refusal(context, coldkeys.swap_coldkey, ROOT_ORIGIN, OLD, NEW, 0) is None
    assert (shares.stake_of(state, HOTS[0], NEW, 1), shares.stake_of(state, HOTS[0], OLD, 1)) == (most, 0)
