"""SQLite's errors in words."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ranvier.core.errors import LedgerError, RanvierError

log = logging.getLogger(__name__)

LEDGER = "ledger.sqlite"  # samples have files of their own
_ANEW = (
    "Begin a new ledger on the Earnings page: receipts and costs that can be read are taken over, earnings are read"
    " again from the chain, and this file is kept."
)

_UNFORESEEN = ("Ledger error", "SQLite refused what was asked of {path}.", "The log has its words.")
_WORDS = {
    sqlite3.SQLITE_FULL: ("Disk full", "There is no space left for {path}.", "Free some space; nothing was lost."),
    sqlite3.SQLITE_BUSY: ("Ledger busy", "Another program holds {path}.", "Close it; the write is tried again."),
    sqlite3.SQLITE_LOCKED: ("Ledger busy", "Another program holds {path}.", "Close it; the write is tried again."),
    sqlite3.SQLITE_CORRUPT: (
        "Ledger damaged",
        "{path} is damaged and was left as it is.",
        "Move it away: a new one is begun.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "Not a ledger",
        "{path} is not a database.",
        "Move it away: a new one is begun.",
    ),
    sqlite3.SQLITE_READONLY: ("Ledger read-only", "{path} cannot be written.", "Check the file's permissions."),
    sqlite3.SQLITE_PERM: ("Ledger closed", "{path} may not be opened.", "Check the file's permissions."),
    sqlite3.SQLITE_CANTOPEN: ("Ledger closed", "{path} cannot be opened.", "Check the folder's permissions."),
    sqlite3.SQLITE_IOERR: ("Disk error", "The disk failed while {path} was used.", "Check the disk."),
}


@contextlib.contextmanager
def ledger_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise about ``path`` into LedgerError."""
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        primary = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if primary not in _WORDS:
            log.warning("%s: %s", path, error)
        title, message, hint = _WORDS.get(primary, _UNFORESEEN)
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) and path.name == LEDGER:
            hint = _ANEW
        raise LedgerError(title, message.format(path=path), hint) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LedgerError("Ledger closed", f"{path}: {reason}.", "Check the folder's permissions.") from error


def needs_mending(error: BaseException) -> bool:
    """Whether a new ledger has to be begun beside the damaged one (``Ledgers.mend`` does it)."""
    return isinstance(error, RanvierError) and error.hint == _ANEW
