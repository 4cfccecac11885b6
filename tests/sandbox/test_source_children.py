"""The chain's own tests of child keys and commitments (tests/children/*.rs, pallets/commitments), through ours."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import ROOT_ORIGIN
from ranvier.sandbox.pallets import commitments
from ranvier.sandbox.pallets.commitments import Commitments
from ranvier.sandbox.pallets.subtensor import children, neurons, shares, staking
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox import test_source_staking
from sandbox.test_source_staking import COIN, COLD, OWNER, refusal

PARENT, CHILD, CHILD_2, OTHER = (bytes([number]) * 32 for number in (0xF1, 0xF2, 0xF3, 0xF4))
MOST = (1 << 64) - 1
BOTH = pytest.mark.parametrize("spec", [343, 425])


def market(spec: int = 425, *, traded: bool = True) -> Context:
    """COLD owns a hotkey; where the token is not traded yet, what it asks for is set at once."""
    context = test_source_staking.market(spec)
    neurons.create_account_if_new(context, COLD, PARENT)
    Subtensor.SubtokenEnabled.put(context.state, 1, value=traded)
    Subtensor.StakeThreshold.put(context.state, value=0)
    context.block = 1000
    return context


def ask(
    context: Context, *wanted: tuple[int, bytes], netuid: int = 1, who: bytes = COLD, later: bool = True
) -> str | None:
    """``later``: once the limit of 150 blocks has passed."""
    context.block += 150 if later else 0
    return refusal(context, children.set_children, who, PARENT, netuid, list(wanted))


def rows(context: Context, hotkey: bytes) -> tuple[list[Any], list[Any]]:
    items = Subtensor.ChildKeys, Subtensor.ParentKeys
    mine, others = (item.get(context.state, hotkey, 1) for item in items)
    return mine, others


@BOTH
def test_a_child_is_set_replaced_and_revoked_on_both_sides(spec: int) -> None:
    context = market(spec, traded=False)
    for part in (1000, 0, MOST):
        assert ask(context, (part, CHILD)) is None
        assert (rows(context, PARENT)[0], rows(context, CHILD)[1]) == ([(part, CHILD)], [(part, PARENT)])
    assert ask(context, (500, CHILD_2), (600, OTHER)) is None
    assert rows(context, CHILD) == ([], [])
    assert sorted(rows(context, PARENT)[0]) == [(500, CHILD_2), (600, OTHER)]
    assert ask(context) is None
    assert rows(context, PARENT) == rows(context, CHILD_2) == rows(context, OTHER) == ([], [])


@BOTH
def test_who_may_not_be_a_child_or_a_parent(spec: int) -> None:
    context = market(spec, traded=False)
    assert ask(context, (1000, CHILD), netuid=999) == "SubnetNotExists"
    assert ask(context, netuid=999) == "SubnetNotExists"
    assert ask(context, (1000, CHILD), netuid=0) == "RegistrationNotPermittedOnRootSubnet"
    assert ask(context, (1000, PARENT)) == "InvalidChild"
    assert ask(context, (1000, CHILD), who=OTHER) == "NonAssociatedColdKey"
    assert ask(context, (MOST, CHILD), (1, CHILD_2)) == "ProportionOverflow"
    assert ask(context, (1, CHILD), (2, CHILD)) == "DuplicateChild"
    assert ask(context, *((1, bytes([number]) * 32) for number in range(1, 7))) == "TooManyChildren"
    assert ask(context, *((1, bytes([number]) * 32) for number in range(1, 6))) is None


@BOTH
def test_children_are_asked_for_every_150_blocks(spec: int) -> None:
    context = market(spec, traded=False)
    assert ask(context, (100, CHILD)) is None
    context.block += 149
    assert ask(context, (100, CHILD_2), later=False) == "TxRateLimitExceeded"
    assert rows(context, PARENT)[0] == [(100, CHILD)]
    context.block += 1
    assert ask(context, (100, CHILD_2), later=False) is None
    assert rows(context, PARENT)[0] == [(100, CHILD_2)]


@BOTH
def test_stake_is_asked_for_but_not_of_who_revokes_or_owns_the_subnet(spec: int) -> None:
    context = market(spec)
    threshold = 1000 * COIN
    Subtensor.StakeThreshold.put(context.state, value=threshold)
    assert ask(context, (1000, CHILD)) == "NotEnoughStakeToSetChildkeys"
    assert ask(context) is None
    Subtensor.SubnetOwnerHotkey.put(context.state, 1, value=PARENT)
    assert ask(context, (1000, CHILD)) is None
    Subtensor.SubnetOwnerHotkey.put(context.state, 1, value=OTHER)
    shares.add_stake(context.state, PARENT, COLD, 0, threshold)
    Subtensor.NetworkRegistrationAllowed.put(context.state, 1, value=False)
    assert ask(context, (1000, CHILD)) is None, "closed registration does not matter"
    when = Subtensor.PendingChildKeys.get(context.state, 1, PARENT)[1]
    assert rows(context, PARENT)[0] == []
    shares.take_stake(context.state, PARENT, COLD, 0, threshold)
    context.block = when
    children.apply_pending(context, 1)
    assert rows(context, PARENT)[0] == [(1000, CHILD)], "nor does stake, once they wait"


@BOTH
def test_a_sale_below_the_threshold_forgets_who_waits(spec: int) -> None:
    context = market(spec)
    Subtensor.StakeThreshold.put(context.state, value=100 * COIN)
    staking.add(context, COLD, PARENT, 1, 250 * COIN)
    alpha = shares.stake_of(context.state, PARENT, COLD, 1)
    assert ask(context, (1000, CHILD)) is None
    assert refusal(context, staking.remove_stake, COLD, PARENT, 1, alpha // 4) is None
    assert Subtensor.PendingChildKeys.exists(context.state, 1, PARENT), "enough is left"
    assert refusal(context, staking.remove_stake, COLD, PARENT, 1, alpha // 2) is None
    assert not Subtensor.PendingChildKeys.exists(context.state, 1, PARENT)


@BOTH
def test_a_child_s_take_rises_every_so_often_and_within_bounds(spec: int) -> None:
    context = market(spec)
    Subtensor.TxChildkeyTakeRateLimit.put(context.state, value=100)
    most = Subtensor.MaxChildkeyTake.get(context.state)

    def take(value: int, who: bytes = COLD) -> str | None:
        return refusal(context, children.set_childkey_take, who, PARENT, 1, value)

    context.block = 1
    assert take(most + 1) == "InvalidChildkeyTake"
    assert take(500, OWNER) == "NonAssociatedColdKey"
    assert take(500) is None
    for block, value, error in ((1, 600, True), (99, 650, True), (101, 700, False)):
        context.block = block
        assert take(value) == ("TxChildkeyTakeRateLimitExceeded" if error else None)
    assert Subtensor.ChildkeyTake.get(context.state, PARENT, 1) == 700
    context.block = 102
    assert take(most // 2) == "TxChildkeyTakeRateLimitExceeded" and take(650) is None, "it may fall at any time"


def test_a_subnet_asks_for_a_take_of_its_own() -> None:
    context = market()
    least = Subtensor.MaxChildkeyTake.get(context.state) // 2
    Subtensor.MinChildkeyTakePerSubnet.put(context.state, 1, value=least)
    assert children.least_take(context.state, 1) == least
    assert refusal(context, children.set_childkey_take, COLD, PARENT, 1, least - 1) == "InvalidChildkeyTake"
    assert refusal(context, children.set_childkey_take, COLD, PARENT, 1, least) is None


def committing(spec: int) -> Context:
    context = market(spec)
    for netuid in (1, 2):
        for who in (PARENT, OTHER):
            Subtensor.Uids.put(context.state, netuid, who, value=0)
        Subtensor.Tempo.put(context.state, netuid, value=360)
    context.block = 1
    return context


def commit(context: Context, *sizes: int, who: bytes = PARENT, netuid: int = 1) -> str | None:
    info = {"fields": [(f"Raw{size}", bytes(size)) for size in sizes]}
    return refusal(context, commitments.set_commitment, who, netuid, info)


def used(context: Context) -> int:
    return int(Commitments.UsedSpaceOf.get(context.state, 1, PARENT)["used_space"])


@BOTH
def test_a_commitment_counts_a_hundred_bytes_at_least(spec: int) -> None:
    context = committing(spec)
    assert commit(context) is None
    row = Commitments.CommitmentOf.get(context.state, 1, PARENT)
    assert (row["deposit"], row["block"], Commitments.LastCommitment.get(context.state, 1, PARENT)) == (0, 1, 1)
    assert commitments.COMMITMENT.encode({"netuid": 1, "who": PARENT}) in context.events[-1]
    assert used(context) == 100
    for sizes, total in (((50,), 200), ((110,), 310), ((10, 20, 50), 410), ((100, 20, 50), 580)):
        assert commit(context, *sizes) is None
        assert used(context) == total


@BOTH
def test_space_is_counted_by_subnet_and_person_until_the_next_epoch(spec: int) -> None:
    context = committing(spec)
    Commitments.MaxSpace.put(context.state, value=250)
    assert [commit(context, 20) for _ in range(3)] == [None, None, "SpaceLimitExceeded"]
    assert commit(context, 20, netuid=2) is None and commit(context, 20, who=OTHER) is None
    context.block = 200
    assert commit(context, 20) == "SpaceLimitExceeded"
    context.block = 360
    if spec == 425:  # where epochs are counted as they happen
        Subtensor.SubnetEpochIndex.put(context.state, 1, value=1)
    assert commit(context, 20) is None
    assert refusal(context, commitments.set_max_space, PARENT, 300) == "BadOrigin"
    assert commit(context, 20) is None and commit(context, 20) == "SpaceLimitExceeded"
    assert refusal(context, commitments.set_max_space, ROOT_ORIGIN, 300) is None
    assert commit(context, 20) is None
