"""Fixed-point numbers with 64 fractional bits as plain ints, as the runtime's U64F64 (and I64F64, I32F32 by name).

A number x is stored as floor(x * 2**64) and called *bits*. Results above the type's limit stop at it, a quotient
that does not fit or has no divisor is 0 (``safe_div``), and what does not fit into the fraction is cut off.
"""

from __future__ import annotations

from ranvier.sandbox.maths.fixed import FRACTION

ONE64 = 1 << 64
LIMIT = (1 << 128) - 1
"""The greatest U64F64."""
_LOG2_E = 12_102_203 << 9
"""log2(e) as the runtime's library has it: 23 fractional bits (I9F23), widened to 32."""
_E = 22_802_600 << 9
_I32_MAX = (1 << 63) - 1


def mul64(a: int, b: int) -> int:
    """``saturating_mul`` of two U64F64."""
    return min(a * b >> 64, LIMIT)


def div64(a: int, b: int) -> int:
    """``safe_div`` of two U64F64: 0 where the quotient does not exist or does not fit."""
    if b == 0:
        return 0
    quotient = (a << 64) // b
    return quotient if quotient <= LIMIT else 0


def whole(bits: int) -> int:
    """``saturating_to_num::<u64>``: the whole part."""
    return bits >> 64


def sqrt64(value: int, epsilon: int) -> int:
    """``checked_sqrt`` of safe-math: bisection until the guess and value / guess are within ``epsilon`` bits."""
    low, high = (0, value) if value > ONE64 else (value, ONE64)
    middle = (high + low) // 2
    check = div64(value, middle)
    for _ in range(129):
        if abs(check - middle) <= epsilon:
            break
        if check < middle:
            high = middle
        else:
            low = middle
        middle = (high + low) // 2
        check = div64(value, middle)
    return middle


def ln32(operand: int) -> int | None:
    """Natural logarithm of an I32F32 (``transcendental::ln``); None for what has none there."""
    if operand <= 0:
        return None
    inverted = operand < 1 << FRACTION
    log2 = _log2((1 << 2 * FRACTION) // operand if inverted else operand)
    quotient = (log2 << FRACTION) // _LOG2_E
    return -quotient if inverted else quotient


def exp32(operand: int) -> int | None:
    """e to the power of an I32F32 (``transcendental::exp``, 30 terms of the series); None when it does not fit."""
    if operand == 0:
        return 1 << FRACTION
    if operand == 1 << FRACTION:
        return _E
    size = abs(operand)
    result, term = size + (1 << FRACTION), size
    for number in range(2, FRACTION):
        term = (term * size >> FRACTION) // number
        result += term
        if max(term * size >> FRACTION, result) > _I32_MAX:
            return None
    return result if operand > 0 else (1 << 2 * FRACTION) // result


def _log2(x: int) -> int:
    """Base 2 logarithm of an I32F32 that is at least one, bit by bit."""
    one, two, bits = 1 << FRACTION, 2 << FRACTION, 0
    while x >= two:
        bits += 1
        x = (x >> 1) + (x & 1)
    if x == one:
        return bits << FRACTION
    for _ in range(FRACTION):
        x = x * x >> FRACTION
        bits <<= 1
        if x >= two:
            bits |= 1
            x = (x >> 1) + (x & 1)
    return bits
