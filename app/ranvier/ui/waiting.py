"""Waiting for the agent: a click right after the start must not fail because the agent is still coming up."""

from __future__ import annotations

import asyncio

from ranvier.core.errors import AgentError
from ranvier.ui.bridge import Bridge

LIMIT_S = 60.0


async def agent_known(bridge: Bridge, limit_s: float = LIMIT_S) -> None:
    """Return when a status of the agent is known. Raises AgentError after the limit."""
    if bridge.latest is not None:
        return
    heard = asyncio.Event()

    def arrived(_status: object) -> None:
        heard.set()

    bridge.status.connect(arrived)
    try:
        async with asyncio.timeout(limit_s):
            await heard.wait()
    except TimeoutError:
        raise AgentError("No agent", "The agent does not answer.", "The message at the foot may say why.") from None
    finally:
        bridge.status.disconnect(arrived)
