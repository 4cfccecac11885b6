"""Service objectives: what a request must keep to count as good. Presets are MLPerf Inference's server limits."""

from __future__ import annotations

import msgspec


class Objective(msgspec.Struct, frozen=True):
    """Limits in milliseconds; None means no limit. ``source`` says who set them."""

    name: str
    title: str
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2el_ms: float | None = None
    source: str = ""


_MLPERF = "MLPerf Inference, server scenario"
PRESETS: dict[str, Objective] = {
    preset.name: preset
    for preset in (
        Objective("llama3.1-8b", "8B model, server", 2000, 100, source=_MLPERF),
        Objective("llama3.1-8b-interactive", "8B model, interactive", 500, 30, source=_MLPERF),
        Objective("llama2-70b", "70B model, server", 2000, 200, source=_MLPERF),
        Objective("llama2-70b-interactive", "70B model, interactive", 450, 40, source=_MLPERF),
    )
}
DEFAULT = PRESETS["llama3.1-8b"]
