"""What mining costs, as pure functions on integers: electricity, depreciation, rent.

Amounts of fiat are millionths (micro), energy is in microjoules (milliwatts times milliseconds). A cost over time is
the difference of two values of one rounded-down running sum, so that parts always add up to the whole.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.ledger.payments import DAY_MS

HOUR_MS = 3_600_000
_MINUTES = 24 * 60
_MICROJOULES_PER_KWH = 3_600_000_000_000


class Window(msgspec.Struct, frozen=True):
    """A rate for a part of the day: minutes since midnight, ``to_minute`` outside; over midnight when it is smaller.

    ``weekdays`` are those on which the window begins (0 Monday to 6 Sunday); empty means every day.
    """

    from_minute: int
    to_minute: int
    micro_per_kwh: int
    weekdays: tuple[int, ...] = ()


class Tariff(msgspec.Struct, frozen=True):
    """The price of electricity. The first window that fits counts, else ``micro_per_kwh``.

    ``zone`` is the name of the time zone (``Europe/Berlin``). ``extra_mw`` milliwatts of the machine that nothing
    measures are added while anything is measured; ``factor_ppm`` millionths by which the measured part is
    multiplied: 1 100 000 for a power supply that loses a tenth.
    """

    currency: str
    micro_per_kwh: int
    windows: tuple[Window, ...] = ()
    zone: str = "UTC"
    extra_mw: int = 0
    factor_ppm: int = 1_000_000


class Energy(msgspec.Struct, frozen=True):
    """What was measured in one hour: microjoules over ``measured_ms`` of its milliseconds."""

    hour_ms: int
    microjoules: int
    measured_ms: int


class Electricity(msgspec.Struct, frozen=True):
    """One UTC day: energy and its cost; ``measured_ms`` of the day were measured, the rest is unknown."""

    day: int
    microjoules: int
    cost_micro: int
    measured_ms: int


def check_tariff(tariff: Tariff) -> None:
    """Raises LedgerError for a tariff that makes no sense."""
    _zone(tariff.zone)
    minutes = all(0 <= w.from_minute < _MINUTES and 0 <= w.to_minute <= _MINUTES for w in tariff.windows)
    days = all(0 <= day <= 6 for w in tariff.windows for day in w.weekdays)
    amounts = min((tariff.micro_per_kwh, tariff.extra_mw, *(w.micro_per_kwh for w in tariff.windows))) >= 0
    if not (minutes and days and amounts and 0 < tariff.factor_ppm <= 10_000_000):
        raise LedgerError("Tariff not understood", "A time or an amount of the tariff is out of range.")


def rate_of(tariff: Tariff, weekday: int, minute: int) -> int:
    """Micro per kWh at a minute of a weekday, local time."""
    for window in tariff.windows:
        over = window.to_minute <= window.from_minute
        inside = window.from_minute <= minute < (_MINUTES if over else window.to_minute)
        begun = weekday
        if over and minute < window.to_minute:
            inside, begun = True, (weekday - 1) % 7  # it began yesterday
        if inside and (not window.weekdays or begun in window.weekdays):
            return window.micro_per_kwh
    return tariff.micro_per_kwh


def electricity(hours: Iterable[Energy], tariff: Tariff) -> tuple[Electricity, ...]:
    """Cost by UTC day. Within an hour the energy is taken as even: its price is the mean of the minutes' rates."""
    zone = _zone(tariff.zone)
    days: dict[int, list[int]] = {}
    for one in hours:
        energy = one.microjoules * tariff.factor_ppm // 1_000_000 + tariff.extra_mw * one.measured_ms
        found = days.setdefault(one.hour_ms // DAY_MS, [0, 0, 0])
        found[0] += energy
        found[1] += energy * _hour_rates(tariff, zone, one.hour_ms)
        found[2] += one.measured_ms
    return tuple(
        Electricity(day, energy, cost // (60 * _MICROJOULES_PER_KWH), measured)
        for day, (energy, cost, measured) in sorted(days.items())
    )


def _hour_rates(tariff: Tariff, zone: datetime.tzinfo, hour_ms: int) -> int:
    """The sum of the rates of the hour's sixty minutes."""
    if not tariff.windows:
        return 60 * tariff.micro_per_kwh
    start = datetime.datetime.fromtimestamp(hour_ms // 1000, zone)
    return _minute_rates(tariff, start.weekday(), start.hour * 60 + start.minute)


@lru_cache(maxsize=4096)
def _minute_rates(tariff: Tariff, weekday: int, minute: int) -> int:
    """Sixty minutes from here on."""
    places = (divmod(minute + offset, _MINUTES) for offset in range(60))
    return sum(rate_of(tariff, (weekday + over) % 7, at) for over, at in places)


def spread(amount: int, rest: int, from_ms: int, to_ms: int) -> Callable[[int], int]:
    """Straight-line depreciation from ``amount`` to ``rest``: what is written off until a moment."""

    def until(moment_ms: int) -> int:
        passed = min(max(moment_ms, from_ms), to_ms) - from_ms
        return (amount - rest) * passed // (to_ms - from_ms)

    return until


def monthly(amount: int, from_ms: int, to_ms: int | None) -> Callable[[int], int]:
    """Rent per calendar month (UTC) from a moment on: what is owed until a moment."""

    def until(moment_ms: int) -> int:
        end = moment_ms if to_ms is None else min(moment_ms, to_ms)
        return 0 if end <= from_ms else _months(end, amount) - _months(from_ms, amount)

    return until


def once(amount: int, at_ms: int) -> Callable[[int], int]:
    """A cost of one moment."""
    return lambda moment_ms: amount if moment_ms > at_ms else 0


def between(until: Callable[[int], int], start_ms: int, end_ms: int) -> int:
    """The part of a running cost that falls into [start, end)."""
    return until(end_ms) - until(start_ms)


def _months(moment_ms: int, amount: int) -> int:
    """``amount`` times the months since year 1, the running month by its part."""
    moment = datetime.datetime.fromtimestamp(moment_ms // 1000, datetime.UTC)
    first = datetime.datetime(moment.year, moment.month, 1, tzinfo=datetime.UTC)
    following = datetime.datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=datetime.UTC)
    passed = moment_ms - int(first.timestamp()) * 1000
    length = int((following - first).total_seconds()) * 1000
    return amount * (moment.year * 12 + moment.month) + amount * passed // length


def _zone(name: str) -> datetime.tzinfo:
    if name == "UTC":
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise LedgerError(
            "Time zone not known", f"“{name[:40]}” is no time zone on this machine.", "Use UTC."
        ) from error
