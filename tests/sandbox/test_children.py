"""Child keys: asked for, waited for, set; what they count for and what they earn. And mechanisms of one subnet."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.pallets.subtensor import mechanisms, stakes
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench
from sandbox.test_networks import as_root, call, issuance_holds

WHOLE = 2**64 - 1
HALF = WHOLE // 2


@pytest.fixture(params=[343, 425])
def bench(request: pytest.FixtureRequest) -> Bench:
    bench = Bench(tempo=10, rules=request.param)
    bench.blocks()
    return bench


def ask(bench: Bench, who: tuple[Any, Any], *children: tuple[int, bytes], netuid: int = 1) -> str | None:
    return call(bench, who[0], "set_children", hotkey=who[1].public_key, netuid=netuid, children=list(children))


def test_children_wait_and_then_carry_their_parents_weight(bench: Bench) -> None:
    state, (parent, child, other) = bench.state, bench.cast.validators
    mine, theirs = parent[1].public_key, child[1].public_key
    for hot in (parent, child):
        stake = {"hotkey": hot[1].public_key, "netuid": 0, "amount_staked": 5 * TAO}
        assert call(bench, hot[0], "add_stake", **stake) is None
    before = [stakes.stake_weight(state, 1, key) for key in (mine, theirs)]
    assert ask(bench, parent, (HALF, theirs)) is None
    when = bench.node.chain.head.number + 15
    assert Subtensor.PendingChildKeys.get(state, 1, mine) == ([(HALF, theirs)], when)
    assert Subtensor.ChildKeys.get(state, mine, 1) == []
    assert ask(bench, parent) == "TxRateLimitExceeded"
    while bench.node.chain.head.number < when - 1:
        bench.blocks()
        assert Subtensor.ChildKeys.get(state, mine, 1) == []
    bench.blocks(12)
    assert Subtensor.ChildKeys.get(state, mine, 1) == [(HALF, theirs)]
    assert Subtensor.ParentKeys.get(state, theirs, 1) == [(HALF, mine)]
    after = [stakes.stake_weight(state, 1, key) for key in (mine, theirs)]
    assert abs(2 * after[0] - before[0]) < before[0] // 10
    assert abs(after[1] - before[1] - after[0]) < before[0] // 10
    assert ask(bench, child, (HALF, mine)) == "ChildParentInconsistency"
    assert ask(bench, other, (HALF, other[1].public_key)) == "InvalidChild"
    assert ask(bench, other, (HALF, mine), (HALF, mine)) == "DuplicateChild"
    assert ask(bench, other, (WHOLE, mine), (WHOLE, theirs)) == "ProportionOverflow"
    assert ask(bench, other, *((1, bytes([n] * 32)) for n in range(6))) == "TooManyChildren"
    assert ask(bench, other, (1, mine), netuid=0) == "RegistrationNotPermittedOnRootSubnet"
    assert ask(bench, other, (1, mine), netuid=7) == "SubnetNotExists"
    assert ask(bench, (other[0], child[1]), (1, mine)) == "NonAssociatedColdKey"
    issuance_holds(bench)
    assert as_root(bench, "SubtensorModule", "set_pending_childkey_cooldown", cooldown=0) is None
    bench.blocks(150)
    assert ask(bench, parent) is None
    bench.blocks(12)
    assert (Subtensor.ChildKeys.get(state, mine, 1), Subtensor.ParentKeys.get(state, theirs, 1)) == ([], [])
    issuance_holds(bench)


def test_a_new_hotkey_takes_the_old_one_s_place_among_parents_and_children(bench: Bench) -> None:
    state, (parent, child, _) = bench.state, bench.cast.validators
    mine, theirs, new = parent[1].public_key, child[1].public_key, bench.keys.signer("new hotkey").public_key
    assert as_root(bench, "SubtensorModule", "set_pending_childkey_cooldown", cooldown=0) is None
    assert ask(bench, parent, (HALF, theirs)) is None
    bench.blocks(12)
    assert call(bench, parent[0], "swap_hotkey", hotkey=mine, new_hotkey=new, netuid=None) is None
    assert Subtensor.ChildKeys.get(state, new, 1) == [(HALF, theirs)]
    assert Subtensor.ParentKeys.get(state, theirs, 1) == [(HALF, new)]
    assert Subtensor.ChildKeys.get(state, mine, 1) == []


def test_a_child_keeps_its_take_and_shares_the_rest(bench: Bench) -> None:
    """A parent that lends all its weight has what its child earns with it, less the take."""
    state, (parent, child, _) = bench.state, bench.cast.validators
    mine, theirs = parent[1].public_key, child[1].public_key
    take = {"hotkey": theirs, "netuid": 1, "take": 11_796}
    assert call(bench, child[0], "set_childkey_take", **{**take, "take": 11_797}) == "InvalidChildkeyTake"
    assert call(bench, parent[0], "set_childkey_take", **take) == "NonAssociatedColdKey"
    assert call(bench, child[0], "set_childkey_take", **{**take, "netuid": 9}) == "SubnetNotExists"
    assert call(bench, child[0], "set_childkey_take", **take) is None
    assert bench.event("ChildKeyTakeSet") == (theirs, 11_796)
    assert as_root(bench, "SubtensorModule", "set_pending_childkey_cooldown", cooldown=0) is None
    assert ask(bench, parent, (WHOLE, theirs)) is None
    bench.blocks(12)
    votes = {"netuid": 1, "dests": [3, 4], "weights": [1, 1], "version_key": 0}
    assert call(bench, child[1], "set_weights", **votes) is None
    bench.blocks(12)
    alpha = [Subtensor.TotalHotkeyAlpha.get(state, key, 1) for key in (mine, theirs)]
    bench.blocks(10)
    earned = [
        Subtensor.TotalHotkeyAlpha.get(state, key, 1) - held for key, held in zip((mine, theirs), alpha, strict=True)
    ]
    assert all(amount > 0 for amount in earned)
    weight = [Subtensor.TotalHotkeyAlpha.get(state, key, 1) for key in (mine, theirs)]
    wanted = (1 - 0.18) * weight[0] / sum(weight)
    assert abs(earned[0] / sum(earned) - wanted) < 0.01
    issuance_holds(bench)


def test_a_subnet_of_two_mechanisms_pays_by_their_split(bench: Bench) -> None:
    state, (voter, _, _) = bench.state, bench.cast.validators
    owner = bench.cast.owner[0]
    split = {"netuid": 1, "maybe_split": [13_107, 52_428]}
    assert bench.run(owner, "AdminUtils", "sudo_set_mechanism_count", netuid=1, mechanism_count=3) == "InvalidValue"
    assert bench.run(owner, "AdminUtils", "sudo_set_mechanism_emission_split", **split) == "InvalidValue"
    assert bench.run(owner, "AdminUtils", "sudo_set_mechanism_count", netuid=1, mechanism_count=2) is None
    assert bench.run(owner, "AdminUtils", "sudo_set_mechanism_emission_split", **split) is None
    again = bench.run(owner, "AdminUtils", "sudo_set_mechanism_emission_split", **split)
    assert again == "TxRateLimitExceeded"
    assert mechanisms.split_emission(state, 1, 100) == [20, 80]
    votes = {"netuid": 1, "weights": [1], "version_key": 0}
    assert call(bench, voter[1], "set_mechanism_weights", mecid=2, dests=[3], **votes) == "MechanismDoesNotExist"
    assert call(bench, voter[1], "set_mechanism_weights", mecid=1, dests=[4], **votes) is None
    assert bench.event("WeightsSet") == (4097, 0)
    assert call(bench, voter[1], "set_weights", dests=[3], **votes) is None
    paid: dict[int, list[int]] = {}
    while len(paid) < 2:
        bench.blocks()
        told = [event[1][1] for _, event in bench.events() if event[1][0] == "IncentiveAlphaEmittedToMiners"]
        paid = {one["netuid"]: one["emissions"] for one in told}
    assert (paid[1][4], paid[4097][3]) == (0, 0)
    assert abs(paid[4097][4] - 4 * paid[1][3]) < 10 + paid[1][3] // 1000
    assert Subtensor.Emission.get(state, 1)[3] < Subtensor.Emission.get(state, 1)[4]
    issuance_holds(bench)
    bench.blocks(3)
    assert as_root(bench, "AdminUtils", "sudo_set_mechanism_count", netuid=1, mechanism_count=1) is None
    assert list(Subtensor.Weights.items(state, 4097)) == []
    assert Subtensor.MechanismEmissionSplit.get(state, 1) is None


def test_what_is_committed_is_refused_with_the_chain_s_own_reasons(bench: Bench) -> None:
    voter = bench.cast.validators[0][1]
    commit = {"netuid": 1, "commit_hash": bytes(32)}
    timelocked = {"netuid": 1, "commit": b"x", "reveal_round": 1, "commit_reveal_version": 4}
    assert call(bench, voter, "commit_weights", **commit) == "CommitRevealDisabled"
    assert call(bench, voter, "commit_timelocked_weights", **timelocked) == "CommitRevealDisabled"
    assert call(bench, voter, "commit_mechanism_weights", mecid=1, **commit) == "MechanismDoesNotExist"
    row = {"netuids": [1, 9], "weights": [[(3, 1)], [(3, 1)]], "version_keys": [0, 0]}
    assert call(bench, voter, "batch_set_weights", **row) is None
    assert bench.event("BatchWeightItemFailed") is not None
    assert Subtensor.Weights.get(bench.state, 1, 0) == [(3, 65_535)]
    on = {"netuid": 1, "enabled": True}
    assert as_root(bench, "AdminUtils", "sudo_set_commit_reveal_weights_enabled", **on) is None
    assert call(bench, voter, "commit_timelocked_weights", **timelocked) == "Unavailable"
    votes = {"netuid": 1, "dests": [3], "weights": [1], "version_key": 0}
    bench.blocks(6)
    assert call(bench, voter, "set_weights", **votes) == "CommitRevealEnabled"
