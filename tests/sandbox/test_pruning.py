"""Who leaves a full subnet, and what of the seat is left to the next: both specs (``get_neuron_to_prune``)."""

from __future__ import annotations

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.pallets.subtensor import neurons
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor

BLOCK, IMMUNE_SINCE = 1000, 990


def full(rules: int, scores: list[int], immune: tuple[int, ...] = ()) -> Context:
    """A subnet with all seats taken, its owner's at uid 0; the score is what the spec goes by."""
    context = Context(Overlay(Store(1)), BLOCK, bytes(32), 0)
    state = context.state
    Own.Rules.put(state, value=rules)
    count = len(scores)
    Subtensor.NetworksAdded.put(state, 1, value=True)
    Subtensor.SubnetworkN.put(state, 1, value=count)
    Subtensor.MaxAllowedUids.put(state, 1, value=count)
    Subtensor.ImmunityPeriod.put(state, 1, value=100)
    Subtensor.MinNonImmuneUids.put(state, 1, value=2)
    by, other = Subtensor.Emission, Subtensor.PruningScores
    if rules < 425:
        by, other = other, by
    by.put(state, 1, value=scores)
    other.put(state, 1, value=scores[::-1])
    for uid in range(count):
        hotkey = key(uid)
        Subtensor.Keys.put(state, 1, uid, value=hotkey)
        Subtensor.Uids.put(state, 1, hotkey, value=uid)
        Subtensor.IsNetworkMember.put(state, hotkey, 1, value=True)
        Subtensor.Owner.put(state, hotkey, value=bytes([200 + uid]) * 32)
        Subtensor.BlockAtRegistration.put(state, 1, uid, value=IMMUNE_SINCE if uid in immune else 10)
    Subtensor.SubnetOwnerHotkey.put(state, 1, value=key(0))
    Subtensor.SubnetOwner.put(state, 1, value=bytes([200]) * 32)
    Subtensor.OwnedHotkeys.put(state, bytes([200]) * 32, value=[key(0)])
    return context


def key(uid: int) -> bytes:
    return bytes([uid + 1]) * 32


def leaves(rules: int, scores: list[int], immune: tuple[int, ...] = ()) -> int | None:
    return neurons.uid_to_prune(full(rules, scores, immune).state, 1, BLOCK)


def test_the_lowest_out_of_immunity_leaves() -> None:
    for rules in (343, 425):
        assert leaves(rules, [0, 9, 3, 4, 1], immune=(4,)) == 2


def test_425_keeps_the_last_open_seats() -> None:
    """Two open seats are not more than MinNonImmuneUids: an immune one leaves, or nobody."""
    assert leaves(425, [0, 9, 3, 4, 5], immune=(3, 4)) == 3
    assert leaves(425, [0, 9, 3]) is None
    assert leaves(425, [0]) is None


def test_343_keeps_none_and_falls_back_to_the_first_seat() -> None:
    assert leaves(343, [0, 9, 3, 4, 5], immune=(3, 4)) == 2
    assert leaves(343, [0, 9, 3]) == 2
    assert leaves(343, [0, 9, 3], immune=(1, 2)) == 2
    assert leaves(343, [0]) == 0


def test_a_missing_score_is_the_highest_at_343_and_the_lowest_at_425() -> None:
    for rules, uid in ((343, 1), (425, 3)):
        context = full(rules, [0, 5, 6, 7])
        score = Subtensor.PruningScores if rules < 425 else Subtensor.Emission
        score.put(context.state, 1, value=[0, 5, 6])
        Subtensor.MinNonImmuneUids.put(context.state, 1, value=1)
        assert neurons.uid_to_prune(context.state, 1, BLOCK) == uid


def test_a_seat_taken_over_keeps_what_clear_neuron_leaves() -> None:
    for rules in (343, 425):
        context = full(rules, [0, 9, 3, 4])
        state = context.state
        for item in (Subtensor.LastUpdate, Subtensor.Rank, Subtensor.Incentive, Subtensor.Consensus):
            item.put(state, 1, value=[7, 7, 7, 7])
        Subtensor.Weights.put(state, 1, 0, value=[(1, 5), (2, 6)])
        Subtensor.Weights.put(state, 1, 2, value=[(1, 5)])
        new = b"\xee" * 32
        Subtensor.Owner.put(state, new, value=b"\xef" * 32)
        assert neurons.register_neuron(context, 1, new) == 2
        assert Subtensor.Uids.get(state, 1, new) == 2
        assert Subtensor.Uids.get(state, 1, key(2)) is None
        assert Subtensor.LastUpdate.get(state, 1) == Subtensor.Rank.get(state, 1) == [7, 7, 7, 7]
        assert Subtensor.Incentive.get(state, 1) == Subtensor.Consensus.get(state, 1) == [7, 7, 0, 7]
        assert Subtensor.Weights.get(state, 1, 0) == [(1, 5), (2, 0)]
        assert not Subtensor.Weights.exists(state, 1, 2)
        assert Subtensor.BlockAtRegistration.get(state, 1, 2) == BLOCK
        if rules == 343:
            assert Subtensor.PruningScores.get(state, 1) == [0, 9, 65_535, 4]


def test_343_registers_on_the_owners_only_seat_for_nothing() -> None:
    context = full(343, [5])
    assert neurons.register_neuron(context, 1, b"\xee" * 32) == 0
    assert Subtensor.Keys.get(context.state, 1, 0) == key(0)
    assert Subtensor.Uids.get(context.state, 1, b"\xee" * 32) is None
