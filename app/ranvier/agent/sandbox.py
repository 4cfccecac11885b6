"""The practice network's process, supervised by a keeper like a miner."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ranvier.agent.miners.programs import Keeper
from ranvier.core.errors import NetworkError
from ranvier.core.files import read_small
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths, private_folder
from ranvier.core.processes import ProcessIdentity, child_environment, own_command
from ranvier.miners.logs.logs import tail
from ranvier.miners.spec import ProgramSpec
from ranvier.miners.status import MinerState

_READY_S = 45.0
_CRASHES = 3  # a sandbox that ended so often at once will not be helped by waiting
_KEPT_VARIABLES = (  # what Python and the system need; nothing of the user's shell is written to a file
    "PATH", "PYTHONPATH", "PYINSTALLER_RESET_ENVIRONMENT", "HOME", "USERPROFILE", "LANG", "LC_ALL", "TMPDIR", "TEMP",
    "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "PATHEXT", "LD_LIBRARY_PATH", "TZ",
)  # fmt: skip


class _Where(msgspec.Struct):
    """``endpoint.json`` as the sandbox writes it."""

    endpoint: str
    port: int
    pid: int
    genesis: str | None = None


class SandboxNode:
    """``start`` makes it run and answers its endpoint; ``stop`` ends it; ``settle`` brings back a killed keeper."""

    def __init__(
        self,
        paths: Paths,
        keeper_of: Callable[[Path], Keeper],
        block_ms: Callable[[], int],
        command: Sequence[str] | None = None,
    ) -> None:
        self.folder = paths.network("sandbox") / "node"
        self.data = paths.network("sandbox") / "data"
        self._keeper = keeper_of(self.folder)
        self._block_ms = block_ms
        self._command = command
        self._lock = asyncio.Lock()

    async def start(self, limit_s: float = _READY_S) -> str:
        """Start it, or adopt it when it runs; returns its endpoint once it answers. Raises RanvierError."""
        async with self._lock:
            private_folder(self.folder)
            private_folder(self.data)
            self._keeper.write_spec(self._spec())
            await self._keeper.ensure()
            await self._keeper.start()
            return await self._ready(limit_s)

    async def stop(self) -> None:
        """End it and its keeper; what it knows stays on disk. Raises RanvierError."""
        async with self._lock:
            if self.folder.is_dir():
                await self._keeper.end()

    async def settle(self) -> None:
        """Bring it back when it should run and its keeper was killed, or the machine restarted. Raises RanvierError."""
        if self._lock.locked():
            return
        status = await asyncio.to_thread(self._keeper.status)
        if status.state in (MinerState.UNKNOWN, MinerState.STOPPED):
            await self.start()

    def endpoint(self) -> str | None:
        """Where it is, or was when it ran last; the port stays the same."""
        where = self._where()
        return None if where is None else where.endpoint

    def _where(self) -> _Where | None:
        try:
            return msgspec.json.decode(read_small(self.data / "endpoint.json"), type=_Where)
        except (OSError, *NOT_JSON):
            return None

    async def _ready(self, limit_s: float) -> str:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            status = await asyncio.to_thread(self._keeper.status)
            where = self._where()
            if where is not None and status.pid is not None and ProcessIdentity.of(where.pid) is not None:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", where.port)
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
                    return where.endpoint
            if status.state is MinerState.FAILED:
                raise NetworkError("Sandbox failed", f"The sandbox network gave up: {status.reason}.", self._hint())
            if status.crashes >= _CRASHES and status.pid is None:
                said = await asyncio.to_thread(self._last_words)
                raise NetworkError("Sandbox keeps ending", said or f"It {status.reason}.", self._hint())
            await asyncio.sleep(0.1)
        raise NetworkError("Sandbox is slow", f"The sandbox network was not ready in {limit_s:.0f} s.", self._hint())

    def _last_words(self) -> str:
        """What it said last on standard error: a port that is taken, a folder that cannot be written."""
        lines, _ = tail(self.folder, limit=20)
        return next((line.text.strip() for line in reversed(lines) if line.stream == "err" and line.text.strip()), "")

    def _hint(self) -> str:
        return f"Its log is in {self.folder / 'logs'}."

    def _spec(self) -> ProgramSpec:
        command = self._command or own_command(
            "sandbox", "--port", "0", "--block-time", f"{self._block_ms() / 1000:g}", "--data", str(self.data)
        )
        environment = child_environment()
        return ProgramSpec(
            argv=tuple(command),
            cwd=str(self.folder),
            env={name: environment[name] for name in _KEPT_VARIABLES if name in environment},
            stop_grace_s=10.0,
            log_total_bytes=16 << 20,
            log_segment_bytes=2 << 20,
        )
