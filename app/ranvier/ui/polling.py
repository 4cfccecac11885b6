"""Asking the agent again and again, only while somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ranvier.core.errors import RanvierError
from ranvier.core.tasks import Tasks


class Polling:
    """Runs ``work`` at once and then every ``every_s`` seconds between ``start`` and ``stop``.

    An expected failure goes to ``on_error`` and the asking goes on; anything else ends it and is reported as a bug.
    """

    def __init__(
        self,
        tasks: Tasks,
        name: str,
        work: Callable[[], Awaitable[None]],
        on_error: Callable[[RanvierError], None],
        every_s: Callable[[], float],
    ) -> None:
        self._tasks, self._name, self._work, self._on_error, self._every_s = tasks, name, work, on_error, every_s
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin; harmless when it runs already."""
        if not self.running:
            self._task = self._tasks.start(self._run(), self._name)

    def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def now(self) -> None:
        """Ask at once instead of at the next turn."""
        self.stop()
        self.start()

    async def _run(self) -> None:
        while True:
            try:
                await self._work()
            except RanvierError as error:
                self._on_error(error)
            await asyncio.sleep(self._every_s())
