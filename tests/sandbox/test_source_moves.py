"""The chain's own tests of stake that moves (move_stake.rs, staking/move_stake.rs), through our pallet."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import collateral, moving, neurons, shares, staking, swaps
from ranvier.sandbox.pallets.subtensor import events as told
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules
from sandbox import test_source_staking
from sandbox.test_source_staking import COIN, COLD, HOT, NEW, refusal

MIN = staking.MIN_STAKE_RAO
MOST = (1 << 64) - 1
NOBODY, OTHER, HOT_2 = (bytes([number]) * 32 for number in (0xB1, 0xB2, 0xB3))
BOTH = pytest.mark.parametrize("spec", [343, 425])


def market(spec: int = 425, staked: int = 10 * MIN, *, one: tuple[int, int] | None = None) -> Context:
    """Two subnets at a price of one; COLD owns two hotkeys and has staked so much TAO on the first, in subnet 1."""
    context = test_source_staking.market(spec)
    state = context.state
    for netuid in (1, 2):
        for item in (Subtensor.NetworksAdded, Subtensor.SubtokenEnabled):
            item.put(state, netuid, value=True)
        Subtensor.SubnetMechanism.put(state, netuid, value=1)
    pools(context, one or (1000 * COIN, 1000 * COIN), (1000 * COIN, 1000 * COIN))
    Subtensor.Owner.remove(state, HOT)
    for hotkey in (HOT, HOT_2):
        neurons.create_account_if_new(context, COLD, hotkey)
    if staked:
        staking.stake_tao(context, COLD, HOT, 1, staked)
    return context


def pools(context: Context, *reserves: tuple[int, int]) -> None:
    """TAO and alpha of subnets 1 and 2."""
    for netuid, (tao, alpha) in enumerate(reserves, 1):
        swaps.SwapStorage.SwapV3Initialized.remove(context.state, netuid)
        Subtensor.SubnetTAO.put(context.state, netuid, value=tao)
        Subtensor.SubnetAlphaIn.put(context.state, netuid, value=alpha)


def held(context: Context, hotkey: bytes = HOT, netuid: int = 1, coldkey: bytes = COLD) -> int:
    return shares.stake_of(context.state, hotkey, coldkey, netuid)


def move(context: Context, *arguments: Any, who: bytes = COLD) -> str | None:
    """origin hotkey, destination hotkey, origin netuid, destination netuid, alpha."""
    return refusal(context, moving.move_stake, who, *arguments)


def bought_with(context: Context, alpha: int) -> int:
    """Alpha of subnet 2 that alpha of subnet 1 becomes: a sale with the pool's fee and a purchase without."""
    tao = swaps.quote_sell(context.state, 1, alpha).amount_out
    with context.attempt():
        return swaps.buy(context, 2, tao, free=True).amount_out


@BOTH
def test_within_a_subnet_everything_moves_without_a_fee(spec: int) -> None:
    context = market(spec)
    alpha = held(context)
    worth = alpha * swaps.price_bits(context.state, 1) >> 64
    assert move(context, HOT, HOT_2, 1, 1, alpha) is None
    assert (held(context), held(context, HOT_2)) == (0, alpha)
    event = told.STAKE_MOVED.encode((COLD, HOT, 1, HOT_2, 1, worth))
    assert event in context.events[-1]
    for _ in range(3):
        assert move(context, HOT_2, HOT, 1, 1, alpha) is None
        assert move(context, HOT, HOT_2, 1, 1, alpha) is None
    assert (held(context), held(context, HOT_2)) == (0, alpha)


@BOTH
@pytest.mark.parametrize("tenths", range(1, 11))
def test_a_part_moves(spec: int, tenths: int) -> None:
    context = market(spec, 20 * MIN)
    alpha = held(context)
    part = alpha * tenths // 10
    assert move(context, HOT, HOT_2, 1, 1, part) is None
    assert abs(held(context) - (alpha - part)) <= 10
    assert abs(held(context, HOT_2) - part) <= 10


@BOTH
def test_to_another_subnet_it_is_sold_and_bought_for_one_fee(spec: int) -> None:
    for run, arguments, to in (
        (moving.move_stake, (HOT, HOT_2, 1, 2), (HOT_2, COLD)),
        (moving.swap_stake, (HOT, 1, 2), (HOT, COLD)),
        (moving.transfer_stake, (OTHER, HOT, 1, 2), (HOT, OTHER)),
        (moving.transfer_stake_and_hotkey, (OTHER, HOT, HOT_2, 1, 2), (HOT_2, OTHER)),
    ):
        context = market(spec)
        alpha = held(context)
        expected = bought_with(market(spec), alpha)
        assert refusal(context, run, COLD, *arguments, alpha) is None
        assert held(context) == 0
        assert abs(held(context, to[0], 2, to[1]) - expected) <= (1000 if to[1] == OTHER else 50)


def test_what_cannot_move_says_why_and_stays() -> None:
    context = market()
    alpha = held(context)
    assert move(context, HOT, HOT_2, 1, 99, alpha) == "SubnetNotExists"
    assert move(context, HOT, HOT_2, 98, 99, alpha) == "SubnetNotExists"
    assert move(context, NOBODY, HOT_2, 1, 1, 123) == "HotKeyAccountNotExists"
    assert move(context, HOT, NOBODY, 1, 1, alpha) == "HotKeyAccountNotExists"
    assert move(context, HOT, HOT_2, 1, 1, alpha, who=OTHER) == "NotEnoughStakeToWithdraw"
    assert move(context, HOT, HOT_2, 1, 1, alpha + 1) == "NotEnoughStakeToWithdraw"
    assert move(context, HOT, HOT, 1, 1, alpha) == "SameNetuid"
    assert move(context, HOT, HOT, 1, 2, 1) == "AmountTooLow"
    assert move(context, HOT, HOT_2, 1, 1, 1) == "AmountTooLow"
    swap, transfer, both = moving.swap_stake, moving.transfer_stake, moving.transfer_stake_and_hotkey
    assert refusal(context, swap, COLD, HOT, 9998, 9999, alpha) == "SubnetNotExists"
    assert refusal(context, swap, COLD, NOBODY, 1, 2, alpha) == "HotKeyAccountNotExists"
    assert refusal(context, swap, COLD, HOT, 1, 2, 2 * alpha) == "NotEnoughStakeToWithdraw"
    assert refusal(context, swap, OTHER, HOT, 1, 2, alpha) == "NotEnoughStakeToWithdraw"
    assert refusal(context, swap, COLD, HOT, 1, 2, 1) == "AmountTooLow"
    assert refusal(context, swap, COLD, HOT, 1, 1, alpha) == "SameNetuid"
    assert refusal(context, transfer, COLD, OTHER, HOT, 9999, 9999, alpha) == "SubnetNotExists"
    assert refusal(context, transfer, COLD, OTHER, NOBODY, 1, 1, 100) == "HotKeyAccountNotExists"
    assert refusal(context, transfer, COLD, OTHER, HOT, 1, 1, 2 * alpha) == "NotEnoughStakeToWithdraw"
    assert refusal(context, transfer, OTHER, NEW, HOT, 1, 1, alpha) == "NotEnoughStakeToWithdraw"
    assert refusal(context, transfer, COLD, OTHER, HOT, 1, 1, 1) == "AmountTooLow"
    assert refusal(context, both, COLD, OTHER, HOT, NOBODY, 1, 1, alpha) == "HotKeyAccountNotExists"
    Subtensor.TransferToggle.put(context.state, 1, value=False)
    assert refusal(context, transfer, COLD, OTHER, HOT, 1, 1, alpha) == "TransferDisallowed"
    assert refusal(context, transfer, COLD, OTHER, HOT, 1, 2, alpha) == "TransferDisallowed"
    assert refusal(context, both, COLD, OTHER, HOT, HOT_2, 1, 1, alpha) == "TransferDisallowed"
    assert held(context) == alpha and held(context, HOT, 1, OTHER) == 0
    assert move(context, HOT, HOT_2, 1, 1, alpha) is None, "a move within one's own is no transfer"


def test_given_stake_lands_on_both_keys_and_nowhere_else() -> None:
    context = market()
    neurons.create_account_if_new(context, OTHER, NEW)
    alpha = held(context)
    assert refusal(context, moving.transfer_stake_and_hotkey, COLD, OTHER, HOT, NEW, 1, 1, alpha) is None
    assert held(context, NEW, 1, OTHER) == alpha
    assert held(context) == held(context, HOT, 1, OTHER) == held(context, NEW) == 0
    assert b"".join(context.events).count(OTHER) >= 2


def test_bonded_alpha_is_not_given_away() -> None:
    context = market()
    neurons.create_account_if_new(context, OTHER, NEW)
    alpha = held(context)
    row = {"locked": alpha, "drain_ratio": 1 << 64, "min_locked": 0, "earned": 0}
    collateral.put_row(context.state, 1, HOT, COLD, row)
    give = moving.transfer_stake_and_hotkey
    assert refusal(context, give, COLD, OTHER, HOT, NEW, 1, 1, alpha) == "StakeUnavailable"
    assert move(context, HOT, HOT_2, 1, 1, alpha) == "StakeUnavailable", "the bond is on the hotkey"
    assert move(context, HOT, HOT_2, 1, 2, alpha) == "StakeUnavailable"
    assert held(context) == alpha


@BOTH
def test_a_swap_there_and_back_three_times_ends_as_each_step_says(spec: int) -> None:
    context = market(spec)
    for _ in range(3):
        assert refusal(context, moving.swap_stake, COLD, HOT, 1, 2, held(context)) is None
        assert held(context) == 0
        assert refusal(context, moving.swap_stake, COLD, HOT, 2, 1, held(context, HOT, 2)) is None
        assert held(context, HOT, 2) == 0
    # Six fees of 33/65535 each, and what the slippage of so little is.
    assert abs(held(context) - 10 * MIN * (1 - 7 * 33 / 65_535)) < 10 * MIN / 1000


def test_another_s_hotkey_will_do() -> None:
    context = market()
    staking.stake_tao(context, COLD, HOT, 1, 10 * MIN)
    Subtensor.Owner.put(context.state, HOT, value=OTHER)
    assert refusal(context, moving.swap_stake, COLD, HOT, 1, 2, held(context)) is None
    assert Subtensor.Delegates.exists(context.state, HOT)


@BOTH
def test_the_largest_stake_moves_without_overflow(spec: int) -> None:
    context = market(spec, 0)
    shares.add_stake(context.state, HOT, COLD, 1, 20 * 10**15)
    assert move(context, HOT, HOT_2, 1, 1, 20 * 10**15) is None
    assert (held(context), held(context, HOT_2)) == (0, 20 * 10**15)


@BOTH
def test_a_position_that_failed_once_on_the_chain_moves(spec: int) -> None:
    """Few shares of much stake at the destination, and the pools of that day."""
    context = market(spec, 0)
    state = context.state
    tao, alpha = 2_409_892_148_947, 15_358_708_513_716
    pools(context, (tao + 10_000_000, alpha + 10_000_000), (tao, alpha))
    if spec == 343:
        Subtensor.TotalHotkeyShares.put(state, HOT, 2, value=(161_986_254 << 64) // MOST)
        Subtensor.TotalHotkeyAlpha.put(state, HOT, 2, value=36_711_495_953)
    else:
        shares.add_stake(state, HOT, OTHER, 2, 1234)
        Subtensor.TotalHotkeyAlpha.put(state, HOT, 2, value=36_711_495_953)
    staking.add(context, COLD, HOT, 1, 200_000_000)
    moved = held(context)
    tao_out = swaps.quote_sell(state, 1, moved).amount_out
    expected = swaps.quote_buy(state, 2, tao_out).amount_out
    assert move(context, HOT, HOT, 1, 2, moved) is None
    assert held(context) == 0
    fee = expected * 33 // 65_535
    assert 0 <= held(context, HOT, 2) - expected <= fee + 1000, "no fee at the second pool"


@BOTH
def test_who_gets_stake_of_another_subnet_needs_no_tao(spec: int) -> None:
    """At 425 the TAO passes through the receiver's hands, who keeps the deposit; at 343 it does not."""
    context = market(spec)
    before = balances.free_balance(context.state, COLD)
    assert refusal(context, moving.transfer_stake, COLD, OTHER, HOT, 1, 2, held(context)) is None
    assert balances.free_balance(context.state, OTHER) == (500 if spec == 425 else 0)
    assert balances.free_balance(context.state, COLD) == before
    assert held(context, HOT, 2, OTHER) > 9 * MIN


@BOTH
def test_all_that_one_has_can_be_staked_but_for_the_deposit(spec: int) -> None:
    context = market(spec, 0)
    balances.mint(context, OTHER, COIN)
    assert refusal(context, staking.add_stake, OTHER, HOT, 1, COIN + 1) == "NotEnoughBalanceToStake"
    assert refusal(context, staking.add_stake, OTHER, HOT, 1, COIN) is None
    assert balances.free_balance(context.state, OTHER) == 500
    staked = OTHER + HOT + (COIN - 500).to_bytes(8, "little")
    assert any(staked in one for one in context.events), "and the event says so"


_FIFTEEN = (150 * COIN, 100 * COIN, 100 * COIN, 100 * COIN)
_LARGE = (10**6, 10**6, 21 * 10**15, 10**18)
MOVES = [
    ((0, COIN, COIN, COIN), 100, 0, 1),
    ((COIN, 0, COIN, COIN), 100, 0, 1),
    ((COIN, COIN, 0, COIN), 100, 0, 1),
    ((COIN, COIN, COIN, 0), 100, 0, 1),
    ((1, 1, 1, 1), 0, MOST, 1),
    ((1, 1, 1, 1), 1, 500_000_000, 1),
    ((1, 1, 1, 1), 2, 250_000_000, 1),
    ((1, 1, 1, 1), 3, 166_666_666, 1),
    ((1, 1, 1, 1), 4, 125_000_000, 1),
    ((1, 1, 1, 1), 1_000, 500_000, 1),
    ((1_000, 1_000, 1_000, 1_000), 500_000_000, 500, 1),
    ((1_000, 1_000, 1_000, 1_000), 100_000_000, 4_500, 1),
    (_FIFTEEN, 100_000_000, 560 * COIN, 1_000_000),
    (_FIFTEEN, 500_000_000, 80 * COIN, 1_000_000),
    (_FIFTEEN, 750_000_000, 40 * COIN, 1_000_000),
    (_FIFTEEN, 1_000_000_000, 20 * COIN, 1_000),
    (_FIFTEEN, 1_250_000_000, 8 * COIN, 1_000),
    (_FIFTEEN, 1_499_999_999, 27, 1),
    *((_FIFTEEN, limit, 0, 1) for limit in (1_500_000_000, 1_500_000_001, 1_500_001_000, 2_000_000_000, MOST)),
    ((100 * COIN, 200 * COIN, 300 * COIN, 400 * COIN), 500_000_000, 50 * COIN, 1_000),
    ((COIN, COIN, COIN, COIN), 1, 499_999_999_500_000_000, 100_000_000),
    (_LARGE, 1, 48 * 10**15, 10**15),
    (_LARGE, MOST, 0, 1),
]


@pytest.mark.parametrize(("reserves", "limit", "most", "within"), MOVES)
def test_how_much_a_relative_limit_lets_through(
    reserves: tuple[int, int, int, int], limit: int, most: int, within: int
) -> None:
    context = market(425, 0)
    pools(context, reserves[:2], reserves[2:])
    assert abs(moving.most_to_move(context.state, 1, 2, limit) - most) <= within


def test_from_and_to_root_a_limit_is_that_of_a_purchase_or_a_sale() -> None:
    context = market(425, 0, one=(50 * COIN, 100 * COIN))
    state = context.state
    assert moving.most_to_move(state, 0, 1, 0) == MOST
    for limit in (2 * COIN, 3 * COIN, MOST // 2, MOST - 1, MOST):
        with pytest.raises(DispatchFailure, match="PriceLimitExceeded"):
            moving.most_to_move(state, 0, 1, limit)
    fee = 50 * COIN * 3 // 1000
    half = swaps.price_bits(state, 1)
    assert half == 1 << 63
    # A limit of a half is a price of two: four times the price, and as much TAO again as there is.
    assert abs(moving.most_to_move(state, 0, 1, 500_000_000) - (50 * COIN + fee)) <= 50 * COIN // 100
    assert moving.most_to_move(state, 0, 1, 1_999_999_000) > 0
    pools(context, (150 * COIN, 100 * COIN))
    assert moving.most_to_move(state, 1, 0, 0) == 100 * COIN * 1000
    assert all(moving.most_to_move(state, 1, 0, limit) > 0 for limit in (1, 2, 3, 1_499_999_999))
    for limit in (1_500_000_001, MOST // 2, MOST):
        with pytest.raises(DispatchFailure, match="PriceLimitExceeded"):
            moving.most_to_move(state, 1, 0, limit)
    quarter = moving.most_to_move(state, 1, 0, 375_000_000)
    assert abs(quarter - (100 * COIN + 100 * COIN // 2000)) <= 100 * COIN // 10_000


@BOTH
def test_a_limited_swap_goes_as_far_as_it_may(spec: int) -> None:
    """Equal prices, and so much more behind the second that only the first one gives way: by one in a hundred."""
    context = market(spec, 0)
    pools(context, (150 * COIN, 100 * COIN), (15_000_000 * COIN, 10_000_000 * COIN))
    assert rules(context.state) == spec
    shares.add_stake(context.state, HOT, COLD, 1, 150 * COIN)
    balances.mint(context, COLD, COIN)
    limit = COLD, HOT, 1, 2, 150 * COIN, 990_000_000
    assert refusal(context, moving.swap_stake_limit, *limit, False) == "SlippageTooHigh"
    assert refusal(context, moving.swap_stake_limit, *limit, True) is None
    assert abs(held(context) - 149 * COIN) <= COIN // 10
