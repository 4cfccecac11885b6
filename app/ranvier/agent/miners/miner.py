"""One miner as the agent holds it: what it should be (its file), what was seen of it, and what is done about it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from pathlib import Path

import msgspec

from ranvier.agent.api.messages import DiagnosisView, MinerView, Version
from ranvier.agent.miners.evidence import CHAIN_STALE_S, Facts, HealthSeen, PaySeen, SeatSeen, build, state_of
from ranvier.agent.miners.incidents import Around, Incident, without_seat
from ranvier.agent.miners.miner_file import MinerFile, free_port, port_free, write_miner
from ranvier.agent.miners.miner_parts import Observation, Tools
from ranvier.agent.miners.programs import Sightings
from ranvier.core.errors import MinerError, RanvierError
from ranvier.core.processes import ProcessIdentity
from ranvier.ledger.miner_sample import MinerSample
from ranvier.miners.diagnosis_facts import port_owner
from ranvier.miners.generations import Generations
from ranvier.miners.keeping import outdated
from ranvier.miners.states import HealthRow, HealthRule, Seen, Shown, ShownState, derive
from ranvier.miners.status import ExitRecord, MinerState
from ranvier.miners.torch_cuda import torch_cuda

log = logging.getLogger(__name__)

_UP = (MinerState.RUNNING, MinerState.STARTING)
_WELL = (ShownState.HEALTHY, ShownState.RUNNING)
_LONGEST_BACKOFF_S = 60.0
_KEPT_READINGS = 200


class Miner:
    """``observe`` blocks and belongs in a worker thread; everything else belongs on the loop."""

    def __init__(self, folder: Path, file: MinerFile, tools: Tools) -> None:
        self.folder = folder
        self.file = file
        self.keeper = tools.keeper_of(folder)
        self.lock = asyncio.Lock()
        self.installed = False
        self.torch_cuda: tuple[int, int] | None = None
        self._asks_gpu = False
        self.health: HealthSeen | None = None
        self.seat: SeatSeen | None = None
        self.pay: PaySeen | None = None
        self.installing: str | None = None
        self.incident = Incident(folder, tools.diagnoser)
        self.versions = Generations(folder)
        self.trial = self.versions.record()
        self._row = HealthRow()
        self._rule: HealthRule | None = None
        self._well_since: float | None = None
        self._busy: deque[tuple[float, float]] = deque(maxlen=_KEPT_READINGS)
        self._contact_at: float | None = None
        self._problems: dict[str, str] = {}
        self._tools = tools
        self._seen: Observation | None = None
        self.reading: MinerSample | None = None
        self.pids: tuple[int, ...] = ()
        self._failures = 0
        self._retry_at = 0.0
        self._waiting: str | None = None
        self._last_pids: tuple[int, ...] = ()

    # --- seeing ---------------------------------------------------------------------------------------------

    def observe(self) -> Observation:
        """Read the keeper's status file and look whether the processes it names live."""
        status = self.keeper.status()
        keeper_alive = status.keeper_pid > 0 and ProcessIdentity(status.keeper_pid, status.keeper_started).alive()
        alive = None
        if status.pid is not None and status.pid_started is not None:
            alive = ProcessIdentity(status.pid, status.pid_started).alive()
        return Observation(status, keeper_alive, alive)

    @property
    def root(self) -> tuple[int, int] | None:
        """The pids of its program and of its keeper (0 when that does not run); None when it does not run."""
        seen = self._seen
        if seen is None or not seen.alive or seen.status.pid is None:
            return None
        return seen.status.pid, seen.status.keeper_pid if seen.keeper_alive else 0

    def saw(self, seen: Observation) -> None:
        before, self._seen = self._seen, seen
        another = before is not None and before.status.pid != seen.status.pid
        if self.state not in _UP or another:  # of another process nothing is known yet
            self.health, self._row = None, HealthRow()
        if self.state not in _UP:
            self.reading, self.pids = None, ()
        shown = self.shown()
        now = self._tools.now()
        if shown.state not in _WELL or another:
            self._well_since = None
        elif self._well_since is None:
            self._well_since = now
        ended = self.incident.look(shown.state, wanted=self.file.wanted, well_s=self.well_s)
        if ended or before is None or before.changing != seen.changing:
            self._tools.changed()

    def saw_pay(self, pay: PaySeen | None) -> None:
        """What the ledger says now; a new payment shows that the chain knows it works."""
        before, self.pay = self.pay, pay
        if before is not None and pay is not None and pay.last_block != before.last_block:
            self._contact_at = pay.at

    def shown(self) -> Shown:
        """The state that people are told, with its health counted by its recipe."""
        seen = self._seen
        return derive(
            Seen(
                status=None if seen is None else seen.status,
                keeper_alive=seen is not None and seen.keeper_alive,
                alive=None if seen is None else seen.alive,
                wanted=self.file.wanted,
                installing=self.installing,
                install_error=self._problems.get("install"),
                rule=self._rule,
                health=self._row,
                waiting=self._waiting,
            ),
            self._tools.now(),
        )

    @property
    def well_s(self) -> float | None:
        """For how long it has been healthy, or up where its recipe has no check; None when it is not."""
        return None if self._well_since is None else self._tools.now() - self._well_since

    @property
    def crashes(self) -> int:
        return 0 if self._seen is None else self._seen.status.crashes

    @property
    def exits(self) -> tuple[ExitRecord, ...]:
        return () if self._seen is None else self._seen.status.exits

    def measured(self, reading: MinerSample, pids: tuple[int, ...], cards_at: float | None) -> None:
        """What it used just now, by which processes (none: it does not run), and when its cards were looked at."""
        self.reading, self.pids = (reading, pids) if pids else (None, ())
        self._last_pids = pids or self._last_pids
        newest = self._busy[-1][0] if self._busy else None
        if cards_at is not None and cards_at != newest and reading.gpu_percent is not None:
            self._busy.append((cards_at, reading.gpu_percent))

    @property
    def state(self) -> MinerState:
        return state_of(self._facts(None))

    def unexplained(self) -> bool:
        """Whether it has ended in a way that nobody was told about yet."""
        return self._seen is not None and self.incident.due(self._seen.status)

    async def explain(self, chain_note: str | None, gpu: str | None = None) -> str:
        """Find out why it ended, and say so once: the sentence when it is news, else nothing."""
        if self._seen is None:
            return ""
        status = self._seen.status
        around = Around(self.file, self.seat, chain_note, frozenset(self._last_pids), gpu)
        mark, found = await asyncio.to_thread(self.incident.explain, status, around)
        news = self.incident.tell(status, mark, found)
        if news:
            log.warning("miner %s: %s %s", self.file.id, found.sentence, found.step)
        self._tools.changed()
        return found.sentence if news and self.incident.view is not None else ""

    def health_due(self, pause_s: float) -> bool:
        """Whether to ask again: every ``pause_s`` while all is well, at each round until then."""
        health = self.health
        return health is None or not health.ok or abs(self._tools.now() - health.at) >= pause_s

    async def check_health(self) -> None:
        """Ask it how it is, if it runs."""
        if self.state not in _UP:
            return
        programs, seen = self._tools.programs, Sightings(self._contact_at, tuple(self._busy))
        pid = None if self._seen is None else self._seen.status.pid
        try:
            self._rule = programs.health_rule(self.folder, self.file)
            health = await programs.health(self.folder, self.file, seen)
        except RanvierError as error:  # its recipe was broken meanwhile; the other miners go on
            health = HealthSeen(False, error.message, self._tools.now(), final=True)
        if self.state not in _UP or self._seen is None or self._seen.status.pid != pid:
            return  # the answer is of a process that is gone
        before, self.health = self.health, health
        if self._rule is not None:
            rule = replace(self._rule, down_after=1) if health.final else self._rule
            self._row = self._row.after(health.ok, health.text, health.at, rule)
        if before is None or (before.ok, before.text, before.queries_answered) != (
            health.ok,
            health.text,
            health.queries_answered,
        ):
            self._tools.changed()

    async def check_installed(self) -> None:
        try:
            self.installed = await self._tools.programs.installed(self.folder, self.file)
            self._rule = self._tools.programs.health_rule(self.folder, self.file)
            self._asks_gpu = self._tools.programs.uses_gpu(self.folder, msgspec.structs.replace(self.file, gpus=()))
            self.torch_cuda = await asyncio.to_thread(lambda: torch_cuda(self.versions.current().env))
            self._problems.pop("recipe", None)
        except RanvierError as error:
            self._problems["recipe"] = error.message
        self._tools.changed()

    def view(self, chain_note: str | None) -> MinerView:
        """What is known now. ``chain_note`` says why the chain cannot be asked, None when it can."""
        facts = self._facts(chain_note)
        evidence, level = build(facts, self._tools.now())
        status = None if self._seen is None else self._seen.status
        file, health, used, pay, shown = self.file, self.health, self.reading, self.pay, self.shown()
        trial = self.trial
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
            cpu_percent=None if used is None else used.cpu_percent,
            rss=None if used is None else used.rss,
            neuron=None if self.seat is None else self.seat.neuron,
            earned_today_rao=None if pay is None else pay.today_rao,
            earned_7d_rao=None if pay is None else pay.week_rao,
            last_paid_block=None if pay is None else pay.last_block,
            axon_port=file.axon_port,
            queries_answered=None if health is None else health.queries_answered,
            last_query_at=None if health is None else health.last_query_at,
            installed=self.installed,
            gpu_memory=None if used is None else used.gpu_memory,
            reading=used,
            shown=shown.state,
            reason=shown.reason,
            shown_at=shown.seen_at,
            next_start_at=None if status is None else status.next_start_at,
            diagnosis=self.incident.view or self._seatless(chain_note),
            gpus=file.gpus,
            uses_gpu=bool(file.gpus or self._asks_gpu or (used is not None and used.gpu_memory)),
            torch_cuda=self.torch_cuda,
            external_ip=file.external_ip,
            external_port=file.external_port,
            version=Version(trial.current, trial.previous, trial.trial_since, file.update_note),
        )

    def _seatless(self, chain_note: str | None) -> DiagnosisView | None:
        seat, now = self.seat, self._tools.now()
        if self.root is None or self._seen is None or chain_note or seat is None or now - seat.at > CHAIN_STALE_S:
            return None
        return without_seat(self.file.id, self.file.netuid, seat, self._seen.status.started_at)

    # --- doing ----------------------------------------------------------------------------------------------

    async def start(self, endpoint: str, taken_ports: set[int], *, again: bool = False) -> None:
        """Run it, now and after every restart of agent or machine; ``again`` stops it first. Raises RanvierError."""
        async with self.lock:
            if not self.installed:
                raise MinerError("Not installed", f"{self.file.name} has no environment yet.", "Install it first.")
            if self.state not in _UP and not port_free(self.file.axon_port):
                await self.look()  # its keeper may have started it just now, and it holds the port itself
                if self.state not in _UP:
                    self._take_port(taken_ports)
            spec = await asyncio.to_thread(self._tools.programs.spec, self.folder, self.file, endpoint)
            self.keeper.write_spec(spec)
            self.change(wanted=True)
            self._retry_at, self._failures = 0.0, 0
            self._problems.clear()
            if self.state not in _UP and await self._must_wait():
                await self.keeper.end()  # it may be about to start it by itself
                await self.look()
                return
            await self.keeper.ensure()
            await (self.keeper.restart(spec.secrets) if again else self.keeper.start(spec.secrets))
            await self.look()

    async def stop(self) -> None:
        """Stop it and its keeper, now and for good. Raises RanvierError."""
        async with self.lock:
            try:
                self._waiting = None
                self.change(wanted=False)
            finally:  # a full disk must not keep it running, nor have a round start it again
                self._retry_at = float("inf") if self.file.wanted else self._retry_at
                await self.keeper.end()
                await self.look()

    async def look(self) -> None:
        """Observe without waiting for the next round."""
        self.saw(await asyncio.to_thread(self.observe))

    def needs_settling(self) -> bool:
        """Whether what runs differs from what should run, and it is time to do something about it."""
        if (seen := self._seen) is None or self.lock.locked() or self._tools.now() < self._retry_at:
            return False
        if self.file.wanted:
            if seen.status.state is MinerState.FAILED:
                return False  # the keeper gave up: that is for the owner to see
            return not seen.keeper_alive or seen.status.state is MinerState.STOPPED or outdated(seen.status)
        return bool(seen.alive) or seen.keeper_alive

    async def settle(self) -> None:
        """Make what runs what should run: after a restart of the machine, a killed keeper, an interrupted stop."""
        async with self.lock:
            try:
                if self.file.wanted:
                    if self.state not in _UP and await self._must_wait():
                        return
                    if (await self.keeper.ensure()).state is MinerState.STOPPED:
                        secrets = await asyncio.to_thread(self._tools.programs.secrets, self.folder, self.file)
                        await self.keeper.start(secrets)
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

    async def _must_wait(self) -> bool:
        """Whether a card it needs is another one's now; why is shown, and each round asks again."""
        before, self._waiting = self._waiting, await asyncio.to_thread(self._wait_reason)
        if before != self._waiting:
            self._tools.changed()
        return self._waiting is not None

    def _wait_reason(self) -> str | None:
        uses_gpu = self._tools.programs.uses_gpu(self.folder, self.file)
        return self._tools.wait_reason(self.file.gpus) if uses_gpu else None

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
            waiting=self._waiting,
            shown=self.shown().state,
        )

    def change(self, **values: object) -> None:
        """Store what differs in its file. Raises StorageError."""
        file = msgspec.structs.replace(self.file, **values)
        if file != self.file:
            write_miner(self.folder, file)
            self.file = file
            self._tools.changed()

    def trouble(self, subject: str, text: str | None) -> None:
        """Something about it is wrong (None: no longer)."""
        before = self._problems.pop(subject, None)
        if text is not None:
            self._problems[subject] = text
        if before != text:
            self._tools.changed()

    def _take_port(self, taken: set[int]) -> None:
        """The port is not free: take another, unless the chain already names this one."""
        port = self.file.axon_port
        axon = None if self.seat is None or self.seat.neuron is None else self.seat.neuron.axon
        published = axon is not None and axon.port == port
        if published or self.file.fixed_port:
            owner = port_owner(port)
            raise MinerError(
                "Port taken",
                f"Port {port}, {'where the chain says this miner is' if published else 'which was chosen for it'}, "
                f"is in use by {'another program' if owner is None else owner.text()}.",
                "End that program, or give the miner another port.",
            )
        self.change(axon_port=free_port(taken))
