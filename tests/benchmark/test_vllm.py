"""vLLM's names and what stands behind them, on requests whose figures are known by heart."""

from __future__ import annotations

import msgspec
import pytest

from benchmark.test_pure import request
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.metrics import Client, summarise
from ranvier.benchmark.objectives import PRESETS, Objective, own
from ranvier.benchmark.vllm import vllm_json

# What the newest ``vllm bench serve --save-detailed`` writes for a chat model with a rate and a cap on open requests.
# ``generated_texts`` is left out on purpose: answers are nobody's business; ``rtfx`` is for speech.
NAMES = {
    "date", "endpoint_type", "backend", "label", "model_id", "tokenizer_id", "num_prompts", "request_rate",
    "burstiness", "max_concurrency", "duration", "completed", "failed", "total_input_tokens", "total_output_tokens",
    "request_throughput", "request_goodput", "output_throughput", "total_token_throughput", "input_lens", "output_lens",
    "ttfts", "itls", "latencies", "start_times", "queue_times", "errors", "max_output_tokens_per_s",
    "max_concurrent_requests",
} | {
    f"{figure}_{metric}_ms" for figure in ("mean", "median", "std", "p99")
    for metric in ("ttft", "tpot", "itl", "e2el", "client_queue_time", "e2el_including_client_queue")
}  # fmt: skip


def test_every_name_is_there_and_every_list_has_one_entry_for_each_request() -> None:
    requests = [
        request(0, 10.0, [10.5, 10.7, 11.1], 5),
        request(1, 10.25, [], ok=False, reason="HTTP 500"),
        msgspec.structs.replace(request(2, 10.5, [11.5], 1), due=10.25),
        request(3, 10.5, [10.9], ok=False, unfinished=True),
    ]
    objective = Objective("own", "own", ttft_ms=1200, tpot_ms=200)
    result = summarise(
        requests, model="m", concurrency=2, rate=4.0, objective=objective, client=Client(1.0, 0.0, False),
        burstiness=0.5,
    )  # fmt: skip
    data = vllm_json(result, date="20261123-000000", details=True)
    assert set(data) >= NAMES
    assert (data["completed"], data["failed"], data["burstiness"], data["request_rate"]) == (2, 1, 0.5, 4.0)
    assert data["ttfts"] == pytest.approx([0.5, 0.0, 1.0, 0.0])
    assert data["latencies"] == pytest.approx([1.1, 0.0, 1.0, 0.0])
    assert data["output_lens"] == [5, 0, 1, 0]
    assert [len(gaps) for gaps in data["itls"]] == [2, 0, 0, 0]
    assert data["errors"] == ["", "HTTP 500", "", "unfinished"]
    assert data["queue_times"] == pytest.approx([0.0, 0.0, 0.25, 0.0])
    assert data["mean_tpot_ms"] == pytest.approx(150.0), "four tokens after the first in 600 ms; the short one has none"
    assert data["mean_itl_ms"] == pytest.approx(300.0), "two gaps between chunks, whatever they hold"
    assert data["request_goodput"] == pytest.approx(2 / result.duration), "vLLM leaves waiting for a turn out"
    assert result.goodput == pytest.approx(1 / result.duration), "we do not: its user waited"
    assert data["max_output_tokens_per_s"] == 2.0 and data["max_concurrent_requests"] == 2
    assert data["mean_e2el_including_client_queue_ms"] == pytest.approx(1175.0)
    assert "mean_client_queue_time_ms" not in vllm_json(
        summarise(requests, model="m", concurrency=2, rate=None, objective=objective, client=Client(1.0, 0.0, False)),
        date="x",
    )


def test_presets_are_mlcommons_figures_and_own_limits_are_vllms_words() -> None:
    assert {name: (one.ttft_ms, one.tpot_ms) for name, one in PRESETS.items()} == {
        "llama3.1-8b": (2000, 100), "llama3.1-8b-interactive": (500, 30), "llama2-70b": (2000, 200),
        "llama2-70b-interactive": (450, 40), "llama3.1-405b": (6000, 175), "llama3.1-405b-interactive": (4500, 80),
        "deepseek-r1": (2000, 80), "deepseek-r1-interactive": (1500, 15),
    }  # fmt: skip
    assert {one.share for one in PRESETS.values()} == {0.99}, "the server scenario's 99th percentile"
    mine = own(["ttft:500", "e2el:10000.5"])
    assert (mine.ttft_ms, mine.tpot_ms, mine.e2el_ms) == (500, None, 10000.5)
    for wrong in ("ttft", "ttft:", "itl:3", "tpot:-1", "tpot:nan"):
        with pytest.raises(BenchmarkError):
            own([wrong])
