"""Samples every position now and then while the agent runs, and tells its past with one's own transactions marked."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from ranvier.agent.api.history_messages import GetPositionHistory, PositionHistory, PositionMark, PositionPoint
from ranvier.agent.network.chain_watch import Head
from ranvier.core.errors import AgentError, LedgerError
from ranvier.core.paths import Paths
from ranvier.ledger import receipts
from ranvier.ledger.positions import Positions, Sample
from ranvier.ledger.receipts import StoredReceipt
from ranvier.ledger.store import Ledger

log = logging.getLogger(__name__)

_EVERY_S = 300.0
_EVERY_SANDBOX_S = 15.0
_HAPPENED = ("in_block", "final")
_MOST_MARKS = 2000


class PositionWatch:
    """``coldkeys`` gives those whose positions are sampled on a network, ``ledger`` that of the chain worked on."""

    def __init__(
        self,
        paths: Paths,
        coldkeys: Callable[[str], Iterable[str]],
        ledger: Callable[[str], Ledger | None],
        *,
        now: Callable[[], float],
    ) -> None:
        self._paths, self._coldkeys, self._ledger, self._now = paths, coldkeys, ledger, now
        self._open: tuple[tuple[str, str], Positions] | None = None
        self._sampled: dict[tuple[str, str], float] = {}
        self._network = ""

    def handlers(self) -> dict[type[Any], Callable[[Any], Awaitable[Any]]]:
        """The methods for the commands of ``history_messages``."""
        return {GetPositionHistory: self.get}

    async def close(self) -> None:
        if self._open is not None:
            kept, self._open = self._open[1], None
            await kept.close()

    async def on_head(self, head: Head) -> None:
        """Sample, when the last sample is old enough. Raises NetworkError, ChainError, LedgerError."""
        genesis = head.chain.genesis_hash
        coldkeys = sorted(set(self._coldkeys(head.network)))
        if genesis is None or not coldkeys:
            return
        key = (head.network, genesis)
        kept = await self._positions(key)
        if abs(self._now() - self._sampled.get(key, -1e12)) < every_s(head.network):
            return
        at_ms = head.block.time_ms if head.block.time_ms is not None else int(self._now() * 1000)
        found = await head.chain.positions(coldkeys, head.block)
        await kept.add(
            [
                Sample(
                    one.coldkey_ss58, one.hotkey_ss58, one.netuid, at_ms, head.block.number, one.alpha_rao,
                    one.price_rao,
                )
                for one in found
            ]
        )  # fmt: skip
        self._sampled[key] = self._now()

    async def get(self, asked: GetPositionHistory) -> PositionHistory:
        """Raises AgentError while no chain is known, LedgerError."""
        if self._open is None:
            raise AgentError("Not sampled yet", "No position was sampled on this network yet.", "Wait for a block.")
        (network, _), kept = self._open
        samples = await kept.of(asked.coldkey_ss58, asked.hotkey_ss58, asked.netuid, asked.since_ms)
        ledger = self._ledger(network)
        found: tuple[StoredReceipt, ...] = ()
        if ledger is not None:
            found = await ledger.read(lambda c: receipts.receipts(c, since_ms=asked.since_ms, limit=_MOST_MARKS))
        return PositionHistory(
            tuple(PositionPoint(one.at_ms, one.block, one.alpha_rao, one.price_rao) for one in samples),
            tuple(mark_of(one) for one in reversed(found) if touches(one, asked)),
            every_s(network),
        )

    async def _positions(self, key: tuple[str, str]) -> Positions:
        """The samples of this very chain: a practice network that was made anew begins anew."""
        if self._open is not None and self._open[0] == key:
            return self._open[1]
        await self.close()
        name = f"positions-{key[1].removeprefix('0x')[:12]}.sqlite"
        path = self._paths.network(key[0]) / name
        try:
            kept = await _opened(path)
        except LedgerError as error:
            aside = path.with_name(f"{path.stem}-damaged.sqlite")
            log.error("%s: %s; kept as %s", path, error, aside)
            try:
                path.replace(aside)
            except OSError:
                raise error from None
            kept = await _opened(path)
        self._open = (key, kept)
        return kept


async def _opened(path: Path) -> Positions:
    kept = Positions(path)
    try:
        await kept.open()
    except BaseException:
        await kept.close()
        raise
    return kept


def every_s(network: str) -> float:
    """How often positions are sampled there, in seconds."""
    return _EVERY_SANDBOX_S if network == "sandbox" else _EVERY_S


def touches(receipt: StoredReceipt, asked: GetPositionHistory) -> bool:
    """Whether a transaction changed, or names, this position."""
    place = (asked.coldkey_ss58, asked.hotkey_ss58, asked.netuid)
    if receipt.stage not in _HAPPENED:
        return False
    if any((one.coldkey_ss58, one.hotkey_ss58, one.netuid) == place for one in receipt.operations):
        return True
    named = receipt.signer_ss58 == asked.coldkey_ss58 and any(
        value == asked.hotkey_ss58 or asked.hotkey_ss58 in value for _, value in receipt.lines
    )
    return named and not receipt.operations


def mark_of(receipt: StoredReceipt) -> PositionMark:
    """Its mark: at the block's time where that is known."""
    at_ms = receipt.operations[0].time_ms if receipt.operations else receipt.at_ms
    return PositionMark(at_ms, receipt.title, receipt.kept, receipt.id)
