"""``ranvier hardware [--json]``: two samples, so that rates are known, and what they mean."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import msgspec

from ranvier.core.paths import Paths
from ranvier.hardware.diagnosis import Finding, diagnose
from ranvier.hardware.sampler import Sampler
from ranvier.hardware.snapshot import Gpu, Hardware


def main(arguments: Sequence[str], paths: Paths) -> int:
    """Print the machine as it is. Returns 0; 1 when something is badly wrong; 2 for usage."""
    parser = argparse.ArgumentParser(prog="ranvier hardware", description="What this machine has, and what is wrong.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--seconds", type=float, default=1.0, help="between the two samples (default 1)")
    try:
        options = parser.parse_args(list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    history = asyncio.run(_samples(paths, max(0.1, options.seconds)))
    findings = diagnose(history)
    if options.json:
        data = {"sample": history[-1], "findings": findings}
        sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
    else:
        sys.stdout.write(_text(history[-1], findings))
    return 1 if any(finding.level == "bad" for finding in findings) else 0


async def _samples(paths: Paths, seconds: float) -> list[Hardware]:
    sampler = Sampler(paths.data, gpu_limit_s=30.0)  # nobody waits but the one who asked
    try:
        first = await sampler.sample()
        await asyncio.sleep(seconds)
        return [first, await sampler.sample()]
    finally:
        sampler.close()


def _text(sample: Hardware, findings: Sequence[Finding]) -> str:
    host = sample.host
    place = ", ".join(part for part in (host.virtual, host.container) if part)
    lines = [
        f"{host.name}: {host.system}{f' ({place})' if place else ''}",
        f"processor: {host.cpu_name or 'unknown'}, {host.cores_logical} threads, {_value(host.cpu_percent, ' %')} busy",
        f"memory: {host.memory_available / 2**30:.1f} of {host.memory_total / 2**30:.1f} GiB available",
        *(f"disk of {disk.path}: {disk.free / 1e9:.0f} of {disk.total / 1e9:.0f} GB free" for disk in host.disks),
        *(_card(gpu) for gpu in sample.gpus),
    ]
    if sample.gpu_note is not None:
        lines.append(sample.gpu_note)
    lines += [f"{found.level.upper()} {found.title}: {found.text} {found.next_step}" for found in findings]
    return "\n".join(lines) + "\n"


def _card(gpu: Gpu) -> str:
    if gpu.problem or gpu.asleep:
        return f"GPU {gpu.name}: {gpu.problem or 'asleep'}"
    used = "?" if gpu.memory_used is None else f"{gpu.memory_used / 2**30:.1f}"
    total = "?" if gpu.memory_total is None else f"{gpu.memory_total / 2**30:.1f}"
    facts = (f"{used} of {total} GiB", _value(gpu.utilization_percent, " %"), _value(gpu.temperature_c, " °C"))
    return f"GPU {gpu.name} [{gpu.uuid}]: {', '.join((*facts, _value(gpu.power_w, ' W')))}"


def _value(value: float | None, unit: str) -> str:
    return f"unknown{unit}" if value is None else f"{value:g}{unit}"
