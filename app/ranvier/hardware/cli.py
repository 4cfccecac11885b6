"""``ranvier hardware [--json]``: two samples, so that rates are known, and what they mean."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import msgspec

from ranvier.core.paths import Paths
from ranvier.hardware.diagnosis import diagnose
from ranvier.hardware.fields import SCHEMA, told
from ranvier.hardware.sampler import Sampler
from ranvier.hardware.snapshot import Hardware
from ranvier.hardware.tables import text


def main(arguments: Sequence[str], paths: Paths) -> int:
    """Print the machine as it is. Returns 0; 1 when something is badly wrong; 2 for usage."""
    parser = argparse.ArgumentParser(prog="ranvier hardware", description="What this machine has, and what is wrong.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--fields", action="store_true", help="only tell what each field of the JSON object means")
    parser.add_argument("--seconds", type=float, default=1.0, help="between the two samples (default 1)")
    try:
        options = parser.parse_args(list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    if options.fields:
        sys.stdout.write(told())
        return 0
    history = asyncio.run(_samples(paths, max(0.1, options.seconds)))
    findings = diagnose(history)
    if options.json:
        data = {"schema": SCHEMA, "sample": history[-1], "findings": findings}
        sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
    else:
        sys.stdout.write(text(history[-1], findings))
    return 1 if any(finding.level == "bad" for finding in findings) else 0


async def _samples(paths: Paths, seconds: float) -> list[Hardware]:
    sampler = Sampler(paths.data, gpu_limit_s=30.0)  # nobody waits but the one who asked
    try:
        first = await sampler.sample()
        await asyncio.sleep(seconds)
        return [first, await sampler.sample()]
    finally:
        sampler.close()
