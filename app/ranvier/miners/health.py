"""Asks a miner how it is, in the way that its recipe names."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranvier.core.evidence import age_text
from ranvier.core.outside import NOT_JSON
from ranvier.miners.command import fill
from ranvier.miners.logs.levels import plain
from ranvier.miners.logs.logs import tail
from ranvier.miners.recipe.recipe_model import HealthSpec
from ranvier.miners.states import HealthRule

MOST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Health:
    """One answer. ``ok`` True: well; None: it answers that it is not ready yet; False: it does not, or is not well.

    ``text`` says so in words, ``at`` when (Unix seconds), ``data`` is the JSON object of the answer, if it was one.
    """

    ok: bool | None
    text: str
    at: float
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What others saw of the miner, for checks that rest on it; Unix seconds, None: not seen."""

    gpu_busy_at: float | None = None
    contact_at: float | None = None


def rule_of(spec: HealthSpec | None) -> HealthRule | None:
    """When readings of ``spec`` count as healthy; None where there is no check."""
    if spec is None:
        return None
    stale_s = max(20.0, 4 * spec.interval_s)
    return HealthRule(spec.up_after, spec.down_after, spec.grace_s, stale_s)


async def probe(spec: HealthSpec, known: Mapping[str, str], folder: Path, seen: Seen | None = None) -> Health:
    """One reading. ``known``: values of placeholders; ``folder``: the miner's, for its log. Never raises for a miner
    that is not well."""
    seen = seen or Seen()
    if spec.url:
        return await check(fill(spec.url, known))
    if spec.tcp:
        return await connects(fill(spec.tcp, known))
    if spec.log:
        return await asyncio.to_thread(said, folder, spec.log, spec.within_s)
    if spec.gpu_busy is not None:
        return _recent(seen.gpu_busy_at, spec.within_s, f"its card was busier than {spec.gpu_busy:g} %")
    return _recent(seen.contact_at, spec.within_s, "the chain shows contact")


async def connects(address: str, timeout_s: float = 3.0) -> Health:
    """Whether somebody listens at ``host:port``."""
    host, _, port = address.rpartition(":")
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            _reader, writer = await asyncio.open_connection(host.strip("[]") or "127.0.0.1", int(port))
    except TimeoutError:
        return Health(False, f"no answer at {address} in {timeout_s:g} s", time.time())
    except (OSError, ValueError, OverflowError):
        return Health(False, f"nobody listens at {address}", time.time())
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Health(True, f"listens at {address} ({(time.monotonic() - began) * 1000:.0f} ms)", time.time())


def said(folder: Path, pattern: str, within_s: float) -> Health:
    """Whether one of its last lines fits ``pattern`` and is not too old. Blocking."""
    lines, _next = tail(folder, None, 2000)
    now = time.time()
    for line in reversed(lines):
        if line.stream == "keeper" and line.text.startswith("started, process"):
            break  # what an earlier process said does not count
        if line.stream != "keeper" and re.search(pattern, plain(line.text[:2000])):
            return _recent(line.at, within_s, f"said “{plain(line.text)[:80]}”", now)
    return Health(None, "has not said yet that it is well", now)


def _recent(at: float | None, within_s: float, text: str, now: float | None = None) -> Health:
    now = time.time() if now is None else now
    if at is None:
        return Health(None, f"not seen yet: {text}", now)
    return Health(now - at <= within_s, f"{text}, {age_text(at, now)}", now)


async def check(url: str, timeout_s: float = 3.0) -> Health:
    """Ask ``url``. Never raises for a miner that does not answer."""
    import aiohttp

    began = time.monotonic()
    try:
        limit = aiohttp.ClientTimeout(total=timeout_s)
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=False) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            status = response.status
            body = await response.content.read(MOST_BYTES)
    except TimeoutError:
        return Health(False, f"no answer in {timeout_s:g} s", time.time())
    except aiohttp.ClientConnectorError as error:
        return Health(False, f"nobody listens at {error.host}:{error.port}", time.time())
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Health(False, f"no proper answer ({type(error).__name__})", time.time())
    took_ms = (time.monotonic() - began) * 1000
    data = _object(body)
    word = str(data.get("status", ""))[:60]
    if 200 <= status < 300:
        return Health(True, f"answered{f' “{word}”' if word else ''} in {took_ms:.0f} ms", time.time(), data)
    if status == 503:
        return Health(None, word or "not ready yet", time.time(), data)
    return Health(False, f"answers with HTTP status {status}" + (f" ({word})" if word else ""), time.time(), data)


def _object(body: bytes) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except NOT_JSON:
        return {}
