"""The SCALE codecs: every value comes back, foreign bytes are refused, scalecodec agrees."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.sandbox.codec.composites import Option, Tuple, Vec, enum, struct
from ranvier.sandbox.codec.scale import (
    BOOL,
    TEXT,
    U8,
    U16,
    U32,
    U64,
    U128,
    Alias,
    Bytes,
    Codec,
    Compact,
    FixedBytes,
    Int,
    Reader,
    ScaleError,
    decode_compact,
    encode_compact,
)
from ranvier.sandbox.codec.types import ACCOUNT, DISPATCH_ERROR, ERA, MULTI_ADDRESS, era_birth
from ranvier.sandbox.frame.extrinsic import decode_extrinsic

U256 = Int("u256")
I64 = Int("i64")


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1) | st.sampled_from([0, 63, 64, 16383, 16384, 2**30 - 1, 2**30]).filter(
        lambda value: value < 2**bits
    )


SIMPLE: list[tuple[Codec, st.SearchStrategy[Any]]] = [
    (U8, unsigned(8)),
    (U16, unsigned(16)),
    (U32, unsigned(32)),
    (U64, unsigned(64)),
    (U128, unsigned(128)),
    (U256, unsigned(256)),
    (I64, st.integers(-(2**63), 2**63 - 1)),
    (BOOL, st.booleans()),
    (TEXT, st.text(max_size=40)),
    (Compact(U128), unsigned(128)),
    (Bytes(), st.binary(max_size=80)),
    (FixedBytes(5), st.binary(min_size=5, max_size=5)),
    (ACCOUNT, st.binary(min_size=32, max_size=32)),
]


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[Codec, Any]:
    kind = draw(st.sampled_from(["simple", "vec", "option", "tuple", "struct", "enum"] if depth else ["simple"]))
    if kind == "simple":
        codec, values = draw(st.sampled_from(SIMPLE))
        return codec, draw(values)
    inner, value = draw(typed_values(depth - 1))
    if kind == "vec":
        return Vec(inner), [value] * draw(st.integers(0, 3))
    if kind == "option":
        return Option(inner), draw(st.sampled_from([None, value]))
    other, second = draw(typed_values(depth - 1))
    if kind == "tuple":
        return Tuple((inner, other)), (value, second)
    if kind == "struct":
        return struct("a::S", {"x": inner, "y": other}), {"x": value, "y": second}
    codec = enum("a::E", {"None": 3, "One": (7, inner), "Two": (9, {"p": inner, "q": other})})
    return codec, draw(st.sampled_from([("None", ()), ("One", value), ("Two", {"p": value, "q": second})]))


@given(typed_values())
def test_every_value_comes_back_and_no_prefix_of_it_is_one(pair: tuple[Codec, Any]) -> None:
    codec, value = pair
    data = codec.encode(value)
    assert codec.decode(data) == value
    with pytest.raises(ScaleError):
        codec.decode(data + b"\x00")
    if data:
        with pytest.raises(ScaleError):
            codec.decode(data[:-1])


@given(typed_values(), st.binary(max_size=60))
def test_foreign_bytes_are_a_value_or_a_scale_error(pair: tuple[Codec, Any], data: bytes) -> None:
    codec, _ = pair
    try:
        value = codec.decode(data)
    except ScaleError:
        return
    assert codec.encode(value) == data  # one value has one encoding


@cache
def scalecodec() -> Any:
    from scalecodec.base import RuntimeConfigurationObject
    from scalecodec.type_registry import load_type_registry_preset

    configuration = RuntimeConfigurationObject()
    configuration.update_type_registry(load_type_registry_preset("core"))
    return configuration


@given(unsigned(256))
def test_compact_is_what_scalecodec_writes(value: int) -> None:
    theirs = scalecodec().create_scale_object("Compact<u256>").encode(value)
    assert encode_compact(value) == bytes(theirs.data)
    assert decode_compact(Reader(encode_compact(value))) == value


@pytest.mark.parametrize("data", ["0100", "02000000", "0300000000", "03ffffff3f", "07ffffffff00"])
def test_a_compact_number_has_one_form(data: str) -> None:
    with pytest.raises(ScaleError):
        Compact(U128).decode(bytes.fromhex(data))


def test_numbers_are_held_to_their_range() -> None:
    for codec, value in ((U8, 256), (U64, -1), (Compact(U8), 256), (U16, "7"), (FixedBytes(4), b"abc")):
        with pytest.raises(ScaleError):
            codec.encode(value)
    with pytest.raises(ScaleError):
        Compact(U8).decode(encode_compact(256))


_PAIRS = st.lists(st.tuples(st.integers(0, 2**16 - 1), st.integers(-(2**63), 2**63 - 1)), max_size=40)


@given(_PAIRS, st.data())
def test_lists_of_numbers_are_their_parts_one_after_the_other(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Such lists are packed in one go."""
    codec, number = Vec(Tuple((U16, I64))), Vec(Alias(U16, "NetUid"))
    whole = encode_compact(len(pairs)) + b"".join(U16.encode(one) + I64.encode(two) for one, two in pairs)
    assert codec.encode(pairs) == codec.encode([list(pair) for pair in pairs]) == whole
    assert codec.decode(whole) == pairs
    ones = [one for one, _ in pairs]
    assert number.decode(number.encode(ones)) == ones
    wrong = data.draw(st.sampled_from([(70_000, 1), (-1, 1), (1, 2**63), (1,), (1, 2, 3), ("1", 1), (1.0, 1)]))
    with pytest.raises(ScaleError):
        codec.encode([*pairs, wrong])
    for cut in range(len(whole)):
        with pytest.raises(ScaleError):
            codec.decode(whole[:cut])


@given(st.integers(2, 16), st.integers(0, 65535), st.integers(0, 2**31))
def test_an_era_is_born_at_a_block_of_its_phase(exponent: int, phase: int, current: int) -> None:
    period = 1 << exponent
    step = max(period >> 12, 1)
    era = period, phase % period // step * step
    assert ERA.decode(ERA.encode(era)) == era
    birth = era_birth(era, current)
    assert birth % period == era[1]
    if current >= era[1]:
        assert birth <= current < birth + period


def test_known_bytes() -> None:
    assert ERA.encode((64, 59)).hex() == "b503"  # of signing-vectors-343.json: period 64, current 6000123
    assert MULTI_ADDRESS.encode(("Id", b"\x11" * 32)).hex() == "00" + "11" * 32
    error = ("Module", {"index": 7, "error": b"\x15\0\0\0"})
    assert DISPATCH_ERROR.encode(error).hex() == "030715000000"
    assert DISPATCH_ERROR.encode(("Token", ("FundsUnavailable", ()))).hex() == "0700"


def test_nested_calls_do_not_exhaust_the_stack() -> None:
    body = b"\x04" + b"\x0b\x02\x04" * 20_000  # batch_all of one batch_all of one ...
    with pytest.raises(ScaleError):
        decode_extrinsic(encode_compact(len(body)) + body)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_extrinsic_decoder(data: bytes) -> None:
    with pytest.raises(ScaleError):
        decode_extrinsic(data)
