"""How subnets, prices and shares read: used wherever alpha is shown."""

from __future__ import annotations

from collections.abc import Iterable

from ranvier.chain.model import Subnet
from ranvier.core.units import Tao, format_rao, format_tao
from ranvier.ui.words import UNKNOWN


def subnet_text(netuid: int, name: str | None) -> str:
    """``1 · practice``, or the bare number."""
    return f"{netuid} · {name}" if name else str(netuid)


def subnet_names(subnets: Iterable[Subnet]) -> dict[int, str]:
    """Names by netuid."""
    return {subnet.netuid: subnet.name for subnet in subnets}


def price_text(price_rao: int | None) -> str:
    """TAO for one alpha, cut to six decimals."""
    return UNKNOWN if price_rao is None else f"{format_rao(price_rao, 6)} TAO"


def exact_price_text(price_rao: int | None) -> str:
    """All nine decimals."""
    return UNKNOWN if price_rao is None else f"{format_rao(price_rao)} TAO"


def spot_text(rao: int | None, decimals: int = 6) -> str:
    """A TAO value cut to ``decimals``; the tooltip has all nine."""
    return UNKNOWN if rao is None else format_tao(Tao(rao), decimals)


def percent_text(ppm: int) -> str:
    """Millionths as a percentage, cut off: ``4.1 %``; small ones keep two figures, below a millionth is said."""
    if ppm == 0:
        return "under 0.0001 %"
    whole, rest = divmod(ppm, 10_000)
    digits = f"{rest:04d}"
    if whole >= 100:
        return f"{whole} %"
    if whole:
        return f"{whole}.{digits[:1] if whole >= 10 else digits[:2]} %"
    shown = digits.rstrip("0")
    first = len(shown) - len(shown.lstrip("0"))
    return f"0.{shown[: max(2, first + 2)]} %"
