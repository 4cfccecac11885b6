"""One ledger per network, opened when it is needed; rows of two chains never meet in one file."""

from __future__ import annotations

import contextlib
import itertools
import logging
from pathlib import Path

from ranvier.core.errors import LedgerError
from ranvier.core.paths import Paths
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

    def get(self, network: str) -> Ledger | None:
        """The network's ledger if it is open."""
        return self._open.get(network)

    async def open(self, network: str) -> Ledger:
        """The network's ledger. Raises LedgerError.

        A damaged one of the practice network is set aside and kept, and a new one begun: it is of play money. A
        damaged ledger of a real network is its owner's to decide on.
        """
        ledger = self._open.get(network)
        if ledger is None:
            path = self._paths.ledger_file(network)
            try:
                ledger = await _opened(path)
            except LedgerError as error:
                if network != _PRACTICE or error.title not in _DAMAGED:
                    raise
                _set_aside(path, error)
                ledger = await _opened(path)
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


def _set_aside(path: Path, error: LedgerError) -> None:
    names = (f"{path.stem}-damaged-{number}{path.suffix}" for number in itertools.count(1))
    name = next(name for name in names if not path.with_name(name).exists())
    log.warning("%s A new one is begun; the damaged one is kept as %s", error.message, name)
    try:
        for suffix in ("-wal", "-shm"):  # they belong to it, and must not be taken for the new one's
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).replace(path.with_name(name + suffix))
        path.replace(path.with_name(name))
    except OSError as problem:
        raise LedgerError("Ledger busy", f"{path}: {problem.strerror}.", "Close what uses it and try again.") from error


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
