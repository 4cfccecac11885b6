"""The one task owner: no bare ``create_task`` anywhere else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ranvier.core.errors import Cancelled

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0


class Tasks:
    """Holds the tasks that one component started, reports their failures, ends them all with ``close``.

    ``on_error`` gets every exception that is neither a cancellation nor ``Cancelled``; without it they are logged.
    """

    def __init__(self, on_error: Callable[[BaseException], None] | None = None) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_error = on_error

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``work`` until it ends or ``close`` is called."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Cancel what still runs and wait for it.

        A cancellation can get lost inside a library (``asyncio.wait_for`` of Python 3.11 loses one that comes
        together with the result), so whoever still works after a while is told again.
        """
        left = {task for task in self._tasks if task is not asyncio.current_task()}
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_PATIENCE_S)
            if left:
                log.warning("told again to end: %s", ", ".join(sorted(task.get_name() for task in left)))

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None or isinstance(error, Cancelled):
            return
        if self._on_error is not None:
            self._on_error(error)
        else:
            log.error("task %s failed", task.get_name(), exc_info=error)
