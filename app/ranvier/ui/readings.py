"""How hardware readings, blocks, hashes, addresses and moments read on screen (``words`` has the rest).

None is ``unknown``; a missing reading never becomes a zero.
"""

from __future__ import annotations

import datetime

from ranvier.ui.words import UNKNOWN, bytes_text

_NARROW = "\N{NARROW NO-BREAK SPACE}"
_RATES = ("B/s", "kB/s", "MB/s", "GB/s", "TB/s")


def rate_text(per_second: float | None) -> str:
    """Bytes per second in decimal units, as network people count: ``1.2 MB/s``."""
    if per_second is None:
        return UNKNOWN
    amount, place = float(per_second), 0
    while abs(amount) >= 999.5 and place < len(_RATES) - 1:
        amount, place = amount / 1000, place + 1
    digits = 0 if place == 0 or abs(amount) >= 99.95 or amount == int(amount) else 1
    return f"{amount:.{digits}f} {_RATES[place]}"


def part_text(used: int | None, total: int | None) -> str:
    """``7.1 GiB of 24.0 GiB``; what is not known is said."""
    if used is None and total is None:
        return UNKNOWN
    return f"{bytes_text(used)} of {bytes_text(total)}"


def temperature_text(celsius: float | None) -> str:
    """``61 °C``."""
    return UNKNOWN if celsius is None else f"{celsius:.0f} °C"


def power_text(watts: float | None, limit: float | None = None) -> str:
    """``212 W of 450 W``; without a limit only the first half."""
    if watts is None and limit is None:
        return UNKNOWN
    drawn = UNKNOWN if watts is None else f"{watts:.0f} W"
    return drawn if limit is None else f"{drawn} of {limit:.0f} W"


def clock_text(mhz: int | None) -> str:
    """``2520 MHz``."""
    return UNKNOWN if mhz is None else f"{mhz} MHz"


def block_text(number: int | None) -> str:
    """A block height in groups of three: ``5 123 456``."""
    return UNKNOWN if number is None else f"{number:,}".replace(",", _NARROW)


def short_hash(value: str) -> str:
    """``0x12ab34cd…90ef12`` for a block or extrinsic hash."""
    return value if len(value) <= 18 else f"{value[:10]}…{value[-6:]}"


def grouped_address(ss58: str, size: int = 6) -> str:
    """The whole address in groups, so that a person can compare it with paper."""
    return " ".join(ss58[start : start + size] for start in range(0, len(ss58), size))


def local_time(time_ms: int | None, *, seconds: bool = False) -> str:
    """The computer's own time zone, ``2026-11-22 18:04``."""
    if time_ms is None:
        return UNKNOWN
    moment = datetime.datetime.fromtimestamp(time_ms / 1000).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def count_text(number: int, one: str, many: str = "") -> str:
    """``1 wallet``, ``3 wallets``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
