"""Long readings of the ledger beside its own thread: exports into files, and lots. The ledger goes on meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ranvier.agent.api.command import Done
from ranvier.agent.api.market_messages import ExportEarnings
from ranvier.agent.api.money_messages import CancelExport, ExportLots, ExportView, GetExport, GetLots
from ranvier.agent.money.portfolio import require_network
from ranvier.core.errors import AgentError, LedgerError
from ranvier.core.outside import at_home
from ranvier.ledger import export, lot_book, prices
from ranvier.ledger.reading import reading, write_export, write_text

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent

_SHOWN = 10_000  # rows of a book that cross the socket: a million would hold the agent up


class _Running:
    """One export; written by its thread, read by the loop."""

    def __init__(self) -> None:
        self.rows, self.all, self.cancelled = 0, 0, False

    def progress(self, rows: int, all_: int) -> bool:
        self.rows, self.all = rows, all_
        return not self.cancelled


class LedgerExport:
    """Raises RanvierErrors only. A file appears when it is whole; nothing is ever overwritten."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._running: dict[str, _Running] = {}

    async def export_earnings(self, command: ExportEarnings) -> Done:
        """Write the payments of a time; ``GetExport`` tells how far it is."""
        if command.kind not in export.FORMATS:
            raise AgentError("Not understood", f"There is no format “{command.kind[:40]}”.", ", ".join(export.FORMATS))
        ledger, target, currency = self._ledger(), _target(command.path), await self._currency()
        if command.path in self._running:
            raise AgentError("Under way", f"{target} is being written already.")
        running = self._running[command.path] = _Running()
        try:
            size = await asyncio.to_thread(
                write_export, ledger, target, command.kind, since_ms=command.since_ms, until_ms=command.until_ms,
                hotkey_ss58=command.hotkey_ss58, netuid=command.netuid, currency=currency, progress=running.progress,
            )  # fmt: skip
        finally:
            running.cancelled = True  # when we are cancelled the thread ends too
            del self._running[command.path]
        return Done(f"{target} was written, {size} bytes." if size else "The export was cancelled; no file is left.")

    async def get_export(self, command: GetExport) -> ExportView:
        found = self._running.get(command.path)
        return ExportView(None, None) if found is None else ExportView(found.rows, found.all)

    async def cancel_export(self, command: CancelExport) -> Done:
        found = self._running.get(command.path)
        if found is not None:
            found.cancelled = True
        return Done("The export is ended." if found is not None else "There is no such export.")

    async def get_lots(self, command: GetLots) -> lot_book.LotBook:
        book = await self._book(command.netuid, command.order)
        return book.newest(_SHOWN)

    async def export_lots(self, command: ExportLots) -> Done:
        target = _target(command.path)
        book = await self._book(command.netuid, command.order)
        size = await asyncio.to_thread(write_text, target, lot_book.lots_csv(book))
        return Done(f"{target} was written, {size} bytes.")

    async def _book(self, netuid: int, order: str) -> lot_book.LotBook:
        which, ledger, currency = lot_book.order_of(order), self._ledger(), await self._currency()

        def read() -> lot_book.LotBook:
            with reading(ledger) as connection:
                days = prices.micro_of(prices.by_day(connection, currency)) if currency else {}
                return lot_book.lot_book(connection, netuid, which, currency, days)

        return await asyncio.to_thread(read)

    def _ledger(self) -> Path:
        network = self._agent.network.name
        require_network(network)
        ledger = self._agent.ledgers.get(network)
        if ledger is None:
            raise LedgerError("Ledger closed", f"The ledger of {network} is not open.", "See what needs attention.")
        return ledger.path

    async def _currency(self) -> str | None:
        source = await self._agent.prices.source()
        return None if source is None else source.currency


def _target(path: str) -> Path:
    target = at_home(path)
    if not target.is_absolute():
        raise AgentError("Not a whole path", f"{target} does not begin at the root.", "Choose the file again.")
    return target
