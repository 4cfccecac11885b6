"""Service objectives: what a request must keep to count as good. Presets are MLPerf Inference's server limits."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ranvier.benchmark.errors import BenchmarkError


class Objective(msgspec.Struct, frozen=True):
    """Limits in milliseconds; None means no limit. ``source`` says who set them. ``share`` of the requests must keep
    them for a load to count as good (records from before it was kept meant nine of ten)."""

    name: str
    title: str
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2el_ms: float | None = None
    source: str = ""
    share: float = 0.9


def _mlperf(name: str, title: str, ttft_ms: float, tpot_ms: float) -> Objective:
    """Limits and the 99th percentile as MLCommons' inference repository has them (loadgen/mlperf.conf, "Server")."""
    return Objective(name, title, ttft_ms, tpot_ms, source="MLPerf Inference, server scenario", share=0.99)


PRESETS: dict[str, Objective] = {
    preset.name: preset
    for preset in (
        _mlperf("llama3.1-8b", "8B model, server", 2000, 100),
        _mlperf("llama3.1-8b-interactive", "8B model, interactive", 500, 30),
        _mlperf("llama2-70b", "70B model, server", 2000, 200),
        _mlperf("llama2-70b-interactive", "70B model, interactive", 450, 40),
        _mlperf("llama3.1-405b", "405B model, server", 6000, 175),
        _mlperf("llama3.1-405b-interactive", "405B model, interactive", 4500, 80),
        _mlperf("deepseek-r1", "DeepSeek-R1, server", 2000, 80),
        _mlperf("deepseek-r1-interactive", "DeepSeek-R1, interactive", 1500, 15),
    )
}
DEFAULT = PRESETS["llama3.1-8b"]


def own(limits: Sequence[str]) -> Objective:
    """Limits of one's own in vLLM's words: ``ttft:500``, ``tpot:30``, ``e2el:10000``, in milliseconds. Raises
    BenchmarkError."""
    found: dict[str, float] = {}
    for limit in limits:
        name, _, number = limit.partition(":")
        try:
            value = float(number)
        except ValueError:
            value = 0.0
        if name not in ("ttft", "tpot", "e2el") or not 0 < value < 1e9:
            raise BenchmarkError("No such limit", f"{limit!r} is none.", "Like ttft:500 tpot:30 e2el:10000.")
        found[f"{name}_ms"] = value
    return Objective("own", "own limits", **found, source="own", share=0.99)
