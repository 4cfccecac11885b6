"""A subnet's constant-product pool, with the rounding of a real runtime of spec 218.

The product of the two reserves is kept as an exact integer, the reserve that remains is computed with 32 fractional
bits and cut off, and what leaves the pool is cut off to whole rao. Cutting off the rest favours the trader by less
than 2**-32 rao, the second cut favours the pool by up to one rao. A pool without a reserve on either side swaps
nothing.
"""

from __future__ import annotations

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.maths.fixed import FRACTION


def buy(tao_in_rao: int, tao_reserve_rao: int, alpha_reserve_rao: int) -> int:
    """Rao of alpha that leave the pool for ``tao_in_rao`` (``swap_tao_for_alpha``)."""
    return _out(tao_in_rao, tao_reserve_rao, alpha_reserve_rao)


def sell(alpha_in_rao: int, tao_reserve_rao: int, alpha_reserve_rao: int) -> int:
    """Rao of TAO that leave the pool for ``alpha_in_rao`` (``swap_alpha_for_tao``)."""
    return _out(alpha_in_rao, alpha_reserve_rao, tao_reserve_rao)


def price_rao(tao_reserve_rao: int, alpha_reserve_rao: int) -> int | None:
    """Spot price, rao of TAO for one whole alpha, cut off; None for a pool without alpha."""
    return tao_reserve_rao * RAO_PER_COIN // alpha_reserve_rao if alpha_reserve_rao > 0 else None


def _out(amount_in: int, reserve_in: int, reserve_out: int) -> int:
    if amount_in < 0:
        raise ValueError("a swap needs an amount that is not negative")
    if reserve_in <= 0 or reserve_out <= 0:
        return 0
    rest = ((reserve_in * reserve_out) << FRACTION) // (reserve_in + amount_in)
    return ((reserve_out << FRACTION) - rest) >> FRACTION
