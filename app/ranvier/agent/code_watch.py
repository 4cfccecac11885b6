"""Notices that the code on disk is no longer what this agent was started with."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from ranvier.core.code_stamp import code_stamp

log = logging.getLogger(__name__)

_EVERY_S = 20.0


class CodeWatch:
    """``outdated`` once the files were written since ``run`` began; ``changed`` is told then."""

    def __init__(
        self,
        changed: Callable[[], None],
        *,
        stamp: Callable[[], str] = code_stamp,
        every_s: float = _EVERY_S,
    ) -> None:
        self._changed, self._stamp, self._every_s = changed, stamp, every_s
        self.outdated = False
        self._now = asyncio.Event()

    def look(self) -> None:
        """Do not wait for the next look: somebody has come who wants to know."""
        self._now.set()

    async def run(self) -> None:
        """Look until it has happened: there is no way back but a new agent."""
        begun = await asyncio.to_thread(self._stamp)
        while await asyncio.to_thread(self._stamp) == begun:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._now.wait()
            self._now.clear()
        self.outdated = True
        log.warning("the code on disk is not what this agent was started with")
        self._changed()
