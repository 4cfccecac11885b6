"""What is wrong with the hardware, for the page: the diagnosis with what the agent knows about miners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import psutil

from ranvier.agent.api.messages import AgentStatus
from ranvier.hardware.diagnosis import Finding, Surroundings, diagnose
from ranvier.hardware.snapshot import Hardware
from ranvier.hardware.thresholds import Thresholds

_NO_STATUS: Mapping[str, frozenset[int]] = {}


def families(roots: Mapping[str, int], pids: Iterable[int]) -> dict[str, frozenset[int]]:
    """Which of ``pids`` belong to which miner: itself and everything that descends from it. Asks the system: a worker's
    work. A process that ended meanwhile belongs to nobody."""
    by_root = {pid: miner for miner, pid in roots.items()}
    found = {miner: {pid} for miner, pid in roots.items()}
    for pid in pids:
        try:
            line = [pid, *(parent.pid for parent in psutil.Process(pid).parents())]
        except (psutil.Error, OSError):
            continue
        owner = next((by_root[one] for one in line if one in by_root), None)
        if owner is not None:
            found[owner].add(pid)
    return {miner: frozenset(members) for miner, members in found.items()}


def roots_of(status: AgentStatus | None) -> dict[str, int]:
    """Each running miner's first process."""
    return {miner.id: miner.pid for miner in status.miners if miner.pid is not None} if status is not None else {}


def findings(
    samples: Sequence[Hardware],
    status: AgentStatus | None,
    pids: Mapping[str, frozenset[int]] = _NO_STATUS,
    *,
    limits: Thresholds | None = None,
) -> tuple[Finding, ...]:
    """The diagnosis of the newest sample. ``limits`` are the person's own."""
    miners = status.miners if status is not None else ()
    around = Surroundings(
        miner_pids=pids,
        miner_gpus={miner.id: frozenset(miner.gpus) for miner in miners if miner.wanted or miner.pid is not None},
        miner_cuda={miner.id: miner.torch_cuda for miner in miners if miner.torch_cuda is not None and miner.wanted},
        miner_names={miner.id: miner.name for miner in miners},
    )
    return diagnose(samples, around, limits)
