"""Numbers of the chain's own unit tests of the swap pallet (pallets/swap), through ours."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import product

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.maths.fixed64 import ONE64
from ranvier.sandbox.maths.pool_weighted import ACCURACY, Weighted
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import staking, swaps
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor

COIN = 10**9
AUTHOR, COLD, HOT = b"\x07" * 32, b"\x02" * 32, b"\x01" * 32


def market(rules: int, tao: int, alpha: int) -> Context:
    context = Context(Overlay(Store(1)), 5, AUTHOR, 0)
    state = context.state
    Own.Rules.put(state, value=rules)
    for item in (Subtensor.NetworksAdded, Subtensor.SubtokenEnabled):
        item.put(state, 1, value=True)
    Subtensor.SubnetMechanism.put(state, 1, value=1)
    Subtensor.SubnetTAO.put(state, 1, value=tao)
    Subtensor.SubnetAlphaIn.put(state, 1, value=alpha)
    Subtensor.SubnetAlphaOut.put(state, 1, value=alpha)
    Subtensor.TotalStake.put(state, value=tao)
    Subtensor.Owner.put(state, HOT, value=COLD)
    for who in (AUTHOR, COLD):
        balances.mint(context, who, 10**6 * COIN)
    return context


@pytest.mark.parametrize("rules", [343, 425])
@pytest.mark.parametrize("amount", [1_000, 2_000, 123_456, 10**9, 10**10])
@pytest.mark.parametrize("buying", [True, False])
def test_swaps_follow_the_product(rules: int, amount: int, buying: bool) -> None:
    """One TAO and four alpha in the pool: a price of 0.25."""
    context = market(rules, COIN, 4 * COIN)
    state = context.state
    before = swaps.price_bits(state, 1)
    fee = amount * 33 // 65_535
    if not buying and rules == 425 and fee == 1:
        with pytest.raises(DispatchFailure, match="ReservesTooLow"):
            swaps.sell(context, 1, amount)  # the author's one rao of alpha is not one of TAO
        return
    swap = (swaps.buy if buying else swaps.sell)(context, 1, amount)
    reserve_in, reserve_out = (COIN, 4 * COIN) if buying else (4 * COIN, COIN)
    want = reserve_out - reserve_out * reserve_in // (reserve_in + amount - fee)
    # The square root of 343's price is good to 10**-12.
    assert abs(swap.amount_out - want) <= (1 if rules == 425 else 2)
    assert abs(swap.fee - fee) <= 1
    assert swap.amount_in == amount
    assert (swaps.price_bits(state, 1) > before) == buying


WEIGHTS = (500_000_000, 500_000_010, 499_999_990, 100_000_000, 900_000_000)  # of TAO, in 10**-9
POOLS = ((1_500, 1_000), (1, 1_000_000), (1_000_000, 1))
DELTAS = (1, 10_000, 1_000_000, (1 << 64) - 1)


@pytest.mark.parametrize(("pool", "weight", "delta"), [*product(POOLS, WEIGHTS, DELTAS)])
def test_weighted_swaps_are_the_formula_s(pool: tuple[int, int], weight: int, delta: int) -> None:
    tao, alpha = pool
    weighted = Weighted(tao, alpha, weight * (ACCURACY // 10**9))
    with localcontext() as exact:
        exact.prec = 60
        quote, base = Decimal(weight), Decimal(10**9 - weight)
        sold = tao * (1 - (Decimal(alpha) / (alpha + delta)) ** (base / quote))
        bought = alpha * (1 - (Decimal(tao) / (tao + delta)) ** (quote / base))
    assert abs(weighted.sold(delta) - int(sold)) <= 2
    assert abs(weighted.bought(delta) - int(bought)) <= 2


def test_a_pool_of_little_pays_for_much() -> None:
    context = market(425, 10**6, 10**6)
    swap = swaps.quote_sell(context.state, 1, 999_500_000)
    assert swap.amount_out > 0 and swap.amount_in == 999_500_000


def failing(context: Context, limit_price: int, partial: bool, tao: int = 100 * COIN) -> str | None:
    """What ``add_stake_limit`` says."""
    try:
        with context.attempt():
            staking.add_limited(context, COLD, HOT, 1, tao, limit_price, partial)
    except DispatchFailure as failure:
        return failure.name
    return None


@pytest.mark.parametrize("rules", [343, 425])
def test_a_limit_is_met_to_the_rao(rules: int) -> None:
    """The pool takes what reaches the limit and its fee on top, nothing of the payment is lost."""
    context = market(rules, 10_000 * COIN, 100_000 * COIN)
    state, limit = context.state, COIN // 10 * 101 // 100
    most = swaps.most_tao_below(state, 1, limit)
    free, staked = balances.free_balance(state, COLD), Subtensor.TotalStake.get(state)
    assert failing(context, limit, False) == "SlippageTooHigh"
    assert failing(context, limit, True) is None
    assert free - balances.free_balance(state, COLD) == most == Subtensor.TotalStake.get(state) - staked
    wanted = (limit << 64) // COIN
    assert abs(swaps.price_bits(state, 1) - wanted) < ONE64 // 10**9
    assert failing(context, limit // 2, True) == "PriceLimitExceeded"
    assert failing(context, limit // 2, False) == "PriceLimitExceeded"


@pytest.mark.parametrize("rules", [343, 425])
def test_what_is_too_little_or_too_much(rules: int) -> None:
    context = market(rules, 10_000 * COIN, 100_000 * COIN)
    assert failing(context, COIN, False, tao=2_000_000) == "AmountTooLow"
    assert failing(context, COIN, False, tao=2_000_000 + 1_008) is None
    beyond = 10_000_100 * COIN
    assert failing(context, 10**15, False, tao=beyond) == (
        "InsufficientLiquidity" if rules == 425 else "NotEnoughBalanceToStake"
    )
    Subtensor.SubnetAlphaIn.put(context.state, 1, value=999_999)
    assert failing(context, 10**15, False) == "ReservesTooLow"


@pytest.mark.parametrize(("rules", "partial", "name"), [
    (343, False, "ZeroMaxStakeAmount"),
    (343, True, "ZeroMaxStakeAmount"),
    (425, False, "SlippageTooHigh"),
    (425, True, "AmountTooLow"),
])  # fmt: skip
def test_root_has_one_price(rules: int, partial: bool, name: str) -> None:
    context = market(rules, COIN, COIN)
    Subtensor.NetworksAdded.put(context.state, 0, value=True)
    with pytest.raises(DispatchFailure) as raised:
        staking.add_limited(context, COLD, HOT, 0, COIN, COIN - 1, partial)
    assert raised.value.name == name
    staking.add_limited(context, COLD, HOT, 0, COIN, COIN, partial)
    assert Subtensor.TotalHotkeyAlpha.get(context.state, HOT, 0) == COIN


@pytest.mark.parametrize(("rules", "name"), [(343, "SubtokenDisabled"), (425, "SubnetNotExists")])
def test_a_subnet_that_is_not_there(rules: int, name: str) -> None:
    context = market(rules, COIN, COIN)
    with pytest.raises(DispatchFailure) as raised:
        staking.add(context, COLD, HOT, 7, COIN)
    assert raised.value.name == name
    with pytest.raises(DispatchFailure) as raised:
        staking.remove(context, COLD, HOT, 7, COIN)
    assert raised.value.name == "SubtokenDisabled"
    with pytest.raises(DispatchFailure) as raised:
        staking.remove_limited(context, COLD, HOT, 7, COIN, COIN, False)
    assert raised.value.name == "SubnetNotExists"
