"""What a share of a hotkey's alpha pool is worth, for each form in which chains keep it. Integers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_NORMAL_LOW = 10**20
_NORMAL_HIGH = 10**21


@dataclass(frozen=True, slots=True)
class SafeFloat:
    """``mantissa * 10**exponent``, normalised by truncation to 10**20 < mantissa <= 10**21."""

    mantissa: int
    exponent: int

    def normal(self) -> SafeFloat:
        mantissa, exponent = self.mantissa, self.exponent
        if mantissa == 0:
            return SafeFloat(0, 0)
        while mantissa > _NORMAL_HIGH:
            mantissa, exponent = mantissa // 10, exponent + 1
        while mantissa <= _NORMAL_LOW:
            mantissa, exponent = mantissa * 10, exponent - 1
        return SafeFloat(mantissa, exponent)

    def floor(self) -> int:
        """The whole part; a number that no amount of rao can reach is refused with ValueError."""
        if self.exponent > 0:
            raise ValueError("share out of range")
        return 0 if self.exponent < -22 else int(self.mantissa // 10**-self.exponent)


def read_share(value: Any) -> int | SafeFloat | None:
    """A stored share or denominator: an int of 2**-64 units, a SafeFloat, or None when there is none."""
    if value is None:
        return None
    if isinstance(value, dict) and "mantissa" in value:
        number = SafeFloat(int(value["mantissa"]), int(value["exponent"]))
        return number if number.mantissa else None
    if isinstance(value, dict) and "bits" in value:
        return int(value["bits"]) or None
    return int(value) << 64 or None


def value_rao(total_rao: int, share: int | SafeFloat, denominator: int | SafeFloat, *, whole: bool = False) -> int:
    """Alpha of one share: ``total * share / denominator``, rounded as the runtime rounds.

    ``whole``: the chain keeps shares as plain integers (I96F32 arithmetic) instead of U64F64.
    """
    if isinstance(share, SafeFloat) or isinstance(denominator, SafeFloat):
        return _safe_value(total_rao, _as_safe(share), _as_safe(denominator))
    if whole:
        per_share = (total_rao << 32) // (denominator >> 64)
        return (per_share * (share >> 64)) >> 32
    per_share = ((total_rao << 64) << 64) // denominator
    if per_share >= 1 << 128:
        return (total_rao * share) // denominator
    return ((per_share * share) >> 64) >> 64


def _as_safe(number: int | SafeFloat) -> SafeFloat:
    """U64F64 bits as mantissa and exponent: 2**-64 == 5**64 * 10**-64."""
    if isinstance(number, SafeFloat):
        return number
    return SafeFloat(number * 5**64, -64).normal()


def _safe_value(total_rao: int, share: SafeFloat, denominator: SafeFloat) -> int:
    total = SafeFloat(total_rao, 0).normal()
    if total.mantissa == 0 or denominator.mantissa == 0:
        return 0
    mantissa = total.mantissa * share.mantissa // denominator.mantissa
    return SafeFloat(mantissa, total.exponent + share.exponent - denominator.exponent).normal().floor()
