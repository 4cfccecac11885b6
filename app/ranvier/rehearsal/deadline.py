"""Waiting for something that somebody else does, with a limit."""

from __future__ import annotations

import asyncio
import time

from ranvier.core.errors import NetworkError

POLL_S = 0.5


class Deadline:
    """Polls with a limit; the failure carries what was seen last."""

    def __init__(self, limit_s: float, failure: str) -> None:
        self._end = time.monotonic() + limit_s
        self._limit_s = limit_s
        self._failure = failure
        self.seen = ""

    async def pause(self) -> None:
        if time.monotonic() > self._end:
            seen = f" Last seen: {self.seen}." if self.seen else ""
            raise NetworkError(
                "Took too long", f"{self._failure} Waited {self._limit_s:.0f} s.{seen}", "Try again from here."
            )
        await asyncio.sleep(POLL_S)
