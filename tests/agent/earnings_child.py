"""The child that notes earnings, killed and started again, and what it has written."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ranvier.core.processes import child_environment
from ranvier.ledger import coverage, payments
from sandbox.support import Bench

WRITER = Path(__file__).parent.parent / "programs" / "earnings_writer.py"


class World(Protocol):
    """A network with its endpoints on loopback. ``goals``: the newest block that paid somebody, by netuid."""

    bench: Bench
    port: int
    archive_port: int
    netuids: tuple[int, ...]

    @property
    def hotkeys(self) -> list[str]: ...
    @property
    def goals(self) -> dict[int, int]: ...
    def block(self, operations: int) -> None: ...


class Writer:
    """``path`` is its ledger."""

    def __init__(self, world: Any, path: Path) -> None:
        self.world: World = world
        self.path = path
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        world = self.world
        archive = f"ws://127.0.0.1:{world.archive_port}" if world.archive_port else ""
        command = [sys.executable, str(WRITER), str(self.path), f"ws://127.0.0.1:{world.port}"]
        command += [f"0x{world.bench.node.chain.genesis_hash.hex()}", archive, ",".join(map(str, world.netuids))]
        self.process = subprocess.Popen([*command, *world.hotkeys], env=child_environment(), stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def known(self) -> dict[int, int]:
        """By netuid: up to which block every hotkey's record is complete; 0 when one is not from the first block on."""
        found = dict.fromkeys(self.world.netuids, 0)
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._read_only()) as connection:
            for netuid in self.world.netuids:
                spans = [coverage.spans(connection, netuid, hotkey) for hotkey in self.world.hotkeys]
                found[netuid] = min(one[0][1] if one and one[0][0] == 1 else 0 for one in spans)
        return found

    def _read_only(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=1)

    async def until_whole(self, limit_s: float = 60.0) -> dict[int, int]:
        """Wait until all that was paid so far is known; up to which block it is, by netuid."""
        goals = self.world.goals
        end = time.monotonic() + limit_s
        while any((known := self.known())[netuid] < goal for netuid, goal in goals.items()):
            assert time.monotonic() < end, f"the ledger was never complete: {known}, not {goals}"
            assert self.process is not None and self.process.poll() is None, "the writer ended by itself"
            self.world.block(0)  # a new head makes it look, and the older ones final
            await asyncio.sleep(0.4)
        self.kill()
        return self.known()

    def rows(self, until: Mapping[int, int]) -> list[payments.Payment]:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            found = payments.newest(connection, 10**6)
            return [row for row in reversed(found) if row.block <= until[row.netuid]]
