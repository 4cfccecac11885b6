"""Each model's figures against the shape that public copies of its config.json show: what follows is counted here.

Copies seen on 2026-11-22: whole config.json files of Llama 3.1 and 3.2, Qwen2.5, Qwen3, Mistral Nemo and SmolLM2 in
public repositories; for the others the tables of two training libraries and a description of gpt-oss-20b's repository.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ranvier.benchmark.fit import GIB, fit_all, load_catalogue

LIST = load_catalogue()


class Shape(NamedTuple):
    """As config.json names them, in short."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    inner: int
    vocabulary: int
    tied: bool = False
    qkv_bias: bool = False
    qk_norm: bool = False
    experts: int = 0
    chosen: int = 0


SHAPES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": Shape(30, 576, 9, 3, 64, 1536, 49152, tied=True),
    "Qwen/Qwen2.5-0.5B-Instruct": Shape(24, 896, 14, 2, 64, 4864, 151936, tied=True, qkv_bias=True),
    "meta-llama/Llama-3.2-1B-Instruct": Shape(16, 2048, 32, 8, 64, 8192, 128256, tied=True),
    "meta-llama/Llama-3.2-3B-Instruct": Shape(28, 3072, 24, 8, 128, 8192, 128256, tied=True),
    "Qwen/Qwen3-4B": Shape(36, 2560, 32, 8, 128, 9728, 151936, tied=True, qk_norm=True),
    "mistralai/Mistral-7B-Instruct-v0.3": Shape(32, 4096, 32, 8, 128, 14336, 32768),
    "Qwen/Qwen2.5-7B-Instruct": Shape(28, 3584, 28, 4, 128, 18944, 152064, qkv_bias=True),
    "meta-llama/Llama-3.1-8B-Instruct": Shape(32, 4096, 32, 8, 128, 14336, 128256),
    "Qwen/Qwen3-8B": Shape(36, 4096, 32, 8, 128, 12288, 151936, qk_norm=True),
    "mistralai/Mistral-Nemo-Instruct-2407": Shape(40, 5120, 32, 8, 128, 14336, 131072),
    "microsoft/phi-4": Shape(40, 5120, 40, 10, 128, 17920, 100352),
    "Qwen/Qwen3-14B": Shape(40, 5120, 40, 8, 128, 17408, 151936, qk_norm=True),
    "openai/gpt-oss-20b": Shape(24, 2880, 64, 8, 64, 2880, 201088, experts=32, chosen=4),
    "mistralai/Mistral-Small-24B-Instruct-2501": Shape(40, 5120, 32, 8, 128, 32768, 131072),
    "Qwen/Qwen3-30B-A3B": Shape(48, 2048, 32, 4, 128, 768, 151936, qk_norm=True, experts=128, chosen=8),
    "Qwen/Qwen2.5-32B-Instruct": Shape(64, 5120, 40, 8, 128, 27648, 152064, qkv_bias=True),
    "mistralai/Mixtral-8x7B-Instruct-v0.1": Shape(32, 4096, 32, 8, 128, 14336, 32000, experts=8, chosen=2),
    "meta-llama/Llama-3.3-70B-Instruct": Shape(80, 8192, 64, 8, 128, 28672, 128256),
}


def parameters(shape: Shape, experts: int, *, oss: bool) -> int:
    """All weights with so many experts in each layer; ``oss``: biases and attention sinks as gpt-oss has them."""
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    attention = 2 * shape.hidden * queries + 2 * shape.hidden * keys
    attention += (queries + 2 * keys) * (shape.qkv_bias or oss) + 2 * shape.head_dim * shape.qk_norm
    attention += (shape.hidden + shape.heads) * oss
    one = 3 * shape.hidden * shape.inner + (2 * shape.inner + shape.hidden) * oss
    router = (shape.hidden * shape.experts) + shape.experts * oss
    layer = attention + one * (experts or 1) + router + 2 * shape.hidden
    return shape.vocabulary * shape.hidden * (1 if shape.tied else 2) + shape.hidden + shape.layers * layer


def test_every_model_has_a_shape() -> None:
    assert {model.id for model in LIST.models} == set(SHAPES)


@pytest.mark.parametrize("model", LIST.models, ids=lambda model: model.id.rpartition("/")[2])
def test_the_figures_follow_from_the_shape(model) -> None:
    shape, oss = SHAPES[model.id], model.id.startswith("openai/")
    assert (model.layers, model.kv_heads, model.head_dim) == (shape.layers, shape.kv_heads, shape.head_dim)
    assert model.parameters == parameters(shape, shape.experts, oss=oss)
    if shape.experts and "active" not in model.unchecked:
        assert model.active == pytest.approx(parameters(shape, shape.chosen, oss=oss), rel=0.002)
    assert bool(shape.experts) == (model.active is not None)


def test_what_was_not_checked_says_so_where_it_is_shown() -> None:
    doubted = {model.id: model.unchecked for model in LIST.models if model.unchecked}
    assert doubted["openai/gpt-oss-20b"] == ("active",) and "meta-llama/Llama-3.1-8B-Instruct" not in doubted
    found = {one.model: one.unchecked for one in fit_all(LIST, 24 * GIB)}
    assert {model: words for model, words in found.items() if words} == doubted
