"""How important a log line is, by what it says itself; and the line without its colours. Pure."""

from __future__ import annotations

import re

LEVELS = ("debug", "info", "warning", "error")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_LEVEL = re.compile(
    r"(?<![A-Za-z_])(?:(?P<error>CRITICAL|FATAL|ERROR|SEVERE|EXCEPTION|PANIC)|(?P<warning>WARNING|WARN)"
    r"|(?P<info>INFO|SUCCESS|NOTICE)|(?P<debug>DEBUG|TRACE|VERBOSE))(?![A-Za-z_])"
)
_SMALL = re.compile(
    r"^\S{0,40}[\s\d:.,TZ+/|-]{0,40}\[?(?:(?P<error>critical|fatal|error)|(?P<warning>warning|warn)|(?P<info>info)"
    r"|(?P<debug>debug|trace))\]?\s*[:|\]]",
)
_HEAD = 120


def plain(text: str) -> str:
    """``text`` without terminal escape sequences."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def level_of(text: str) -> str | None:
    """``debug``, ``info``, ``warning`` or ``error`` where the line says so near its beginning, else None."""
    head = plain(text[: _HEAD * 3])[:_HEAD]
    match = _LEVEL.search(head) or _SMALL.match(head)
    return None if match is None else match.lastgroup
