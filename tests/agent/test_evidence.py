"""What may be said of a miner. Unknown is never good."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ranvier.agent.miners.evidence import NO_CHECK, Facts, HealthSeen, PaySeen, SeatSeen, build, state_of
from ranvier.chain.model import Neuron
from ranvier.core.evidence import Level
from ranvier.miners.status import KeeperStatus, MinerState

NOW = 1_800_000_000.0
NEURON = Neuron(1, 3, "5Hot", 100, 150, 9, 9, None)
KEEPER = KeeperStatus(
    state=MinerState.RUNNING, reason="", written_at=NOW - 3, keeper_pid=10, keeper_started=1.0, pid=11, pid_started=2.0,
    started_at=NOW - 60, starts=1,
)  # fmt: skip
ALL_WELL = Facts(
    netuid=1,
    wanted=True,
    installed=True,
    keeper=KEEPER,
    keeper_alive=True,
    alive=True,
    health=HealthSeen(True, "answers", NOW - 1, 4, NOW - 5),
    seat=SeatSeen(NEURON, 300, NOW - 2),
    pay=PaySeen(5, 9, 290, NOW - 2, 290),
)


def levels(facts: Facts) -> list[Level]:
    return [one.level for one in build(facts, NOW)[0]]


def texts(facts: Facts) -> list[str]:
    return [one.text for one in build(facts, NOW)[0]]


def test_everything_seen_and_well_is_good() -> None:
    evidence, level = build(ALL_WELL, NOW)
    assert level is Level.GOOD
    assert [one.text for one in evidence] == [
        "process 11 alive for 60 s",
        "answers",
        "uid 3 on subnet 1 at block 300",
        "4 queries answered",
        "paid at block 290",
    ]
    assert evidence[3].seen_at == NOW - 5


def test_nothing_seen_is_unknown_all_the_way() -> None:
    evidence, level = build(Facts(netuid=1, wanted=True, installed=True), NOW)
    assert level is Level.UNKNOWN
    assert {one.level for one in evidence} <= {Level.UNKNOWN, Level.OFF}


def test_stopped_on_purpose_is_off_and_not_bad() -> None:
    stopped = replace(KEEPER, state=MinerState.STOPPED, reason="stopped", pid=None)
    facts = replace(ALL_WELL, wanted=False, keeper=stopped, keeper_alive=False, alive=None, health=None)
    assert build(facts, NOW)[1] is Level.OFF
    assert levels(facts)[0] is Level.OFF


def test_not_installed_is_said() -> None:
    assert texts(Facts(netuid=1, wanted=False, installed=False))[0] == "not installed yet"


def test_a_process_that_is_gone_is_not_called_running() -> None:
    assert levels(replace(ALL_WELL, alive=False))[0] is Level.UNKNOWN


def test_a_killed_keeper_whose_program_goes_on_is_a_warning() -> None:
    facts = replace(ALL_WELL, keeper=replace(KEEPER, state=MinerState.UNKNOWN), keeper_alive=False)
    assert state_of(facts) is MinerState.RUNNING
    evidence, _ = build(facts, NOW)
    assert evidence[0].level is Level.WARN
    assert "keeper is gone" in evidence[0].text


def test_giving_up_is_bad_and_says_why() -> None:
    failed = replace(KEEPER, state=MinerState.FAILED, reason="exit code 2, 13 times in a row", pid=None)
    evidence, level = build(replace(ALL_WELL, keeper=failed, alive=None), NOW)
    assert level is Level.BAD
    assert evidence[0].text == "exit code 2, 13 times in a row"
    assert evidence[1].level is Level.OFF


def test_backing_off_says_when_it_goes_on() -> None:
    waiting = replace(KEEPER, state=MinerState.BACKING_OFF, reason="exit code 1", pid=None, next_start_at=NOW + 8)
    assert texts(replace(ALL_WELL, keeper=waiting, alive=None))[0] == "exit code 1; next start in 8 s"


def test_health_that_is_old_is_unknown() -> None:
    old = HealthSeen(True, "answers", NOW - 100, 4, NOW - 101)
    assert levels(replace(ALL_WELL, health=old))[1] is Level.UNKNOWN
    assert levels(replace(ALL_WELL, health=old))[3] is Level.UNKNOWN


def test_loading_is_busy_and_failing_is_bad() -> None:
    assert levels(replace(ALL_WELL, health=HealthSeen(None, "loading", NOW)))[1] is Level.BUSY
    assert levels(replace(ALL_WELL, health=HealthSeen(False, "refused", NOW)))[1] is Level.BAD


def test_no_seat_is_bad_for_a_miner_that_should_run() -> None:
    none = SeatSeen(None, 300, NOW)
    assert levels(replace(ALL_WELL, seat=none))[2] is Level.BAD
    assert "not registered on subnet 1 at block 300" in texts(replace(ALL_WELL, seat=none))[2]


def test_a_seat_seen_before_the_chain_was_lost_is_unknown_now() -> None:
    facts = replace(ALL_WELL, chain_note="The network does not answer.")
    assert levels(facts)[2] is Level.UNKNOWN
    assert texts(facts)[2].startswith("was uid 3")
    assert levels(facts)[4] is Level.UNKNOWN
    assert texts(replace(facts, seat=None))[2] == "The network does not answer."


def test_immunity_is_said_while_it_lasts() -> None:
    seat = SeatSeen(NEURON, 120, NOW)
    assert texts(replace(ALL_WELL, seat=seat))[2].endswith("immune until block 150")


def test_no_query_is_patience_at_first_and_a_warning_later() -> None:
    silent = HealthSeen(True, "answers", NOW, 0, None)
    assert levels(replace(ALL_WELL, health=silent))[3] is Level.BUSY
    long_up = replace(KEEPER, started_at=NOW - 3600)
    assert levels(replace(ALL_WELL, health=silent, keeper=long_up))[3] is Level.WARN
    quiet = HealthSeen(True, "answers", NOW, 4, NOW - 3600)
    assert levels(replace(ALL_WELL, health=quiet))[3] is Level.WARN


def test_an_epoch_that_paid_nothing_is_told() -> None:
    facts = replace(ALL_WELL, pay=PaySeen(5, 9, 290, NOW, 310))
    assert levels(facts)[4] is Level.WARN
    assert "310 paid nothing" in texts(facts)[4]
    never = replace(ALL_WELL, pay=PaySeen(0, 0, None, NOW, 290))
    assert levels(never)[4] is Level.WARN
    fresh = replace(never, seat=SeatSeen(replace(NEURON, registered_block=295), 300, NOW))
    assert (levels(fresh)[4], texts(fresh)[4]) == (Level.BUSY, "waits for its first epoch")
    assert levels(replace(ALL_WELL, pay=None))[4] is Level.UNKNOWN


def test_a_damaged_miner_shows_its_problem() -> None:
    evidence, level = build(replace(ALL_WELL, problem="miner.json is damaged"), NOW)
    assert (level, evidence[0].text) == (Level.BAD, "miner.json is damaged")


unseen = st.sets(st.sampled_from(["keeper", "alive", "health", "seat", "pay"]), min_size=1)


@given(unseen, st.booleans())
def test_whatever_was_not_seen_the_sum_is_never_good(missing: set[str], keeper_alive: bool) -> None:
    facts = replace(ALL_WELL, keeper_alive=keeper_alive, **dict.fromkeys(missing))
    assert build(facts, NOW)[1] is not Level.GOOD


@given(
    st.sampled_from(list(MinerState)),
    st.booleans(),
    st.booleans(),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
)
def test_good_needs_a_live_process_that_answers(
    state: MinerState, wanted: bool, keeper_alive: bool, alive: bool | None, ok: bool | None
) -> None:
    facts = replace(
        ALL_WELL,
        wanted=wanted,
        keeper=replace(KEEPER, state=state),
        keeper_alive=keeper_alive,
        alive=alive,
        health=HealthSeen(ok, "x", NOW, 1, NOW),
    )
    evidence, level = build(facts, NOW)
    assert len(evidence) == 5
    if level is Level.GOOD:
        assert alive
        assert ok
        assert keeper_alive
        assert state is MinerState.RUNNING


def test_a_recipe_without_a_check_has_no_age() -> None:
    facts = replace(ALL_WELL, health=HealthSeen(None, NO_CHECK, 0.0))
    health = build(facts, NOW)[0][1]
    assert (health.level, health.text, health.seen_at) == (Level.UNKNOWN, "its recipe has no health check", None)


def test_a_process_that_was_just_started_says_so() -> None:
    young = replace(ALL_WELL, keeper=replace(KEEPER, started_at=NOW))
    assert texts(young)[0] == "process 11 started just now"
