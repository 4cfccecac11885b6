"""One owner for each GPU: a benchmark and whoever else asks do not measure each other.

A lock of the operating system on a file named after the card: it ends with its process, however that ends. Where a
file system has no locks, the process that the file names decides, by its pid and start time.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranvier.benchmark.errors import BenchmarkError
from ranvier.core.files import storage_errors
from ranvier.core.locks import lock
from ranvier.core.paths import private_folder
from ranvier.core.processes import ProcessIdentity

_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_EVERY_S = 0.5


@contextlib.contextmanager
def gpu_lock(folder: Path, uuid: str, owner: str) -> Iterator[None]:
    """Own the GPU while the block runs. Raises BenchmarkError that names the present owner."""
    path = _path(folder, uuid)
    with storage_errors(path):
        private_folder(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _try(descriptor, path, exclusive=True):
            raise BenchmarkError(
                "The GPU is taken",
                f"{_name(path)} uses it now.",
                "Wait until it has ended, or stop it.",
            )
        me = ProcessIdentity.of(os.getpid())
        said = {"owner": owner, "pid": os.getpid(), "started": 0.0 if me is None else me.started}
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b" " + json.dumps(said).encode())
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def owner_of(folder: Path, uuid: str) -> str | None:
    """Who has this GPU now; None when nobody has. One that was killed has nothing."""
    path = _path(folder, uuid)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _try(descriptor, path, exclusive=False) else _name(path)
    finally:
        os.close(descriptor)


def related(uuid: str, cards: Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
    """The card itself, the one it is a part of, and its parts (MIG), of ``cards``: (uuid, its parent's)."""
    known = list(cards)
    parents = [parent for one, parent in known if one == uuid and parent is not None]
    return (uuid, *parents, *(one for one, parent in known if parent == uuid))


async def _nobody(uuids: Sequence[str]) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Turns:
    """Who may use which card when. ``others`` names who uses one of these cards without a lock, such as a miner; None:
    nobody does. Who waits for its turn holds nothing meanwhile, so that two who wait do not wait for each other."""

    folder: Path
    others: Callable[[Sequence[str]], Awaitable[str | None]] = _nobody
    every_s: float = _EVERY_S

    @contextlib.asynccontextmanager
    async def take(self, uuids: Sequence[str], told: Callable[[dict[str, Any]], None]) -> AsyncIterator[None]:
        """Own these cards while the block runs; until then ``{"event": "waiting", "for": who}`` is told."""
        told_of, tries = None, 0
        while True:
            busy = await self.others(uuids)
            async with contextlib.AsyncExitStack() as stack:
                try:
                    for uuid in sorted(set(uuids)) if busy is None else ():
                        stack.enter_context(gpu_lock(self.folder, uuid, "the benchmark"))
                except BenchmarkError as error:
                    busy = error.message.removesuffix(" uses it now.")
                # Asked again under the lock: a miner that was started meanwhile has seen the lock, or is seen now.
                busy = busy or await self.others(uuids)
                if busy is None:
                    yield
                    return
            tries += 1
            if tries == 1:  # who only looks holds a lock for a moment, too
                await asyncio.sleep(min(0.05, self.every_s))
                continue
            if busy != told_of:
                told({"event": "waiting", "for": busy})
                told_of = busy
            await asyncio.sleep(self.every_s)


def _path(folder: Path, uuid: str) -> Path:
    return folder / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', uuid)}.lock"


def _try(descriptor: int, path: Path, *, exclusive: bool) -> bool:
    try:
        lock(descriptor, exclusive=exclusive)  # Windows locks the first byte; the text comes after it
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        return not _alive(path)  # no locks on this file system
    return True


def _said(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(1)  # Windows lets nobody else read the locked byte
            said = json.loads(file.read())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _alive(path: Path) -> bool:
    said = _said(path)
    pid, started = said.get("pid"), said.get("started")
    return isinstance(pid, int) and isinstance(started, int | float) and ProcessIdentity(pid, started).alive()


def _name(path: Path) -> str:
    return str(_said(path).get("owner", "Another program"))
