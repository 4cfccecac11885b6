"""Yuma3 and liquid alpha: the published scenario of a validator that moves first, and where they differ from Yuma2."""

from __future__ import annotations

import dataclasses

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.maths.yuma import EpochInputs, Liquid, Row, epoch, liquid_alpha
from ranvier.sandbox.pallets.subtensor import coinbase
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor

ONE = 1 << 32
LIQUID = Liquid(low=6_554, high=19_661, steepness=1000)  # 0.1 to 0.3
FIRST, SECOND = ((3, 65_535), (4, 0)), ((3, 0), (4, 65_535))


def scenario(weights: tuple[Row, ...], bonds: tuple[Row, ...], liquid: Liquid | None = LIQUID) -> EpochInputs:
    """Three validators with 80, 10 and 10 of stake and two servers, as the chain's own Yuma3 tests have them."""
    return EpochInputs(
        block=100,
        tempo=10,
        stake_rao=(800, 100, 100, 0, 0),
        weights=(*weights, (), ()),
        bonds=bonds,
        last_update=(99,) * 5,
        block_at_registration=(0,) * 5,
        validator_permit=(True, True, True, False, False),
        emission_rao=10**9,
        bonds_penalty=0,
        bonds_moving_average=975_000,
        yuma3=True,
        liquid=liquid,
    )


def bond_values(bonds: tuple[Row, ...]) -> list[list[float]]:
    return [[round(dict(row).get(uid, 0) / 65_535, 3) for uid in (3, 4)] for row in bonds[:3]]


def test_kappa_moves_first() -> None:
    """Bonds of the first two epochs of that scenario: 0.1013, then 0.1924 where it stays, 0.0908 and 0.2987 where the
    great validator changed servers alone and took the consensus with it."""
    first = epoch(scenario((FIRST,) * 3, ((),) * 5))
    assert bond_values(first.bonds) == [[0.101, 0.0]] * 3
    assert [round(part / 65_535, 3) for part in first.dividends] == [0.8, 0.1, 0.1, 0.0, 0.0]
    second = epoch(scenario((SECOND, FIRST, FIRST), first.bonds))
    assert [part / 65_535 > 0.999 for part in second.incentive] == [False, False, False, False, True]
    moved, stayed = bond_values(second.bonds)[:2]
    # Who moved buys at the consensus (0.1013) and sells at its old bond's pace; who stayed weighs what nobody does.
    assert moved == [0.091, 0.101]
    assert stayed == [0.37, 0.0]


@pytest.mark.parametrize(
    ("consensus", "weight", "bond", "pace"),
    [(1.0, 1.0, 0.0, 0.1013), (0.0, 1.0, 0.0, 0.2987), (1.0, 0.0, 0.1013, 0.1036), (0.0, 0.5, 0.0, 0.2)],
)
def test_the_pace_of_a_bond(consensus: float, weight: float, bond: float, pace: float) -> None:
    """low + (high - low) / (1 + e ** (-10 (difference - 0.5))), the differences as in the source's rule."""
    got = liquid_alpha(LIQUID, int(consensus * ONE), int(weight * ONE), int(bond * ONE))
    assert abs(got / ONE - pace) < 1e-4


def test_without_liquid_alpha_bonds_move_at_one_pace_and_are_not_scaled() -> None:
    first = epoch(scenario((FIRST,) * 3, ((),) * 5, None))
    assert bond_values(first.bonds) == [[0.025, 0.0]] * 3
    second = epoch(scenario((FIRST,) * 3, first.bonds, None))
    assert bond_values(second.bonds) == [[0.049, 0.0]] * 3
    old = dataclasses.replace(scenario((FIRST,) * 3, ((),) * 5, None), yuma3=False)
    assert dict(epoch(old).bonds[0])[3] == 65_535, "Yuma2 scales the greatest to one"


def test_bonds_in_a_newcomer_are_its_predecessors() -> None:
    """At 425 those count who registered after the last step, whenever that was; before, after a tempo ago."""
    bonds: tuple[Row, ...] = (((3, 6_000),),) * 3 + ((), ())
    inputs = scenario(((),) * 3, bonds, None)
    newcomer = dataclasses.replace(inputs, block_at_registration=(0, 0, 0, 85, 0))
    assert dict(epoch(newcomer).bonds[0])[3] > 5_000
    assert epoch(dataclasses.replace(newcomer, bonds_since=81)).bonds[0] == ()
    assert dict(epoch(dataclasses.replace(newcomer, bonds_since=86)).bonds[0])[3] > 5_000


def test_the_chain_hands_over_its_switches() -> None:
    context = Context(Overlay(Store(1)), 50, bytes(32), 0)
    state = context.state
    Subtensor.Tempo.put(state, 1, value=360)
    assert coinbase.activity_cutoff(state, 1) == 5000, "13,889 thousandths of a tempo"
    Own.Rules.put(state, value=343)
    Subtensor.ActivityCutoff.put(state, 1, value=77)
    assert coinbase.activity_cutoff(state, 1) == 77
