"""Finds out what became of transactions whose end nobody saw: the window was killed, the network was away, a disk full.

Every transaction is in the ledger before it is sent, with what is needed to look for it. Only final blocks are read.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from ranvier.agent.api.messages import Attention
from ranvier.agent.money.epoch_walk import forgotten
from ranvier.agent.money.receipt_rows import stored
from ranvier.agent.network.chain_face import Chain
from ranvier.agent.network.chain_watch import Head
from ranvier.chain.model import Receipt
from ranvier.core.errors import ChainError
from ranvier.core.evidence import Level
from ranvier.ledger import receipts
from ranvier.ledger.receipts import StoredReceipt
from ranvier.ledger.store import Ledger

log = logging.getLogger(__name__)

_WAITING_S = 60.0  # below that it is an ordinary transaction on its way
_TOLD_S = 86_400.0
_LOST = ("dropped", "failed")


class ReceiptWatch:
    """``ledger`` gives that of the chain worked on, ``coldkeys`` those whose side of a transaction is noted too,
    ``archive`` a chain that forgets nothing, or None."""

    def __init__(
        self,
        ledger: Callable[[str], Ledger | None],
        coldkeys: Callable[[str], Iterable[str]],
        *,
        now: Callable[[], float],
        archive: Callable[[str], Awaitable[Chain | None]],
    ) -> None:
        self._ledger, self._coldkeys, self._now, self._archive = ledger, coldkeys, now, archive
        self._looked: dict[str, int] = {}  # id -> the block to go on at
        self._open: tuple[StoredReceipt, ...] = ()
        self._unread: dict[str, str] = {}  # id -> why what became of it cannot be read
        self._lost: dict[str, tuple[float, StoredReceipt]] = {}

    async def on_head(self, head: Head) -> None:
        """Look for all that are under way. Raises NetworkError, LedgerError."""
        ledger = self._ledger(head.network)
        self._open = () if ledger is None else await ledger.read(receipts.unsettled)
        self._looked = {one.id: self._looked.get(one.id, 0) for one in self._open}
        if ledger is None:
            return
        for one in self._open:
            whole = await self._look(head, one)
            if whole is not None:
                await self._settle(ledger, whole)

    async def _settle(self, ledger: Ledger, whole: StoredReceipt) -> None:
        self._open = tuple(one for one in self._open if one.id != whole.id)
        if await ledger.write(lambda c: receipts.add(c, whole)):
            log.info("%s (%s): %s", whole.title, whole.id[:14], whole.stage)
            if whole.stage in _LOST:
                self._lost[whole.id] = (self._now(), whole)

    def seen(self, receipt: StoredReceipt) -> None:
        """The window saw the end itself: nothing is to be told."""
        if not receipt.following:
            self._lost.pop(receipt.id, None)

    def attention(self) -> list[Attention]:
        """What is on its way for long, and what came to nothing while nobody looked."""
        now = self._now()
        self._lost = {key: value for key, value in self._lost.items() if now - value[0] < _TOLD_S}
        waiting = [one for one in self._open if now - one.at_ms / 1000 > _WAITING_S]
        return [
            *(
                Attention(
                    Level.WARN,
                    f"{'Not read' if one.id in self._unread else 'On its way'}: {one.title}",
                    self._unread.get(one.id)
                    or "It was sent, and is in no final block yet. It is looked for at every block; do not repeat it.",
                    key=f"receipt/{one.id}",
                    page="stake",
                )
                for one in waiting
            ),
            *(
                Attention(
                    Level.BAD,
                    f"Came to nothing: {one.title}",
                    f"{one.error or 'The chain refused it.'} {one.next_step or ''}".strip(),
                    key=f"receipt/{one.id}/{one.stage}",
                    page="stake",
                )
                for _, one in self._lost.values()
            ),
        ]

    async def _look(self, head: Head, one: StoredReceipt) -> StoredReceipt | None:
        self._unread.pop(one.id, None)
        try:
            receipt = await self._settled(head, one)
        except ChainError as error:
            log.warning("looking for %s: %s", one.id[:14], error)
            words = " ".join(part for part in (error.message, error.hint) if part)
            self._unread[one.id] = f"What became of it cannot be read: {words} Do not repeat it."
            return None
        if receipt is None:
            return None
        return stored(receipt, one.at_ms, set(self._coldkeys(head.network)))

    async def _settled(self, head: Head, one: StoredReceipt) -> Receipt | None:
        """An archive is asked where the node no longer keeps the state of its block."""
        try:
            receipt, self._looked[one.id] = await head.chain.settle(one.following, self._looked[one.id])
        except ChainError as error:
            other = await self._archive(head.network) if forgotten(error) else None
            if other is None:
                raise
            receipt, self._looked[one.id] = await other.settle(one.following, self._looked[one.id])
        return receipt
