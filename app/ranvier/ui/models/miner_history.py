"""A history as plain data: what a miner or a card used and earned, and what happened, on one axis. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ranvier.agent.api.messages import MinerHistory, MinerView
from ranvier.ledger.miner_sample import MinerSample
from ranvier.ledger.payments import Payment
from ranvier.miners.status import ExitRecord
from ranvier.ui.phrases import alpha_text, exit_text
from ranvier.ui.widgets.charts.series import Points, gaps, value_near
from ranvier.ui.words import block_text, percent_text, rate_text, size_text, temperature_text

_SHARED_NETWORK = "not known: it shares this machine's network"


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
class Curve:
    """One quantity over time: one line, or two of the same unit. ``lines`` are (what hovering calls it, points).

    ``floor`` and ``top`` fix the ends of its scale (None: as the data goes, but not below ``least``); ``none`` is said
    where nothing is known. ``limits`` are levels that it should stay below, each with its word.
    """

    name: str
    lines: tuple[tuple[str, Points], ...]
    words: Callable[[float | None], str]
    floor: float | None = 0.0
    top: float | None = None
    least: float = 0.0
    none: str = "not known in this time"
    limits: tuple[tuple[float, str], ...] = ()

    @property
    def known(self) -> bool:
        return any(value is not None for _name, points in self.lines for _at, value in points)

    def reach(self, start: float, end: float) -> tuple[float, float]:
        """The lowest and the highest value of its scale for what lies between two moments."""
        values = [value for _, points in self.lines for at, value in points if value is not None and start <= at <= end]
        low = self.floor if self.floor is not None else min(values, default=0.0) - 1
        high = self.top if self.top is not None else max(values, default=0.0)
        # a limit far above everything would press the line flat: it is drawn when it comes near
        high = max(
            [high, self.least, *(limit for limit, _word in self.limits if self.top is None and high > limit / 2)]
        )
        return low, high if high > low else low + 1.0

    def words_at(self, at: float) -> list[str]:
        return [f"{name} {self.words(value_near(points, at))}" for name, points in self.lines]


@dataclass(frozen=True, slots=True)
class Lines:
    """Everything between ``start`` and ``end`` (Unix seconds). ``pay_note`` says why pay is not known,
    ``pay_from`` since when it is, where that is later. A card has no runs, endpoint or versions of its own (``events``
    False), and the machine itself is not paid (``paid`` False): these have no lanes then."""

    start: float
    end: float
    runs: tuple[Span, ...] = ()
    ends: tuple[Dot, ...] = ()
    incidents: tuple[Dot, ...] = ()
    versions: tuple[Dot, ...] = ()
    drops: tuple[Span, ...] = ()
    curves: tuple[Curve, ...] = ()
    pay: tuple[Dot, ...] = ()
    pay_note: str = ""
    pay_from: float | None = None
    events: bool = True
    paid: bool = True


def build(miner: MinerView, told: MinerHistory) -> Lines:
    """Put what was told on one axis of time."""
    start, end = told.since, told.until
    return Lines(
        start=start,
        end=end,
        runs=_runs(told),
        ends=tuple(Dot(one.at, exit_text(one), not one.wanted) for one in told.exits if start <= one.at <= end),
        incidents=_dots(told, "incident"),
        versions=_dots(told, "updated", "kept", "taken back"),
        drops=_drops(told),
        curves=_curves(told.samples),
        pay=tuple(
            pay_dot(row) for row in told.pay if row.netuid == miner.netuid and start <= row.time_ms / 1000 <= end
        ),
        pay_note=told.pay_note,
        pay_from=told.pay_from,
    )  # fmt: skip


def pay_dot(row: Payment, name: str = "") -> Dot:
    """One payment; ``name`` is whose."""
    words = f"{name} paid {alpha_text(row.alpha_rao, row.netuid)} at block {block_text(row.block)}".strip()
    return Dot(row.time_ms / 1000, words, row.alpha_rao == 0, row.alpha_rao / 1e9)  # a height, never an amount


def _dots(told: MinerHistory, *kinds: str) -> tuple[Dot, ...]:
    return tuple(
        Dot(one.at, one.text, one.kind in ("taken back", "incident"))
        for one in told.moments
        if one.kind in kinds and told.since <= one.at <= told.until
    )


def _points(samples: Sequence[MinerSample], read: Callable[[MinerSample], float | None]) -> Points:
    return tuple((one.at, read(one)) for one in samples)


def _curves(samples: Sequence[MinerSample]) -> tuple[Curve, ...]:
    def one(name: str, read: Callable[[MinerSample], float | None]) -> tuple[str, Points]:
        return name, _points(samples, read)

    of_card = any(sample.temperature_c is not None for sample in samples)
    of_machine = not of_card and any(sample.machine_c is not None for sample in samples)
    heat = (
        one("machine", lambda sample: sample.machine_c)
        if of_machine
        else one("hottest card", lambda sample: sample.temperature_c)
    )
    return (
        Curve("CPU", (one("CPU", lambda s: s.cpu_percent),), _cores_text, least=5.0),
        Curve("Memory", (one("memory", lambda s: s.rss),), size_text),
        Curve("GPU", (one("busiest card", lambda s: s.gpu_percent),), percent_text, top=100.0),
        Curve("GPU memory", (one("GPU memory", lambda s: s.gpu_memory),), size_text),
        Curve("Machine heat" if of_machine else "Heat", (heat,), temperature_text, floor=None),
        Curve("Incentive", (one("incentive", lambda s: None if s.incentive is None else s.incentive / 655.35),),
              _share_text),
        Curve("Disk", (one("disk reads", lambda s: s.read_bps), one("disk writes", lambda s: s.write_bps)), rate_text),
        Curve("Network", (one("received", lambda s: s.received_bps), one("sent", lambda s: s.sent_bps)), rate_text,
              none=_SHARED_NETWORK if samples else "not known in this time"),
    )  # fmt: skip


def _cores_text(percent: float | None) -> str:
    return percent_text(percent) + (" of one core" if percent is not None else "")


def _share_text(percent: float | None) -> str:
    return percent_text(None) if percent is None else f"{percent:.2f}\N{NARROW NO-BREAK SPACE}%"


def _runs(told: MinerHistory) -> tuple[Span, ...]:
    spans = [_run(one, told.since) for one in told.exits if one.at >= told.since]
    if told.started_at is not None and told.started_at < told.until:
        spans.append(Span(max(told.since, told.started_at), told.until, "runs"))
    return tuple(Span(one.start, min(one.end, told.until), one.words, one.bad) for one in spans if one.end > one.start)


def _run(one: ExitRecord, start: float) -> Span:
    return Span(max(start, one.at - one.ran_s), one.at, f"ran; {exit_text(one)}", not one.wanted)


def _drops(told: MinerHistory) -> tuple[Span, ...]:
    spans: list[Span] = []
    since: float | None = None
    words = ""
    for one in told.moments:
        if one.kind == "endpoint lost" and since is None:
            since, words = one.at, one.text
        elif one.kind == "endpoint back" and since is not None:
            spans.append(Span(max(told.since, since), one.at, f"endpoint lost: {words}", True))
            since = None
    if since is not None:
        spans.append(Span(max(told.since, since), told.until, f"endpoint lost: {words}", True))
    return tuple(spans)


def unknown(points: Points, start: float, end: float) -> list[tuple[float, float]]:
    """The spans between two moments for which a line knows nothing, those before its first and after its last value
    included."""
    known = [at for at, value in points if value is not None]
    if not known:
        return [(start, end)]
    found = gaps(points, end)
    step = (known[-1] - known[0]) / max(1, len(known) - 1)
    if known[0] - start > max(30.0, 3.5 * step):
        found = [(start, known[0]), *(span for span in found if span[0] >= known[0])]
    return [(max(start, one), min(end, other)) for one, other in found if other > start and one < end]


def words_at(lines: Lines, at: float, reach_s: float) -> list[str]:
    """What was so, and what happened, around a moment: for hovering."""
    found = [text for curve in lines.curves if curve.known for text in curve.words_at(at)]
    near = [
        dot.words for dot in (*lines.ends, *lines.incidents, *lines.versions, *lines.pay) if abs(dot.at - at) <= reach_s
    ]
    found += near[:4] + ([f"and {len(near) - 4} more; zoom in to see them"] if len(near) > 4 else [])
    found += [span.words for span in lines.drops if span.start <= at <= span.end]
    run = next((span.words for span in lines.runs if span.start <= at <= span.end), "")
    return [*found, run] if run else found
