"""A cost book, a tariff, a price source and lots with something of everything."""

from __future__ import annotations

from ranvier.agent.api.messages import CostsView, PositionCheck, PricesView
from ranvier.ledger.cost_book import Cost, Tariff
from ranvier.ledger.costs import Window
from ranvier.ledger.lot_book import LotBook
from ranvier.ledger.lots import Left, Taken
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.prices import PriceSource

EURO = 10**6
COIN = 10**9
DAY = 20_500 * DAY_MS

TARIFF = Tariff(
    "EUR", 310_000, (Window(22 * 60, 6 * 60, 210_000), Window(8 * 60, 20 * 60, 380_000, (0, 1, 2, 3, 4))),
    zone="Europe/Berlin", extra_mw=60_000, factor_ppm=1_100_000,
)  # fmt: skip
COSTS = (
    Cost("a", "hardware", "RTX 4090", DAY - 400 * DAY_MS, DAY + 695 * DAY_MS, "EUR", 1850 * EURO, 300 * EURO,
         proof="invoice 2024-118"),
    Cost("b", "rent", "Rack space", DAY - 90 * DAY_MS, None, "EUR", 45 * EURO),
    Cost("c", "registration", "Seat on subnet 1", DAY - 30 * DAY_MS, None, "TAO", COIN // 4, proof="block 48213"),
)  # fmt: skip
SOURCE = PriceSource("json", "https://prices.example/tao?currency=eur", "EUR", "data.0.price")


def costs() -> CostsView:
    return CostsView(COSTS, TARIFF, "EUR", (), ())


def prices() -> PricesView:
    return PricesView(SOURCE, ())


def lots(netuid: int = 1, order: str = "fifo", currency: str = "EUR") -> LotBook:
    taken = (
        Taken("unstake, block 41000 event 9", "block 36010 mechanism 0 uid 6", 2 * COIN, DAY - 60 * DAY_MS,
              DAY - 20 * DAY_MS, 21 * EURO, 26 * EURO),
        Taken("unstake, block 41000 event 9", "block 36371 mechanism 0 uid 6", COIN // 2, DAY - 59 * DAY_MS,
              DAY - 20 * DAY_MS, 7 * EURO, 6_500_000),
        Taken("transfer, block 44100 event 3", "block 36371 mechanism 0 uid 6", COIN // 3, DAY - 59 * DAY_MS,
              DAY - 10 * DAY_MS, 4 * EURO, None),
        Taken("unstake, block 45000 event 2", None, 5, None, DAY - 8 * DAY_MS, None, 1),
    )  # fmt: skip
    left = tuple(
        Left(f"block {36732 + 361 * n} mechanism 0 uid 6", DAY - (58 - n) * DAY_MS, 2 * COIN - n, (20 + n) * EURO)
        for n in range(12)
    )
    gift = Left("transfer, found on the chain, block 44870 event 5", DAY - 9 * DAY_MS, 3 * COIN, None)
    left = (*left, gift)
    return LotBook(
        netuid, order, currency, taken, left, 28 * EURO, 32_500_000, 4_500_000, 2, len(taken), len(left),
        sum(one.rao for one in left), 1, 48_213,
    )  # fmt: skip


def check() -> PositionCheck:
    return PositionCheck(
        47_200, 48_213, 61_250_000_119,
        (("pay", 84_000_000_000, 48), ("dividends", 1_250_000_120, 31), ("move", -4_000_000_000, 1),
         ("unstake", -20_000_000_000, 1)),
        -1, "rounding", "Explained but for 0.000000001 α1: the chain's rounding of shares.",
        1_910_400_000, 1_734_250_000, 176_150_000,
    )  # fmt: skip
