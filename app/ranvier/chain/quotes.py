"""What a swap in a subnet's pool gives: the pool's own arithmetic for each form, and the chain's simulation.

Integers of rao; the balancer's power is computed with 40 decimal digits, twice what a reserve has, and cut off.
A price is rao of TAO for one whole alpha. ``Quote.source`` says who computed it: the chain's simulation is the truth,
the formula the next best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from ranvier.chain.connection import Connection
from ranvier.chain.model import ROOT, SUBTENSOR, BlockRef
from ranvier.chain.pools import runtime_prices
from ranvier.core.errors import ChainError
from ranvier.core.units import RAO_PER_COIN

if TYPE_CHECKING:
    from ranvier.chain.runtime.codec import Runtime

API = "SwapRuntimeApi"
_U16_MAX = 65_535
_PERQUINTILL = 10**18
_HALF = _PERQUINTILL // 2
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Pool:
    """A subnet's pool at one block. ``quote_weight`` (of 10**18) marks a balancer, ``sqrt_price`` (U64F64 bits) and
    ``liquidity`` a concentrated pool; neither: constant product. ``fee_rate`` is of 65535. Root swaps one to one.

    ``curve``: a pool whose curve only the runtime knows (``SwapSuperellipse``). No formula quotes it, and its price is
    what the runtime stated (None: it was not asked, or does not tell)."""

    netuid: int
    tao_rao: int
    alpha_rao: int
    fee_rate: int = 0
    quote_weight: int | None = None
    sqrt_price: int | None = None
    liquidity: int | None = None
    alpha_out_rao: int = 0
    curve: bool = False
    stated_rao: int | None = None

    @property
    def price_rao(self) -> int | None:
        """Spot price; None for an empty pool."""
        if self.netuid == ROOT:
            return RAO_PER_COIN
        if self.curve:
            return self.stated_rao
        if self.sqrt_price:
            return self.sqrt_price * self.sqrt_price * RAO_PER_COIN >> 128
        if self.alpha_rao <= 0 or self.tao_rao <= 0:
            return None
        weight = self.quote_weight
        if weight is not None and weight > 0:
            return (_PERQUINTILL - weight) * self.tao_rao * RAO_PER_COIN // (weight * self.alpha_rao)
        return self.tao_rao * RAO_PER_COIN // self.alpha_rao


@dataclass(frozen=True, slots=True)
class Quote:
    """``gives_rao`` goes in (fee included), ``gets_rao`` comes out. Buying gives TAO, selling gives alpha; the fee
    is in what goes in. ``spot_rao`` and ``after_rao`` are the price before and after."""

    netuid: int
    buying: bool
    gives_rao: int
    gets_rao: int
    fee_rao: int
    spot_rao: int
    after_rao: int
    source: str

    @property
    def fair_rao(self) -> int:
        """What would come out at the spot price, without fee and slippage."""
        if self.buying:
            return self.gives_rao * RAO_PER_COIN // self.spot_rao if self.spot_rao else 0
        return self.gives_rao * self.spot_rao // RAO_PER_COIN

    @property
    def cost_ppm(self) -> int:
        """How much less than fair comes out, in millionths: fee and slippage together."""
        fair = self.fair_rao
        return max(0, (fair - self.gets_rao) * _MILLION // fair) if fair > 0 else 0

    @property
    def price_move_ppm(self) -> int:
        """How far the swap moves the price, in millionths (up when buying, down when selling; never negative)."""
        return abs(self.after_rao - self.spot_rao) * _MILLION // self.spot_rao if self.spot_rao else 0


def fee_of(amount_rao: int, fee_rate: int) -> int:
    return amount_rao * fee_rate // _U16_MAX


def with_fee(net_rao: int, fee_rate: int) -> int:
    """An amount of which ``net_rao`` is left after the fee."""
    amount = net_rao * _U16_MAX // (_U16_MAX - fee_rate) if fee_rate < _U16_MAX else net_rao
    while amount - fee_of(amount, fee_rate) > net_rao:
        amount -= 1
    while amount - fee_of(amount, fee_rate) < net_rao:
        amount += 1
    return amount


def quote_buy(pool: Pool, tao_rao: int) -> Quote | None:
    """TAO for alpha by the pool's arithmetic; None when the pool cannot."""
    return _quote(pool, tao_rao, buying=True)


def quote_sell(pool: Pool, alpha_rao: int) -> Quote | None:
    """Alpha for TAO by the pool's arithmetic; None when the pool cannot."""
    return _quote(pool, alpha_rao, buying=False)


def _quote(pool: Pool, amount: int, *, buying: bool) -> Quote | None:
    if amount < 0:
        return None
    if pool.netuid == ROOT:
        return Quote(ROOT, buying, amount, amount, 0, RAO_PER_COIN, RAO_PER_COIN, "rule")
    spot = pool.price_rao
    if spot is None or pool.curve or pool.tao_rao <= 0 or pool.alpha_rao <= 0:
        return None
    fee = fee_of(amount, pool.fee_rate)
    out = _concentrated(pool, amount - fee, buying) if pool.sqrt_price and pool.liquidity else None
    if out is None:
        out = _weighted(pool, amount - fee, buying)
    if out >= (pool.alpha_rao if buying else pool.tao_rao):
        return None
    after = _moved(pool, spot, amount, out, buying=buying)
    return Quote(pool.netuid, buying, amount, out, fee, spot, after, "formula")


def price_after(pool: Pool, gives_rao: int, gets_rao: int, *, buying: bool) -> int:
    """The price that a swap leaves: the spot price times how the two reserves move (the fee stays in the pool)."""
    return _moved(pool, pool.price_rao or 0, gives_rao, gets_rao, buying=buying)


def _moved(pool: Pool, spot: int, gives_rao: int, gets_rao: int, *, buying: bool) -> int:
    if pool.netuid == ROOT or pool.tao_rao <= 0 or pool.alpha_rao <= 0:
        return spot
    tao = pool.tao_rao + (gives_rao if buying else -gets_rao)
    alpha = pool.alpha_rao + (-gets_rao if buying else gives_rao)
    if alpha <= 0 or tao <= 0:
        return spot
    return spot * tao * pool.alpha_rao // (pool.tao_rao * alpha)


def _weighted(pool: Pool, amount: int, buying: bool) -> int:
    reserve_in, reserve_out = (pool.tao_rao, pool.alpha_rao) if buying else (pool.alpha_rao, pool.tao_rao)
    weight = pool.quote_weight
    if weight is None or weight == _HALF or not 0 < weight < _PERQUINTILL:
        rest = ((reserve_in * reserve_out) << 32) // (reserve_in + amount)
        return ((reserve_out << 32) - rest) >> 32
    weight_in, weight_out = (weight, _PERQUINTILL - weight) if buying else (_PERQUINTILL - weight, weight)
    with localcontext() as context:
        context.prec = 40
        ratio = Decimal(reserve_in) / Decimal(reserve_in + amount)
        kept = (ratio.ln() * Decimal(weight_in) / Decimal(weight_out)).exp() if amount else Decimal(1)
        return int((Decimal(reserve_out) * (1 - kept)).to_integral_value(ROUND_FLOOR))


def _concentrated(pool: Pool, amount: int, buying: bool) -> int | None:
    """Within the current range: the chain's own protocol position spans every price, so that is the usual case."""
    root, liquidity = pool.sqrt_price or 0, pool.liquidity or 0
    if buying:
        after = root + (amount << 64) // liquidity
        return liquidity * ((after - root) << 64) // (root * after)
    after = (liquidity * root << 64) // ((liquidity << 64) + amount * root)
    return liquidity * (root - after) >> 64


async def pools(conn: Connection, netuids: Sequence[int], at: BlockRef) -> dict[int, Pool]:
    """The pools of these subnets, in one request."""
    items = pool_items(await conn.runtime_at(at))
    wanted = list(dict.fromkeys(netuids))
    values = await conn.read([(*item, [netuid]) for netuid in wanted for item in items], at)
    return await stated(conn, read_pools(items, wanted, values), at)


async def stated(conn: Connection, found: dict[int, Pool], at: BlockRef) -> dict[int, Pool]:
    """The pools with the runtime's own price where only that tells it: one more round, and none where there is none."""
    told = await runtime_prices(conn, [netuid for netuid, pool in found.items() if pool.curve], at)
    return found | {netuid: replace(found[netuid], stated_rao=price) for netuid, price in told.items()}


def pool_items(runtime: Runtime) -> list[tuple[str, str]]:
    """The storage items that describe a pool on this chain."""
    names = [(SUBTENSOR, name) for name in ("SubnetTAO", "SubnetAlphaIn", "SubnetAlphaOut")]
    names += [
        ("Swap", name)
        for name in (
            "FeeRate", "SwapV3Initialized", "AlphaSqrtPrice", "CurrentLiquidity", "SwapBalancer", "SwapSuperellipse",
        )
    ]  # fmt: skip
    return [item for item in names if runtime.has_item(*item)]


def read_pools(items: Sequence[tuple[str, str]], netuids: Sequence[int], values: Sequence[Any]) -> dict[int, Pool]:
    """Pools from the values of ``items`` for each netuid in turn."""
    found = {}
    for place, netuid in enumerate(netuids):
        row = values[place * len(items) : (place + 1) * len(items)]
        found[netuid] = _pool(netuid, {name: value for (_, name), value in zip(items, row, strict=True)})
    return found


def _pool(netuid: int, state: dict[str, Any]) -> Pool:
    sqrt, balancer = state.get("AlphaSqrtPrice"), state.get("SwapBalancer")
    has_swap = "FeeRate" in state
    concentrated = bool(state.get("SwapV3Initialized")) and isinstance(sqrt, dict)
    liquidity = state.get("CurrentLiquidity")
    return Pool(
        netuid=netuid,
        tao_rao=int(state.get("SubnetTAO") or 0),
        alpha_rao=int(state.get("SubnetAlphaIn") or 0),
        fee_rate=int(state.get("FeeRate") or 0) if has_swap else 0,
        quote_weight=int(balancer["quote"]) if isinstance(balancer, dict) and "quote" in balancer else None,
        sqrt_price=int(sqrt["bits"]) or None if concentrated and isinstance(sqrt, dict) else None,
        liquidity=int(liquidity) or None if concentrated and liquidity is not None else None,
        alpha_out_rao=int(state.get("SubnetAlphaOut") or 0),
        curve=state.get("SwapSuperellipse") is not None,
    )


async def simulate_free(conn: Connection, netuid: int, tao_rao: int, at: BlockRef) -> Quote | None:
    """A buy that pays no pool fee: a swap from one subnet to another pays it on the first side only. Otherwise as
    ``simulate``, which knows of no such buy and is asked for one that has as much left after its fee."""
    pool = (await pools(conn, [netuid], at))[netuid]
    if netuid == ROOT:
        return _quote(pool, tao_rao, buying=True)
    quote = await simulate(conn, netuid, with_fee(tao_rao, pool.fee_rate), at, buying=True)
    if quote is None:
        return None
    after = price_after(pool, tao_rao, quote.gets_rao, buying=True)
    return replace(quote, gives_rao=tao_rao, fee_rao=0, after_rao=after)


async def simulate(conn: Connection, netuid: int, amount_rao: int, at: BlockRef, *, buying: bool) -> Quote | None:
    """A quote from the chain's own simulation; from the pool's arithmetic where it has none.

    None when the pool cannot do it. Raises NetworkError, or ChainError when the chain cannot be read.
    """
    pool = (await pools(conn, [netuid], at))[netuid]
    method = "sim_swap_tao_for_alpha" if buying else "sim_swap_alpha_for_tao"
    if netuid == ROOT or not await conn.has_api(API, method, at):
        return _quote(pool, amount_rao, buying=buying)
    (answer,) = await conn.runtime_calls([(API, method, [netuid, amount_rao])], at)
    return _told(pool, amount_rao, answer, buying=buying)


async def simulate_sales(
    conn: Connection, found: Mapping[int, Pool], wanted: Sequence[tuple[int, int]], at: BlockRef
) -> list[Quote | None]:
    """What selling (netuid, alpha) brings by the chain's own simulation, in one round; None where it does not tell."""
    method = "sim_swap_alpha_for_tao"
    if not wanted or not await conn.has_api(API, method, at):
        return [None] * len(wanted)
    answers = await conn.runtime_calls([(API, method, place) for place in wanted], at)
    return [
        _told(found[netuid], amount, answer, buying=False)
        for (netuid, amount), answer in zip(wanted, answers, strict=True)
    ]


def _told(pool: Pool, amount_rao: int, answer: Any, *, buying: bool) -> Quote | None:
    """The quote in an answer of the simulation; a ChainError is one that the pool cannot do: too large for it."""
    if isinstance(answer, ChainError):
        return None
    gets = int(answer["alpha_amount" if buying else "tao_amount"])
    fee = int(answer["tao_fee" if buying else "alpha_fee"])
    spot = pool.price_rao
    if gets <= 0 or spot is None:
        return None
    after = price_after(pool, amount_rao, gets, buying=buying)
    return Quote(pool.netuid, buying, amount_rao, gets, fee, spot, after, "chain")
