"""The ledger against the chain's state, whatever happens: every call that could disturb it, forks, kills, upgrade."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.any_life import AnyLife, Key, Paid
from agent.earnings_child import Writer
from agent.life_operations import EXPECTED
from ranvier.ledger import payments

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="kills by signal"),
    # A client that is killed in the middle of its greeting leaves the node's side of the socket to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


@pytest.fixture
def life(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnyLife]:
    made = AnyLife(*request.param, tmp_path / "node", monkeypatch)
    yield made
    made.bench.node.chain.close()


def told(rows: list[payments.Payment]) -> dict[Key, Paid]:
    """What the ledger says, mechanisms together, in the words of the truth."""
    found: dict[Key, Paid] = {}
    for row in rows:
        key = row.netuid, row.block, row.hotkey_ss58
        coldkey = row.coldkey_ss58 if row.fate == "paid" else None
        one = found.setdefault(key, Paid(0, row.fate or "", coldkey, {}))
        assert (one.fate, one.coldkey_ss58) == (row.fate, coldkey)
        one.gross_rao += row.gross_rao or 0
        captured = row.captured_rao or 0
        for place, rao in ((row.hotkey_ss58, captured), (row.destination_ss58, row.alpha_rao - captured)):
            if rao and place is not None:
                one.landed[place] = one.landed.get(place, 0) + rao
    return found


def compare(life: AnyLife, rows: list[payments.Payment], until: dict[int, int]) -> None:
    truth = {key: paid for key, paid in life.paid.items() if key[1] <= until[key[0]]}
    noted = told(rows)
    assert noted == truth
    for netuid in life.netuids:
        for hotkey in life.hotkeys:
            mine = [paid for key, paid in truth.items() if (key[0], key[2]) == (netuid, hotkey)]
            chain = sum(sum(paid.landed.values()) for paid in mine)
            assert sum(r.alpha_rao for r in rows if (r.netuid, r.hotkey_ss58) == (netuid, hotkey)) == chain
    assert all(row.price_rao and row.event_index is not None and row.time_ms for row in rows)


async def live(life: AnyLife, writer: Writer, blocks: int, often: int) -> None:
    """Blocks full of calls; ``often`` of each misfortune at random moments; the upgrade in the first half."""
    chance = life.random
    misfortunes = ("kill", "fail", "crash", "fork", "fork", "forget", "forget")
    when: dict[int, list[str]] = {}
    for what in misfortunes * often:
        when.setdefault(chance.randrange(1, blocks), []).append(what)
    upgrade_at = chance.randrange(blocks // 5, blocks // 2)
    await life.listen()
    writer.start()
    for number in range(blocks):
        life.block(chance.randrange(6))
        await asyncio.sleep(0.01)
        if number == upgrade_at:
            life.upgrade()
        if number in (blocks // 8, upgrade_at + blocks // 5):
            life.reuse()
        for what in when.get(number, ()):
            if what == "kill":
                writer.kill()
                writer.start()
            elif what in ("fail", "crash"):
                await getattr(life, what)()
            else:
                getattr(life, what)()
    if life.faults.discarded:
        life.forget()


async def exact(life: AnyLife, path: Path, blocks: int, often: int) -> list[payments.Payment]:
    writer = Writer(life, path)
    try:
        await live(life, writer, blocks, often)
        until = await writer.until_whole()
        rows = writer.rows(until)
        compare(life, rows, until)
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM coverage")  # as if nothing were known: all is read again
        connection.close()
        life.forget()  # and the common node has forgotten it
        writer.start()
        again = await writer.until_whole(120)
        compare(life, writer.rows(again), again)
        assert writer.rows(until) == rows, "reading it all again changes nothing"
        writer.path = path.with_name("afresh.sqlite")
        writer.start()
        afresh = await writer.until_whole(120)
        compare(life, writer.rows(afresh), afresh)
        return rows
    finally:
        writer.kill()
        await life.close()


@pytest.mark.limit_s(300)
@pytest.mark.parametrize("life", [(1, 4)], indirect=True)
async def test_the_ledger_is_what_the_state_gained(life: AnyLife, tmp_path: Path) -> None:
    rows = await exact(life, tmp_path / "l.sqlite", blocks=150, often=1)
    assert len(rows) > 200 and {row.netuid for row in rows} == set(life.netuids)


@pytest.mark.limit_s(120)
@pytest.mark.parametrize("life", [(1, 4)], indirect=True)
async def test_what_a_subnet_paid_until_its_end_is_noted_after_it(life: AnyLife, tmp_path: Path) -> None:
    writer = Writer(life, tmp_path / "l.sqlite")
    await life.listen()
    try:
        for _ in range(40):
            life.block(2)
        writer.start()
        await writer.until_whole()
        for _ in range(12):  # the writer is dead and sees nothing of this
            life.block(2)
        seen = life.goals[3]
        life.dissolve()
        assert life.goals[3] > seen
        for _ in range(9):
            life.block(1)
        writer.start()
        until = await writer.until_whole()
        compare(life, writer.rows(until), until)
    finally:
        writer.kill()
        await life.close()


@pytest.mark.slow
@pytest.mark.limit_s(1800)
@pytest.mark.parametrize("life", [(2, 4), (3, 6)], indirect=True)
async def test_over_thousands_of_blocks_of_everything(life: AnyLife, tmp_path: Path) -> None:
    rows = await exact(life, tmp_path / "l.sqlite", blocks=2500, often=12)
    assert set(life.done) >= EXPECTED, EXPECTED - set(life.done)
    assert {row.fate for row in rows} == {"paid", "burned", "recycled"}
    assert any(row.mechanism for row in rows) and any(row.captured_rao for row in rows)
    assert any(row.destination_ss58 not in (None, row.hotkey_ss58) for row in rows), "auto-stake was at work"
