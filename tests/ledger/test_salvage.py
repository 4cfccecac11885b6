"""A damaged ledger: what can be read of it is taken over, nothing else, and the file itself is kept."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ledger.test_export import PAID, PRICE
from ledger.test_receipts import DONE
from ranvier.core.errors import LedgerError
from ranvier.ledger import changes, cost_book, coverage, prices, receipts
from ranvier.ledger.cost_book import Cost, Tariff
from ranvier.ledger.errors import needs_mending
from ranvier.ledger.salvage import Salvaged, salvage, set_aside, sound
from ranvier.ledger.store import Ledger

RECEIPTS = [structs.replace(DONE, id=f"0x{n:04x}", at_ms=n) for n in range(300)]
COST = Cost("c1", "rent", "Rack", 1, None, "EUR", 70)
TARIFF = Tariff("EUR", 300_000)


async def filled(path: Path) -> None:
    ledger = Ledger(path)

    def work(connection: sqlite3.Connection) -> None:
        for one in RECEIPTS:
            receipts.add(connection, one)
        cost_book.store(connection, COST)
        cost_book.set_tariff(connection, TARIFF)
        prices.add(connection, [PRICE])
        coverage.follow(connection, 1, "5Hot", 7, 90)

    await ledger.write(work)
    await ledger.add_payments([replace(PAID, block=n) for n in range(500)])
    await ledger.remember({"genesis": "0xaa", f"{changes.LOOKED}5C": "77"})
    await ledger.write(lambda c: c.execute("INSERT INTO basis VALUES (1, 'a gift', 5, 1)"))
    await ledger.close()


async def saved(damaged: Path, fresh: Path) -> tuple[Salvaged, tuple, tuple, object, object, list]:
    ledger = Ledger(fresh)
    found = await ledger.write(lambda c: salvage(damaged, c))
    result = await ledger.read(
        lambda c: (
            found, receipts.receipts(c, limit=1000), cost_book.entries(c), cost_book.tariff(c),
            c.execute("SELECT value FROM state WHERE key = 'genesis'").fetchone(), coverage.all_followed(c),
        )
    )  # fmt: skip
    assert await ledger.payments() == (), "the chain says these again"
    assert await ledger.read(sound)
    assert await ledger.recall(f"{changes.LOOKED}5C") is None, "positions are looked at anew"
    await ledger.close()
    return result


async def test_all_of_a_whole_file_is_taken_over_but_the_payments(tmp_path: Path) -> None:
    await filled(tmp_path / "ledger.sqlite")
    aside = set_aside(tmp_path / "ledger.sqlite")
    assert aside.name == "ledger-damaged-1.sqlite"
    found, kept, costs, tariff, genesis, followed = await saved(aside, tmp_path / "ledger.sqlite")
    assert found == Salvaged(receipts=300, costs=1, prices=1, followed=1)
    assert "300 receipts, 1 costs" in found.sentence()
    assert {one.id for one in kept} == {one.id for one in RECEIPTS}
    assert (costs, tariff, genesis, followed) == ((COST,), TARIFF, ("0xaa",), [(1, "5Hot")])


@pytest.mark.parametrize("garbage", [b"", b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 9000])
async def test_garbage_gives_nothing_and_is_kept_byte_by_byte(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(garbage)
    (tmp_path / "ledger.sqlite-wal").write_bytes(b"of the damaged one")
    if garbage:
        with pytest.raises(LedgerError) as caught:
            await Ledger(path).open()
        assert needs_mending(caught.value) and "Earnings page" in caught.value.hint
    aside = set_aside(path)
    found, kept, *_ = await saved(aside, path)
    assert found == Salvaged(0, 0, 0, 0) and kept == ()
    assert found.sentence() == "Nothing of it could be read."
    assert aside.read_bytes() == garbage
    if not garbage:  # a first look at it may delete a log that belongs to nothing
        assert aside.with_name(aside.name + "-wal").read_bytes() == b"of the damaged one"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_holes_anywhere_cost_rows_never_truth(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Whatever pages are overwritten: each receipt that comes through is one that was there."""
    asyncio.run(_with_holes(tmp_path_factory, seed))


async def _with_holes(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder, chance = tmp_path_factory.mktemp("holes"), random.Random(seed)
    await filled(folder / "ledger.sqlite")
    aside = set_aside(folder / "ledger.sqlite")
    data = bytearray(aside.read_bytes())
    for _ in range(chance.randrange(1, 6)):
        begin = chance.randrange(len(data) // 4096) * 4096
        data[begin : begin + 4096] = chance.randbytes(4096)
    aside.write_bytes(data)
    found, kept, costs, *_ = await saved(aside, folder / "ledger.sqlite")
    known = {one.id: one for one in RECEIPTS}
    assert len(kept) == found.receipts
    assert all(receipts.judged(known[one.id]) == one for one in kept)
    assert costs in ((), (COST,))


async def test_rows_on_both_sides_of_a_hole_are_saved(tmp_path: Path) -> None:
    await filled(tmp_path / "ledger.sqlite")
    aside = set_aside(tmp_path / "ledger.sqlite")
    data = bytearray(aside.read_bytes())
    middle = data.index(b'"id":"0x0096"') // 4096 * 4096
    data[middle : middle + 4096] = b"\xff" * 4096
    aside.write_bytes(data)
    found, kept, *_ = await saved(aside, tmp_path / "ledger.sqlite")
    ids = {one.id for one in kept}
    assert {"0x0000", "0x012b"} <= ids and "0x0096" not in ids
    assert 250 < found.receipts < 300


async def test_the_owners_own_words_about_lots_are_saved(tmp_path: Path) -> None:
    await filled(tmp_path / "ledger.sqlite")
    aside = set_aside(tmp_path / "ledger.sqlite")
    ledger = Ledger(tmp_path / "ledger.sqlite")
    await ledger.write(lambda c: salvage(aside, c))
    assert await ledger.read(lambda c: c.execute("SELECT lot, cost_rao FROM basis").fetchall()) == [("a gift", 5)]
    await ledger.close()
