"""A keeper in a temporary folder, with real children; whatever happens, nothing of it is left running."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ranvier.miners.keeper.keeper_tree import MARK
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.logs.logs import tail
from ranvier.miners.spec import ProgramSpec

PROGRAMS = Path(__file__).parent.parent / "programs"


class Kept:
    """One program under one keeper."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = KeeperClient(folder)
        self.keepers: list[int] = []

    def spec(self, program: str, *arguments: object, **changes: object) -> ProgramSpec:
        """Write the spec of a small program with quick numbers."""
        argv = (sys.executable, str(PROGRAMS / f"{program}.py"), *map(str, arguments))
        quick: dict[str, object] = {
            "argv": argv,
            "cwd": str(self.folder),
            "env": {"PATH": "/usr/bin:/bin"},
            "stop_grace_s": 2.0,
            "term_grace_s": 1.0,
            "backoff_first_s": 0.05,
            "backoff_jitter": 0.0,
            "start_mark_s": 0.1,
        }
        spec = ProgramSpec(**{**quick, **changes})  # type: ignore[arg-type]
        self.client.write_spec(spec)
        return spec

    async def ensure(self) -> int:
        """A keeper runs; its pid."""
        status = await self.client.ensure()
        self.keepers.append(status.keeper_pid)
        return status.keeper_pid

    def texts(self, stream: str | None = None) -> list[str]:
        """Every line of the log."""
        lines, _next = tail(self.folder, limit=1_000_000)
        return [line.text for line in lines if stream is None or line.stream == stream]

    async def until(self, ready: Callable[[], object], limit_s: float = 30.0) -> None:
        """Wait for something, looking often."""
        import asyncio

        deadline = time.monotonic() + limit_s
        while not ready():
            status = self.client.status()
            assert time.monotonic() < deadline, f"not in time: {status} {self.texts()[-10:]}"
            await asyncio.sleep(0.01)

    def clean_up(self) -> None:
        """Kill what is left of keepers and programs, by our own mark and our own pids."""
        with contextlib.suppress(FileNotFoundError):
            here = self.folder.stat()
            mark = f"{MARK}={here.st_dev}-{here.st_ino}".encode()
            for process in psutil.process_iter():
                with contextlib.suppress(psutil.Error, OSError):
                    command = process.cmdline()
                    ours = command[-2:] == ["keeper", str(self.folder)]
                    if ours or mark in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                        process.kill()
        for pid in self.keepers:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    folder = tmp_path / "program"
    folder.mkdir()
    one = Kept(folder)
    yield one
    one.clean_up()
