"""The pool of spec 343: one Uniswap-v3 position of the protocol's own over the whole range (pallets/swap).

Nobody else has liquidity here (``EnabledUserLiquidity`` is off), so that no tick is ever crossed between the two
ends. The pool keeps the square root of its price and its liquidity; the reserves follow from swaps. Fees are counted
per unit of liquidity and join the position at the next injection. Amounts are rao, prices U64F64 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.maths.fixed64 import ONE64, div64, mul64, sqrt64, whole

LOWEST, HIGHEST = 4_295_048_017, 79_226_673_515_401_279_992_447_579_062
"""Square roots of the price at ticks -443636 and 443636, the ends of the range."""
LEAST_LIQUIDITY = 1_000
_EPSILON, _LIMIT_EPSILON = 18_446_744, 1_844_674_407  # 10**-12 and 10**-10


@dataclass(frozen=True, slots=True)
class Range:
    """One pool. ``fees_*`` are the counters (``FeeGlobal``), ``claimed_*`` what the position has taken of them."""

    sqrt_price: int
    liquidity: int
    position: int
    fees_tao: int = 0
    fees_alpha: int = 0
    claimed_tao: int = 0
    claimed_alpha: int = 0
    scrap_tao: int = 0
    scrap_alpha: int = 0

    @classmethod
    def of(cls, tao_rao: int, alpha_rao: int) -> Range:
        """A new pool over its reserves (``maybe_initialize_v3``)."""
        root = sqrt64(div64(tao_rao << 64, alpha_rao << 64), _EPSILON)
        liquidity = isqrt(tao_rao * alpha_rao)
        return cls(min(max(root, LOWEST), HIGHEST), liquidity, liquidity)

    def price(self) -> int:
        """``current_price``: U96F32 bits."""
        return mul64(self.sqrt_price, self.sqrt_price) >> 32

    def root_after_buying(self, tao: int) -> int:
        """``sqrt_price_target`` of a buy."""
        return div64(tao << 64, self.liquidity << 64) + self.sqrt_price

    def root_after_selling(self, alpha: int) -> int:
        """``sqrt_price_target`` of a sale."""
        return div64(ONE64, div64(alpha << 64, self.liquidity << 64) + div64(ONE64, self.sqrt_price))

    def tao_to_reach(self, root: int) -> int:
        """TAO that lifts the price to ``root`` squared (``delta_in``)."""
        return whole(mul64(self.liquidity << 64, max(root - self.sqrt_price, 0)))

    def alpha_to_reach(self, root: int) -> int:
        """Alpha that lowers the price to ``root`` squared (``delta_in``)."""
        return whole(mul64(self.liquidity << 64, max(div64(ONE64, root) - div64(ONE64, self.sqrt_price), 0)))

    def bought(self, tao: int) -> int:
        """Alpha that leaves for ``tao`` (``convert_deltas``)."""
        if not tao:
            return 0
        liquidity = self.liquidity << 64
        a = mul64(mul64(liquidity, self.sqrt_price) + (tao << 64), self.sqrt_price)
        return whole(mul64(div64(liquidity, a), tao << 64))

    def sold(self, alpha: int) -> int:
        """TAO that leaves for ``alpha`` (``convert_deltas``)."""
        if not alpha:
            return 0
        liquidity = self.liquidity << 64
        a = div64(liquidity, div64(liquidity, self.sqrt_price) + (alpha << 64))
        return whole(mul64(alpha << 64, mul64(a, self.sqrt_price)))

    def with_fee(self, *, tao: int = 0, alpha: int = 0) -> Range:
        """``add_fees``: a fee, shared out over the liquidity."""
        safe = max(self.liquidity - LEAST_LIQUIDITY, 0) << 64
        if not safe:
            return self
        return replace(
            self,
            fees_tao=self.fees_tao + div64(tao << 64, safe),
            fees_alpha=self.fees_alpha + div64(alpha << 64, safe),
        )

    def with_liquidity(self, tao: int, alpha: int) -> Range:
        """``adjust_protocol_liquidity``: what is injected, the fees and the scraps join the position at its price."""
        tao += self._claim(self.fees_tao - self.claimed_tao) + self.scrap_tao
        alpha += self._claim(self.fees_alpha - self.claimed_alpha) + self.scrap_alpha
        price = mul64(self.sqrt_price, self.sqrt_price)
        worth = whole(mul64(alpha << 64, price))
        if worth <= tao:
            used_tao, used_alpha = worth, alpha
        else:
            used_tao, used_alpha = tao, whole(div64(tao << 64, price))
        held_tao, held_alpha = self._amounts()
        position = isqrt((held_tao + used_tao) * (held_alpha + used_alpha))
        return replace(
            self,
            liquidity=self.liquidity + max(position - self.position, 0),
            position=position,
            claimed_tao=self.fees_tao,
            claimed_alpha=self.fees_alpha,
            scrap_tao=tao - used_tao,
            scrap_alpha=alpha - used_alpha,
        )

    def _claim(self, per_liquidity: int) -> int:
        return self.position * per_liquidity >> 64

    def _amounts(self) -> tuple[int, int]:
        """TAO and alpha in the position at its price (``to_token_amounts``)."""
        held = self.position << 64
        tao = whole(mul64(held, self.sqrt_price - LOWEST))
        return tao, whole(mul64(held, max(div64(ONE64, self.sqrt_price) - div64(ONE64, HIGHEST), 0)))


def root_of_limit(limit_price: int) -> int:
    """The square root of a price limit given in rao per alpha."""
    return sqrt64(div64(limit_price << 64, RAO_PER_COIN << 64), _LIMIT_EPSILON)
