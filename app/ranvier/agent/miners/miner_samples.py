"""Reads what each miner uses, keeps it, and answers with everything about one miner on one axis of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from ranvier.agent.api.hub import Hub
from ranvier.agent.api.messages import GetMinerHistory, MinerHistory, Moment
from ranvier.agent.miners.miner import Miner
from ranvier.agent.miners.usage import ProcessTable, TreeMeter, Usage, gpu_of, heat_of
from ranvier.core.errors import LedgerError, RanvierError
from ranvier.core.outside import NOT_JSON
from ranvier.hardware.snapshot import Hardware
from ranvier.ledger.miner_sample import MinerSample
from ranvier.ledger.payments import Payment
from ranvier.ledger.samples import Samples
from ranvier.miners.status import ExitRecord

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent

_WATCHED_S, _IDLE_S = 2.0, 10.0
_ROUND_S = 1.0
_FRESH_S = 60.0  # what the cards or the chain said longer ago is not known now
_MOST_PAY = 4000


class MinerSampler:
    """``miners`` are all of them. One owner; ``run`` until cancelled."""

    def __init__(
        self,
        samples: Samples,
        miners: Callable[[], Sequence[Miner]],
        hub: Hub,
        hardware: Callable[[], Hardware | None],
        trouble: Callable[[RanvierError | None], None],
        now: Callable[[], float],
    ) -> None:
        self._samples = samples
        self._miners = miners
        self._hub = hub
        self._hardware = hardware
        self._trouble = trouble
        self._now = now
        self._table = ProcessTable()
        self._meters: dict[str, TreeMeter] = {}
        self._noted: dict[str, tuple[ExitRecord, ...]] = {}

    async def run(self) -> None:
        """Take readings: often while somebody listens, calmly otherwise."""
        last = float("-inf")
        while True:
            now = self._now()
            if abs(now - last) >= (_WATCHED_S if self._hub.listeners else _IDLE_S):
                last = now
                await self.take()
            await asyncio.sleep(_ROUND_S)

    async def take(self) -> None:
        """One reading of each miner of which anything is known, kept; a full disk is told, not raised."""
        miners = list(self._miners())
        if not miners:
            return
        measured = await asyncio.to_thread(self._measure, miners)
        now, rows = self._now(), []
        for miner, usage in zip(miners, measured, strict=True):
            seen = self._hardware()
            hardware = seen if seen is not None and abs(now - seen.at) < _FRESH_S else None
            one = reading(usage, hardware, miner.file.gpus, incentive(miner, now), now)
            miner.measured(one, () if usage is None else usage.pids, None if hardware is None else hardware.at)
            if one != MinerSample(now, machine_c=one.machine_c):
                rows.append((miner.file.id, one))
        try:
            await self._samples.add_miners(now, rows)
            for miner in miners:
                await self.note_ends(miner)
        except LedgerError as error:
            self._trouble(error)
        else:
            self._trouble(None)

    async def note_ends(self, miner: Miner) -> None:
        """Keep how it ended: its keeper remembers the newest ends only. Raises LedgerError."""
        exits = miner.exits
        if exits != self._noted.get(miner.file.id, ()):
            await self._samples.note_ends(miner.file.id, [(one.at, msgspec.json.encode(one)) for one in exits])
            self._noted[miner.file.id] = exits

    async def forget(self, miner_id: str) -> None:
        """Delete what is kept of a miner that is removed. Raises LedgerError."""
        self._noted.pop(miner_id, None)
        await self._samples.forget_miner(miner_id)

    async def ends(self, miner_id: str, since: float, until: float) -> tuple[ExitRecord, ...]:
        """Ends of the runs that touch this time, oldest first. Raises LedgerError."""
        bodies = await self._samples.ends(miner_id, since, max(until, self._now()))
        ends = []
        for body in bodies:
            try:
                ends.append(msgspec.json.decode(body, type=ExitRecord))
            except NOT_JSON:
                continue  # another version's
        return tuple(one for one in ends if one.at - one.ran_s <= until)

    async def readings(self, miner_id: str, since: float, until: float, points: int) -> tuple[MinerSample, ...]:
        """Raises LedgerError."""
        return await self._samples.miner(miner_id, since, until, points)

    def _measure(self, miners: Sequence[Miner]) -> list[Usage | None]:
        self._table.look()
        ids = {miner.file.id for miner in miners}
        self._meters = {one: self._meters.get(one) or TreeMeter() for one in ids}
        return [self._usage(miner) for miner in miners]

    def _usage(self, miner: Miner) -> Usage | None:
        root = miner.root
        if root is None:
            return None
        return self._meters[miner.file.id].read(root[0], self._table.members(*root, miner.folder))


def reading(
    usage: Usage | None, hardware: Hardware | None, gpus: Sequence[str], share: float | None, now: float
) -> MinerSample:
    """One miner now. ``usage`` None: it does not run; ``hardware`` None: not known."""
    pids = () if usage is None else usage.pids
    busy, held, heat = None, None, None
    if hardware is not None and usage is not None:
        busy, held = gpu_of(hardware, gpus, pids)
        heat = heat_of(hardware, gpus, pids)
    return MinerSample(
        at=now,
        cpu_percent=None if usage is None else usage.cpu_percent,
        rss=None if usage is None else usage.rss,
        processes=None if usage is None else len(pids),
        gpu_percent=busy,
        gpu_memory=held,
        temperature_c=heat,
        machine_c=None if hardware is None else hardware.host.temperature_c,
        read_bps=None if usage is None else usage.read_bps,
        write_bps=None if usage is None else usage.write_bps,
        received_bps=None if usage is None else usage.received_bps,
        sent_bps=None if usage is None else usage.sent_bps,
        incentive=share,
    )


def incentive(miner: Miner, now: float) -> float | None:
    """What the chain's newest word gives it; None when that is old or it has no seat."""
    seat = miner.seat
    if seat is None or seat.neuron is None or abs(now - seat.at) >= _FRESH_S:
        return None
    return float(seat.neuron.incentive)


async def history(agent: Agent, command: GetMinerHistory) -> MinerHistory:
    """Everything about one miner between two moments. A part that cannot be read is said to be missing."""
    miner = agent.miners.get(command.id)
    agent.hardware.looked_at()  # its cards are a part of it
    now = agent.now()
    until = now if command.until is None else command.until
    since = min(command.since, until)
    await agent.sampler.note_ends(miner)
    view = miner.view(None)
    pay, pay_note, pay_from = await _pay(agent, miner, since, until)
    return MinerHistory(
        since=since,
        until=until,
        samples=await agent.sampler.readings(command.id, since, until, max(2, min(command.points, 2000))),
        moments=_moments(agent.moments.of(command.id, miner.file.network, 0.0), since, until),
        exits=await agent.sampler.ends(command.id, since, until),
        started_at=view.started_at if view.pid is not None else None,
        pay=pay,
        pay_note=pay_note,
        pay_from=pay_from,
    )


def _moments(told: Sequence[Moment], since: float, until: float) -> tuple[Moment, ...]:
    """Those of this time, and what was last said of the endpoint before it."""
    before = [one for one in told if one.kind.startswith("endpoint") and one.at < since]
    return (*before[-1:], *(one for one in told if since <= one.at <= until))


async def _pay(agent: Agent, miner: Miner, since: float, until: float) -> tuple[tuple[Payment, ...], str, float | None]:
    """Its payments, oldest first; why they are not known; and since when they are told, if not from the beginning."""
    ledger = agent.ledgers.get(miner.file.network)
    if ledger is None:
        return (), "its ledger is not open", None
    try:
        rows = await ledger.payments(
            since_ms=int(since * 1000), until_ms=int(until * 1000) + 1, hotkey_ss58=miner.file.hotkey_ss58,
            netuid=miner.file.netuid, limit=_MOST_PAY,
        )  # fmt: skip
    except LedgerError as error:
        return (), error.message, None
    cut = rows[-1].time_ms / 1000 if len(rows) == _MOST_PAY else None
    return tuple(reversed(rows)), "", cut
