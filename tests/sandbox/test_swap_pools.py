"""The pools of 343 and 425: their arithmetic, where fees go, limits, injections, and one becoming the other."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import isqrt

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.maths import fixed64
from ranvier.sandbox.maths.pool_range import Range, root_of_limit
from ranvier.sandbox.maths.pool_weighted import ACCURACY, HALF, Weighted, fee_of
from ranvier.sandbox.maths.powers import pow_ratio_scaled
from ranvier.sandbox.pallets.balances import free_balance
from ranvier.sandbox.pallets.subtensor import swaps
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor
from ranvier.sandbox.pallets.subtensor.swaps import SwapStorage

COIN = 10**9
AUTHOR = b"\x01" * 32
weights = st.integers(ACCURACY // 100, ACCURACY * 99 // 100)
reserves = st.integers(10**9, 10**16)


def exact_power(top: int, bottom: int, exponent: int, divisor: int) -> Decimal:
    with localcontext() as context:
        context.prec = 80
        return (Decimal(top) / Decimal(bottom)) ** (Decimal(exponent) / Decimal(divisor))


def test_powers_have_the_documented_example() -> None:
    assert pow_ratio_scaled(2, 3, 1, 2, 0, 1000) == 816
    assert pow_ratio_scaled(0, 3, 1, 2, 0, 1000) == 0
    assert pow_ratio_scaled(2, 0, 1, 2, 0, 1000) is None
    assert pow_ratio_scaled(2, 3, 0, 2, 0, 1000) == 1000


@given(reserves, reserves, st.integers(ACCURACY * 2 // 5, ACCURACY * 3 // 5))
@settings(max_examples=60)
def test_powers_by_series_are_right_to_the_last_digit(top: int, more: int, weight: int) -> None:
    """18 digits, cut off; where the exact value is a hair from a whole number either side may come out.

    (For a power near 0 the library's own series of exp loses digits; ours loses the same.)
    """
    more = more % (8 * top)
    got = pow_ratio_scaled(top, top + more, weight, ACCURACY - weight, 256, ACCURACY)
    exact = exact_power(top, top + more, weight, ACCURACY - weight) * ACCURACY
    assert got is not None
    assert abs(Decimal(got) - exact) <= 1


def test_a_series_that_takes_the_long_way() -> None:
    """An exponent of more than 32 bits; the value from 80 decimal digits."""
    weight = 499_999_999_999_987_499
    got = pow_ratio_scaled(10**13, 10**13 + 10**12, weight, ACCURACY - weight, 256, ACCURACY)
    assert got == int(exact_power(10**13, 10**13 + 10**12, weight, ACCURACY - weight) * ACCURACY)


@pytest.mark.parametrize("value", [4.0, 2.0, 0.1, 1e-6, 21e6])
def test_square_roots_are_within_their_epsilon(value: float) -> None:
    bits = int(value * 2**64)
    root = fixed64.sqrt64(bits, 18_446_744)
    assert abs(root - isqrt(bits << 64)) <= 18_446_744


def test_logarithm_and_exponential_of_32_bits() -> None:
    one = 1 << 32
    assert fixed64.ln32(one) == 0 and fixed64.exp32(0) == one
    assert fixed64.ln32(0) is None and fixed64.exp32(40 * one) is None
    assert fixed64.ln32(4 * one) == (2 << 64) // (12_102_203 << 9)
    assert fixed64.ln32(one // 4) == -((2 << 64) // (12_102_203 << 9))
    # e itself is a constant with 23 fractional bits; just beside it the series is summed.
    assert fixed64.exp32(one) == 22_802_600 << 9
    assert abs((fixed64.exp32(one + 1) or 0) / one - 2.718281828) < 1e-6
    assert abs((fixed64.exp32(-one) or 0) / one - 0.367879441) < 1e-6


@given(reserves, reserves, weights, st.integers(1, 10**15))
@settings(max_examples=60)
def test_a_weighted_swap_never_beats_the_invariant(tao: int, alpha: int, quote: int, amount: int) -> None:
    """dx = x (1 - (y / (y + dy)) ** (w2 / w1)), with 18 digits of the power."""
    pool = Weighted(tao, alpha, quote)
    rest = exact_power(tao, tao + amount, quote, ACCURACY - quote)
    exact = Decimal(alpha) * (1 - rest)
    got = Decimal(pool.bought(amount))
    assert 0 <= got <= alpha
    slack = Decimal(2 * alpha) / ACCURACY + 1
    assert exact - slack <= got <= exact + slack


@given(reserves, reserves, weights, st.integers(0, 10**10), st.integers(0, 10**10))
@settings(max_examples=100)
def test_weights_follow_what_is_added_so_that_the_price_stays(
    tao: int, alpha: int, quote: int, more_tao: int, more_alpha: int
) -> None:
    before = Weighted(tao, alpha, quote)
    weight = before.with_liquidity(more_tao, more_alpha)
    assume(weight is not None)
    assert weight is not None
    after = Weighted(tao + more_tao, alpha + more_alpha, weight)
    assert abs(after.price() - before.price()) <= before.price() // 10**6 + 10**6


def test_weights_stay_in_their_bounds() -> None:
    assert Weighted(10**9, 10**9).with_liquidity(10**12, 0) is None
    assert Weighted(0, 0).with_liquidity(0, 0) == HALF


def test_equal_weights_are_the_constant_product() -> None:
    pool = Weighted(10_000 * COIN, 100_000 * COIN)
    assert pool.price() == (1 << 64) // 10
    assert pool.bought(1_000 * COIN) == 9_090_909_090_909
    assert pool.sold(1_000 * COIN) == 99_009_900_990
    # To four times the price: the square root of it times the reserve.
    assert pool.tao_to_reach(4 * pool.price()) == 10_000 * COIN
    assert pool.alpha_to_reach(pool.price() // 4) in (100_000 * COIN, 100_000 * COIN + 1)


def test_a_range_begins_at_the_price_of_its_reserves() -> None:
    pool = Range.of(10_000 * COIN, 40_000 * COIN)
    assert pool.sqrt_price >> 63 == 1 and pool.liquidity == 20_000 * COIN
    assert pool.price() == 1 << 30
    # dy = L (root' - root): from 0.5 to 1 costs half the liquidity.
    # (The bisection stops at 10**-12 of the root: some ten rao of 10,000 coins.)
    assert abs(pool.tao_to_reach(root_of_limit(COIN)) - 10_000 * COIN) <= 20
    assert abs(pool.root_after_buying(10_000 * COIN) - (1 << 64)) <= 18_446_744
    assert abs(pool.bought(10_000 * COIN) - 20_000 * COIN) <= 60
    assert abs(pool.sold(40_000 * COIN) - 5_000 * COIN) <= 20
    assert abs(pool.root_after_selling(40_000 * COIN) - (1 << 62)) <= 18_446_744
    assert abs(pool.alpha_to_reach(1 << 62) - 40_000 * COIN) <= 60


def test_fees_and_injections_join_the_position_at_its_price() -> None:
    pool = Range.of(10_000 * COIN, 40_000 * COIN).with_fee(tao=COIN)
    assert pool.fees_tao == (COIN << 64 << 64) // ((20_000 * COIN - 1000) << 64)
    grown = pool.with_liquidity(COIN, 2 * COIN)
    # One TAO, and one of fees: 2 alpha at a price of 0.25 need half a TAO; the rest waits in the reservoir.
    claimed = pool.position * pool.fees_tao >> 64
    assert (grown.scrap_tao, grown.scrap_alpha) == (COIN + claimed - COIN // 2, 0)
    assert grown.claimed_tao == pool.fees_tao
    # The ends of the range are not 0 and infinity: 2.3 * 10**-10 of the liquidity is missing on either side.
    assert -6_000 < grown.liquidity - pool.liquidity - COIN <= 0
    # What waits is used as soon as there is alpha for it.
    assert grown.with_liquidity(0, 8 * COIN).scrap_tao == 0


def market(rules: int, tao: int = 10_000 * COIN, alpha: int = 100_000 * COIN) -> Context:
    context = Context(Overlay(Store(1)), 5, AUTHOR, 0)
    Own.Rules.put(context.state, value=rules)
    Subtensor.SubnetMechanism.put(context.state, 1, value=1)
    Subtensor.SubnetTAO.put(context.state, 1, value=tao)
    Subtensor.SubnetAlphaIn.put(context.state, 1, value=alpha)
    Subtensor.SubnetAlphaOut.put(context.state, 1, value=alpha)
    Subtensor.TotalStake.put(context.state, value=tao)
    return context


def test_at_425_the_fee_goes_to_the_author() -> None:
    context = market(425)
    state = context.state
    fee = fee_of(1_000 * COIN, 33)
    assert fee == 503_547_722
    swap = swaps.buy(context, 1, 1_000 * COIN)
    assert (swap.amount_in, swap.fee) == (1_000 * COIN, fee)
    assert Subtensor.SubnetTAO.get(state, 1) == 11_000 * COIN - fee
    assert Subtensor.TotalStake.get(state) == 11_000 * COIN, "which counts the fee too"
    assert free_balance(state, AUTHOR) == fee
    # An alpha fee is sold, free of a further fee, for the author.
    alpha_in, out = Subtensor.SubnetAlphaIn.get(state, 1), Subtensor.SubnetAlphaOut.get(state, 1)
    swaps.sell(context, 1, 1_000 * COIN)
    assert Subtensor.SubnetAlphaIn.get(state, 1) == alpha_in + 1_000 * COIN
    assert Subtensor.SubnetAlphaOut.get(state, 1) == out - 1_000 * COIN
    assert free_balance(state, AUTHOR) > fee
    assert SwapStorage.PalSwapInitialized.get(state, 1) and not SwapStorage.SwapV3Initialized.get(state, 1)


def test_at_343_the_fee_waits_in_the_pool() -> None:
    context = market(343)
    state = context.state
    swap = swaps.buy(context, 1, 1_000 * COIN)
    assert Subtensor.SubnetTAO.get(state, 1) == 11_000 * COIN - swap.fee
    assert Subtensor.TotalStake.get(state) == 11_000 * COIN
    assert free_balance(state, AUTHOR) == 0
    assert SwapStorage.FeeGlobalTao.get(state, 1) > 0
    assert SwapStorage.CurrentLiquidity.get(state, 1) == isqrt(10**13 * 10**14)
    before = swaps.price_bits(state, 1)
    assert swaps.inject(state, 1, COIN, 9 * COIN) == (COIN, 9 * COIN)
    assert swaps.price_bits(state, 1) == before
    assert SwapStorage.CurrentLiquidity.get(state, 1) > isqrt(10**13 * 10**14)


@pytest.mark.parametrize("rules", [343, 425])
def test_a_limit_is_reached_and_not_passed(rules: int) -> None:
    context = market(rules)
    state = context.state
    start = swaps.price_rao(state, 1)
    assert abs(start - COIN // 10) <= 1
    limit = start * 11 // 10
    most = swaps.most_tao_below(state, 1, limit)
    swaps.buy(context, 1, most)
    assert limit - limit // 10**7 <= swaps.price_rao(state, 1) <= limit + 1
    with pytest.raises(DispatchFailure, match="PriceLimitExceeded"):
        swaps.most_tao_below(state, 1, start)
    back = swaps.most_alpha_above(state, 1, start)
    swaps.sell(context, 1, back)
    # At 425 the sale of the author's fee goes a little beyond.
    assert start - start // 1000 <= swaps.price_rao(state, 1) <= start + start // 10**6


def test_an_input_of_a_thousand_reserves_is_refused_at_425() -> None:
    context = market(425)
    fee = 1 + 10_000_000 * COIN * 33 // (65_535 - 33)
    with pytest.raises(Exception, match="InsufficientLiquidity"):
        swaps.quote_buy(context.state, 1, 10_000_000 * COIN + fee + COIN)
    assert swaps.quote_buy(context.state, 1, 10_000_000 * COIN).amount_out > 0


def test_a_pool_of_343_keeps_its_price_as_one_of_425() -> None:
    context = market(343)
    state = context.state
    swaps.buy(context, 1, 3_000 * COIN)
    swaps.inject(state, 1, COIN, 5 * COIN)
    before = swaps.price_rao(state, 1)
    Own.Rules.put(state, value=425)
    assert abs(swaps.price_rao(state, 1) - before) <= 1
    swaps.buy(context, 1, COIN)
    assert SwapStorage.SwapBalancer.get(state, 1)["quote"] != HALF
    assert not SwapStorage.SwapV3Initialized.get(state, 1)


def test_root_is_one_to_one() -> None:
    context = market(425)
    swaps.buy(context, swaps.ROOT, 5 * COIN)
    swaps.sell(context, swaps.ROOT, 2 * COIN)
    assert Subtensor.SubnetTAO.get(context.state, 0) == Subtensor.SubnetAlphaOut.get(context.state, 0) == 3 * COIN
    assert swaps.price_rao(context.state, 0) == COIN
