"""``ranvier bench device`` and ``ranvier bench serve``: they measure and keep."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from typing import Any

import msgspec

from ranvier.benchmark import around, guard, serving
from ranvier.benchmark.cpu_work import CpuRequest
from ranvier.benchmark.cuda_work import CudaRequest
from ranvier.benchmark.device import DeviceRun, measure_cpu, measure_cuda, measure_torch, measure_wgpu
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.journal import Journal, begin, unfinished
from ranvier.benchmark.llama_bench import parse_llama_bench
from ranvier.benchmark.lock import Turns, related
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.objectives import PRESETS, own
from ranvier.benchmark.plans import ServingPlan
from ranvier.benchmark.serving_run import serving_run
from ranvier.benchmark.store import Record, Store, Subject, new_record, values
from ranvier.benchmark.sweep_journal import SweepJournal, unfinished_sweep
from ranvier.benchmark.vllm import vllm_json
from ranvier.core.files import write_atomic
from ranvier.core.paths import Paths


async def device(options: argparse.Namespace, paths: Paths) -> int:
    """Measure one device."""
    if options.llama_bench is not None:
        try:
            results = parse_llama_bench(options.llama_bench.read_bytes())
        except OSError as error:
            raise BenchmarkError("No such file", f"{options.llama_bench}: {error.strerror}.", "") from error
        for result in results:
            _keep(
                options, paths, new_record("device", _subject(DeviceRun(result)), time.time(), device=DeviceRun(result))
            )
        return 0
    guard.may_run(await around.running_miners(paths), told_to=options.serving)
    turns = around.turns(paths, share=options.serving)
    if options.torch is not None:
        taken = await _cards(paths, options.gpu)
        run = await measure_torch(options.torch, turns, options.gpu or "torch", _progress(options), cards=taken)
    elif options.shaders:
        taken = await _cards(paths, None)  # which of them the shaders run on cannot be told
        run = await measure_wgpu({"check_s": options.seconds}, turns, _progress(options), cards=taken)
    elif options.cpu:
        run = await measure_cpu(CpuRequest(check_s=options.seconds), turns, _progress(options))
    else:
        run = await _card_or_processor(options, paths, turns)
    settings = {"seconds": options.seconds, "sustained": options.sustained}
    record = new_record("device", _subject(run), time.time(), device=run, settings=settings)
    _keep(options, paths, record)
    for one in unfinished(paths.benchmarks):
        if one.begun.uuid == run.result.device.uuid and one.done_s >= one.begun.sustained_s - 1.5:
            Journal(one.path, one.begun.at).drop()  # it is kept now
    return 0


async def _cards(paths: Paths, uuid: str | None) -> tuple[str, ...]:
    """The card asked for with its parts; without one every card of this machine."""
    known = [(str(gpu["uuid"]), gpu["parent_uuid"]) for gpu in (await around.hardware(paths))["gpus"] if gpu["uuid"]]
    return related(uuid, known) if uuid is not None else tuple(one for one, _ in known)


async def _card_or_processor(options: argparse.Namespace, paths: Paths, turns: Turns) -> DeviceRun:
    """The GPU asked for, or the first one; on a machine without any the processor."""
    sample = await around.hardware(paths)
    cards = [gpu for gpu in sample["gpus"] if gpu["problem"] is None and gpu["vendor"] == "nvidia" and gpu["uuid"]]
    uuid = options.gpu or next((gpu["uuid"] for gpu in cards if gpu["parent_uuid"] is None), None)
    if uuid is None and sample["gpus"]:
        message = "Its GPU is not NVIDIA's, or does not answer."
        raise BenchmarkError("Not by CUDA", message, "Use --shaders, --torch, or --cpu for the processor.")
    if uuid is None:
        return await measure_cpu(CpuRequest(check_s=options.seconds), turns, _progress(options))
    before = next((one for one in unfinished(paths.benchmarks) if one.begun.uuid == uuid), None)
    if options.resume:
        if before is None:
            raise BenchmarkError("Nothing to go on with", "No sustained run of this GPU was cut off.", "")
        journal: Journal | None = Journal(before.path, before.begun.at)
        options.seconds, options.sustained = before.begun.check_s, before.begun.sustained_s  # as was asked for then
    else:
        before = None
        journal = begin(paths.benchmarks, uuid, options.seconds, options.sustained) if options.sustained else None
    request = CudaRequest(uuid=uuid, check_s=options.seconds, sustained_s=options.sustained)
    taken = related(uuid, [(str(gpu["uuid"]), gpu["parent_uuid"]) for gpu in sample["gpus"]])
    return await measure_cuda(request, turns, _progress(options), cards=taken, journal=journal, before=before)


def _plan(options: argparse.Namespace) -> ServingPlan:
    if not options.url:
        raise BenchmarkError("No server", "It does not say which.", "Like http://127.0.0.1:8000/v1.")
    concurrency = options.concurrency if options.concurrency is not None or options.rate is not None else 1
    objective = PRESETS[options.objective] if options.goodput is None else own(options.goodput)
    return ServingPlan(
        url=options.url, model=options.model, requests=options.requests, max_seconds=options.seconds,
        concurrency=concurrency, rate=options.rate, burstiness=options.burstiness, input_words=options.input_words,
        output_tokens=options.output_tokens, warmup=options.warmup, timeout_s=options.timeout,
        seed=secrets.randbits(31), objective=objective, api_key_variable=options.api_key_variable,
        remote=options.remote,
    )  # fmt: skip


async def serve(options: argparse.Namespace, paths: Paths) -> int:
    """Measure an endpoint."""
    before = unfinished_sweep(paths.benchmarks) if options.resume else None
    if options.resume and before is None:
        raise BenchmarkError("Nothing to go on with", "No sweep was cut off.", "")
    plan = _plan(options) if before is None else before.plan.base
    plan.check()
    if not plan.remote:
        guard.may_run(await around.running_miners(paths), told_to=options.serving)
    gpu = None if options.gpu is None else (options.gpu, "")
    most = options.sweep
    if before is not None:
        most, gpu = before.plan.most, before.begun.gpu or gpu
    record = await serving_run(plan, most, gpu, paths.benchmarks, _serving_progress(options), before)
    result = record.serving
    if options.vllm_json is not None and result is not None:
        data = vllm_json(result, date=time.strftime("%Y%m%d-%H%M%S", time.gmtime(record.at)), details=True)
        write_atomic(options.vllm_json.absolute(), msgspec.json.format(msgspec.json.encode(data)), mode=0o644)
    _keep(options, paths, record)
    if "begun" in record.settings and not options.dry:
        SweepJournal(paths.benchmarks, record.settings["begun"]).drop()  # it is kept now
    return 0 if result is None or result.completed else 1


def _subject(run: DeviceRun) -> Subject:
    device = run.result.device
    return Subject(device.uuid, device.name, run.driver, run.result.versions)


def _keep(options: argparse.Namespace, paths: Paths, record: Record) -> None:
    path = None if options.dry else Store(paths.benchmarks).add(record)
    if options.json:
        sys.stdout.write(msgspec.json.encode(record).decode() + "\n")
        return
    sys.stdout.write(text(record))
    if path is not None:
        sys.stdout.write(f"kept as {record.id}\n")


def text(record: Record) -> str:
    """A record for people: figures with their spread, then what there is to know about them."""
    lines = [f"{record.subject.name} [{record.subject.uuid}]"]
    for value in values(record):
        spread = "" if value.spread_percent is None else f"  (spread {value.spread_percent:.1f} %)"
        lines.append(f"  {value.title:<32} {value.value:12.2f} {value.unit}{spread}")
    if record.device is not None:
        result = record.device.result
        lines += [f"  {test}: {reason}" for test, reason in result.skipped.items()]
        lines += [result.label, *result.warnings]
        if record.device.telemetry is not None:
            lines += [f"  {r}: {s:.0f} s" for r, s in record.device.telemetry.throttled_s.items()]
    if record.serving is not None:
        lines += _serving_text(record.serving)
    if record.sweep is not None:
        sweep = record.sweep
        if sweep.knee_seen:
            lines.append(f"more than {sweep.knee} open requests bring no more tokens")
        else:
            lines.append(f"up to {sweep.knee or 0} open requests more brought more: the knee lies higher")
        lines.append(f"within the objective: up to {sweep.best_good or 'none'} open requests")
    return "\n".join(lines) + "\n"


def _serving_text(result: LoadResult) -> list[str]:
    lines = [f"  {result.completed} answered, {result.failed} failed, {result.duration:.1f} s"]
    lines += [f"  {count} x {reason}" for reason, count in result.failures.items()]
    if result.tokens_from == "estimate":
        lines.append("  the server does not count its tokens: chunks were counted, an estimate")
    lines.append(f"  the measuring client used {result.client.cpu_percent:.0f} % of a core")
    if result.client.limited:
        lines.append("  the client was busy: these figures may be its own and not the server's")
    return lines


def _progress(options: argparse.Namespace) -> Any:
    def tell(message: dict[str, Any]) -> None:
        if message.get("event") == "waiting":
            sys.stderr.write(f"waits for {message['for']}\n")
            return
        if not options.json and sys.stderr.isatty():
            what = message.get("test")
            if what is None and message.get("event") == "sustained":
                what = f"{message['at']:.0f} of {message['of']:.0f} s: {message['rate']:.1f} {message['unit']}"
            sys.stderr.write(f"\r\x1b[K{what or 'measuring'}")

    return tell


def _serving_progress(options: argparse.Namespace) -> serving.Told:
    def tell(progress: serving.ServingProgress) -> None:
        if options.json or not sys.stderr.isatty():
            return
        if progress.step is not None:
            step = progress.step
            sys.stderr.write(f"\r\x1b[K{step.concurrency} open: {step.output_throughput:.0f} tokens/s\n")
        else:
            sys.stderr.write(f"\r\x1b[K{progress.finished} answered, {progress.failed} failed")

    return tell
