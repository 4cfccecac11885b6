"""How quickly programs are started, restarted and stopped, and what watching them costs: the keeper beside others.

``python tests/bench/supervision.py``: one run, a few minutes. Peers are installed into a scratch folder; one that
cannot be installed is left out. Turns are taken in rounds, so that a busy machine slows all of them: compare ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "app"), str(Path(__file__).resolve().parent)]

from supervision_peers import PEERS, Bare, Peer  # noqa: E402  # the bench runs as a script

CHILD = """\
import time; t = time.monotonic_ns()
import os, signal, sys
stamp, mode = sys.argv[1], sys.argv[2]
signal.signal(signal.SIGINT, signal.SIG_DFL)
def mark(word, at=None):
    fd = os.open(stamp, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(fd, b"%s %d %d\\n" % (word.encode(), os.getpid(), at or time.monotonic_ns())); os.close(fd)
mark("C", t)
if mode == "flood":
    lines = int(sys.argv[3])
    data = memoryview("".join("%010d %s\\n" % (i, "x" * 88) for i in range(lines)).encode())
    mark("B")
    while data: data = data[os.write(1, data[:65536]):]
    mark("E")
if mode == "ticker":
    n = 0
    while True:
        print("tick %d" % n, flush=True); n += 1; time.sleep(0.02)
while True: signal.pause()
"""
LINE = 100


class Stamps:
    """What the child wrote down: (word, pid, time in ns)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[tuple[str, int, int]]:
        if not self.path.exists():
            return []
        rows = [line.split() for line in self.path.read_text().splitlines()]
        return [(row[0], int(row[1]), int(row[2])) for row in rows if len(row) == 3]

    def wait(self, count: int, word: str = "C", limit_s: float = 30.0) -> tuple[int, int]:
        """(pid, time) of the ``count``-th such row."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            rows = [row for row in self.all() if row[0] == word]
            if len(rows) >= count:
                return rows[count - 1][1], rows[count - 1][2]
            time.sleep(0.0005)
        raise TimeoutError(f"{self.path}: no {word} number {count}")

    def count(self, word: str = "C") -> int:
        return sum(row[0] == word for row in self.all())


class Bench:
    def __init__(self, scratch: Path, runs: int) -> None:
        self.scratch = scratch
        self.runs = runs
        self.child = scratch / "child.py"
        self.child.write_text(CHILD)
        self.python = [str(Path(sys.prefix) / "bin" / "python"), str(self.child)]
        self.out: dict[str, Any] = {}

    def peers(self, wanted: set[str]) -> list[Peer]:
        found = []
        for kind in PEERS:
            one = kind(self.scratch)
            if one.name in wanted:
                ready = one.install()
                self.out.setdefault("installed", {})[one.name] = ready
                found += [one] if ready else []
        return found

    def stamps(self, peer: Peer, tag: str, number: int = 0) -> Stamps:
        return Stamps(self.scratch / f"{peer.name}-{tag}-{number}.stamp")

    def command(self, stamps: Stamps, *words: object) -> list[str]:
        return [*self.python, str(stamps.path), *map(str, words)]

    def opened(self, peer: Peer, tag: str, *words: object, count: int = 1) -> list[Stamps]:
        """Make the peer ready with ``count`` programs of one mode."""
        every = [self.stamps(peer, tag, number) for number in range(count)]
        peer.folder = self.scratch / f"{peer.name}-{tag}"
        peer.log = peer.folder / "out.log"
        commands = [self.command(stamps, *words) for stamps in every]
        if hasattr(peer, "commands_again"):
            peer.commands_again = commands
        peer.open(commands)
        for stamps in every:  # PM2 starts what it is told of: only later starts count
            stamps.path.unlink(missing_ok=True)
        return every

    # -- times -----------------------------------------------------------------------------------------------

    def times(self, peers: list[Peer]) -> None:
        """Start, restart after a kill, stop; all peers in each round."""
        stamps = {peer.name: self.opened(peer, "t", "idle")[0] for peer in peers}
        rows: dict[str, dict[str, list[float]]] = {
            name: {"start": [], "crash": [], "dead": [], "answer": []} for name in stamps
        }
        for _ in range(self.runs + 1):
            for peer in peers:
                self._round(peer, stamps[peer.name], rows[peer.name])
        for peer in peers:
            peer.close()
        base = {key: _median(values[1:]) for key, values in rows["bare"].items()}
        self.out["times_ms"] = {
            name: {key: [round(_median(v[1:]), 2), round(_median(v[1:]) / base[key], 2)] for key, v in row.items()}
            for name, row in rows.items()
        }

    def _round(self, peer: Peer, stamps: Stamps, rows: dict[str, list[float]]) -> None:
        count = stamps.count()
        began = time.monotonic_ns()
        peer.start()
        pid, at = stamps.wait(count + 1)
        rows["start"].append((at - began) / 1e6)
        time.sleep(1.5)  # every peer calls it running by now
        began = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        if isinstance(peer, Bare):
            peer.again()
        pid, at = stamps.wait(count + 2)
        rows["crash"].append((at - began) / 1e6)
        time.sleep(1.3)
        handle = os.pidfd_open(pid)
        dead: list[int] = []
        began = time.monotonic_ns()
        watcher = _when_readable(handle, dead)
        peer.stop()
        rows["answer"].append((time.monotonic_ns() - began) / 1e6)
        watcher()
        os.close(handle)
        rows["dead"].append((dead[0] - began) / 1e6)

    # -- logs ------------------------------------------------------------------------------------------------

    def logs(self, peers: list[Peer], megabytes: int) -> None:
        lines = megabytes * 1_000_000 // LINE
        result = {}
        for peer in peers:
            stamps = self.opened(peer, "l", "flood", lines)[0]
            if peer.log.exists():
                os.truncate(peer.log, 0)  # some hold it open already
            managers = peer.managers()
            before = sum(_cpu(one) for one in managers)
            peer.start()
            _pid, began = stamps.wait(1, "B", 60)
            _pid, written = stamps.wait(1, "E", 300)
            peak, still = 0, time.monotonic()
            size = -1
            while time.monotonic() - still < 1.5:
                now = peer.log_size()
                peak = max([peak, *(one.memory_info().rss for one in managers)])
                if now != size:
                    size, still, ended = now, time.monotonic(), time.monotonic_ns()
                time.sleep(0.01)
            seen = [int(word) for word in re.findall(rb"^(\d{10}) x", peer.log_bytes(), re.MULTILINE)]
            result[peer.name] = {
                "child_s": round((written - began) / 1e9, 2),
                "all_in_file_s": round((ended - began) / 1e9, 2),
                "manager_cpu_s": round(sum(_cpu(one) for one in managers) - before, 2),
                "peak_rss_mb": round(peak / 1e6, 1),
                "lines_lost": lines - len(set(seen)),
                "lines_twice": len(seen) - len(set(seen)),
            }
            peer.stop()
            peer.close()
        self.out[f"logs_{megabytes}MB"] = result

    # -- idle ------------------------------------------------------------------------------------------------

    def idle(self, peers: list[Peer], counts: Sequence[int], seconds: float) -> None:
        result: dict[str, Any] = {}
        for peer in peers:
            if isinstance(peer, Bare):
                continue
            for count in counts:
                every = self.opened(peer, f"i{count}", "idle", count=count)
                for number, stamps in enumerate(every):
                    peer.start(number)
                    stamps.wait(1)
                time.sleep(2.5)
                managers = peer.managers()
                before = sum(_cpu(one) for one in managers)
                time.sleep(seconds)
                spent = sum(_cpu(one) for one in managers) - before
                full = [one.memory_full_info() for one in managers]
                result.setdefault(peer.name, {})[count] = {
                    "rss_mb": round(sum(one.rss for one in full) / 1e6, 1),
                    "pss_mb": round(sum(one.pss for one in full) / 1e6, 1),
                    "cpu_percent": round(100 * spent / seconds, 3),
                }
                peer.close()
        self.out["idle"] = result

    # -- a killed manager ------------------------------------------------------------------------------------

    def killed(self, peers: list[Peer]) -> None:
        """SIGKILL every manager, then do what an operator does: what runs, and what is in the log?"""
        result: dict[str, Any] = {}
        for peer in peers:
            for mode in ("ticker", "idle"):
                if not isinstance(peer, Bare):
                    result.setdefault(peer.name, {})[mode] = self._killed(peer, mode)
        self.out["killed_manager"] = result

    def _killed(self, peer: Peer, mode: str) -> dict[str, Any]:
        stamps = self.opened(peer, f"k-{mode}", mode)[0]
        peer.start()
        pid, _at = stamps.wait(1)
        time.sleep(1.2)
        for manager in peer.managers():
            manager.kill()
        time.sleep(1.0)
        survived = _alive(pid)
        with contextlib.suppress(RuntimeError, OSError):
            peer.reopen()
        time.sleep(2.0)
        pids = [one for word, one, _at in stamps.all() if word == "C" and _alive(one)]
        ticks = [int(word) for word in re.findall(rb"^tick (\d+)$", peer.log_bytes(), re.MULTILINE)]
        found: dict[str, Any] = {"child_survives": survived, "running_after_restart": len(pids)}
        found["same_process_only"] = pids == [pid]
        if mode == "ticker" and pids == [pid]:
            found["every_line_once"] = sorted(ticks) == list(range(len(ticks)))
        peer.close()
        for one in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        return found


def _when_readable(handle: int, dead: list[int]) -> Callable[[], None]:
    """Note when a pidfd says that its process has ended, in a thread; the result waits for it."""
    import select
    import threading

    def watch() -> None:
        select.select([handle], [], [], 40)
        dead.append(time.monotonic_ns())

    thread = threading.Thread(target=watch)
    thread.start()
    return thread.join


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--idle-seconds", type=float, default=10.0)
    parser.add_argument("--only", nargs="+", default=[kind.name for kind in PEERS])
    parser.add_argument("--parts", nargs="+", default=["times", "logs", "killed", "idle"])
    parser.add_argument("--scratch", type=Path, help="keep what is installed here")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        scratch = options.scratch or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rvb")))
        scratch.mkdir(exist_ok=True)
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="w", dir=scratch)))
        bench = Bench(scratch, options.runs)
        peers = bench.peers(set(options.only))
        bench.scratch = work
        for peer in peers:
            peer.folder = work / peer.name
        if "times" in options.parts:
            bench.times(peers)
        if "logs" in options.parts:
            bench.logs(peers, options.megabytes)
        if "killed" in options.parts:
            bench.killed(peers)
        if "idle" in options.parts:
            bench.idle(peers, options.counts, options.idle_seconds)
        bench.out["machine"] = {"cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()[0]}
        sys.stdout.write(json.dumps(bench.out, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
