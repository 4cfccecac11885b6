"""One miner as the agent holds it: what it should be (its file), what was seen of it, and what is done about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ranvier.agent.evidence import Facts, HealthSeen, PaySeen, SeatSeen, build, state_of
from ranvier.agent.messages import MinerView
from ranvier.agent.miner_file import MinerFile, free_port, port_free, write_miner
from ranvier.agent.programs import Keeper, Programs
from ranvier.agent.usage import TreeMeter, Usage
from ranvier.core.errors import MinerError, RanvierError
from ranvier.core.evidence import Evidence, Level
from ranvier.core.processes import ProcessIdentity
from ranvier.miners.status import KeeperStatus, MinerState

log = logging.getLogger(__name__)

_UP = (MinerState.RUNNING, MinerState.STARTING)
_LONGEST_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Tools:
    """Handles that every miner uses. ``now`` is Unix seconds; ``changed`` says that a view would differ."""

    programs: Programs
    keeper_of: Callable[[Path], Keeper]
    now: Callable[[], float]
    changed: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at the keeper's file and the process table gave."""

    status: KeeperStatus
    keeper_alive: bool
    alive: bool | None


class Miner:
    """``observe`` and ``measure`` block and belong in a worker thread; everything else belongs on the loop."""

    def __init__(self, folder: Path, file: MinerFile, tools: Tools) -> None:
        self.folder = folder
        self.file = file
        self.keeper = tools.keeper_of(folder)
        self.lock = asyncio.Lock()
        self.installed = False
        self.health: HealthSeen | None = None
        self.seat: SeatSeen | None = None
        self.pay: PaySeen | None = None
        self._problems: dict[str, str] = {}
        self._tools = tools
        self._seen: Observation | None = None
        self._usage: Usage | None = None
        self._meter = TreeMeter()
        self._failures = 0
        self._retry_at = 0.0

    # --- seeing ---------------------------------------------------------------------------------------------

    def observe(self) -> Observation:
        """Read the keeper's status file and look whether the processes it names live."""
        status = self.keeper.status()
        keeper_alive = status.keeper_pid > 0 and ProcessIdentity(status.keeper_pid, status.keeper_started).alive()
        alive = None
        if status.pid is not None and status.pid_started is not None:
            alive = ProcessIdentity(status.pid, status.pid_started).alive()
        return Observation(status, keeper_alive, alive)

    def measure(self) -> Usage | None:
        """CPU and memory of its whole tree, None when it does not run."""
        seen = self._seen
        pid = None if seen is None or not seen.alive else seen.status.pid
        return None if pid is None else self._meter.read(pid)

    def saw(self, seen: Observation) -> None:
        before, self._seen = self._seen, seen
        if self.state not in _UP:
            self.health = self._usage = None
        elif before is not None and before.status.pid != seen.status.pid:
            self.health = None  # another process: nothing is known of it yet
        if before is None or _what(before) != _what(seen):
            self._tools.changed()

    def measured(self, usage: Usage | None) -> None:
        self._usage = usage

    @property
    def state(self) -> MinerState:
        return state_of(self._facts(None))

    @property
    def pids(self) -> tuple[int, ...]:
        return () if self._usage is None else self._usage.pids

    def health_due(self, pause_s: float) -> bool:
        """Whether to ask again: every ``pause_s`` while all is well, at each round until then."""
        health = self.health
        return health is None or not health.ok or abs(self._tools.now() - health.at) >= pause_s

    async def check_health(self) -> None:
        """Ask it how it is, if it runs."""
        if self.state not in _UP:
            return
        try:
            health = await self._tools.programs.health(self.folder, self.file)
        except RanvierError as error:  # its recipe was broken meanwhile; the other miners go on
            health = HealthSeen(False, error.message, self._tools.now())
        before, self.health = self.health, health
        if before is None or (before.ok, before.text, before.queries_answered) != (
            health.ok,
            health.text,
            health.queries_answered,
        ):
            self._tools.changed()

    async def check_installed(self) -> None:
        try:
            self.installed = await self._tools.programs.installed(self.folder, self.file)
            self._problems.pop("recipe", None)
        except RanvierError as error:
            self._problems["recipe"] = error.message
        self._tools.changed()

    def view(self, chain_note: str | None) -> MinerView:
        """What is known now. ``chain_note`` says why the chain cannot be asked, None when it can."""
        facts = self._facts(chain_note)
        evidence, level = build(facts, self._tools.now())
        status = None if self._seen is None else self._seen.status
        file, health, usage, pay = self.file, self.health, self._usage, self.pay
        return MinerView(
            id=file.id,
            name=file.name,
            recipe=file.recipe,
            network=file.network,
            netuid=file.netuid,
            hotkey_ss58=file.hotkey_ss58,
            coldkey_ss58=file.coldkey_ss58,
            state=state_of(facts),
            wanted=file.wanted,
            level=level,
            evidence=evidence,
            pid=status.pid if status is not None and self._seen is not None and self._seen.alive else None,
            started_at=None if status is None else status.started_at,
            starts=0 if status is None else status.starts,
            crashes=0 if status is None else status.crashes,
            exits=() if status is None else status.exits,
            cpu_percent=None if usage is None else usage.cpu_percent,
            rss=None if usage is None else usage.rss,
            neuron=None if self.seat is None else self.seat.neuron,
            earned_today_rao=None if pay is None else pay.today_rao,
            earned_7d_rao=None if pay is None else pay.week_rao,
            last_paid_block=None if pay is None else pay.last_block,
            axon_port=file.axon_port,
            queries_answered=None if health is None else health.queries_answered,
            last_query_at=None if health is None else health.last_query_at,
            installed=self.installed,
        )

    # --- doing ----------------------------------------------------------------------------------------------

    async def start(self, endpoint: str, taken_ports: set[int], *, again: bool = False) -> None:
        """Run it, now and after every restart of agent or machine; ``again`` stops it first. Raises RanvierError."""
        async with self.lock:
            if not self.installed:
                raise MinerError("Not installed", f"{self.file.name} has no environment yet.", "Install it first.")
            if self.state not in _UP:
                self._take_port(taken_ports)
            self._tools.programs.check(self.file.recipe)
            self.keeper.write_spec(self._tools.programs.spec(self.folder, self.file, endpoint))
            self._store(wanted=True)
            self._retry_at, self._failures = 0.0, 0
            self._problems.clear()
            await self.keeper.ensure()
            await (self.keeper.restart() if again else self.keeper.start())
            await self.look()

    async def stop(self) -> None:
        """Stop it and its keeper, now and for good. Raises RanvierError."""
        async with self.lock:
            self._store(wanted=False)
            await self.keeper.end()
            await self.look()

    async def look(self) -> None:
        """Observe without waiting for the next round."""
        self.saw(await asyncio.to_thread(self.observe))

    def needs_settling(self) -> bool:
        """Whether what runs differs from what should run, and it is time to do something about it."""
        if self._seen is None or self.lock.locked() or self._tools.now() < self._retry_at:
            return False
        seen = self._seen
        if self.file.wanted:
            if seen.status.state is MinerState.FAILED:
                return False  # the keeper gave up: that is for the owner to see
            return not seen.keeper_alive or seen.status.state is MinerState.STOPPED
        return bool(seen.alive) or seen.keeper_alive

    async def settle(self) -> None:
        """Make what runs what should run: after a restart of the machine, a killed keeper, an interrupted stop."""
        async with self.lock:
            try:
                if self.file.wanted:
                    status = await self.keeper.ensure()
                    if status.state is MinerState.STOPPED:
                        await self.keeper.start()
                else:
                    await self.keeper.end()
            except RanvierError as error:
                self._failures += 1
                self._retry_at = self._tools.now() + min(_LONGEST_BACKOFF_S, 2.0**self._failures)
                self._problems["keeper"] = error.message
                log.warning("miner %s: %s", self.file.id, error)
            else:
                self._failures = 0
                self._problems.pop("keeper", None)
            await self.look()

    # --- inside ---------------------------------------------------------------------------------------------

    def _facts(self, chain_note: str | None) -> Facts:
        seen = self._seen
        return Facts(
            netuid=self.file.netuid,
            wanted=self.file.wanted,
            installed=self.installed,
            keeper=None if seen is None else seen.status,
            keeper_alive=seen is not None and seen.keeper_alive,
            alive=None if seen is None else seen.alive,
            health=self.health,
            seat=self.seat,
            pay=self.pay,
            chain_note=chain_note,
            problem=next(iter(self._problems.values()), None),
        )

    def _store(self, *, wanted: bool) -> None:
        if self.file.wanted != wanted:
            file = msgspec.structs.replace(self.file, wanted=wanted)
            write_miner(self.folder, file)
            self.file = file
            self._tools.changed()

    def _take_port(self, taken: set[int]) -> None:
        """Keep the port if it is free; otherwise take another, unless the chain already names this one."""
        port = self.file.axon_port
        if port_free(port):
            return
        axon = None if self.seat is None or self.seat.neuron is None else self.seat.neuron.axon
        if axon is not None and axon.port == port:
            raise MinerError(
                "Port taken",
                f"Another program listens on port {port}, where the chain says this miner is.",
                "End that program and start the miner again.",
            )
        file = msgspec.structs.replace(self.file, axon_port=free_port(taken))
        write_miner(self.folder, file)
        self.file = file


class BrokenMiner:
    """A folder whose file cannot be read: it shows its problem, and the others go on."""

    def __init__(self, folder: Path, problem: str) -> None:
        self.folder = folder
        self.problem = problem

    def view(self, now: float) -> MinerView:
        return MinerView(
            id=self.folder.name,
            name=self.folder.name,
            recipe="",
            network="",
            netuid=0,
            hotkey_ss58="",
            coldkey_ss58="",
            state=MinerState.UNKNOWN,
            wanted=False,
            level=Level.BAD,
            evidence=(
                Evidence(Level.BAD, self.problem, now),
                *(Evidence(Level.UNKNOWN, "not known") for _ in range(4)),
            ),
        )


def _what(seen: Observation) -> tuple[object, ...]:
    status = seen.status
    return (status.state, status.reason, status.pid, status.starts, status.crashes, seen.keeper_alive, seen.alive)
