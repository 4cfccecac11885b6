"""Benchmark results: the benchmark room's own arithmetic over made-up times."""

from __future__ import annotations

import random
import time

from msgspec.structs import replace

from ranvier.benchmark.device import DeviceRun
from ranvier.benchmark.figures import Device, DeviceResult, Figure, Minute
from ranvier.benchmark.metrics import Client, LoadResult, Request, summarise
from ranvier.benchmark.objectives import PRESETS
from ranvier.benchmark.store import Record, Store, Subject, new_record
from ranvier.benchmark.sweep import conclude
from ranvier.benchmark.telemetry import TelemetrySummary

GPU = "GPU-0d3f0a1b-0000-4000-8000-000000000000"
MODEL = "/home/alice/models/Llama-3.1-8B-Instruct"


def load(concurrency: int, *, failures: int = 0) -> LoadResult:
    """A server that keeps up to 16 at once and slows down after that."""
    chance = random.Random(concurrency)
    slow = max(1.0, concurrency / 16)
    requests = []
    at = 0.0
    for number in range(max(20, 4 * concurrency)):
        ttft = (0.06 + 0.02 * chance.random()) * slow**2.2
        step = (0.0235 + 0.0012 * chance.random()) * slow
        arrivals = [at + ttft + step * place for place in range(128)]
        requests.append(Request(number, at, at, arrivals, 128, 120, ok=True))
        at += (ttft + step * 128) / concurrency
    for number in range(failures):
        requests.append(Request(900 + number, 1.0, 1.0, reason="HTTP 503 the queue is full"))
    return summarise(
        requests, model=MODEL, concurrency=concurrency, rate=None, objective=PRESETS["llama3.1-8b-interactive"],
        client=Client(6.4, 1.2, limited=False),
    )  # fmt: skip


def serving(at: float, concurrency: int = 8, *, failures: int = 0) -> Record:
    plan = {"input_words": 100, "output_tokens": 128, "url": "http://127.0.0.1:8000/v1"}
    subject = Subject(GPU, MODEL, "580.95.05")
    return new_record("serving", subject, at, settings=plan, serving=load(concurrency, failures=failures))


def sweep(at: float) -> Record:
    plan = {"input_words": 100, "output_tokens": 128, "url": "http://127.0.0.1:8000/v1"}
    loads = [load(1), load(2), load(4), load(8), load(16), load(32), load(64, failures=9)]
    found = conclude([replace(one, joules=one.duration * min(440, 180 + 17 * (one.concurrency or 0))) for one in loads])
    return new_record("sweep", Subject(GPU, MODEL, "580.95.05"), at, settings=plan, sweep=found)


def device(at: float, factor: float = 1.0, driver: str = "580.95.05") -> Record:
    def figure(name: str, title: str, unit: str, middle: float) -> Figure:
        return Figure(name, title, unit, tuple(factor * middle * (1 + 0.004 * place) for place in range(-3, 4)))

    result = DeviceResult(
        Device(GPU, "NVIDIA GeForce RTX 4090", "cuda", pci_address="0000:01:00.0"),
        "Peak rates by instruction, not by a matrix library.",
        (
            figure("read", "Memory read", "GB/s", 934.0), figure("copy", "Memory copy", "GB/s", 912.0),
            figure("fp32", "fp32", "TFLOP/s", 79.4), figure("fp16_tensor", "fp16, tensor cores", "TFLOP/s", 161.0),
        ),
        {"cuda": "13.0"}, {"int8": "not on this card."},
        sustained=tuple(Minute(float(second), factor * (161.0 - 0.01 * second)) for second in range(600)),
        sustained_unit="TFLOP/s",
    )  # fmt: skip
    seen = TelemetrySummary(21.0, 2640.0, 67, 391.0, 8211.0, True, {"power limit": 11.0})
    run = DeviceRun(result, seen, driver=driver, operations_per_joule=412e9)
    return new_record("device", Subject(GPU, result.device.name, driver, result.versions), at, device=run)


def fill(store: Store) -> list[Record]:
    """Some days of results, kept."""
    now = time.time()
    records = [
        device(now - 400_000, 0.97, "575.64.03"), device(now - 7200),
        serving(now - 5000, 8, failures=2), sweep(now - 900),
    ]  # fmt: skip
    for record in records:
        store.add(record)
    return records
