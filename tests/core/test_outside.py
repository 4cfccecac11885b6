"""What comes from outside and may be anything."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from ranvier.core.outside import NOT_JSON, at_home, one_line, read_toml


@pytest.mark.parametrize("data", [b'{"a":"\xff"}', b'{"b":' + b"[" * 60_000, b"\xff", b"", b'{"a"'])
def test_whatever_json_is_not(data: bytes) -> None:
    with pytest.raises(NOT_JSON):
        msgspec.json.decode(data, type=dict[str, str])


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "{a=" * 5000, "a = " + "9" * 5000, "a = ", "a = \x00"])
def test_whatever_toml_is_not(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        read_toml(text)
    assert read_toml("a = 1") == {"a": 1}


def test_a_strangers_name_moves_nothing() -> None:
    assert one_line("Fast\nYou receive: 1,000 TAO", 40) == "Fast You receive: 1,000 TAO"
    assert one_line("\x1b[2J\u202eevil\u200b\u2066", 40) == "[2J evil"
    assert one_line("x" * 41, 40) == "x" * 39 + "…"
    assert one_line("  Templar τ 🚀 ", 40) == "Templar τ 🚀"


def test_a_home_that_is_nobodys() -> None:
    assert at_home("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    assert at_home("~/x") == Path.home() / "x"
