"""What the chain's own unit tests and sources say of positions and keys (staking.rs, auto_stake_hotkey.rs)."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import Call, DispatchFailure
from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import info, neurons, shares, stakes, staking, swaps
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor

COIN = 10**9
AUTHOR, OWNER, COLD, HOT, NEW = (bytes([number]) * 32 for number in (7, 8, 2, 1, 3))


def market(rules: int = 425) -> Context:
    """A subnet at a price of 0.1, a hotkey of OWNER's on it, and COLD who stakes."""
    context = Context(Overlay(Store(1)), 5, AUTHOR, 0)
    state = context.state
    Own.Rules.put(state, value=rules)
    for netuid in (0, 1):
        for item in (Subtensor.NetworksAdded, Subtensor.SubtokenEnabled):
            item.put(state, netuid, value=True)
    Subtensor.SubnetMechanism.put(state, 1, value=1)
    Subtensor.SubnetTAO.put(state, 1, value=10_000 * COIN)
    Subtensor.SubnetAlphaIn.put(state, 1, value=100_000 * COIN)
    Subtensor.TotalStake.put(state, value=10_000 * COIN)
    for who in (AUTHOR, COLD):
        balances.mint(context, who, 10**6 * COIN)
    neurons.create_account_if_new(context, OWNER, HOT)
    return context


def refusal(context: Context, call: Call, *arguments: Any) -> str | None:
    try:
        with context.attempt():
            call.run(context, *arguments)
    except DispatchFailure as failure:
        return failure.name
    return None


def test_a_new_hotkey_is_one_that_its_owner_stakes_on() -> None:
    context = market()
    assert Subtensor.OwnedHotkeys.get(context.state, OWNER) == [HOT]
    assert Subtensor.StakingHotkeys.get(context.state, OWNER) == [HOT]
    neurons.create_account_if_new(context, OWNER, HOT)
    assert Subtensor.StakingHotkeys.get(context.state, OWNER) == [HOT]
    with pytest.raises(DispatchFailure, match="NonAssociatedColdKey"):
        neurons.create_account_if_new(context, COLD, HOT)


def test_root_stake_counts_by_a_weight_of_32_bits() -> None:
    """0.18 as a u64 proportion: the weight's last 32 bits are gone before it meets the stake."""
    context, tao = market(), 3_000_000_000_123
    state = context.state
    Subtensor.TaoWeight.put(state, value=3_320_413_933_267_719_290)
    shares.add_stake(state, HOT, COLD, 0, tao)
    shares.add_stake(state, HOT, COLD, 1, 7)
    weight = 3_320_413_933_267_719_290 * 2**32 // (2**64 - 1)
    assert stakes.stake_weight_bits(state, 1, HOT) == (7 << 32) + tao * weight
    assert stakes.stake_weight(state, 1, HOT) == 7 + (tao * weight >> 32)
    assert stakes.stake_weight(state, 1, HOT) < 7 + tao * 3_320_413_933_267_719_290 // (2**64 - 1)
    columns = info.scores(state, 1, [HOT])
    assert (columns["alpha_stake"], columns["tao_stake"]) == ([7], [tao])
    assert columns["total_stake"] == [7 + (tao * weight >> 32)]


@pytest.mark.parametrize("rules", [343, 425])
def test_what_425_no_longer_computes_is_empty(rules: int) -> None:
    columns = info.scores(market(rules).state, 1, [HOT])
    assert columns["rank"] == columns["trust"] == columns["pruning_score"] == ([0] if rules == 343 else [])


def test_auto_stake_destinations() -> None:
    context, call = market(), staking.set_coldkey_auto_stake_hotkey
    state = context.state
    assert refusal(context, call, COLD, 999, HOT) == "SubnetNotExists"
    assert refusal(context, call, COLD, 1, HOT) == "HotKeyNotRegisteredInSubNet"
    Subtensor.Uids.put(state, 1, HOT, value=1)
    Subtensor.Uids.put(state, 1, NEW, value=2)
    assert Subtensor.AutoStakeDestination.get(state, COLD, 1) is None
    assert refusal(context, call, COLD, 1, HOT) is None
    assert Subtensor.AutoStakeDestination.get(state, COLD, 1) == HOT
    assert refusal(context, call, COLD, 1, HOT) == "SameAutoStakeHotkeyAlreadySet"
    assert Subtensor.AutoStakeDestinationColdkeys.get(state, HOT, 1) == [COLD]
    assert refusal(context, call, COLD, 1, NEW) is None
    assert Subtensor.AutoStakeDestinationColdkeys.get(state, HOT, 1) == []
    assert Subtensor.AutoStakeDestinationColdkeys.get(state, NEW, 1) == [COLD]


@pytest.mark.parametrize("rules", [343, 425])
def test_a_sale_s_event_names_what_left_or_what_was_sold(rules: int) -> None:
    context = market(rules)
    staking.add(context, COLD, HOT, 1, 100 * COIN)
    before, seen = shares.stake_of(context.state, HOT, COLD, 1), len(context.events)
    staking.remove(context, COLD, HOT, 1, 10 * COIN)
    fee = swaps.fee_of(context.state, 1, 10 * COIN)
    assert before - shares.stake_of(context.state, HOT, COLD, 1) in (10 * COIN, 10 * COIN - 1)
    told = (10 * COIN - (fee if rules == 425 else 0)).to_bytes(8, "little") + (1).to_bytes(2, "little")
    assert any(told + fee.to_bytes(8, "little") in event for event in context.events[seen:])


@pytest.mark.parametrize("rules", [343, 425])
def test_a_small_rest_of_a_nomination_is_sold_too(rules: int) -> None:
    """``clear_small_nomination_if_required``: below the least in TAO, and never of the hotkey's own coldkey."""
    context = market(rules)
    state = context.state
    balances.mint(context, OWNER, 10**3 * COIN)
    Subtensor.NominatorMinRequiredStake.put(state, value=COIN)
    for who in (COLD, OWNER):
        staking.add(context, who, HOT, 1, 10 * COIN)
        held = shares.stake_of(state, HOT, who, 1)
        staking.remove(context, who, HOT, 1, held - 5 * COIN)
    assert shares.stake_of(state, HOT, COLD, 1) == 0, "half a TAO was left"
    assert shares.stake_of(state, HOT, OWNER, 1) in (5 * COIN, 5 * COIN - 1)
    staking.add(context, COLD, HOT, 1, 10 * COIN)
    held = shares.stake_of(state, HOT, COLD, 1)
    staking.remove(context, COLD, HOT, 1, held - 50 * COIN)
    assert shares.stake_of(state, HOT, COLD, 1) in (50 * COIN, 50 * COIN - 1), "five TAO are enough"


def test_a_limited_stake_on_another_s_hotkey_makes_it_a_delegate() -> None:
    context = market()
    assert not Subtensor.Delegates.exists(context.state, HOT)
    staking.add(context, COLD, HOT, 1, COIN)
    assert not Subtensor.Delegates.exists(context.state, HOT)
    staking.add_limited(context, COLD, HOT, 1, COIN, COIN, False)
    assert Subtensor.Delegates.exists(context.state, HOT)
    assert Subtensor.Delegates.get(context.state, HOT) == 11_796
