"""The weighted pool of spec 425 (pal-swap): pallets/swap, ``Balancer`` and ``BasicSwapStep``.

x is the alpha reserve, y the TAO reserve; only TAO's weight w2 is kept, in 10**-18 (a Perquintill), alpha's is the
rest to one. The price is (w1 * y) / (w2 * x). Amounts are rao, prices U64F64 bits of TAO per alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.sandbox.maths.fixed import U16_MAX
from ranvier.sandbox.maths.fixed64 import ONE64, div64, mul64, whole
from ranvier.sandbox.maths.powers import pow_ratio_scaled

ACCURACY = 10**18
HALF = ACCURACY // 2
LEAST_WEIGHT = ACCURACY // 100
MOST_INPUT = 1_000
"""An input beyond so many times the reserve it goes into is refused (``MAX_SWAP_INPUT_RESERVE_MULTIPLIER``)."""
_U64_MAX = (1 << 64) - 1
_U128_MAX = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class Weighted:
    """One pool. ``quote`` is TAO's weight in 10**-18."""

    tao_rao: int
    alpha_rao: int
    quote: int = HALF

    @property
    def base(self) -> int:
        return ACCURACY - self.quote

    def price(self) -> int:
        """``calculate_price``, U64F64 bits; 0 for a pool without alpha."""
        ratio = div64(self.base << 64, self.quote << 64)
        return mul64(ratio, div64(self.tao_rao << 64, self.alpha_rao << 64))

    def bought(self, tao: int) -> int:
        """Alpha that leaves for ``tao`` (``convert_deltas`` of a buy)."""
        rest = self._rest(self.tao_rao, tao, self.quote, self.base)
        return whole(mul64(self.alpha_rao << 64, max(ONE64 - rest, 0)))

    def sold(self, alpha: int) -> int:
        """TAO that leaves for ``alpha`` (``convert_deltas`` of a sale)."""
        rest = self._rest(self.alpha_rao, alpha, self.base, self.quote)
        return whole(mul64(self.tao_rao << 64, max(ONE64 - rest, 0)))

    def tao_to_reach(self, price: int) -> int:
        """TAO that lifts the price to ``price`` (``calculate_quote_delta_in``)."""
        return _grown(self.tao_rao, price, self.price(), self.base)

    def alpha_to_reach(self, price: int) -> int:
        """Alpha that lowers the price to ``price`` (``calculate_base_delta_in``)."""
        return _grown(self.alpha_rao, self.price(), price, self.quote)

    def with_liquidity(self, tao: int, alpha: int) -> int | None:
        """TAO's weight that leaves the price where it is when so much is added; None when it would be out of range.

        ``update_weights_for_added_liquidity``, with a Perquintill's own way of dividing.
        """
        first = _share(self.base, self.tao_rao * (self.alpha_rao + alpha))
        second = _share(self.quote, self.alpha_rao * (self.tao_rao + tao))
        both = min(first + second, _U128_MAX)
        quote = _perquintill(second, both) if both else HALF
        return quote if LEAST_WEIGHT <= quote <= ACCURACY - LEAST_WEIGHT else None

    @staticmethod
    def _rest(reserve: int, added: int, weight: int, other: int) -> int:
        """(reserve / (reserve + added)) ** (weight / other), at most one (``exp_scaled``)."""
        grown = min(reserve + added, _U64_MAX)
        if grown == 0:
            return 0
        power = pow_ratio_scaled(reserve, grown, weight, other, 256, ACCURACY)
        if power is None or power > _U64_MAX:
            return 0
        return min(div64(power << 64, ACCURACY << 64), ONE64)


def fee_of(amount: int, rate: int) -> int:
    """``calculate_fee_amount``: ``rate`` is a u16 proportion."""
    return whole(mul64(amount << 64, div64(rate << 64, U16_MAX << 64)))


def fee_on_top(amount: int, rate: int) -> int:
    """The fee of an amount that stopped at a limit and has it not yet inside (``determine_action``)."""
    return whole(mul64(amount << 64, div64(rate << 64, (U16_MAX - rate) << 64)))


def _grown(reserve: int, top: int, bottom: int, weight: int) -> int:
    """reserve * ((top / bottom) ** weight - 1)."""
    power = pow_ratio_scaled(top, bottom, weight, ACCURACY, 1024, ACCURACY)
    if power is None:
        return 0
    factor = div64(min(power, _U64_MAX) << 64, ACCURACY << 64)
    return whole(mul64(reserve << 64, max(factor - ONE64, 0)))


def _share(weight: int, value: int) -> int:
    """``mul_perquintill_round``: to the nearest."""
    return min((min(value, _U128_MAX) * weight + HALF) // ACCURACY, _U128_MAX)


def _perquintill(part: int, total: int) -> int:
    """``Perquintill::from_rational``, which first brings both numbers down to 64 bits, cutting off."""
    factor = max(-(-total // ACCURACY), 1)
    return part // factor * ACCURACY // (total // factor)
