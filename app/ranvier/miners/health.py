"""Asks a miner how it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

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
    except msgspec.MsgspecError:
        return {}
