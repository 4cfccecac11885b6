"""One ledger per network, opened when it is needed; rows of two chains never meet in one file."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from ranvier.core.errors import LedgerError
from ranvier.core.paths import Paths
from ranvier.ledger.salvage import salvage, set_aside, sound
from ranvier.ledger.store import Ledger

log = logging.getLogger(__name__)

_GENESIS = "genesis"
_PRACTICE = "sandbox"
_DAMAGED = ("Ledger damaged", "Not a ledger")


class Ledgers:
    """Owns the open ledgers."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._open: dict[str, Ledger] = {}
        self._lock = asyncio.Lock()  # one file is opened, or set aside, once

    def get(self, network: str) -> Ledger | None:
        """The network's ledger if it is open."""
        return self._open.get(network)

    async def open(self, network: str) -> Ledger:
        """The network's ledger. Raises LedgerError.

        A damaged one of the practice network is set aside and kept, and a new one begun: it is of play money. A
        damaged ledger of a real network is its owner's to decide on (``mend``).
        """
        async with self._lock:
            ledger = self._open.get(network)
            if ledger is None:
                path = self._paths.ledger_file(network)
                try:
                    ledger = await _opened(path)
                except LedgerError as error:
                    if network != _PRACTICE or error.title not in _DAMAGED:
                        raise
                    ledger, words = await _renewed(path)
                    log.warning("%s %s", error.message, words)
                self._open[network] = ledger
            return ledger

    async def fit(self, network: str, genesis: str) -> None:
        """Make sure that the ledger is of the chain with this genesis. A practice network that was made anew gets a
        new ledger; the old file is kept beside it. Raises LedgerError.
        """
        ledger = await self.open(network)
        known = await ledger.recall(_GENESIS)
        if known is not None and known != genesis:
            del self._open[network]
            await ledger.close()
            _move_aside(ledger.path, known)
            ledger = await self.open(network)
            known = None
        if known is None:
            await ledger.remember({_GENESIS: genesis})

    async def mend(self, network: str) -> str:
        """Set a damaged ledger aside and begin a new one with what can be read of it; says what became of it.

        Raises LedgerError for one that is sound, and for trouble that a new file would not mend.
        """
        async with self._lock:
            ledger, path = self._open.get(network), self._paths.ledger_file(network)
            if ledger is None:
                try:
                    ledger = self._open[network] = await _opened(path)
                except LedgerError as error:
                    if error.title not in _DAMAGED:
                        raise
            if ledger is not None:
                if await ledger.read(sound):
                    raise LedgerError("Ledger sound", f"{path} is not damaged.", "It stays as it is.")
                del self._open[network]
                await ledger.close()
            self._open[network], words = await _renewed(path)
            return words

    async def close(self) -> None:
        while self._open:
            _, ledger = self._open.popitem()
            await ledger.close()


async def _opened(path: Path) -> Ledger:
    ledger = Ledger(path)
    try:
        await ledger.open()
    except LedgerError:
        await ledger.close()
        raise
    return ledger


async def _renewed(path: Path) -> tuple[Ledger, str]:
    """Set a damaged ledger aside and begin a new one with what can be read of it; a sentence about that."""
    aside = await asyncio.to_thread(set_aside, path)
    ledger = await _opened(path)
    try:
        saved = await ledger.write(lambda connection: salvage(aside, connection))
    except BaseException:
        await ledger.close()
        raise
    return ledger, f"The damaged ledger is kept as {aside.name}. {saved.sentence()}"


def _move_aside(path: Path, genesis: str) -> None:
    """Rename the file, its log first: a kill in between leaves a whole database under one of the names."""
    name = f"{path.stem}-{genesis.removeprefix('0x')[:12]}{path.suffix}"
    log.warning("%s is of another chain (genesis %s) and is kept as %s", path, genesis[:14], name)
    try:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)  # empty after a clean close
        path.replace(path.with_name(name))
    except OSError as error:
        raise LedgerError("Ledger busy", f"{path}: {error.strerror}.", "Close what uses it and try again.") from error
