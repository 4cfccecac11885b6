"""How values read on screen: sizes, rates, temperatures, ages, addresses. No Qt, no money (that is core.units).

Every function takes None for "not known" and says ``unknown``; a missing reading never becomes a zero.
"""

from __future__ import annotations

import datetime
import html
import re

from ranvier.core.evidence import block_text as block_text  # with the other words, for pages

UNKNOWN = "unknown"
_LONG_ARGUMENT = re.compile(r"=(?=\w{40})")
_NARROW = "\N{NARROW NO-BREAK SPACE}"
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_RATES = ("B/s", "kB/s", "MB/s", "GB/s", "TB/s")


def size_text(count: float | None) -> str:
    """Bytes as ``512 B``, ``1.5 GiB``, ``24 GiB``: three figures at most."""
    return _scaled(count, 1024, _SIZES)


def tip_text(text: str) -> str:
    """A tooltip that is shown as it stands: Qt takes one with marks in it for a page, with links and pictures."""
    if not re.search(r"<[A-Za-z/!?]", text):
        return text
    return "<qt>" + html.escape(text, quote=False).replace("\n", "<br>") + "</qt>"


def rate_text(per_second: float | None) -> str:
    """Bytes per second in decimal units, as network people count: ``1.2 MB/s``."""
    return _scaled(per_second, 1000, _RATES)


def _scaled(value: float | None, step: int, units: tuple[str, ...]) -> str:
    if value is None:
        return UNKNOWN
    amount, place = float(value), 0
    while abs(amount) >= step - 0.5 and place < len(units) - 1:
        amount, place = amount / step, place + 1
    digits = 0 if place == 0 or abs(amount) >= 99.95 or amount == int(amount) else 1
    return f"{amount:.{digits}f}{_NARROW}{units[place]}"


def part_text(used: int | None, total: int | None) -> str:
    """``7.1 GiB of 24 GiB``; what is not known is said."""
    if used is None and total is None:
        return UNKNOWN
    return f"{size_text(used)} of {size_text(total)}"


def percent_text(value: float | None) -> str:
    """``37 %``."""
    return UNKNOWN if value is None else f"{value:.0f}{_NARROW}%"


def temperature_text(celsius: float | None) -> str:
    """``61 °C``."""
    return UNKNOWN if celsius is None else f"{celsius:.0f}{_NARROW}°C"


def power_text(watts: float | None, limit: float | None = None) -> str:
    """``212 W of 450 W``; without a limit only the first half."""
    if watts is None and limit is None:
        return UNKNOWN
    drawn = UNKNOWN if watts is None else f"{watts:.0f}{_NARROW}W"
    return drawn if limit is None else f"{drawn} of {limit:.0f}{_NARROW}W"


def clock_text(mhz: int | None) -> str:
    """``2520 MHz``."""
    return UNKNOWN if mhz is None else f"{mhz}{_NARROW}MHz"


def duration_text(seconds: float | None) -> str:
    """``45 s``, ``12 min``, ``3 h 20 min``, ``4 days 2 h``."""
    if seconds is None:
        return UNKNOWN
    total = max(0, int(seconds))
    if total < 60:
        return f"{total} s"
    minutes = total // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    unit = "day" if days == 1 else "days"
    return f"{days} {unit} {hours} h" if hours else f"{days} {unit}"


def breakable(text: str) -> str:
    """A call in words, whose line may break before each address in it."""
    return _LONG_ARGUMENT.sub("=\N{ZERO WIDTH SPACE}", text)


def short_address(ss58: str) -> str:
    """``5GrwvaEF…GKutQY``: enough of both ends to tell two addresses apart at a glance."""
    return ss58 if len(ss58) <= 16 else f"{ss58[:8]}…{ss58[-6:]}"


def short_hash(value: str) -> str:
    """``0x12ab34…90ef12`` for a block or extrinsic hash."""
    return value if len(value) <= 16 else f"{value[:8]}…{value[-6:]}"


def grouped_address(ss58: str, size: int = 6) -> str:
    """The whole address in groups, so that a person can compare it with paper."""
    return " ".join(ss58[start : start + size] for start in range(0, len(ss58), size))


def local_time(time_ms: int | None, *, seconds: bool = False) -> str:
    """The computer's own time zone, ``2026-11-22 18:04``."""
    if time_ms is None:
        return UNKNOWN
    moment = datetime.datetime.fromtimestamp(time_ms / 1000).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def utc_time(time_ms: int | None) -> str:
    """The same moment on the clock of ledgers, charts of days and exports: ``2026-11-22 17:04``, in UTC."""
    if time_ms is None:
        return UNKNOWN
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M")


def here_text(time_ms: int | None) -> str:
    """A moment of UTC on this computer's clock, for a tooltip: ``2026-11-22 18:04 on this computer's clock``."""
    return UNKNOWN if time_ms is None else f"{local_time(time_ms)} on this computer's clock"


def count_text(number: int, one: str, many: str = "") -> str:
    """``1 wallet``, ``3 wallets``, ``333 320 payments``."""
    many_digits = abs(number) >= 10_000
    return f"{block_text(number) if many_digits else number} {one if number == 1 else many or one + 's'}"
