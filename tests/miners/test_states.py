"""The table of states: each edge, what has no edge, and that what is shown moves along the table only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.miners.keeper import policy as rules
from ranvier.miners.states import (
    EDGES,
    Cause,
    HealthRow,
    HealthRule,
    Seen,
    ShownState,
    causes,
    derive,
    refusal,
    step,
)
from ranvier.miners.status import KeeperStatus, MinerState

S, C = ShownState, Cause
NOW = 1_000_000.0
RULE = HealthRule(up_after=2, down_after=3, grace_s=60.0, stale_s=20.0)


def status(state: str, *, pid: int | None = None, started_at: float | None = None) -> KeeperStatus:
    return KeeperStatus(MinerState(state), f"because {state}", NOW - 5, 10, 1.0, pid, 2.0 if pid else None, started_at)


def up(state: str = "running", since_s: float = 10.0, **changes: object) -> Seen:
    seen = {"keeper_alive": True, "alive": True, "wanted": True, "rule": RULE, **changes}
    return Seen(status(state, pid=77, started_at=NOW - since_s), **seen)  # type: ignore[arg-type]


def row(*readings: bool | None, at: float = NOW) -> HealthRow:
    one = HealthRow()
    for ok in readings:
        one = one.after(ok, f"said {ok}", at, RULE)
    return one


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.before}-{edge.cause.name.lower()}-{edge.after}")
def test_every_edge(edge) -> None:
    assert edge.before is not edge.after
    assert edge.cause in causes(edge.before, edge.after)
    if edge.cause is not C.FOUND:
        assert step(edge.before, edge.cause) is edge.after


def test_the_table_is_a_function_and_complete() -> None:
    keys = [(edge.before, edge.cause) for edge in EDGES if edge.cause is not C.FOUND]
    assert len(keys) == len(set(keys))
    assert {edge.cause for edge in EDGES} == set(C)
    for state in S:
        assert any(edge.before is state for edge in EDGES) and any(edge.after is state for edge in EDGES)


@pytest.mark.parametrize(
    ("before", "cause"),
    [
        (S.STOPPED, C.HEALTH_GOOD),  # health does not start anything
        (S.FAILED, C.WAIT_OVER),  # failed is for the owner to end
        (S.FAILED, C.HEALTH_GOOD),
        (S.BACKING_OFF, C.HEALTH_GOOD),
        (S.INSTALLING, C.START_ASKED),
        (S.HEALTHY, C.START_ASKED),
        (S.UNKNOWN, C.FOUND),
    ],
)
def test_what_has_no_edge(before, cause) -> None:
    assert step(before, cause) is None


@pytest.mark.parametrize(
    ("seen", "state", "said"),
    [
        (Seen(None), S.STOPPED, "never"),
        (Seen(None, wanted=True), S.UNKNOWN, "nothing was seen"),
        (Seen(None, install_error="No network."), S.FAILED, "No network."),
        (Seen(status("stopped"), installing="Installing a.lock"), S.INSTALLING, "a.lock"),
        (Seen(status("stopped")), S.STOPPED, "because stopped"),
        (Seen(status("stopped"), install_error="Disk full."), S.FAILED, "Disk full."),
        (Seen(status("failed"), wanted=True), S.FAILED, "because failed"),
        (Seen(status("backing_off"), keeper_alive=True), S.BACKING_OFF, "because"),
        (Seen(status("backing_off"), keeper_alive=False), S.UNKNOWN, "because"),
        (Seen(status("running", pid=7), alive=False), S.UNKNOWN, "because"),
        (up("stopping"), S.STOPPING, "because stopping"),
        (up("starting", rule=None), S.STARTING, "because"),
        (up(rule=None), S.RUNNING, "says nothing about health"),
        (up(health=row(True)), S.STARTING, "said True"),  # one good reading is not enough here
        (up(health=row(True, True)), S.HEALTHY, "said True"),
        (up(health=row(True, False, True)), S.STARTING, "said True"),  # not in a row
        (up(health=row(None, None, None, None)), S.STARTING, "said None"),
        (up(since_s=61, health=row(None, None)), S.DEGRADED, "not healthy after 60 s"),
        (up(since_s=61, health=row(False)), S.DEGRADED, "not healthy after 60 s"),
        (up(since_s=61), S.RUNNING, "not asked yet"),
        (up(since_s=99, health=row(True, True, False, False)), S.HEALTHY, "said False"),
        (up(since_s=99, health=row(True, True, False, False, False)), S.DEGRADED, "said False"),
        (up(since_s=99, health=row(True, True, None, None, None)), S.DEGRADED, "said None"),
        (up(since_s=5, health=row(False, False, False)), S.STARTING, "said False"),
        (up(since_s=99, health=row(True, True, at=NOW - 30)), S.RUNNING, "last known"),
        (up(since_s=99, health=row(True, True, at=NOW + 3600)), S.RUNNING, "last known"),  # the clock was set back
        (up(since_s=99, keeper_alive=False, health=row(True, True)), S.HEALTHY, "keeper is gone"),
    ],
)
def test_what_is_shown(seen, state, said) -> None:
    shown = derive(seen, NOW)
    assert shown.state is state and said in shown.reason


def test_nothing_unseen_is_healthy() -> None:
    for state in MinerState:
        for alive in (True, False, None):
            for keeper in (True, False):
                for health in (HealthRow(), row(False), row(True, True, at=NOW - 999)):
                    seen = Seen(status(state), keeper, alive, rule=RULE, health=health)
                    assert derive(seen, NOW).state is not S.HEALTHY


class World:
    """A policy, readings and a clock, driven by events as a real miner is."""

    def __init__(self, rule: HealthRule | None) -> None:
        self.now = 0.0
        self.rule = rule
        limits = rules.Limits(backoff_jitter=0.0, crash_budget=2, stable_s=60.0, start_mark_s=1.0)
        self.policy = rules.Policy(limits, lambda: 0.5)
        self.started = 0.0
        self.row = HealthRow()
        self.asked = False

    def event(self, name: str) -> None:
        running = self.policy.state in (rules.STARTING, rules.RUNNING)
        if name == "wait":
            self.now += 7.0
            self._do(self.policy.tick(self.now))
        elif name == "start":
            self._do(self.policy.start(self.now))
        elif name == "stop":
            self._do(self.policy.stop())
        elif name == "restart":
            self._do(self.policy.restart(self.now))
        elif name == "crash" and running:
            self._do(self.policy.gone(self.now, self.now - self.started, "ended with code 1", False))
        elif name == "gone" and self.policy.state == rules.STOPPING:
            self._do(self.policy.gone(self.now, self.now - self.started, "ended", True))
        elif name in ("good", "bad", "loading") and running and self.rule is not None:
            ok = {"good": True, "bad": False, "loading": None}[name]
            self.row = self.row.after(ok, name, self.now, self.rule)

    def _do(self, action: str) -> None:
        if action == rules.SPAWN:
            self.policy.spawned(self.now)
            self.started, self.row = self.now, HealthRow()

    def shown(self) -> ShownState:
        known = KeeperStatus(
            MinerState(self.policy.state),
            self.policy.reason,
            self.now,
            10,
            1.0,
            pid=5 if self.policy.state in (rules.STARTING, rules.RUNNING, rules.STOPPING) else None,
            started_at=self.started,
        )
        seen = Seen(known, True, known.pid is not None or None, True, rule=self.rule, health=self.row)
        return derive(seen, self.now).state


EVENTS = st.sampled_from(
    ["wait", "wait", "start", "stop", "restart", "crash", "gone", "good", "good", "bad", "loading"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, max_size=60), st.sampled_from([None, RULE, HealthRule(1, 1, 0.0, 1e9)]))
def test_what_is_shown_moves_along_the_table(events: list[str], rule: HealthRule | None) -> None:
    world = World(rule)
    before = world.shown()
    for name in events:
        world.event(name)
        after = world.shown()
        assert after is before or causes(before, after), f"{before} -> {after} by {name}"
        before = after


@pytest.mark.parametrize(
    ("state", "action", "said"),
    [
        (S.HEALTHY, "start", "runs already"),
        (S.STOPPED, "stop", "is stopped"),
        (S.STOPPED, "start", None),
        (S.FAILED, "start", None),
        (S.BACKING_OFF, "start", None),  # retry now
        (S.UNKNOWN, "stop", None),
        (S.INSTALLING, "start", "being installed"),
        (S.INSTALLING, "remove", None),
        (S.RUNNING, "install", "Stop it first"),
        (S.STOPPING, "start", "being stopped"),
    ],
)
def test_a_refused_action_has_a_reason(state, action, said) -> None:
    reason = refusal(state, action)
    assert reason is None if said is None else reason is not None and said in reason


def test_what_is_not_installed_is_not_started() -> None:
    assert "not installed" in (refusal(S.STOPPED, "start", installed=False) or "")
