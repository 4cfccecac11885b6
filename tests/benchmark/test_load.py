"""The load client held against what a fake server knows to be true."""

from __future__ import annotations

import itertools
import statistics
import time

import pytest

from benchmark.fake_stream import FakeStream
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.load import is_loopback, run_load
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.objectives import Objective
from ranvier.benchmark.plans import ServingPlan, SweepPlan, arrivals, prompts
from ranvier.benchmark.serving import ServingProgress, measure, sweep
from ranvier.benchmark.vllm import vllm_json

TYPICAL_S = 0.01  # between the server's sending and our noticing; mostly far below a millisecond


def plan(server: FakeStream, **changes: object) -> ServingPlan:
    values = {"requests": 4, "concurrency": 2, "output_tokens": 10, "warmup": 1, "timeout_s": 10.0, **changes}
    return ServingPlan(server.url, **values)


def check_against_truth(server: FakeStream, result: LoadResult) -> None:
    """Each request's first and last token and its gaps agree with the moments at which the server sent them."""
    truth = server.served[-len(result.requests) :]
    assert result.completed == len(result.requests)
    ours = sorted(result.requests, key=lambda request: request.arrivals[0])
    late, wrong = [], []
    for request, served in zip(ours, sorted(truth, key=lambda served: served.sent[0]), strict=True):
        assert len(request.arrivals) == len(served.sent)
        assert request.sent <= served.received + 0.001
        late += [seen - sent for seen, sent in zip(request.arrivals, served.sent, strict=True)]
        wrong.append(abs(request.tpot - (served.sent[-1] - served.sent[0]) / (request.tokens - 1)))
    assert min(late) >= -0.001
    assert statistics.median(late) < TYPICAL_S
    assert statistics.median(wrong) < TYPICAL_S / 4


@pytest.mark.parametrize(
    "habits",
    [(), ("role", "ping"), ("bundle",), ("split",), ("crlf",), ("split", "crlf", "bundle"), ("reasoning",), ("tools",)],
    ids=lambda habits: "+".join(habits) or "plain",
)
async def test_timings_are_the_servers_whatever_its_habits(habits: tuple[str, ...]) -> None:
    async with FakeStream(0.06, 0.008, habits) as server:
        result = await run_load(plan(server))
    check_against_truth(server, result)
    assert result.model == "fake-model"
    assert result.tokens_from == "usage"
    assert (result.output_tokens, result.input_tokens) == (40, 28)
    assert result.ttft.min >= 59, "a chunk that only names the role is no first token"
    assert result.tokens_per_chunk == pytest.approx(40 / 24 if "bundle" in habits else 1.0)
    assert result.output_throughput == pytest.approx(40 / result.duration)
    assert result.peak_concurrency == 2


async def test_without_usage_the_count_is_called_an_estimate() -> None:
    async with FakeStream(0.02, 0.002, ("nousage",)) as server:
        result = await run_load(plan(server))
    assert (result.tokens_from, result.output_tokens, result.input_tokens) == ("estimate", 40, None)
    assert result.total_throughput is None


@pytest.mark.parametrize(
    ("habit", "words"),
    [
        ("drop", "ended before the answer did"),
        ("nodone", "ended before the answer did"),
        ("error", "the model fell over"),
        ("garbage", "not what an OpenAI-compatible server sends"),
        ("empty", "the answer is empty"),
        ("http500", "HTTP 500"),
        ("stall", "no whole answer within 0.3 s"),
    ],
)
async def test_a_broken_answer_is_a_failure_with_its_reason_and_no_short_success(habit: str, words: str) -> None:
    async with FakeStream(0.01, 0.001, (habit,)) as server:
        result = await run_load(plan(server, warmup=0, timeout_s=0.3 if habit == "stall" else 10.0, requests=2))
    assert (result.completed, result.failed) == (0, 2)
    assert words in next(iter(result.failures))
    assert result.ttft is None
    assert result.output_tokens == 0
    assert result.good_share == 0.0


async def test_a_server_that_fails_the_warm_up_ends_it_at_once() -> None:
    async with FakeStream(habits=("http500",)) as server:
        with pytest.raises(BenchmarkError, match="HTTP 500"):
            await run_load(plan(server))
    with pytest.raises(BenchmarkError, match="/models"):
        await run_load(ServingPlan("http://127.0.0.1:9/v1"))


async def test_every_prompt_is_new_from_its_first_word_on() -> None:
    async with FakeStream(0.001, 0.0) as server:
        await run_load(plan(server, requests=20, output_tokens=2))
    firsts = [served.prompt.split()[0] for served in server.served]
    assert len(set(firsts)) == len(firsts) == 21
    assert next(prompts(100, 1)) == next(prompts(100, 1))
    assert len(next(prompts(100, 1)).split()) == pytest.approx(100, abs=2)


async def test_requests_at_a_rate_come_at_their_moments_even_when_the_server_is_slow() -> None:
    async with FakeStream(0.4, 0.0) as server:
        start = time.perf_counter()
        result = await run_load(
            plan(server, rate=40.0, concurrency=None, requests=12, output_tokens=1, seed=3, warmup=0)
        )
    due = list(itertools.islice(arrivals(40.0, 1.0, 3), 12))
    begun = server.served[0].received
    late = [served.received - begun - moment for served, moment in zip(server.served, due, strict=True)]
    assert abs(statistics.median(late)) < 0.03
    assert result.peak_concurrency > 4
    assert result.queue.median < 30
    assert time.perf_counter() - start < 3


async def test_waiting_behind_a_cap_counts_against_the_objective() -> None:
    strict = Objective("strict", "Strict", ttft_ms=150)
    async with FakeStream(0.1, 0.0) as server:
        result = await run_load(
            plan(server, rate=100.0, concurrency=1, requests=5, output_tokens=1, warmup=0, objective=strict)
        )
    assert server.most_open == 1
    assert result.queue.max > 250
    assert result.ttft.median < 250, "the server itself was quick"
    assert result.good_share <= 0.4


async def test_it_ends_by_time_and_open_requests_may_finish() -> None:
    async with FakeStream(0.1, 0.0) as server:
        result = await run_load(plan(server, requests=1000, max_seconds=0.5, output_tokens=1))
    assert 4 <= result.completed <= 14
    assert (result.failed, result.unfinished) == (0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"requests": 0}, {"max_seconds": 0.0}, {"concurrency": None}, {"concurrency": 0}, {"rate": -1.0},
        {"burstiness": 0.0}, {"output_tokens": 0}, {"warmup": -1}, {"url": "ftp://127.0.0.1"},
        {"url": "http://example.com/v1"}, {"api_key_variable": "RANVIER_TEST_NO_SUCH_KEY"},
    ],
)  # fmt: skip
async def test_a_plan_without_bounds_or_for_another_machine_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BenchmarkError):
        await run_load(ServingPlan(**{"url": "http://127.0.0.1:9/v1", **changes}))


def test_only_this_machine_is_this_machine() -> None:
    assert all(is_loopback(f"http://{host}:1/v1") for host in ("127.0.0.1", "localhost", "[::1]", "127.8.8.8"))
    assert not any(is_loopback(f"http://{host}/v1") for host in ("10.0.0.1", "127.example.com.evil.org", "localhost.x"))


async def test_the_child_measures_the_same_and_tells_how_far_it_is() -> None:
    told: list[ServingProgress] = []
    async with FakeStream(0.05, 0.005) as server:
        result = await measure(plan(server, requests=8), told.append)
    check_against_truth(server, result)
    assert told
    data = vllm_json(result, date="20261122", details=True)
    assert data["completed"] == 8
    assert data["median_ttft_ms"] == result.ttft.median
    assert data["request_rate"] == "inf"
    assert len(data["ttfts"]) == len(data["output_lens"]) == 8
    assert not result.client.limited


async def test_a_sweep_finds_where_more_brings_no_more() -> None:
    told: list[ServingProgress] = []
    async with FakeStream(0.05, 0.005, slots=4) as server:
        base = plan(server, output_tokens=10)
        result = await sweep(SweepPlan(base, most=64, step_requests=8, step_seconds=10.0), told.append)
    tried = [step.concurrency for step in result.steps]
    assert tried in ([1, 2, 4, 8], [1, 2, 4, 8, 16]), "a busy machine may add one step by chance, never go on"
    assert result.knee == tried[-2]
    assert [one.step.concurrency for one in told if one.step is not None] == tried
    assert result.best_good in tried[2:]


async def test_an_error_in_the_child_is_an_error_here() -> None:
    with pytest.raises(BenchmarkError) as raised:
        await measure(ServingPlan("http://127.0.0.1:9/v1"))
    assert raised.value.title == "The server does not answer"
