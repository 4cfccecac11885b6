"""What each command of money does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ranvier.agent.api import messages as m
from ranvier.agent.api import money_messages
from ranvier.agent.api.server import Handler
from ranvier.agent.commands.ledger_export import LedgerExport
from ranvier.agent.money.portfolio import require_network
from ranvier.agent.money.position_check import check_position
from ranvier.agent.network.chain_face import Chain
from ranvier.core.errors import AgentError, KeyFileError, LedgerError
from ranvier.ledger import buckets, cost_book, coverage, lot_book, prices, receipts
from ranvier.ledger.store import Ledger

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent

_LONGEST_MS = 20 * 366 * 86_400_000


class MoneyCommands:
    """Every method raises RanvierErrors only."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._export = LedgerExport(agent)

    def handlers(self) -> Mapping[type[m.Command[Any]], Handler]:
        return {
            m.GetEarnings: self.get_earnings,
            m.GetGaps: self.get_gaps,
            m.FillGaps: self.fill_gaps,
            m.FollowEarnings: self.follow_earnings,
            m.UseArchive: self.use_archive,
            money_messages.MendLedger: self.mend_ledger,
            m.CheckPosition: self.check_position,
            m.AddReceipt: self.add_receipt,
            m.GetReceipts: self.get_receipts,
            m.UsePriceSource: self.use_price_source,
            m.FetchPrices: self.fetch_prices,
            m.GetPrices: self.get_prices,
            m.SetCost: self.set_cost,
            m.RemoveCost: self.remove_cost,
            m.SetTariff: self.set_tariff,
            m.GetCosts: self.get_costs,
            m.ExportEarnings: self._export.export_earnings,
            money_messages.GetExport: self._export.get_export,
            money_messages.CancelExport: self._export.cancel_export,
            money_messages.GetLots: self._export.get_lots,
            money_messages.ExportLots: self._export.export_lots,
            money_messages.ReadTrades: self.read_trades,
            money_messages.SetBasis: self.set_basis,
        }

    # --- earnings -------------------------------------------------------------------------------------------

    async def get_earnings(self, command: m.GetEarnings) -> m.Earnings:
        _check_bucket(command.bucket, buckets.KINDS)
        ledger = self._ledger()
        source = await self._agent.prices.source()
        days = await ledger.read(lambda c: prices.by_day(c, source.currency)) if source is not None else {}
        rows = await ledger.payments(
            since_ms=command.since_ms, until_ms=command.until_ms, hotkey_ss58=command.hotkey_ss58,
            netuid=command.netuid, limit=command.limit, offset=command.offset,
        )  # fmt: skip
        sums = await ledger.buckets(
            command.bucket, since_ms=command.since_ms, until_ms=command.until_ms, hotkey_ss58=command.hotkey_ss58,
            netuid=command.netuid, by_hotkey=command.by_hotkey, day_prices=prices.micro_of(days),
        )  # fmt: skip
        currency = None if source is None else source.currency
        return m.Earnings(rows, sums, currency)

    async def get_gaps(self, _: m.GetGaps) -> m.Gaps:
        found = await self._ledger().read(coverage.gaps)
        return m.Gaps(tuple(found), await self._agent.archives.endpoint(self._network()))

    async def fill_gaps(self, _: m.FillGaps) -> m.Done:
        await self._ledger().write(coverage.forget_reasons)
        self._agent.writer.again()
        return m.Done("Every gap is tried again.")

    async def follow_earnings(self, command: m.FollowEarnings) -> m.Done:
        from ranvier.keys.addresses import is_ss58

        if not is_ss58(command.hotkey_ss58):
            raise KeyFileError("Not an address", f"“{command.hotkey_ss58[:60]}” is not an ss58 address.")
        head = self._agent.watch.require()
        start = max(1, command.from_block)
        if start > head.block.number:
            raise AgentError("Not yet", f"Block {start} does not exist yet; the newest is {head.block.number}.")
        until = await head.chain.finalized()
        await self._ledger().write(
            lambda c: coverage.follow(c, command.netuid, command.hotkey_ss58, start, max(start, until))
        )
        self._agent.writer.again()
        return m.Done(f"Earnings are read from block {start} on.")

    async def use_archive(self, command: m.UseArchive) -> m.Done:
        if command.endpoint not in ("", "off") and not command.endpoint.startswith(("ws://", "wss://")):
            raise AgentError("Not an endpoint", "An endpoint begins with wss:// or ws://.")
        ledger = self._ledger()
        await self._agent.archives.choose(self._network(), command.endpoint)
        await ledger.write(coverage.forget_reasons)
        self._agent.writer.again()
        return m.Done("Gaps are tried again.")

    async def mend_ledger(self, _: money_messages.MendLedger) -> m.Done:
        network = self._network()
        words = await self._agent.ledgers.mend(network)
        await self._agent.portfolio.load(network)
        await self._agent.ledger_renewed()
        return m.Done(f"{words} Earnings are read again from the chain.")

    async def read_trades(self, _: money_messages.ReadTrades) -> m.Done:
        self._ledger()
        await self._agent.trades.follow(self._agent.watch.require())
        return m.Done("What the chain says of your positions is in the books, up to its newest final block.")

    async def set_basis(self, command: money_messages.SetBasis) -> m.Done:
        at_ms = int(self._agent.now() * 1000)
        await self._ledger().write(
            lambda c: lot_book.set_basis(c, command.netuid, command.lot, command.cost_rao, at_ms)
        )
        return m.Done("Kept." if command.cost_rao is not None else "Forgotten.")

    async def check_position(self, command: m.CheckPosition) -> m.PositionCheck:
        head, network = self._agent.watch.require(), self._network()

        async def archive() -> Chain | None:
            return await self._agent.archives.chain(network)

        return await check_position(head.chain, archive, self._ledger(), head.block, command)

    # --- receipts -------------------------------------------------------------------------------------------

    async def add_receipt(self, command: m.AddReceipt) -> m.Done:
        network = self._network()
        if command.receipt.network != network:
            raise AgentError("Other network", f"The receipt is of {command.receipt.network}, not {network}.")
        new = await self._ledger().write(lambda c: receipts.add(c, command.receipt))
        self._agent.receipts.seen(command.receipt)
        return m.Done("Kept." if new else "It was known.")

    async def get_receipts(self, command: m.GetReceipts) -> m.Receipts:
        return m.Receipts(
            await self._ledger().read(
                lambda c: receipts.receipts(
                    c,
                    since_ms=command.since_ms,
                    until_ms=command.until_ms,
                    limit=command.limit,
                    offset=command.offset,
                )
            )
        )

    # --- prices and costs -----------------------------------------------------------------------------------

    async def use_price_source(self, command: m.UsePriceSource) -> m.Done:
        self._ledger()
        await self._agent.prices.choose(command.source)
        return m.Done("No price source is asked." if command.source is None else "Prices are fetched every hour.")

    async def fetch_prices(self, _: m.FetchPrices) -> m.Done:
        self._ledger()
        new = await self._agent.prices.fetch()
        if new is None:
            raise AgentError("No price source", "No price source was chosen.", "Choose one first.")
        return m.Done(f"{new} new prices.")

    async def get_prices(self, command: m.GetPrices) -> m.PricesView:
        ledger = self._ledger()
        source = await self._agent.prices.source()
        if source is None:
            return m.PricesView(None, ())
        currency = source.currency
        found = await ledger.read(lambda c: prices.stored(c, currency, command.since_ms, command.until_ms))
        return m.PricesView(source, found)

    async def set_cost(self, command: m.SetCost) -> m.Done:
        await self._ledger().write(lambda c: cost_book.store(c, command.cost))
        return m.Done("Kept.")

    async def remove_cost(self, command: m.RemoveCost) -> m.Done:
        there = await self._ledger().write(lambda c: cost_book.remove(c, command.id))
        return m.Done("Removed." if there else "There was none.")

    async def set_tariff(self, command: m.SetTariff) -> m.Done:
        await self._ledger().write(lambda c: cost_book.set_tariff(c, command.tariff))
        return m.Done("Kept.")

    async def get_costs(self, command: m.GetCosts) -> m.CostsView:
        _check_bucket(command.bucket, ("day", "week", "month"))
        if not 0 <= command.until_ms - command.since_ms <= _LONGEST_MS:
            raise AgentError("Not understood", "That is no span of time.")
        ledger = self._ledger()
        entries, tariff = await ledger.read(cost_book.entries), await ledger.read(cost_book.tariff)
        source = await self._agent.prices.source()
        currency = source.currency if source is not None else tariff.currency if tariff is not None else None
        if currency is None:
            return m.CostsView(entries, tariff, None, (), ())
        energy = await self._agent.samples.energy(command.since_ms, command.until_ms)
        found = await ledger.read(
            lambda c: cost_book.costs(
                c,
                energy,
                currency,
                command.since_ms,
                command.until_ms,
                command.bucket,
                prices.micro_of(prices.by_day(c, currency)),
            )
        )
        return m.CostsView(entries, tariff, currency, found.electricity, found.slots, found.note)

    # --- inside ---------------------------------------------------------------------------------------------

    def _network(self) -> str:
        require_network(self._agent.network.name)
        return self._agent.network.name

    def _ledger(self) -> Ledger:
        network = self._network()
        ledger = self._agent.ledgers.get(network)
        if ledger is None:
            closed = LedgerError("Ledger closed", f"The ledger of {network} is not open.", "See what needs attention.")
            raise self._agent.trouble("ledger file") or closed
        return ledger


def _check_bucket(bucket: str, known: tuple[str, ...]) -> None:
    if bucket not in known:
        raise AgentError("Not understood", f"There is no bucket “{bucket[:40]}”.", f"Use {', '.join(known)}.")
