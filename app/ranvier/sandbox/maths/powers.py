"""Powers with a rational exponent, in the big-integer arithmetic of the runtime's ``safe-bigmath`` crate.

``SafeInt::pow_ratio_scaled`` decides every swap of a weighted pool, to its last digit: the same terms are summed,
cut off and stopped at the same places here.
"""

from __future__ import annotations

from functools import cache
from math import gcd

_MOST_ITERATIONS = 4096
_GREATEST_EXACT_EXPONENT = 1024
_GUARD_BITS = 24
_GUARD = 1 << _GUARD_BITS


def pow_ratio_scaled(top: int, bottom: int, exponent: int, divisor: int, precision: int, scale: int) -> int | None:
    """floor of (top / bottom) ** (exponent / divisor) * scale, as near as ``precision`` bits go.

    None where the runtime gives none: a divisor of 0. All arguments are non-negative.
    """
    if bottom == 0 or divisor == 0:
        return None
    if top == 0:
        return 0
    if exponent == 0:
        return scale
    common = gcd(exponent, divisor)
    exponent, divisor = exponent // common, divisor // common
    if exponent.bit_length() <= 32 and divisor.bit_length() <= 32 and exponent <= _GREATEST_EXACT_EXPONENT:
        return _root(top**exponent * scale**divisor, bottom**exponent, divisor)
    return _by_series(top, bottom, exponent, divisor, max(precision, 32, scale.bit_length() + 8), scale)


def _root(top: int, bottom: int, degree: int) -> int:
    """The greatest r with r ** degree * bottom <= top."""
    if degree == 1:
        return top // bottom
    low, high = 0, 1
    while high**degree * bottom <= top:
        high <<= 1
    while low < high:
        middle = (low + high + 1) >> 1
        if middle**degree * bottom <= top:
            low = middle
        else:
            high = middle - 1
    return low


def _by_series(top: int, bottom: int, exponent: int, divisor: int, bits: int, scale: int) -> int:
    inner = bits + _GUARD_BITS
    most = min(_MOST_ITERATIONS, inner + 128)
    logarithm = (_ln(top, inner, most) - _ln(bottom, inner, most)) * exponent // divisor
    return _rounded(_exp(logarithm, inner, most)) * scale >> bits


def _rounded(value: int) -> int:
    """Without the guard bits, half away from zero."""
    size = abs(value)
    cut = (size + _GUARD // 2) >> _GUARD_BITS
    return cut if value >= 0 else -cut


def _ln1p(x: int, inner: int, most: int) -> int:
    """ln(1 + x) by its series, until the rounded sum stands still."""
    term = result = x
    before = _rounded(result)
    for number in range(2, most + 1):
        term = term * x >> inner
        following = term // number
        if following == 0:  # also when the term itself has become 0
            break
        result += -following if number % 2 == 0 else following
        now = _rounded(result)
        if abs(following) < _GUARD or now == before:
            break
        before = now
    return result


def _exp(x: int, inner: int, most: int) -> int:
    """e ** x by its series, until the rounded sum stands still."""
    term = result = 1 << inner
    before = _rounded(result)
    for number in range(1, most + 1):
        term = term * x // (number << inner)
        if term == 0:
            break
        result += term
        now = _rounded(result)
        if abs(term) < _GUARD or now == before:
            break
        before = now
    return result


@cache
def _ln_two(inner: int, most: int) -> int:
    return -_ln1p(-(1 << inner >> 1), inner, most)


def _ln(value: int, inner: int, most: int) -> int:
    """Logarithm of a positive whole number: of its mantissa near one, and so many times ln 2."""
    shift = value.bit_length() - 1
    one = 1 << inner
    mantissa = (value << inner) >> shift
    if mantissa >= one + (one >> 1):
        mantissa >>= 1
        shift += 1
    return _ln1p(mantissa - one, inner, most) + _ln_two(inner, most) * shift
