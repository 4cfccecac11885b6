"""Our figures of a real NVIDIA card beside nvidia-smi's, torch's and the data sheet's: one command, one verdict.

    python3 tests/bench/real_card.py [--gpu UUID] [--seconds 20] [--sustained 30] [--torch PYTHON] [--json FILE]

Needs Linux and Python 3.11; a bare clone is enough. Where our few packages are missing they are installed beside the
clone's build output; on a machine without a network, first run ``--prepare`` on one that has it, and take the folder
``build/real_card`` along. Without a card it says so and checks nothing. The status is 1 when something disagrees.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "real_card"
PACKAGES = {
    "msgspec": "msgspec", "psutil": "psutil", "platformdirs": "platformdirs", "pynvml": "nvidia-ml-py",
    "tomli_w": "tomli-w",
}  # fmt: skip
# Our field, nvidia-smi's, and by how much they may differ: a share, and what is added to it. None: the same text.
FIELDS: tuple[tuple[str, str, tuple[float, float] | None], ...] = (
    ("uuid", "uuid", None), ("name", "name", None), ("pci_address", "pci.bus_id", None),
    ("compute_capability", "compute_cap", None), ("memory_total", "memory.total", (0.001, 1)),
    ("memory_used", "memory.used", (0.05, 512)), ("memory_reserved", "memory.reserved", (0.001, 2)),
    ("utilization_percent", "utilization.gpu", (0, 25)), ("temperature_c", "temperature.gpu", (0, 4)),
    ("power_w", "power.draw", (0.2, 10)), ("power_limit_w", "enforced.power.limit", (0.001, 1)),
    ("power_default_w", "power.default_limit", (0.001, 1)), ("clock_sm_mhz", "clocks.sm", (0.3, 300)),
    ("clock_memory_mhz", "clocks.mem", (0.3, 300)), ("clock_sm_max_mhz", "clocks.max.sm", (0.001, 1)),
    ("clock_memory_max_mhz", "clocks.max.mem", (0.001, 1)), ("performance_state", "pstate", (0, 8)),
    ("fan_percent", "fan.speed", (0, 15)), ("pcie_width", "pcie.link.width.current", (0, 0)),
    ("pcie_width_max", "pcie.link.width.max", (0, 0)), ("pcie_generation_max", "pcie.link.gen.max", (0, 1)),
    ("ecc_uncorrected", "ecc.errors.uncorrected.volatile.total", (0, 0)),
)  # fmt: skip
BYTES = {"memory_total", "memory_used", "memory_reserved"}  # ours are bytes, nvidia-smi's MiB


class Report:
    """Lines of the verdict; ``ok`` None: it could not be held against anything."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def add(self, what: str, ok: bool | None, text: str) -> None:
        self.lines.append({"what": what, "ok": ok, "text": text})
        print(f"  {'?' if ok is None else 'agrees' if ok else 'ODD':<7} {what:<34} {text}", flush=True)

    def within(self, what: str, ours: float | None, theirs: float | None, low: float, high: float, unit: str) -> None:
        """Whether ours over theirs lies between ``low`` and ``high``."""
        if ours is None or not theirs:
            self.add(what, None, f"ours {_number(ours)} {unit}, theirs {_number(theirs)} {unit}")
            return
        share = ours / theirs
        text = f"ours {_number(ours)} {unit}, theirs {_number(theirs)} {unit}: {share:.3f} of it"
        self.add(what, low <= share <= high, f"{text} (expected {low:g} to {high:g})")

    def end(self) -> int:
        odd = [str(line["what"]) for line in self.lines if line["ok"] is False]
        agreed = sum(line["ok"] is True for line in self.lines)
        unknown = len(self.lines) - agreed - len(odd)
        print(f"verdict: {agreed} agree, {len(odd)} odd, {unknown} could not be compared")
        if odd:
            print(f"verdict: look at {'; '.join(odd)}")
        return 1 if odd else 0


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def card_here() -> str | None:
    """Why there is no card to check; None where there is one. Asks the driver alone."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "there is no CUDA driver (libcuda.so.1)"
    count = ctypes.c_int()
    if library.cuInit(0) or library.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "the CUDA driver sees no card"
    return None if shutil.which("nvidia-smi") else "there is no nvidia-smi to compare with"


def packages(*, prepare: bool = False) -> str | None:
    """Have our packages importable for this process and its children; None where they cannot be had."""
    missing = [module for module in PACKAGES if importlib.util.find_spec(module) is None]
    own = KEPT / f"{sys.version_info.major}.{sys.version_info.minor}"
    if prepare or (missing and not own.is_dir()):
        pinned = (ROOT / "packaging" / "locks" / "app.txt").read_text("utf-8")
        wanted = [next(iter(re.findall(rf"^{name}==[\w.]+", pinned, re.M)), name) for name in PACKAGES.values()]
        command = [sys.executable, "-m", "pip", "install", "-q", "--target", own, *wanted]
        if subprocess.run(command, check=False).returncode:
            print(f"could not install {', '.join(wanted)} into {own}", file=sys.stderr)
            return None
    return os.pathsep.join([str(ROOT / "app"), *([str(own)] if own.is_dir() else [])])


def ranvier(path: str, home: str, *arguments: str) -> dict[str, Any]:
    """The JSON object that one of our commands prints."""
    done = subprocess.run(
        [sys.executable, "-m", "ranvier", "--home", home, *arguments, "--json"],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        sys.exit(f"ranvier {' '.join(arguments)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")


def smi(fields: list[str], uuid: str) -> dict[str, str]:
    """What nvidia-smi says of these fields; those that it does not know are left out."""
    command = ["nvidia-smi", f"--id={uuid}", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    cells = [cell.strip() for cell in done.stdout.strip().splitlines()[:1] for cell in cell.split(",")]
    if done.returncode == 0 and len(cells) == len(fields):
        return dict(zip(fields, cells, strict=True))
    return {} if len(fields) == 1 else {key: value for one in fields for key, value in smi([one], uuid).items()}


def number(text: str | None) -> float | None:
    found = re.search(r"-?\d+(\.\d+)?", text or "")
    return float(found[0]) if found else None


def telemetry(report: Report, gpu: dict[str, Any]) -> None:
    """Each field of one look, ours beside nvidia-smi's."""
    theirs = smi([field for _, field, _ in FIELDS], gpu["uuid"])
    for ours_name, field, allowed in FIELDS:
        ours, said = gpu.get(ours_name), theirs.get(field)
        silent = said is None or said.strip("[]").lower() in ("n/a", "not supported", "unknown error", "")
        if ours is None and silent:
            continue  # neither knows
        if allowed is None:
            tail = str(said).lower()[-12:] if field == "pci.bus_id" else str(said).lower()
            same = None if silent else str(ours).lower().endswith(tail)
            report.add(ours_name, same, f"ours {ours}, theirs {said}")
            continue
        value, wanted = (None if ours is None else float(ours)), None if silent else number(said)
        value = value / 2**20 if value is not None and ours_name in BYTES else value
        close = None
        if value is not None and wanted is not None:
            close = abs(value - wanted) <= allowed[0] * abs(wanted) + allowed[1]
        report.add(ours_name, close, f"ours {_number(value)}, theirs {said}")


class Beside:
    """nvidia-smi once a second while something runs."""

    def __init__(self, uuid: str) -> None:
        self._uuid, self._end = uuid, threading.Event()
        self.looks: list[dict[str, float]] = []
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(1.0):
            said = smi(["clocks.sm", "power.draw", "temperature.gpu"], self._uuid)
            self.looks.append({key: value for key, text in said.items() if (value := number(text)) is not None})

    def middle(self, field: str, pick: Callable[[list[float]], float] = statistics.median) -> float | None:
        """Of the later half, when the card was warm."""
        values = [look[field] for look in self.looks[len(self.looks) // 2 :] if field in look]
        return pick(values) if values else None


def device(report: Report, gpu: dict[str, Any], run: dict[str, Any], beside: Beside) -> dict[str, float]:
    """The kernels' rates against what the card's clocks and units allow; returns the medians."""
    result = run["device"]["result"]
    rates = {figure["name"]: statistics.median(figure["samples"]) for figure in result["figures"]}
    for figure in result["figures"]:
        low, high = min(figure["samples"]), max(figure["samples"])
        print(
            f"          {figure['title']:<14} {rates[figure['name']]:9.4g} {figure['unit']}  ({low:.4g} to {high:.4g})"
        )
    for name, reason in result["skipped"].items():
        report.add(name, False, f"was not measured: {reason}")
    clock, bits = gpu.get("clock_memory_max_mhz"), gpu.get("memory_bus_bits")
    sheet = clock * 1e6 * 2 * bits / 8 / 1e9 if clock and bits else None
    report.within("memory read, of the bus's rate", rates.get("read"), sheet, 0.75, 1.01, "GB/s")
    report.within("memory copy, of the bus's rate", rates.get("copy"), sheet, 0.7, 1.01, "GB/s")
    cores, seen = gpu.get("cores"), beside.middle("clocks.sm", max) or gpu.get("clock_sm_max_mhz")
    peak = cores * 2 * seen * 1e6 / 1e12 if cores and seen else None
    report.within("fp32, of cores x 2 x clock", rates.get("fp32"), peak, 0.8, 1.05, "TFLOP/s")
    if rates.get("fp16") and rates.get("bf16"):
        report.within("bf16, of fp16 (the same units)", rates["bf16"], rates["fp16"], 0.9, 1.1, "TFLOP/s")
    seen_by_us = run["device"].get("telemetry")
    if seen_by_us is not None:
        report.within("clock while it ran", seen_by_us["clock_median_mhz"], beside.middle("clocks.sm"), 0.8, 1.2, "MHz")
        hottest = beside.middle("temperature.gpu", max)
        report.within("hottest while it ran", seen_by_us["temperature_max_c"], hottest, 0.9, 1.1, "C")
        joules, seconds = seen_by_us["joules"], seen_by_us["seconds"]
        powers = [look["power.draw"] for look in beside.looks if "power.draw" in look]
        theirs = statistics.fmean(powers) * seconds if powers else None
        how = "counter" if seen_by_us["counted"] else "estimate"
        report.within(f"energy by our {how}", joules, theirs, 0.7, 1.3, "J")
        print(f"          slowed down by {seen_by_us['throttled_s'] or 'nothing'}")
    sustained = [one["rate"] for one in result["sustained"]]
    if sustained:
        print(
            f"          sustained: {sustained[0]:.4g} at first, {sustained[-1]:.4g} {result['sustained_unit']} at last"
        )
    return rates


def torch_python(asked: Path | None) -> Path | None:
    """A Python that has torch: the one asked for, or the one that runs this."""
    for python in (asked, Path(sys.executable), Path(shutil.which("python3") or sys.executable)):
        if python is not None:
            done = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
            if done.returncode == 0:
                return python
    return None


def library(report: Report, gpu: dict[str, Any], python: Path, rates: dict[str, float]) -> dict[str, Any]:
    """cuBLAS through that torch, by the program that measures a miner's own environment."""
    child = ROOT / "resources" / "benchmark" / "torch_child.py"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": gpu["uuid"]}
    done = subprocess.run(
        [python, "-I", child], input="{}\n", env=environment, capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout.splitlines()[-1])
    if said["event"] != "result" or said["result"]["device"]["kind"] != "torch-cuda":
        report.add("torch", None, str(said.get("message") or said["result"]["device"]["kind"]))
        return dict(said)
    theirs = {figure["name"]: statistics.median(figure["samples"]) for figure in said["result"]["figures"]}
    report.within("memory copy, of torch's", rates.get("copy"), theirs.get("copy"), 0.9, 1.15, "GB/s")
    # Hopper and data-centre Blackwell have larger instructions that cuBLAS uses and our kernels do not.
    large = str(gpu.get("compute_capability") or "").split(".")[0] in ("9", "10", "11")
    for ours, name, unit in (
        ("fp16", "matmul_float16", "TFLOP/s"), ("bf16", "matmul_bfloat16", "TFLOP/s"), ("int8", "matmul_int8", "TOP/s"),
    ):  # fmt: skip
        if ours in rates and name in theirs:
            limits = (0.45, 1.1) if large else (0.9, 1.6)  # a peak is above what a library reaches
            report.within(f"{ours}, of cuBLAS's", rates[ours], theirs[name], *limits, unit)
    return dict(said)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--gpu", metavar="UUID", help="this card; without it the first one")
    parser.add_argument("--seconds", type=float, default=20.0, help="for the check (default 20)")
    parser.add_argument("--sustained", type=float, default=30.0, metavar="SECONDS", help="a long run after it; 0: none")
    parser.add_argument("--torch", type=Path, metavar="PYTHON", help="a Python that has torch")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there")
    parser.add_argument("--prepare", action="store_true", help="only fetch our packages, for a machine without network")
    options = parser.parse_args()
    if options.prepare:
        return 0 if packages(prepare=True) else 2
    why_not = card_here()
    if why_not is not None:
        print(f"verdict: nothing was checked: {why_not}")
        return 0
    path = packages()
    if path is None:
        return 2
    report, kept = Report(), {}
    with tempfile.TemporaryDirectory() as home:
        sample = ranvier(path, home, "hardware")["sample"]
        cards = [gpu for gpu in sample["gpus"] if gpu["vendor"] == "nvidia" and gpu["parent_uuid"] is None]
        gpu = next((one for one in cards if options.gpu in (None, one["uuid"])), None)
        if gpu is None:
            sys.exit(f"Ranvier sees no such card; it says: {sample['gpu_note']}, {[one['uuid'] for one in cards]}")
        print(f"{gpu['name']}, driver {sample['driver']}, CUDA {sample['cuda']}")
        telemetry(report, gpu)
        theirs = smi(["driver_version"], gpu["uuid"]).get("driver_version")
        report.add("driver", sample["driver"] == theirs, f"ours {sample['driver']}, theirs {theirs}")
        with Beside(gpu["uuid"]) as beside:
            run = ranvier(
                path, home, "bench", "device", "--gpu", gpu["uuid"], "--dry", "--seconds", str(options.seconds),
                "--sustained", str(options.sustained),
            )  # fmt: skip
        if "error" in run:
            report.add("device benchmark", False, f"{run['error']}")
            return report.end()
        rates = device(report, gpu, run, beside)
        kept = {"sample": sample, "run": run, "nvidia-smi": beside.looks}
        python = torch_python(options.torch)
        if python is None:
            report.add("cuBLAS", None, "no Python with torch here (--torch PYTHON)")
        else:
            kept["torch"] = library(report, gpu, python, rates)
    if options.json is not None:
        options.json.write_text(json.dumps({**kept, "verdict": report.lines}, indent=1), "utf-8")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
