"""The token in words: how much there is, how much is made, when that halves, who holds it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ranvier.agent.api.market_messages import Activity, TokenView
from ranvier.chain.supply import CAP_RAO, threshold
from ranvier.core.units import Tao, format_rao, format_tao
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.models.stake import percent_text
from ranvier.ui.words import block_text, duration_text

_DAY_S = 86_400.0
_MILLION = 1_000_000
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Halving:
    """One halving: at which issuance, what a block makes from then on, and when (``at_ms`` None: unknown).

    Of one that passed, ``block`` is the one in which it did; ``by_block`` is known where that is not.
    """

    number: int
    issuance_rao: int
    emission_rao: int
    passed: bool
    at_ms: int | None
    block: int | None = None
    by_block: int | None = None


def halvings(view: TokenView) -> tuple[Halving, ...]:
    """Those that passed, as far as the node knows when, and the next few, each estimated from the pace of this block
    on. An estimate only: recycled TAO lowers the issuance and moves a halving away."""
    supply, found = view.supply, []
    known = {one.number: one for one in view.passed}
    at = float(view.block.time_ms or 0) / 1000
    issued, made = supply.issuance_rao, supply.block_emission_rao
    for number in range(1, supply.halvings + _SHOWN - 1):
        point = threshold(number)
        passed = point <= supply.issuance_rao
        when = None
        if passed and number in known:
            one = known[number]
            found.append(Halving(number, point, 10**9 >> number, True, one.time_ms, one.block, one.by_block))
            continue
        if not passed and made > 0 and view.block_s and view.block.time_ms is not None:
            at += (point - issued) / made * view.block_s
            when = int(at * 1000)
            issued = point
            made //= 2
        found.append(Halving(number, point, 10**9 >> number, passed, when))
    return tuple(found)


def halvings_model() -> RowsModel[Halving]:
    return RowsModel(
        (
            Column[Halving]("Halving", lambda row: str(row.number), lambda row: row.number),
            Column[Halving](
                "At an issuance of",
                lambda row: format_tao(Tao(row.issuance_rao), 0),
                lambda row: row.issuance_rao,
                number=True,
            ),
            Column[Halving](
                "From then on a block makes",
                lambda row: format_tao(Tao(row.emission_rao)),
                lambda row: row.emission_rao,
                number=True,
            ),
            Column[Halving](
                "When",
                when_text,
                lambda row: (row.at_ms or 0) if row.passed else row.at_ms,
                tooltip=passed_words,
                help="Of those to come: estimated from the pace now; recycled TAO moves it away.",
            ),
        ),
        key=lambda row: row.number,
    )


def when_text(row: Halving) -> str:
    """``14 December 2025, block 7 103 000``, ``before block 8 000 000``, ``about March 2029``."""
    if row.passed:
        return _passed_text(row)
    if row.at_ms is None:
        return "unknown"
    try:
        moment = datetime.datetime.fromtimestamp(row.at_ms / 1000, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return "beyond the calendar"
    return f"about {moment.strftime('%B %Y')}"


def _passed_text(row: Halving) -> str:
    if row.block is not None:
        return f"{_day_text(row.at_ms)}block {block_text(row.block)}"
    if row.by_block is None:
        return "passed"
    return "before the first block" if row.by_block <= 1 else f"before block {block_text(row.by_block)}"


def _day_text(at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    moment = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    return f"{moment.day} {moment.strftime('%B %Y')}, "


def passed_words(row: Halving) -> str:
    """What the block of a halving rests on; empty for one that is to come."""
    if not row.passed:
        return ""
    if row.block is not None:
        return "The first block whose issuance had reached the mark, found by reading old states of the chain."
    if row.by_block is not None and row.by_block <= 1:
        return "This network began with more than that."
    return "The chain keeps no date of it, and this node has forgotten that time. A node that keeps everything knows."


def issued_ppm(view: TokenView) -> int:
    """Issued so far, of the cap."""
    return view.supply.issuance_rao * _MILLION // CAP_RAO


def staked_ppm(view: TokenView) -> int | None:
    staked = view.supply.staked_rao
    return None if staked is None or not view.supply.issuance_rao else staked * _MILLION // view.supply.issuance_rao


def a_day(count: int, activity: Activity) -> float | None:
    """As a rate; None where the time is not known."""
    return None if not activity.seconds else count * _DAY_S / activity.seconds


def activity_words(activity: Activity | None) -> list[tuple[str, str, str]]:
    """(name, value, note) of each figure."""
    if activity is None:
        return []
    span = f"last {activity.blocks} blocks"
    if activity.seconds:
        span += f", {duration_text(activity.seconds)}"

    def rate(count: int) -> str:
        per_day = a_day(count, activity)
        return "unknown" if per_day is None else f"{per_day:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")

    fees = a_day(activity.fees_rao, activity)
    return [
        ("Transactions a day", rate(activity.transactions), f"{activity.transactions} in the {span}"),
        ("of which failed", rate(activity.failed), f"{activity.failed} in the same time"),
        ("Registrations a day", rate(activity.registrations), f"{activity.registrations} in the same time"),
        (
            "Fees a day",
            "unknown" if fees is None else f"{format_rao(int(fees), 4)} TAO",
            f"{format_rao(activity.fees_rao, 6)} TAO in the same time",
        ),
    ]


def share_text(ppm: int | None) -> str | None:
    return None if ppm is None else percent_text(ppm)
