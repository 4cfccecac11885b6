"""Payment rows: what one hotkey was paid at one epoch, how it is stored, and the day sums kept with it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from ranvier.core.units import Alpha

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
PAID, BURNED, RECYCLED = "paid", "burned", "recycled"


@dataclass(frozen=True, slots=True)
class Payment:
    """What one hotkey was paid at one epoch, in rao of alpha of ``netuid``, exact, from the chain's event.

    ``gross_rao`` is what the event names, ``alpha_rao`` what was paid of it: nothing when ``fate`` says that it was
    burned or recycled (the subnet owner's own miners). ``captured_rao`` of it went into the miner's collateral lock,
    the rest was credited to (``destination_ss58``, ``coldkey_ss58``), which auto-stake may have made another hotkey.
    ``time_ms`` is the block's own clock, ``price_rao`` rao of TAO for one alpha at that block. ``event_index`` is the
    event's place in the block: the proof. None is unknown (rows of an older version, chains without the event).
    The fact's key is (netuid, mechanism, block, hotkey_ss58).
    """

    netuid: int
    mechanism: int
    block: int
    hotkey_ss58: str
    uid: int
    time_ms: int
    alpha_rao: int
    price_rao: int | None
    block_hash: str
    gross_rao: int | None = None
    captured_rao: int | None = None
    fate: str | None = None
    coldkey_ss58: str | None = None
    destination_ss58: str | None = None
    event_index: int | None = None

    @property
    def tao_rao(self) -> int | None:
        """Value at the epoch's own price, rounded down to a rao; not what a sale would give."""
        return None if self.price_rao is None else Alpha(self.alpha_rao, self.netuid).at_price(self.price_rao).rao

    @property
    def day(self) -> int:
        """UTC days since 1970."""
        return self.time_ms // DAY_MS


COLUMNS = ", ".join(field.name for field in fields(Payment))
_INSERT = (
    f"INSERT INTO payment ({COLUMNS}, tao_rao) VALUES ({','.join('?' * (len(fields(Payment)) + 1))})"
    " ON CONFLICT DO NOTHING"
)
_KEY = "netuid = ? AND mechanism = ? AND block = ? AND hotkey_ss58 = ?"


def add(connection: sqlite3.Connection, rows: Sequence[Payment]) -> tuple[Payment, ...]:
    """Store rows and their day sums inside the caller's transaction; returns those that were new.

    A row that is there already is left as it is, unless it was noted without its fate by an older version: then it
    is told whole now.
    """
    new = []
    for row in rows:
        beside = {
            str(hotkey)
            for (hotkey,) in connection.execute(
                "SELECT hotkey_ss58 FROM payment WHERE time_ms = ? AND netuid = ? AND block = ?",
                (row.time_ms, row.netuid, row.block),
            )
        }
        if connection.execute(_INSERT, (*astuple(row), row.tao_rao)).rowcount == 1:
            _sum(connection, row, rows=1, epochs=int(row.hotkey_ss58 not in beside))
            if not beside:
                connection.execute(
                    "INSERT INTO epoch_day VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET epochs = epochs + 1",
                    (row.day, row.netuid),
                )
            new.append(row)
        else:
            _amend(connection, row)
    return tuple(new)


def _amend(connection: sqlite3.Connection, row: Payment) -> None:
    key = (row.netuid, row.mechanism, row.block, row.hotkey_ss58)
    known = Payment(*connection.execute(f"SELECT {COLUMNS} FROM payment WHERE {_KEY}", key).fetchone())
    if known.block_hash != row.block_hash or known.time_ms != row.time_ms:
        log.error("block %s has hash %s in the ledger and %s now; the ledger stays", *key[2:3], known.block_hash,
                  row.block_hash)  # fmt: skip
        return
    if known.fate is not None or row.fate is None:
        return
    _sum(connection, known, rows=-1, epochs=0)
    connection.execute(f"DELETE FROM payment WHERE {_KEY}", key)
    connection.execute(_INSERT, (*astuple(row), row.tao_rao))
    _sum(connection, row, rows=1, epochs=0)


def _sum(connection: sqlite3.Connection, row: Payment, *, rows: int, epochs: int) -> None:
    """Take a row into its day's sums, or (``rows`` -1) out of them."""
    tao = row.tao_rao
    connection.execute(
        """INSERT INTO pay_day VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET
            alpha_rao = alpha_rao + excluded.alpha_rao, tao_rao = tao_rao + excluded.tao_rao,
            rows = rows + excluded.rows, priced = priced + excluded.priced, epochs = epochs + excluded.epochs""",
        (
            row.day, row.netuid, row.hotkey_ss58,
            rows * row.alpha_rao, rows * (tao or 0), rows, rows * int(tao is not None), epochs,
        ),
    )  # fmt: skip


def where(
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    hotkey_ss58: str | None = None,
    netuid: int | None = None,
) -> tuple[str, tuple[int | str, ...]]:
    """The WHERE clause (or nothing) and its values; ``until_ms`` is the first moment outside."""
    tests = (
        ("time_ms >= ?", since_ms), ("time_ms < ?", until_ms), ("hotkey_ss58 = ?", hotkey_ss58),
        ("+netuid = ?", netuid),  # the plus keeps SQLite on the index by time: a subnet's rows are too many to sort
    )  # fmt: skip
    chosen = [(text, value) for text, value in tests if value is not None]
    return (" WHERE " + " AND ".join(text for text, _ in chosen) if chosen else ""), tuple(v for _, v in chosen)


def newest(
    connection: sqlite3.Connection, limit: int, *, since_ms: int | None = None, until_ms: int | None = None,
    hotkey_ss58: str | None = None, netuid: int | None = None, offset: int = 0,
) -> tuple[Payment, ...]:  # fmt: skip
    """Rows newest first, a page of them."""
    test, values = where(since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid)
    query = (
        f"SELECT {COLUMNS} FROM payment{test}"
        " ORDER BY time_ms DESC, block DESC, netuid, mechanism, hotkey_ss58 LIMIT ? OFFSET ?"
    )
    return tuple(Payment(*row) for row in connection.execute(query, (*values, max(0, limit), max(0, offset))))


def count(
    connection: sqlite3.Connection, *, since_ms: int | None = None, until_ms: int | None = None,
    hotkey_ss58: str | None = None, netuid: int | None = None,
) -> int:  # fmt: skip
    test, values = where(since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid)
    return int(connection.execute(f"SELECT count(*) FROM payment{test}", values).fetchone()[0])


def between(connection: sqlite3.Connection, netuid: int, from_block: int, to_block: int) -> tuple[Payment, ...]:
    """Everything of one subnet from one block to another, both inside."""
    query = f"SELECT {COLUMNS} FROM payment WHERE netuid = ? AND mechanism = ? AND block BETWEEN ? AND ?"
    found: list[Payment] = []
    mechanism: int | None = -1
    while mechanism is not None:  # by the key's own order: each mechanism that there is
        (mechanism,) = connection.execute(
            "SELECT min(mechanism) FROM payment WHERE netuid = ? AND mechanism > ?", (netuid, mechanism)
        ).fetchone()
        rows = connection.execute(query, (netuid, mechanism, from_block, to_block))
        found += (Payment(*row) for row in rows)
    return tuple(found)
