"""One miner's time line as plain data: runs and ends, pay, temperature, the endpoint, versions. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranvier.agent.messages import EarningRow, MinerView, Timeline
from ranvier.hardware.snapshot import Hardware
from ranvier.miners.status import ExitRecord
from ranvier.ui.phrases import alpha_text, exit_text
from ranvier.ui.words import temperature_text

_GAP_S = 180.0  # samples further apart are not joined by a line


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted. ``bad``: it is trouble."""

    start: float
    end: float
    words: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """Something that happened at one moment. ``value`` where it has a height."""

    at: float
    words: str
    bad: bool = False
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Everything between ``start`` and ``end`` (Unix seconds). ``heat`` is cut where samples are missing."""

    start: float
    end: float
    runs: tuple[Span, ...] = ()
    ends: tuple[Dot, ...] = ()
    pay: tuple[Dot, ...] = ()
    heat: tuple[tuple[tuple[float, float], ...], ...] = ()
    drops: tuple[Span, ...] = ()
    versions: tuple[Dot, ...] = ()
    heat_of: str = ""

    @property
    def empty(self) -> bool:
        return not (self.runs or self.ends or self.pay or self.heat or self.drops or self.versions)


def build(
    miner: MinerView, told: Timeline, rows: Sequence[EarningRow], samples: Sequence[Hardware], start: float, end: float
) -> Lines:
    """Put what was asked for on one line of time."""
    heat, heat_of = _heat(samples, miner.gpus)
    return Lines(
        start=start,
        end=end,
        runs=_runs(told, start, end),
        ends=tuple(Dot(one.at, exit_text(one), not one.wanted) for one in told.exits if start <= one.at <= end),
        pay=tuple(
            Dot(row.time_ms / 1000, f"paid {alpha_text(row.alpha_rao, row.netuid)} at block {row.block}",
                row.alpha_rao == 0, row.alpha_rao / 1e9)  # a height on screen, never an amount
            for row in sorted(rows, key=lambda one: one.time_ms)
            if row.netuid == miner.netuid and start <= row.time_ms / 1000 <= end
        ),
        heat=heat,
        heat_of=heat_of,
        drops=_drops(told, start, end),
        versions=tuple(
            Dot(one.at, one.text, one.kind == "taken back")
            for one in told.moments
            if one.kind in ("updated", "kept", "taken back") and start <= one.at <= end
        ),
    )  # fmt: skip


def _runs(told: Timeline, start: float, end: float) -> tuple[Span, ...]:
    spans = [_run(one, start) for one in told.exits if one.at >= start]
    if told.started_at is not None:
        spans.append(Span(max(start, told.started_at), end, "runs"))
    return tuple(span for span in spans if span.end > span.start)


def _run(one: ExitRecord, start: float) -> Span:
    return Span(max(start, one.at - one.ran_s), one.at, f"ran; {exit_text(one)}", not one.wanted)


def _heat(samples: Sequence[Hardware], gpus: Sequence[str]) -> tuple[tuple[tuple[tuple[float, float], ...], ...], str]:
    """The hottest of its cards (of all, when none is chosen); the machine's own temperature without cards."""
    pieces: list[list[tuple[float, float]]] = []
    of_cards = any(gpu.temperature_c is not None for sample in samples for gpu in sample.gpus)
    for sample in samples:
        if of_cards:
            found = [
                float(gpu.temperature_c)
                for gpu in sample.gpus
                if gpu.temperature_c is not None and (not gpus or gpu.uuid in gpus)
            ]
            value = max(found, default=None)
        else:
            value = sample.host.temperature_c
        if value is None:
            continue
        if not pieces or sample.at - pieces[-1][-1][0] > _GAP_S:
            pieces.append([])
        pieces[-1].append((sample.at, value))
    return tuple(tuple(piece) for piece in pieces), "Card" if of_cards else "Machine"


def _drops(told: Timeline, start: float, end: float) -> tuple[Span, ...]:
    spans: list[Span] = []
    since: float | None = None
    words = ""
    for one in told.moments:
        if one.kind == "endpoint lost" and since is None:
            since, words = one.at, one.text
        elif one.kind == "endpoint back" and since is not None:
            spans.append(Span(max(start, since), one.at, f"endpoint lost: {words}", True))
            since = None
    if since is not None:
        spans.append(Span(max(start, since), end, f"endpoint lost: {words}", True))
    return tuple(spans)


def words_at(lines: Lines, at: float, reach_s: float) -> list[str]:
    """What happened around a moment, for hovering."""
    found = [dot.words for dot in (*lines.ends, *lines.pay, *lines.versions) if abs(dot.at - at) <= reach_s]
    found += [span.words for span in (*lines.drops, *lines.runs) if span.start <= at <= span.end]
    near = min((point for piece in lines.heat for point in piece), key=lambda point: abs(point[0] - at), default=None)
    if near is not None and abs(near[0] - at) <= max(reach_s, _GAP_S):
        found.append(f"{lines.heat_of.lower()} {temperature_text(near[1])}")
    return found[:8]
