"""The rules of starting, waiting and giving up, without a process or a clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ranvier.miners.keeper.policy import (
    BACKING_OFF,
    FAILED,
    NOTHING,
    RUNNING,
    SPAWN,
    STARTING,
    STOP,
    STOPPED,
    STOPPING,
    Ladder,
    Limits,
    Policy,
    leftover_rungs,
    stop_rungs,
)


def policy(**numbers: float) -> Policy:
    return Policy(Limits(**{"backoff_jitter": 0.0, **numbers}), lambda: 0.5)  # type: ignore[arg-type]


def running(**numbers: float) -> Policy:
    one = policy(**numbers)
    assert one.start(0.0) == SPAWN
    one.spawned(0.0)
    return one


def test_a_start_is_running_after_its_mark() -> None:
    one = running(start_mark_s=1.0)
    assert (one.state, one.next_at) == (STARTING, 1.0)
    assert one.tick(0.9) == NOTHING and one.state == STARTING
    assert one.tick(1.0) == NOTHING and one.state == RUNNING and one.next_at is None


def test_delays_double_up_to_the_cap() -> None:
    limits = Limits(backoff_first_s=1, backoff_factor=2, backoff_cap_s=10, backoff_jitter=0)
    assert [limits.delay(n, 0.5) for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert limits.delay(100_000, 0.5) == 10


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_jitter_stays_in_its_band(failures: int, chance: float) -> None:
    limits = Limits()
    wait = limits.delay(failures, chance)
    plain = Limits(backoff_jitter=0.0).delay(failures, chance)
    assert 0.8 * plain - 1e-9 <= wait <= 1.2 * plain + 1e-9 <= 144 + 1e-6


def test_a_crash_waits_then_starts() -> None:
    one = running(backoff_first_s=4.0)
    assert one.gone(10.0, 5.0, "ended with code 1", False) == NOTHING
    assert (one.state, one.next_at) == (BACKING_OFF, 14.0)
    assert one.tick(13.9) == NOTHING
    assert one.tick(14.0) == SPAWN


def test_a_stable_run_forgives_and_starts_at_once() -> None:
    one = running(stable_s=60.0, crash_budget=2)
    one.gone(1.0, 1.0, "x", False)
    one.tick(99.0)
    one.spawned(99.0)
    assert one.gone(200.0, 61.0, "x", False) == SPAWN
    assert one.failures == 1


def test_slow_crashes_for_ever_are_given_up_too() -> None:
    one = running(stable_s=60.0, window_s=3600.0, window_budget=30)
    now = 0.0
    for _ in range(30):
        now += 61.0
        assert one.gone(now, 61.0, "ended with code 1", False) == SPAWN
        one.spawned(now)
    assert one.gone(now + 61, 61.0, "ended with code 1", False) == NOTHING
    assert one.state == FAILED and "31 crashes in 60 minutes" in one.reason


def test_an_outage_of_minutes_is_survived() -> None:
    """A chain endpoint that is away for five minutes must not end a miner for good."""
    one = policy()
    one.start(0.0)
    now, action = 0.0, SPAWN
    while now < 300:
        assert one.state != FAILED
        one.spawned(now)
        now += 0.5
        action = one.gone(now, 0.5, "ended with code 1", False)
        assert action == NOTHING and one.next_at is not None
        now = one.next_at


def test_stopping() -> None:
    one = running()
    assert one.stop() == STOP and one.state == STOPPING
    assert one.stop() == NOTHING
    assert one.gone(1.0, 1.0, "was ended by SIGTERM", True) == NOTHING
    assert one.state == STOPPED and one.failures == 0


def test_start_during_a_stop_starts_afterwards() -> None:
    one = running()
    one.stop()
    assert one.start(1.0) == NOTHING
    assert one.gone(2.0, 1.0, "x", True) == SPAWN


def test_restart_and_manual_start_forgive() -> None:
    one = running(crash_budget=0)
    one.gone(1.0, 1.0, "x", False)
    assert one.state == FAILED
    assert one.restart(2.0) == SPAWN and one.failures == 0
    one.spawned(2.0)
    assert one.restart(3.0) == STOP
    assert one.gone(4.0, 1.0, "x", True) == SPAWN


def test_refused_starts() -> None:
    one = policy()
    one.start(0.0)
    assert one.refused(0.0, "the program /x does not exist", True) == NOTHING
    assert (one.state, one.reason) == (FAILED, "the program /x does not exist")
    one.start(0.0)
    one.refused(0.0, "the system could not start a process", False)
    assert one.state == BACKING_OFF
    assert one.stop() == NOTHING and one.state == STOPPED and one.next_at is None


def test_the_ladder() -> None:
    ladder = Ladder(stop_rungs("INT", 10.0, 5.0), 100.0)
    assert [ladder.step(at) for at in (100, 109, 110, 114, 115, 119, 120, 121)] == [
        "INT", None, "TERM", None, "KILL", None, None, None,
    ]  # fmt: skip
    assert ladder.deadline == 122
    assert stop_rungs("TERM", 1, 2) == [("TERM", 1), ("KILL", 5.0)]
    assert [name for name, _wait in leftover_rungs()] == ["TERM", "KILL"]


class Life(RuleBasedStateMachine):
    """Any order of events: never two programs at once, never a start that nobody wants."""

    def __init__(self) -> None:
        super().__init__()
        self.one = policy(crash_budget=3)
        self.now = 0.0
        self.alive = False
        self.asked = False

    def do(self, action: str) -> None:
        if action == SPAWN:
            assert not self.alive and self.one.wanted
            self.alive = True
            self.one.spawned(self.now)
        elif action == STOP:
            assert self.alive
            self.asked = True

    @rule()
    def start(self) -> None:
        self.do(self.one.start(self.now))
        assert self.one.wanted

    @rule()
    def stop(self) -> None:
        self.do(self.one.stop())
        assert not self.one.wanted

    @rule()
    def restart(self) -> None:
        self.do(self.one.restart(self.now))

    @precondition(lambda self: self.alive)
    @rule(ran_s=st.sampled_from([0.1, 30.0, 90.0]))
    def ends(self, ran_s: float) -> None:
        self.alive, asked, self.asked = False, self.asked, False
        self.do(self.one.gone(self.now, ran_s, "ended", asked))

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0, 500.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.one.tick(self.now))

    @invariant()
    def state_tells_the_truth(self) -> None:
        assert (self.one.state in (STARTING, RUNNING, STOPPING)) == self.alive
        assert (self.one.next_at is not None) == (self.one.state in (STARTING, BACKING_OFF))
        assert self.one.failures <= 4
        if self.one.state == BACKING_OFF:
            assert self.one.wanted


TestLife = Life.TestCase
