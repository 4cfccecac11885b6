"""What the miners on each card were paid in the time that the Hardware page shows: asks the agent, seldom."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ranvier.agent.api.messages import AgentStatus, GapRow, GetGaps, GetMinerHistory, MinerHistory, MinerView
from ranvier.core.errors import RanvierError
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ui.context import Context
from ranvier.ui.models.card_pay import Paid, gap_doubt, on_card

_EVERY_S = 30.0  # payments come by the epoch


class CardPay:
    """``refresh`` asks where something changed or time went by; ``of`` says what is known of one card."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: dict[str, MinerHistory | str] | None = None  # a text: why it is not known
        self._gaps: tuple[GapRow, ...] = ()
        self._gaps_unknown = ""
        self._head: int | None = None
        self._asked: tuple[object, ...] = ()
        self._asked_at = 0.0
        self._on: dict[str, tuple[MinerView, ...]] = {}
        self._range = (0.0, 0.0)

    async def refresh(
        self, status: AgentStatus | None, sample: Hardware, pids: Mapping[str, frozenset[int]],
        span: tuple[float, float], key: object,
    ) -> bool:  # fmt: skip
        """Whether something was asked. ``span``: the time shown; ``key`` changes when another time was chosen."""
        if status is None:
            return False
        cards = _cards(sample.gpus)
        self._on = {card: on_card(status.miners, uuids, users, pids) for card, (uuids, users) in cards.items()}
        miners = {one.id: one for ones in self._on.values() for one in ones}
        asked = (key, tuple(sorted(miners)))
        if asked == self._asked and time.monotonic() - self._asked_at < _EVERY_S:
            return False
        told: dict[str, MinerHistory | str] = {}
        start, end = span
        for one in miners.values():
            try:
                history: MinerHistory = await self._context.client.call(GetMinerHistory(one.id, start, end, 2))
                told[one.id] = history
            except RanvierError as error:
                told[one.id] = f"{one.name}: {error.message}"
        await self._ask_gaps()
        self._told, self._range = told, span
        self._head = None if status.chain.head is None else status.chain.head.number
        self._asked, self._asked_at = asked, time.monotonic()
        return True

    async def _ask_gaps(self) -> None:
        self._gaps, self._gaps_unknown = (), ""
        try:
            self._gaps = (await self._context.client.call(GetGaps())).gaps
        except RanvierError as error:
            self._gaps_unknown = f"Whether the ledger is whole is not known: {error.message}"

    def of(self, uuid: str, span: tuple[float, float], key: object) -> tuple[Paid, ...] | None:
        """What each miner on this card was paid in this time; None while that was not asked for."""
        if self._told is None or self._asked[0] != key:
            return None
        paid = (self._paid(one, uuid) for one in self._on.get(uuid, ()))
        inside = ((one, tuple(row for row in one.rows if span[0] <= row.time_ms / 1000 <= span[1])) for one in paid)
        return tuple(replace(one, rows=rows) for one, rows in inside)

    def _paid(self, miner: MinerView, uuid: str) -> Paid:
        told = (self._told or {}).get(miner.id, f"{miner.name}: the ledger has not answered yet.")
        if isinstance(told, str):
            return Paid(miner.name, doubt=told)
        start = self._range[0]
        rows = tuple(row for row in told.pay if row.netuid == miner.netuid)
        if told.pay_note:
            return Paid(miner.name, doubt=f"The pay of {miner.name} is not known: {told.pay_note}")
        if told.pay_from is not None and told.pay_from > start:
            return Paid(miner.name, rows, f"The pay of {miner.name} is not told from the beginning of this time.")
        others = [other for other, ones in self._on.items() if other != uuid and any(m.id == miner.id for m in ones)]
        if others:
            return Paid(
                miner.name, rows, f"{miner.name} is on {len(others) + 1} cards: its pay is not this one's alone."
            )
        lacks = gap_doubt(self._gaps, miner, self._head, start, time.time())
        return Paid(miner.name, rows, self._gaps_unknown or lacks)


def _cards(gpus: Sequence[Gpu]) -> dict[str, tuple[frozenset[str], frozenset[int]]]:
    """Each card with its instances' UUIDs, and the programs on them. An instance whose card is hidden is one itself."""
    present = {gpu.uuid for gpu in gpus}
    uuids: dict[str, set[str]] = {}
    users: dict[str, set[int]] = {}
    for gpu in gpus:
        card = gpu.parent_uuid if gpu.parent_uuid in present and gpu.parent_uuid is not None else gpu.uuid
        uuids.setdefault(card, set()).add(gpu.uuid)
        users.setdefault(card, set()).update(process.pid for process in gpu.processes or ())
    return {card: (frozenset(members), frozenset(users[card])) for card, members in uuids.items()}
