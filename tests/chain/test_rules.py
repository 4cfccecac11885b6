"""The pure rules of money: who leaves a full subnet, quotes, supply, concentration."""

from __future__ import annotations

import statistics
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.chain import concentration, effects, pruning, quotes, supply
from ranvier.chain.model import Change, Effect, Fact
from ranvier.chain.pruning import Candidate, Rule
from ranvier.chain.quotes import Pool

SEATS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.booleans(), st.integers(0, 9)), min_size=0, max_size=9
).map(
    lambda rows: [
        Candidate(uid, score, block, immune, protected == 0)
        for uid, (score, block, immune, protected) in enumerate(rows)
    ]
)


def next_to_leave(seats: list[Candidate], rule: Rule, floor: int = 0) -> int | None:
    """The rule for one registration, as the runtime's ``get_neuron_to_prune`` has it."""
    open_seats = [seat for seat in seats if not seat.protected]
    free = [seat for seat in open_seats if not seat.immune]
    chosen = free if len(free) > (floor if rule is Rule.EMISSION else 0) else [s for s in open_seats if s.immune]
    return min(chosen, key=lambda seat: (seat.score, seat.registered_block, seat.uid)).uid if chosen else None


def simulated(seats: list[Candidate], rule: Rule, floor: int) -> list[int]:
    """One registration after the other, by the rule for one; it ends at a newcomer or at nobody."""
    now, left, new = list(seats), [], set()
    while (uid := next_to_leave(now, rule, floor)) is not None and uid not in new:
        left.append(uid)
        new.add(uid)
        comer = Candidate(uid, 0 if rule is Rule.EMISSION else 65_535, 99, immune=True)
        now = [comer if seat.uid == uid else seat for seat in now]
    return left


@given(SEATS, st.sampled_from(Rule), st.integers(0, 5))
def test_line_is_one_leaving_after_the_other(seats: list[Candidate], rule: Rule, floor: int) -> None:
    line = pruning.leaving_line(seats, rule, floor)
    assert list(line) == simulated(seats, rule, floor)
    assert len(set(line)) == len(line) and not {seat.uid for seat in seats if seat.protected} & set(line)
    shuffled = sorted(seats, key=lambda seat: -seat.uid)
    assert pruning.leaving_line(shuffled, rule, floor) == line


def test_who_leaves_next() -> None:
    seats = [
        Candidate(0, 0, 0, immune=False, protected=True),
        Candidate(1, 5, 10, immune=False),
        Candidate(2, 5, 9, immune=False),
        Candidate(3, 0, 50, immune=True),
        Candidate(4, 7, 51, immune=True),
    ]
    # Equal emission: the older goes first; uid 4 earns more than any newcomer.
    assert pruning.leaving_line(seats, Rule.EMISSION) == (2, 1, 3)
    assert pruning.leaving_line(seats, Rule.EMISSION, 2)[0] == 3  # too few are left without immunity
    assert pruning.leaving_line(seats, Rule.PRUNING_SCORE) == (2, 1, 3, 4)
    assert pruning.leaving_line(seats[:3], Rule.EMISSION, 2) == ()  # nobody is immune, and too few are not
    assert pruning.leaving_line([], Rule.EMISSION) == ()


def test_owners_seats() -> None:
    owners = [(30, 7), (10, 5), (20, 6)]
    assert pruning.protected_uids(5, owners, 1) == {5}
    assert pruning.protected_uids(7, owners, 1) == {7}  # the owner's hotkey comes first
    assert pruning.protected_uids(7, owners, 2) == {7, 5}
    assert pruning.protected_uids(6, owners, 2) == {5, 6}
    assert pruning.protected_uids(None, owners, 0) == frozenset()


RESERVE = st.integers(10**6, 10**16)
AMOUNT = st.integers(0, 10**15)


@given(RESERVE, RESERVE, AMOUNT, st.booleans())
def test_constant_product_never_gives_too_much(tao: int, alpha: int, amount: int, buying: bool) -> None:
    quote = (quotes.quote_buy if buying else quotes.quote_sell)(Pool(1, tao, alpha), amount)
    if quote is None:
        return
    into, out = (tao, alpha) if buying else (alpha, tao)
    exact = Fraction(out * amount, into + amount)
    assert exact - 2 < quote.gets_rao < exact + 1
    assert quote.after_rao >= quote.spot_rao - 1 if buying else quote.after_rao <= quote.spot_rao
    assert 0 <= quote.cost_ppm <= 10**6


@given(RESERVE, RESERVE, st.integers(0, 10**14), st.booleans(), st.integers(1, 99))
def test_balancer_keeps_its_invariant(tao: int, alpha: int, amount: int, buying: bool, percent: int) -> None:
    quote_of = quotes.quote_buy if buying else quotes.quote_sell
    weighted = quote_of(Pool(1, tao, alpha, quote_weight=percent * 10**16), amount)
    if weighted is not None:
        into, out, weight = (tao, alpha, percent) if buying else (alpha, tao, 100 - percent)

        def kept(got: int) -> Decimal:  # the pool's invariant after the swap, against the one before
            return weight * (Decimal(into + amount) / into).ln() + (100 - weight) * (Decimal(out - got) / out).ln()

        assert kept(weighted.gets_rao) >= -(Decimal(10) ** -20)
        assert weighted.gets_rao + 2 >= out or kept(weighted.gets_rao + 2) < 0
        more = quote_of(Pool(1, tao, alpha, quote_weight=percent * 10**16), amount + amount // 3 + 1)
        assert more is None or more.gets_rao >= weighted.gets_rao
    even, product = (
        quote_of(Pool(1, tao, alpha, quote_weight=5 * 10**17), amount),
        quote_of(Pool(1, tao, alpha), amount),
    )
    assert (even is None) == (product is None)
    assert even is None or product is None or even.gets_rao == product.gets_rao


@given(st.integers(10**9, 10**15), st.integers(10**9, 10**15), st.integers(0, 10**12), st.booleans())
def test_concentrated_pool_over_all_prices_is_a_product_pool(tao: int, alpha: int, amount: int, buying: bool) -> None:
    from math import isqrt

    pool = Pool(1, tao, alpha, sqrt_price=isqrt((tao << 128) // alpha), liquidity=isqrt(tao * alpha))
    quote_of = quotes.quote_buy if buying else quotes.quote_sell
    ranged, product = quote_of(pool, amount), quote_of(Pool(1, tao, alpha), amount)
    if ranged is not None and product is not None:
        assert abs(ranged.gets_rao - product.gets_rao) <= 2 + product.gets_rao // 10**5 + max(tao, alpha) // 10**8


def test_fee_root_and_small_pools() -> None:
    pool = Pool(1, 10**12, 10**12, fee_rate=33)
    quote = quotes.quote_sell(pool, 10**9)
    assert quote is not None and quote.fee_rao == 10**9 * 33 // 65_535 and quote.source == "formula"
    assert quote.cost_ppm == 1500 + 1  # half a thousandth of fee and a thousandth of slippage
    assert quote.price_move_ppm == pytest.approx(2000, abs=5)
    root = quotes.quote_buy(Pool(0, 0, 0), 5)
    assert root is not None and (root.gets_rao, root.fee_rao, root.cost_ppm) == (5, 0, 0)
    assert quotes.quote_buy(Pool(1, 0, 5), 1) is None and quotes.quote_sell(Pool(1, 5, 5), -1) is None
    assert Pool(1, 0, 0).price_rao is None


@given(st.integers(0, supply.CAP_RAO - 1))
def test_emission_curve(issuance: int) -> None:
    halvings = supply.halvings_at(issuance)
    assert supply.threshold(halvings) <= issuance < supply.threshold(halvings + 1) or issuance < supply.threshold(1)
    one = supply.supply(issuance)
    assert one.block_emission_rao == 10**9 >> halvings
    if one.next_halving_rao is not None and one.blocks_to_halving is not None:
        reached = issuance + one.blocks_to_halving * one.block_emission_rao
        assert reached >= one.next_halving_rao > reached - one.block_emission_rao


def test_known_halvings() -> None:
    million = 10**6 * 10**9
    for issuance, emission in ((0, 10**9), (10_499_999, 10**9), (10_500_000, 5 * 10**8), (15_750_000, 25 * 10**7)):
        assert supply.emission_at(issuance * 10**9) == emission
    assert supply.threshold(1) == 10_500_000 * 10**9 and supply.threshold(2) == 15_750_000 * 10**9
    assert supply.emission_at(21 * million) == 0 and supply.supply(21 * million).blocks_to_halving is None
    assert supply.supply(10 * million, 7).block_emission_rao == 7


@given(st.lists(st.integers(0, 10**18), max_size=40), st.integers(0, 65_534))
def test_concentration(amounts: list[int], majority: int) -> None:
    found = concentration.measure(amounts, majority)
    held = [amount for amount in amounts if amount]
    assert (found.holders, found.total) == (len(held), sum(held))
    if not held:
        assert found.hhi is found.gini is found.nakamoto is None
        return
    assert found.hhi is not None and found.gini is not None and found.nakamoto is not None
    assert 1 / len(held) - 1e-9 <= found.hhi <= 1 + 1e-9 and -1e-9 <= found.gini < 1
    largest = sorted(held, reverse=True)
    assert sum(largest[: found.nakamoto]) * 65_535 > sum(held) * majority
    assert sum(largest[: found.nakamoto - 1]) * 65_535 <= sum(held) * majority


def test_concentration_by_hand() -> None:
    found = concentration.measure([50, 30, 20])
    assert found.hhi == pytest.approx(0.38) and found.top1 == 0.5 and found.top3 == 1
    assert found.nakamoto == 1 and concentration.nakamoto([50, 50], 32_768) == 2
    assert concentration.gini([1, 1, 1]) == 0 and concentration.gini([0, 0, 3]) == pytest.approx(2 / 3)
    assert concentration.grouped([("a", 1), ("b", 2), ("a", 3)]) == {"a": 4, "b": 2}
    assert concentration.quartiles([0, 1, 2, 3, 4, 5]) == (2, 3, 4) and concentration.quartiles([0]) is None
    assert concentration.quartiles([10, 20]) == (12, 15, 17), "of two the median is the middle, not the larger"
    assert concentration.quartiles([7]) == (7, 7, 7)
    many = [985, 1206, 1710, 1791, 1800, 900]
    assert concentration.quartiles(many)[1] == statistics.median(many) == 1458


def test_all_of_a_position_may_have_grown_since_the_plan() -> None:
    def said(before: int, after: int, netuid: int = 1) -> tuple[str, bool | None]:
        change = Change(Effect("5C", "5H", netuid, -1000), before, after)
        sentences, kept = effects.judge([change], None, None, frozenset())
        return sentences[0], kept

    words, kept = said(1500, 0)
    assert kept is True and "all that was there" in words and "0.000000500 α1 came to it after the plan" in words
    words, kept = said(1500, 100)
    assert kept is None and "there was no limit" in words
    words, kept = said(1000, 0, netuid=0)
    assert words.startswith("Root stake of") and "TAO, exactly" in words


def test_facts_of_a_plan_are_held_against_the_chain_like_amounts() -> None:
    seat = Fact("SubtensorModule", "Uids", (1, "5Hot"), (), "It has a seat.")
    owner = Fact("SubtensorModule", "Owner", ("5Hot",), ("5Cold",), "It is yours.")
    assert seat.holds(0) and not seat.holds(None)
    assert owner.holds("5Cold") and not owner.holds("5Other") and not owner.holds(None)
    assert effects.judge_facts(()) == ((), None)
    said, kept = effects.judge_facts(((seat, True), (owner, False)))
    assert kept is False and said == ("The chain says: It has a seat.", "The chain does not say: It is yours.")
    assert effects.judge_facts(((seat, True), (owner, None)))[1] is None


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [(True, True, True), (True, False, False), (None, False, False), (True, None, None), (None, None, None)],
)
def test_verdicts_together_are_as_good_as_the_worst(
    first: bool | None, second: bool | None, whole: bool | None
) -> None:
    found, kept = effects.together((("one",), first), (("two",), second), ((), None))
    assert found == ("one", "two") and kept is whole
    assert effects.together(((), None)) == ((), None)
