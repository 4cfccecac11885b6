"""``ranvier hardware-probe``: a child that reads NVIDIA cards, because their library may crash or hang its process.

It answers each line on standard input with one JSON line (a ``GpuReading``) and ends when standard input does. Before
the driver is opened, which may take seconds, it says ``{"opening": true}``. Standard library and pynvml only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ranvier.hardware.machine import container_kind
from ranvier.hardware.nvidia import NvmlProbe
from ranvier.hardware.pci import SYSFS


def main(arguments: Sequence[str]) -> int:
    """``[SYSFS]``: where the kernel lists devices (tests use a tree of their own)."""

    def say(message: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    sysfs = Path(arguments[0]) if arguments else SYSFS
    probe = NvmlProbe(sysfs, container=container_kind(), opening=lambda: say({"opening": True}))
    try:
        while line := sys.stdin.readline():
            if line.strip() == "close":
                probe.close()
                say({"closed": True})
            else:
                say(asdict(probe.read()))
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    probe.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
