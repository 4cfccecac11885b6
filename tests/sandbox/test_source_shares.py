"""Numbers of the chain's own unit tests of share pools (primitives/share-pool), through ours.

A pool here is one hotkey's alpha in a subnet, its keys are coldkeys; 425 has decimal floats, 343 U64F64.
"""

from __future__ import annotations

import pytest

from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.maths.safe_float import TOP, ZERO, SafeFloat
from ranvier.sandbox.pallets.subtensor import shares
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor

HOT, ONE, TWO = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32


class Pool:
    """``SharePool`` by its own words: an update of one key, or of all."""

    def __init__(self, rules: int) -> None:
        self.state = Overlay(Store(1))
        Own.Rules.put(self.state, value=rules)

    def one(self, key: bytes, change: int) -> None:
        if change > 0:
            shares.add_stake(self.state, HOT, key, 1, change)
        else:
            shares.take_stake(self.state, HOT, key, 1, -change)

    def all(self, change: int) -> None:
        shares.credit_all(self.state, HOT, 1, change)

    def value(self, key: bytes) -> int:
        return shares.stake_of(self.state, HOT, key, 1)


@pytest.mark.parametrize(
    ("mantissa", "exponent", "normal"),
    [
        (1, 0, (TOP, -21)),
        (0, 0, ZERO),
        (10, 0, (TOP, -20)),
        (1_000, 0, (TOP, -18)),
        (10**20, 0, (TOP, -1)),
        (TOP, 0, (TOP, 0)),
        (TOP + 1, 0, (TOP, 0)),
        (12 * TOP + 9, 3, (12 * TOP // 100, 5)),
    ],
)
def test_numbers_are_normal(mantissa: int, exponent: int, normal: tuple[int, int]) -> None:
    assert SafeFloat.of(mantissa, exponent) == normal


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ((1, 0), (1, 0), (2 * 10**20, -20)),
        ((0, 0), (1, 0), (TOP, -21)),
        ((0, 0), (1, -1), (TOP, -22)),
        ((1, -1000), (1, -1), (TOP, -22)),
        ((TOP, 0), (TOP, 0), (TOP * 2 // 10, 1)),
        ((1, 0), (TOP, 1), (TOP, 1)),
        ((1, 0), (1, 22), (TOP, 1)),
        ((1, 0), (1, 23), (TOP, 2)),
        ((123, 0), (1, 23), (TOP, 2)),
        ((123, 1), (1, 23), (10**20 + 1, 3)),
        ((42, 0), (1, 22), (TOP, 1)),
        ((TOP - 1, 0), (1, 22), (109_999_999_999_999_999_999, 2)),
        ((42, 0), (1, 23), (TOP, 2)),
        ((4_200, 0), (1, 23), (100_000_000_000_000_000_004, 3)),
        ((TOP - 1, 0), (1, 23), (100_999_999_999_999_999_999, 3)),
        ((999_999, 1), (1, 23), (100_000_000_000_000_009_999, 3)),
        ((1, 24), (1, 0), (TOP, 3)),
        ((1, 24), (123_456_789_012_345_678_901, 0), (100_012_345_678_901_234_567, 4)),
        ((1, 22), (1, 23), (11 * 10**19, 3)),
        ((TOP - 1, 22), (1, 22), (TOP, 22)),
    ],
)
def test_sums_lose_what_does_not_fit(first: tuple[int, int], second: tuple[int, int], result: tuple[int, int]) -> None:
    one, other = SafeFloat.of(*first), SafeFloat.of(*second)
    assert one + other == other + one == result
    assert (one + other) - other == one or one.exponent < other.exponent
    assert one - (one + other) == ZERO or not one.mantissa


@pytest.mark.parametrize("rules", [343, 425])
def test_a_pool_is_shared_in_proportion(rules: int) -> None:
    pool = Pool(rules)
    pool.one(ONE, 3)
    pool.one(TWO, 7)
    pool.all(90)
    assert (pool.value(ONE), pool.value(TWO)) in ((30, 70), (29, 69)), "U64F64 cuts off the value of one share"
    if rules == 425:
        assert (pool.value(ONE), pool.value(TWO)) == (30, 70)


@pytest.mark.parametrize("rules", [343, 425])
def test_small_rests_are_kept(rules: int) -> None:
    pool = Pool(rules)
    pool.one(ONE, 1000)
    assert pool.value(ONE) == 1000
    pool.one(ONE, -990)
    pool.one(TWO, 1000)
    pool.one(TWO, -990)
    assert (pool.value(ONE), pool.value(TWO)) == (10, 10)


def test_at_425_a_million_alpha_on_one_rao_keeps_its_precision() -> None:
    pool = Pool(425)
    pool.one(ONE, 1)
    pool.one(TWO, 1)
    pool.all(999_999_999_999_998)
    pool.one(ONE, -499_999_999_999_990)
    pool.one(TWO, -499_999_999_999_990)
    pool.all(999_999_999_999_980)
    pool.one(ONE, 10**12)
    pool.one(TWO, 10**12)
    assert abs(pool.value(ONE) - 501_000_000_000_000) <= 1
    assert abs(pool.value(TWO) - 501_000_000_000_000) <= 1


def test_at_343_the_first_staker_gets_what_precision_loses() -> None:
    """The same story: shares too small for the pool were removed, and with them the position of the second."""
    pool = Pool(343)
    pool.one(ONE, 1)
    pool.one(TWO, 1)
    pool.all(999_999_999_999_998)
    pool.one(ONE, -499_999_999_999_990)
    pool.one(TWO, -499_999_999_999_990)
    pool.all(999_999_999_999_980)
    pool.one(ONE, 10**12)
    pool.one(TWO, 10**12)
    assert abs(pool.value(ONE) - 1_001_000_000_000_000) < 100
    assert abs(pool.value(TWO) - 10**12) < 100


def test_at_425_many_small_withdrawals_cost_nothing() -> None:
    pool = Pool(425)
    pool.one(ONE, 1)
    pool.one(TWO, 1)
    pool.all(10**15)
    for _ in range(1000):
        pool.one(ONE, -500_000_000)
        pool.one(TWO, -500_000_000)
    pool.all(10**15)
    pool.one(ONE, 10**12)
    pool.one(TWO, 10**12)
    want = 1_001_000_000_000_000 - 1000 * 500_000_000
    assert abs(pool.value(ONE) - want) <= 1
    assert abs(pool.value(TWO) - want) <= 1


def test_old_rows_are_read_until_they_are_written() -> None:
    pool = Pool(343)
    pool.one(ONE, 1000)
    pool.one(TWO, 500)
    pool.all(1)
    before = pool.value(ONE), pool.value(TWO)
    Own.Rules.put(pool.state, value=425)
    assert abs(pool.value(ONE) - before[0]) <= 1
    assert abs(pool.value(TWO) - before[1]) <= 1
    pool.one(ONE, 7)
    assert not Subtensor.Alpha.exists(pool.state, HOT, ONE, 1)
    assert not Subtensor.TotalHotkeyShares.exists(pool.state, HOT, 1)
    assert Subtensor.Alpha.exists(pool.state, HOT, TWO, 1), "nobody wrote this one yet"
    assert sorted(shares.positions(pool.state)) == [(HOT, ONE, 1), (HOT, TWO, 1)]
    pool.one(ONE, -pool.value(ONE))
    pool.one(TWO, -pool.value(TWO))
    assert pool.value(ONE) == pool.value(TWO) == 0
