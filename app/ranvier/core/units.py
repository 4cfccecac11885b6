"""Rao-exact amounts. TAO and each subnet's alpha are different currencies; adding them is a type error.

One TAO is 10**9 rao, one alpha is 10**9 rao of alpha. A float never touches an amount, and text is made
and read here only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

RAO_PER_COIN = 10**9
_DECIMALS = 9
_NUMBER = re.compile(r"(\d{1,12})(?:[.,](\d{1,9}))?|[.,](\d{1,9})", re.ASCII)
# 1,000 is a thousand to one reader and one to another; money is not guessed.
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)


class UnitMismatchError(TypeError):
    """Two amounts of different currencies met in one sum or comparison."""


@dataclass(frozen=True, slots=True)
class _Amount:
    """A signed number of rao of one currency."""

    rao: int

    def __post_init__(self) -> None:
        if type(self.rao) is not int:
            raise TypeError(f"an amount is an int of rao, not {type(self.rao).__name__}")

    def _same(self, other: object) -> Self:
        if type(other) is not type(self):
            raise UnitMismatchError(f"{self!r} and {other!r} are not the same currency")
        return other

    def _with(self, rao: int) -> Self:
        return type(self)(rao)

    def __add__(self, other: Self) -> Self:
        return self._with(self.rao + self._same(other).rao)

    def __sub__(self, other: Self) -> Self:
        return self._with(self.rao - self._same(other).rao)

    def __neg__(self) -> Self:
        return self._with(-self.rao)

    def __lt__(self, other: Self) -> bool:
        return self.rao < self._same(other).rao

    def __le__(self, other: Self) -> bool:
        return self.rao <= self._same(other).rao

    def __gt__(self, other: Self) -> bool:
        return self.rao > self._same(other).rao

    def __ge__(self, other: Self) -> bool:
        return self.rao >= self._same(other).rao

    def __bool__(self) -> bool:
        return self.rao != 0


@dataclass(frozen=True, slots=True)
class Tao(_Amount):
    """An amount of TAO in rao."""

    def __str__(self) -> str:
        return format_tao(self)


@dataclass(frozen=True, slots=True)
class Alpha(_Amount):
    """An amount of the alpha of one subnet, in rao of alpha."""

    netuid: int

    def _same(self, other: object) -> Self:
        if not isinstance(other, Alpha) or other.netuid != self.netuid:
            raise UnitMismatchError(f"{self!r} and {other!r} are not the same currency")
        return other  # type: ignore[return-value]  # the isinstance above is the proof

    def _with(self, rao: int) -> Self:
        return type(self)(rao, self.netuid)

    def at_price(self, price_rao: int) -> Tao:
        """Value in TAO at ``price_rao`` (rao of TAO for one whole alpha), rounded down."""
        return Tao(self.rao * price_rao // RAO_PER_COIN)

    def __str__(self) -> str:
        return format_alpha(self)


def parse_rao(text: str) -> int:
    """Rao in a decimal number of coins typed by a person (``1``, ``0.5``, ``,25``).

    Raises ValueError for anything else: signs, exponents, group separators, more than nine decimals, and for
    what could mean two amounts (``1,000``).
    """
    if _AMBIGUOUS.fullmatch(text.strip()):
        raise ValueError(f"not an amount that is clear: {text.strip()!r} (write it without the comma, or with a point)")
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an amount: {text.strip()[:40]!r}")
    whole, fraction = match[1] or "0", match[2] or match[3] or ""
    return int(whole) * RAO_PER_COIN + int(fraction.ljust(_DECIMALS, "0"))


def format_rao(rao: int, decimals: int = _DECIMALS) -> str:
    """Decimal text of rao as coins, truncated (never rounded up) to ``decimals`` places, thin-space groups."""
    sign = "\N{MINUS SIGN}" if rao < 0 else ""
    whole, fraction = divmod(abs(rao), RAO_PER_COIN)
    groups = f"{whole:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    digits = f"{fraction:0{_DECIMALS}d}"[:decimals]
    return f"{sign}{groups}.{digits}" if digits else f"{sign}{groups}"


def format_tao(amount: Tao, decimals: int = _DECIMALS) -> str:
    """``1.234567890 TAO``."""
    return f"{format_rao(amount.rao, decimals)} TAO"


def alpha_unit(netuid: int) -> str:
    """``α1``, where the digit is the netuid; root has no alpha, its stake is TAO."""
    return f"α{netuid}" if netuid else "TAO on root"


def format_alpha(amount: Alpha, decimals: int = _DECIMALS) -> str:
    """``1.234567890 α1``."""
    return f"{format_rao(amount.rao, decimals)} {alpha_unit(amount.netuid)}"
