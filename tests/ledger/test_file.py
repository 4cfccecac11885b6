"""The file itself: migrations, copies, what is refused, kills."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from ranvier.core.errors import LedgerError
from ranvier.ledger.database import APPLICATION_ID, Database, transaction
from ranvier.ledger.migrations import LEDGER, SAMPLES
from ranvier.ledger.samples import KEEP_S, Samples
from ranvier.ledger.store import Ledger

WRITER = Path(__file__).parent.parent / "programs" / "ledger_writer.py"


async def test_a_new_file_is_private_wal_durable_and_ours(tmp_path: Path) -> None:
    path = tmp_path / "networks" / "test" / "ledger.sqlite"
    ledger = Ledger(path)
    await ledger.open()
    pragmas = await ledger._database.run(
        lambda c: [
            c.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "user_version")
        ]
    )
    assert pragmas == ["wal", 2, len(LEDGER)]
    await ledger.close()
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


async def test_a_newer_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE future (x)")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(LEDGER) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="newer Ranvier"):
        await Ledger(path).open()
    assert path.read_bytes() == before


async def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(LedgerError, match="another program"):
        await Ledger(path).open()


@pytest.mark.parametrize("content", [b"not a database at all, only text\n" * 100])
async def test_a_file_that_is_no_database_is_told_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "l.sqlite"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="not a database"):
        await Ledger(path).open()
    assert path.read_bytes() == content


async def test_a_damaged_page_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    ledger = Ledger(path)
    await ledger.remember({f"key {n}": "x" * 500 for n in range(200)})
    await ledger.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    again = Ledger(path)
    with pytest.raises(LedgerError, match="damaged"):
        await again.recall("key 1")
    await again.close()


async def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="file"):
        await Ledger(tmp_path / "file" / "l.sqlite").open()


async def test_a_full_disk_is_told_in_words_and_loses_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    await ledger.remember({"before": "1"})
    pages = await ledger._database.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await ledger._database.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    with pytest.raises(LedgerError, match="no space left"):
        await ledger.remember({f"{n}": "x" * 1000 for n in range(100)})
    await ledger._database.run(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    assert await ledger.recall("before") == "1"
    await ledger.remember({"after": "2"})
    assert await ledger.recall("after") == "2"
    await ledger.close()


async def test_a_locked_file_is_told_in_words(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    await ledger.open()
    await ledger._database.run(lambda c: c.execute("PRAGMA busy_timeout = 50"))
    other = sqlite3.connect(tmp_path / "l.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="Another program"):
        await ledger.remember({"a": "1"})
    other.execute("ROLLBACK")
    other.close()
    await ledger.remember({"a": "1"})
    assert await ledger.recall("a") == "1"
    await ledger.close()


async def test_migrating_keeps_a_dated_copy_with_everything_in_it(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    first = Database(path, LEDGER, durable=True)
    await first.run(lambda c: c.execute("INSERT INTO state VALUES ('kept', 'yes')"))
    newer = Database(path, [*LEDGER, ["CREATE TABLE extra (x)"], ["INSERT INTO extra VALUES (1)"]], durable=True)
    await newer.open()  # while the first still has it open: the copy must hold what is only in the log
    assert await newer.run(lambda c: c.execute("SELECT x FROM extra").fetchone()) == (1,)
    assert await newer.run(lambda c: c.execute("PRAGMA user_version").fetchone()) == (len(LEDGER) + 2,)
    await first.close()
    await newer.close()
    (copy,) = tmp_path.glob("l-v*.sqlite")
    connection = sqlite3.connect(copy)
    assert connection.execute("SELECT value FROM state").fetchall() == [("yes",)]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(LEDGER),)
    connection.close()


async def test_a_migration_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    ledger = Ledger(path)
    await ledger.remember({"kept": "yes"})
    await ledger.close()
    broken = Database(path, [*LEDGER, ["CREATE TABLE extra (x)", "SELECT * FROM nowhere"]], durable=True)
    with pytest.raises(LedgerError, match="SQLite refused"):
        await broken.open()
    await broken.close()
    assert await ledger.recall("kept") == "yes"
    await ledger.close()


def test_every_step_makes_strict_tables() -> None:
    for step in (*LEDGER, *SAMPLES):
        assert all("STRICT" in statement for statement in step if statement.startswith("CREATE TABLE"))


def test_a_transaction_is_all_or_nothing() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (x)")
    with pytest.raises(ZeroDivisionError), transaction(connection):
        connection.execute("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    connection.close()


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_kill_9_loses_no_committed_row_and_doubles_none(tmp_path: Path, python: str) -> None:
    """A child tells each block once its commit has returned; it is killed at odd moments and started again."""
    path = tmp_path / "l.sqlite"
    environment = {**os.environ, "PYTHONPATH": "app"}
    told = 0
    for kill_after in (7, 40, 23):
        child = subprocess.Popen(
            [python, str(WRITER), str(path)], stdout=subprocess.PIPE, env=environment, text=True, bufsize=1
        )
        assert child.stdout is not None
        for _ in range(kill_after):
            told = max(told, int(child.stdout.readline()))
        child.send_signal(signal.SIGKILL)
        told = max([told, *(int(line) for line in child.stdout.read().split())])
        child.wait()
        child.stdout.close()
    asyncio.run(_nothing_lost_or_doubled(path, told))


async def _nothing_lost_or_doubled(path: Path, told: int) -> None:
    ledger = Ledger(path)
    blocks = [row.block for row in await ledger.payments(limit=10**6)]
    assert len(blocks) == len(set(blocks))
    assert sorted(blocks)[:told] == list(range(1, told + 1))
    assert len(blocks) - told <= 3  # at most the one that was committed but not told, per kill
    assert int(await ledger.recall("seen") or 0) == max(blocks)
    buckets = await ledger.buckets("day")
    assert sum(bucket.alpha_rao for bucket in buckets) == sum(blocks)
    await ledger.close()


async def test_samples_are_thinned_with_age(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    now = 2_000_000_000.0
    ages = [*range(3600), *range(3600, 3 * 3600, 5), *range(86_400, 2 * 86_400, 60), KEEP_S + 10_000]

    def fill(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO sample VALUES (?, ?)", [(int((now - age) * 1000), str(age).encode()) for age in ages]
        )

    await samples._database.run(fill)
    await samples.thin(now)
    kept = sorted(int(body) for body in await samples.between(0, 3e9, 10**12))
    assert [age for age in kept if age <= 900] == list(range(901))
    between = [age for age in kept if 920 < age < 3600]
    assert {b - a for a, b in pairwise(between)} == {10}
    hours = [age for age in kept if 7300 < age < 3 * 3600]
    assert {b - a for a, b in pairwise(hours)} == {60}
    days = [age for age in kept if age > 86_400 + 700]
    assert {b - a for a, b in pairwise(days)} == {600}
    assert max(kept) < KEEP_S
    await samples.thin(now)
    assert sorted(int(body) for body in await samples.between(0, 3e9, 10**12)) == kept
    await samples.close()


async def test_samples_come_back_oldest_first(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    for at in (100.5, 99.0, 101.0):
        await samples.add(at, str(at).encode())
    assert await samples.between(99.5, 200.0, 10**9) == (b"100.5", b"101.0")
    assert await samples.between(99.5, 100.9, 10**9) == (b"100.5",)
    assert await samples.between(0.0, 200.0, 2) == (b"99.0", b"101.0"), "the newest of each slot"
    await samples.close()
