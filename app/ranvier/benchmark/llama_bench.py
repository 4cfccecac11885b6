"""What ``llama-bench`` of llama.cpp has written, in any of its formats a person may have kept: ``-o json``, ``jsonl``,
``csv`` or ``md``. Pure.

Only the JSON formats hold single samples; the others give a mean and its deviation, which is said with the figure.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath, PureWindowsPath

import msgspec

from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import Device, DeviceResult, Figure

LABEL = "llama-bench: tokens per second without tokenising and sampling, synthetic tokens."
_HINT = "Run it with -o json, and keep what it prints."
# What may differ between two tests of one model: field, and how llama-bench's own options and tables call it.
_VARIED = {
    "n_gpu_layers": "ngl", "n_threads": "t", "n_batch": "b", "n_ubatch": "ub", "type_k": "ctk", "type_v": "ctv",
    "flash_attn": "fa", "split_mode": "sm", "main_gpu": "mg", "tensor_split": "ts", "use_mmap": "mmap",
}  # fmt: skip
_SHORT = {"threads": "n_threads", **{short: field for field, short in _VARIED.items()}}
_TEST = re.compile(r"^(?:pp(\d+))?\+?(?:tg(\d+))?(?: @ d(\d+))?$")
_BUILD = re.compile(r"^build: (\w+) \((\d+)\)", re.MULTILINE)

Row = Mapping[str, object]


def parse_llama_bench(output: bytes) -> tuple[DeviceResult, ...]:
    """Its results, one for each model and backend. Raises BenchmarkError."""
    rows = _rows(output)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row.get("model_filename")), str(row.get("backends"))), []).append(row)
    results = tuple(_result(model, backends, members) for (model, backends), members in groups.items())
    results = tuple(result for result in results if result.figures)
    if not results:
        raise BenchmarkError("Not from llama-bench", "There is no test with tokens per second in it.", _HINT)
    return results


def _rows(output: bytes) -> list[Row]:
    text = output.decode("utf-8", "replace").strip()
    try:
        if text.startswith("["):
            return list(msgspec.json.decode(text, type=list[dict[str, object]]))
        if text.startswith("{"):
            return [msgspec.json.decode(line, type=dict[str, object]) for line in text.splitlines() if line.strip()]
    except msgspec.MsgspecError as error:
        raise BenchmarkError("Not from llama-bench", f"{error}.", _HINT) from error
    if "avg_ts" in text.partition("\n")[0]:
        return list(csv.DictReader(io.StringIO(text)))
    if re.search(r"^\|.*\bt/s\b", text, re.MULTILINE):
        return list(_table(text))
    raise BenchmarkError("Not from llama-bench", "It is none of its formats: JSON, CSV or Markdown.", _HINT)


def _table(text: str) -> Iterable[Row]:
    """The rows of its Markdown, with the names that the other formats give to the fields."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if "|" in line]
    head = next(line for line in lines if "t/s" in line)
    build = _BUILD.search(text)
    for line in lines[lines.index(head) + 1 :]:
        cells = dict(zip(head, line, strict=False))
        test = _TEST.match(cells.get("test", ""))
        if len(line) != len(head) or test is None:
            continue
        mean, _, deviation = cells["t/s"].partition("±")
        yield {
            **{_SHORT[name]: value for name, value in cells.items() if name in _SHORT},
            "model_filename": cells.get("model", ""), "model_type": cells.get("model", ""),
            "backends": cells.get("backend", ""), "gpu_info": "", "cpu_info": "",
            "n_prompt": test[1] or 0, "n_gen": test[2] or 0, "n_depth": test[3] or 0,
            "avg_ts": mean.strip(), "stddev_ts": deviation.strip(),
            "build_commit": build[1] if build else "?", "build_number": build[2] if build else "?",
        }  # fmt: skip


def _result(model: str, backends: str, rows: list[Row]) -> DeviceResult:
    varied = [key for key in _VARIED if len({str(row.get(key)) for row in rows}) > 1]
    figures = tuple(figure for row in rows if (figure := _figure(row, varied)) is not None)
    first = rows[0]
    name = str(first.get("gpu_info") or first.get("cpu_info") or backends or "unknown")
    file = PureWindowsPath(model).name if "\\" in model else PurePosixPath(model).name
    details = {"model": file, "backends": backends, "model_type": str(first.get("model_type"))}
    build = f"{first.get('build_number')} ({first.get('build_commit')})"
    device = Device(f"llama:{name}", name, "llama-bench", details=details)
    return DeviceResult(device, LABEL, figures, {"llama.cpp": build})


def _figure(row: Row, varied: Iterable[str]) -> Figure | None:
    prompt, made, depth = (_number(row.get(key)) or 0.0 for key in ("n_prompt", "n_gen", "n_depth"))
    parts = [f"pp{prompt:.0f}" if prompt else "", f"tg{made:.0f}" if made else ""]
    name = "+".join(part for part in parts if part) + (f" @ d{depth:.0f}" if depth else "")
    known = [f"{_VARIED[key]} {row[key]}" for key in varied if row.get(key) not in (None, "")]
    name = f"{name} ({', '.join(known)})" if known else name
    samples = row.get("samples_ts")
    if isinstance(samples, list) and samples:
        numbers = [number for value in samples if (number := _number(value)) is not None]
        return Figure(name, name, "tokens/s", tuple(numbers)) if numbers else None
    mean, deviation = _number(row.get("avg_ts")), _number(row.get("stddev_ts"))
    if mean is None:
        return None
    note = "a mean; its samples are not in this file" + ("" if deviation is None else f", deviation {deviation:g}")
    return Figure(name, name, "tokens/s", (mean,), note=note)


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None
