"""``ranvier ledger …``: the ledger without the window, also while the agent uses it."""

from __future__ import annotations

import argparse
import datetime
import os
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.core.paths import Paths
from ranvier.core.settings import NETWORK, Settings
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao
from ranvier.ledger import buckets, cli_books, coverage, payments, prices, receipts
from ranvier.ledger.export import FORMATS, export, provenance
from ranvier.ledger.reading import reading
from ranvier.ledger.text import fiat


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0; 1 with one sentence when there is no ledger or it cannot be read."""
    options = _parse(arguments)
    network = options.network or _network(paths)
    file = paths.ledger_file(network)
    try:
        if options.command in cli_books.WRITERS:
            sys.stdout.write(cli_books.WRITERS[options.command](file, options))
            return 0
        with reading(file) as connection:
            if options.command in cli_books.READERS:
                texts = cli_books.READERS[options.command](connection, options, paths)
            else:
                texts = _COMMANDS[options.command](connection, options)
            for text in texts:
                sys.stdout.write(text)
            sys.stdout.flush()
    except LedgerError as error:
        text = _json({"error": error.data()}) if options.json else f"{error.message} {error.hint}\n"
        (sys.stdout if options.json else sys.stderr).write(text)
        return 1
    except BrokenPipeError:  # whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ranvier ledger", description="What was earned, spent and received.")
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--network", help="sandbox, test or finney (default: the chosen one)")
    common.add_argument("--json", action="store_true", help="JSON instead of text")
    range_ = argparse.ArgumentParser(add_help=False)
    range_.add_argument("--since", type=_moment, help="a UTC date or time (2026-01-31)")
    range_.add_argument("--until", type=_moment, help="the first moment outside")
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--hotkey", help="one hotkey's address")
    who.add_argument("--netuid", type=int, help="one subnet")
    who.add_argument("--currency", help="also value it at the stored prices in this currency")
    sums = commands.add_parser("earnings", parents=[common, range_, who], help="sums and the newest rows")
    sums.add_argument("--by", choices=buckets.KINDS, default="day")
    sums.add_argument("--by-hotkey", action="store_true", help="a sum for each hotkey")
    sums.add_argument("--rows", type=int, default=10, help="how many of the newest rows to show (default 10)")
    files = commands.add_parser("export", parents=[common, range_, who], help="every row, for files and tax tools")
    files.add_argument("--format", choices=FORMATS, default="csv")
    books = commands.add_parser("receipts", parents=[common, range_], help="what was signed and what became of it")
    books.add_argument("--limit", type=int, default=100)
    cli_books.add_parsers(commands, common, range_, _moment)
    commands.add_parser("gaps", parents=[common], help="what is not known, and why")
    return parser.parse_args(arguments)


def _moment(text: str) -> int:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp() * 1000)


def _network(paths: Paths) -> str:
    """The network of the settings, or the only one that has a ledger."""
    chosen = Settings(paths.settings_file).get(NETWORK)
    folder = paths.data / "networks"
    there = sorted(path.parent.name for path in folder.glob("*/ledger.sqlite"))
    return chosen if chosen or len(there) != 1 else there[0]


def _earnings(connection: sqlite3.Connection, options: argparse.Namespace) -> Iterator[str]:
    days = prices.by_day(connection, options.currency) if options.currency else {}
    where = {
        "since_ms": options.since,
        "until_ms": options.until,
        "hotkey_ss58": options.hotkey,
        "netuid": options.netuid,
    }
    sums = buckets.buckets(
        connection, options.by, **where, by_hotkey=options.by_hotkey, day_prices=prices.micro_of(days)
    )
    rows = payments.newest(connection, options.rows, **where)
    if options.json:
        told = [{**msgspec.to_builtins(row), "provenance": provenance(row)} for row in rows]
        yield _json({"buckets": sums, "rows": told, "currency": options.currency})
        return
    for one in sums:
        tao = "TAO value unknown" if one.tao_rao is None else format_tao(Tao(one.tao_rao))
        worth = "" if one.fiat_micro is None else f"  {fiat(one.fiat_micro)} {options.currency}"
        whose = f"  {one.hotkey_ss58}" if one.hotkey_ss58 else ""
        alpha = format_alpha(Alpha(one.alpha_rao, one.netuid))
        yield f"{_time(one.start_ms)}  {alpha:>24}  {tao:>20}{worth}  {one.epochs} epochs{whose}\n"
    if rows:
        yield "\nnewest\n"
    for row in rows:
        fate = "" if row.fate in (None, payments.PAID) else f"  {row.fate}"
        alpha = format_alpha(Alpha(row.alpha_rao, row.netuid))
        yield f"{_time(row.time_ms)}  {alpha:>24}  {row.hotkey_ss58}  {provenance(row)}{fate}\n"
    if not sums:
        yield "Nothing earned in that time.\n"


def _export(connection: sqlite3.Connection, options: argparse.Namespace) -> Iterator[str]:
    days = prices.by_day(connection, options.currency) if options.currency else {}
    return export(
        connection,
        "json" if options.json else options.format,
        since_ms=options.since,
        until_ms=options.until,
        hotkey_ss58=options.hotkey,
        netuid=options.netuid,
        prices=days,
    )


def _receipts(connection: sqlite3.Connection, options: argparse.Namespace) -> Iterator[str]:
    found = receipts.receipts(connection, since_ms=options.since, until_ms=options.until, limit=options.limit)
    if options.json:
        yield _json({"receipts": found})
        return
    for one in found:
        place = "" if one.block is None else f", block {one.block}"
        yield f"{_time(one.at_ms)}  {one.title}: {one.stage}{place}\n    {one.id}\n"
        yield "".join(f"    {sentence}\n" for sentence in one.sentences)
    if not found:
        yield "No receipts.\n"


def _gaps(connection: sqlite3.Connection, options: argparse.Namespace) -> Iterator[str]:
    found = coverage.gaps(connection)
    if options.json:
        yield _json({"gaps": found})
        return
    for gap in found:
        reason = gap.reason or "still to be read"
        yield f"subnet {gap.netuid}  {gap.hotkey_ss58}  blocks {gap.from_block} to {gap.to_block}: {reason}\n"
    if not found:
        yield "No gaps: every epoch that was to be noted is noted.\n"


_COMMANDS = {"earnings": _earnings, "export": _export, "receipts": _receipts, "gaps": _gaps}


def _time(time_ms: int) -> str:
    return datetime.datetime.fromtimestamp(time_ms // 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode() + "\n"
