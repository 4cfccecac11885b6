"""A subnet's pool: TAO for alpha and back, with the pool's fee. Root (netuid 0) is one to one, without a fee.

Each set of rules has its own pool (pallets/swap): a constant product up to 218, one v3 position over the whole range
at 343, weights at 425. They differ also in where the fee goes: at 343 to the pool's own liquidity with the next
injection (``SubnetTAO`` and ``SubnetAlphaIn`` never see it), at 425 to the block's author, an alpha fee by way of a
second, free sale (``settle_alpha_fee_to_author``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.codec.composites import Tuple, struct, wrapper
from ranvier.sandbox.codec.scale import BOOL, I128, U16, U64
from ranvier.sandbox.codec.types import ALPHA, TAO, U64F64
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure, Errors, Pallet
from ranvier.sandbox.frame.storage import TWOX_64_CONCAT, Item, State, Storage, WritableState
from ranvier.sandbox.maths import pool, pool_weighted
from ranvier.sandbox.maths.fixed64 import mul64, whole
from ranvier.sandbox.maths.pool_range import Range, root_of_limit
from ranvier.sandbox.maths.pool_weighted import ACCURACY, HALF, LEAST_WEIGHT, MOST_INPUT, Weighted
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor.events import fail as refuse
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

ROOT = 0
_U64_MAX = (1 << 64) - 1
_RESERVE_FLOOR = 1_000_000  # ``MinimumReserve``: rao of what is paid out that must be there before a swap
_NETUID = (NETUID, TWOX_64_CONCAT)
_BALANCER = struct(
    "pallet_subtensor_swap::pallet::balancer::Balancer",
    {"quote": wrapper("sp_arithmetic::per_things::Perquintill", U64)},
)


class SwapStorage(Storage):
    """The Swap pallet's items: the fee (of 65535), and what the pools of 343 and 425 remember."""

    prefix = "Swap"

    FeeRate = Item(U16, _NETUID, default=33)
    SwapV3Initialized = Item(BOOL, _NETUID)  # 343, as those up to ScrapReservoirAlpha
    AlphaSqrtPrice = Item(U64F64, _NETUID)
    CurrentLiquidity = Item(U64, _NETUID)
    FeeGlobalTao = Item(U64F64, _NETUID)
    FeeGlobalAlpha = Item(U64F64, _NETUID)
    ScrapReservoirTao = Item(TAO, _NETUID)
    ScrapReservoirAlpha = Item(ALPHA, _NETUID)
    PalSwapInitialized = Item(BOOL, _NETUID)  # 425, as the one that follows
    SwapBalancer = Item(_BALANCER, _NETUID, default={"quote": HALF})


class OwnSwapStorage(Storage):
    """The protocol's position of 343, which its runtime keeps among all positions: (liquidity, fees taken)."""

    prefix = "RanvierSandbox"

    Position = Item(Tuple((U64, I128, I128)), _NETUID)


_ERROR_NAMES = """
    FeeRateTooHigh InsufficientInputAmount InsufficientLiquidity PriceLimitExceeded InsufficientBalance InvalidTickRange
    InvalidLiquidityValue ReservesTooLow MechanismDoesNotExist SubtokenDisabled ReservesOutOfBalance SwapInputTooLarge
"""
fail = Errors(28, {name: index for index, name in enumerate(_ERROR_NAMES.split())})
PALLET = Pallet("Swap", 28, "pallet_subtensor_swap::pallet", storage=SwapStorage, errors=fail)


@dataclass(frozen=True, slots=True)
class Swap:
    """What goes in (fee included), what comes out, and the fee in the currency that goes in. All rao.

    ``root`` is what the square root of 343's price becomes.
    """

    amount_in: int
    amount_out: int
    fee: int
    root: int = 0


def min_price(state: State) -> int:
    """The limit, in rao per alpha, of a sale that has none of its own."""
    return 1_000 if rules(state) >= 425 else 0


def max_price(state: State) -> int:
    """The limit, in rao per alpha, of a purchase that has none of its own."""
    return 10**15 if rules(state) >= 425 else _U64_MAX


def _reserves(state: State, netuid: int) -> tuple[int, int]:
    return Subtensor.SubnetTAO.get(state, netuid), Subtensor.SubnetAlphaIn.get(state, netuid)


def _range(state: State, netuid: int) -> Range:
    """The pool of 343, begun from the reserves where it has not been used yet."""
    if not SwapStorage.SwapV3Initialized.get(state, netuid):
        return Range.of(*_reserves(state, netuid))
    position, claimed_tao, claimed_alpha = OwnSwapStorage.Position.get(state, netuid)
    return Range(
        sqrt_price=SwapStorage.AlphaSqrtPrice.get(state, netuid),
        liquidity=SwapStorage.CurrentLiquidity.get(state, netuid),
        position=position,
        fees_tao=SwapStorage.FeeGlobalTao.get(state, netuid),
        fees_alpha=SwapStorage.FeeGlobalAlpha.get(state, netuid),
        claimed_tao=claimed_tao,
        claimed_alpha=claimed_alpha,
        scrap_tao=SwapStorage.ScrapReservoirTao.get(state, netuid),
        scrap_alpha=SwapStorage.ScrapReservoirAlpha.get(state, netuid),
    )


def _keep_range(state: WritableState, netuid: int, kept: Range) -> None:
    SwapStorage.SwapV3Initialized.put(state, netuid, value=True)
    SwapStorage.PalSwapInitialized.remove(state, netuid)
    SwapStorage.AlphaSqrtPrice.put(state, netuid, value=kept.sqrt_price)
    SwapStorage.CurrentLiquidity.put(state, netuid, value=kept.liquidity)
    SwapStorage.FeeGlobalTao.put(state, netuid, value=kept.fees_tao)
    SwapStorage.FeeGlobalAlpha.put(state, netuid, value=kept.fees_alpha)
    SwapStorage.ScrapReservoirTao.put(state, netuid, value=kept.scrap_tao)
    SwapStorage.ScrapReservoirAlpha.put(state, netuid, value=kept.scrap_alpha)
    OwnSwapStorage.Position.put(state, netuid, value=(kept.position, kept.claimed_tao, kept.claimed_alpha))


def _weighted(state: State, netuid: int) -> Weighted:
    """The pool of 425; one that was of 343 begins with that price (``migrate_swapv3_to_balancer``)."""
    tao, alpha = _reserves(state, netuid)
    if SwapStorage.PalSwapInitialized.get(state, netuid):
        return Weighted(tao, alpha, SwapStorage.SwapBalancer.get(state, netuid)["quote"])
    if SwapStorage.SwapV3Initialized.get(state, netuid):
        root = SwapStorage.AlphaSqrtPrice.get(state, netuid)
        both = whole(mul64(alpha << 64, mul64(root, root))) + tao
        quote = tao * ACCURACY // both if both else HALF
        if LEAST_WEIGHT <= quote <= ACCURACY - LEAST_WEIGHT:
            return Weighted(tao, alpha, quote)
    return Weighted(tao, alpha)


def _keep_weight(state: WritableState, netuid: int, quote: int) -> None:
    SwapStorage.PalSwapInitialized.put(state, netuid, value=True)
    SwapStorage.SwapV3Initialized.remove(state, netuid)
    SwapStorage.SwapBalancer.put(state, netuid, value={"quote": quote})


def fee_rate(state: State, netuid: int) -> int:
    """The pool's fee as a u16 proportion; root has none."""
    return 0 if netuid == ROOT else SwapStorage.FeeRate.get(state, netuid)


def fee_of(state: State, netuid: int, amount: int) -> int:
    """The pool's fee on an amount that goes in (``approx_fee_amount``)."""
    return pool_weighted.fee_of(amount, fee_rate(state, netuid))


def price_bits(state: State, netuid: int) -> int:
    """``current_alpha_price``: U64F64 bits (at 343 only the upper half of the fraction, as its U96F32 has it)."""
    if netuid == ROOT or Subtensor.SubnetMechanism.get(state, netuid) != 1:
        return 1 << 64
    tao, alpha = _reserves(state, netuid)
    if not alpha:
        return 0
    if rules(state) >= 425:
        return _weighted(state, netuid).price()
    if rules(state) >= 343 and SwapStorage.SwapV3Initialized.get(state, netuid):
        return _range(state, netuid).price() << 32
    return (tao << 32) // alpha << 32


def price_rao(state: State, netuid: int) -> int:
    """Rao of TAO for one whole alpha (the runtime API's ``current_alpha_price``)."""
    return price_bits(state, netuid) * RAO_PER_COIN >> 64


def _is_one_to_one(state: State, netuid: int) -> bool:
    return netuid == ROOT or Subtensor.SubnetMechanism.get(state, netuid) != 1


def _quote(state: State, netuid: int, amount: int, *, free: bool, buying: bool, limit_price: int | None) -> Swap:
    """``swap`` without its effect: all of ``amount``, or as much as the price reaches the limit with."""
    if _is_one_to_one(state, netuid):
        return Swap(amount, amount, 0)
    tao, alpha = _reserves(state, netuid)
    reserve_in, reserve_out = (tao, alpha) if buying else (alpha, tao)
    fee = 0 if free else fee_of(state, netuid, amount)
    if rules(state) >= 425 and amount - fee > MOST_INPUT * reserve_in:
        raise fail("SwapInputTooLarge")
    if reserve_out < _RESERVE_FLOOR or reserve_in <= 0:
        raise fail("ReservesTooLow")
    if rules(state) < 343:
        out = (pool.buy if buying else pool.sell)(amount - fee, tao, alpha)
        return Swap(amount, out, fee)
    if limit_price is None:
        limit_price = max_price(state) if buying else min_price(state)
    one = _of_weights if rules(state) >= 425 else _of_range
    swap, stopped = one(state, netuid, amount - fee, limit_price, buying)
    if stopped:
        fee = 0 if free else pool_weighted.fee_on_top(swap.amount_in, fee_rate(state, netuid))
    if swap.amount_in and not swap.amount_out:
        raise fail("ReservesTooLow")
    return replace(swap, amount_in=swap.amount_in + fee, fee=fee)


def _within(before: int, after: int, limit: int, buying: bool) -> bool:
    """Whether a price moves no further than the limit; PriceLimitExceeded where it is there already."""
    if not (before < limit if buying else before > limit):
        raise fail("PriceLimitExceeded")
    return after <= limit if buying else after >= limit


def _of_weights(state: State, netuid: int, amount: int, limit_price: int, buying: bool) -> tuple[Swap, bool]:
    """``BasicSwapStep`` of 425 without the fee, and whether the limit stopped it."""
    pooled, limit = _weighted(state, netuid), (limit_price << 64) // RAO_PER_COIN
    convert: Callable[[int], int] = pooled.bought if buying else pooled.sold
    out = convert(amount)
    tao, alpha = (amount, -out) if buying else (-out, amount)
    after = replace(pooled, tao_rao=pooled.tao_rao + tao, alpha_rao=pooled.alpha_rao + alpha).price()
    stopped = not _within(pooled.price(), after, limit, buying)
    if stopped:
        amount = pooled.tao_to_reach(limit) if buying else pooled.alpha_to_reach(limit)
        out = convert(amount)
    return Swap(amount, out, 0), stopped


def _of_range(state: State, netuid: int, amount: int, limit_price: int, buying: bool) -> tuple[Swap, bool]:
    """``SwapStep`` of 343 without the fee, and whether the limit stopped it."""
    kept, limit = _range(state, netuid), root_of_limit(limit_price)
    root = kept.root_after_buying(amount) if buying else kept.root_after_selling(amount)
    stopped = not _within(kept.sqrt_price, root, limit, buying)
    if stopped:
        amount, root = (kept.tao_to_reach if buying else kept.alpha_to_reach)(limit), limit
    return Swap(amount, (kept.bought if buying else kept.sold)(amount), 0, root), stopped


def quote_buy(state: State, netuid: int, tao: int) -> Swap:
    """What ``tao`` rao would buy now (``sim_swap``). Raises InsufficientLiquidity."""
    return _simulated(state, netuid, tao, buying=True)


def quote_sell(state: State, netuid: int, alpha: int) -> Swap:
    """What ``alpha`` rao would bring now (``sim_swap``). Raises InsufficientLiquidity."""
    return _simulated(state, netuid, alpha, buying=False)


def _simulated(state: State, netuid: int, amount: int, *, buying: bool) -> Swap:
    try:
        return _quote(state, netuid, amount, free=False, buying=buying, limit_price=None)
    except DispatchFailure as failure:
        raise refuse("InsufficientLiquidity") from failure


def _begin(
    state: WritableState, netuid: int, amount: int, *, free: bool, buying: bool, limit_price: int | None
) -> Swap:
    """The swap, and what the pool itself remembers of it: its price and, at 343, the fee. Before the reserves move."""
    swap = _quote(state, netuid, amount, free=free, buying=buying, limit_price=limit_price)
    if _is_one_to_one(state, netuid):
        return swap
    if swap.amount_out > _reserves(state, netuid)[1 if buying else 0]:
        raise fail("InsufficientLiquidity")
    if rules(state) >= 425:
        _keep_weight(state, netuid, _weighted(state, netuid).quote)
    elif rules(state) >= 343:
        kept = _range(state, netuid)
        kept = kept.with_fee(tao=swap.fee) if buying else kept.with_fee(alpha=swap.fee)
        _keep_range(state, netuid, replace(kept, sqrt_price=swap.root))
    return swap


def buy(context: Context, netuid: int, tao: int, *, free: bool = False, limit_price: int | None = None) -> Swap:
    """Put TAO into the pool and take alpha out (``swap_tao_for_alpha``); ``free`` drops the fee.

    ``TotalStake`` counts the fee too, wherever it goes.
    """
    state = context.state
    swap = _begin(state, netuid, tao, free=free, buying=True, limit_price=limit_price)
    _take(state, Subtensor.SubnetAlphaIn, netuid, swap.amount_out)
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=swap.amount_out)
    Subtensor.SubnetTAO.add(state, netuid, amount=swap.amount_in - swap.fee)
    Subtensor.SubnetVolume.add(state, netuid, amount=swap.amount_in)
    Subtensor.TotalStake.add(state, amount=swap.amount_in)
    if swap.fee and rules(state) >= 425:
        balances.mint(context, context.author, swap.fee)
    return swap


def sell(context: Context, netuid: int, alpha: int, *, free: bool = False, limit_price: int | None = None) -> Swap:
    """Put alpha into the pool and take TAO out (``swap_alpha_for_tao``); ``free`` drops the fee."""
    state = context.state
    swap = _begin(state, netuid, alpha, free=free, buying=False, limit_price=limit_price)
    sold = swap.amount_in - swap.fee
    Subtensor.SubnetAlphaIn.add(state, netuid, amount=sold)
    _take(state, Subtensor.SubnetAlphaOut, netuid, sold)
    Subtensor.SubnetTAO.add(state, netuid, amount=-swap.amount_out)
    staked = Subtensor.TotalStake.get(state)
    Subtensor.TotalStake.put(state, value=max(staked - swap.amount_out, 0))
    Subtensor.SubnetVolume.add(state, netuid, amount=swap.amount_out)
    if swap.fee and rules(state) >= 425:
        paid = sell(context, netuid, swap.fee, free=True).amount_out
        balances.mint(context, context.author, paid)
        record_flow(state, netuid, -paid)
    return swap


def _take(state: WritableState, item: Item, netuid: int, amount: int) -> None:
    """``saturating_sub``: root has alpha in its pool only after a sale."""
    item.put(state, netuid, value=max(item.get(state, netuid) - amount, 0))


def record_flow(state: WritableState, netuid: int, tao: int) -> None:
    """TAO that users brought into a subnet, or took out (``record_tao_inflow``, ``record_tao_outflow``)."""
    Subtensor.SubnetTaoFlow.add(state, netuid, amount=tao)


def inject(state: WritableState, netuid: int, tao: int, alpha: int) -> tuple[int, int]:
    """``adjust_protocol_liquidity``: what may be added to the reserves without moving the price: (TAO, alpha).

    At 425 nothing may when the weights would leave their bounds; before, everything does.
    """
    if rules(state) >= 425:
        quote = _weighted(state, netuid).with_liquidity(tao, alpha)
        if quote is None:
            return 0, 0
        _keep_weight(state, netuid, quote)
    elif rules(state) >= 343 and SwapStorage.SwapV3Initialized.get(state, netuid):
        _keep_range(state, netuid, _range(state, netuid).with_liquidity(tao, alpha))
    return tao, alpha


def most_tao_below(state: State, netuid: int, limit_price: int) -> int:
    """TAO, fee included, that can be put in while the price stays at or below ``limit_price`` rao per alpha.

    ``get_max_amount_add``: raises PriceLimitExceeded where the price is there already, and where nothing can, 343
    raises ZeroMaxStakeAmount.
    """
    if _is_one_to_one(state, netuid):
        return _some(state, _U64_MAX if limit_price >= RAO_PER_COIN else 0)
    most = MOST_INPUT * Subtensor.SubnetTAO.get(state, netuid) if rules(state) >= 425 else _U64_MAX
    return _some(state, _quote(state, netuid, most, free=False, buying=True, limit_price=limit_price).amount_in)


def most_alpha_above(state: State, netuid: int, limit_price: int) -> int:
    """Alpha, fee included, that can be sold while the price stays at or above ``limit_price`` rao per alpha.

    ``get_max_amount_remove``, which raises as ``most_tao_below`` does.
    """
    if _is_one_to_one(state, netuid):
        return _some(state, _U64_MAX if limit_price <= RAO_PER_COIN else 0)
    most = MOST_INPUT * Subtensor.SubnetAlphaIn.get(state, netuid) if rules(state) >= 425 else _U64_MAX
    return _some(state, _quote(state, netuid, most, free=False, buying=False, limit_price=limit_price).amount_in)


def _some(state: State, most: int) -> int:
    if most == 0 and rules(state) < 425:
        raise refuse("ZeroMaxStakeAmount")
    return min(most, _U64_MAX)


def ensure_input_within_limit(state: State, netuid: int, amount: int, *, buying: bool) -> None:
    """``ensure_add_stake_input_within_swap_limit`` and its mirror: at 425 no more than 1000 reserves, fee included."""
    if rules(state) < 425 or _is_one_to_one(state, netuid):
        return
    if amount > MOST_INPUT * _reserves(state, netuid)[0 if buying else 1]:
        raise refuse("InsufficientLiquidity")
