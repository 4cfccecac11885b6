"""Reading a ledger's file beside whoever writes it: read-only, all of one moment; and exports into files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ranvier.core.errors import LedgerError, StorageError
from ranvier.ledger import payments, prices
from ranvier.ledger.errors import ledger_errors
from ranvier.ledger.export import CHUNK, export
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
    progress: Callable[[int, int], bool] | None = None,
) -> int:  # fmt: skip
    """Export into a new file, which appears when it is whole; the bytes written. It takes seconds: call it in a thread.

    ``progress`` is told the rows so far and all; when it answers False the export ends and leaves nothing (returns 0).
    Raises LedgerError, StorageError.
    """
    with reading(ledger) as connection:
        days = prices.by_day(connection, currency) if currency else {}
        rows = payments.count(connection, since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid)
        pieces = export(
            connection, kind, since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid, prices=days
        )
        goes_on = None if progress is None else (lambda piece: progress(min(rows, piece * CHUNK), rows))
        return write_text(target, pieces, goes_on)


def write_text(target: Path, pieces: Iterable[str], goes_on: Callable[[int], bool] | None = None) -> int:
    """Write a new file piece by piece, fsynced, then give it its name; nothing is ever overwritten.

    Returns the bytes; ``goes_on`` is told how many pieces were written and ends it by False (nothing stays, returns 0).
    Raises StorageError.
    """
    half = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    written = 0
    try:
        if target.exists():
            raise FileExistsError
        with half.open("w", encoding="utf-8", newline="") as file:
            for number, piece in enumerate(pieces, 1):
                file.write(piece)
                if goes_on is not None and not goes_on(number):
                    return 0
            file.flush()
            os.fsync(file.fileno())
            written = os.fstat(file.fileno()).st_size
        _put_new(half, target)
    except FileExistsError:
        raise StorageError("File exists", f"{target} is there already.", "Choose another name.") from None
    except OSError as error:
        raise StorageError("Not written", f"{target}: {error.strerror or error}.", "Choose another place.") from error
    finally:
        half.unlink(missing_ok=True)
    return written


def _put_new(half: Path, target: Path) -> None:
    try:
        os.link(half, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(target) from None
        half.replace(target)
