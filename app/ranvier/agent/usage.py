"""CPU and memory of a program with everything it started, by pid and start time."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psutil

from ranvier.hardware.snapshot import Hardware


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu_percent`` is of one core since the last reading (None at first), ``rss`` bytes over the tree."""

    cpu_percent: float | None
    rss: int
    pids: tuple[int, ...]


class TreeMeter:
    """Reads one program's tree again and again; a new pid starts afresh. Blocking: call it in a worker thread."""

    def __init__(self) -> None:
        self._root: tuple[int, float] | None = None
        self._cpu: dict[tuple[int, float], float] = {}
        self._at: float | None = None

    def read(self, pid: int) -> Usage | None:
        """None when the program is gone or may not be read."""
        try:
            root = psutil.Process(pid)
            key = (pid, root.create_time())
            members = [root, *root.children(recursive=True)]
        except psutil.Error:
            self._root, self._cpu, self._at = None, {}, None
            return None
        if key != self._root:
            self._root, self._cpu, self._at = key, {}, None
        rss, pids, spent = 0, [], {}
        for process in members:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    spent[(process.pid, process.create_time())] = times.user + times.system
                    rss += process.memory_info().rss
                pids.append(process.pid)
            except psutil.Error:
                continue  # it ended meanwhile
        now = time.monotonic()
        percent = None
        if self._at is not None and now - self._at > 0.05:
            # A process that came since the last reading counts from its own beginning.
            used = sum(seconds - self._cpu.get(one, 0.0) for one, seconds in spent.items())
            percent = round(100.0 * max(0.0, used) / (now - self._at), 1)
        self._cpu, self._at = spent, now
        return Usage(percent, rss, tuple(pids))


def gpu_of(sample: Hardware, gpus: Sequence[str], pids: Collection[int]) -> tuple[float | None, int | None]:
    """How busy a miner's cards are (percent, the busiest of them) and how many bytes of their memory it holds.

    Its cards are those it was given, else those on which its processes are seen. None: not known.
    """
    own = [gpu for gpu in sample.gpus if gpu.uuid in gpus or (not gpus and set(gpu.pids or ()) & set(pids))]
    busy = [float(gpu.utilization_percent) for gpu in own if gpu.utilization_percent is not None]
    held = [
        process.memory
        for gpu in sample.gpus
        for process in gpu.processes or ()
        if process.pid in pids and process.memory is not None
    ]
    return max(busy, default=None), sum(held) if held else None


def cards_text(sample: Hardware | None, gpus: Sequence[str]) -> str | None:
    """The memory of a miner's cards (of all, when none is chosen) as evidence; None where nothing is known."""
    words = [
        f"{gpu.name}: {gpu.memory_used / 2**30:.1f} of {gpu.memory_total / 2**30:.1f} GiB used"
        for gpu in (() if sample is None else sample.gpus)
        if (not gpus or gpu.uuid in gpus) and gpu.memory_used is not None and gpu.memory_total is not None
    ]
    return "; ".join(words) or None
