"""Miners are stopped before the machine sleeps or shuts down, where that was asked for, and started again after it."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence

from ranvier.agent.logind import Logind, open_logind
from ranvier.agent.miners.miner import Miner
from ranvier.core.errors import RanvierError

log = logging.getLogger(__name__)

_LOOK_S = 5.0
_AGAIN_S = 60.0
_CANCELLED_S = 90.0  # awake: the monotonic clock stands still while the machine sleeps


class Power:
    """``run`` until cancelled. ``asked`` reads the setting, ``running`` gives the miners that should run now.

    A stopped miner stays wanted on disk: it comes back after the sleep, and after a shutdown when the agent does.
    """

    def __init__(
        self,
        asked: Callable[[], bool],
        running: Callable[[], Sequence[Miner]],
        noted: Callable[[str, str, str], None],
        trouble: Callable[[RanvierError | None], None],
        connect: Callable[[], Awaitable[Logind]] = open_logind,
    ) -> None:
        self._asked = asked
        self._running = running
        self._noted = noted
        self._trouble = trouble
        self._connect = connect
        self._held: list[Miner] = []

    async def run(self) -> None:
        """Listen while the setting is on. Ends at once where the system has no logind."""
        if sys.platform != "linux":
            return
        while True:
            pause = _LOOK_S
            if self._asked():
                try:
                    await self._listen()
                except RanvierError as error:
                    log.warning("%s", error)
                    self._trouble(error)
                    pause = _AGAIN_S
                else:
                    self._trouble(None)
            else:
                self._trouble(None)
            await asyncio.sleep(pause)

    async def _listen(self) -> None:
        logind = await self._connect()
        self._trouble(None)
        try:
            while self._asked() or self._held:
                told = await logind.told(_CANCELLED_S if self._held else _LOOK_S)
                if told is None and self._held:
                    told = ("sleep", False)  # it was announced, and did not happen
                if told is None:
                    continue
                kind, before = told
                if before:
                    await self._stop(kind)
                    logind.release()
                else:
                    self._let_go()
                    await asyncio.to_thread(logind.inhibit)
        except RanvierError:
            self._let_go()
            raise
        finally:  # ended with the agent at a shutdown, miners stay as they are: they come back with the next agent
            logind.close()

    async def _stop(self, kind: str) -> None:
        miners = [one for one in self._running() if one not in self._held]
        log.info("the machine prepares for %s: stopping %d miners", kind, len(miners))
        await asyncio.gather(*(self._hold(one, kind) for one in miners))

    async def _hold(self, miner: Miner, kind: str) -> None:
        """Stop it, and keep its lock: until it is let go, nobody starts it."""
        await miner.lock.acquire()
        self._held.append(miner)
        self._noted(miner.file.id, "paused", f"Stopped because the machine prepares for {kind}.")
        try:
            await miner.keeper.end()
            await miner.look()
        except RanvierError as error:
            log.warning("miner %s: %s", miner.file.id, error)

    def _let_go(self) -> None:
        """What should run is started again by the miners' own rounds."""
        while self._held:
            miner = self._held.pop()
            miner.lock.release()
            self._noted(miner.file.id, "resumed", "Started again: the machine is back.")
