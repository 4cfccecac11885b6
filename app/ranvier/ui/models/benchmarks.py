"""Benchmarks in words and rows: targets, progress, percentiles, results, comparisons. No Qt widget."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranvier.agent.api.messages import AgentStatus
from ranvier.benchmark.figures import DeviceResult, kept_share
from ranvier.benchmark.metrics import LoadResult, Spread
from ranvier.benchmark.objectives import Objective
from ranvier.benchmark.serving import ServingProgress
from ranvier.benchmark.store import Record, Row, Store, Value, values
from ranvier.core.paths import Paths
from ranvier.hardware.snapshot import Hardware
from ranvier.miners.generations import Generations
from ranvier.miners.status import MinerState
from ranvier.miners.torch_cuda import SITE_PACKAGES
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.words import UNKNOWN, count_text, duration_text, local_time

KINDS = {"device": "Device", "serving": "Serving", "sweep": "Serving sweep"}
_NARROW, _MAY_BREAK = "\N{NARROW NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}"
_LONG_NAME = 40


@dataclass(frozen=True, slots=True)
class Target:
    """A place to measure: what the list says, and the API's base."""

    title: str
    url: str


def targets(status: AgentStatus | None) -> tuple[Target, ...]:
    """The running miners' own ports."""
    miners = status.miners if status is not None else ()
    return tuple(
        Target(f"{miner.name}, port {miner.axon_port}", f"http://127.0.0.1:{miner.axon_port}/v1")
        for miner in miners
        if miner.axon_port is not None and miner.state in (MinerState.RUNNING, MinerState.STARTING)
    )


def devices(sample: Hardware | None, torch: Sequence[Torch] = ()) -> tuple[tuple[str, str, str | None], ...]:
    """What can be measured here: (words, kind, uuid; of a miner's torch its Python). The processor always."""
    found: list[tuple[str, str, str | None]] = []
    gpus = sample.gpus if sample is not None else ()
    for gpu in gpus:
        if gpu.vendor == "nvidia" and gpu.problem is None and not (gpu.mig and gpu.parent_uuid is None):
            found.append((f"GPU {gpu.index} · {gpu.name}", "cuda", gpu.uuid))
    if any(gpu.vendor != "nvidia" for gpu in gpus):
        found.append(("Any GPU, by shaders", "wgpu", None))
    found += [(f"torch of {one.miner}", "torch", str(one.python)) for one in torch]
    found.append(("Processor", "cpu", None))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Torch:
    """A miner's own environment that has torch. ``gpus``: its cards, empty for none chosen."""

    miner: str
    python: Path
    gpus: tuple[str, ...] = ()


def torches(paths: Paths, status: AgentStatus | None) -> tuple[Torch, ...]:
    """The miners whose environments have torch. Reads folders: a worker's work."""
    found = []
    for miner in status.miners if status is not None else ():
        env = Generations(paths.miner(miner.id)).current().env
        python = next((p for p in (env / "bin" / "python", env / "Scripts" / "python.exe") if p.exists()), None)
        if python is not None and any(any(env.glob(f"{lib}/torch/version.py")) for lib in SITE_PACKAGES):
            found.append(Torch(miner.name, python, miner.gpus))
    return tuple(found)


def driver_changes(store: Store, sample: Hardware) -> tuple[str, ...]:
    """A sentence for each GPU that was measured last with another driver than it has now. Reads files: a worker's
    work."""
    found = []
    for gpu in sample.gpus if sample.driver is not None else ():
        before = store.changed_since(gpu.uuid, sample.driver)
        if before is not None:
            found.append(
                f"GPU {gpu.index} was measured last with driver {before.subject.driver}; it is {sample.driver} now. "
                "Measure it again to see what changed."
            )
    return tuple(found)


def number_text(value: float | None, unit: str = "") -> str:
    """Three figures that matter, with the unit: ``1 240 tokens/s``, ``38.2 ms``."""
    if value is None:
        return UNKNOWN
    whole = not unit and value == int(value)  # a count
    digits = 0 if abs(value) >= 99.95 or value == 0 or whole else 1 if abs(value) >= 9.995 else 2
    text = f"{value:,.{digits}f}".replace(",", _NARROW)
    return f"{text}{_NARROW}{unit}" if unit else text


def objective_words(objective: Objective) -> str:
    """``first token within 2 000 ms, then 100 ms each (MLPerf Inference, server scenario)``."""
    limits = []
    if objective.ttft_ms is not None:
        limits.append(f"first token within {number_text(objective.ttft_ms, 'ms')}")
    if objective.tpot_ms is not None:
        limits.append(f"then at most {number_text(objective.tpot_ms, 'ms')} for each token")
    if objective.e2el_ms is not None:
        limits.append(f"whole answer within {number_text(objective.e2el_ms, 'ms')}")
    whose = "own limits" if objective.source == "own" else objective.source
    source = f" ({whose})" if whose else ""
    return ", ".join(limits) + source


def progress_words(progress: ServingProgress, seconds: float) -> str:
    """``12 answered, 1 failed, 14 s``."""
    failed = f", {progress.failed} failed" if progress.failed else ""
    return f"{progress.finished} answered{failed}, {seconds:.0f} s"


def step_words(step: LoadResult) -> str:
    """One step of a sweep that has ended."""
    return f"{step.concurrency} at once: {number_text(step.output_throughput, 'tokens/s')}"


def percentile_rows(result: LoadResult) -> tuple[tuple[str, ...], ...]:
    """Name, median, p90, p95, p99, mean in milliseconds; what is not known is said."""
    named: tuple[tuple[str, Spread | None], ...] = (
        ("Time to first token (TTFT)", result.ttft),
        ("Per output token (TPOT)", result.tpot),
        ("Between chunks (ITL)", result.itl),
        ("Whole answer (E2E)", result.e2el),
    )
    rows = []
    for name, spread in named:
        parts = [None] * 5 if spread is None else [spread.median, spread.p90, spread.p95, spread.p99, spread.mean]
        rows.append((name, *(number_text(part, "ms") for part in parts)))
    return tuple(rows)


def notes(record: Record) -> tuple[str, ...]:
    """What there is to know about a result besides its figures."""
    found: list[str] = []
    if record.serving is not None:
        found += _load_notes(record.serving)
    if record.sweep is not None:
        knee, best = record.sweep.knee, record.sweep.best_good
        if knee is not None and record.sweep.knee_seen:
            found.append(f"Up to {knee} at once, more requests bring more tokens; beyond that they only wait longer.")
        elif knee is not None:
            found.append(f"Up to {knee} at once, more requests brought more tokens; the knee lies higher.")
        share = 100 * next((step.objective.share for step in record.sweep.steps), 0.99)
        found.append(
            f"At no load do {share:.0f}{_NARROW}% of the requests keep the objective."
            if best is None
            else f"{share:.0f}{_NARROW}% of the requests keep the objective with up to {best} at once."
        )
        for step in record.sweep.steps:
            found += [f"{step.concurrency} at once: {note}" for note in _load_notes(step, brief=True)]
    if record.device is not None:
        run = record.device
        found += [run.result.label, *run.result.warnings]
        found += [f"{test} was left out: {reason}" for test, reason in run.result.skipped.items()]
        found += [f"{figure.title}: {figure.note}." for figure in run.result.figures if figure.note]
        left = kept_share(run.result.sustained)
        if left is not None:
            found.append(f"{100 * left:.1f}{_NARROW}% of its first rate was left at the end of the long run.")
        if run.operations_per_joule is not None:
            found.append(f"{number_text(run.operations_per_joule / 1e9, 'GFLOP')} for each joule of the long run.")
        if run.telemetry is not None:
            found += _telemetry_notes(record)
    return (*found, *record.notes)


def _load_notes(result: LoadResult, *, brief: bool = False) -> Iterable[str]:
    for reason, count in result.failures.items():
        yield f"{count} failed: {reason}"
    if result.client.limited:
        yield "the measuring client itself was busy; these figures may be its own and not the server's."
    if brief:
        return
    yield f"Objective: {objective_words(result.objective)}."
    if result.tokens_from == "estimate":
        yield "The server does not count its tokens: chunks were counted instead, an estimate."
    yield f"The measuring client used {result.client.cpu_percent:.0f} % of one core."


def sustained_title(result: DeviceResult) -> str:
    """``Long run, 10 min``."""
    last = result.sustained[-1].at - result.sustained[0].at if result.sustained else 0.0
    return f"Long run, {duration_text(last + 1)}"


def _telemetry_notes(record: Record) -> Iterable[str]:
    assert record.device is not None
    seen = record.device.telemetry
    assert seen is not None
    for reason, seconds in seen.throttled_s.items():
        if seconds >= 0.5:
            yield f"Slowed down by {reason} for {duration_text(seconds)}."
    if seen.clock_median_mhz is not None:
        yield f"Clock {number_text(seen.clock_median_mhz, 'MHz')} (median)."
    if seen.temperature_max_c is not None:
        yield f"Hottest {seen.temperature_max_c} °C."
    if seen.joules is not None:
        how = "by the card's own counter" if seen.counted else "estimated from its power"
        yield f"Energy {number_text(seen.joules, 'J')} in {duration_text(seen.seconds)}, {how}."


def headline(record: Record) -> tuple[Value, ...]:
    """At most three values that stand for the record."""
    if record.sweep is not None:
        best = max(record.sweep.steps, key=lambda step: step.output_throughput, default=None)
        if best is None:
            return ()
        at = f"at {best.concurrency}"
        found = [Value("output", f"Output {at} at once", "tokens/s", best.output_throughput)]
        if best.ttft is not None:
            found.append(Value("ttft", f"First token {at}, median", "ms", best.ttft.median, more_is_better=False))
        if record.sweep.best_good is not None:
            found.append(Value("good", "At once within the objective", "", record.sweep.best_good))
        return tuple(found)
    known = {value.key: value for value in values(record)}
    if record.serving is not None:
        return tuple(known[key] for key in ("output_throughput", "median_ttft", "median_tpot") if key in known)
    shown = list(known.values())
    return (*shown[:2], known["kept"]) if "kept" in known else tuple(shown[:3])


def subject_words(record: Record) -> str:
    """The device or the model, without a folder that a path in a model's name could tell."""
    return record.subject.name.replace("\\", "/").rstrip("/").rpartition("/")[2] or UNKNOWN


def subject_title(record: Record) -> str:
    """As ``subject_words``, for a heading: a long name without a space may be broken after its parts."""
    words = subject_words(record)
    return words if len(words) <= _LONG_NAME else re.sub(r"(?<=[-_.])(?=\w)", _MAY_BREAK, words)


def headline_words(record: Record) -> str:
    first = next(iter(headline(record)), None)
    return UNKNOWN if first is None else number_text(first.value, first.unit)


def results_model() -> RowsModel[Record]:
    """Kept results."""
    return RowsModel[Record](
        (
            Column("When", lambda r: local_time(int(r.at * 1000)), lambda r: r.at),
            Column("Kind", lambda r: KINDS.get(r.kind, r.kind), lambda r: r.kind),
            Column("Measured", subject_words, subject_words, tooltip=subject_words),
            Column("Headline", headline_words, lambda r: next((v.value for v in headline(r)), None), number=True),
            Column("Driver", lambda r: r.subject.driver or UNKNOWN, lambda r: r.subject.driver),
        ),
        key=lambda record: record.id,
    )


def comparison_model() -> RowsModel[Row]:
    """Two results, figure by figure."""
    return RowsModel[Row](
        (
            Column("Figure", lambda r: r.title, lambda r: r.title),
            Column("First", lambda r: number_text(r.first, r.unit), lambda r: r.first, number=True),
            Column("Second", lambda r: number_text(r.second, r.unit), lambda r: r.second, number=True),
            Column("Change", change_words, lambda r: r.change_percent, number=True),
            Column("Verdict", verdict_words, verdict_words),
        ),
        key=lambda row: row.key,
    )


def change_words(row: Row) -> str:
    return UNKNOWN if row.change_percent is None else f"{row.change_percent:+.1f}{_NARROW}%"


def verdict_words(row: Row) -> str:
    """Whether the second is better; a change within the spread of the samples says nothing."""
    if row.change_percent is None:
        return "only in one of them"
    if not row.clear:
        return "no change beyond the spread"
    return "better" if (row.change_percent > 0) == row.more_is_better else "worse"


def steps_model() -> RowsModel[LoadResult]:
    """The steps of a sweep."""

    def spread(step: LoadResult, which: str, field: str) -> Any:
        found = getattr(step, which)
        return None if found is None else getattr(found, field)

    def ms(title: str, which: str, field: str, spare: int = 0) -> Column[LoadResult]:
        return Column(
            title, lambda s: number_text(spread(s, which, field), "ms"), lambda s: spread(s, which, field), number=True,
            spare=spare,
        )  # fmt: skip

    return RowsModel[LoadResult](
        (
            Column("At once", lambda s: str(s.concurrency), lambda s: s.concurrency, number=True),
            Column("Output", lambda s: number_text(s.output_throughput, "tok/s"), lambda s: s.output_throughput,
                   number=True),
            Column("Per user", lambda s: number_text(s.per_user_throughput, "tok/s"), lambda s: s.per_user_throughput,
                   number=True),
            ms("TTFT median", "ttft", "median"),
            ms("TTFT p99", "ttft", "p99", spare=2),
            ms("TPOT median", "tpot", "median", spare=3),
            Column("Good", lambda s: number_text(100 * s.good_share, "%"), lambda s: s.good_share, number=True,
                   help="Requests that kept the objective"),
            Column("Per joule", lambda s: number_text(s.tokens_per_joule, "tok/J"), lambda s: s.tokens_per_joule,
                   number=True, spare=1, help="Output tokens for each joule of the GPU that serves, if watched"),
            Column("Failed", lambda s: str(s.failed), lambda s: s.failed, number=True),
        ),
        key=lambda step: step.concurrency,
    )  # fmt: skip


def counts_words(result: LoadResult) -> str:
    """``40 answered, none failed, 12 s``."""
    failed = "none failed" if not result.failed else count_text(result.failed, "request") + " failed"
    return f"{result.completed} answered, {failed}, {duration_text(result.duration)}"


def day_words(at: float) -> str:
    """The day only: a card says no hour."""
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def difference_words(first: Record, second: Record) -> tuple[str, ...]:
    """What else changed between two results: driver, libraries, kernels, the objective. A sentence each."""
    named = [{"driver": one.subject.driver, **one.subject.versions} for one in (first, second)]
    found = [
        f"Changed: {key} {named[0].get(key) or UNKNOWN} to {named[1].get(key) or UNKNOWN}."
        for key in dict.fromkeys((*named[0], *named[1]))
        if named[0].get(key) != named[1].get(key)
    ]
    objectives = [
        next((load.objective for load in (one.serving, *(one.sweep.steps if one.sweep else ())) if load), None)
        for one in (first, second)
    ]
    if None not in objectives and objectives[0] != objectives[1]:
        found.append("They were held to different objectives.")
    return tuple(found)


def same_kind(records: Sequence[Record]) -> bool:
    """Two records with figures in common."""
    return len(records) == 2 and bool({v.key for v in values(records[0])} & {v.key for v in values(records[1])})
