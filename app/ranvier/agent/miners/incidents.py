"""Why a miner failed, found once for each incident: facts are gathered in a worker thread, then judged by rules.

An incident begins with an end that nobody asked for and lasts until the miner is well again or stopped. Further ends
for the same reason belong to it: it keeps its beginning, and so its key, and is not told again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ranvier.agent.api.messages import DiagnosisView
from ranvier.agent.api.miner_messages import NO_SEAT
from ranvier.agent.miners.evidence import SeatSeen
from ranvier.agent.miners.miner_file import MinerFile
from ranvier.core.errors import RecipeError
from ranvier.core.evidence import block_text
from ranvier.miners.diagnosis import Diagnoser, Diagnosis
from ranvier.miners.diagnosis_facts import Facts, PortOwner, disk_free, oom_record, port_owner
from ranvier.miners.environment import own_environment
from ranvier.miners.generations import Generations
from ranvier.miners.logs.logs import LogLine, tail
from ranvier.miners.recipe.recipe import Recipe
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, KeeperStatus, MinerState

log = logging.getLogger(__name__)

LABELS = {
    "retry": "Try again now",
    "open_log": "Show in the log",
    "change_port": "Take another port and start",
    "register": "Register the hotkey …",
    "free_disk": "Show what fills the disk",
    "reinstall": "Make its environment anew",
    "edit_miner": "Change the miner …",
    "edit_recipe": "Correct its recipe …",
    "set_secret": "Set the secret …",
    "change_endpoint": "Choose another endpoint …",
    "start_sandbox": "Start the sandbox and the miner",
    "none": "",
}
# The same step on the command line; {id} is the miner, {subject} what the step begins with.
COMMANDS = {
    "retry": "ranvier miners start {id}",
    "open_log": "ranvier miners logs {id}",
    "change_port": "ranvier miners fix {id}",
    "start_sandbox": "ranvier miners fix {id}",
    "reinstall": "ranvier miners update {id} --fresh",
    "edit_recipe": "ranvier miners recipe {id} > recipe.toml, then: ranvier miners update {id} --recipe recipe.toml",
    "set_secret": "ranvier miners secret set {id} {subject}",
}
_LINES = 600
_STABLE_S = 60.0
_BUSY_PORT = re.compile(r"in use|already allocated|EADDRINUSE|Only one usage|Errno 98|Errno 48", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\d.])(\d{2,5})(?![\d.])")
_MOST_PORTS = 5


@dataclass(frozen=True, slots=True)
class Around:
    """What the agent knew of the world when the miner ended. ``chain_note`` None: the chain answers."""

    file: MinerFile
    seat: SeatSeen | None
    chain_note: str | None
    pids: frozenset[int]
    gpu: str | None = None


class Incident:
    """The incident of one miner, or none. ``explain`` blocks; everything else is for the loop."""

    def __init__(self, folder: Path, diagnoser: Diagnoser) -> None:
        self._folder = folder
        self._diagnoser = diagnoser
        self._explained: object = None
        self.view: DiagnosisView | None = None

    def due(self, status: KeeperStatus) -> bool:
        """Whether the miner has ended in a way that was not explained yet."""
        if status.state not in (MinerState.BACKING_OFF, MinerState.FAILED):
            return False
        return _mark(status) != self._explained

    def explain(self, status: KeeperStatus, around: Around) -> tuple[object, Diagnosis]:
        """Gather the facts and judge them. Blocking (a log is read, ports are looked at)."""
        found = self._diagnoser.explain(gather(self._folder, status, around))
        if found.action == "change_endpoint" and around.file.network == "sandbox":  # it has this one, of this machine
            found = replace(found, action="start_sandbox", step="Start the practice network; then the miner.")
        return _mark(status), found

    def tell(self, status: KeeperStatus, mark: object, found: Diagnosis) -> bool:
        """Show this diagnosis; whether it is news."""
        self._explained = mark
        before = self.view
        if found.action == "none" and not found.evidence:
            self.view = None
            return before is not None
        same = before is not None and before.cause == found.cause
        since = before.since if same and before is not None else began(status.exits) or found.at
        ends = len(_row(status.exits)) or 1
        self.view = DiagnosisView(
            cause=found.cause,
            sentence=found.sentence,
            evidence=found.evidence,
            step=found.step,
            action=found.action,
            label=LABELS.get(found.action, ""),
            known=found.known,
            subject=found.subject,
            command=COMMANDS.get(found.action, "").format(id=self._folder.name, subject=found.subject),
            since=since,
            at=found.at,
            ends=ends,
        )
        return not same

    def look(self, shown: ShownState, *, wanted: bool, well_s: float | None) -> bool:
        """End the incident when the miner is well again, or stopped; whether that changed something."""
        over = shown is ShownState.HEALTHY or (well_s is not None and well_s >= _STABLE_S)
        if self.view is None or not (over or (shown is ShownState.STOPPED and not wanted)):
            return False
        self.view = None
        return True


def without_seat(miner_id: str, netuid: int, seat: SeatSeen | None, since: float | None) -> DiagnosisView | None:
    """What to tell of a miner that runs while the chain, asked just now, has no seat for it; None when it has one."""
    if seat is None or seat.neuron is not None:
        return None
    return DiagnosisView(
        cause=NO_SEAT,
        sentence=f"It runs, but its hotkey has no seat on subnet {netuid}: nobody asks it, and it earns nothing.",
        evidence=(f"not registered on subnet {netuid} at block {block_text(seat.block)}",),
        step="Register the hotkey, or stop the miner until you do.",
        action="register",
        label=LABELS["register"],
        known=True,
        command=f"ranvier miners stop {miner_id}",
        since=since,
    )


def gather(folder: Path, status: KeeperStatus, around: Around) -> Facts:
    """Everything that may explain the last end of the program in ``folder``. Blocking."""
    end = status.exits[-1] if status.exits else None
    lines, _next = tail(folder, None, _LINES)
    file, seat = around.file, around.seat
    neuron = None if seat is None else seat.neuron
    killed = end is not None and end.signal == 9
    recipe = _recipe(folder)
    return Facts(
        exit=end,
        lines=lines,
        refused=refused(status),
        netuid=file.netuid,
        network=file.network,
        axon_port=file.axon_port,
        ports=_ports(lines, file.axon_port),
        registered=None if seat is None or around.chain_note is not None else neuron is not None,
        registration="" if seat is None else _registration(file, seat),
        endpoint_up=None if seat is None and around.chain_note is None else around.chain_note is None,
        endpoint=around.chain_note or "",
        disk_free=disk_free(folder),
        oom=oom_record(set(around.pids), end.at - end.ran_s) if killed and end is not None and around.pids else None,
        gpu=around.gpu,
        own_environment=None if recipe is None else own_environment(recipe),
        command_ports={} if recipe is None else _command_ports(recipe, lines),
        memory_limit=None if recipe is None else recipe.limits.memory_bytes,
    )


def _recipe(folder: Path) -> Recipe | None:
    try:
        return Generations(folder).current().recipe()
    except RecipeError:
        return None


def _command_ports(recipe: Recipe, lines: Sequence[LogLine]) -> Mapping[int, PortOwner | None]:
    """Who has the ports that its command names as numbers of their own, when a port was complained about."""
    if not any(_BUSY_PORT.search(line.text) for line in lines[-80:]):
        return {}
    words = [word.rpartition("=")[2] for word in recipe.program.command]
    ports = [int(word) for word in words if word.isdecimal() and len(word) < 6 and 1024 <= int(word) <= 65535]
    return {port: port_owner(port) for port in list(dict.fromkeys(ports))[:_MOST_PORTS]}


def refused(status: KeeperStatus) -> str | None:
    """The keeper's reason when the system did not execute the program at all; None when it was executed and ended."""
    _, given_up, last = status.reason.partition("; the last time it ")
    if status.state is MinerState.FAILED and not given_up:
        return status.reason
    text = last if given_up else status.reason.partition("; crash ")[0]
    return None if text.startswith(("ended ", "was ended ")) else text


def began(exits: tuple[ExitRecord, ...]) -> float | None:
    """When the row of ends that nobody asked for began: after a long run, a new one begins."""
    row = _row(exits)
    return row[0].at if row else None


def key_of(miner_id: str, found: DiagnosisView) -> str:
    """The same for every telling of one incident."""
    return f"miner/{miner_id}/{found.cause}/{int(found.since or 0)}"


def _row(exits: tuple[ExitRecord, ...]) -> list[ExitRecord]:
    row: list[ExitRecord] = []
    for one in reversed(exits):
        if one.wanted:
            break
        row.insert(0, one)
        if one.ran_s >= _STABLE_S:
            break
    return row


def _mark(status: KeeperStatus) -> object:
    last = status.exits[-1].at if status.exits else None
    return last, status.state is MinerState.FAILED, status.crashes


def _ports(lines: tuple[LogLine, ...], own: int) -> Mapping[int, PortOwner | None]:
    """Who has the miner's port, and the ports that its last lines complain about."""
    named = [own]
    for line in reversed(lines[-80:]):
        if _BUSY_PORT.search(line.text):
            named += [int(number) for number in _NUMBER.findall(line.text) if 1 <= int(number) <= 65535]
    return {port: port_owner(port) for port in list(dict.fromkeys(named))[:_MOST_PORTS]}


def _registration(file: MinerFile, seat: SeatSeen) -> str:
    where = f"on subnet {file.netuid} of {file.network} at block {block_text(seat.block)}"
    if seat.neuron is None:
        return f"its hotkey is not registered {where}"
    return f"its hotkey is uid {seat.neuron.uid} {where}"
