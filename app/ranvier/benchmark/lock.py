"""One owner for each GPU: a benchmark and whoever else asks do not measure each other.

A lock of the operating system on a file named after the card: it ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ranvier.benchmark.errors import BenchmarkError
from ranvier.core.files import storage_errors
from ranvier.core.paths import private_folder


@contextlib.contextmanager
def gpu_lock(folder: Path, uuid: str, owner: str) -> Iterator[None]:
    """Own the GPU while the block runs. Raises BenchmarkError that names the present owner."""
    path = folder / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', uuid)}.lock"
    with storage_errors(path):
        private_folder(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _try(descriptor):
            raise BenchmarkError(
                "The GPU is taken",
                f"{_owner(path)} uses it now.",
                "Wait until it has ended, or stop it.",
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b" " + json.dumps({"owner": owner, "pid": os.getpid()}).encode())
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # the first byte; the text comes after it
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _owner(path: Path) -> str:
    try:
        raw = path.read_bytes()[1:]
        return str(json.loads(raw)["owner"])
    except (OSError, ValueError, KeyError, TypeError):
        return "Another program"
