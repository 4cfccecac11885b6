"""Colours that programs write into their output (ANSI SGR), as spans of text. The rest of a terminal is left out.

No Qt: a span names its colour by number; the view has the colours that are readable on its ground.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_SEQUENCE = re.compile(r"\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Style:
    """``colour``: 0..7 as terminals number them (8..15 are taken as 0..7), None for the ordinary one."""

    colour: int | None = None
    bold: bool = False
    faint: bool = False


PLAIN = Style()


def spans(text: str) -> list[tuple[str, Style]]:
    """``text`` cut where its style changes. Joined again it is the text without its sequences."""
    if "\x1b" not in text:
        return [(text, PLAIN)]
    found: list[tuple[str, Style]] = []
    style, at = PLAIN, 0
    for match in _SEQUENCE.finditer(text):
        if match.start() > at:
            found.append((text[at : match.start()], style))
        at = match.end()
        if match[2] == "m":
            style = _after(style, match[1] or "0")
    if at < len(text):
        found.append((text[at:].replace("\x1b", ""), style))
    return found


def _after(style: Style, codes: str) -> Style:
    numbers = [int(code) if code.isdigit() else 0 for code in re.split("[;:]", codes)]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            style = PLAIN
        elif code == 1:
            style = replace(style, bold=True)
        elif code == 2:
            style = replace(style, faint=True)
        elif code == 22:
            style = replace(style, bold=False, faint=False)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = replace(style, colour=code % 10)
        elif code == 39:
            style = replace(style, colour=None)
        elif code in (38, 48):
            kind = numbers.pop(0) if numbers else 0
            taken, numbers = numbers[: 1 if kind == 5 else 3], numbers[1 if kind == 5 else 3 :]
            if code == 38:
                style = replace(style, colour=_nearest(kind, taken))
    return style


def _nearest(kind: int, numbers: list[int]) -> int | None:
    """The basic colour that is nearest to one of 256, or to red, green and blue."""
    if kind == 5 and numbers:
        number = numbers[0]
        if number < 16:
            return number % 8
        if number >= 232:
            return None  # greys are as readable as the ordinary colour
        number -= 16
        numbers = [number // 36 * 51, number // 6 % 6 * 51, number % 6 * 51]
    if len(numbers) < 3:
        return None
    strong = max(numbers[:3])
    if strong < 60 or min(numbers[:3]) > 190:
        return None
    return sum(1 << place for place, part in enumerate(numbers[:3]) if part > strong * 0.6)
