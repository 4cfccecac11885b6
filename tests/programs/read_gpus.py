"""Prints one JSON reading of the GPUs for each line on standard input; loads whatever NVML the system finds."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from ranvier.hardware.nvidia import NvmlProbe

clock = [0.0]
probe = NvmlProbe(Path(sys.argv[1]), clock=lambda: clock[0])
for line in sys.stdin:
    clock[0] += float(line)
    sys.stdout.write(msgspec.json.encode(probe.read()).decode() + "\n")
    sys.stdout.flush()
probe.close()
