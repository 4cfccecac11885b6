"""Files for tax tools tell trades too: each side in its currency, its proof, and nothing that is not known."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.test_export import PAID, exported
from ledger.test_lot_book import receipt
from ranvier.ledger import changes, prices, receipts
from ranvier.ledger.changes import REST, Change, Walked
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.prices import FiatPrice
from ranvier.ledger.receipts import Operation
from ranvier.ledger.store import Ledger

COIN = 10**9
DAY = 20_001


def change(kind: str, index: int, alpha: int, tao: int = 0, **more) -> Change:
    return Change("5C", "5Hot", 1, 900, index, DAY * DAY_MS, kind, alpha, tao, **more)


async def filled(path: Path) -> Ledger:
    ledger = Ledger(path)
    await ledger.add_payments([PAID])
    rows = [
        change("stake", 1, 20 * COIN, -3 * COIN - 1),
        change("unstake", 2, -5 * COIN, COIN),
        change("transfer", 3, 7 * COIN),
        change("transfer", 4, -COIN),
        change("move", 5, -2 * COIN),
        Change("5C", "5Other", 1, 900, 7, DAY * DAY_MS, "move", 2 * COIN),
        change("recycle", 6, -COIN // 2),
        change(changes.UNKNOWN, REST, COIN // 4, price_rao=2 * COIN, epoch=True),
    ]
    mine = Operation("unstake", 950, 8, DAY * DAY_MS, "5C", "5Hot", 1, -COIN, 2 * COIN)

    def work(connection) -> None:
        changes.keep(connection, rows, [Walked("5C", "5Hot", 1, 899, 1, 1, 950, 0)])
        receipts.add(connection, receipt("0xmine", mine))
        prices.add(connection, [FiatPrice("EUR", DAY * DAY_MS + 1, 400_000_000, "p", 5)])

    await ledger.write(work)
    return ledger


async def lines(ledger: Ledger, kind: str, **where) -> list[list[str]]:
    heading, *rows = csv.reader(io.StringIO(await exported(ledger, kind, **where), newline=""))
    assert all(len(row) == len(heading) for row in rows)
    assert len({row[-1] for row in rows}) == len(rows), "an import made twice is recognised"
    return rows[1:]  # the first is the payment


async def test_koinly_gets_both_sides_of_a_trade_and_what_came_and_went(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    rows = await lines(ledger, "koinly")
    told = {row[10].split(",")[0] + row[11].split("-")[1]: row[1:5] + row[7:10] for row in rows}
    assert told["stake1"] == ["3.000000001", "TAO", "20.000000000", "SN1", "", "", ""]
    assert told["unstake2"] == ["5.000000000", "SN1", "1.000000000", "TAO", "", "", ""]
    assert told["unstake8"] == ["1.000000000", "SN1", "2.000000000", "TAO", "", "", ""], "our own receipt's"
    assert told["transfer3"] == ["", "", "7.000000000", "SN1", "", "", ""]
    assert told["transfer4"] == ["1.000000000", "SN1", "", "", "", "", ""]
    assert told["recycle6"] == ["0.500000000", "SN1", "", "", "", "", "cost"]
    assert told["pay and dividendsrest"] == ["", "", "0.250000000", "SN1", "200.000000", "EUR", "reward"]
    assert len(rows) == 7, "a move is none"
    assert all("block 900" in row[10] or "block 950" in row[10] for row in rows)
    assert {row[0] for row in rows} == {"2024-10-05 00:00:00 UTC"}
    received, sent = (sum(Decimal(row[n]) for row in rows if row[n + 1] == "SN1") for n in (3, 1))
    assert received - sent == Decimal("27.25") - Decimal("7.5")
    assert await lines(ledger, "koinly", netuid=2) == [] == await lines(ledger, "koinly", until_ms=DAY * DAY_MS)
    await ledger.close()


async def test_cointracking_gets_its_own_types(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    rows = await lines(ledger, "cointracking")
    assert [row[0] for row in rows] == [
        "Staking", "Trade", "Trade", "Deposit", "Withdrawal", "Other Fee", "Trade",
    ]  # fmt: skip
    trade = next(row for row in rows if "event 1" in row[9])
    assert trade[1:5] == ["20.000000000", "SN1", "3.000000001", "TAO"] and trade[10] == "2024-10-05 00:00:00"
    assert next(row for row in rows if row[0] == "Staking")[1:5] == ["0.250000000", "SN1", "", ""]
    await ledger.close()


@pytest.mark.parametrize("kind", ["koinly", "cointracking"])
async def test_between_own_coldkeys_nothing_leaves_but_the_fee(tmp_path: Path, kind: str) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    rows = [
        change("transfer", 3, -4 * COIN),
        Change("5D", "5Hot", 1, 900, 4, DAY * DAY_MS, "transfer", 4 * COIN - 7),
        change("move", 6, -COIN),
        Change("5C", "5Other", 1, 900, 7, DAY * DAY_MS, "move", COIN),
    ]
    await ledger.add_payments([PAID])
    await ledger.write(lambda c: changes.keep(c, rows, ()))
    (row,) = await lines(ledger, kind)
    assert "0.000000007" in row and ("Withdrawal" in row or row[3:5] == ["", ""])
    await ledger.close()
