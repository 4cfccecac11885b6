"""What may be said about a miner, from what was seen of it. Pure: no clock, no file, no process.

Alive is not healthy, healthy is not registered, registered is not asked, asked is not paid: each is seen for itself
and has its own age. What was not seen is UNKNOWN, never GOOD.
"""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.chain.model import Neuron
from ranvier.core.evidence import Evidence, Level, age_text, block_text, worst
from ranvier.miners.states import ShownState
from ranvier.miners.status import KeeperStatus, MinerState

NO_CHECK = "its recipe has no health check"
HEALTH_STALE_S = 20.0
CHAIN_STALE_S = 180.0
CONTACT_WARN_S = 900.0
_ON = (MinerState.STARTING, MinerState.RUNNING)


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """One answer, or failure to answer, of the miner's health address. ``ok`` None: it says that it still loads.

    ``final``: asking again will not help (its recipe is broken), so one such answer is enough.
    """

    ok: bool | None
    text: str
    at: float
    queries_answered: int | None = None
    last_query_at: float | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class SeatSeen:
    """What one block said about the miner's seat: ``neuron`` None means that it has none."""

    neuron: Neuron | None
    block: int
    at: float


@dataclass(frozen=True, slots=True)
class PaySeen:
    """What the ledger says. ``last_block`` None: never paid. ``epoch_block`` is the newest epoch that is noted."""

    today_rao: int
    week_rao: int
    last_block: int | None
    at: float
    epoch_block: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was seen of one miner. None means: not seen.

    ``alive`` is whether the very process that the keeper names runs; ``keeper_alive`` the same for the keeper.
    ``chain_note`` says why the chain cannot be asked (None = it can). ``shown`` is the state with its health counted:
    one bad answer of a healthy miner is a warning, the recipe says how many are a failure.
    """

    netuid: int
    wanted: bool
    installed: bool
    keeper: KeeperStatus | None = None
    keeper_alive: bool = False
    alive: bool | None = None
    health: HealthSeen | None = None
    seat: SeatSeen | None = None
    pay: PaySeen | None = None
    chain_note: str | None = None
    problem: str | None = None
    waiting: str | None = None
    shown: ShownState | None = None


def state_of(facts: Facts) -> MinerState:
    """The keeper's word as far as it can still be believed."""
    status = facts.keeper
    if status is None:
        return MinerState.UNKNOWN if facts.wanted else MinerState.STOPPED
    if facts.keeper_alive or status.state in (MinerState.STOPPED, MinerState.FAILED):
        return status.state
    if facts.alive:
        return MinerState.RUNNING  # without a keeper for the moment; its process goes on
    return MinerState.UNKNOWN if facts.wanted else MinerState.STOPPED


def build(facts: Facts, now: float) -> tuple[tuple[Evidence, ...], Level]:
    """Process, health, registration, contact and pay, in this order, and the level that sums them up."""
    state = state_of(facts)
    evidence = (
        _process(facts, state, now),
        _health(facts, state, now),
        _registration(facts, now),
        _contact(facts, state, now),
        _pay(facts, now),
    )
    if facts.problem is not None:
        return evidence, Level.BAD
    if not facts.wanted and state is MinerState.STOPPED:
        return evidence, Level.OFF
    return evidence, worst(one.level for one in evidence)


def _process(facts: Facts, state: MinerState, now: float) -> Evidence:
    if facts.problem is not None:
        return Evidence(Level.BAD, facts.problem, now)
    if facts.waiting is not None:
        return Evidence(Level.BUSY, facts.waiting, now)
    status = facts.keeper
    if status is None:
        if facts.wanted:
            return Evidence(Level.UNKNOWN, "should run; nothing was seen of it yet")
        return Evidence(Level.OFF, "stopped" if facts.installed else "not installed yet")
    seen = now if facts.keeper_alive else status.written_at
    match state:
        case MinerState.RUNNING if facts.alive and not facts.keeper_alive:
            return Evidence(Level.WARN, f"process {status.pid} alive, its keeper is gone; a new one is started", now)
        case MinerState.RUNNING if facts.alive:
            since = age_text(status.started_at, now).removesuffix(" ago")
            lives = "started just now" if since == "just now" else f"alive for {since}"
            return Evidence(Level.GOOD, f"process {status.pid} {lives}", seen)
        case MinerState.RUNNING:
            return Evidence(Level.UNKNOWN, f"process {status.pid} was not found", seen)
        case MinerState.STARTING:
            return Evidence(Level.BUSY, "starting", seen)
        case MinerState.STOPPING:
            return Evidence(Level.BUSY, status.reason or "stopping", seen)
        case MinerState.BACKING_OFF:
            wait = "" if status.next_start_at is None else f"; next start in {max(0, status.next_start_at - now):.0f} s"
            return Evidence(Level.WARN, f"{status.reason or 'it ended'}{wait}", seen)
        case MinerState.FAILED:
            return Evidence(Level.BAD, status.reason or "given up", seen)
        case MinerState.STOPPED if not facts.wanted:
            return Evidence(Level.OFF, status.reason or "stopped", seen)
        case MinerState.STOPPED:
            return Evidence(Level.WARN, "stopped although it should run", seen)
        case _:
            return Evidence(Level.UNKNOWN, "its keeper does not answer", seen)


def _health(facts: Facts, state: MinerState, now: float) -> Evidence:
    health = facts.health
    if state not in _ON:
        return Evidence(Level.OFF, "not running", None if health is None else health.at)
    if health is None:
        return Evidence(Level.UNKNOWN, "not asked yet")
    if health.text == NO_CHECK:
        return Evidence(Level.UNKNOWN, NO_CHECK)
    if now - health.at > HEALTH_STALE_S:
        return Evidence(Level.UNKNOWN, f"{health.text}, not asked since", health.at)
    level = Level.BUSY if health.ok is None else Level.GOOD if health.ok else Level.BAD
    if facts.shown is ShownState.DEGRADED:
        level = Level.WARN if health.ok else Level.BAD
    elif level is Level.BAD and not health.final:
        level = {ShownState.HEALTHY: Level.WARN, ShownState.STARTING: Level.BUSY}.get(
            facts.shown or ShownState.UNKNOWN, level
        )
    return Evidence(level, health.text, health.at)


def _registration(facts: Facts, now: float) -> Evidence:
    seat = facts.seat
    if seat is None:
        return Evidence(Level.UNKNOWN, facts.chain_note or "not looked up on the chain yet")
    if seat.neuron is None:
        text = f"not registered on subnet {facts.netuid} at block {block_text(seat.block)}"
        level = Level.BAD if facts.wanted else Level.WARN
    else:
        immune = seat.neuron.immune_until_block
        text = f"uid {seat.neuron.uid} on subnet {facts.netuid} at block {block_text(seat.block)}"
        text += f", immune until block {block_text(immune)}" if immune > seat.block else ""
        level = Level.GOOD
    if facts.chain_note is not None or now - seat.at > CHAIN_STALE_S:
        return Evidence(Level.UNKNOWN, f"was {text}", seat.at)
    return Evidence(level, text, seat.at)


def _contact(facts: Facts, state: MinerState, now: float) -> Evidence:
    health = facts.health
    if state not in _ON:
        return Evidence(Level.OFF, "not running")
    if health is None or health.queries_answered is None or now - health.at > HEALTH_STALE_S:
        return Evidence(Level.UNKNOWN, "queries are not known")
    count, last = health.queries_answered, health.last_query_at
    if count and last is not None:
        level = Level.GOOD if now - last <= CONTACT_WARN_S else Level.WARN
        return Evidence(level, f"{count} {'query' if count == 1 else 'queries'} answered", last)
    started = None if facts.keeper is None else facts.keeper.started_at
    waited = started is not None and now - started > CONTACT_WARN_S
    return Evidence(Level.WARN if waited else Level.BUSY, "no validator has asked yet", health.at)


def _pay(facts: Facts, now: float) -> Evidence:
    pay, seat = facts.pay, facts.seat
    if pay is None:
        return Evidence(Level.UNKNOWN, "earnings are not known")
    epoch = pay.epoch_block
    if pay.last_block is not None and epoch is not None and pay.last_block < epoch:
        last = block_text(pay.last_block)
        return Evidence(Level.WARN, f"last paid at block {last}; the epoch at {block_text(epoch)} paid nothing", pay.at)
    if pay.last_block is not None:
        fresh = facts.chain_note is None and epoch is not None
        return Evidence(Level.GOOD if fresh else Level.UNKNOWN, f"paid at block {block_text(pay.last_block)}", pay.at)
    if seat is None or seat.neuron is None:
        return Evidence(Level.UNKNOWN if seat is None else Level.OFF, "never paid", pay.at)
    if epoch is not None and epoch > seat.neuron.registered_block:
        return Evidence(Level.WARN, f"the epoch at block {block_text(epoch)} paid nothing", pay.at)
    return Evidence(Level.BUSY, "waits for its first epoch", pay.at)
