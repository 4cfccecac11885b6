"""Starts a benchmark's child, passes on what it says, and ends it at once when the caller is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ranvier.benchmark.errors import BenchmarkError
from ranvier.core.outside import NOT_JSON
from ranvier.core.processes import NO_WINDOW, child_environment, own_command

Told = Callable[[dict[str, Any]], None]

_LINE_LIMIT = 256 * 2**20  # a result carries every sample


def command_of(kind: str) -> list[str]:
    """The command line of our own child of this kind."""
    if getattr(sys, "frozen", False):
        return own_command("benchmark-child", kind)
    return [sys.executable, "-m", "ranvier.benchmark.child", kind]


async def run_child(
    command: Sequence[str],
    request: object,
    told: Told = lambda message: None,
    *,
    limit_s: float,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Any:
    """The child's result. Raises BenchmarkError for what it reports, for a crash and after ``limit_s``."""
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=child_environment(environment),
        cwd=cwd,
        limit=_LINE_LIMIT,
        creationflags=NO_WINDOW,
    )
    try:
        async with asyncio.timeout(limit_s):
            (result, found), errors = await asyncio.gather(_talk(child, request, told), _last_words(child))
            code = await child.wait()
    except TimeoutError:
        raise BenchmarkError("The benchmark took too long", f"It was ended after {limit_s:g} s.", "") from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if not found:
        hint = "Run it again, or go on from there where that is offered."
        raise BenchmarkError("The benchmark ended without a result", f"{_why(code, errors)}.", hint)
    return result


async def _talk(child: asyncio.subprocess.Process, request: object, told: Told) -> tuple[Any, bool]:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(msgspec.json.encode(request) + b"\n")
        await child.stdin.drain()
        child.stdin.close()
    result, found = None, False
    async for line in child.stdout:
        try:
            message = msgspec.json.decode(line)
        except NOT_JSON:
            continue  # libraries write what they like
        if not isinstance(message, dict):
            continue
        if message.get("event") == "error":
            raise BenchmarkError(*(str(message.get(part, "")) for part in ("title", "message", "hint")))
        if message.get("event") == "result":
            result, found = message.get("result"), True
        else:
            told(message)
    return result, found


def _why(code: int, errors: str) -> str:
    words = errors.strip().splitlines()[-1:]
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        by = " (the system does that when memory runs out)" if name == "SIGKILL" else ""
        return f"Its process was ended by {name}{by}"
    return words[0].rstrip(".") if words else f"Its process ended with status {code}"


async def _last_words(child: asyncio.subprocess.Process) -> str:
    """The end of standard error; all of it is read, so that the child never waits for us."""
    assert child.stderr is not None
    kept = b""
    while piece := await child.stderr.read(65536):
        kept = (kept + piece)[-8192:]
    return kept.decode("utf-8", "replace")
