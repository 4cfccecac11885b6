"""Receipts of transactions, kept for ever: what was planned, what became of it, and whether it did what it said."""

from __future__ import annotations

import sqlite3

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.core.units import Tao, format_tao

_STAGES = ("submitted", "dropped", "failed", "in_block", "final")  # a later one replaces an earlier one
_FINAL = ("failed", "in_block", "final")
# Calls whose whole effect on the balance is what they spend, and the fee.
_SPENDING = frozenset(
    {"transfer_keep_alive", "transfer_allow_death", "add_stake", "add_stake_limit", "serve_axon", "burned_register"}
)
_REGISTERING = frozenset({"burned_register", "register_limit", "root_register"})


class Operation(msgspec.Struct, frozen=True):
    """One change of a holding by a transaction: rao of alpha of (hotkey, coldkey, netuid), and the TAO for it.

    ``kind`` is ``stake``, ``unstake``, ``transfer``, ``move`` or ``fee``; block and ``event_index`` are the proof.
    """

    kind: str
    block: int
    event_index: int | None
    time_ms: int
    coldkey_ss58: str
    hotkey_ss58: str | None
    netuid: int | None
    alpha_rao: int
    tao_rao: int


class StoredReceipt(msgspec.Struct, frozen=True):
    """A plan and what became of it. ``id`` is the hash of the signed transaction.

    ``stage`` is ``submitted``, ``dropped``, ``failed``, ``in_block`` or ``final``. ``sentences`` say whether it did
    what the plan said; when empty they are made from the amounts (``judged``). ``kept`` is ``yes``, ``no`` or
    ``unknown``. ``value_rao`` is the TAO value of all that the plan moves (None in receipts of older versions).
    ``following`` is what the chain room needs to look for the transaction; empty once nothing can change any more.
    """

    id: str
    at_ms: int
    network: str
    genesis_hash: str
    signer_ss58: str
    title: str
    pallet: str
    function: str
    call_hex: str
    stage: str
    planned_fee_rao: int | None
    spend_rao: int | None
    lines: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    block: int | None = None
    block_hash: str | None = None
    fee_rao: int | None = None
    balance_before_rao: int | None = None
    balance_after_rao: int | None = None
    error: str | None = None
    kept: str = "unknown"
    sentences: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    value_rao: int | None = None
    next_step: str | None = None
    fee_payer_ss58: str | None = None
    following: str = ""


def judged(receipt: StoredReceipt) -> StoredReceipt:
    """The receipt with its sentences. What somebody closer to the chain has said already stays."""
    if receipt.sentences:
        return receipt
    if receipt.stage not in _FINAL:
        text = "It was dropped: nothing happened." if receipt.stage == "dropped" else "It is not in a block yet."
        return msgspec.structs.replace(
            receipt, kept="no" if receipt.stage == "dropped" else "unknown", sentences=(text,)
        )
    verdicts = [_fee(receipt), _balance(receipt)]
    if receipt.error is not None or receipt.stage == "failed":
        verdicts.insert(0, (False, f"The chain refused it: {receipt.error or 'no reason was given'}"))
    said = [verdict for verdict, _ in verdicts]
    kept = "no" if False in said else "yes" if all(said) else "unknown"
    return msgspec.structs.replace(receipt, kept=kept, sentences=tuple(text for _, text in verdicts))


def _fee(receipt: StoredReceipt) -> tuple[bool | None, str]:
    if receipt.fee_rao is None or receipt.planned_fee_rao is None:
        return None, "The fee is not known."
    more = receipt.fee_rao - receipt.planned_fee_rao
    paid = format_tao(Tao(receipt.fee_rao))
    if more == 0:
        return True, f"The fee was {paid}, as planned."
    words = f"{format_tao(Tao(abs(more)))} {'more' if more > 0 else 'less'} than planned"
    return more < 0, f"The fee was {paid}, {words}."


def _balance(receipt: StoredReceipt) -> tuple[bool | None, str]:
    before, after = receipt.balance_before_rao, receipt.balance_after_rao
    if before is None or after is None:
        return None, "The balance before and after is not known."
    change = after - before
    words = f"The balance went from {format_tao(Tao(before))} to {format_tao(Tao(after))}"
    if receipt.error is not None or receipt.stage == "failed":
        return None, f"{words}."
    if receipt.function not in _SPENDING or receipt.spend_rao is None or receipt.fee_rao is None:
        return None, f"{words}: {'+' if change >= 0 else ''}{format_tao(Tao(change))}, the fee included."
    other = change + receipt.spend_rao + receipt.fee_rao
    if other == 0:
        return True, f"{words}: what was planned and the fee, to the rao."
    return None, f"{words}; {format_tao(Tao(abs(other)))} of that came from something else in the same block."


def add(connection: sqlite3.Connection, receipt: StoredReceipt) -> bool:
    """Store a receipt inside the caller's transaction; whether anything is new. An earlier stage changes nothing,
    but what is settled replaces what was not."""
    if receipt.stage not in _STAGES:
        raise LedgerError("Not a receipt", f"There is no stage “{receipt.stage[:40]}”.")
    whole = judged(receipt)
    row = connection.execute("SELECT body FROM receipt WHERE id = ?", (whole.id,)).fetchone()
    if row is not None:
        known = msgspec.json.decode(row[0], type=StoredReceipt)
        settles = bool(known.following) and not whole.following  # also when its block lost and it is in none now
        if not settles and _STAGES.index(whole.stage) <= _STAGES.index(known.stage):
            return False
        whole = msgspec.structs.replace(whole, at_ms=known.at_ms)
    connection.execute(
        "INSERT OR REPLACE INTO receipt VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            whole.id, whole.at_ms, whole.signer_ss58, whole.title, whole.stage, whole.block, whole.block_hash,
            whole.fee_rao, whole.kept, msgspec.json.encode(whole).decode(),
        ),
    )  # fmt: skip
    return True


def receipts(
    connection: sqlite3.Connection, *, since_ms: int | None = None, until_ms: int | None = None, limit: int = 500,
    offset: int = 0,
) -> tuple[StoredReceipt, ...]:  # fmt: skip
    """Newest first."""
    query = "SELECT body FROM receipt WHERE at_ms >= ? AND at_ms < ? ORDER BY at_ms DESC, id LIMIT ? OFFSET ?"
    low, high = since_ms or 0, until_ms if until_ms is not None else 2**62
    rows = connection.execute(query, (low, high, max(0, limit), max(0, offset)))
    return tuple(msgspec.json.decode(body, type=StoredReceipt) for (body,) in rows)


def unsettled(connection: sqlite3.Connection) -> tuple[StoredReceipt, ...]:
    """Those of which it is not known for ever what became of them, oldest first."""
    rows = connection.execute("SELECT body FROM receipt WHERE stage IN ('submitted', 'in_block') ORDER BY at_ms, id")
    found = (msgspec.json.decode(body, type=StoredReceipt) for (body,) in rows)
    return tuple(one for one in found if one.following)


def operations(connection: sqlite3.Connection) -> tuple[Operation, ...]:
    """What all receipts changed, oldest first, each event once."""
    found: dict[tuple[object, ...], Operation] = {}
    for receipt in receipts(connection, limit=2**31):
        for number, one in enumerate(receipt.operations):
            proof = receipt.id, number
            found[(one.block, one.event_index) if one.event_index is not None else proof] = one
    return tuple(sorted(found.values(), key=lambda one: (one.block, one.event_index or 0)))


def registration_rao(receipt: StoredReceipt, *, alone: bool = True) -> int | None:
    """What a registration took from the balance, fee included; None when the receipt is of something else.

    The balance tells it, unless more came in its block than went, or another transaction of the account was in it
    (not ``alone``): then it is what was planned.
    """
    if receipt.function not in _REGISTERING or receipt.stage not in ("in_block", "final") or receipt.error is not None:
        return None
    if alone and receipt.balance_before_rao is not None and receipt.balance_after_rao is not None:
        took = receipt.balance_before_rao - receipt.balance_after_rao
        if took > (receipt.fee_rao or 0):
            return took
    return (receipt.spend_rao or 0) + (receipt.fee_rao or 0)
