"""Reading a ledger's file beside whoever writes it: read-only, all of one moment; and exports into files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from ranvier.core.errors import LedgerError, StorageError
from ranvier.ledger import prices
from ranvier.ledger.errors import ledger_errors
from ranvier.ledger.export import export
from ranvier.ledger.migrations import LEDGER


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one moment and changes nothing. Raises LedgerError."""
    if not path.is_file():
        raise LedgerError("No ledger", f"There is no ledger at {path}.", "Name a network with --network.")
    with ledger_errors(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
    try:
        with ledger_errors(path):
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("BEGIN")  # whatever the agent writes meanwhile
        if version != len(LEDGER):
            raise LedgerError(
                "Other version", f"{path} is of another version of Ranvier.", "Start Ranvier once to bring it up."
            )
        yield connection
    except sqlite3.Error as error:  # an OSError of the caller's own is none of ours
        with ledger_errors(path):
            raise error
    finally:
        connection.close()


def write_export(
    ledger: Path, target: Path, kind: str, *, since_ms: int | None = None, until_ms: int | None = None,
    hotkey_ss58: str | None = None, netuid: int | None = None, currency: str | None = None,
    progress: Callable[[int], bool] | None = None,
) -> int:  # fmt: skip
    """Export into a file, which appears when it is whole; the bytes written. It takes seconds: call it in a thread.

    ``progress`` is told the bytes so far; when it answers False the export ends and leaves nothing (returns 0).
    Raises LedgerError, StorageError.
    """
    half = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with reading(ledger) as connection, half.open("w", encoding="utf-8", newline="") as file:
            days = prices.by_day(connection, currency) if currency else {}
            pieces = export(
                connection, kind, since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid,
                prices=days,
            )  # fmt: skip
            written = 0
            for piece in pieces:
                written += file.write(piece)
                if progress is not None and not progress(written):
                    return 0
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
    except OSError as error:
        raise StorageError("Not exported", f"{target}: {error.strerror or error}.", "Choose another place.") from error
    else:
        return written
    finally:
        half.unlink(missing_ok=True)
