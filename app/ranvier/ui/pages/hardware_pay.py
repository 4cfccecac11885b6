"""What the miners on each card were paid in the time that the Hardware page shows: asks the agent, seldom."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ranvier.agent.api.messages import (
    AgentStatus,
    GetGaps,
    GetMinerHistory,
    MinerHistory,
    MinerView,
)
from ranvier.core.errors import RanvierError
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ledger.coverage import Gap
from ranvier.ledger.payments import Payment
from ranvier.ui.context import Context
from ranvier.ui.models.card_pay import Paid, Stays, card_parts, gap_doubt, on_card, stays

_EVERY_S = 30.0  # payments come by the epoch
_NOBODY = Stays(None, {})
_GONE = Paid("a miner that was removed", doubt="A miner that was removed since ran on this card; its pay is not told.")


class CardPay:
    """``refresh`` asks where something changed or time went by; ``of`` says what is known of one card."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: dict[str, MinerHistory | str] | None = None  # a text: why it is not known
        self._gaps: tuple[Gap, ...] = ()
        self._gaps_unknown = ""
        self._head: int | None = None
        self._asked: tuple[object, ...] = ()
        self._asked_at = 0.0
        self._miners: dict[str, MinerView] = {}
        self._now: dict[str, frozenset[str]] = {}  # the cards that each miner is on now
        self._stays = _NOBODY
        self._range = (0.0, 0.0)

    async def refresh(
        self, status: AgentStatus | None, samples: Sequence[Hardware], now: Sequence[Gpu],
        pids: Mapping[str, frozenset[int]], span: tuple[float, float], key: object,
    ) -> bool:  # fmt: skip
        """Whether something was asked. ``samples`` are those of ``span``, the time shown; ``now`` the cards now;
        ``key`` changes when another time was chosen."""
        if status is None:
            return False
        here: dict[str, set[str]] = {}
        for card, parts in card_parts(now).items():
            users = frozenset(process.pid for gpu in parts for process in gpu.processes or ())
            for one in on_card(status.miners, frozenset(gpu.uuid for gpu in parts), users, pids):
                here.setdefault(one.id, set()).add(card)
        asked = (key, tuple(sorted(here)), tuple(one.id for one in status.miners))
        if asked == self._asked and time.monotonic() - self._asked_at < _EVERY_S:
            return False
        self._miners = {one.id: one for one in status.miners}
        self._now = {one: frozenset(cards) for one, cards in here.items()}
        self._stays = stays(samples)
        told: dict[str, MinerHistory | str] = {}
        for miner in {*self._now, *self._stays.seen} & self._miners.keys():
            told[miner] = await self._ask(miner, span)
        await self._ask_gaps()
        self._told, self._range = told, span
        self._head = None if status.chain.head is None else status.chain.head.number
        self._asked, self._asked_at = asked, time.monotonic()
        return True

    async def _ask(self, miner: str, span: tuple[float, float]) -> MinerHistory | str:
        try:
            history: MinerHistory = await self._context.client.call(GetMinerHistory(miner, *span, 2))
        except RanvierError as error:
            return f"{self._miners[miner].name}: {error.message}"
        return history

    async def _ask_gaps(self) -> None:
        self._gaps, self._gaps_unknown = (), ""
        try:
            self._gaps = (await self._context.client.call(GetGaps())).gaps
        except RanvierError as error:
            self._gaps_unknown = f"Whether the ledger is whole is not known: {error.message}"

    def of(self, uuid: str, span: tuple[float, float], key: object) -> tuple[Paid, ...] | None:
        """What each miner that ran on this card was paid for it in this time; None while that was not asked for."""
        if self._told is None or self._asked[0] != key:
            return None
        here = {miner for miner, cards in self._now.items() if uuid in cards} | self._stays.ever(uuid)
        known = [self._paid(self._miners[one], uuid) for one in sorted(here) if one in self._miners]
        inside = (
            replace(one, rows=tuple(row for row in one.rows if span[0] <= row.time_ms / 1000 <= span[1]))
            for one in known
        )
        return (*inside, *([_GONE] if len(known) < len(here) else ()))

    def _paid(self, miner: MinerView, uuid: str) -> Paid:
        told = (self._told or {}).get(miner.id, f"{miner.name}: the ledger has not answered yet.")
        if isinstance(told, str):
            return Paid(miner.name, doubt=told)
        start = self._range[0]
        if told.pay_note:
            return Paid(miner.name, doubt=f"The pay of {miner.name} is not known: {told.pay_note}")
        places = [(row, self._cards_at(miner, row)) for row in told.pay if row.netuid == miner.netuid]
        rows = tuple(row for row, cards in places if uuid in cards)
        if told.pay_from is not None and told.pay_from > start:
            return Paid(miner.name, rows, f"The pay of {miner.name} is not told from the beginning of this time.")
        most = max((len(cards) for _row, cards in places if uuid in cards), default=len(self._now.get(miner.id, ())))
        if most > 1:
            return Paid(miner.name, rows, f"{miner.name} is on {most} cards: its pay is not this one's alone.")
        lacks = gap_doubt(self._gaps, miner, self._head, start, time.time())
        return Paid(miner.name, rows, self._gaps_unknown or lacks)

    def _cards_at(self, miner: MinerView, row: Payment) -> frozenset[str]:
        return self._stays.at(miner.id, row.time_ms / 1000, self._now.get(miner.id, frozenset()))
