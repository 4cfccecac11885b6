"""The states in which a miner is shown, as one table, and how the shown state follows from what was seen. Pure.

The keeper knows its process (``status.MinerState``); it cannot know whether the miner does its work. Here the two
come together: ``HealthRow`` counts readings, ``derive`` names the state and its cause. ``EDGES`` is the whole table.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from ranvier.miners.status import KeeperStatus, MinerState


class ShownState(enum.StrEnum):
    """``RUNNING``: the process lives and nothing is known of its health (no check, or not asked lately)."""

    STOPPED = "stopped"
    INSTALLING = "installing"
    STARTING = "starting"
    RUNNING = "running"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    BACKING_OFF = "backing_off"
    STOPPING = "stopping"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Cause(enum.StrEnum):
    """Why a state changes."""

    INSTALL_ASKED = "installation asked for"
    INSTALLED = "the environment is ready"
    INSTALL_FAILED = "the installation failed"
    INSTALL_ENDED = "the installation was ended"
    START_ASKED = "asked to start"
    STOP_ASKED = "asked to stop"
    RESTART_ASKED = "asked to restart"
    NO_CHECK = "past its first moments; its recipe has no health check"
    HEALTH_GOOD = "its health check passed often enough"
    HEALTH_BAD = "its health check failed often enough"
    HEALTH_OLD = "its health was not asked lately"
    GRACE_OVER = "not healthy within its time to come up"
    REFUSED = "the system refused to execute it"
    CRASHED = "it ended by itself"
    CRASHED_LATE = "it ended by itself after a long run"
    LEFT_BEHIND = "it ended and left processes behind"
    BUDGET_SPENT = "it ended by itself too often"
    WAIT_OVER = "the wait before the next start is over"
    GONE = "it and everything it started has ended"
    GONE_AGAIN = "it has ended and is started again"
    LOST = "its keeper cannot be seen"
    FOUND = "its keeper is seen again"


@dataclass(frozen=True, slots=True)
class Edge:
    """One allowed change."""

    before: ShownState
    cause: Cause
    after: ShownState


S, C = ShownState, Cause
_UP = (S.STARTING, S.RUNNING, S.HEALTHY, S.DEGRADED)


def _edges() -> tuple[Edge, ...]:
    rows = [
        (S.STOPPED, C.INSTALL_ASKED, S.INSTALLING),
        (S.STOPPED, C.INSTALL_FAILED, S.FAILED),
        (S.STOPPED, C.START_ASKED, S.STARTING),
        (S.STOPPED, C.REFUSED, S.FAILED),
        (S.INSTALLING, C.INSTALLED, S.STOPPED),
        (S.INSTALLING, C.INSTALL_ENDED, S.STOPPED),
        (S.INSTALLING, C.INSTALL_FAILED, S.FAILED),
        (S.STARTING, C.NO_CHECK, S.RUNNING),
        (S.STARTING, C.HEALTH_GOOD, S.HEALTHY),
        (S.STARTING, C.GRACE_OVER, S.DEGRADED),
        (S.STARTING, C.REFUSED, S.FAILED),
        (S.RUNNING, C.HEALTH_GOOD, S.HEALTHY),
        (S.RUNNING, C.HEALTH_BAD, S.DEGRADED),
        (S.RUNNING, C.GRACE_OVER, S.DEGRADED),
        (S.HEALTHY, C.HEALTH_BAD, S.DEGRADED),
        (S.HEALTHY, C.HEALTH_OLD, S.RUNNING),
        (S.DEGRADED, C.HEALTH_GOOD, S.HEALTHY),
        (S.DEGRADED, C.HEALTH_OLD, S.RUNNING),
        (S.BACKING_OFF, C.WAIT_OVER, S.STARTING),
        (S.BACKING_OFF, C.START_ASKED, S.STARTING),
        (S.BACKING_OFF, C.STOP_ASKED, S.STOPPED),
        (S.BACKING_OFF, C.REFUSED, S.FAILED),
        (S.STOPPING, C.GONE, S.STOPPED),
        (S.STOPPING, C.GONE_AGAIN, S.STARTING),
        (S.STOPPING, C.CRASHED, S.BACKING_OFF),
        (S.STOPPING, C.REFUSED, S.FAILED),
        (S.STOPPING, C.BUDGET_SPENT, S.FAILED),
        (S.FAILED, C.INSTALL_ASKED, S.INSTALLING),
        (S.FAILED, C.START_ASKED, S.STARTING),
        (S.FAILED, C.STOP_ASKED, S.STOPPED),
    ]
    for up in _UP:
        rows += [
            (up, C.STOP_ASKED, S.STOPPING),
            (up, C.RESTART_ASKED, S.STOPPING),
            (up, C.LEFT_BEHIND, S.STOPPING),
            (up, C.CRASHED, S.BACKING_OFF),
            (up, C.BUDGET_SPENT, S.FAILED),
            (up, C.GONE, S.STOPPED),
        ]
        if up is not S.STARTING:
            rows.append((up, C.CRASHED_LATE, S.STARTING))
    for state in S:
        if state is not S.UNKNOWN:
            rows += [(state, C.LOST, S.UNKNOWN), (S.UNKNOWN, C.FOUND, state)]
    return tuple(Edge(*row) for row in rows)


EDGES = _edges()
_TABLE: dict[tuple[ShownState, Cause], ShownState] = {
    (edge.before, edge.cause): edge.after for edge in EDGES if edge.cause is not C.FOUND
}


def step(before: ShownState, cause: Cause) -> ShownState | None:
    """The state after ``cause``; None where the table has no such edge (or, for ``FOUND``, several)."""
    return _TABLE.get((before, cause))


def causes(before: ShownState, after: ShownState) -> tuple[Cause, ...]:
    """What may lead from one state to the other in one step."""
    return tuple(edge.cause for edge in EDGES if (edge.before, edge.after) == (before, after))


# -- health ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HealthRule:
    """What a recipe calls healthy: ``up_after`` good readings in a row, until ``down_after`` bad ones in a row.

    ``grace_s``: how long it may need to come up. ``stale_s``: how long a reading is believed.
    """

    up_after: int = 1
    down_after: int = 3
    grace_s: float = 60.0
    stale_s: float = 20.0


@dataclass(frozen=True, slots=True)
class HealthRow:
    """Readings in a row of one process. ``healthy`` None: neither seen often enough yet."""

    good: int = 0
    bad: int = 0
    healthy: bool | None = None
    text: str = ""
    at: float | None = None

    def after(self, ok: bool | None, text: str, at: float, rule: HealthRule) -> HealthRow:
        """The row with one more reading. ``ok`` None (it says that it still loads) is bad only once it was healthy."""
        bad = ok is False or (ok is None and self.healthy is not None)
        row = replace(self, good=self.good + 1 if ok else 0, bad=self.bad + 1 if bad else 0, text=text, at=at)
        if ok and row.good >= rule.up_after:
            return replace(row, healthy=True)
        return replace(row, healthy=False) if row.bad >= rule.down_after else row


# -- what is shown -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that decides the shown state. ``rule`` None: the recipe has no health check. ``waiting``: why its
    start waits.

    ``alive`` is whether the very process that the status names runs, None when none is named.
    """

    status: KeeperStatus | None
    keeper_alive: bool = False
    alive: bool | None = None
    wanted: bool = False
    installing: str | None = None
    install_error: str | None = None
    rule: HealthRule | None = None
    health: HealthRow = HealthRow()
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A state, why in words, and when that was seen (Unix seconds; None = never)."""

    state: ShownState
    reason: str
    seen_at: float | None


_PLAIN = {
    MinerState.STOPPED: S.STOPPED,
    MinerState.STARTING: S.STARTING,
    MinerState.BACKING_OFF: S.BACKING_OFF,
    MinerState.STOPPING: S.STOPPING,
    MinerState.FAILED: S.FAILED,
    MinerState.UNKNOWN: S.UNKNOWN,
}


def derive(seen: Seen, now: float) -> Shown:
    """The state to show. What cannot be seen is UNKNOWN or RUNNING, never HEALTHY."""
    status = seen.status
    up = status is not None and (bool(seen.alive) or (seen.keeper_alive and status.pid is not None))
    if seen.installing is not None and not up:
        return Shown(S.INSTALLING, seen.installing, now)
    if seen.waiting is not None and seen.wanted and not up:
        return Shown(S.STARTING, seen.waiting, now)
    if status is None or (status.state is MinerState.STOPPED and status.keeper_pid == 0):
        return _never_run(seen, status, now)
    settled = status.state in (MinerState.STOPPED, MinerState.FAILED)
    if settled and not up:
        if seen.install_error is not None:
            return Shown(S.FAILED, seen.install_error, now)
        return Shown(_PLAIN[status.state], status.reason, now if seen.keeper_alive else status.written_at)
    if not seen.keeper_alive and not seen.alive:
        return Shown(S.UNKNOWN, status.reason or "its keeper cannot be seen", status.written_at)
    if not seen.keeper_alive:
        shown = _up(seen, status, now)
        return replace(shown, reason=f"{shown.reason}; its keeper is gone, a new one is started")
    if status.state in (MinerState.STARTING, MinerState.RUNNING):
        return _up(seen, status, now)
    return Shown(_PLAIN[status.state], status.reason, now)


def _never_run(seen: Seen, status: KeeperStatus | None, now: float) -> Shown:
    if seen.install_error is not None:
        return Shown(S.FAILED, seen.install_error, now)
    if status is None and seen.wanted:
        return Shown(S.UNKNOWN, "should run; nothing was seen of it yet", None)
    return Shown(S.STOPPED, "never started" if status is None else status.reason, now)


def _up(seen: Seen, status: KeeperStatus, now: float) -> Shown:
    """The process lives: is it coming up, healthy, not healthy, or is that not known?"""
    rule, row = seen.rule, seen.health
    if rule is None:
        if status.state is MinerState.STARTING:
            return Shown(S.STARTING, status.reason, now)
        return Shown(S.RUNNING, "runs; its recipe says nothing about health", now)
    age = None if row.at is None else abs(now - row.at)  # a clock set back makes a reading old, not new
    fresh = age is not None and age <= rule.stale_s
    if row.healthy is True and fresh:
        return Shown(S.HEALTHY, row.text, row.at)
    in_grace = status.started_at is not None and 0 <= now - status.started_at < rule.grace_s
    if row.healthy is False and fresh and not in_grace:
        return Shown(S.DEGRADED, row.text, row.at)
    if row.healthy is None:
        if in_grace or status.state is MinerState.STARTING:
            return Shown(S.STARTING, row.text or status.reason, row.at or now)
        if fresh:
            return Shown(S.DEGRADED, f"not healthy after {rule.grace_s:.0f} s: {row.text}", row.at)
        return Shown(S.RUNNING, "runs; its health was not asked yet", row.at)
    if row.healthy is False and in_grace:
        return Shown(S.STARTING, row.text, row.at)
    return Shown(S.RUNNING, f"runs; last known: {row.text}", row.at)


# -- what may be done --------------------------------------------------------------------------------------------


def refusal(state: ShownState, action: str, *, installed: bool = True) -> str | None:
    """Why ``start``, ``stop``, ``restart``, ``install`` or ``remove`` is not offered now; None: it is."""
    if state is S.INSTALLING and action != "remove":
        return "It is being installed."
    if action in ("start", "restart") and not installed:
        return "It is not installed yet."
    if action == "start":
        if state in _UP:
            return "It runs already."
        return "It is being stopped." if state is S.STOPPING else None
    if action == "stop":
        return "It is stopped." if state is S.STOPPED else None
    if action == "install" and state in (*_UP, S.STOPPING):
        return "Stop it first: an environment in use is not changed."
    return None
