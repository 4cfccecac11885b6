"""The pool against a real runtime's swap, and its properties."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.sandbox.maths.pool import buy, price_rao, sell

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "chain" / "reference-pools-218.json"

reserves = st.integers(1, 21 * 10**15)
amounts = st.integers(0, 10**15)


def test_a_sale_equals_a_real_runtime_to_the_rao() -> None:
    """Spec 218: half a position sold in block 21, just after that block's injection.

    The run records the pool up to block 20. How that build injects each block is read off blocks 18 to 20 (and
    checked there); it is not a rule of ours. The pools before the run's two purchases were not recorded.
    """
    if not REFERENCE.exists():
        pytest.skip(f"the reference run is not here: {REFERENCE}")
    snapshots = json.loads(REFERENCE.read_text())["snapshots"]
    pools = [snapshot[when]["subnet"] for snapshot in snapshots for when in ("before", "epoch")]
    tao_emission = pools[0]["EmissionValues"]

    def next_block(tao: int, alpha: int) -> tuple[int, int]:
        return tao + tao_emission, alpha + tao * 10**18 // (alpha * tao_emission)

    known = [(pool["SubnetTAO"], pool["SubnetAlphaIn"]) for pool in pools]
    assert next_block(*known[0]) == known[1]
    assert next_block(*known[2]) == known[3]
    assert sell(18_570_812_531_743, *next_block(*known[3])) == 4_158_421_510_409


@given(amounts, reserves, reserves)
def test_a_swap_never_empties_the_pool_nor_beats_the_product(amount: int, tao: int, alpha: int) -> None:
    got = buy(amount, tao, alpha)
    assert 0 <= got <= alpha
    # What leaves is at most the exact amount plus 2**-32 rao (the one rounding that favours the trader).
    assert ((alpha - got) * (tao + amount) << 32) >= (tao * alpha << 32) - (tao + amount)
    # And at least the exact amount less one rao.
    assert (alpha - got - 1) * (tao + amount) <= tao * alpha


@given(amounts, reserves, reserves)
def test_selling_is_the_mirror_of_buying(amount: int, tao: int, alpha: int) -> None:
    assert sell(amount, tao, alpha) == buy(amount, alpha, tao)


@given(st.integers(1, 10**15), st.integers(10**9, 10**16), st.integers(10**9, 10**16))
def test_there_and_back_is_no_gain(amount: int, tao: int, alpha: int) -> None:
    got = buy(amount, tao, alpha)
    assert sell(got, tao + amount, alpha - got) <= amount


@given(st.integers(1, 10**14), reserves, reserves)
def test_a_greater_amount_never_gets_less(amount: int, tao: int, alpha: int) -> None:
    assert buy(amount, tao, alpha) <= buy(amount * 2, tao, alpha)


def test_empty_pools_and_bad_amounts() -> None:
    assert buy(10, 0, 5) == buy(10, 5, 0) == 0
    assert price_rao(5, 0) is None
    with pytest.raises(ValueError, match="not negative"):
        buy(-1, 10, 10)


def test_price() -> None:
    assert price_rao(25 * 10**9, 100 * 10**9) == 250_000_000
