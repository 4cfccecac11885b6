"""Which code lies on disk: to notice that it is no longer what a long-lived process was started with.

Modules are imported late; after an update under its feet such a process would mix two versions.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def code_stamp(package: Path = _PACKAGE) -> str:
    """Names, sizes and times of the package's files (a frozen build: of its executable); a few milliseconds.

    Two equal stamps mean the same code; two different ones that files were written in between.
    """
    files = [sys.executable] if getattr(sys, "frozen", False) else sorted(_sources(package))
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        try:
            told = os.stat(path)  # noqa: PTH116  # 600 files: a Path for each costs more than the question
        except OSError:
            continue  # it has just gone, which is a change too
        digest.update(f"{path}\0{told.st_size}\0{told.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _sources(package: Path) -> list[str]:
    found: list[str] = []
    for folder, inside, names in os.walk(package):
        inside[:] = [name for name in inside if name != "__pycache__"]
        found += [os.path.join(folder, name) for name in names if name.endswith(".py")]  # noqa: PTH118
    return found
