"""Runs a benchmark from the window: in its child, one at a time, kept when it has ended. No widget is here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranvier.agent.api.messages import AgentStatus
from ranvier.benchmark import device
from ranvier.benchmark.cpu_work import CpuRequest
from ranvier.benchmark.cuda_work import CudaRequest
from ranvier.benchmark.device import DeviceRun
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.guard import RunningMiner, cost_of, users_of
from ranvier.benchmark.journal import Journal, Unfinished, begin
from ranvier.benchmark.llama_bench import parse_llama_bench
from ranvier.benchmark.lock import Turns, related
from ranvier.benchmark.plans import ServingPlan
from ranvier.benchmark.serving_run import serving_run
from ranvier.benchmark.store import Record, Store, Subject, new_record
from ranvier.benchmark.sweep_journal import UnfinishedSweep
from ranvier.core.tasks import Tasks
from ranvier.hardware.snapshot import Hardware
from ranvier.miners.status import MinerState
from ranvier.ui.models.benchmarks import Torch

Work = Callable[[Callable[[Any], None]], Awaitable[Record]]


@dataclass(frozen=True, slots=True)
class Watched:
    """The GPU whose energy and clocks are watched while an endpoint is measured."""

    uuid: str
    name: str


def cost_words(status: AgentStatus | None) -> str | None:
    """What a benchmark on this machine may cost now, in words; None when nothing of value is served."""
    return cost_of(_miners(status))


def users_words(status: AgentStatus | None, uuids: Sequence[str]) -> str | None:
    """The names of the miners that have one of these cards, or soon will; None when nobody has."""
    return users_of(_miners(status), uuids)


def _miners(status: AgentStatus | None) -> list[RunningMiner]:
    return [
        RunningMiner(
            one.id, one.name, one.neuron is not None, one.network == "sandbox", one.axon_port, one.gpus,
            one.state in (MinerState.RUNNING, MinerState.STARTING), one.uses_gpu and not one.gpus,
        )
        for one in (status.miners if status is not None else ())
        if one.wanted or one.pid is not None
    ]  # fmt: skip


def cards_of(sample: Hardware | None, kind: str, uuid: str | None) -> tuple[str, ...]:
    """The cards that a benchmark takes: its own with its parts; by shaders all, as which one it is cannot be told."""
    known = () if sample is None else sample.gpus
    if uuid is not None:
        return related(uuid, [(gpu.uuid, gpu.parent_uuid) for gpu in known])
    return tuple(gpu.uuid for gpu in known) if kind == "wgpu" else ()


def serving_work(
    plan: ServingPlan, most: int | None, watched: Watched | None, journals: Path, before: UnfinishedSweep | None = None
) -> Work:
    """One load, or a sweep up to ``most`` open requests: a new one, or the rest of ``before``. A sweep can go on after
    a kill: its steps are kept in ``journals``, the benchmarks' folder."""

    card = None if watched is None else (watched.uuid, watched.name)

    async def work(told: Callable[[Any], None]) -> Record:
        return await serving_run(plan, most, card, journals, told, before)

    return work


def resumed_sweep(one: UnfinishedSweep, journals: Path) -> Work:
    """Go on with a sweep that was cut off."""
    plan, card = one.plan, one.begun.gpu
    return serving_work(plan.base, plan.most, None if card is None else Watched(*card), journals, one)


def device_work(
    kind: str,
    uuid: str | None,
    turns: Turns,
    *,
    cards: Sequence[str] = (),
    check_s: float,
    sustained_s: float = 0.0,
    journals: Path | None = None,
) -> Work:
    """``kind`` is cuda, wgpu or cpu; ``uuid`` of the NVIDIA card, ``cards`` what it takes. A long run can go on after a
    kill where ``journals``, the benchmarks' folder, is given."""

    async def work(told: Callable[[Any], None]) -> Record:
        settings = {"seconds": check_s, "sustained": sustained_s}
        if kind == "cuda":
            request = CudaRequest(uuid=uuid, check_s=check_s, sustained_s=sustained_s)
            noted = None
            if uuid is not None and sustained_s and journals is not None:
                noted = await asyncio.to_thread(begin, journals, uuid, check_s, sustained_s)
                settings["begun"] = noted.at
            run = await device.measure_cuda(request, turns, told, cards=cards, journal=noted)
        elif kind == "wgpu":
            run = await device.measure_wgpu({"check_s": check_s}, turns, told, cards=cards)
        else:
            run = await device.measure_cpu(CpuRequest(check_s=check_s), turns, told)
        return new_record("device", _subject(run), time.time(), device=run, settings=settings)

    return work


def resumed_work(one: Unfinished, turns: Turns, cards: Sequence[str]) -> Work:
    """Go on with a long run that was cut off."""

    async def work(told: Callable[[Any], None]) -> Record:
        begun = one.begun
        request = CudaRequest(uuid=begun.uuid, check_s=begun.check_s, sustained_s=begun.sustained_s)
        run = await device.measure_cuda(
            request, turns, told, cards=cards, journal=Journal(one.path, begun.at), before=one
        )
        settings = {"seconds": begun.check_s, "sustained": begun.sustained_s, "begun": begun.at}
        return new_record("device", _subject(run), time.time(), device=run, settings=settings)

    return work


def torch_work(one: Torch, turns: Turns, cards: Sequence[str]) -> Work:
    """The matrix library of a miner's own environment, by its own Python, on its first card."""

    async def work(told: Callable[[Any], None]) -> Record:
        uuid = one.gpus[0] if one.gpus else "torch"
        run = await device.measure_torch(one.python, turns, uuid, told, cards=cards)
        return new_record("device", _subject(run), time.time(), device=run, settings={"miner": one.miner})

    return work


def keep_llama_bench(store: Store, path: Path) -> int:
    """Keep what a ``llama-bench`` wrote; how many results it held. Raises BenchmarkError and StorageError.
    Reads and writes files."""
    try:
        results = parse_llama_bench(path.read_bytes())
    except OSError as error:
        raise BenchmarkError("Not readable", f"{path}: {error.strerror}.", "Choose another file.") from error
    for result in results:
        run = DeviceRun(result)
        store.add(new_record("device", _subject(run), time.time(), device=run, settings={"from": "llama-bench"}))
    return len(results)


def begun_of(records: Sequence[Record]) -> list[float]:
    """When the long runs and sweeps began whose results are kept."""
    return [record.settings["begun"] for record in records if "begun" in record.settings]


def _subject(run: DeviceRun) -> Subject:
    found = run.result.device
    return Subject(found.uuid, found.name, run.driver, run.result.versions)


async def _started(work: Work, told: Callable[[Any], None]) -> Record:
    return await work(told)


class Runner:
    """At most one benchmark of this window; ``cancel`` ends its child at once; of a long run what was measured
    can go on later, of others nothing is kept."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._tasks = Tasks(lambda error: None)  # the caller of ``run`` gets the error
        self._task: asyncio.Task[Record] | None = None

    @property
    def busy(self) -> bool:
        return self._task is not None

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def run(self, work: Work, told: Callable[[Any], None]) -> Record | None:
        """The kept record; None when it was cancelled here. Raises BenchmarkError and StorageError.

        A caller that is cancelled itself (the window closes) takes the benchmark with it.
        """
        self._task = self._tasks.start(_started(work, told), "benchmark")
        task = self._task
        try:
            record = await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            return None
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            self._task = None
        await asyncio.to_thread(self.store.add, record)
        return record
