"""A subnet's pool: TAO for alpha and back, with the pool's fee. Root (netuid 0) is one to one, without a fee.

The fee stays in the pool (its liquidity grows), as with the protocol's own liquidity at spec 343.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox import pool
from ranvier.sandbox.pallet import Pallet
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.scale import U16
from ranvier.sandbox.storage import TWOX_64_CONCAT, Item, State, Storage, WritableState

ROOT = 0
_U64_MAX = (1 << 64) - 1
_RESERVE_FLOOR = 1_000_000  # rao that must stay on either side, so that the price keeps a meaning


class SwapStorage(Storage):
    """The Swap pallet's one item that a constant-product pool has: the fee, of 65535."""

    prefix = "Swap"

    FeeRate = Item(U16, (NETUID, TWOX_64_CONCAT), default=33)


PALLET = Pallet("Swap", 28, "pallet_subtensor_swap", storage=SwapStorage)


@dataclass(frozen=True, slots=True)
class Swap:
    """What goes in (fee included), what comes out, and the fee in the currency that goes in. All rao."""

    amount_in: int
    amount_out: int
    fee: int


def fee_of(state: State, netuid: int, amount: int) -> int:
    """The pool's fee on an amount that goes in; root has none."""
    return 0 if netuid == ROOT else pool.swap_fee(amount, SwapStorage.FeeRate.get(state, netuid))


def price_rao(state: State, netuid: int) -> int:
    """Rao of TAO for one whole alpha."""
    if netuid == ROOT:
        return RAO_PER_COIN
    tao, alpha = Subtensor.SubnetTAO.get(state, netuid), Subtensor.SubnetAlphaIn.get(state, netuid)
    return pool.price_rao(tao, alpha) or 0


def quote_buy(state: State, netuid: int, tao: int, *, free: bool = False) -> Swap:
    """What ``tao`` rao would buy now. Raises InsufficientLiquidity."""
    if netuid == ROOT:
        return Swap(tao, tao, 0)
    fee = 0 if free else fee_of(state, netuid, tao)
    reserves = Subtensor.SubnetTAO.get(state, netuid), Subtensor.SubnetAlphaIn.get(state, netuid)
    out = pool.buy(tao - fee, *reserves)
    if out <= 0 or reserves[1] - out < _RESERVE_FLOOR:
        raise fail("InsufficientLiquidity")
    return Swap(tao, out, fee)


def quote_sell(state: State, netuid: int, alpha: int, *, free: bool = False) -> Swap:
    """What ``alpha`` rao would bring now. Raises InsufficientLiquidity."""
    if netuid == ROOT:
        return Swap(alpha, alpha, 0)
    fee = 0 if free else fee_of(state, netuid, alpha)
    reserves = Subtensor.SubnetTAO.get(state, netuid), Subtensor.SubnetAlphaIn.get(state, netuid)
    out = pool.sell(alpha - fee, *reserves)
    if out <= 0 or reserves[0] - out < _RESERVE_FLOOR:
        raise fail("InsufficientLiquidity")
    return Swap(alpha, out, fee)


def buy(state: WritableState, netuid: int, tao: int, *, free: bool = False) -> Swap:
    """Put TAO into the pool and take alpha out (``swap_tao_for_alpha``); ``free`` drops the fee."""
    swap = quote_buy(state, netuid, tao, free=free)
    Subtensor.SubnetTAO.add(state, netuid, amount=tao)
    Subtensor.TotalStake.add(state, amount=tao)
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=swap.amount_out)
    if netuid != ROOT:
        Subtensor.SubnetAlphaIn.add(state, netuid, amount=-swap.amount_out)
        Subtensor.SubnetVolume.add(state, netuid, amount=tao)
    return swap


def sell(state: WritableState, netuid: int, alpha: int, *, free: bool = False) -> Swap:
    """Put alpha into the pool and take TAO out (``swap_alpha_for_tao``); ``free`` drops the fee."""
    swap = quote_sell(state, netuid, alpha, free=free)
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=-alpha)
    Subtensor.SubnetTAO.add(state, netuid, amount=-swap.amount_out)
    Subtensor.TotalStake.add(state, amount=-swap.amount_out)
    if netuid != ROOT:
        Subtensor.SubnetAlphaIn.add(state, netuid, amount=alpha)
        Subtensor.SubnetVolume.add(state, netuid, amount=swap.amount_out)
    return swap


def most_tao_below(state: State, netuid: int, limit_price: int) -> int:
    """TAO, fee included, that can be put in while the price stays at or below ``limit_price`` rao per alpha.

    The fee counts as if it were swapped too, which leaves the price a little inside the limit.
    """
    if netuid == ROOT:
        return _U64_MAX if limit_price >= RAO_PER_COIN else 0
    tao, alpha = Subtensor.SubnetTAO.get(state, netuid), Subtensor.SubnetAlphaIn.get(state, netuid)
    most: int = isqrt(limit_price * tao * alpha // RAO_PER_COIN) - tao
    return max(0, most)


def most_alpha_above(state: State, netuid: int, limit_price: int) -> int:
    """Alpha, fee included, that can be sold while the price stays at or above ``limit_price`` rao per alpha."""
    if netuid == ROOT:
        return _U64_MAX if limit_price <= RAO_PER_COIN else 0
    if limit_price == 0:
        return _U64_MAX
    tao, alpha = Subtensor.SubnetTAO.get(state, netuid), Subtensor.SubnetAlphaIn.get(state, netuid)
    most: int = isqrt(tao * alpha * RAO_PER_COIN // limit_price) - alpha
    return max(0, most)
