"""What can still be read of a damaged ledger. The file itself is kept: it is set aside, never changed.

Receipts, costs, prices, settings and which earnings are wanted exist nowhere else, so they are taken over row by row.
Payments are not: a damaged file may say anything, and the chain says it again exactly.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.ledger import changes, cost_book, coverage, prices, receipts
from ranvier.ledger.cost_book import Cost, Tariff
from ranvier.ledger.prices import FiatPrice, PriceSource
from ranvier.ledger.receipts import StoredReceipt

log = logging.getLogger(__name__)

_BESIDE = ("-wal", "-shm")  # they belong to the file, and must not be taken for the new one's
_COST = "id, kind, name, from_ms, to_ms, currency, amount, rest, miner_id, proof"
_TYPED: dict[str, Any] = {"tariff": Tariff, "price_source": PriceSource}  # the state that has a form of its own


class Salvaged(msgspec.Struct, frozen=True):
    """How many rows of each kind were taken over."""

    receipts: int
    costs: int
    prices: int
    followed: int

    def sentence(self) -> str:
        if not any((self.receipts, self.costs, self.prices, self.followed)):
            return "Nothing of it could be read."
        return f"Saved of it: {self.receipts} receipts, {self.costs} costs, {self.prices} prices."


def set_aside(path: Path) -> Path:
    """Give a damaged ledger, and what lies beside it, another name, which is returned. Raises LedgerError."""
    names = (f"{path.stem}-damaged-{number}{path.suffix}" for number in itertools.count(1))
    target = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    try:
        for suffix in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).replace(target.with_name(target.name + suffix))
        path.replace(target)
    except OSError as error:
        raise LedgerError("Ledger busy", f"{path}: {error.strerror}.", "Close what uses it and try again.") from error
    log.warning("%s is damaged and kept as %s", path, target.name)
    return target


def sound(connection: sqlite3.Connection) -> bool:
    """Whether SQLite finds nothing wrong with the open file."""
    try:
        return [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
    except sqlite3.DatabaseError:
        return False


def salvage(damaged: Path, connection: sqlite3.Connection) -> Salvaged:
    """Take over what can be read, inside the caller's transaction on the new ledger. Never raises for what cannot."""
    with tempfile.TemporaryDirectory(dir=damaged.parent) as folder:
        return _salvage(_copied(damaged, Path(folder)), connection)


def _copied(damaged: Path, folder: Path) -> str:
    """The address of a copy: even to read it, SQLite may delete the log that belongs to a file."""
    try:
        for suffix in ("", *_BESIDE[:1]):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(damaged.with_name(damaged.name + suffix), folder / f"copy.sqlite{suffix}")
    except OSError as error:  # a full disk: without its log then, which is not touched
        log.warning("%s is read without its log: %s", damaged, error)
        return f"{damaged.absolute().as_uri()}?mode=ro&immutable=1"
    return f"{(folder / 'copy.sqlite').absolute().as_uri()}?mode=rw"


def _salvage(address: str, connection: sqlite3.Connection) -> Salvaged:
    try:
        old = sqlite3.connect(address, uri=True, timeout=1.0)
    except sqlite3.Error as error:
        log.warning("the damaged ledger cannot be opened: %s", error)
        return Salvaged(0, 0, 0, 0)
    old.text_factory = lambda raw: raw.decode("utf-8", "replace")

    def kept(rows: Iterator[tuple[Any, ...]], keep: Callable[[tuple[Any, ...]], object]) -> int:
        return sum(_kept(connection, keep, row) for row in rows)

    try:
        kept(_rows(old, "key, value", "state", "key"), lambda row: _state(connection, *row))
        kept(
            _rows(old, "netuid, lot, cost_rao, noted_ms", "basis", "netuid, lot"),
            lambda row: connection.execute("INSERT INTO basis VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row),
        )
        return Salvaged(
            receipts=kept(_rows(old, "body", "receipt", "id"), lambda row: _receipt(connection, row[0])),
            costs=kept(_rows(old, _COST, "cost", "id"), lambda row: cost_book.store(connection, _cost(row))),
            prices=kept(
                _rows(old, "currency, at_ms, micro_per_tao, source, noted_ms", "fiat_price", "currency, at_ms"),
                lambda row: prices.add(connection, [_price(row)]),
            ),
            followed=kept(
                _rows(old, "netuid, hotkey_ss58, from_block, to_block", "follow", "netuid, hotkey_ss58"),
                lambda row: coverage.follow(connection, *row),
            ),
        )
    finally:
        old.close()


def _rows(old: sqlite3.Connection, columns: str, table: str, key: str) -> Iterator[tuple[Any, ...]]:
    """Those that can be read: from the beginning up to the damage, and from the end down to it."""
    seen: set[tuple[Any, ...]] = set()
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{name} {direction}" for name in key.split(", "))
        try:
            for row in old.execute(f"SELECT {columns} FROM {table} ORDER BY {order}"):
                if row not in seen:
                    seen.add(row)
                    yield row
        except sqlite3.DatabaseError as error:
            log.warning("the damaged ledger's %s: %s", table, error)
        else:
            return


def _kept(connection: sqlite3.Connection, keep: Callable[[tuple[Any, ...]], object], row: tuple[Any, ...]) -> bool:
    """A row that makes no sense is left behind, and so is one that is there already."""
    before = connection.total_changes
    try:
        keep(row)
    except (LedgerError, msgspec.MsgspecError, sqlite3.Error, ValueError, TypeError) as error:
        log.warning("a row of the damaged ledger is left behind: %s", error)
    return connection.total_changes > before


def _price(row: tuple[Any, ...]) -> FiatPrice:
    return msgspec.convert(dict(zip(FiatPrice.__struct_fields__, row, strict=True)), FiatPrice)


def _cost(row: tuple[Any, ...]) -> Cost:
    return msgspec.convert(dict(zip(_COST.split(", "), row, strict=True)), Cost)


def _receipt(connection: sqlite3.Connection, body: str) -> None:
    receipts.add(connection, msgspec.json.decode(body, type=StoredReceipt))


def _state(connection: sqlite3.Connection, key: str, value: str) -> None:
    if key in _TYPED and value:
        msgspec.json.decode(value, type=_TYPED[key])
    if not key.startswith(changes.LOOKED):  # what was seen of positions is read anew
        connection.execute("INSERT INTO state VALUES (?, ?) ON CONFLICT DO NOTHING", (key, value))
