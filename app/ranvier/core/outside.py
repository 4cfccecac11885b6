"""What comes from outside may be anything: JSON, TOML, a name, a path. Here each is read so that it can do no harm."""

from __future__ import annotations

import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import msgspec

# All that reading JSON (or msgpack) may raise: not of the right shape, not UTF-8, more levels than Python goes down.
NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_MARKS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # what moves, hides or reorders the text around it


def read_toml(text: str) -> dict[str, Any]:
    """TOMLDecodeError for everything that cannot be read, also where the library fails in other ways."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("Too many levels inside each other") from error
    except ValueError as error:  # a number with thousands of digits
        raise tomllib.TOMLDecodeError(str(error).partition(":")[0].partition(";")[0]) from error


def one_line(text: str, longest: int) -> str:
    """A stranger's words as one line of at most ``longest`` characters, without any that move or hide others."""
    seen = "".join(" " if unicodedata.category(mark) in _MARKS else mark for mark in text[: 4 * longest])
    words = " ".join(seen.split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def at_home(text: str | Path) -> Path:
    """A path with its ``~`` replaced; as it stands where there is no such person."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
