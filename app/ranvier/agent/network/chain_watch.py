"""Follows one network's head for ever: connects, notices new blocks and silence, reconnects with back-off."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ranvier.agent.api.messages import ChainView
from ranvier.agent.network.chain_face import Chain
from ranvier.chain.model import BlockRef
from ranvier.core.errors import NetworkError, RanvierError
from ranvier.core.evidence import Level, age_text, block_text
from ranvier.core.tasks import Tasks

log = logging.getLogger(__name__)

_BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_SHORTEST_POLL_S, _LONGEST_POLL_S = 0.25, 4.0
_SILENCE_S = 30.0  # and four block times: below that a missing block is nothing to worry about
_BEHIND_S = 300.0
_AGAIN = "Tried again in"
_GIVE_UP_AFTER = 3  # failures in a row until the connection is made anew


@dataclass(frozen=True, slots=True)
class Head:
    """A new head and the chain that it was seen on."""

    network: str
    chain: Chain
    block: BlockRef


HeadListener = Callable[[Head], Awaitable[None]]


def not_reached(view: ChainView) -> NetworkError:
    """Why there is no network, and what helps. A network that was switched off does not come back by itself."""
    off = view.level is Level.OFF and view.network == "sandbox"
    hint = "“Start sandbox”, at the top of the window, starts it." if off else "It is tried again by itself."
    if view.level is Level.BAD and _AGAIN in view.text:  # which says that already
        hint = "Check the internet connection; “Network check” asks every endpoint of the network."
    return NetworkError("Network not reached", view.text, hint)


class ChainWatch:
    """``listeners`` are awaited one after the other at each new head; what they raise is logged and forgotten.

    ``changed`` is called whenever ``view`` would say something new.
    """

    def __init__(
        self,
        listeners: Sequence[HeadListener],
        changed: Callable[[], None],
        *,
        now: Callable[[], float] = time.time,
        backoff_s: Sequence[float] = _BACKOFF_S,
    ) -> None:
        self._listeners = listeners
        self._changed = changed
        self._now = now
        self._backoff_s = backoff_s
        self._tasks = Tasks()
        self._network = ""
        self._title = ""
        self._chain: Chain | None = None
        self._connected = False
        self._head: BlockRef | None = None
        self._seen_at: float | None = None
        self._block_s: float | None = None
        self._trouble: str | None = None
        self._trouble_level = Level.BUSY  # while nothing is retried
        self._retry_at: float | None = None

    # --- what others ask ------------------------------------------------------------------------------------

    @property
    def network(self) -> str:
        """The network that is watched; empty when none is."""
        return self._network

    @property
    def following(self) -> bool:
        """Whether there is a chain to follow, reached or not."""
        return self._chain is not None

    @property
    def head(self) -> Head | None:
        """The newest head of a connection that answers, or None."""
        if self._chain is None or not self._connected or self._head is None:
            return None
        return Head(self._network, self._chain, self._head)

    def require(self) -> Head:
        """The newest head. Raises NetworkError, with the reason, when there is none."""
        head = self.head
        if head is None:
            view = self.view()
            raise not_reached(view)
        return head

    def note(self) -> str | None:
        """Why the chain cannot be asked at the moment, in words; None when it can."""
        return None if self.head is not None and self._trouble is None else self.view().text

    def view(self) -> ChainView:
        level, text = self._judge()
        chain = self._chain
        return ChainView(
            network=self._network,
            endpoint=None if chain is None else chain.endpoint,
            level=level,
            text=text,
            head=self._head,
            head_seen_at=self._seen_at,
            genesis_hash=None if chain is None else chain.genesis_hash,
            spec_version=None if chain is None else chain.spec_version,
        )

    # --- what others do -------------------------------------------------------------------------------------

    def announce(self, network: str, title: str) -> None:
        """Say which network is going to be watched, before anything is asked of it."""
        self._network, self._title, self._trouble = network, title, f"Connecting to {title}."

    async def use(
        self, network: str, title: str, chain: Chain | None, reason: str = "", level: Level = Level.BUSY
    ) -> None:
        """Leave the watched network and watch this one. Without ``chain`` nothing is watched, for the reason given."""
        await self._tasks.close()
        if self._chain is not None:
            await self._quietly_close(self._chain)
        self._network, self._title, self._chain = network, title, chain
        self._connected = False
        self._head = self._seen_at = self._block_s = self._retry_at = None
        self._trouble, self._trouble_level = reason or None, level
        if chain is not None:
            self._tasks.start(self._follow(chain), f"watch {network}")
        self._changed()

    async def close(self) -> None:
        await self.use("", "", None)

    # --- the loop -------------------------------------------------------------------------------------------

    async def _follow(self, chain: Chain) -> None:
        failures = 0
        while True:
            try:
                if not self._connected:
                    await chain.open()
                    self._connected = True
                    self._changed()
                await self._look(chain)
            except RanvierError as error:
                failures += 1
                await self._failed(chain, failures, error.message)
            except Exception:
                log.exception("watching %s", self._network)
                failures += 1
                await self._failed(chain, failures, "The network's answer was not understood.")
            else:
                failures = 0
                await asyncio.sleep(self._pause())

    async def _look(self, chain: Chain) -> None:
        block = await chain.head()
        before, seen_before = self._head, self._seen_at
        if self._trouble is not None:
            log.info("%s answers again at block %s", self._network, block.number)
        self._trouble = self._retry_at = None
        if before is not None and block.hash == before.hash:
            return
        self._head, self._seen_at = block, self._now()
        if before is not None and seen_before is not None and block.number > before.number:
            seconds = (self._seen_at - seen_before) / (block.number - before.number)
            if block.time_ms is not None and before.time_ms is not None:
                seconds = (block.time_ms - before.time_ms) / 1000 / (block.number - before.number)
            self._block_s = seconds
        self._changed()
        for listener in self._listeners:
            try:
                await listener(Head(self._network, chain, block))
            except RanvierError as error:
                log.warning("at block %s: %s", block.number, error)
            except Exception:
                log.exception("at block %s", block.number)

    async def _failed(self, chain: Chain, failures: int, message: str) -> None:
        pause = self._backoff_s[min(failures, len(self._backoff_s)) - 1]
        if failures == 1:
            log.warning("%s: %s", self._network, message)
        self._trouble, self._retry_at = message, self._now() + pause
        if failures >= _GIVE_UP_AFTER and self._connected:
            self._connected = False
            await self._quietly_close(chain)
        self._changed()
        await asyncio.sleep(pause)

    def _pause(self) -> float:
        """Half a block: a head is seen at most that late, and a poll costs the node little."""
        half = 0.5 if self._block_s is None else self._block_s / 2
        return min(_LONGEST_POLL_S, max(_SHORTEST_POLL_S, half))

    def _judge(self) -> tuple[Level, str]:
        now = self._now()
        if not self._network:
            return Level.OFF, "No network chosen."
        if self._trouble is not None:
            if self._retry_at is None:
                return self._trouble_level, self._trouble
            again = f" {_AGAIN} {max(0, self._retry_at - now):.0f} s."
            return Level.BAD, self._trouble + again
        if not self._connected:
            return Level.BUSY, f"Connecting to {self._title}."
        if self._head is None or self._seen_at is None:
            return Level.UNKNOWN, f"Connected to {self._title}; no block read yet."
        text = f"Block {block_text(self._head.number)}, {age_text(self._seen_at, now)}."
        quiet = now - self._seen_at
        if quiet > max(_SILENCE_S, 4 * (self._block_s or 0)):
            return Level.WARN, f"No new block for {quiet:.0f} s. {text}"
        if self._head.time_ms is not None and self._seen_at - self._head.time_ms / 1000 > _BEHIND_S:
            return Level.WARN, f"The node is behind: its newest block is old. {text}"
        return Level.GOOD, text

    async def _quietly_close(self, chain: Chain) -> None:
        try:
            await chain.close()
        except RanvierError as error:
            log.info("closing %s: %s", self._network, error)
