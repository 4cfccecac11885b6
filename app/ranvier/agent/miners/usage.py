"""What a program with everything it started uses: processor, memory, disks, cards, and its network where it has its
own. Whose process is whose goes by pid and start time, as its keeper counts it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.miners.keeper import keeper_tree as tree

_LINUX = sys.platform.startswith("linux")
_PROC = Path("/proc")
_WHOLE_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu_percent`` of one core and the rates (bytes per second) are since the reading before, None at the first;
    ``rss`` in bytes over the tree. None: the system does not tell it."""

    cpu_percent: float | None
    rss: int
    pids: tuple[int, ...]
    read_bps: float | None = None
    write_bps: float | None = None
    received_bps: float | None = None
    sent_bps: float | None = None


@dataclass(frozen=True, slots=True)
class _Counts:
    """So far, of one process: seconds of its own and of children that it has buried, bytes read and written."""

    own: float
    buried: float
    read: int | None
    written: int | None


_NEW = _Counts(0.0, 0.0, 0, 0)


class ProcessTable:
    """Who descends from whom. One ``look`` serves all miners. Blocking: call it in a worker thread.

    A process that is known is read again only when its parent has gone, and all of them now and then: on a machine
    with hundreds of processes that is most of the cost.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tree.Entry] = {}
        self._children: dict[int, list[int]] = {}
        self._marks: dict[tuple[int, str], str] = {}  # a process' environment is read once
        self._whole_at = float("-inf")

    def look(self) -> None:
        """Read the system's list of processes anew."""
        if not _LINUX:
            return
        now = time.monotonic()
        if now - self._whole_at >= _WHOLE_EVERY_S:
            self._whole_at, self._entries = now, {}
        pids = {int(name) for name in os.listdir(_PROC) if name.isdigit()}  # noqa: PTH208  # Paths cost too much here
        entries, marks = {}, {}
        self._children = {}
        for pid in pids:
            found = self._entries.get(pid)
            if found is None or (found.parent not in pids and found.parent != 0):
                found = tree.entry(pid)
            if found is None:
                continue
            entries[pid] = found
            self._children.setdefault(found.parent, []).append(pid)
            key = (pid, found.token)
            mark = self._marks.get(key)
            marks[key] = _mark_of(pid) if mark is None else mark
        self._entries, self._marks = entries, marks

    def members(self, pid: int, keeper_pid: int, folder: Path) -> tuple[int, ...]:
        """The processes of the program ``pid`` of the miner in ``folder``: what it started, what hangs below its
        keeper after a double fork, and what got away from both but carries the keeper's mark."""
        if not _LINUX:
            try:
                return (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True)))
            except psutil.Error:
                return (pid,)
        try:
            here = folder.stat()
            mark = f"{here.st_dev}-{here.st_ino}"  # as the keeper makes it
        except OSError:
            mark = "-"
        found = dict.fromkeys([pid, *(one for (one, _), word in self._marks.items() if word == mark)])
        waiting = [*found, *([keeper_pid] if keeper_pid > 1 else ())]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in found:
                    found[child] = None
                    waiting.append(child)
        found.pop(keeper_pid, None)
        return tuple(found)


def _mark_of(pid: int) -> str:
    """The mark that a keeper gave this process; empty for none, and where its environment may not be read."""
    start = f"{tree.MARK}=".encode()
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            words = file.read().split(b"\0")
    except OSError:
        return ""
    return next((word[len(start) :].decode(errors="replace") for word in words if word.startswith(start)), "")


class TreeMeter:
    """Reads one program's processes again and again; a new program starts afresh. Blocking."""

    def __init__(self) -> None:
        self._root: tuple[int, float] | None = None
        self._before: dict[tuple[int, float], _Counts] = {}
        self._network: dict[str, tuple[int, int]] | None = None
        self._at = 0.0

    def read(self, pid: int, members: Sequence[int]) -> Usage | None:
        """What ``members``, the program ``pid`` among them, use. None when it is gone or may not be read."""
        rss, pids, now_counts = 0, [], {}
        root = None
        for one in members:
            try:
                process = psutil.Process(one)
                with process.oneshot():
                    key = (one, process.create_time())
                    now_counts[key] = _counts(process)
                    rss += process.memory_info().rss
                    if process.status() == psutil.STATUS_ZOMBIE:
                        continue  # dead, its seconds not yet inherited
                pids.append(one)
                root = key if one == pid else root
            except psutil.Error:
                continue  # it ended meanwhile
        if root is None:
            self._root, self._before, self._network = None, {}, None
            return None
        before, self._before = self._before, now_counts
        network_before, self._network = self._network, _network(pids)
        at, self._at = self._at, time.monotonic()
        first, self._root = root != self._root, root
        span = self._at - at
        if first or span < 0.05:
            return Usage(None, rss, tuple(pids))
        received = sent = None
        if network_before is not None and self._network is not None and network_before.keys() == self._network.keys():
            received, sent = (
                sum(max(0, after[way] - network_before[name][way]) for name, after in self._network.items()) / span
                for way in (0, 1)
            )
        return Usage(
            round(100 * _seconds(before, now_counts) / span, 1),
            rss,
            tuple(pids),
            _rate([(before.get(key, _NEW).read, counts.read) for key, counts in now_counts.items()], span),
            _rate([(before.get(key, _NEW).written, counts.written) for key, counts in now_counts.items()], span),
            received,
            sent,
        )


def _counts(process: psutil.Process) -> _Counts:
    times = process.cpu_times()
    read = written = None
    if hasattr(process, "io_counters"):  # not on macOS
        try:
            disk = process.io_counters()
        except psutil.AccessDenied:
            pass
        else:
            read, written = disk.read_bytes, disk.write_bytes
    buried = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return _Counts(times.user + times.system, buried, read, written)


def _seconds(before: dict[tuple[int, float], _Counts], after: dict[tuple[int, float], _Counts]) -> float:
    """Processor seconds that the tree used between two readings, those of its dead included.

    Who buries a child inherits all that it used, also what was counted already while it lived: that is taken off.
    A process that came since counts from its own beginning.
    """
    own = buried = 0.0
    for key, counts in after.items():
        last = before.get(key, _NEW)
        own += max(0.0, counts.own - last.own)
        buried += max(0.0, counts.buried - last.buried)
    gone = sum(counts.own + counts.buried for key, counts in before.items() if key not in after)
    return own + max(0.0, buried - gone)


def _rate(pairs: list[tuple[int | None, int | None]], span: float) -> float | None:
    """The sum of what rose, per second; None when it is not known of one of them: a part is not the whole."""
    rise = 0
    for before, after in pairs:
        if before is None or after is None:
            return None
        rise += max(0, after - before)
    return rise / span


def _network(pids: Sequence[int]) -> dict[str, tuple[int, int]] | None:
    """Bytes received and sent so far in each network of these processes; None where they use the machine's own.

    Linux counts by network, not by process: only a program in a network of its own (a container's) can be told from
    the others.
    """
    if not _LINUX:
        return None
    found: dict[str, tuple[int, int]] = {}
    try:
        own = os.readlink("/proc/self/ns/net")  # noqa: PTH115
        for pid in pids:
            name = os.readlink(f"/proc/{pid}/ns/net")  # noqa: PTH115
            if name == own:
                return None
            if name not in found:
                found[name] = _device_bytes((_PROC / str(pid) / "net" / "dev").read_text())
    except (OSError, ValueError, IndexError):
        return None
    return found


def _device_bytes(text: str) -> tuple[int, int]:
    """Received and sent by all devices but the loopback, from the text of ``/proc/<pid>/net/dev``."""
    received = sent = 0
    for line in text.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            fields = numbers.split()
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent


# --- cards ------------------------------------------------------------------------------------------------------


def _own(sample: Hardware, gpus: Sequence[str], pids: Collection[int]) -> list[Gpu]:
    """A miner's cards: those it was given, else those on which its processes are seen."""
    return [gpu for gpu in sample.gpus if gpu.uuid in gpus or (not gpus and set(gpu.pids or ()) & set(pids))]


def gpu_of(sample: Hardware, gpus: Sequence[str], pids: Collection[int]) -> tuple[float | None, int | None]:
    """How busy a miner's cards are (percent, the busiest of them) and how many bytes of their memory it holds.

    None: not known.
    """
    busy = [float(gpu.utilization_percent) for gpu in _own(sample, gpus, pids) if gpu.utilization_percent is not None]
    held = [
        process.memory
        for gpu in sample.gpus
        for process in gpu.processes or ()
        if process.pid in pids and process.memory is not None
    ]
    return max(busy, default=None), sum(held) if held else None


def heat_of(sample: Hardware, gpus: Sequence[str], pids: Collection[int]) -> float | None:
    """How hot the hottest of a miner's cards is, in degrees C."""
    return max((float(gpu.temperature_c) for gpu in _own(sample, gpus, pids) if gpu.temperature_c is not None),
               default=None)  # fmt: skip


def cards_text(sample: Hardware | None, gpus: Sequence[str]) -> str | None:
    """The memory of a miner's cards (of all, when none is chosen) as evidence; None where nothing is known."""
    words = [
        f"{gpu.name}: {gpu.memory_used / 2**30:.1f} of {gpu.memory_total / 2**30:.1f} GiB used"
        for gpu in (() if sample is None else sample.gpus)
        if (not gpus or gpu.uuid in gpus) and gpu.memory_used is not None and gpu.memory_total is not None
    ]
    return "; ".join(words) or None
