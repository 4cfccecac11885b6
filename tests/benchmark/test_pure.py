"""The pure parts: events, percentiles, sweeps, arrivals, the guard."""

from __future__ import annotations

import itertools
import statistics

import msgspec
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.guard import RunningMiner, may_run
from ranvier.benchmark.metrics import Client, LoadResult, Request, percentile, spread, summarise
from ranvier.benchmark.objectives import PRESETS, Objective
from ranvier.benchmark.plans import ServingPlan, SweepPlan, arrivals
from ranvier.benchmark.stream import Answer, Events, StreamError
from ranvier.benchmark.sweep import conclude, passed_knee, run_sweep


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), min_size=1), max_size=6),
    st.lists(st.integers(1, 40), min_size=1),
    st.sampled_from(["\n", "\r\n"]),
)
def test_events_are_the_same_however_the_network_cuts_them(texts: list[str], cuts: list[int], end: str) -> None:
    raw = "".join(f": note{end}data: {text}{end}{end}" for text in texts).encode()
    events, got, sizes = Events(), [], itertools.cycle(cuts)
    while raw:
        size = next(sizes)
        got += events.feed(raw[:size])
        raw = raw[size:]
    assert got == [text.encode() for text in texts]


def test_an_event_of_several_lines_is_one() -> None:
    assert list(Events().feed(b"event: x\ndata: {\ndata: }\nid: 1\n\n\n")) == [b"{\n}"]


def test_only_chunks_with_something_in_them_count() -> None:
    answer = Answer()
    assert answer.feed(b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n') == 0
    assert answer.feed(b'data: {"choices":[{"delta":{"content":null,"reasoning":"x"}}]}\n\n') == 1
    assert answer.feed(b'data: {"choices":[{"text":"x"}]}\n\ndata: {"choices":[{"text":"y"}]}\n\n') == 2
    assert answer.feed(b'data: {"choices":null,"usage":{"completion_tokens":9,"other":1}}\n\n') == 0
    assert (answer.usage.completion_tokens, answer.chunks, answer.done) == (9, 3, False)
    answer.feed(b"data: [DONE]\n\n")
    assert answer.done
    with pytest.raises(StreamError):
        answer.feed(b'data: {"choices":7}\n\n')


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 100))
def test_percentiles_are_numpys(values: list[float], percent: float) -> None:
    assert percentile(sorted(values), percent) == pytest.approx(numpy.percentile(values, percent), rel=1e-9, abs=1e-9)


def test_a_spread_is_in_milliseconds_with_population_deviation() -> None:
    found = spread([0.001, 0.003])
    assert (found.mean, found.std, found.min, found.max, found.median) == (2.0, 1.0, 1.0, 3.0, 2.0)
    assert spread([]) is None


def request(number: int, sent: float, arrivals: list[float], tokens: int | None = None, **changes: object) -> Request:
    return Request(number, sent, sent, arrivals, tokens, 5, **{"ok": True, **changes})


def summary(*requests: Request, objective: Objective | None = None) -> LoadResult:
    return summarise(
        requests, model="m", concurrency=2, rate=None, objective=objective or PRESETS["llama3.1-8b"],
        client=Client(1.0, 0.0, False),
    )  # fmt: skip


def test_the_figures_are_vllms_definitions() -> None:
    result = summary(
        request(0, 10.0, [10.5, 11.0, 11.5], 5),
        request(1, 10.5, [11.0], 1),
        request(2, 11.0, [], ok=False, reason="x"),
        request(3, 11.5, [12.0], ok=False, unfinished=True),
    )
    assert (result.completed, result.failed, result.unfinished, result.failures) == (2, 1, 1, {"x": 1})
    assert result.duration == 2.0
    assert (result.output_tokens, result.output_throughput, result.request_throughput) == (6, 3.0, 1.0)
    assert result.ttft.mean == 500
    assert (result.tpot.count, result.tpot.mean) == (1, 250.0), "an answer of one token has none"
    assert result.itl.mean == 500
    assert result.e2el.max == 1500
    assert result.peak_concurrency == 2
    assert result.per_user_throughput == 4.0
    assert result.good_share == pytest.approx(1 / 3), "250 ms a token breaks the limit of 100, the failed one counts"


def test_goodput_needs_every_limit() -> None:
    one = request(0, 0.0, [0.1, 0.2], 2)
    assert one.good(Objective("a", "a", 100, 100, 200))
    assert not one.good(Objective("a", "a", 99, 100, 200))
    assert not one.good(Objective("a", "a", 100, 99, 200))
    assert not one.good(Objective("a", "a", 100, 100, 199))
    assert one.good(Objective("none", "none"))


def test_arrivals_are_poisson_at_burstiness_one_and_steadier_above() -> None:
    def gaps(burstiness: float) -> list[float]:
        times = list(itertools.islice(arrivals(10.0, burstiness, 7), 4000))
        assert times == sorted(times)
        return [b - a for a, b in itertools.pairwise(times)]

    assert statistics.mean(gaps(1.0)) == pytest.approx(0.1, rel=0.05)
    assert statistics.stdev(gaps(1.0)) == pytest.approx(0.1, rel=0.08)
    assert statistics.stdev(gaps(25.0)) == pytest.approx(0.02, rel=0.08)


def steps(*figures: tuple[int, float, float, float]) -> list[LoadResult]:
    base = summary(request(0, 0.0, [0.5], 1))
    out = []
    for concurrency, tokens, good, share in figures:
        values = {f: getattr(base, f) for f in base.__struct_fields__}
        values |= {"concurrency": concurrency, "output_throughput": tokens, "goodput": good, "good_share": share}
        out.append(LoadResult(**values))
    return out


def test_the_knee_is_the_last_step_that_brought_five_percent() -> None:
    found = steps((1, 100, 1, 1), (2, 190, 2, 1), (4, 300, 3, 0.95), (8, 310, 3, 0.5))
    assert [passed_knee(found[:n]) for n in range(1, 5)] == [False, False, False, True]
    verdict = conclude(found)
    assert (verdict.knee, verdict.best_good) == (4, 2), "95 of 100 are too few for MLPerf"
    lenient = [msgspec.structs.replace(step, objective=Objective("x", "x", share=0.9)) for step in found]
    assert conclude(lenient).best_good == 4
    assert passed_knee(steps((1, 100, 2, 1), (2, 190, 1, 1))), "fewer good answers end it too"
    assert conclude([]).knee is None


def test_a_registered_miner_that_serves_is_not_disturbed_unasked() -> None:
    serving = RunningMiner("m", "My miner", registered=True)
    with pytest.raises(BenchmarkError, match="My miner is registered"):
        may_run([serving], told_to=False)
    may_run([serving], told_to=True)
    may_run(
        [RunningMiner("m", "x", registered=True, play=True), RunningMiner("n", "y", registered=False)], told_to=False
    )


async def test_a_sweep_that_was_cut_off_goes_on_where_it_was() -> None:
    figures = {1: 100.0, 2: 190.0, 4: 300.0, 8: 301.0}
    known = {step.concurrency: step for step in steps(*((c, rate, c, 1) for c, rate in figures.items()))}
    run: list[tuple[int, int]] = []

    async def load(plan: ServingPlan) -> LoadResult:
        run.append((plan.concurrency, plan.warmup))
        return known[plan.concurrency]

    plan = SweepPlan(ServingPlan("http://127.0.0.1/v1", warmup=3), most=64)
    verdict = await run_sweep(plan, load, done=[known[1], known[2]])
    assert run == [(4, 3), (8, 0)]
    assert (verdict.knee, verdict.knee_seen, len(verdict.steps)) == (4, True, 4)
    run.clear()
    short = await run_sweep(SweepPlan(plan.base, most=4), load)
    assert (short.knee, short.knee_seen) == (4, False)
    await run_sweep(plan, load, done=list(known.values()))
    assert [concurrency for concurrency, _ in run] == [1, 2, 4], "a finished sweep runs nothing again"
