"""Costs and tariffs between their stored form and what a person types and reads. Integers all the way."""

from __future__ import annotations

import datetime
import re

from ranvier.core.units import Tao, format_tao, parse_rao
from ranvier.ledger.cost_book import TAO, Cost, Tariff
from ranvier.ledger.costs import Window
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.prices import MICRO
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.widgets.earning_sums import fiat_text

KINDS = (
    ("hardware", "Hardware, written off over its life"),
    ("rent", "Rent, every month"),
    ("registration", "Registration burn"),
    ("other", "Something else, once"),
)
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_PER_RAO = 10**9 // MICRO
_DAY_MINUTES = 24 * 60


def parse_fiat(text: str) -> int:
    """``0.31`` as millionths. Raises ValueError, also for more than six decimals."""
    rao = parse_rao(text)
    if rao % _PER_RAO:
        raise ValueError("more than six decimals")
    return rao // _PER_RAO


def plain_fiat(micro: int) -> str:
    """As one types it: ``0.31``."""
    whole, rest = divmod(micro, MICRO)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def parse_day(text: str) -> int:
    """A date as milliseconds of its first UTC moment. Raises ValueError."""
    day = datetime.date.fromisoformat(text.strip())
    return (day - datetime.date(1970, 1, 1)).days * DAY_MS


def day_text(at_ms: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(at_ms // DAY_MS)).isoformat()


def amount_text(cost: Cost) -> str:
    """``1 200.00 EUR``, with what it is of."""
    text = format_tao(Tao(cost.amount)) if cost.currency == TAO else fiat_text(cost.amount, cost.currency)
    return f"{text} a month" if cost.kind == "rent" else text


def cost_words(cost: Cost) -> str:
    """``written off by 2028-01-01``."""
    if cost.kind == "hardware" and cost.to_ms is not None:
        rest = f" to {fiat_text(cost.rest, cost.currency)}" if cost.rest else ""
        return f"written off{rest} by {day_text(cost.to_ms)}"
    if cost.kind == "rent":
        return "goes on" if cost.to_ms is None else f"until {day_text(cost.to_ms)}"
    return "once"


def costs_model() -> RowsModel[Cost]:
    names = {"hardware": "Hardware", "rent": "Rent", "registration": "Registration", "other": "Other"}
    return RowsModel(
        (
            Column[Cost]("From", lambda c: day_text(c.from_ms), lambda c: c.from_ms),
            Column[Cost]("Kind", lambda c: names[c.kind], lambda c: c.kind),
            Column[Cost]("What", lambda c: c.name, lambda c: c.name, tooltip=lambda c: c.proof),
            Column[Cost]("Amount", amount_text, lambda c: (c.currency, c.amount), number=True),
            Column[Cost]("How it counts", cost_words, cost_words),
        ),
        key=lambda cost: cost.id,
    )


def windows_text(windows: tuple[Window, ...]) -> str:
    """One line each: ``22:00-06:00 0.2 Mo-Fr``."""
    lines = []
    for one in windows:
        span = f"{_clock(one.from_minute)}-{_clock(one.to_minute)}"
        lines.append(f"{span} {plain_fiat(one.micro_per_kwh)} {_days(one.weekdays)}".strip())
    return "\n".join(lines)


def parse_windows(text: str) -> tuple[Window, ...]:
    """The same back. Raises ValueError with a sentence that names the line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = re.fullmatch(r"\s*(\d{1,2}:\d\d)\s*[-–]\s*(\d{1,2}:\d\d)\s+(\S+)\s*(.*?)\s*", line)
        if match is None:
            raise ValueError(f"Line {number}: write it like 22:00-06:00 0.21 or 08:00-20:00 0.38 Mo-Fr.")
        start, end, price, days = match.groups()
        try:
            window = Window(_minute(start), _minute(end), parse_fiat(price), _weekdays(days))
        except ValueError as error:
            raise ValueError(f"Line {number}: {error}.") from None
        if window.from_minute == window.to_minute:
            raise ValueError(f"Line {number}: it begins when it ends.")
        found.append(window)
    return tuple(found)


def tariff_words(tariff: Tariff | None) -> str:
    """The tariff in a sentence."""
    if tariff is None:
        return "No electricity tariff is told: electricity is not counted."
    text = f"Electricity costs {plain_fiat(tariff.micro_per_kwh)} {tariff.currency} per kWh"
    if tariff.windows:
        text += (
            f", at {len(tariff.windows)} {'time' if len(tariff.windows) == 1 else 'times'} of the day something else"
        )
    if tariff.extra_mw:
        text += f"; {tariff.extra_mw // 1000} W are added to what is measured"
    return f"{text}."


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minute(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if minute > 59 or hour * 60 + minute > _DAY_MINUTES:
        raise ValueError(f"{text} is no time of day")
    return hour * 60 + minute


def _days(days: tuple[int, ...]) -> str:
    if not days:
        return ""
    if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)


def _weekdays(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", text)):
        names = [name.strip().capitalize() for name in re.split("[-–]", part)]
        if not 1 <= len(names) <= 2 or any(name not in DAYS for name in names):
            raise ValueError(f"“{part}” is no day; use {', '.join(DAYS)}")
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found |= set(range(first, last + 1)) if first <= last else {*range(first, 7), *range(last + 1)}
    return tuple(sorted(found))
