"""One SQLite file with one thread of its own: opening, migrating, transactions. No call blocks the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ranvier.core.errors import LedgerError
from ranvier.core.paths import private_folder
from ranvier.ledger.errors import ledger_errors

T = TypeVar("T")
log = logging.getLogger(__name__)

APPLICATION_ID = 0x52414E56  # "RANV": tells our files from other programs' databases
_BUSY_MS = 5000


class Database:
    """``steps`` are the migrations; ``durable`` says whether a commit must survive a power cut.

    WAL alone (synchronous=NORMAL) survives a kill of the process, but a power cut may take the last commits back.
    A payment is told to the user once it is committed, so the ledger uses FULL; samples can be lost.
    """

    def __init__(self, path: Path, steps: Sequence[Sequence[str]], *, durable: bool) -> None:
        self.path = path
        self._steps = steps
        self._durable = durable
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open, or make, the file and bring it to the newest shape.

        Raises LedgerError: newer than this program, damaged, not ours, not writable.
        """
        if self._connection is not None:
            return
        self._thread = self._thread or ThreadPoolExecutor(1, f"sqlite {self.path.name}")
        self._connection = await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def close(self) -> None:
        """Finish what was asked for and close the file; harmless when it is not open."""
        connection, self._connection = self._connection, None
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if connection is not None:
            await asyncio.get_running_loop().run_in_executor(thread, connection.close)
        thread.shutdown(wait=False)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` in the database's thread. Raises LedgerError."""
        if self._connection is None:
            await self.open()
        connection, thread = self._connection, self._thread
        assert connection is not None

        def guarded() -> T:
            with ledger_errors(self.path):
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(thread, guarded)

    def _open(self) -> sqlite3.Connection:
        with ledger_errors(self.path):
            private_folder(self.path.parent)
            connection = sqlite3.connect(self.path, timeout=_BUSY_MS / 1000, isolation_level=None)
            try:
                if os.name == "posix":
                    self.path.chmod(0o600)
                _check_ours(connection, self.path, len(self._steps))
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
                _migrate(connection, self.path, self._steps)
            except BaseException:
                connection.close()
                raise
            return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _check_ours(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    """Only reads, so that a file which is refused is not changed."""
    version = _number(connection, "PRAGMA user_version")
    if version > newest:
        raise LedgerError(
            "Ledger is newer",
            f"{path} was written by a newer Ranvier (version {version} of the file, this one knows {newest}).",
            "Use the newer Ranvier; the file was not touched.",
        )
    tables = _number(connection, "SELECT count(*) FROM sqlite_master")
    if tables and _number(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise LedgerError(
            "Not a ledger", f"{path} is the database of another program.", "Move it away; the file was not touched."
        )


def _migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]]) -> None:
    version = _number(connection, "PRAGMA user_version")
    if 0 < version < len(steps):
        log.info("%s: from version %s to %s, copy kept as %s", path, version, len(steps), _copy(connection, path))
    while version < len(steps):
        with transaction(connection):
            version = _number(connection, "PRAGMA user_version")  # another process may have been first
            if version >= len(steps):
                break
            for statement in steps[version]:
                connection.execute(statement)
            version += 1
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version}")


def _copy(connection: sqlite3.Connection, path: Path) -> Path:
    """A whole copy, the write-ahead log included, beside the file; the date is in its name."""
    version = _number(connection, "PRAGMA user_version")
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.stem}-v{version}-{stamp}{path.suffix}")
    half = target.with_name(f".{target.name}.tmp")
    half.unlink(missing_ok=True)
    copy = sqlite3.connect(half)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    if os.name == "posix":
        half.chmod(0o600)
    half.replace(target)
    return target
