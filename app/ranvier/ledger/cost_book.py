"""The cost book: entries that the user makes, the tariff, and all costs of a time by day, week or month and kind."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.core.units import RAO_PER_COIN
from ranvier.ledger import receipts
from ranvier.ledger.buckets import slot_of
from ranvier.ledger.costs import Electricity, Energy, Tariff, between, check_tariff, electricity, monthly, once, spread
from ranvier.ledger.payments import DAY_MS

__all__ = ["Cost", "CostSum", "Electricity", "Tariff", "costs", "entries", "remove", "set_tariff", "store", "tariff"]

KINDS = ("hardware", "rent", "registration", "other")
TAO = "TAO"
_TARIFF = "tariff"


class Cost(msgspec.Struct, frozen=True):
    """One entry. ``amount`` is millionths of ``currency``, or rao when that is ``TAO``.

    ``hardware``: bought at ``from_ms``, written off in a straight line down to ``rest`` until ``to_ms``. ``rent``:
    per calendar month from ``from_ms`` until ``to_ms`` (None: goes on). ``registration`` and ``other``: at
    ``from_ms``. ``proof`` says where it can be looked up (an invoice; block and event).
    """

    id: str
    kind: str
    name: str
    from_ms: int
    to_ms: int | None
    currency: str
    amount: int
    rest: int = 0
    miner_id: str | None = None
    proof: str = ""


class CostSum(msgspec.Struct, frozen=True):
    """Costs of a time in one currency: (start ms, kind, micro) oldest first, and what could not be counted."""

    slots: tuple[tuple[int, str, int], ...]
    electricity: tuple[Electricity, ...]
    note: str


def store(connection: sqlite3.Connection, cost: Cost) -> None:
    """Add an entry or replace the one with its id. Raises LedgerError for one that makes no sense."""
    wrong = (
        (cost.kind not in KINDS, "There is no such kind of cost."),
        (not cost.id or not cost.name, "A cost needs a name."),
        (not 0 <= cost.rest <= cost.amount < 2**62, "The amount is out of range."),
        (cost.to_ms is not None and cost.to_ms <= cost.from_ms, "The end has to come after the beginning."),
        (cost.kind == "hardware" and cost.to_ms is None, "Hardware needs the end of its life."),
        (cost.currency != TAO and not (cost.currency.isalpha() and cost.currency.isupper()), "USD, EUR or the like."),
    )
    for bad, message in wrong:
        if bad:
            raise LedgerError("Cost not understood", message)
    connection.execute(
        "INSERT OR REPLACE INTO cost VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            cost.id, cost.kind, cost.name, cost.from_ms, cost.to_ms, cost.miner_id, cost.currency, cost.amount,
            cost.rest, cost.proof,
        ),
    )  # fmt: skip


def remove(connection: sqlite3.Connection, cost_id: str) -> bool:
    return connection.execute("DELETE FROM cost WHERE id = ?", (cost_id,)).rowcount == 1


def entries(connection: sqlite3.Connection) -> tuple[Cost, ...]:
    """Oldest first."""
    query = (
        "SELECT id, kind, name, from_ms, to_ms, currency, amount, rest, miner_id, proof FROM cost ORDER BY from_ms, id"
    )
    return tuple(Cost(*row) for row in connection.execute(query))


def set_tariff(connection: sqlite3.Connection, tariff: Tariff | None) -> None:
    """Raises LedgerError for a tariff that makes no sense."""
    if tariff is None:
        connection.execute("DELETE FROM state WHERE key = ?", (_TARIFF,))
        return
    check_tariff(tariff)
    connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (_TARIFF, msgspec.json.encode(tariff).decode()))


def tariff(connection: sqlite3.Connection) -> Tariff | None:
    row = connection.execute("SELECT value FROM state WHERE key = ?", (_TARIFF,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Tariff)


def costs(
    connection: sqlite3.Connection,
    energy: Iterable[Energy],
    currency: str,
    since_ms: int,
    until_ms: int,
    kind: str,
    day_prices: Mapping[int, int],
) -> CostSum:
    """Everything spent in [since, until), by slot and kind, in ``currency``.

    TAO is taken at its day's price. What is in another currency, or has no price, is not counted and said.
    """
    found: dict[tuple[int, str], int] = {}
    slot, notes = slot_of(kind), set()
    first, last = since_ms // DAY_MS, -(-until_ms // DAY_MS)

    def count(day: int, what: str, micro: int) -> None:
        if micro:
            key = (slot(day) * DAY_MS, what)
            found[key] = found.get(key, 0) + micro

    for entry in entries(connection):
        if entry.currency not in (currency, TAO):
            notes.add(f"“{entry.name}” is in {entry.currency} and not counted.")
            continue
        until = _running(entry)
        for day in range(first, last):
            part = between(until, max(since_ms, day * DAY_MS), min(until_ms, (day + 1) * DAY_MS))
            if part and entry.currency == TAO:
                part = _valued(part, day, day_prices, notes)
            count(day, entry.kind, part)
    done = receipts.receipts(connection, since_ms=since_ms, until_ms=until_ms, limit=2**31)
    blocks = Counter((one.signer_ss58, one.block_hash) for one in done)
    for receipt in done:
        alone = receipt.block_hash is None or blocks[receipt.signer_ss58, receipt.block_hash] < 2
        burned = receipts.registration_rao(receipt, alone=alone)
        if burned:
            day = receipt.at_ms // DAY_MS
            count(day, "registration", _valued(burned, day, day_prices, notes))
    known = tariff(connection)
    power: tuple[Electricity, ...] = ()
    if known is not None and known.currency == currency:
        power = electricity((one for one in energy if since_ms <= one.hour_ms < until_ms), known)
        for spent in power:
            count(spent.day, "electricity", spent.cost_micro)
    elif known is not None:
        notes.add(f"Electricity is in {known.currency} and not counted.")
    slots = tuple((start, what, micro) for (start, what), micro in sorted(found.items()))
    return CostSum(slots, power, " ".join(sorted(notes)))


def _running(entry: Cost) -> Callable[[int], int]:
    if entry.kind == "hardware" and entry.to_ms is not None:
        return spread(entry.amount, entry.rest, entry.from_ms, entry.to_ms)
    if entry.kind == "rent":
        return monthly(entry.amount, entry.from_ms, entry.to_ms)
    return once(entry.amount, entry.from_ms)


def _valued(rao: int, day: int, prices: Mapping[int, int], notes: set[str]) -> int:
    micro = prices.get(day)
    if micro is None:
        notes.add("TAO was spent on days without a price; that is not counted.")
        return 0
    return rao * micro // RAO_PER_COIN
