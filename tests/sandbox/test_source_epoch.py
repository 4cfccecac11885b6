"""Numbers of the chain's own unit tests of epochs (tests/epoch), through our Yuma."""

from __future__ import annotations

import dataclasses

import pytest

from ranvier.sandbox.maths.yuma import EpochInputs, Liquid, Row, epoch

FULL = 65_535
A, B = ((3, FULL), (4, 0)), ((3, 0), (4, FULL))  # all on the first server, or on the second
EMISSION = 10**9


def graph(stake: tuple[int, ...], weights: tuple[Row, ...], permits: tuple[bool, ...]) -> EpochInputs:
    n = len(stake)
    return EpochInputs(
        block=2,
        tempo=FULL - 1,
        stake_rao=stake,
        weights=weights,
        bonds=((),) * n,
        last_update=(1,) * n,
        block_at_registration=(0,) * n,
        validator_permit=permits,
        emission_rao=EMISSION,
        kappa=FULL // 2,
    )


@pytest.mark.parametrize(("n", "emission"), [(1, EMISSION), (10, 99_999_999)])
def test_who_weighs_only_itself_is_paid_by_stake(n: int, emission: int) -> None:
    rows = tuple(((uid, FULL),) for uid in range(n))
    result = epoch(graph((1,) * n, rows, (False,) * n))
    assert result.rank == result.trust == result.consensus == result.incentive == result.dividends == (0,) * n
    assert result.emission_rao == (emission,) * n
    assert result.server_emission_rao == (0,) * n


@pytest.mark.parametrize("self_weights", [False, True])
def test_64_validators_on_448_servers(self_weights: bool) -> None:
    n, validators, stake = 512, 64, 328_125_000_000_000
    servers = range(validators, n)
    row: Row = tuple((uid, FULL) for uid in servers)
    own = tuple(((uid, FULL),) if self_weights else () for uid in servers)
    inputs = graph(
        (stake,) * validators + (0,) * len(servers),
        (row,) * validators + own,
        (True,) * validators + (False,) * len(servers),
    )
    inputs = dataclasses.replace(inputs, max_validators=validators)
    for _ in range(2):
        result = epoch(inputs)
        inputs = dataclasses.replace(inputs, bonds=result.bonds)
    assert set(result.consensus[:validators]) == set(result.incentive[:validators]) == {0}
    assert set(result.dividends[:validators]) == {1_023}
    assert set(result.emission_rao[:validators]) == {7_812_500}
    assert set(result.consensus[validators:]) == set(result.incentive[validators:]) == {146}
    assert set(result.dividends[validators:]) == {0}
    assert set(result.emission_rao[validators:]) == {1_116_071}
    bonds = [dict(row) for row in result.bonds]
    assert all(bonds[uid] == dict.fromkeys(servers, FULL) for uid in range(validators))
    assert not any(bonds[uid] for uid in servers)


def distribute(validators: int, n: int, interleave: int) -> tuple[list[int], list[int]]:
    """Who is a validator: the first, the last, or every other one."""
    if interleave == 0:
        return list(range(validators)), list(range(validators, n))
    if interleave == 1:
        return list(range(n - validators, n)), list(range(n - validators))
    return [2 * one for one in range(validators)], [2 * one + 1 for one in range(n - validators)]


@pytest.mark.parametrize("interleave", [0, 1, 2])
@pytest.mark.parametrize(("n", "count"), [(2, 1), (4, 2), (8, 4)])
@pytest.mark.parametrize("assignment", [0, 1])
def test_permits_go_to_the_greatest_stakes_above_the_threshold(
    interleave: int, n: int, count: int, assignment: int
) -> None:
    validators, servers = distribute(count, n, interleave)
    stake = [0] * n
    for uid in validators:
        stake[uid] = uid + n if assignment else 1
    for uid in servers:
        stake[uid] = uid if assignment else 0
    inputs = graph(tuple(stake), ((),) * n, (False,) * n)
    inputs = dataclasses.replace(inputs, stake_threshold_rao=count, max_validators=count)
    first = epoch(inputs).validator_permit
    assert [first[uid] for uid in validators] == [stake[uid] >= count for uid in validators]
    assert not any(first[uid] for uid in servers)
    for uid in servers:
        stake[uid] += 2 * n
    second = epoch(dataclasses.replace(inputs, stake_rao=tuple(stake))).validator_permit
    assert not any(second[uid] for uid in validators)
    assert all(second[uid] for uid in servers)


def test_the_owner_s_seat_votes_without_stake_enough_at_425() -> None:
    """Its stake counts below the threshold, it keeps a permit, and has one already in the epoch that runs."""
    inputs = graph((5, 100, 0), (((2, FULL),), (), ()), (False, False, False))
    inputs = dataclasses.replace(inputs, stake_threshold_rao=50, max_validators=1, owner_uid=0)
    before = epoch(inputs)
    assert before.validator_permit == (False, True, False)
    assert before.incentive == (0, 0, 0)
    after = epoch(dataclasses.replace(inputs, owner_votes=True))
    assert after.validator_permit == (True, True, False)
    assert after.incentive == (0, 0, FULL)
    assert after.stake_weight == (FULL * 5 // 105, FULL * 100 // 105, 0)


# (weights of the three validators before the epoch, bonds on the two servers, dividends): 0.8, 0.1 and 0.1 of stake.
FIRST = (
    ((A, A, A), ((0.1013, 0), (0.1013, 0), (0.1013, 0)), (0.8, 0.1, 0.1)),
    ((B, A, A), ((0.0908, 0.1013), (0.3697, 0), (0.3697, 0)), (1, 0, 0)),
    ((B, B, A), ((0.0815, 0.1924), (0.3170, 0.1013), (0.5580, 0)), (0.9382, 0.0618, 0)),
    ((B, B, B), ((0.0731, 0.2742), (0.2765, 0.1924), (0.4306, 0.1013)), (0.8819, 0.0773, 0.0407)),
    ((B, B, B), ((0.0656, 0.3478), (0.2435, 0.2742), (0.3589, 0.1924)), (0.8564, 0.0844, 0.0592)),
    ((B, B, B), ((0.0588, 0.4139), (0.2157, 0.3478), (0.3089, 0.2742)), (0.8418, 0.0884, 0.0697)),
)
SECOND = (
    FIRST[0],
    ((A, B, A), ((0.1924, 0), (0.0908, 0.2987), (0.1924, 0)), (0.8446, 0.0498, 0.1056)),
    ((B, B, A), ((0.1715, 0.1013), (0.0815, 0.3697), (0.4336, 0)), (0.6868, 0.3132, 0)),
    ((B, B, B), ((0.1531, 0.1924), (0.0731, 0.4336), (0.3608, 0.1013)), (0.7421, 0.2090, 0.0489)),
    ((B, B, B), ((0.1369, 0.2742), (0.0656, 0.4910), (0.3103, 0.1924)), (0.7625, 0.1706, 0.0669)),
    ((B, B, B), ((0.1225, 0.3478), (0.0588, 0.5426), (0.2712, 0.2742)), (0.7730, 0.1508, 0.0762)),
)
LAST = (
    FIRST[0],
    ((A, B, A), ((0.1924, 0), (0.0908, 0.2987), (0.1924, 0)), (0.8446, 0.0498, 0.1056)),
    ((A, B, B), ((0.2742, 0), (0.0815, 0.5081), (0.1715, 0.2987)), (0.8966, 0.0333, 0.0701)),
    ((B, B, B), ((0.2416, 0.1013), (0.0731, 0.5580), (0.1531, 0.3697)), (0.4663, 0.3210, 0.2127)),
    ((B, B, B), ((0.2141, 0.1924), (0.0656, 0.6028), (0.1369, 0.4336)), (0.5976, 0.2340, 0.1683)),
    ((B, B, B), ((0.1903, 0.2742), (0.0588, 0.6430), (0.1225, 0.4910)), (0.6592, 0.1932, 0.1475)),
)


@pytest.mark.parametrize("story", [FIRST, SECOND, LAST], ids=["kappa first", "kappa second", "kappa last"])
def test_bonds_and_dividends_of_yuma3_with_liquid_alpha(story: tuple[tuple[tuple[Row, ...], ...], ...]) -> None:
    bonds: tuple[Row, ...] = ((),) * 5
    for weights, want_bonds, want_dividends in story:
        result = epoch(
            EpochInputs(
                block=100,
                tempo=1,
                stake_rao=(8, 1, 1, 0, 0),
                weights=(*weights, (), ()),
                bonds=bonds,
                last_update=(99,) * 5,
                block_at_registration=(0,) * 5,
                validator_permit=(True, True, True, False, False),
                emission_rao=EMISSION,
                kappa=FULL // 2,
                max_validators=3,
                bonds_penalty=0,
                bonds_moving_average=975_000,
                yuma3=True,
                liquid=Liquid(low=6_553, high=19_660, steepness=1000),
            )
        )
        bonds = result.bonds
        for row, want in zip(bonds, want_bonds, strict=False):
            assert [dict(row).get(uid, 0) / FULL for uid in (3, 4)] == pytest.approx(want, abs=1e-3)
        assert [part / FULL for part in result.dividends] == pytest.approx([*want_dividends, 0, 0], abs=1e-3)
