"""Amounts: exact, told apart, never a float."""

from __future__ import annotations

import operator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.core.units import (
    RAO_PER_COIN,
    Alpha,
    Tao,
    UnitMismatchError,
    format_alpha,
    format_rao,
    format_tao,
    parse_rao,
)

RAO = st.integers(min_value=0, max_value=21_000_000 * RAO_PER_COIN)
SIGNED = st.integers(min_value=-(2**80), max_value=2**80)
NETUID = st.integers(min_value=0, max_value=65_535)


def plain(rao: int, decimals: int = 9) -> str:
    """Formatted text as a person would type it back."""
    return format_rao(rao, decimals).replace("\N{NARROW NO-BREAK SPACE}", "")


@given(RAO)
def test_text_of_an_amount_reads_back_as_the_same_amount(rao: int) -> None:
    assert parse_rao(plain(rao)) == rao


@given(RAO)
def test_parsing_agrees_with_decimal_arithmetic(rao: int) -> None:
    text = str(Decimal(rao) / RAO_PER_COIN) if rao % RAO_PER_COIN == 0 else f"{Decimal(rao) / RAO_PER_COIN:f}"
    assert parse_rao(text) == rao
    whole, _, fraction = text.partition(".")
    if len(fraction) != 3:  # 1,234 is refused, see below
        assert parse_rao(f"{whole},{fraction}" if fraction else whole) == rao


@given(SIGNED, st.integers(min_value=0, max_value=9))
def test_shortened_text_never_promises_more_than_there_is(rao: int, decimals: int) -> None:
    shown = Decimal(plain(rao, decimals).replace("\N{MINUS SIGN}", "-")) * RAO_PER_COIN
    assert abs(shown) <= abs(rao)
    assert abs(rao) - abs(shown) < 10 ** (9 - decimals)


@given(st.text(alphabet="0123456789.,+-eE _'\N{NARROW NO-BREAK SPACE}x", max_size=24))
def test_odd_text_is_an_amount_or_a_value_error_never_something_else(text: str) -> None:
    try:
        rao = parse_rao(text)
    except ValueError:
        return
    assert rao >= 0
    assert Decimal(text.strip().replace(",", ".")) * RAO_PER_COIN == rao


@pytest.mark.parametrize(
    ("text", "rao"),
    [
        ("1", 10**9),
        ("0.5", 5 * 10**8),
        (",25", 25 * 10**7),
        (" 0.000000001 ", 1),
        ("123456789012", 123456789012 * 10**9),
    ],
)
def test_amounts_that_people_type(text: str, rao: int) -> None:
    assert parse_rao(text) == rao


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", ",", "1.", "-1", "+1", "1e9", "1,000.5", "1 000", "0.0000000001", "0x10", "1.2.3", "NaN", "inf",
     "1234567890123", "١", "1_0", "1 TAO",
     "1,000", "12,345", "999,999"],
)  # fmt: skip
def test_what_is_not_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_rao(text)


@given(SIGNED, SIGNED, NETUID)
def test_sums_and_order_are_those_of_integers(left: int, right: int, netuid: int) -> None:
    for make in (Tao, lambda rao: Alpha(rao, netuid)):
        assert make(left) + make(right) == make(left + right)
        assert make(left) - make(right) == make(left - right)
        assert -make(left) == make(-left)
        for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq):
            assert compare(make(left), make(right)) == compare(left, right)
        assert bool(make(left)) == bool(left)
        assert hash(make(left)) == hash(make(left))


@given(SIGNED, NETUID, NETUID)
def test_two_currencies_never_meet(rao: int, netuid: int, other: int) -> None:
    pairs: list[tuple[object, object]] = [(Tao(rao), Alpha(rao, netuid)), (Alpha(rao, netuid), Tao(rao))]
    if netuid != other:
        pairs.append((Alpha(rao, netuid), Alpha(rao, other)))
    for number in (rao, float(rao % 10), None, "1"):
        pairs += [(Tao(rao), number), (Alpha(rao, netuid), number)]
    for left, right in pairs:
        for operation in (operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge):
            with pytest.raises(UnitMismatchError):
                operation(left, right)
        assert left != right


def test_sum_needs_a_start_of_the_same_currency() -> None:
    assert sum([Tao(1), Tao(2)], Tao(0)) == Tao(3)
    with pytest.raises(TypeError):
        sum([Tao(1), Tao(2)])


@pytest.mark.parametrize("number", [1.0, 0.5, "1", None, True, Decimal(1)])
def test_only_an_int_makes_an_amount(number: object) -> None:
    with pytest.raises(TypeError):
        Tao(number)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Alpha(number, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("factor", [2, 0.5])
def test_amounts_are_not_multiplied_or_divided(factor: object) -> None:
    for operation in (operator.mul, operator.truediv, operator.floordiv):
        with pytest.raises(TypeError):
            operation(Tao(4), factor)
        with pytest.raises(TypeError):
            float(Tao(4))  # type: ignore[arg-type]


@given(RAO, RAO, NETUID)
def test_value_at_a_price_is_rounded_down(rao: int, price: int, netuid: int) -> None:
    value = Alpha(rao, netuid).at_price(price)
    assert value == Tao(rao * price // RAO_PER_COIN)
    assert Alpha(rao, netuid).at_price(RAO_PER_COIN) == Tao(rao)


def test_amounts_cannot_be_changed() -> None:
    amount = Tao(5)
    with pytest.raises(AttributeError):
        amount.rao = 6  # type: ignore[misc]


def test_text_for_people() -> None:
    space, minus = "\N{NARROW NO-BREAK SPACE}", "\N{MINUS SIGN}"
    assert str(Tao(1_234_567_890_123_456_789)) == f"1{space}234{space}567{space}890.123456789 TAO"
    assert str(Alpha(-5, 7)) == f"{minus}0.000000005 α7"
    assert format_tao(Tao(1_999_999_999), 2) == "1.99 TAO"
    assert format_tao(Tao(1_999_999_999), 0) == "1 TAO"
    assert format_alpha(Alpha(0, 1), 4) == "0.0000 α1"
