"""Messages of money: earnings, gaps, receipts, prices, costs. ``agent.messages`` shows them all."""

from __future__ import annotations

import msgspec

from ranvier.agent.api.command import Command, Done
from ranvier.ledger.buckets import Bucket
from ranvier.ledger.cost_book import Cost, Electricity, Tariff
from ranvier.ledger.coverage import Gap
from ranvier.ledger.lot_book import LotBook
from ranvier.ledger.payments import Payment
from ranvier.ledger.prices import FiatPrice, PriceSource
from ranvier.ledger.receipts import StoredReceipt

EarningBucket = Bucket  # the ledger's own: by the ten thousand, so they are not made twice


class Earnings(msgspec.Struct, frozen=True):
    """Rows newest first (at most the limit asked for), buckets oldest first. ``currency`` is of the fiat amounts."""

    rows: tuple[Payment, ...]
    buckets: tuple[EarningBucket, ...]
    currency: str | None = None


class Gaps(msgspec.Struct, frozen=True):
    """``archive`` is the endpoint that is asked for old blocks, None when there is none."""

    gaps: tuple[Gap, ...]
    archive: str | None


class Receipts(msgspec.Struct, frozen=True):
    """Newest first."""

    receipts: tuple[StoredReceipt, ...]


class PositionCheck(msgspec.Struct, frozen=True):
    """How the ledger explains the change of one position between two blocks.

    ``lines`` are (what, rao, how many facts); with ``unexplained_rao`` they sum to ``change_rao``. ``verdict`` is
    ``exact``, ``rounding``, ``unexplained`` or ``unchecked`` (blocks in between are not read yet).
    The TAO value changed by ``value_change_rao``: ``amount_effect_rao`` at the end's price and ``price_effect_rao``;
    None without both prices.
    """

    from_block: int
    to_block: int
    change_rao: int
    lines: tuple[tuple[str, int, int], ...]
    unexplained_rao: int
    verdict: str
    sentence: str
    value_change_rao: int | None
    amount_effect_rao: int | None
    price_effect_rao: int | None


class PricesView(msgspec.Struct, frozen=True):
    """The price source (None: off) and the stored prices asked for, oldest first."""

    source: PriceSource | None
    prices: tuple[FiatPrice, ...]


class CostsView(msgspec.Struct, frozen=True):
    """The cost book: entries, the tariff (None: not told), electricity by UTC day, and cost per slot and kind.

    Amounts are millionths of ``currency``; ``slots`` are (start ms, kind, amount), oldest first, only entries of that
    currency. ``note`` says what is not counted (another currency, hours that were not measured).
    """

    entries: tuple[Cost, ...]
    tariff: Tariff | None
    currency: str | None
    electricity: tuple[Electricity, ...]
    slots: tuple[tuple[int, str, int], ...]
    note: str = ""


class ExportView(msgspec.Struct, frozen=True):
    """How far an export is: rows written of all; None when it is not running (any more)."""

    rows: int | None
    all: int | None


# --- commands ---------------------------------------------------------------------------------------------------


class GetEarnings(Command[Earnings], frozen=True):
    """``bucket`` is ``epoch``, ``day``, ``week`` or ``month``; times in ms, ``until_ms`` outside; None = no limit.

    ``limit`` and ``offset`` page the rows; ``by_hotkey`` gives each hotkey buckets of its own.
    """

    bucket: str = "day"
    since_ms: int | None = None
    hotkey_ss58: str | None = None
    limit: int = 1000
    until_ms: int | None = None
    netuid: int | None = None
    by_hotkey: bool = False
    offset: int = 0


class GetGaps(Command[Gaps], frozen=True):
    """What of the earnings is not known, and why."""


class FillGaps(Command[Done], frozen=True):
    """Try every gap again now, instead of within the hour."""


class FollowEarnings(Command[Done], frozen=True):
    """Read up this hotkey's pay from this block to now, newest epochs first; ``GetGaps`` shows how far it is.

    What comes later is noted by itself for the miners' hotkeys and those that a watched coldkey owns.
    """

    netuid: int
    hotkey_ss58: str
    from_block: int


class MendLedger(Command[Done], frozen=True):
    """Set the damaged ledger of the chosen network aside and begin a new one with what can be read of it.

    Refused for a ledger that is sound. The damaged file is kept, and earnings are read again from the chain.
    """


class UseArchive(Command[Done], frozen=True):
    """The endpoint that is asked for blocks which an ordinary node has forgotten; empty for the network's usual one,
    ``off`` for none. Every gap is tried again."""

    endpoint: str


class CheckPosition(Command[PositionCheck], frozen=True):
    """Hold the ledger against the change of a position from the end of one block to the end of another (None: now).

    Needs a node that still keeps the state of both blocks; the archive is asked where there is one.
    """

    hotkey_ss58: str
    coldkey_ss58: str
    netuid: int
    from_block: int
    to_block: int | None = None


class AddReceipt(Command[Done], frozen=True):
    """Keep what became of a transaction, for ever. Repeating it changes nothing; a later stage replaces an earlier."""

    receipt: StoredReceipt


class GetReceipts(Command[Receipts], frozen=True):
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 500
    offset: int = 0


class UsePriceSource(Command[Done], frozen=True):
    """Where fiat prices come from from now on; None switches it off. Stored prices stay."""

    source: PriceSource | None


class FetchPrices(Command[Done], frozen=True):
    """Ask the price source now; the answer says how many prices are new."""


class GetPrices(Command[PricesView], frozen=True):
    since_ms: int | None = None
    until_ms: int | None = None


class SetCost(Command[Done], frozen=True):
    """Add a cost entry, or replace the one with the same id."""

    cost: Cost


class RemoveCost(Command[Done], frozen=True):
    id: str


class SetTariff(Command[Done], frozen=True):
    """The electricity tariff; None forgets it."""

    tariff: Tariff | None


class GetCosts(Command[CostsView], frozen=True):
    """Costs between two moments by ``day``, ``week`` or ``month``, in the tariff's or price source's currency."""

    since_ms: int
    until_ms: int
    bucket: str = "day"


class GetExport(Command[ExportView], frozen=True):
    """How far the export to this file is."""

    path: str


class CancelExport(Command[Done], frozen=True):
    """End the export to this file; it leaves nothing."""

    path: str


class GetLots(Command[LotBook], frozen=True):
    """One subnet's lots and disposals; ``order`` is ``fifo``, ``lifo`` or ``hifo``. In the price source's currency, or
    in TAO when none was chosen. The newest rows of each; ``ExportLots`` writes all."""

    netuid: int
    order: str = "fifo"


class ReadTrades(Command[Done], frozen=True):
    """Bring the books up to the newest final block with what the chain says of our positions: trades of any tool.

    The agent does it by itself now and then; the answer comes when it is done.
    """


class SetBasis(Command[Done], frozen=True):
    """What was paid, in rao of TAO, for a lot whose cost the chain cannot tell (a transfer from somebody, or what was
    held before it was followed). ``lot`` is its name in the book; None forgets it."""

    netuid: int
    lot: str
    cost_rao: int | None


class ExportLots(Command[Done], frozen=True):
    """Write them to a new file as CSV."""

    path: str
    netuid: int
    order: str = "fifo"
