"""Lots, costs and the tariff from the command line, beside an agent that has the ledger open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.test_lot_book import filled
from ranvier.core.paths import Paths
from ranvier.ledger import changes, cli
from ranvier.ledger.changes import Change, Walked
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.samples import Samples
from ranvier.ledger.store import Ledger


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = Paths.under(tmp_path / "home")

    def run(*arguments: str, status: int = 0) -> str:
        assert cli.main([*arguments, "--network", "test"], paths) == status
        printed = capsys.readouterr()
        return printed.out or printed.err

    run.paths = paths
    return run


async def opened(told, tmp_path: Path) -> Ledger:
    source = await filled(tmp_path)
    await source.close()
    target = told.paths.ledger_file("test")
    target.parent.mkdir(parents=True)
    source.path.replace(target)
    ledger = Ledger(target)
    await ledger.open()
    return ledger


async def in_thread(work, *arguments: str, **more) -> str:
    import asyncio

    return await asyncio.to_thread(work, *arguments, **more)  # the command has a loop of its own


async def test_lots_in_words_as_csv_and_as_json(told, tmp_path: Path) -> None:
    ledger = await opened(told, tmp_path)
    text = told("lots", "--netuid", "1")
    assert "gain 3.000000000 TAO, 4 parts without a known cost or price" in text and "unknown TAO  from block 2" in text
    assert told("lots", "--netuid", "1", "--csv", "--order", "hifo").count("\n") > 4
    assert json.loads(told("lots", "--netuid", "1", "--json", "--order", "lifo"))["order"] == "lifo"
    await ledger.close()


async def test_costs_are_kept_counted_and_taken_out(told, tmp_path: Path) -> None:
    assert "There is no ledger" in told("tariff", "0.3", status=1)
    ledger = await opened(told, tmp_path)
    added = ["add-cost", "hardware", "Card", "1200.5", "EUR", "--from", "2026-01-01", "--until", "2027-01-01"]
    name = (await in_thread(told, *added)).strip()
    await in_thread(told, "add-cost", "rent", "Rack", "31", "EUR", "--from", "2026-01-01")
    assert "needs the end of its life" in await in_thread(told, *added[:7], status=1)
    assert "no amount" in await in_thread(told, *added[:3], "much", *added[4:], status=1)
    assert "name a --currency" in told("costs")
    night = ("--at", "22:00", "6:00", "0.2")
    await in_thread(told, "tariff", "0.4", "EUR", "--zone", "UTC", "--extra-watts", "100", *night)
    assert "no time zone" in await in_thread(told, "tariff", "0.4", "--zone", "No/Where", status=1)
    samples = Samples(told.paths.data / "hardware.sqlite")
    noon = 1_767_268_800  # 2026-01-01 12:00
    for second in range(0, 3600, 30):
        await samples.add(noon + second, b"", 900_000)
    await samples.close()
    found = json.loads(told("costs", "--json", "--since", "2026-01-01", "--until", "2026-02-01"))
    slots = {kind: micro for _, kind, micro in found["slots"]}
    assert slots["rent"] == 31_000_000 and slots["hardware"] == 1_200_500_000 * 31 // 365
    assert slots["electricity"] == pytest.approx(400_000 * 3570 / 3600, rel=1e-5), "a kilowatt but for the last step"
    assert "Card" in told("costs") and "electricity" in told("costs", "--by", "day")
    assert await in_thread(told, "remove-cost", name) == "Removed.\n"
    assert "no cost" in await in_thread(told, "remove-cost", name, status=1)
    assert await in_thread(told, "tariff", "none") == "Forgotten.\n"
    assert json.loads(told("costs", "--json"))["tariff"] is None
    await ledger.close()


async def test_a_price_source_is_chosen_and_its_file_read(told, tmp_path: Path) -> None:
    ledger = await opened(told, tmp_path)
    assert told("prices").startswith("No source is chosen")
    file = tmp_path / "p.csv"
    file.write_text("date,price\n2026-01-01,300\n2026-01-02,310.5\n")
    kept = await in_thread(told, "price-source", "csv", str(file), "EUR")
    assert kept == "Kept; 2 new prices of 2 in the file.\n"
    assert "EUR  2 prices, 2026-01-01" in told("prices") and str(file) in told("prices")
    way = ("price-source", "json", "https://p.example/now", "USD", "--price", "tao.usd")
    assert "within the hour" in await in_thread(told, *way)
    assert json.loads(told("prices", "--json"))["source"]["place"] == "https://p.example/now"
    assert "three to five" in await in_thread(told, "price-source", "csv", str(file), "eur", status=1)
    assert "Name the file" in await in_thread(told, "price-source", "json", status=1)
    assert "not read" in json.loads(await in_thread(
        told, "price-source", "csv", str(tmp_path / "none.csv"), "EUR", "--json", status=1
    ))["error"]["title"]  # fmt: skip
    assert "stored prices stay" in await in_thread(told, "price-source", "none")
    assert told("prices").startswith("No source") and "EUR  2 prices" in told("prices")
    await ledger.close()


async def test_lots_of_unknown_cost_are_named_and_can_be_told(told, tmp_path: Path) -> None:
    ledger = await opened(told, tmp_path)
    gift = Change("5C", "5Hot", 1, 9, 3, 9 * DAY_MS, "transfer", 5 * 10**9)
    await ledger.write(lambda c: changes.keep(c, [gift], [Walked("5C", "5Hot", 1, 8, 1, 0, 9, 5 * 10**9)]))
    await ledger.close()
    text = await in_thread(told, "lots", "--netuid", "1")
    lot = "transfer, found on the chain, block 9 event 3"
    assert f"cost unknown: 5.000000000 α1  {lot}" in text and "followed to block 9." in text
    assert await in_thread(told, "basis", "1", lot, "2.5") == "Kept.\n"
    assert "cost unknown: 5." not in told("lots", "--netuid", "1")
    assert await in_thread(told, "basis", "1", lot, "none") == "Forgotten.\n"
