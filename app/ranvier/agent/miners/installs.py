"""Installing miners' environments: one at a time for each miner, told as events, going on when a client hangs up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from ranvier.agent.api.messages import InstallProgress
from ranvier.agent.miners.miner import Miner
from ranvier.agent.miners.programs import NothingNewError, Programs, Progress
from ranvier.core.errors import Cancelled, InstallError, RanvierError
from ranvier.core.tasks import Tasks

log = logging.getLogger(__name__)

_AT_MOST_EVERY_S = 0.2


class Installs:
    """``tell`` gets each step; the last one is ``finished``, with the error if there was one."""

    def __init__(self, programs: Programs, tell: Callable[[InstallProgress], None]) -> None:
        self._programs = programs
        self._tell = tell
        self._tasks = Tasks(on_error=lambda _: None)  # told to whoever waits, and as an event
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, miner: Miner, work: Callable[[Progress], Awaitable[None]] | None = None) -> None:
        """Install (or do ``work``), or join what runs. Raises RanvierError, or Cancelled when it was ended."""
        task = self._running.get(miner.file.id)
        if task is None:
            doing = self._install(miner) if work is None else self._told(miner, work)
            task = self._running[miner.file.id] = self._tasks.start(doing, f"install {miner.file.id}")
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Cancelled from None
            raise

    async def cancel(self, miner: Miner) -> None:
        """End it; what was downloaded is kept and used by the next one."""
        task = self._running.get(miner.file.id)
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, RanvierError):
                await task

    async def close(self) -> None:
        await self._tasks.close()

    async def _install(self, miner: Miner) -> None:
        async def work(tell: Progress) -> None:
            await self._programs.install(miner.folder, miner.file, tell)
            await miner.check_installed()
            if not miner.installed:
                raise InstallError("Not installed", "The environment is not complete.", "Install it again.")

        miner.trouble("install", None)
        await self._told(miner, work)

    async def _told(self, miner: Miner, work: Callable[[Progress], Awaitable[None]]) -> None:
        file, steps = miner.file, _Steps(miner, self._tell)
        error: str | None = "It was cancelled."
        try:
            await work(steps)
            error = None
        except NothingNewError:
            error = None  # nothing failed: whoever asked is told so
            raise
        except RanvierError as failure:
            log.warning("installing %s: %s", file.id, failure)
            error = failure.message
            if not miner.installed:
                miner.trouble("install", f"Not installed: {failure.message}")
            raise
        except Exception:
            log.exception("installing %s", file.id)
            error = "Installing failed; the agent's log has the details."
            raise
        finally:
            self._running.pop(file.id, None)
            miner.installing = None
            self._tell(InstallProgress(file.id, steps.step, steps.done, steps.total, finished=True, error=error))


class _Steps:
    """Passes progress on, a few times a second at most. May be called from any thread of the loop's process."""

    def __init__(self, miner: Miner, tell: Callable[[InstallProgress], None]) -> None:
        self._miner = miner
        self._miner_id = miner.file.id
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._told_at = 0.0
        self.step = miner.installing = "Preparing"
        self.done: int | None = None
        self.total: int | None = None

    def __call__(self, step: str, done: int | None, total: int | None) -> None:
        new_step = step != self.step
        self.step, self.done, self.total = step, done, total
        self._miner.installing = step
        now = time.monotonic()
        if new_step or now - self._told_at >= _AT_MOST_EVERY_S:
            self._told_at = now
            self._loop.call_soon_threadsafe(self._tell, InstallProgress(self._miner_id, step, done, total))
