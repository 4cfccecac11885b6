"""Other programs' files: llama-bench in each of its formats, written here as it writes them."""

from __future__ import annotations

import msgspec
import pytest

from ranvier.benchmark.device import DeviceRun
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.llama_bench import parse_llama_bench
from ranvier.benchmark.store import Subject, new_record, values


def test_llama_benchs_output_is_read() -> None:
    rows = [
        {"model_filename": "/m/smol.gguf", "backends": "CPU", "cpu_info": "EPYC", "gpu_info": "", "build_commit": "abc",
         "build_number": 6000, "model_type": "llama 135M", "n_prompt": 512, "n_gen": 0, "samples_ts": [90, 100, 95]},
        {"model_filename": "/m/smol.gguf", "backends": "CPU", "cpu_info": "EPYC", "gpu_info": "", "build_commit": "abc",
         "build_number": 6000, "n_prompt": 0, "n_gen": 128, "n_depth": 4096, "samples_ts": [20.5]},
    ]  # fmt: skip
    (result,) = parse_llama_bench(msgspec.json.encode(rows))
    assert [(figure.name, figure.median) for figure in result.figures] == [("pp512", 95.0), ("tg128 @ d4096", 20.5)]
    assert result.device.details["model"] == "smol.gguf"
    assert result.versions == {"llama.cpp": "6000 (abc)"}
    with pytest.raises(BenchmarkError, match="no test"):
        parse_llama_bench(b'{"a": 1}')


def test_each_setting_that_was_varied_names_its_figure() -> None:
    rows = [
        {"model_filename": "C:\\m\\x.gguf", "backends": "CUDA", "gpu_info": "RTX 4090", "n_prompt": 512, "n_gen": 0,
         "flash_attn": fa, "n_gpu_layers": 99, "samples_ts": [float(100 + fa)]} for fa in (0, 1)
    ]  # fmt: skip
    lines = b"\n".join(msgspec.json.encode(row) for row in rows)
    for written in (msgspec.json.encode(rows), lines):
        (result,) = parse_llama_bench(written)
        assert [(figure.name, figure.median) for figure in result.figures] == [
            ("pp512 (fa 0)", 100.0), ("pp512 (fa 1)", 101.0),
        ]  # fmt: skip
        assert (result.device.details["model"], result.device.name) == ("x.gguf", "RTX 4090")


CSV = """\
build_commit,build_number,cpu_info,gpu_info,backends,model_filename,model_type,n_prompt,n_gen,n_depth,avg_ts,stddev_ts
"abc1234","6500","EPYC","RTX 4090","CUDA","/m/a.gguf","llama 8B Q4_K - Medium","512","0","0","9001.25","12.5"
"abc1234","6500","EPYC","RTX 4090","CUDA","/m/a.gguf","llama 8B Q4_K - Medium","0","128","4096","120.5","0.25"
"""
TABLE = """\
ggml_cuda_init: found 1 CUDA devices:
| model                          |       size |     params | backend    | ngl |            test |                  t/s |
| ------------------------------ | ---------: | ---------: | ---------- | --: | --------------: | -------------------: |
| llama 8B Q4_K - Medium         |   4.58 GiB |     8.03 B | CUDA       |  99 |           pp512 |      9001.25 ± 12.50 |
| llama 8B Q4_K - Medium         |   4.58 GiB |     8.03 B | CUDA       |  99 |   tg128 @ d4096 |        120.50 ± 0.25 |

build: abc1234 (6500)
"""


@pytest.mark.parametrize(("text", "name"), [(CSV, "RTX 4090"), (TABLE, "CUDA")])
def test_a_mean_is_kept_as_a_mean(text: str, name: str) -> None:
    (result,) = parse_llama_bench(text.encode())
    assert [(figure.name, figure.samples) for figure in result.figures] == [
        ("pp512", (9001.25,)), ("tg128 @ d4096", (120.5,)),
    ]  # fmt: skip
    assert "deviation 12.5" in result.figures[0].note
    assert (result.device.name, result.versions) == (name, {"llama.cpp": "6500 (abc1234)"})
    record = new_record("device", Subject("x", name), 1.0, device=DeviceRun(result))
    assert [value.spread_percent for value in values(record)] == [None, None], "one value has no spread"


@pytest.mark.parametrize("text", [b"", b"hello", b"[]", b"[{}]", b"\xff\x00", b"| model | t/s |\n", b"avg_ts\nx\n"])
def test_what_is_no_result_is_said(text: bytes) -> None:
    with pytest.raises(BenchmarkError):
        parse_llama_bench(text)
