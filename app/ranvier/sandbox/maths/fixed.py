"""Fixed-point numbers as plain ints: 32 fractional bits, as the runtime's I32F32 and I96F32.

A number x is stored as floor(x * 2**32) and called *bits*. Products and quotients are cut off, never rounded, as
the runtime does. All values here stay far from the runtime's saturation limits (2**31 for I32F32 is passed only
by a row of more than 32768 full weights), so saturation is not imitated.
"""

from __future__ import annotations

from collections.abc import Sequence

FRACTION = 32
ONE = 1 << FRACTION
U16_MAX = 65535


def mul(a: int, b: int) -> int:
    """Product of two fixed-point numbers, rounded towards minus infinity."""
    return (a * b) >> FRACTION


def div(a: int, b: int) -> int:
    """Quotient of two non-negative fixed-point numbers, cut off; 0 when ``b`` is 0 (``safe_div``)."""
    return (a << FRACTION) // b if b else 0


def from_u16(value: int) -> int:
    """A u16 proportion (65535 is one) as bits (``u16_proportion_to_fixed``)."""
    return (value << FRACTION) // U16_MAX


def to_u16(bits: int) -> int:
    """Bits in [0, 1] as a u16 proportion, cut off (``fixed_proportion_to_u16``)."""
    return min((bits * U16_MAX) >> FRACTION, U16_MAX)


def normalised(values: Sequence[int]) -> list[int]:
    """Each value over the sum of all, so that they add up to at most one; unchanged when all are 0."""
    total = sum(values)
    return [div(value, total) for value in values] if total else list(values)


def normalised_amounts(amounts: Sequence[int]) -> list[int]:
    """Whole amounts (rao) as shares of their sum, by way of 64 fractional bits (``inplace_normalize_64``)."""
    total = sum(amounts)
    return [(amount << 64) // total >> FRACTION for amount in amounts] if total else [0] * len(amounts)


def max_upscale_u16(bits: Sequence[int]) -> list[int]:
    """Scale non-negative numbers so that the greatest becomes 65535, rounded half up (``vec_max_upscale_to_u16``)."""
    greatest = max(bits, default=0)
    if not greatest:
        return [0] * len(bits)
    top, half = U16_MAX << FRACTION, ONE >> 1
    if greatest > 32768 << FRACTION:
        factor = div(top, greatest)
        scaled = [mul(value, factor) for value in bits]
    else:
        scaled = [div(mul(value, top), greatest) for value in bits]
    return [min((value + half) >> FRACTION, U16_MAX) for value in scaled]


def max_upscale_weights(weights: Sequence[int]) -> list[int]:
    """u16 weights as ``set_weights`` stores them: the greatest becomes 65535 (``vec_u16_max_upscale_to_u16``)."""
    return max_upscale_u16([weight << FRACTION for weight in weights])


def within_limit(weights: Sequence[int], limit: int) -> bool:
    """Whether no weight is more than ``limit``/65535 of their sum (``check_vec_max_limited``)."""
    shares = normalised([weight << FRACTION for weight in weights])
    return max(shares, default=0) <= from_u16(limit)
