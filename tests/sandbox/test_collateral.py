"""Miner collateral: what a registration locks, what work releases and captures, and that nothing else gets it out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.sandbox.frame.state import Overlay
from ranvier.sandbox.pallets.balances import free_balance
from ranvier.sandbox.pallets.subtensor import collateral, shares, swaps
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench, call

HALF = 32_768
ONE = 1 << 64


@pytest.fixture
def bench() -> Bench:
    """A subnet that locks half of the price."""
    bench = Bench(tempo=5)
    bench.blocks(2)
    bench.node.give({Subtensor.CollateralLockShare.key(1): HALF.to_bytes(2, "little")})
    bench.blocks()
    return bench


def pair(bench: Bench, name: str) -> tuple[Any, Any]:
    cold, hot = bench.keys.signer(name, "coldkey"), bench.keys.signer(name, "hotkey")
    bench.fund(cold)
    return cold, hot


def row(bench: Bench, cold: Any, hot: Any) -> Any:
    return Subtensor.MinerCollateral.get(bench.state, 1, hot.public_key, cold.public_key)


def test_a_registration_locks_its_share(bench: Bench) -> None:
    cold, hot = pair(bench, "miner")
    free = free_balance(bench.state, cold.public_key)
    recycled = Subtensor.RAORecycledForRegistration.get(bench.state, 1)
    assert call(bench, cold, "burned_register", netuid=1, hotkey=hot.public_key) is None
    paid = free - free_balance(bench.state, cold.public_key) - bench.event("TransactionFeePaid")["actual_fee"]
    burned = Subtensor.RAORecycledForRegistration.get(bench.state, 1) - recycled
    locked_tao = paid - burned
    assert locked_tao == paid * ((HALF << 64) // 65_535) >> 64
    _, hotkey, tao, alpha, netuid, fee = bench.event("StakeAdded")
    assert (hotkey, tao, netuid) == (hot.public_key, locked_tao, 1) and fee == paid * 33 // 65_535
    found = row(bench, cold, hot)
    assert found == {"locked": alpha, "drain_ratio": ONE, "min_locked": 0, "earned": 0}
    assert bench.event("CollateralLocked") == {
        "netuid": 1, "hotkey": hot.public_key, "locked": alpha, "total_locked": alpha,
    }  # fmt: skip
    assert Subtensor.ColdkeyMinerCollateral.get(bench.state, 1, cold.public_key) == alpha
    assert Subtensor.ColdkeyCollateralHotkeys.get(bench.state, 1, cold.public_key) == [hot.public_key]
    held = shares.stake_of(bench.state, hot.public_key, cold.public_key, 1)
    assert held in (alpha - 1, alpha)
    assert call(bench, cold, "remove_stake", hotkey=hot.public_key, netuid=1, amount_unstaked=held) == (
        "StakeUnavailable"
    )
    give = {"hotkey": hot.public_key, "origin_netuid": 1, "destination_netuid": 1, "alpha_amount": held}
    to = bench.keys.signer("friend").public_key
    assert call(bench, cold, "transfer_stake", destination_coldkey=to, **give) == "StakeUnavailable"
    first = bench.cast.validators[0][1].public_key
    move = {"origin_hotkey": hot.public_key, "destination_hotkey": first}
    route = {"origin_netuid": 1, "destination_netuid": 1, "alpha_amount": held}
    assert call(bench, cold, "move_stake", **move, **route) == "StakeUnavailable", "not even to another hotkey"


def test_standing_collateral_counts_at_the_moving_price(bench: Bench) -> None:
    cold, hot = pair(bench, "miner")
    overlay = Overlay(bench.state)
    keys = 1, hot.public_key, cold.public_key
    price = 10 * TAO
    required = price * ((HALF << 64) // 65_535) >> 64
    assert collateral.split(overlay, *keys, price) == (price - required, required)
    Subtensor.SubnetMovingPrice.put(overlay, 1, value=1 << 31)  # a half
    collateral.credit(overlay, *keys, 4 * TAO, renew=False)
    assert collateral.split(overlay, *keys, price) == (price - required, required - 2 * TAO)
    collateral.credit(overlay, *keys, 400 * TAO, renew=False)
    assert collateral.split(overlay, *keys, price) == (price - required, 0)
    Subtensor.CollateralLockShare.put(overlay, 1, value=0)
    assert collateral.split(overlay, *keys, price) == (price, 0)


def test_the_swap_stops_above_the_spot_price_and_gives_back(bench: Bench) -> None:
    cold, hot = pair(bench, "miner")
    price = 900 * TAO  # far more than moves the price by 5 %
    bench.node.give(
        {key: price.to_bytes(8, "little") for key in (Subtensor.Burn.key(1), Subtensor.MinBurn.key(1))}
        | {Subtensor.MaxBurn.key(1): (10**15).to_bytes(8, "little")}
    )
    bench.blocks()
    free, before = free_balance(bench.state, cold.public_key), swaps.price_rao(bench.state, 1)
    assert call(bench, cold, "burned_register", netuid=1, hotkey=hot.public_key) is None
    paid = free - free_balance(bench.state, cold.public_key) - bench.event("TransactionFeePaid")["actual_fee"]
    assert 0 < paid < price
    assert swaps.price_rao(bench.state, 1) <= before * 105 // 100 + 100  # a block's injection moved it a little
    assert 2 * row(bench, cold, hot)["locked"] < paid * TAO // before


def test_more_is_taken_from_free_stake_first(bench: Bench) -> None:
    cold, hot = pair(bench, "miner")
    assert call(bench, cold, "burned_register", netuid=1, hotkey=hot.public_key) is None
    first = row(bench, cold, hot)["locked"]
    add = {"netuid": 1, "hotkey": hot.public_key, "limit_price": swaps.price_rao(bench.state, 1) * 2}
    assert call(bench, cold, "add_collateral", **{**add, "netuid": 0}, alpha=1) == (
        "RegistrationNotPermittedOnRootSubnet"
    )
    assert call(bench, cold, "add_collateral", **{**add, "netuid": 7}, alpha=1) == "SubnetNotExists"
    assert call(bench, cold, "add_collateral", **{**add, "hotkey": b"\x01" * 32}, alpha=1) == "HotKeyAccountNotExists"
    stranger = bench.cast.competitors[0][0]
    assert call(bench, stranger, "add_collateral", **add, alpha=1) == "NonAssociatedColdKey"
    assert call(bench, cold, "add_collateral", **add, alpha=0) == "AmountTooLow"
    stake = {"hotkey": hot.public_key, "netuid": 1, "amount_staked": 10 * TAO}
    assert call(bench, cold, "add_stake", **stake) is None
    free = free_balance(bench.state, cold.public_key)
    assert call(bench, cold, "add_collateral", **add, alpha=TAO) is None
    assert free - free_balance(bench.state, cold.public_key) == bench.event("TransactionFeePaid")["actual_fee"]
    assert row(bench, cold, hot)["locked"] == first + TAO
    over = shares.stake_of(bench.state, hot.public_key, cold.public_key, 1) - first - TAO
    tight = {**add, "limit_price": swaps.price_rao(bench.state, 1) // 2}
    assert call(bench, cold, "add_collateral", **tight, alpha=over + 5 * TAO) == "PriceLimitExceeded"
    assert row(bench, cold, hot)["locked"] == first + TAO, "all of it or nothing"
    assert call(bench, cold, "add_collateral", **add, alpha=over + 5 * TAO) is None
    bought = bench.event("StakeAdded")[3]
    assert bench.event("CollateralLocked")["locked"] == over + bought
    assert row(bench, cold, hot)["locked"] == first + TAO + over + bought


def test_pay_fills_the_floor_and_then_releases(bench: Bench) -> None:
    cold, hot = bench.cast.competitors[0]
    keys = {"netuid": 1, "hotkey": hot.public_key}
    assert call(bench, cold, "set_min_collateral", **keys, min_locked=0) is None
    assert row(bench, cold, hot) is None, "no floor and nothing locked is no row"
    assert call(bench, cold, "set_min_collateral", **keys, min_locked=TAO // 10) is None
    assert bench.event("MinCollateralSet")["min_locked"] == TAO // 10
    other = bench.cast.competitors[1][1].public_key
    assert call(bench, cold, "set_coldkey_auto_stake_hotkey", netuid=1, hotkey=other) is None
    values = {"netuid": 1, "dests": [3], "weights": [1], "version_key": 0}
    assert call(bench, bench.cast.validators[0][1], "set_weights", **values) is None
    while bench.event("IncentiveAlphaEmittedToMiners") is None:
        bench.blocks()
    while not (pay := (bench.event("IncentiveAlphaEmittedToMiners") or {"emissions": [0] * 4})["emissions"][3]):
        bench.blocks()
    found = row(bench, cold, hot)
    assert found["locked"] == TAO // 10 and found["earned"] == pay
    assert shares.stake_of(bench.state, hot.public_key, cold.public_key, 1) in (TAO // 10 - 1, TAO // 10)
    assert bench.event("AutoStakeAdded")["incentive"] == pay - TAO // 10, "only the rest goes to the destination"
    assert call(bench, cold, "set_min_collateral", **keys, min_locked=0) is None
    while row(bench, cold, hot) is not None:
        bench.blocks()
        assert bench.node.chain.head.number < 60
    assert Subtensor.ColdkeyMinerCollateral.get(bench.state, 1, cold.public_key) == 0
    assert Subtensor.ColdkeyCollateralHotkeys.get(bench.state, 1, cold.public_key) == []


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**15),
    st.integers(0, 10**15),
    st.integers(0, 10**13),
    st.integers(0, 10 * ONE),
    st.integers(0, 100),
)
def test_a_payout_settles_towards_the_floor(held: int, floor: int, pay: int, ratio: int, part: int) -> None:
    overlay = Overlay(_BENCH.state)
    hot, cold = b"\x21" * 32, b"\x22" * 32
    capturable = pay * part // 100
    if held or floor:
        start = {"locked": held, "drain_ratio": ratio, "min_locked": floor, "earned": 5}
        collateral.put_row(overlay, 1, hot, cold, start)
    captured = collateral.settle(overlay, 1, hot, cold, pay, capturable)
    after = Subtensor.MinerCollateral.get(overlay, 1, hot, cold) or {"locked": 0, "min_locked": 0, "earned": 0}
    assert 0 <= captured <= capturable
    assert Subtensor.ColdkeyMinerCollateral.get(overlay, 1, cold) == after["locked"]
    if (held or floor) and pay and held < floor:
        assert captured == min(capturable, floor - held) and after["locked"] == held + captured
    elif pay:
        assert captured == 0 and after["locked"] == held - min(max(held - floor, 0), pay * ratio >> 64)
    if after["locked"] or after["min_locked"]:
        assert after["earned"] == 5 + pay


_BENCH = Bench(tempo=200)


def test_a_swap_carries_collateral_and_refuses_to_leave_it(bench: Bench) -> None:
    cold, hot = pair(bench, "miner")
    assert call(bench, cold, "burned_register", netuid=1, hotkey=hot.public_key) is None
    before = row(bench, cold, hot)
    new = bench.keys.signer("miner", "new hotkey")
    swap = {"hotkey": hot.public_key, "new_hotkey": new.public_key, "netuid": 1}
    assert call(bench, cold, "swap_hotkey_v2", **swap, keep_stake=True) == "KeepStakeBlockedByCollateral"
    assert call(bench, cold, "swap_hotkey_v2", **swap, keep_stake=False) is None
    assert row(bench, cold, hot) is None and row(bench, cold, new) == before
    assert Subtensor.ColdkeyMinerCollateral.get(bench.state, 1, cold.public_key) == before["locked"]
    assert Subtensor.ColdkeyCollateralHotkeys.get(bench.state, 1, cold.public_key) == [new.public_key]


def test_a_coldkey_has_at_most_32_places_of_collateral(bench: Bench) -> None:
    overlay = Overlay(bench.state)
    cold = b"\x33" * 32
    for place in range(32):
        collateral.credit(overlay, 1, bytes((place,)) * 32, cold, 5, renew=False)
    with pytest.raises(Exception, match="ColdkeyCollateralPositionsFull"):
        collateral.credit(overlay, 1, b"\x77" * 32, cold, 5, renew=False)
    collateral.credit(overlay, 1, b"\x01" * 32, cold, 5, renew=False)
    assert Subtensor.ColdkeyMinerCollateral.get(overlay, 1, cold) == 165


def test_lost_seats_leave_collateral_where_it_is(bench: Bench) -> None:
    cold, hot = pair(bench, "miner")
    assert call(bench, cold, "burned_register", netuid=1, hotkey=hot.public_key) is None
    before = row(bench, cold, hot)
    full = {Subtensor.MaxAllowedUids.key(1): b"\x09\x00", Subtensor.MinNonImmuneUids.key(1): b"\x00\x00"}
    bench.node.give(full | {Subtensor.ImmunityPeriod.key(1): b"\x01\x00"})
    emission = [9] * 8 + [0]
    bench.node.give({Subtensor.Emission.key(1): Subtensor.Emission.value.encode(emission)})
    bench.blocks(2)
    rival, rival_hot = pair(bench, "rival")
    assert call(bench, rival, "burned_register", netuid=1, hotkey=rival_hot.public_key) is None
    assert Subtensor.Uids.get(bench.state, 1, hot.public_key) is None
    assert row(bench, cold, hot) == before
