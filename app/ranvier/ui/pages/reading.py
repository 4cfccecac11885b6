"""The base of pages that show one reading of the chain: how old it is, what is wrong, of which network it is."""

from __future__ import annotations

import time
from typing import ClassVar

from ranvier.chain.model import BlockRef
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import age_text
from ranvier.ui.context import Context
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.page import Page
from ranvier.ui.words import block_text


class ReadingPage(Page):
    """Asks for a reading while it is looked at, sooner on the sandbox. What was read is kept when asking fails, with
    a word that it is old; what was read on another network goes at once.

    A page gives ``refresh``, ``block``, ``about`` and ``forget``.
    """

    waiting: ClassVar[str] = ""  # what is said until the first reading is there
    every_s: ClassVar[float] = 12.0
    sandbox_every_s: ClassVar[float] = 4.0

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        latest = context.bridge.latest
        self._network, self._trouble = latest.chain.network if latest is not None else "", ""
        self.empty = EmptyState("Asking the agent", self.waiting)
        context.bridge.status.connect(self._status)
        self._polling = Polling(context.tasks, self.key, self._read_once, self._failed, self._interval)

    # --- what a page gives -----------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Read and draw once. Raises RanvierError."""
        raise NotImplementedError

    def block(self) -> BlockRef | None:
        """The block of what is shown; None when nothing is."""
        raise NotImplementedError

    def about(self, where: str) -> str:
        """The sentence below the title, given ``block 1 234, 2 s ago``."""
        return f"{where[:1].upper()}{where[1:]}."

    def forget(self) -> None:
        """The network is another: show that nothing is known."""
        raise NotImplementedError

    # --- what they share -------------------------------------------------------------------------------------

    @property
    def network(self) -> str:
        """The network that the agent works on; empty when it is not known."""
        return self._network

    def shown(self) -> None:
        self._polling.start()

    def hidden(self) -> None:
        self._polling.stop()

    def tick(self, now: float) -> None:
        super().tick(now)
        self.show_age(now)

    def read_again(self) -> None:
        """Read now, if anybody looks."""
        if self._polling.running:
            self._polling.now()

    def show_age(self, now: float | None = None) -> None:
        """Say of which block the page is, how old that is, and what is wrong."""
        block = self.block()
        if block is None:
            return
        age = "age unknown"
        if block.time_ms is not None:
            age = age_text(block.time_ms / 1000, time.time() if now is None else now)
        text = self.about(f"block {block_text(block.number)}, {age}")
        self.set_subtitle(f"{text} Not up to date: {self._trouble}" if self._trouble else text)

    async def _read_once(self) -> None:
        await self.refresh()
        self._trouble = ""
        self.show_age()

    def _failed(self, error: RanvierError) -> None:
        self._trouble = error.message
        if self.block() is None:
            self.empty.set_text(error.title, f"{error.message} {error.hint}".strip())
        else:
            self.show_age()

    def _status(self, status: object) -> None:
        network = getattr(getattr(status, "chain", None), "network", "")
        if network == self._network:
            return
        # What was read on another network must not stand under this one's colour.
        self._network, self._trouble = network, ""
        self.set_subtitle("")
        self.empty.set_text("Asking the agent", self.waiting)
        self.forget()
        self.read_again()

    def _interval(self) -> float:
        return self.sandbox_every_s if self._network == "sandbox" else self.every_s
