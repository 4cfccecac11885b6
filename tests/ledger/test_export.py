"""Exports: every row with its proof, in four formats, without holding them; and the command line."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import tracemalloc
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.test_receipts import DONE
from ranvier.core.errors import StorageError
from ranvier.core.paths import Paths
from ranvier.ledger import cli, coverage, prices, receipts
from ranvier.ledger.export import COINTRACKING, FORMATS, KOINLY, OWN, export
from ranvier.ledger.payments import DAY_MS, Payment
from ranvier.ledger.prices import FiatPrice
from ranvier.ledger.reading import write_export
from ranvier.ledger.store import Ledger

START = 20_000 * DAY_MS
PAID = Payment(1, 0, 360, "5Hot", 3, START, 1_500_000_001, 2 * 10**9, "0x01", 1_500_000_001, 1, "paid", "5C", "5D", 9)
BURNED = replace(
    PAID, block=720, time_ms=START + 5000, alpha_rao=0, captured_rao=0, fate="burned", destination_ss58=None
)
OLD = replace(
    PAID, block=1080, block_hash="0x03", time_ms=START + DAY_MS, price_rao=None, gross_rao=None, captured_rao=None,
    fate=None, coldkey_ss58=None, destination_ss58=None, event_index=None,
)  # fmt: skip
PRICE = FiatPrice("EUR", START + 1, 400_000_000, "prices.csv", 5)


async def filled(path: Path) -> Ledger:
    ledger = Ledger(path)
    await ledger.add_payments([PAID, BURNED, OLD])
    await ledger.write(lambda c: prices.add(c, [PRICE]))
    return ledger


async def exported(ledger: Ledger, kind: str, **where) -> str:
    return await ledger.read(lambda c: "".join(export(c, kind, prices=prices.by_day(c, "EUR"), **where)))


async def test_our_own_columns_tell_everything(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    heading, *rows = csv.reader(io.StringIO(await exported(ledger, "csv"), newline=""))
    assert tuple(heading) == OWN
    first, second, third = (dict(zip(heading, row, strict=True)) for row in rows)
    assert (first["time_utc"], first["paid_alpha"], first["captured_alpha"]) == (
        "2024-10-04 00:00:00", "1.500000001", "0.000000001",
    )  # fmt: skip
    assert (first["value_tao"], first["value_fiat"], first["fiat"]) == ("3.000000002", "1200.000000", "EUR")
    assert (first["fiat_source"], first["fiat_price_time"]) == ("prices.csv", "2024-10-04 00:00:00")
    assert [row["provenance"] for row in (first, second, third)] == [
        "block 360 event 9", "block 720 event 9", "block 1080 state of the block",
    ]  # fmt: skip
    assert (second["fate"], second["gross_alpha"], second["paid_alpha"]) == ("burned", "1.500000001", "0.000000000")
    assert (third["value_tao"], third["value_fiat"], third["destination"], third["fate"]) == ("", "", "", "")
    await ledger.close()


async def test_tax_tools_get_what_was_paid_in_their_columns(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    heading, *rows = csv.reader(io.StringIO(await exported(ledger, "koinly"), newline=""))
    assert tuple(heading) == KOINLY
    assert rows[0][0] == "2024-10-04 00:00:00 UTC"
    assert rows[0][3:5] + rows[0][7:10] == ["1.500000001", "SN1", "1200.000000", "EUR", "mining"]
    assert "block 360 event 9" in rows[0][10]
    assert rows[1][7:9] == ["", ""], "no price: no worth is claimed"
    assert len(rows) == 2, "what was burned was never received"
    heading, *rows = csv.reader(io.StringIO(await exported(ledger, "cointracking"), newline=""))
    assert tuple(heading) == COINTRACKING
    assert rows[0][:3] == ["Mining", "1.500000001", "SN1"]
    assert "block 360 event 9" in rows[0][9]
    assert len({row[-1] for row in rows}) == len(rows) == 2
    await ledger.close()


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_years_file_sums_to_the_ledger_to_the_rao(tmp_path: Path, kind: str) -> None:
    chance = random.Random(1)
    rows = [
        replace(PAID, netuid=n % 3, block=n, uid=n % 7, time_ms=START + n * DAY_MS // 3, block_hash=f"0x{n:064x}",
                alpha_rao=(rao := chance.randrange(1, 10 ** chance.randrange(1, 16))), gross_rao=rao, captured_rao=0)
        for n in range(3 * 365)
    ]  # fmt: skip
    ledger = Ledger(tmp_path / "l.sqlite")
    await ledger.add_payments([*rows, replace(BURNED, block=10**6)])
    text = await exported(ledger, kind, since_ms=START, until_ms=START + 365 * DAY_MS)
    sums: Counter[int] = Counter()
    if kind == "json":
        for one in json.loads(text):
            sums[one["netuid"]] += one["alpha_rao"]
    else:
        heading, *lines = csv.reader(io.StringIO(text, newline=""))
        netuid, amount = {"csv": (1, 10), "koinly": (4, 3), "cointracking": (2, 1)}[kind]
        for line in lines:
            assert len(line) == len(heading)
            assert re.fullmatch(r"\d+\.\d{9}", line[amount]), "no exponent, no group, all nine places"
            sums[int(line[netuid].removeprefix("SN"))] += int(Decimal(line[amount]) * 10**9)
    bought = await ledger.buckets("month")
    assert sums == {n: sum(one.alpha_rao for one in bought if one.netuid == n) for n in range(3)}
    assert sum(sums.values()) == sum(row.alpha_rao for row in rows)
    await ledger.close()


async def test_what_a_node_names_cannot_break_a_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    await ledger.add_payments([replace(PAID, block_hash='0x"a,b\r\n', hotkey_ss58='5"H,')])
    for kind in ("csv", "koinly", "cointracking"):
        heading, line = csv.reader(io.StringIO(await exported(ledger, kind), newline=""))
        assert len(line) == len(heading)
        assert any('0x"a,b\r\n' in cell for cell in line) and any('5"H,' in cell for cell in line)
    assert json.loads(await exported(ledger, "json"))[0]["block_hash"] == '0x"a,b\r\n'
    await ledger.close()


async def test_json_is_one_array_of_integers(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    rows = json.loads(await exported(ledger, "json"))
    assert [row["alpha_rao"] for row in rows] == [1_500_000_001, 0, 1_500_000_001]
    assert rows[0]["tao_rao"] == 3_000_000_002
    assert (rows[0]["fiat_micro"], rows[0]["fiat_price"]["source"]) == (1_200_000_000, "prices.csv")
    assert rows[2]["fiat_micro"] is None
    assert rows[0]["provenance"] == "block 360 event 9"
    assert json.loads(await exported(ledger, "json", netuid=9)) == []
    assert len(json.loads(await exported(ledger, "json", until_ms=START + DAY_MS))) == 2
    with pytest.raises(ValueError, match="no format"):
        await exported(ledger, "xml")
    await ledger.close()


async def test_many_rows_do_not_gather_in_memory(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    await ledger.add_payments([replace(PAID, block=n, time_ms=START + n) for n in range(12_000)])

    def drain(connection) -> tuple[int, int]:
        size = rows = 0
        tracemalloc.start()
        for part in export(connection, "csv"):
            size, rows = size + len(part), rows + part.count("\r\n")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < size / 3, (peak, size)
        return size, rows

    _, rows = await ledger.read(drain)
    assert rows == 12_001
    await ledger.close()


async def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    target = tmp_path / "out.csv"
    assert write_export(ledger.path, target, "csv", progress=lambda *_: False) == 0
    assert not target.exists()
    size = write_export(ledger.path, target, "csv", currency="EUR", progress=lambda done, every: 0 < done <= every)
    assert target.stat().st_size == size
    assert target.read_bytes().decode() == await exported(ledger, "csv")
    with pytest.raises(StorageError, match="Not written"):
        write_export(ledger.path, tmp_path / "nowhere" / "out.csv", "csv")
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out.csv"]
    await ledger.close()


async def test_the_command_line_reads_beside_the_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Paths.under(tmp_path)
    assert cli.main(["gaps"], paths) == 1
    assert "There is no ledger" in capsys.readouterr().err
    assert cli.main(["gaps", "--network", "test", "--json"], paths) == 1
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "LedgerError"
    ledger = await filled(paths.ledger_file("test"))  # and it stays open

    def work(connection) -> None:
        receipts.add(connection, DONE)
        coverage.follow(connection, 1, "5Hot", 1, 50)
        coverage.note_gaps(connection, [coverage.Gap(1, "5Hot", 1, 20, "forgotten", 1)])

    await ledger.write(work)

    def told(*arguments: str) -> str:
        assert cli.main(list(arguments), paths) == 0
        return capsys.readouterr().out

    assert "blocks 1 to 20: forgotten" in told("gaps")
    assert [gap["reason"] for gap in json.loads(told("gaps", "--json"))["gaps"]] == ["forgotten", None]
    text = told("earnings", "--by", "month", "--currency", "EUR")
    assert "1.500000001 α1" in text and "block 720 event 9  burned" in text
    found = json.loads(told("earnings", "--json", "--currency", "EUR", "--until", "2024-10-05", "--rows", "1"))
    assert found["buckets"][0]["fiat_micro"] == 1_200_000_000
    assert found["rows"][0]["provenance"] == "block 720 event 9"
    assert told("export", "--format", "koinly").startswith("Date,Sent Amount")
    assert len(json.loads(told("export", "--json", "--hotkey", "5Hot"))) == 3
    assert "Send 1 TAO: in_block, block 7" in told("receipts")
    assert json.loads(told("receipts", "--json"))["receipts"][0]["kept"] == "yes"
    assert "Nothing earned" in told("earnings", "--since", "2030-01-01")
    await ledger.close()
