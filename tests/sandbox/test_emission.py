"""The halving curve, the pots and the injection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.sandbox.maths.emission import (
    SUPPLY_CAP_RAO,
    Injection,
    alpha_emission_rao,
    block_emission_rao,
    injection,
    root_proportion,
    split_alpha,
)

COIN = 10**9
rao = st.integers(0, SUPPLY_CAP_RAO)


@pytest.mark.parametrize(
    ("issued_rao", "emission"),
    [
        (0, COIN),
        (10_500_000 * COIN - 1, COIN),
        (10_500_000 * COIN, COIN // 2),
        (15_750_000 * COIN - 1, COIN // 2),
        (15_750_000 * COIN, COIN // 4),
        (18_375_000 * COIN, COIN // 8),
        (SUPPLY_CAP_RAO - 1, 0),
        (SUPPLY_CAP_RAO, 0),
        (SUPPLY_CAP_RAO + 5, 0),
    ],
)
def test_halvings(issued_rao: int, emission: int) -> None:
    assert block_emission_rao(issued_rao) == emission


@given(rao)
def test_the_integer_rule_is_the_logarithm(issued_rao: int) -> None:
    left = SUPPLY_CAP_RAO - issued_rao
    emission = block_emission_rao(issued_rao)
    if not left:
        assert emission == 0
        return
    halvings = next(k for k in range(80) if left * 2 ** (k + 1) > SUPPLY_CAP_RAO)
    assert emission == COIN // 2**halvings


@given(rao)
def test_the_cap_is_never_passed(issued_rao: int) -> None:
    assert issued_rao + block_emission_rao(issued_rao) <= SUPPLY_CAP_RAO


def test_alpha_follows_the_same_curve() -> None:
    assert alpha_emission_rao(10_000_000 * COIN, 499_999 * COIN) == COIN
    assert alpha_emission_rao(10_000_000 * COIN, 500_000 * COIN) == COIN // 2


@given(rao, st.integers(0, 65535), st.integers(0, 2**32))
def test_the_parts_never_exceed_the_whole(alpha: int, cut: int, root: int) -> None:
    split = split_alpha(alpha, cut, root)
    parts = (split.owner_rao, split.server_rao, split.validator_rao, split.root_rao)
    assert min(parts) >= 0
    assert alpha - 4 <= sum(parts) <= alpha


def test_one_alpha_with_the_usual_cut() -> None:
    split = split_alpha(COIN)
    assert split.owner_rao == 179_995_422
    assert split.server_rao == split.validator_rao == 410_002_288
    assert split.root_rao == 0
    assert split_alpha(COIN, 0).server_rao == COIN // 2


def test_root_takes_from_the_validators_half_only() -> None:
    share = root_proportion(100 * COIN, 2**64 - 1, 300 * COIN)
    assert share == 2**32 // 4
    with_root, without = split_alpha(COIN, 0, share), split_alpha(COIN, 0)
    assert with_root.server_rao == without.server_rao
    assert with_root.root_rao == COIN // 8
    assert root_proportion(0, 2**64 - 1, 0) == 0


@given(st.integers(0, COIN), st.integers(0, COIN), st.integers(0, 2**40))
def test_injection_is_bounded(tao: int, cap: int, price_bits: int) -> None:
    put = injection(tao << 32, cap << 32, price_bits)
    assert 0 <= put.alpha_rao <= cap
    assert tao - 1 <= put.tao_rao + put.excess_tao_rao <= tao


def test_injection_follows_the_price_up_to_the_cap() -> None:
    quarter = 1 << 30
    assert injection(10**8 << 32, COIN << 32, quarter) == Injection(10**8, 4 * 10**8, 0)
    # One alpha at most: a quarter of the TAO goes with it, the rest buys.
    assert injection(COIN << 32, COIN << 32, quarter) == Injection(COIN // 4, COIN, COIN * 3 // 4)
    # 425 with no stake on root: all of it buys.
    assert injection(COIN << 32, 0, quarter) == Injection(0, 0, COIN)
    assert injection(COIN << 32, COIN << 32, 0) == Injection(COIN, 0, 0)
