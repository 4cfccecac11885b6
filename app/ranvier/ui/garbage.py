"""Python's cyclic garbage collector, kept on the UI thread.

A collection runs on whichever thread happens to allocate. On a worker it would destroy Qt objects there: their
timers go on without them and the process crashes some time later. So it is switched off and done here instead.
"""

from __future__ import annotations

import asyncio
import gc

_EVERY_S = 2.0
_FULL_EVERY = 30  # rounds: a full collection each minute
# So many new objects at once are a library that was just imported. They stay, and to look through them once
# would hold the UI thread for longer than a frame or two.
_BURST = 25_000


class GarbageOnThisThread:
    """``run`` on the UI thread's loop until cancelled; from ``begin`` on no other thread collects."""

    def begin(self) -> None:
        gc.disable()

    def settle(self) -> None:
        """What is there now (modules, classes) stays for good: later collections need not look at it."""
        gc.freeze()

    async def run(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            rounds += 1
            if gc.get_count()[0] > _BURST:
                self.settle()
            else:
                gc.collect(2 if rounds % _FULL_EVERY == 0 else 1)

    def end(self) -> None:
        gc.enable()
