"""The agent's composition root: makes every part once, hands it what it needs, runs and ends them in order.

ChainWatch --head--> Ledgers.fit, Miners (seats), Portfolio (whose pay), LedgerWriter --rows--> Hub
Miners --needs--> keepers            WorkingNetwork --> sandbox, ledger, ChainWatch
Server --command--> Commands --> all of these         Hub --events--> Server's listeners
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranvier import __version__
from ranvier.agent.api.hub import Hub
from ranvier.agent.api.messages import PROTOCOL, AgentStatus, EarningEvent, InstallEvent, StatusEvent
from ranvier.agent.api.server import Server
from ranvier.agent.attention import attention
from ranvier.agent.code_watch import CodeWatch
from ranvier.agent.commands.commands import Commands
from ranvier.agent.commands.secret_commands import SecretCommands
from ranvier.agent.desired import DesiredFile
from ranvier.agent.hardware_watch import HardwareWatch
from ranvier.agent.key_watch import KeyWatch
from ranvier.agent.miners.claims import CardTurns
from ranvier.agent.miners.installs import Installs
from ranvier.agent.miners.miner_parts import Tools
from ranvier.agent.miners.miner_samples import MinerSampler
from ranvier.agent.miners.miners import Miners, Surroundings
from ranvier.agent.miners.programs import Keeper, Programs
from ranvier.agent.miners.secret_store import SecretStore
from ranvier.agent.moments import EndpointNotes, Moments
from ranvier.agent.money.ladders import LadderBook
from ranvier.agent.money.ledger_writer import LedgerWriter
from ranvier.agent.money.ledgers import Ledgers
from ranvier.agent.money.market import Market
from ranvier.agent.money.portfolio import PortfolioReader
from ranvier.agent.money.position_history import PositionWatch
from ranvier.agent.money.price_watch import PriceWatch
from ranvier.agent.money.receipt_watch import ReceiptWatch
from ranvier.agent.money.trade_walk import TradeWalk
from ranvier.agent.network.archives import Archives
from ranvier.agent.network.chain_face import Chain
from ranvier.agent.network.chain_watch import ChainWatch, Head
from ranvier.agent.power import Power
from ranvier.agent.sandbox import SandboxNode
from ranvier.agent.working_network import WorkingNetwork
from ranvier.core.errors import LedgerError, NetworkError, RanvierError
from ranvier.core.paths import Paths
from ranvier.core.settings import HARDWARE_INTERVAL_S, SANDBOX_BLOCK_MS, STOP_BEFORE_SLEEP, Setting, Settings, T
from ranvier.core.tasks import Tasks
from ranvier.hardware.sampler import Sampler
from ranvier.hardware.thresholds import Thresholds, thresholds
from ranvier.ledger.samples import Samples
from ranvier.ledger.store import Ledger

log = logging.getLogger(__name__)

_AT_LEAST_EVERY_S = 5.0
_AT_MOST_EVERY_S = 0.25
_PAY_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the agent meets the world with; tests put their own in place.

    ``chain_of`` makes the chain of a network at an endpoint (None: the network's own ones), ``archive_of`` that of
    its archive.
    """

    programs: Programs
    keeper_of: Callable[[Path], Keeper]
    chain_of: Callable[[str, str | None], Chain]
    sampler: Sampler
    sandbox_command: Sequence[str] | None = None
    now: Callable[[], float] = time.time
    archive_of: Callable[[str, str], Chain] | None = None
    secrets: SecretStore = field(default_factory=SecretStore)


class Agent:
    """``run`` works until ``stop`` is called. One agent per home: the caller holds the lock."""

    def __init__(self, paths: Paths, parts: Parts) -> None:
        self._paths = paths
        self._now = parts.now
        self._started_at = parts.now()
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._troubles: dict[str, RanvierError] = {}
        self._fitted: tuple[str, str] | None = None
        self.hub = Hub()
        self.ledgers = Ledgers(paths)
        self.watch = ChainWatch([self._on_head], self.changed, now=parts.now)
        self.installs = Installs(parts.programs, lambda step: self.hub.send(InstallEvent(step)))
        turns = CardTurns(paths.benchmarks / "locks", lambda: self.hardware.latest)
        tools = Tools(parts.programs, parts.keeper_of, parts.now, self.changed, wait_reason=turns.wait_reason)
        self.moments = Moments(paths.agent / "moments.jsonl")
        self._endpoint_notes = EndpointNotes(self.moments)
        around = Surroundings(
            watched=lambda: self.hub.listeners > 0,
            chain_note=self.chain_note,
            endpoint=lambda network: self.network.endpoint_for(network),
            hardware=lambda: self.hardware.latest,
            noted=lambda miner_id, kind, text: self.moments.add(self._now(), kind, text, miner_id=miner_id),
        )
        self.miners = Miners(paths, tools, self.installs, around)
        self.programs = parts.programs
        self.secrets = SecretCommands(parts.secrets, parts.programs, self.miners.get)
        self._make_money(paths, parts)
        desired = DesiredFile(paths.agent / "state.json")
        node = SandboxNode(
            paths, parts.keeper_of, lambda: self._setting(SANDBOX_BLOCK_MS), command=parts.sandbox_command
        )
        self.network = WorkingNetwork(
            desired, node, self.watch, self.ledgers, self.portfolio, parts.chain_of,
            self.ledger_opened,
        )  # fmt: skip
        self._make_machine(paths, parts, around)
        self.code = CodeWatch(self.changed)
        self._server = Server(paths, Commands(self).handlers(), self.hub, self._greeting)
        self._tasks = Tasks()

    def _make_money(self, paths: Paths, parts: Parts) -> None:
        """What follows keys, positions, pay and prices."""
        self.portfolio = PortfolioReader(self.watch, self.ledgers, self.miners.coldkeys)
        self.archives = Archives(self._fitted_ledger, parts.archive_of or parts.chain_of)
        self.prices = PriceWatch(
            lambda: self.ledgers.get(self.network.name), lambda error: self._trouble("prices", error), now=parts.now
        )
        self.market = Market(paths, self.watch, self._coldkeys)
        self.writer = LedgerWriter(
            self._fitted_ledger,
            lambda network: [*self.miners.targets(network), *self.portfolio.targets(network)],
            lambda rows: self.hub.send(EarningEvent(rows)),
            lambda network: self._begin(self._read_pay(network), "read pay"),
            lambda error: self._trouble("ledger", error),
            archive=self.archives.chain,
        )
        self.trades = TradeWalk(self._fitted_ledger, self._coldkeys, self.archives.chain)
        self.positions = PositionWatch(paths, self._coldkeys, self._fitted_ledger, now=parts.now)
        self.receipts = ReceiptWatch(
            self._fitted_ledger, self._coldkeys, now=parts.now, archive=self.archives.chain
        )  # fmt: skip
        self.keys = KeyWatch(self._coldkeys, now=parts.now)
        self.ladders = LadderBook(
            paths, lambda: (self.watch.network, self.watch.view().genesis_hash), self.market.quote, self.changed,
            lambda error: self._trouble("ladders", error), now=parts.now,
        )  # fmt: skip

    def _make_machine(self, paths: Paths, parts: Parts, around: Surroundings) -> None:
        """What watches this machine."""
        self.samples = Samples(paths.data / "hardware.sqlite")
        self.hardware = HardwareWatch(
            parts.sampler, self.samples, self.hub, self.miners.all,
            lambda: float(self._setting(HARDWARE_INTERVAL_S)), self._limits, self.changed,
            lambda error: self._trouble("samples", error), now=parts.now,
        )  # fmt: skip
        self.sampler = MinerSampler(
            self.samples, self.miners.all, self.hub, lambda: self.hardware.latest,
            lambda error: self._trouble("miner samples", error), parts.now,
        )  # fmt: skip
        self.power = Power(
            lambda: self._setting(STOP_BEFORE_SLEEP), self.miners.wanted, around.noted,
            lambda error: self._trouble("power", error),
        )  # fmt: skip

    # --- its life -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen, bring back what the files say, and work until stopped. Raises RanvierError when it cannot start."""
        try:
            await self.miners.load()
            await self._server.open()
            log.info("agent %s, process %s, home %s", __version__, os.getpid(), self._paths.data)
            for name, work in self._works():
                self._tasks.start(work, name)
            await self._stopping.wait()
        finally:
            await self._end()

    def stop(self) -> None:
        """Let ``run`` end. Miners and sandbox go on under their keepers."""
        self._stopping.set()

    def changed(self) -> None:
        """Something that a status shows is different: listeners will be told."""
        chain = self.watch.view()
        self._endpoint_notes.look(chain.network, chain.level, chain.text, self._now())
        self._changed.set()

    def now(self) -> float:
        """Unix seconds."""
        return self._now()

    def chain_note(self, network: str) -> str | None:
        """Why the chain of ``network`` cannot be asked, in words; None when it can."""
        return self.watch.note() if network == self.watch.network else f"{network} is not watched"

    def ledger_opened(self, error: RanvierError | None) -> None:
        """The chosen network's ledger was opened, or could not be."""
        self._trouble("ledger file", error)
        if error is None:
            self._begin(self._read_pay(self.network.name), "read pay")

    async def ledger_renewed(self) -> None:
        """Another ledger was begun for the chosen network: see that it is of this chain, and read what it lacks."""
        self._fitted = None
        self.ledger_opened(None)
        with contextlib.suppress(NetworkError):  # the next block will do
            await self._fit(self.watch.require())
        self.writer.again()

    def trouble(self, subject: str) -> RanvierError | None:
        """What is wrong with it at the moment."""
        return self._troubles.get(subject)

    def status(self) -> AgentStatus:
        """The whole truth of this moment, from memory."""
        chain = self.watch.view()
        miners = self.miners.views(self.watch.network, self.watch.note())
        return AgentStatus(
            version=__version__,
            protocol=PROTOCOL,
            pid=os.getpid(),
            started_at=self._started_at,
            at=self._now(),
            chain=chain,
            miners=miners,
            sandbox=self.network.sandbox,
            outdated=self.code.outdated,
            attention=attention(
                chain,
                miners,
                [*self._troubles.values(), *self.network.troubles()],
                [
                    entry
                    for part in (self.hardware, self.keys, self.receipts, self.ladders)
                    for entry in part.attention()
                ],
            ),
        )

    # --- inside ---------------------------------------------------------------------------------------------

    def _works(self) -> tuple[tuple[str, Coroutine[Any, Any, None]], ...]:
        return (
            ("status", self._tell()),
            ("miners", self.miners.run()),
            ("miner samples", self.sampler.run()),
            ("network", self.network.run()),
            ("earnings", self.writer.run()),
            ("pay", self._pay_rounds()),
            ("trades", self.trades.run()),
            ("prices", self.prices.run()),
            ("hardware", self.hardware.run()),
            ("power", self.power.run()),
            ("ladders", self.ladders.run()),
            ("code", self.code.run()),
        )

    async def _end(self) -> None:
        await self._server.close()
        await self._tasks.close()
        await self.installs.close()
        await self.market.close()
        await self.positions.close()
        await self.watch.close()
        await self.archives.close()
        await self.ledgers.close()
        await self.hardware.close()
        log.info("agent ended")

    async def _on_head(self, head: Head) -> None:
        """Everything that happens at a new block, in the order in which one thing needs the other. A step that
        fails does not keep the next from being tried: a ledger in trouble must not hide a miner's seat.
        """
        for step in (
            self._fit,
            self.miners.on_head,
            self.portfolio.find_targets,
            self.writer.on_head,
            self.trades.on_head,
            self.positions.on_head,
            self.receipts.on_head,
            self.keys.on_head,
        ):
            try:
                await step(head)
            except RanvierError as error:
                log.warning("at block %s: %s", head.block.number, error)
        self.changed()

    async def _fit(self, head: Head) -> None:
        """Have the ledger that belongs to this very chain; without it nothing is written."""
        genesis = head.chain.genesis_hash
        if genesis is None or self._fitted == (head.network, genesis):
            return
        self._fitted = None
        try:
            await self.ledgers.fit(head.network, genesis)
        except LedgerError as error:
            self._trouble("ledger file", error)
            raise
        self._fitted = (head.network, genesis)
        await self._read_pay(head.network)

    def _coldkeys(self, network: str) -> set[str]:
        """Those whose money is shown: watched ones, and the miners'."""
        return {*self.portfolio.watched(network), *self.miners.coldkeys(network)}

    def _fitted_ledger(self, network: str) -> Ledger | None:
        return self.ledgers.get(network) if self._fitted is not None and self._fitted[0] == network else None

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.start(work, name)

    async def _pay_rounds(self) -> None:
        """Read the sums now and then, also while no block arrives: a new day begins without one."""
        while True:
            await asyncio.sleep(_PAY_EVERY_S)
            await self._read_pay(self.network.name)

    async def _read_pay(self, network: str) -> None:
        ledger = self.ledgers.get(network)
        if ledger is not None:
            await self.miners.read_pay(network, ledger, self.writer.last_epoch)

    def _greeting(self) -> StatusEvent:
        """What a new listener is told first."""
        self.code.look()
        return StatusEvent(self.status())

    async def _tell(self) -> None:
        """Send a status at each change, a few times a second at most, and every five seconds anyway."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AT_LEAST_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            if self.hub.listeners:
                self.hub.send(StatusEvent(self.status()))
            await asyncio.sleep(_AT_MOST_EVERY_S)

    def _trouble(self, subject: str, error: RanvierError | None) -> None:
        before = self._troubles.pop(subject, None)
        if error is not None:
            self._troubles[subject] = error
        if str(before) != str(error):
            self.changed()

    def _settings(self) -> Settings | None:
        """The settings as the file has them now; None, and told, while it cannot be read."""
        try:
            found = Settings(self._paths.settings_file)
        except RanvierError as error:
            self._trouble("settings", error)
            return None
        self._trouble("settings", None)
        return found

    def _limits(self) -> Thresholds:
        found = self._settings()
        return Thresholds() if found is None else thresholds(found)

    def _setting(self, setting: Setting[T]) -> T:
        """A setting as the file has it now: the window may have changed it."""
        found = self._settings()
        return setting.default if found is None else found.get(setting)
