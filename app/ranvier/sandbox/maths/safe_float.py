"""The decimal float of share pools since AlphaV2 (``share_pool::SafeFloat``): mantissa * 10**exponent.

Except for zero, 10**20 < mantissa <= 10**21; what does not fit is cut off. Exponents never come near their limits
here, so that no operation fails for one.
"""

from __future__ import annotations

from typing import NamedTuple

DIGITS = 21
TOP = 10**DIGITS
_U64_MAX = (1 << 64) - 1


class SafeFloat(NamedTuple):
    """One number. Build it with ``of`` or ``of_bits``; the plain constructor does not normalise."""

    mantissa: int
    exponent: int

    @classmethod
    def of(cls, mantissa: int, exponent: int = 0) -> SafeFloat:
        """``normalize``: a mantissa that is not negative, cut off or widened to 21 digits."""
        if not mantissa:
            return ZERO
        over = len(str(mantissa)) - DIGITS
        mantissa = mantissa // 10**over if over > 0 else mantissa * 10**-over
        if mantissa == TOP // 10:
            return cls(TOP, exponent + over - 1)
        return cls(mantissa, exponent + over)

    @classmethod
    def of_bits(cls, bits: int) -> SafeFloat:
        """A U64F64 of the older rows: whole part plus fraction over 2**64, each normalised first."""
        return cls.of(bits >> 64) + cls.of(bits & _U64_MAX).over(cls.of(1 << 64))

    def __add__(self, other: SafeFloat) -> SafeFloat:  # type: ignore[override]  # a number, not a tuple
        """The smaller one loses what is below the other's last digit."""
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        high, low = (self, other) if self.exponent >= other.exponent else (other, self)
        return SafeFloat.of(high.mantissa + low._aligned(high.exponent), high.exponent)

    def __sub__(self, other: SafeFloat) -> SafeFloat:
        """Zero instead of less than zero; nothing is taken from zero."""
        if not self.mantissa or not other.mantissa:
            return self
        exponent = max(self.exponent, other.exponent)
        return SafeFloat.of(max(self._aligned(exponent) - other._aligned(exponent), 0), exponent)

    def over(self, divisor: SafeFloat) -> SafeFloat:
        """``div``; the divisor is not zero."""
        return SafeFloat.of(self.mantissa * TOP // divisor.mantissa, self.exponent - divisor.exponent - DIGITS)

    def part(self, share: SafeFloat, whole: SafeFloat) -> SafeFloat:
        """``mul_div``: self * share / whole, the product exact; zero when ``whole`` is."""
        if not whole.mantissa:
            return ZERO
        exponent = self.exponent + share.exponent - whole.exponent
        return SafeFloat.of(self.mantissa * share.mantissa // whole.mantissa, exponent)

    def floor(self) -> int:
        """Whole rao, at most a u64."""
        scale = _power(abs(self.exponent))
        return min(self.mantissa * scale if self.exponent > 0 else self.mantissa // scale, _U64_MAX)

    def _aligned(self, exponent: int) -> int:
        return self.mantissa // _power(exponent - self.exponent)


def _power(exponent: int) -> int:
    """``capped_pow10``: beyond 22 it makes no difference."""
    power: int = 10 ** min(exponent, DIGITS + 1)
    return power


ZERO = SafeFloat(0, 0)
