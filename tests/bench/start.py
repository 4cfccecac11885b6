"""How fast Ranvier starts and how little its background processes take, in one run: ``python3 dev.py bench start``.

Real processes in a temporary home. The window is measured beside a bare PySide6 window, in turns, so that a busy
machine slows both: compare the ratio. Times are from the start of the process to its line on standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from ranvier.core.processes import child_environment, own_command

BARE = Path(__file__).resolve().parent.parent / "programs" / "bare_window.py"
Rows = list[tuple[str, str, str]]  # what, value, remark


def environment() -> dict[str, str]:
    """Offscreen unless the caller says otherwise; to measure on a display: QT_QPA_PLATFORM=xcb."""
    return child_environment({"QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")})


def seconds_to_first_line(command: Sequence[str]) -> float:
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - started
        process.stdout.read()
    if not line or process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return seconds


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}


def windows(home: Path, runs: int) -> dict[str, Any]:
    """First paint of both windows, in turns; the first turn only warms the disk cache."""
    bare_times, own_times = [], []
    for turn in range(runs + 1):
        bare = seconds_to_first_line([sys.executable, str(BARE)])
        own = seconds_to_first_line(own_command("--home", str(home), "--exit-after-paint"))
        if turn:
            bare_times.append(bare)
            own_times.append(own)
    return {
        "bare": spread(bare_times),
        "ranvier": spread(own_times),
        "ratio_of_medians": statistics.median(own_times) / statistics.median(bare_times),
        "ratio_of_mins": min(own_times) / min(bare_times),
    }


def sandbox(folder: Path, runs: int) -> dict[str, float]:
    """A new practice network each time: start of the process to its ready line."""
    times = []
    for run in range(runs):
        command = own_command("sandbox", "--port", "0", "--block-time", "1", "--data", str(folder / str(run)))
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True) as process:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline() or "{}").get("ready")
            times.append(time.perf_counter() - started)
            process.terminate()
        if not ready:
            raise SystemExit("the sandbox did not become ready")
    return spread(times)


def rehearsal(home: Path) -> dict[str, Any]:
    """The whole life of a node, stage by stage, to the first earning."""
    command = own_command("--home", str(home), "rehearse", "--headless", "--json")
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        raise SystemExit(f"the rehearsal ended with {done.returncode}")
    stages = {line["stage"]: line["seconds"] for line in lines if "stage" in line}
    return {"stages": stages, **lines[-1]}


def background(home: Path) -> dict[str, psutil.Process]:
    """The agent and every keeper of ``home``, by what they are for."""
    agent = json.loads((home / "agent" / "endpoint.json").read_text("utf-8"))["pid"]
    found = {"agent": psutil.Process(agent)}
    for status in sorted(home.rglob("run/status.json")):
        owner = status.parent.parent
        found[f"keeper of {owner.name}"] = psutil.Process(json.loads(status.read_text("utf-8"))["keeper_pid"])
    return found


def at_rest(processes: dict[str, psutil.Process], seconds: float) -> dict[str, dict[str, float]]:
    """Memory at the end and CPU over ``seconds``, in percent of one core."""
    before = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
    started = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - started
    result = {}
    for name, process in processes.items():
        used = sum(process.cpu_times()[:2]) - before[name]
        memory = process.memory_full_info()
        result[name] = {"rss_mb": memory.rss / 1e6, "uss_mb": memory.uss / 1e6, "cpu_percent": 100 * used / passed}
    return result


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder for everything; whatever runs in it at the end is stopped."""
    with tempfile.TemporaryDirectory(prefix="ranvier-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        try:
            yield home
        finally:
            stop = own_command("--home", str(home), "stop", "--everything")
            subprocess.run(stop, env=environment(), stdout=subprocess.DEVNULL, check=False)


def seconds_row(what: str, values: dict[str, float]) -> tuple[str, str, str]:
    remark = f"min {values['min']:.3f}, max {values['max']:.3f}, {values['runs']} runs"
    return what, f"{values['median']:.3f} s", remark


def table(found: dict[str, Any]) -> Rows:
    rows: Rows = [("machine", f"{found['cores']} cores", f"load {found['load']}, Python {found['python']}")]
    window = found["window"]
    rows.append(seconds_row("bare PySide6 window, first paint", window["bare"]))
    rows.append(seconds_row("Ranvier's window, first paint", window["ranvier"]))
    ratio = f"{window['ratio_of_medians']:.2f} x"
    rows.append(("  ratio of the medians", ratio, f"of the fastest {window['ratio_of_mins']:.2f} x"))
    rows.append(seconds_row("sandbox, ready", found["sandbox"]))
    if "rehearsal" in found:
        rows.append(("rehearsal, first earning", f"{found['rehearsal']['first_earning_s']:.1f} s", "from nothing"))
        rows += [(f"  {stage}", f"{s:.1f} s", "") for stage, s in found["rehearsal"]["stages"].items()]
    for name, used in found.get("at_rest", {}).items():
        remark = f"RSS, {used['uss_mb']:.1f} MB its own; CPU {used['cpu_percent']:.2f} % of one core"
        rows.append((f"{name}, at rest", f"{used['rss_mb']:.1f} MB", remark))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench start", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--runs", type=int, default=7, help="turns of the two windows (default 7)")
    parser.add_argument("--rest", type=float, default=20.0, help="seconds to watch the processes at rest (default 20)")
    parser.add_argument("--quick", action="store_true", help="leave the rehearsal and what needs it out")
    options = parser.parse_args()
    load = " ".join(f"{value:.1f}" for value in psutil.getloadavg())
    found: dict[str, Any] = {"cores": psutil.cpu_count(), "load": load, "python": platform.python_version()}
    with temporary_home() as home:
        found["window"] = windows(home.parent / "window", options.runs)
        found["sandbox"] = sandbox(home.parent / "sandbox", 3)
        if not options.quick:
            found["rehearsal"] = rehearsal(home)
            found["at_rest"] = at_rest(background(home), options.rest)
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    rows = table(found)
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for what, value, remark in rows:
        print(f"{what:<{widths[0]}}  {value:>{widths[1]}}  {remark}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
