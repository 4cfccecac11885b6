"""What every test that kills keepers asks: who lives, and whether each line of a talker's log is there once."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import psutil

from ranvier.miners.logs.logs import LogLine, bounds, tail


def lives(pid: int | None) -> bool:
    """Whether the process runs; one that only waits to be collected by the system does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(pid: int, limit_s: float = 10.0) -> None:
    """SIGKILL it and see it gone, whoever its parent is."""
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + limit_s
    while lives(pid):
        assert time.monotonic() < end, f"process {pid} outlives a SIGKILL"
        time.sleep(0.001)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def whole_log(folder: Path) -> list[LogLine]:
    """Every line that the log holds, however long it is."""
    following, end = bounds(folder)
    found: list[LogLine] = []
    while following < end:
        lines, following = tail(folder, following, 1_000_000)
        found += lines
    return found


def numbers(texts: Iterable[str]) -> list[int]:
    """The numbers of a talker's lines; a line that is not one of its own is damaged."""
    texts = list(texts)
    found = [re.fullmatch(r"line (\d+) x*", text) for text in texts]
    assert all(found), [text for text, match in zip(texts, found, strict=True) if not match]
    return [int(match[1]) for match in found if match]


def each_line_once(lines: Iterable[LogLine], lives_of_it: int = 1) -> int:
    """A talker that was run ``lives_of_it`` times said, in each life, 0, 1, 2... to its end; how many lines that is.

    Every line is there once for each life that came so far (one that was killed at once said nothing), and on the
    stream that it was said on.
    """
    said = [line for line in lines if line.stream in ("out", "err")]
    found = numbers(line.text for line in said)
    times = Counter(found)
    assert 1 <= times[0] <= lives_of_it, f"the first line is there {times[0]} times"
    wrong = [number for number in range(max(times)) if times[number] < times[number + 1]]
    assert not wrong, f"lines lost before {[number + 1 for number in wrong[:5]]}, or doubled there"
    strays = [line for line, number in zip(said, found, strict=True) if (number % 10 == 9) != (line.stream == "err")]
    assert not strays, strays[:5]
    return len(found)
