"""A load's figures with the field names of ``vllm bench serve``, so that tools which know those can compare. Pure.

Held against vLLM's ``vllm/benchmarks/serve.py``: percentiles are linear, deviations of the population, the time for
each output token leaves out the first one, and gaps are between chunks. The two differences of ``metrics.py`` hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ranvier.benchmark.metrics import LoadResult, Request, Spread, spread


def vllm_json(result: LoadResult, *, date: str, details: bool = False) -> dict[str, object]:
    """``date`` like 20261123-010203. ``details``: each request's own figures, 0 or empty where it failed."""
    done = [request for request in result.requests if request.ok]
    good = sum(request.good(result.objective, waiting=False) for request in done)
    data: dict[str, object] = {
        "date": date,
        "endpoint_type": "openai-chat",
        "backend": "openai-chat",
        "label": "ranvier",
        "model_id": result.model,
        "tokenizer_id": result.model,
        "num_prompts": len(result.requests),
        "request_rate": result.rate if result.rate is not None else "inf",
        "burstiness": result.burstiness,
        "max_concurrency": result.concurrency,
        "duration": result.duration,
        "completed": result.completed,
        "failed": result.failed,
        "total_input_tokens": result.input_tokens,
        "total_output_tokens": result.output_tokens,
        "request_throughput": result.request_throughput,
        "request_goodput": good / result.duration if result.duration > 0 else 0.0,
        "output_throughput": result.output_throughput,
        "total_token_throughput": result.total_throughput,
        "max_output_tokens_per_s": _busiest_second(done),
        "max_concurrent_requests": result.peak_concurrency,
        "ranvier_tokens_from": result.tokens_from,
        "ranvier_failures": result.failures,
        "ranvier_client_cpu_percent": result.client.cpu_percent,
        "ranvier_client_limited": result.client.limited,
    }
    figures: dict[str, Spread | None] = {
        "ttft": result.ttft, "tpot": result.tpot, "itl": result.itl, "e2el": result.e2el,
    }  # fmt: skip
    if result.concurrency is not None and result.rate is not None:
        figures["client_queue_time"] = result.queue
        figures["e2el_including_client_queue"] = spread([request.e2el + _waited(request) for request in done])
    for name, values in figures.items():
        for field in ("mean", "median", "std", "p90", "p95", "p99"):
            data[f"{field}_{name}_ms"] = None if values is None else getattr(values, field)
    return data | _details(result.requests) if details else data


def _details(requests: Sequence[Request]) -> dict[str, object]:
    """One entry for each request in every list, in the order of sending."""
    return {
        "input_lens": [request.prompt_tokens or 0 for request in requests],
        "output_lens": [request.tokens if request.ok else 0 for request in requests],
        "ttfts": [request.ttft if request.ok else 0.0 for request in requests],
        "itls": [_gaps(request) if request.ok else [] for request in requests],
        "latencies": [request.e2el if request.ok else 0.0 for request in requests],
        "start_times": [request.sent for request in requests],
        "queue_times": [_waited(request) for request in requests],
        "errors": [request.reason or ("unfinished" if request.unfinished else "") for request in requests],
    }


def _gaps(request: Request) -> list[float]:
    return [b - a for a, b in zip(request.arrivals, request.arrivals[1:], strict=False)]


def _waited(request: Request) -> float:
    return max(0.0, request.sent - request.due) if request.sent else 0.0


def _busiest_second(done: Sequence[Request]) -> float:
    """The most chunks in one second, counted from the first sending on; vLLM takes each for a token here."""
    if not done:
        return 0.0
    begin = min(request.sent for request in done)
    seconds: dict[int, int] = {}
    for request in done:
        for arrival in request.arrivals:
            second = math.floor(arrival - begin)
            seconds[second] = seconds.get(second, 0) + 1
    return float(max(seconds.values()))
