"""How near to the roof: a share of the measured load's own roof, and only for cards and models that are known."""

from __future__ import annotations

import msgspec
import pytest

from benchmark.test_pure import request, summary
from ranvier.benchmark.device import DeviceRun
from ranvier.benchmark.figures import Device, DeviceResult, Figure
from ranvier.benchmark.fit import load_catalogue, roof
from ranvier.benchmark.reached import named, reached
from ranvier.benchmark.store import Subject, new_record
from ranvier.benchmark.sweep import SweepResult

LIST = load_catalogue()
CARD = DeviceResult(Device("GPU-1", "RTX", "cuda"), "", (Figure("read", "Memory read", "GB/s", (1000.0,)),), {})
DEVICE = new_record("device", Subject("GPU-1", "RTX"), 1.0, device=DeviceRun(CARD))


def load(concurrency: int, per_token_s: float, model: str = "/models/Llama-3.1-8B-Instruct"):
    arrivals = [1.0 + per_token_s * place for place in range(101)]
    result = summary(request(0, 0.0, arrivals, 101))
    return msgspec.structs.replace(result, model=model, concurrency=concurrency, input_tokens=150)


def test_the_share_is_of_the_measured_loads_own_roof() -> None:
    one = new_record("serving", Subject("GPU-1", "x"), 3.0, serving=load(1, 0.025))
    (found,) = reached([one, DEVICE], LIST, "GPU-1")
    model, bf16 = LIST.find("Llama-3.1-8B-Instruct", "bf16")
    assert found.roof == pytest.approx(roof(model, bf16, 1e12, context=200)), "150 asked, half of 101 made"
    assert found.rate == pytest.approx(40.0)
    assert found.words == "Llama-3.1-8B-Instruct, bf16, one at a time: at most 62 tokens/s; you measured 40 = 64 %."
    fast = reached([new_record("serving", Subject("GPU-1", "x"), 5.0, serving=load(1, 0.01)), DEVICE], LIST, "GPU-1")
    assert "100 = 161 %. More than memory allows" in fast[0].words
    older = new_record("serving", Subject("GPU-1", "x"), 2.0, serving=load(1, 0.05))
    assert reached([one, older, DEVICE], LIST, "GPU-1") == (found,), "the newest"
    steps = (load(1, 0.02), load(2, 0.021), load(4, 0.022))
    both = reached(
        [new_record("sweep", Subject("GPU-1", "x"), 4.0, sweep=SweepResult(steps, 4, 4)), DEVICE], LIST, "GPU-1"
    )
    assert {one.sequences for one in both} >= {1}


def test_without_card_bandwidth_or_a_known_model_there_is_no_share() -> None:
    one = new_record("serving", Subject("GPU-1", "x"), 3.0, serving=load(1, 0.025))
    assert reached([one], LIST, "GPU-1") == () == reached([one, DEVICE], LIST, "GPU-2")
    strange = new_record("serving", Subject("GPU-1", "x"), 3.0, serving=load(1, 0.025, "my-own-model"))
    assert reached([strange, DEVICE], LIST, "GPU-1") == ()


@pytest.mark.parametrize(
    ("served", "model", "how"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct", "bf16"),
        ("C:\\m\\Llama-3.1-8B-Instruct-Q4_K_M.gguf", "meta-llama/Llama-3.1-8B-Instruct", "q4_k_m"),
        ("Qwen/Qwen3-8B-AWQ", "Qwen/Qwen3-8B", "int4_g128"),
        ("openai/gpt-oss-20b", "openai/gpt-oss-20b", "mxfp4"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "meta-llama/Llama-3.3-70B-Instruct", "fp8"),
    ],
)
def test_a_servers_name_for_a_model_is_understood(served: str, model: str, how: str) -> None:
    found = named(served, LIST)
    assert found is not None and (found[0].id, found[1].id) == (model, how)
    assert named("Qwen3-18B", LIST) is None
