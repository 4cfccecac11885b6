"""``ranvier ledger lots|basis|costs|add-cost|remove-cost|tariff|prices|price-source``: books beside the earnings."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.core.paths import Paths
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao, parse_rao
from ranvier.ledger import cost_book, lot_book, prices
from ranvier.ledger.cost_book import TAO, Cost, CostSum, Tariff
from ranvier.ledger.costs import Window, check_tariff
from ranvier.ledger.lot_book import Order
from ranvier.ledger.price_sources import CsvSource
from ranvier.ledger.prices import MICRO, FiatPrice, PriceSource
from ranvier.ledger.samples import read_energy
from ranvier.ledger.store import Ledger
from ranvier.ledger.text import coins, fiat, time_text

_PER_RAO = 10**9 // MICRO


def add_parsers(commands: Any, common: argparse.ArgumentParser, range_: argparse.ArgumentParser,
                moment: Callable[[str], int]) -> None:  # fmt: skip
    """The sub-commands; ``moment`` reads a date as milliseconds."""
    lots = commands.add_parser("lots", parents=[common], help="lots and disposals of one subnet's alpha")
    lots.add_argument("--netuid", type=int, required=True)
    lots.add_argument("--order", choices=[one.value for one in Order], default="fifo", help="which lot goes first")
    lots.add_argument("--currency", help="value them at the stored prices in this currency (default: in TAO)")
    lots.add_argument("--csv", action="store_true", help="every row as CSV")
    basis = commands.add_parser("basis", parents=[common], help="tell what a lot of unknown cost was bought for")
    basis.add_argument("netuid", type=int)
    basis.add_argument("lot", help="its name in the lots, in quotes")
    basis.add_argument("amount", help="TAO in all, such as 12.5; “none” forgets it")
    costs = commands.add_parser("costs", parents=[common, range_], help="the cost book, and what a time cost")
    costs.add_argument("--currency", help="default: the tariff's")
    costs.add_argument("--by", choices=("day", "week", "month"), default="month")
    add = commands.add_parser("add-cost", parents=[common], help="add an entry to the cost book")
    add.add_argument("kind", choices=cost_book.KINDS)
    add.add_argument("name")
    add.add_argument("amount", help="such as 1850 or 0.25; for rent of a month")
    add.add_argument("currency", help="EUR, USD or the like, or TAO")
    add.add_argument("--from", dest="start", type=moment, required=True, help="a UTC date")
    add.add_argument("--until", type=moment, help="hardware: the end of its life; rent: the end (default: goes on)")
    add.add_argument("--rest", default="0", help="hardware: what it is worth at the end")
    add.add_argument("--proof", default="", help="where it can be looked up")
    remove = commands.add_parser("remove-cost", parents=[common], help="take an entry out of the cost book")
    remove.add_argument("id")
    shown = "where fiat prices come from, and what is stored"
    commands.add_parser("prices", parents=[common], help=shown)
    source = commands.add_parser("price-source", parents=[common], help="choose where fiat prices come from")
    source.add_argument("kind", choices=("csv", "json", "none"), help="a file, an address, or nobody")
    source.add_argument("place", nargs="?", default="", help="the file, or the address (one with a key of yours in it "
                        "is better told in the window: others here can read a command line)")  # fmt: skip
    source.add_argument("currency", nargs="?", default="", help="USD, EUR or the like")
    source.add_argument("--price", default="", help="json: the way to the price, such as bittensor.usd or data.0.close")
    source.add_argument("--rows", help="json: the way to a list of prices; “.” is the answer itself")
    source.add_argument("--time", default="", help="json: the way to the time of each of them")
    power = commands.add_parser("tariff", parents=[common], help="tell the price of electricity, or forget it")
    power.add_argument("price", help="of a kWh, such as 0.31; “none” forgets the tariff")
    power.add_argument("currency", nargs="?", default="EUR")
    power.add_argument("--zone", default="UTC", help="time zone of the times, such as Europe/Berlin")
    power.add_argument(
        "--at",
        nargs=3,
        action="append",
        default=[],
        metavar=("FROM", "TO", "PRICE"),
        help="another price at a time of day: 22:00 06:00 0.21; may be repeated",
    )
    power.add_argument("--extra-watts", type=int, default=0, help="of the machine that nothing measures")


def lots(connection: sqlite3.Connection, options: argparse.Namespace, _: Paths) -> Iterator[str]:
    days = prices.micro_of(prices.by_day(connection, options.currency)) if options.currency else {}
    book = lot_book.lot_book(connection, options.netuid, Order(options.order), options.currency, days)
    if options.csv:
        yield from lot_book.lots_csv(book)
    elif options.json:
        yield msgspec.json.encode(book).decode() + "\n"
    else:
        money = coins if book.currency == "TAO" else fiat
        for one in book.taken:
            gain = "gain unknown" if one.gain is None else f"gain {'-' * (one.gain < 0)}{money(abs(one.gain))}"
            alpha = format_alpha(Alpha(one.rao, book.netuid))
            yield f"{time_text(one.disposed_ms)}  {alpha:>24}  {gain} {book.currency}  from {one.lot or 'unknown'}\n"
        held = format_alpha(Alpha(sum(one.rao for one in book.left), book.netuid))
        gain = f"{'-' * (book.gain < 0)}{money(abs(book.gain))} {book.currency}"
        unknown = f", {book.unknown} parts without a known cost or price" if book.unknown else ""
        yield f"gain {gain}{unknown}; {len(book.left)} lots left, {held}\n"
        for rest in (one for one in book.left if one.cost is None):
            yield f"cost unknown: {format_alpha(Alpha(rest.rao, book.netuid))}  {rest.lot}\n"
        if book.read_to is None:
            yield "No position is followed yet: trades of other tools are not in it. The agent follows them.\n"
        else:
            yield f"Positions are followed to block {book.read_to}. {book.trouble}".rstrip() + "\n"


def costs(connection: sqlite3.Connection, options: argparse.Namespace, paths: Paths) -> Iterator[str]:
    tariff, entries = cost_book.tariff(connection), cost_book.entries(connection)
    currency = options.currency or (tariff.currency if tariff is not None else None)
    found = CostSum((), (), "")
    if currency is not None:
        now = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
        until = options.until or now
        since = options.since if options.since is not None else min((e.from_ms for e in entries), default=until)
        days = prices.micro_of(prices.by_day(connection, currency))
        energy = read_energy(paths.data / "hardware.sqlite", since, until)
        found = cost_book.costs(connection, energy, currency, since, until, options.by, days)
    if options.json:
        told = {"entries": entries, "tariff": tariff, "currency": currency, "slots": found.slots, "note": found.note}
        yield msgspec.json.encode(told).decode() + "\n"
        return
    for one in entries:
        amount = format_tao(Tao(one.amount)) if one.currency == TAO else f"{fiat(one.amount)} {one.currency}"
        yield f"{one.id}  {one.kind:12}  {time_text(one.from_ms)[:10]}  {amount:>18}  {one.name}\n"
    for start, kind, micro in found.slots:
        yield f"{time_text(start)[:10]}  {kind:12}  {fiat(micro):>14} {currency}\n"
    if currency is None:
        yield "No tariff is told; name a --currency to see what a time cost.\n"
    yield f"{found.note}\n" if found.note else ""


def add_cost(ledger: Path, options: argparse.Namespace) -> str:
    cost = Cost(
        id=uuid.uuid4().hex, kind=options.kind, name=options.name, from_ms=options.start, to_ms=options.until,
        currency=options.currency, amount=_amount(options.amount, options.currency),
        rest=_amount(options.rest, options.currency), proof=options.proof,
    )  # fmt: skip
    _write(ledger, lambda connection: cost_book.store(connection, cost))
    return f"{cost.id}\n"


def remove_cost(ledger: Path, options: argparse.Namespace) -> str:
    if not _write(ledger, lambda connection: cost_book.remove(connection, options.id)):
        raise LedgerError("No such entry", f"There is no cost {options.id}.", "`ranvier ledger costs` lists them.")
    return "Removed.\n"


def set_basis(ledger: Path, options: argparse.Namespace) -> str:
    rao = None if options.amount == "none" else _amount(options.amount, TAO)
    now_ms = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
    _write(ledger, lambda connection: lot_book.set_basis(connection, options.netuid, options.lot, rao, now_ms))
    return "Kept.\n" if rao is not None else "Forgotten.\n"


def set_tariff(ledger: Path, options: argparse.Namespace) -> str:
    tariff = None
    if options.price != "none":
        windows = [Window(_minute(a), _minute(b), _amount(price, options.currency)) for a, b, price in options.at]
        price = _amount(options.price, options.currency)
        extra = options.extra_watts * 1000
        tariff = Tariff(options.currency, price, tuple(windows), options.zone, extra)
        check_tariff(tariff)
    _write(ledger, lambda connection: cost_book.set_tariff(connection, tariff))
    return "Kept.\n" if tariff is not None else "Forgotten.\n"


def show_prices(connection: sqlite3.Connection, options: argparse.Namespace, _: Paths) -> Iterator[str]:
    source, found = prices.chosen(connection), prices.stored_sums(connection)
    if options.json:
        yield msgspec.json.encode({"source": source, "stored": found}).decode() + "\n"
        return
    yield "No source is chosen: nobody is asked.\n" if source is None else f"{source.kind} {source.place}\n"
    for one in found:
        yield f"{one.currency}  {one.count} prices, {time_text(one.first_ms)} to {time_text(one.last_ms)}\n"


def set_source(ledger: Path, options: argparse.Namespace) -> str:
    """A file is read at once; an address is asked by the agent, which looks at its source every hour."""
    if options.kind == "none":
        _write(ledger, lambda connection: prices.choose(connection, None))
        return "Nobody is asked any more; the stored prices stay.\n"
    place = str(Path(options.place).absolute()) if options.kind == "csv" and options.place else options.place
    source = PriceSource(options.kind, place, options.currency, options.price, options.rows, options.time)
    if not place:
        raise LedgerError("Not understood", "Name the file or the address, and the currency.")
    found: tuple[FiatPrice, ...] = ()
    if source.kind == "csv":
        prices.check_source(source)
        now_ms = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
        found = asyncio.run(CsvSource(source).fetch(now_ms))

    def keep(connection: sqlite3.Connection) -> int:
        prices.choose(connection, source)
        return prices.add(connection, found)

    new = _write(ledger, keep)
    if source.kind == "csv":
        return f"Kept; {new} new prices of {len(found)} in the file.\n"
    return "Kept. The agent asks there within the hour while it runs.\n"


READERS = {"lots": lots, "costs": costs, "prices": show_prices}
WRITERS = {
    "add-cost": add_cost, "remove-cost": remove_cost, "tariff": set_tariff, "price-source": set_source,
    "basis": set_basis,
}  # fmt: skip


def _write(path: Path, work: Callable[[sqlite3.Connection], Any]) -> Any:
    """In one transaction, also beside a running agent."""
    if not path.is_file():
        raise LedgerError("No ledger", f"There is no ledger at {path}.", "Name a network with --network.")

    async def go() -> Any:
        ledger = Ledger(path)
        try:
            return await ledger.write(work)
        finally:
            await ledger.close()

    return asyncio.run(go())


def _amount(text: str, currency: str) -> int:
    try:
        rao = parse_rao(text)
    except ValueError:
        raise LedgerError("Not understood", f"“{text[:40]}” is no amount.", "Write it like 1850 or 0.25.") from None
    return rao if currency == TAO else rao // _PER_RAO


def _minute(text: str) -> int:
    try:
        moment = datetime.time.fromisoformat(text.zfill(5))
    except ValueError:
        raise LedgerError("Not understood", f"“{text[:40]}” is no time of day.", "Write it like 22:00.") from None
    return moment.hour * 60 + moment.minute
