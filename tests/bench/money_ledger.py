"""How fast the ledger is, in one run: ``python3 dev.py bench money_ledger`` or this file itself.

Five years of epochs of several miners as rows, written as the agent writes them; then what pages ask, page by page,
the export in each format, and a back-fill over a real socket from a sandbox node of this process: near, and as far
away as a public node, there also epoch by epoch to compare with. ``--json`` for programs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "app"), str(ROOT / "tests")]  # not this folder: its sandbox.py would hide the tests' own

from bench._counting_proxy import CountingProxy  # noqa: E402
from ranvier.agent.money import epoch_walk  # noqa: E402
from ranvier.agent.money.epoch_walk import EPOCHS_A_STEP  # noqa: E402
from ranvier.agent.money.ledger_writer import LedgerWriter, Target  # noqa: E402
from ranvier.agent.network.chain_face import LiveChain  # noqa: E402
from ranvier.agent.network.chain_watch import Head  # noqa: E402
from ranvier.chain.epochs import epochs_down  # noqa: E402
from ranvier.chain.networks import sandbox_network  # noqa: E402
from ranvier.ledger import cost_book, prices  # noqa: E402
from ranvier.ledger.cost_book import Cost  # noqa: E402
from ranvier.ledger.costs import Energy, Tariff, Window  # noqa: E402
from ranvier.ledger.lots import Acquired, Disposed, Order, match  # noqa: E402
from ranvier.ledger.payments import DAY_MS, Payment  # noqa: E402
from ranvier.ledger.prices import FiatPrice  # noqa: E402
from ranvier.ledger.reading import write_export  # noqa: E402
from ranvier.ledger.store import Ledger  # noqa: E402
from ranvier.sandbox.rpc.server import RpcServer  # noqa: E402
from sandbox.support import Bench  # noqa: E402

TEMPO, BLOCK_MS, SUBNETS = 361, 12_000, (1, 4, 64)
END_MS = 20_500 * DAY_MS
ONE_BY_ONE = 20  # epochs, read the slow way
Rows = list[tuple[str, str, str]]


def made(count: int, miners: int) -> Iterator[list[Payment]]:
    """Rows epoch by epoch, oldest first: ``miners`` on each subnet."""
    epochs = count // (miners * len(SUBNETS))
    start = END_MS - epochs * TEMPO * BLOCK_MS
    for epoch in range(epochs):
        yield [
            Payment(
                netuid, 0, epoch * TEMPO + netuid, f"5Hotkey{netuid:03}{miner:03}" + "x" * 35, miner,
                start + (epoch * TEMPO + netuid) * BLOCK_MS, 10**9 + epoch * 31 + miner, 2 * 10**7 + epoch,
                f"0x{epoch:064x}", 10**9 + epoch * 31 + miner, 0, "paid", "5Coldkey" + "y" * 40, "5Dest" + "z" * 43, 7,
            )
            for netuid in SUBNETS
            for miner in range(miners)
        ]  # fmt: skip


async def fill(ledger: Ledger, count: int, miners: int) -> float:
    started, batch = time.perf_counter(), []
    for rows in made(count, miners):
        batch += rows
        if len(batch) >= 2000:
            await ledger.add_payments(batch)
            batch = []
    await ledger.add_payments(batch)
    return time.perf_counter() - started


async def timed(work: Callable[[], Any], runs: int) -> dict[str, float]:
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        await work()
        times.append((time.perf_counter() - started) * 1000)
    return {"first_ms": times[0], "median_ms": statistics.median(times[1:]), "worst_ms": max(times[1:])}


async def pages(ledger: Ledger, runs: int) -> dict[str, dict[str, float]]:
    """What the pages ask of the ledger."""
    year, month = END_MS - 365 * DAY_MS, END_MS - 30 * DAY_MS
    hotkey = f"5Hotkey{SUBNETS[0]:03}000" + "x" * 35
    made_prices = [FiatPrice("EUR", day * DAY_MS + DAY_MS // 2, 4 * 10**8, "s", 1) for day in range(18_000, 20_501)]
    await ledger.write(lambda c: prices.add(c, made_prices))
    days = prices.micro_of(await ledger.read(lambda c: prices.by_day(c, "EUR")))
    tariff = Tariff("EUR", 300_000, (Window(22 * 60, 6 * 60, 200_000),))
    card = Cost("a", "hardware", "Card", END_MS - 1825 * DAY_MS, END_MS, "EUR", 2 * 10**9)
    await ledger.write(lambda c: (cost_book.set_tariff(c, tariff), cost_book.store(c, card)))
    energy = [Energy(at, 10**12, 3_600_000) for at in range(END_MS - 1825 * DAY_MS, END_MS, 3_600_000)]
    since = END_MS - 1825 * DAY_MS
    asked: dict[str, Callable[[], Any]] = {
        "five years by day": lambda: ledger.buckets("day", day_prices=days),
        "five years by week": lambda: ledger.buckets("week", day_prices=days),
        "five years by month": lambda: ledger.buckets("month", day_prices=days),
        "five years by month and miner": lambda: ledger.buckets("month", by_hotkey=True, day_prices=days),
        "five years by day and miner": lambda: ledger.buckets("day", by_hotkey=True),
        "one miner, five years by day": lambda: ledger.buckets("day", hotkey_ss58=hotkey),
        "one subnet, a year by day, odd hours": lambda: ledger.buckets(
            "day", netuid=4, since_ms=year + 5, until_ms=END_MS - 7
        ),
        "a month by epoch": lambda: ledger.buckets("epoch", since_ms=month),
        "newest 1000 rows": lambda: ledger.payments(limit=1000),
        "one miner's newest 1000 rows": lambda: ledger.payments(hotkey_ss58=hotkey, limit=1000),
        "a miner's card (today, 7 d, last)": lambda: ledger.paid(SUBNETS[0], hotkey, END_MS),
        "costs, five years by month": lambda: ledger.read(
            lambda c: cost_book.costs(c, energy, "EUR", since, END_MS, "month", days)
        ),
        "prices of five years by day": lambda: ledger.read(lambda c: prices.by_day(c, "EUR")),
    }  # fmt: skip
    return {name: await timed(work, runs) for name, work in asked.items()}


def exports(path: Path, folder: Path, count: int) -> dict[str, dict[str, float]]:
    """Each format as one file, and how much memory it took beside what was there."""
    found, process = {}, psutil.Process()
    for kind in ("csv", "koinly", "cointracking", "json"):
        before, peak = process.memory_info().rss, 0

        def watch(*_: int) -> bool:
            nonlocal peak
            peak = max(peak, process.memory_info().rss)
            return True

        started = time.perf_counter()
        size = write_export(path, folder / f"out.{kind}", kind, currency="EUR", progress=watch)
        seconds = time.perf_counter() - started
        found[kind] = {
            "seconds": seconds, "rows_per_s": count / seconds, "megabytes": size / 1e6,
            "memory_mb": max(0, peak - before) / 1e6,
        }  # fmt: skip
    return found


def lots(count: int) -> dict[str, float]:
    """Every row as a lot, one disposal for each ten."""
    acquired = [Acquired(str(n), n, 10**9, n * 7919 % 10**9) for n in range(count)]
    disposed = [Disposed(str(n), n * 10 + 9, 4 * 10**9, 10**9) for n in range(count // 10)]
    found = {}
    for order in Order:
        started = time.perf_counter()
        match(acquired, disposed, order)
        found[order.value] = time.perf_counter() - started
    return found


async def backfill(folder: Path, epochs: int, delay_s: float) -> dict[str, dict[str, float]]:
    """From a node over its socket: three hotkeys, epochs every block or two, nothing known before."""
    bench = Bench(tempo=1)
    bench.blocks(7)  # weights can be set from here on
    _weigh(bench)
    while bench.node.chain.head.number < 2 * epochs:
        bench.blocks(50)
        _weigh(bench)  # old weights would leave epochs unpaid
        await asyncio.sleep(0)
    server = RpcServer(bench.node)
    await server.start(0)
    first = bench.node.chain.head.number - 2 * ONE_BY_ONE
    try:
        async with CountingProxy(f"ws://127.0.0.1:{server.port}", delay_s) as proxy:
            near, far = f"ws://127.0.0.1:{server.port}", proxy.endpoint
            return {
                "near": await _backfill(bench, near, folder / "near.sqlite", 1, EPOCHS_A_STEP),
                "far": await _backfill(bench, far, folder / "far.sqlite", 1, EPOCHS_A_STEP),
                "far, epoch by epoch": await _backfill(bench, far, folder / "single.sqlite", first, 1),
            }
    finally:
        await server.close()
        bench.node.chain.close()


def _weigh(bench: Bench) -> None:
    for _, hotkey in bench.cast.validators:
        values = {"netuid": 1, "dests": [3, 4, 5], "weights": [3, 2, 1], "version_key": 0}
        bench.run(hotkey, "SubtensorModule", "set_weights", **values)


async def _backfill(bench: Bench, endpoint: str, path: Path, since: int, step: int) -> dict[str, float]:
    chain, ledger = LiveChain(sandbox_network(endpoint, f"0x{bench.node.chain.genesis_hash.hex()}")), Ledger(path)
    rows = 0

    def wrote(new: tuple[Payment, ...]) -> None:
        nonlocal rows
        rows += len(new)

    try:
        await chain.open()
        targets = [Target(1, hotkey.ss58, since) for _, hotkey in bench.cast.competitors[:3]]
        writer = LedgerWriter(lambda _: ledger, lambda _: targets, wrote, lambda _: None, lambda _: None)
        head = Head("sandbox", chain, await chain.head())
        before = chain._open.traffic
        started = time.perf_counter()
        with mock.patch.object(epoch_walk, "EPOCHS_A_STEP", step):
            await writer.catch_up(head)
        seconds = time.perf_counter() - started
        used = [late - early for late, early in zip(chain._open.traffic, before, strict=True)]
        done = len((await epochs_down(chain._open, 1, head.block.number, since, 10**6)).epochs)
        return {
            "epochs": done, "rows": rows, "seconds": seconds, "epochs_per_s": done / seconds,
            "requests_per_epoch": used[0] / done, "rounds_per_epoch": used[1] / done,
            "kilobytes_per_epoch": (used[2] + used[3]) / done / 1000,
        }  # fmt: skip
    finally:
        await chain.close()
        await ledger.close()


async def measure(count: int, miners: int, runs: int, epochs: int, delay_s: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = Ledger(folder / "l.sqlite")
        seconds = await fill(ledger, count, miners)
        asked = await pages(ledger, runs)
        await ledger.close()
        size = (folder / "l.sqlite").stat().st_size
        found = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
            "rows": count,
            "fill": {"seconds": seconds, "rows_per_s": count / seconds, "megabytes": size / 1e6},
            "pages": asked,
            "export": exports(folder / "l.sqlite", folder, count),
            "lots": lots(count),
        }
        return found | {"backfill": await backfill(folder, epochs, delay_s)}


def table(found: dict[str, Any]) -> Rows:
    rows: Rows = [("machine", found["machine"], f"{found['rows']:,} rows")]
    fill_ = found["fill"]
    rows.append(("write rows", f"{fill_['rows_per_s']:,.0f} rows/s", f"{fill_['megabytes']:.0f} MB on disk"))
    for name, one in found["pages"].items():
        rows.append((name, f"{one['median_ms']:.1f} ms", f"worst {one['worst_ms']:.1f}, first {one['first_ms']:.1f}"))
    for name, one in found["export"].items():
        words = f"{one['rows_per_s']:,.0f} rows/s, {one['megabytes']:.0f} MB, {one['memory_mb']:.0f} MB of memory"
        rows.append((f"export {name}", f"{one['seconds']:.1f} s", words))
    for name, seconds in found["lots"].items():
        rows.append((f"lots {name}", f"{seconds:.2f} s", "one disposal for each ten lots"))
    for name, one in found["backfill"].items():
        words = (
            f"{one['rounds_per_epoch']:.2f} round trips, {one['kilobytes_per_epoch']:.1f} kB each; {one['rows']} rows"
        )
        rows.append((f"back-fill, {name}", f"{one['epochs_per_s']:.1f} epochs/s", words))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--miners", type=int, default=9, help="on each of three subnets (default 9)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=600, help="to back-fill (default 600: a month)")
    parser.add_argument("--delay", type=float, default=80.0, help="milliseconds to the far node and back (default 80)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rows, options.miners, options.runs, options.epochs, options.delay / 1000))
    if options.json:
        print(json.dumps(found))
        return
    rows = table(found)
    first, second = (max(len(row[place]) for row in rows) for place in (0, 1))
    for row in rows:
        print(f"{row[0]:<{first}}  {row[1]:>{second}}  {row[2]}")


if __name__ == "__main__":
    main()
