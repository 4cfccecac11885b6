"""Endpoints as table rows: how quick each is, how far behind, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.agent.api.market_messages import NetCheckView
from ranvier.chain.model_netcheck import EndpointCheck, best_of
from ranvier.core.units import Tao, format_tao
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.words import UNKNOWN, block_text, duration_text

_SLOW_MS = 400.0
_LATE_BLOCKS = 2
_NARROW = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class EndpointRow:
    view: EndpointCheck
    used: bool

    @property
    def problem(self) -> str | None:
        """The first thing that is wrong, in a sentence; None when it is well."""
        view = self.view
        if view.error is not None:
            return view.error
        if view.answered < view.asked:
            return f"{view.asked - view.answered} of {view.asked} requests were not answered."
        if view.lag_blocks is not None and view.lag_blocks > _LATE_BLOCKS:
            return f"It is {view.lag_blocks} blocks behind the others: what it says is old."
        if view.latency_ms is not None and view.latency_ms > _SLOW_MS:
            return "It is slow: pages and transactions wait for it."
        return None

    @property
    def finding(self) -> str:
        """The same in a word or two."""
        view = self.view
        if view.error is not None:
            return "no answer"
        if view.answered < view.asked:
            return "loses requests"
        if view.lag_blocks is not None and view.lag_blocks > _LATE_BLOCKS:
            return "behind"
        return "slow" if self.problem is not None else "well"


def endpoint_rows(found: NetCheckView) -> tuple[EndpointRow, ...]:
    return tuple(EndpointRow(view, view.endpoint == found.used) for view in found.endpoints)


def best_words(found: NetCheckView) -> str:
    """Which endpoint to use, in one sentence."""
    best = best_of(found.endpoints)
    if best is None:
        return "No endpoint answers. Check the connection of this machine, or set an endpoint of your own."
    if best.endpoint == found.used:
        return "The endpoint in use is the best of these."
    return f"{best.endpoint} is up to date and the quickest; it can be set in the settings."


def problem_words(found: NetCheckView) -> list[str]:
    """One sentence for each endpoint that is not well."""
    return [f"{row.view.endpoint}: {row.problem}" for row in endpoint_rows(found) if row.problem is not None]


def endpoints_model() -> RowsModel[EndpointRow]:
    return RowsModel(
        (
            Column[EndpointRow](
                "Endpoint",
                lambda row: f"{row.view.endpoint}{'  (in use)' if row.used else ''}",
                lambda row: row.view.endpoint,
                tooltip=lambda row: f"{row.view.endpoint}\nconnected in {ms_text(row.view.open_ms)}",
            ),
            Column[EndpointRow](
                "Answers in",
                lambda row: ms_text(row.view.latency_ms),
                lambda row: row.view.latency_ms,
                number=True,
                help="The median of several small requests.",
            ),
            Column[EndpointRow](
                "At worst",
                lambda row: ms_text(row.view.worst_ms),
                lambda row: row.view.worst_ms,
                number=True,
                spare=1,
            ),
            Column[EndpointRow](
                "Block", lambda row: block_text(row.view.block), lambda row: row.view.block, number=True
            ),
            Column[EndpointRow](
                "Behind",
                lambda row: UNKNOWN if row.view.lag_blocks is None else str(row.view.lag_blocks),
                lambda row: row.view.lag_blocks,
                number=True,
                help="Blocks behind the best of these endpoints at the same moment.",
            ),
            Column[EndpointRow](
                "Block age",
                lambda row: UNKNOWN if row.view.head_age_s is None else duration_text(row.view.head_age_s),
                lambda row: row.view.head_age_s,
                number=True,
                spare=2,
            ),
            Column[EndpointRow](
                "Finding",
                lambda row: row.finding,
                lambda row: row.finding,
                tooltip=lambda row: row.problem or "",
            ),
        ),
        key=lambda row: row.view.endpoint,
    )


def took_text(seconds: float | None) -> str | None:
    """How long something took: ``8 ms``, ``1.2 s``; None is not known."""
    if seconds is None:
        return None
    return ms_text(seconds * 1000) if seconds < 1 else f"{seconds:.1f}{_NARROW}s"


def friction_words(final_s: float | None, whole_s: float | None, fee_rao: int | None) -> str:
    """A payment beside the answer that it would pay for; empty until both were measured."""
    if final_s is None or not whole_s or fee_rao is None:
        return ""
    times = final_s / whole_s
    long = f"{times:.1f} times as long as" if times < 10 else f"{times:.0f} times as long as"
    return (
        f"A payment for each answer would be final after {took_text(final_s)}, {long} the answer itself takes, "
        f"and cost {format_tao(Tao(fee_rao))} in fees each time."
    )


def ms_text(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.0f}{_NARROW}ms" if value >= 1 else f"under 1{_NARROW}ms"
