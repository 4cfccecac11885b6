"""For which CUDA a miner's torch was built, read from its environment; nothing in it is run."""

from __future__ import annotations

import re
from pathlib import Path

SITE_PACKAGES = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages")
_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*['\"](\d+)\.(\d+)", re.MULTILINE)
_LONGEST = 65_536


def torch_cuda(environment: Path) -> tuple[int, int] | None:
    """(major, minor) as ``torch/version.py`` says; None without torch, or with one for something else. Blocking."""
    for folder in SITE_PACKAGES:
        for path in environment.glob(f"{folder}/torch/version.py"):
            try:
                with path.open("rb") as file:
                    found = _CUDA.search(file.read(_LONGEST).decode("utf-8", "replace"))
            except OSError:
                continue
            if found is not None:
                return int(found[1]), int(found[2])
    return None
