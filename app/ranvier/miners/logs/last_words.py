"""Which lines of a log can have ended the program, and which of them people should see. Pure.

A program ends by its last exception, or by what it said last at error level. Warnings and what came long before
are not reasons. ANSI colours and common prefixes are taken off before anything is compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ranvier.miners.logs.levels import level_of, plain
from ranvier.miners.logs.logs import LogLine

LOOK_BACK = 400  # lines
NEAR_END = 40  # an exception further from the end did not end the program
NEAR_END_S = 60.0
LAST_WORDS = 12
ERROR_REACH = 30
LONGEST = 2000

_PREFIX = re.compile(r"^(?:\([^)]{1,60}\)\s?)?(?:\[?(?:ERROR|CRITICAL|FATAL)\]?\b[^\]]{0,60}\]\s?)?")
_TRACEBACK = re.compile(r"(?:Traceback \(most recent call last\)|thread '.*' panicked at|Exception Group Traceback)")
_EXCEPTION = re.compile(
    r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Timeout|Closed|NotFound|Mismatch|Failure|Group)?\b(?::|$)"
)
_CHAIN = re.compile(r"^(?:During handling of the above exception|The above exception was the direct cause)")
_QUIET_END = re.compile(r"^(?:KeyboardInterrupt|SystemExit|asyncio\.exceptions\.CancelledError|CancelledError)\b")
# Exceptions that only say that another process failed; the reason stands above.
_WRAPPER = re.compile(
    r"root cause above|Engine core initialization failed|ChildFailedError|ProcessExitedException|"
    r"ProcessRaisedException|See stack trace|WorkerProc initialization failed|SubprocessError|CalledProcessError"
)
_STATEMENT = re.compile(
    r"^(?:[A-Za-z_][\w.]*(?:Error|Exception)\b|fatal:|panic:|terminate called|Fatal Python error)", re.I
)


@dataclass(frozen=True, slots=True)
class _Block:
    """One traceback: where it begins, where its exception stands, the exception's lines."""

    begin: int
    at: int
    said: tuple[str, ...]
    chained: bool


def suspects(lines: Sequence[LogLine], ended_at: float) -> list[str]:
    """Lines that can have ended the program, the most telling first."""
    run = _run(lines)
    blocks = _blocks(run)
    near = bool(blocks) and len(run) - blocks[-1].at <= NEAR_END and ended_at - run[blocks[-1].at].at <= NEAR_END_S
    if near and not _QUIET_END.match(blocks[-1].said[0]):
        found: list[str] = []
        after = [line for line in run[blocks[-1].at + len(blocks[-1].said) :] if level_of(line.text) == "error"]
        for number in range(len(blocks) - 1, -1, -1):
            block = blocks[number]
            found += block.said
            if not block.chained and not _WRAPPER.search(" ".join(block.said)):
                break
        return found + [clean(line.text) for line in reversed(after)]
    found = []
    for distance, line in enumerate(reversed(run)):
        text = clean(line.text)
        level = level_of(line.text)
        if level in ("warning", "info", "debug") or not text:
            continue
        if distance >= (ERROR_REACH if level == "error" else LAST_WORDS):
            continue
        found.append(text)
        if level is None and _STATEMENT.match(text):
            break  # it says what failed; what came before did not end it
    return found


def matter(lines: Sequence[LogLine], most: int = 12) -> tuple[str, ...]:
    """The lines that a person should see: the end of the last traceback, or the last words."""
    run = _run(lines)
    blocks = _blocks(run)
    if blocks and len(run) - blocks[-1].at <= NEAR_END:
        last = blocks[-1]
        begin = max(last.begin, last.at + len(last.said) - most)
        return tuple(text for text in map(_plain, run[begin : last.at + len(last.said)]) if text.strip(" ^~"))
    said = [text for text in map(_plain, run) if text.strip(" ^~")]
    return tuple(said[-min(most, 6) :])


def _plain(line: LogLine) -> str:
    return plain(line.text)


def clean(text: str) -> str:
    """The line without colours, bounded, and without the prefix that names its process or its logger."""
    text = plain(text[:LONGEST]).rstrip()
    return _PREFIX.sub("", text, count=1)


def _run(lines: Sequence[LogLine]) -> list[LogLine]:
    """The program's own lines of its last run, the newest of them."""
    begin = 0
    for number, line in enumerate(lines):
        if line.stream == "keeper" and line.text.startswith("started, process"):
            begin = number + 1
    return [line for line in lines[begin:] if line.stream != "keeper"][-LOOK_BACK:]


def _blocks(run: list[LogLine]) -> list[_Block]:
    texts = [clean(line.text) for line in run]
    blocks: list[_Block] = []
    number = 0
    chained = False
    while number < len(texts):
        if _CHAIN.match(texts[number].strip()):
            chained = True
        if not _TRACEBACK.search(texts[number]):
            number += 1
            continue
        begin = number
        number += 1
        while number < len(texts) and (not texts[number].strip() or texts[number][:1] in " \t|+~^"):
            number += 1
        if number >= len(texts) or not _EXCEPTION.match(texts[number]):
            continue
        said = [texts[number]]
        at = number
        number += 1
        while number < len(texts) and len(said) < 7 and texts[number].strip() and level_of(run[number].text) is None:
            if _TRACEBACK.search(texts[number]) or _CHAIN.match(texts[number]):
                break
            said.append(texts[number])
            number += 1
        blocks.append(_Block(begin, at, tuple(said), chained))
        chained = False
    return blocks
