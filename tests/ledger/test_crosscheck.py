"""The change of a position against pay and operations: always accounted for, or flagged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ranvier.chain.position_steps import Seen, Step
from ranvier.ledger.crosscheck import Explanation, Reading, Verdict, explain
from ranvier.ledger.payments import Payment
from ranvier.ledger.receipts import Operation

PAY = Payment(1, 0, 20, "5Hot", 3, 1, 1000, 10**9, "0x", 1000, 0, "paid", "5Cold", "5Hot", 4)
STAKE = Operation("stake", 25, 9, 1, "5Cold", "5Hot", 1, 500, -500)


def check(start: int, end: int, pay=(), operations=(), **more) -> Explanation:
    return explain("5Hot", "5Cold", 1, Reading(10, start), Reading(30, end), pay, operations, **more)


def test_pay_and_operations_explain_it_to_the_rao() -> None:
    found = check(100, 1600, [PAY], [STAKE])
    assert (found.verdict, found.unexplained_rao) == (Verdict.EXACT, 0)
    assert [(line.what, line.rao, line.count) for line in found.lines] == [("pay", 1000, 1), ("stake", 500, 1)]
    assert check(100, 1600, [PAY], [STAKE, STAKE]).verdict is Verdict.EXACT, "one event told twice is one"


def test_only_what_landed_here_counts() -> None:
    away = replace(PAY, destination_ss58="5Else")
    assert check(0, 0, [away]).verdict is Verdict.EXACT
    assert check(0, 300, [replace(away, captured_rao=300)]).verdict is Verdict.EXACT, "the lock stays on the miner"
    hither = replace(PAY, hotkey_ss58="5Else", destination_ss58="5Hot", captured_rao=300)
    assert check(0, 700, [hither]).verdict is Verdict.EXACT
    others = [
        replace(PAY, coldkey_ss58="5Other"),
        replace(PAY, netuid=2),
        replace(PAY, block=10),
        replace(PAY, block=31),
    ]
    assert check(0, 0, others, [structs.replace(STAKE, coldkey_ss58="5Other")]).verdict is Verdict.EXACT
    assert check(0, 1000, [replace(PAY, block=30)]).verdict is Verdict.EXACT
    burned = replace(PAY, alpha_rao=0, fate="burned", destination_ss58=None)
    assert check(0, 0, [burned]).verdict is Verdict.EXACT


def test_a_rest_is_named_for_what_it_is() -> None:
    assert check(0, 998, [PAY]).verdict is Verdict.ROUNDING
    assert check(0, 1003, [PAY]).verdict is Verdict.ROUNDING
    more = check(0, 90_000, [PAY])
    assert more.verdict is Verdict.UNEXPLAINED
    assert "0.000089000 α1 more than pay" in more.sentence
    assert check(0, 90_000, [PAY], dividends=[(20, 89_000), (9, 5)]).verdict is Verdict.EXACT
    assert check(0, 90_000, [PAY], covered=[(1, 19), (21, 99)]).verdict is Verdict.UNCHECKED
    assert check(0, 1000, [PAY], covered=[(1, 99)]).verdict is Verdict.EXACT
    with pytest.raises(ValueError, match="before the start"):
        explain("5Hot", "5Cold", 1, Reading(30, 0), Reading(10, 0), (), ())


amounts = st.integers(0, 10**15)


@given(amounts, amounts, st.lists(st.tuples(st.integers(5, 35), amounts), max_size=6), amounts, amounts)
def test_the_parts_always_sum_to_the_change(start, end, pays, before, after) -> None:
    rows = [replace(PAY, block=block, alpha_rao=rao, captured_rao=rao // 3) for block, rao in pays]
    found = explain("5Hot", "5Cold", 1, Reading(10, start, before), Reading(30, end, after), rows, [STAKE])
    assert found.change_rao == end - start == sum(line.rao for line in found.lines) + found.unexplained_rao
    assert found.value_change_rao == found.amount_effect_rao + found.price_effect_rao
    assert found.value_change_rao == end * after // 10**9 - start * before // 10**9


def test_a_position_that_began_with_nothing_needs_no_price_of_then() -> None:
    found = explain("5Hot", "5Cold", 1, Reading(10, 0), Reading(30, 1000, 2 * 10**9), [PAY], ())
    assert (found.value_change_rao, found.amount_effect_rao, found.price_effect_rao) == (2000, 2000, 0)
    held = explain("5Hot", "5Cold", 1, Reading(10, 1), Reading(30, 1001, 2 * 10**9), [PAY], ())
    assert held.value_change_rao is None


def test_each_step_is_explained_by_what_happened_in_its_block() -> None:
    steps = [
        Step(12, 0, -400, False, (Seen("unstake", 3, -400),)),
        Step(15, 0, 70, False, (Seen("move", 2, None),)),
        Step(20, 0, 1250, True, ()),  # the pay of 1000, and dividends
        Step(25, 0, 1, False, ()),  # rounding
    ]
    found = check(1000, 1921, [PAY], steps=steps, covered=[(1, 99)])
    assert [(line.what, line.rao) for line in found.lines] == [
        ("pay", 1000), ("dividends", 250), ("move", 70), ("unstake", -400),
    ]  # fmt: skip
    assert (found.verdict, found.unexplained_rao) == (Verdict.ROUNDING, 1)
    odd = check(1000, 1901, [PAY], steps=[*steps[:-1], Step(26, 0, -19, False, ())], covered=[(1, 99)])
    assert (odd.verdict, odd.unexplained_rao) == (Verdict.UNEXPLAINED, -19)
    assert "block 26" in odd.sentence
    less = check(1000, 1900, [PAY], steps=[Step(20, 0, 900, True, ())])
    assert (less.verdict, less.unexplained_rao) == (Verdict.UNEXPLAINED, -100), "an epoch takes nothing away"
    dark = check(0, 1250, [], covered=[(1, 19)], steps=[Step(20, 0, 1250, True, ())])
    assert dark.verdict is Verdict.UNCHECKED and dark.lines[0].what.startswith("pay and dividends")
