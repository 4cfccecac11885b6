"""Trades and the rest for tax tools: what was bought, sold, sent and received besides pay, with the chain's own proof.

Alpha is a currency of its own (``SN`` and the subnet's number), TAO another. What changes nothing that is owned
(``changes.owned``) is left out, but for its fee. What nobody knows the origin of is a plain deposit, and says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

import msgspec

from ranvier.ledger import changes
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.prices import FiatPrice, worth_micro
from ranvier.ledger.receipts import Operation
from ranvier.ledger.text import coins, csv_line, fiat, time_text

_INCOME = (changes.DIVIDENDS, changes.MIXED)
_SPENT = ("fee", "recycle", "burn")


def trades(
    connection: sqlite3.Connection, kind: str, since_ms: int | None, until_ms: int | None, hotkey_ss58: str | None,
    netuid: int | None, prices: Mapping[int, FiatPrice],
) -> Iterator[str]:  # fmt: skip
    """Lines of a ``koinly`` or ``cointracking`` file, subnet by subnet, oldest first."""
    for one in _wanted(connection, netuid):
        inside = (since_ms is None or one.time_ms >= since_ms) and (until_ms is None or one.time_ms < until_ms)
        if inside and (hotkey_ss58 is None or one.hotkey_ss58 == hotkey_ss58):
            what = one.kind.removesuffix(changes.FOUND)
            yield csv_line(_koinly(one, what, prices) if kind == "koinly" else _cointracking(one, what))


def _wanted(connection: sqlite3.Connection, netuid: int | None) -> Iterator[Operation]:
    netuids = [netuid] if netuid is not None else changes.netuids(connection)
    for number in netuids:
        for one, alpha_rao, _ in changes.owned(changes.operations(connection, number)):
            yield msgspec.structs.replace(one, alpha_rao=alpha_rao)


def _koinly(one: Operation, what: str, prices: Mapping[int, FiatPrice]) -> tuple[str, ...]:
    sent, received, label, worth = _sides(one, what), _sides(one, what, received=True), "", ("", "")
    if what in _INCOME:
        label, worth = "reward", _worth(one, prices)
    elif what in _SPENT:
        label = "cost"
    words = f"{one.kind}, Bittensor subnet {one.netuid}, {one.hotkey_ss58}, {_proof(one)}"
    return (f"{time_text(one.time_ms)} UTC", *sent, *received, "", "", *worth, label, words, _id(one))


def _cointracking(one: Operation, what: str) -> tuple[str, ...]:
    trade = bool(one.tao_rao) and what not in _INCOME
    plain = "Deposit" if one.alpha_rao > 0 else "Other Fee" if what in _SPENT else "Withdrawal"
    type_ = "Trade" if trade else "Staking" if what in _INCOME else plain
    words = f"{one.kind}, {one.hotkey_ss58}, {_proof(one)}"
    received, sent = _sides(one, what, received=True), _sides(one, what)
    return (type_, *received, *sent, "", "", "Ranvier", f"subnet {one.netuid}", words, time_text(one.time_ms), _id(one))


def _sides(one: Operation, what: str, *, received: bool = False) -> tuple[str, str]:
    """Amount and currency of what was sent, or received."""
    if (one.alpha_rao > 0) == received:
        return coins(abs(one.alpha_rao)), f"SN{one.netuid}"
    return (coins(abs(one.tao_rao)), "TAO") if one.tao_rao and what not in _INCOME else ("", "")


def _worth(one: Operation, prices: Mapping[int, FiatPrice]) -> tuple[str, str]:
    if not one.tao_rao:
        return "", ""
    price = prices.get(one.time_ms // DAY_MS)
    if price is None:
        return coins(-one.tao_rao), "TAO"
    return fiat(worth_micro(-one.tao_rao, price)), price.currency


def _proof(one: Operation) -> str:
    return f"block {one.block}" + ("" if one.event_index is None else f" event {one.event_index}")


def _id(one: Operation) -> str:
    """One per row: without an event a block may have several, also of one hotkey."""
    whole = "" if one.event_index is not None else f"-{one.coldkey_ss58}-{one.kind.split(',')[0]}"
    return f"{one.block}-{'rest' if whole else one.event_index}-{one.netuid}-{one.hotkey_ss58}{whole}"
