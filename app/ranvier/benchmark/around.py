"""What the command line asks our other one-shot commands: this machine's hardware, and which miners run.

By processes and not by imports: the benchmark room knows neither the hardware's nor the agent's types.
"""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.floor import Card, MachineFacts
from ranvier.benchmark.guard import RunningMiner, users_of
from ranvier.benchmark.lock import Turns
from ranvier.core.paths import Paths
from ranvier.core.processes import NO_WINDOW, ProcessIdentity, child_environment, own_command

_LIMIT_S = 90.0
_MINERS_EVERY_S = 3.0
_PLAY = "sandbox"


async def ask(paths: Paths, *arguments: str) -> dict[str, Any] | None:
    """The JSON object that one of our commands prints; None when it prints none (its words are for people then)."""
    child = await asyncio.create_subprocess_exec(
        *own_command(*paths.arguments(), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=child_environment(),
        creationflags=NO_WINDOW,
    )
    try:
        async with asyncio.timeout(_LIMIT_S):
            output, _ = await child.communicate()
        found = json.loads(output)
    except (TimeoutError, ValueError):
        return None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return found if isinstance(found, dict) else None


async def hardware(paths: Paths) -> dict[str, Any]:
    """The newest sample, as ``ranvier hardware --json`` tells it. Raises BenchmarkError."""
    found = await ask(paths, "hardware", "--json")
    sample = None if found is None else found.get("sample")
    if not isinstance(sample, dict):
        raise BenchmarkError("The hardware cannot be read", "ranvier hardware did not answer.", "Try it by itself.")
    return sample


async def running_miners(paths: Paths) -> tuple[RunningMiner, ...]:
    """Miners that run on this instance, or should. Without an agent that answers, those whose keepers say so
    are taken as registered: better one question too many than a lost seat."""
    status = await ask(paths, "status", "--json")
    miners = (status or {}).get("miners")
    if not isinstance(miners, list):
        cards = {name: _gpus(paths.miners / name) for name in _kept_running(paths)}
        return tuple(RunningMiner(name, name, True, gpus=gpus, any_gpu=not gpus) for name, gpus in cards.items())
    return tuple(
        RunningMiner(
            id=str(miner.get("id")),
            name=str(miner.get("name")),
            registered=miner.get("neuron") is not None,
            play=miner.get("network") == _PLAY,
            axon_port=miner.get("axon_port"),
            gpus=tuple(miner.get("gpus") or ()),
            up=miner.get("state") in ("running", "starting"),
            any_gpu=bool(miner.get("uses_gpu")) and not miner.get("gpus"),
        )
        for miner in miners
        if isinstance(miner, dict) and (miner.get("wanted") or miner.get("pid") is not None)
    )


def _gpus(folder: Path) -> tuple[str, ...]:
    """The cards that a miner's file names."""
    try:
        return tuple(json.loads((folder / "miner.json").read_bytes()).get("gpus") or ())
    except (OSError, ValueError, AttributeError, TypeError):
        return ()


def turns(paths: Paths, *, share: bool) -> Turns:
    """Where a benchmark of the command line queues; with ``share`` it does not wait for miners."""

    async def others(uuids: Sequence[str]) -> str | None:
        return users_of(await running_miners(paths), uuids)

    folder = paths.benchmarks / "locks"
    return Turns(folder) if share else Turns(folder, others, every_s=_MINERS_EVERY_S)


def _kept_running(paths: Paths) -> list[str]:
    found = []
    for path in sorted(paths.miners.glob("*/run/status.json")):
        try:
            state = json.loads(path.read_bytes())
            alive = state["state"] in ("running", "starting") and state["pid"] is not None
            identity = ProcessIdentity(state["pid"], state["pid_started"]) if alive else None
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if identity is not None and identity.alive():
            found.append(path.parents[1].name)
    return found


def facts(sample: dict[str, Any]) -> MachineFacts:
    """A sample as the floor check wants it."""
    import psutil

    host = sample["host"]
    try:
        frequency = psutil.cpu_freq()
    except (OSError, RuntimeError, NotImplementedError):
        frequency = None
    mhz = None if frequency is None else frequency.max or frequency.current
    disk: dict[str, Any] = next(iter(host.get("disks") or []), {})
    return MachineFacts(
        cores=host.get("cores_logical"),
        cpu_ghz=None if not mhz else round(mhz / 1000, 2),
        architecture=platform.machine() or None,
        memory=host.get("memory_total"),
        swap=host.get("swap_total"),
        disk_free=disk.get("free"),
        rotational=disk.get("rotational"),
        system=host.get("system"),
        cards=tuple(
            Card(gpu["name"], gpu.get("memory_total"), gpu.get("compute_capability"), gpu.get("cores"))
            for gpu in sample.get("gpus") or []
            if gpu.get("problem") is None and gpu.get("parent_uuid") is None
        ),
    )


def free_memory(gpu: dict[str, Any], host: dict[str, Any]) -> int | None:
    """Bytes that a model could take on this GPU; a GPU without its own memory has the machine's."""
    if gpu.get("unified_memory"):
        available: int | None = host.get("memory_available")
        return available
    total, used = gpu.get("memory_total"), gpu.get("memory_used")
    if total is None:
        return None
    return int(total) - int(used or 0) - int(gpu.get("memory_reserved") or 0)
