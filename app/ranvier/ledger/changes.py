"""What the chain's own events say of positions: trades made with any tool, what came and went without one.

``walked`` says up to which block each position was followed, and what it held where that began. A change is kept
under its event, so that a repeat, or a receipt of our own about the same event, adds nothing. What no event explains is
kept as the whole rest of its block; pay is taken off when the books are made, whenever it came to be known.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from ranvier.core.units import Alpha
from ranvier.ledger import coverage, receipts
from ranvier.ledger.crosscheck import ROUNDING_RAO_EACH
from ranvier.ledger.receipts import Operation

LOOKED = "positions_seen_"  # state, with the coldkey: what of it was looked at
REST = -1  # the event index of what no event explains
FOUND = ", found on the chain"  # beside a kind: no receipt of ours tells of it
OPENING, DIVIDENDS, MIXED, UNKNOWN = (
    "held at the start, origin unknown", "dividends", "pay and dividends, not told apart", "unknown",
)  # fmt: skip
KEY_SWAP = "key swap"
_MOVES = ("move", "transfer", "swap", KEY_SWAP)  # without a trade
_Place = tuple[str, str, int]  # hotkey, coldkey, netuid

# By the primary key: an event's index has room for sixteen mechanisms.
_AT = f"""netuid = :netuid AND mechanism IN ({", ".join(map(str, range(16)))}) AND block BETWEEN :low AND :high
    AND coalesce(coldkey_ss58, :coldkey) = :coldkey"""
_LANDED = f"""SELECT block, sum(rao) FROM (
    SELECT block, alpha_rao - coalesce(captured_rao, 0) AS rao FROM payment
    WHERE {_AT} AND coalesce(destination_ss58, hotkey_ss58) = :hotkey
    UNION ALL
    SELECT block, captured_rao FROM payment WHERE {_AT} AND hotkey_ss58 = :hotkey AND captured_rao > 0
    ) GROUP BY block"""


class Change(msgspec.Struct, frozen=True):
    """Alpha that came to a position, or (below zero) left it. ``tao_rao`` is what it was sold for, below zero what was
    given for it; 0 without a trade. ``price_rao`` and ``epoch`` are of the block, told with a rest only.
    """

    coldkey_ss58: str
    hotkey_ss58: str
    netuid: int
    block: int
    event_index: int
    time_ms: int
    kind: str
    alpha_rao: int
    tao_rao: int = 0
    price_rao: int | None = None
    epoch: bool = False

    @property
    def place(self) -> _Place:
        return self.hotkey_ss58, self.coldkey_ss58, self.netuid


class Walked(msgspec.Struct, frozen=True):
    """A position was followed from the end of ``from_block``, where it held ``opening_rao``, to ``to_block``.

    ``trouble`` is why it does not go on; empty when it does.
    """

    coldkey_ss58: str
    hotkey_ss58: str
    netuid: int
    from_block: int
    from_ms: int
    opening_rao: int
    to_block: int
    held_rao: int
    trouble: str = ""

    @property
    def place(self) -> _Place:
        return self.hotkey_ss58, self.coldkey_ss58, self.netuid


class Looked(msgspec.Struct, frozen=True):
    """All that a coldkey held was seen at the end of ``block`` (0: never yet), and its own transactions were looked
    through in the blocks of ``spans``; ``trouble`` is why not in others."""

    block: int = 0
    time_ms: int = 0
    spans: tuple[coverage.Span, ...] = ()
    trouble: str = ""


def looked(connection: sqlite3.Connection, coldkey_ss58: str) -> Looked:
    row = connection.execute("SELECT value FROM state WHERE key = ?", (LOOKED + coldkey_ss58,)).fetchone()
    return Looked() if row is None else msgspec.json.decode(row[0], type=Looked)


def keep_looked(connection: sqlite3.Connection, seen: Mapping[str, Looked]) -> None:
    """By coldkey, inside the caller's transaction."""
    rows = [(LOOKED + coldkey, msgspec.json.encode(one).decode()) for coldkey, one in seen.items()]
    connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", rows)


def paid_places(connection: sqlite3.Connection, coldkeys_ss58: Collection[str]) -> set[_Place]:
    """The positions of these coldkeys in which pay has landed."""
    rows = connection.execute(
        f"""SELECT DISTINCT coalesce(destination_ss58, hotkey_ss58), coldkey_ss58, netuid FROM payment
            WHERE alpha_rao > 0 AND coldkey_ss58 IN ({",".join("?" * len(coldkeys_ss58))})""",
        tuple(coldkeys_ss58),
    )
    return {(str(hotkey), str(coldkey), int(netuid)) for hotkey, coldkey, netuid in rows}


def keep(connection: sqlite3.Connection, changes: Iterable[Change], walked: Iterable[Walked]) -> None:
    """Store both, inside the caller's transaction. A rest that pay explains already is not kept."""
    for one in changes:
        if one.event_index == REST and _small(
            one.alpha_rao - landed(connection, one.place, one.block).get(one.block, 0)
        ):
            continue
        connection.execute(
            "INSERT INTO change VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", msgspec.structs.astuple(one)
        )
    for state in walked:
        connection.execute("INSERT OR REPLACE INTO walked VALUES (?,?,?,?,?,?,?,?,?)", msgspec.structs.astuple(state))


def walks(connection: sqlite3.Connection, netuid: int | None = None) -> tuple[Walked, ...]:
    """Every position that is followed."""
    rows = connection.execute("SELECT * FROM walked ORDER BY netuid, coldkey_ss58, hotkey_ss58")
    return tuple(Walked(*row) for row in rows if netuid is None or row[2] == netuid)


def landed(connection: sqlite3.Connection, place: _Place, block: int, low: int | None = None) -> dict[int, int]:
    """Block -> rao of pay that came to a position there, from ``low`` (else that block alone) to ``block``."""
    hotkey, coldkey, netuid = place
    values = {
        "hotkey": hotkey,
        "coldkey": coldkey,
        "netuid": netuid,
        "low": block if low is None else low,
        "high": block,
    }
    return {int(at): int(rao) for at, rao in connection.execute(_LANDED, values)}


def netuids(connection: sqlite3.Connection) -> list[int]:
    """The subnets of which anything besides pay is known."""
    found = {int(row[0]) for row in connection.execute("SELECT netuid FROM change UNION SELECT netuid FROM walked")}
    return sorted(found | {one.netuid for one in receipts.operations(connection) if one.netuid})  # root is TAO


def operations(connection: sqlite3.Connection, netuid: int) -> tuple[Operation, ...]:
    """All that came to the positions of one subnet or left them, besides pay: own receipts, and what the chain says.

    Of an event that a receipt tells of too, the receipt counts. ``tao_rao`` 0 is not known, or nothing was traded.
    """
    own = [one for one in receipts.operations(connection) if one.netuid == netuid and one.alpha_rao]
    known = {(one.block, one.event_index, one.hotkey_ss58, one.coldkey_ss58) for one in own}
    plain = {(one.block, one.alpha_rao, one.hotkey_ss58, one.coldkey_ss58) for one in own if one.event_index is None}
    found: list[Operation] = []
    query = "SELECT * FROM change WHERE netuid = ? ORDER BY block, event_index"
    for one in (Change(*row) for row in connection.execute(query, (netuid,))):
        event = (one.block, one.event_index, one.hotkey_ss58, one.coldkey_ss58)
        if one.event_index == REST:
            found += _rest(connection, one)
        elif event not in known and (one.block, one.alpha_rao, *event[2:]) not in plain:
            found.append(_operation(one, f"{one.kind}{FOUND}", one.alpha_rao, one.tao_rao))
    found += _openings(connection, netuid, [*own, *found])
    return tuple(sorted((*own, *found), key=lambda one: (one.block, one.event_index or 0)))


def owned(operations: Iterable[Operation]) -> list[tuple[Operation, int, int | None]]:
    """(operation, change of alpha, TAO for it, None if unknown), of one subnet's operations, in order.

    A move between own hotkeys, a replaced key and a transfer between own coldkeys change nothing that is owned: their
    two halves cancel each other, but for the fee.
    """
    found: list[tuple[Operation, int, int | None]] = []
    moved: dict[tuple[int, str, int], tuple[Operation, int]] = {}
    for one in operations:
        kind = one.kind.removesuffix(FOUND)
        if one.tao_rao or kind not in _MOVES:  # sold or bought, also on the way to another subnet
            found.append((one, one.alpha_rao, one.tao_rao or None))
            continue
        # Moves stay with their coldkey, so that all of a block go together. A transfer may be somebody else's, too:
        # its halves are told one after the other.
        index = one.event_index if kind == "transfer" and one.event_index is not None else 0
        before = (one.block, kind, index - 1)
        if one.alpha_rao > 0 and index and before in moved and moved[before][1] < 0:
            first, sum_ = moved[before]
            moved[before] = (first, sum_ + one.alpha_rao)
        else:
            first, sum_ = moved.get((one.block, kind, index), (one, 0))
            moved[one.block, kind, index] = (first, sum_ + one.alpha_rao)
    found += [(one, alpha, None) for one, alpha in moved.values() if alpha]
    return sorted(found, key=lambda row: (row[0].block, row[0].event_index or 0))


def adrift(connection: sqlite3.Connection, places: Collection[_Place]) -> dict[_Place, tuple[int, ...]]:
    """Those of the followed positions that hold not what the books say, and the blocks that paid them."""
    found = {}
    for netuid in sorted({place[2] for place in places}):
        done: dict[_Place, list[Operation]] = defaultdict(list)
        for one in operations(connection, netuid):
            done[one.hotkey_ss58 or "", one.coldkey_ss58, netuid].append(one)
        for state in walks(connection, netuid):
            if state.place not in places:
                continue
            paid = landed(connection, state.place, state.to_block, state.from_block + 1)
            inside = [one for one in done[state.place] if state.from_block < one.block <= state.to_block]
            off = state.opening_rao + sum(paid.values()) + sum(one.alpha_rao for one in inside) - state.held_rao
            if paid and abs(off) > 2 * ROUNDING_RAO_EACH * (1 + len(paid) + len(inside)):
                found[state.place] = tuple(sorted(paid))
    return found


def _rest(connection: sqlite3.Connection, one: Change) -> Iterator[Operation]:
    rao = one.alpha_rao - (landed(connection, one.place, one.block).get(one.block, 0) if one.epoch else 0)
    if _small(rao):
        return
    if one.kind != UNKNOWN or not one.epoch or rao < 0:
        yield _operation(one, f"{one.kind}{FOUND}", rao, one.tao_rao)
        return
    known = coverage.missing((one.block, one.block), coverage.spans(connection, one.netuid, one.hotkey_ss58)) == []
    worth = 0 if one.price_rao is None else Alpha(rao, one.netuid).at_price(one.price_rao).rao
    yield _operation(one, f"{DIVIDENDS if known else MIXED}{FOUND}", rao, -worth)


def _openings(connection: sqlite3.Connection, netuid: int, known: Iterable[Operation]) -> Iterator[Operation]:
    """What positions held where they began to be followed, less what the ledger knows to have come before."""
    done: dict[_Place, list[Operation]] = defaultdict(list)
    for one in known:
        done[one.hotkey_ss58 or "", one.coldkey_ss58, netuid].append(one)
    for state in walks(connection, netuid):
        before = sum(landed(connection, state.place, state.from_block, 0).values())
        before += sum(one.alpha_rao for one in done[state.place] if one.block <= state.from_block)
        rao = state.opening_rao - before
        if not _small(rao):
            kind = OPENING if rao > 0 else f"left before it was followed{FOUND}"
            yield Operation(
                kind, state.from_block, None, state.from_ms, state.coldkey_ss58,
                state.hotkey_ss58, netuid, rao, 0,
            )  # fmt: skip


def _operation(one: Change, kind: str, rao: int, tao_rao: int) -> Operation:
    index = None if one.event_index == REST else one.event_index
    return Operation(kind, one.block, index, one.time_ms, one.coldkey_ss58, one.hotkey_ss58, one.netuid, rao, tao_rao)


def _small(rao: int) -> bool:
    """The chain's rounding of shares, by the credit and by the reading."""
    return abs(rao) <= 2 * ROUNDING_RAO_EACH
