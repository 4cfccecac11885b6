"""Keeps an agent at the window's side: starts one when none answers, says so when that fails, offers to try again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from ranvier.agent.api.client import AgentClient, ensure_agent, restart_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.agent.api.messages import AgentStatus
from ranvier.core.errors import AgentError, RanvierError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths
from ranvier.ui.bridge import Bridge
from ranvier.ui.header import Header
from ranvier.ui.messages import MessageBar

log = logging.getLogger(__name__)

STOPPED_TITLE = "The agent was stopped"
UPDATED_TITLE = "Ranvier was updated"
_UPDATED = "The agent still runs the code from before. Restart it; your miners go on meanwhile."
_UPDATED_HINT = "Was this window open during the update? Then close it and open it anew too."
_SETTLE_S = 1.5
_MOST_STARTS = 3  # within the span: an agent that dies at once is not started for ever
_SPAN_S = 60.0


class AgentLink:
    """``run`` until cancelled. An agent that somebody ended on purpose stays ended until the user says start."""

    def __init__(
        self,
        paths: Paths,
        bridge: Bridge,
        header: Header,
        messages: MessageBar,
        ensure: Callable[[Paths], Awaitable[AgentClient]] = ensure_agent,
        restart: Callable[[Paths], Awaitable[AgentClient]] = restart_agent,
    ) -> None:
        self._paths = paths
        self._bridge = bridge
        self._header = header
        self._messages = messages
        self._ensure = ensure
        self._restart = restart
        self._restart_wanted = False
        self._outdated_pid: int | None = None  # of the agent whose restart was offered
        self._lost = asyncio.Event()
        self._again = asyncio.Event()
        self._starts: list[float] = []
        bridge.agent_lost.connect(self._on_lost)
        bridge.status.connect(self._on_status)
        header.agent_wanted.connect(self._again.set)

    async def run(self) -> None:
        """Start, watch, start again."""
        while True:
            if await self._start():
                self._lost.clear()
                await self._lost.wait()
                if self._restart_wanted:
                    continue
                await asyncio.sleep(_SETTLE_S)
                if read_endpoint(self._paths) is None:
                    self._header.show_agent(Level.OFF, "Agent stopped", time.time(), STOPPED_TITLE)
                    await self._wait_for_user(
                        AgentError(STOPPED_TITLE, "Nothing is watched until it runs again.", ""), "Start the agent"
                    )

    async def _start(self) -> bool:
        now = time.monotonic()
        self._starts = [at for at in self._starts if now - at < _SPAN_S]
        try:
            if len(self._starts) >= _MOST_STARTS:
                raise AgentError(
                    "The agent keeps ending",
                    f"It ended {_MOST_STARTS} times within a minute and is not started again by itself.",
                    f"Its log is {self._paths.logs / 'agent.log'}.",
                )
            self._starts.append(now)
            self._header.show_agent(Level.BUSY, "Agent starting", time.time(), "Looking for the agent, or starting it")
            make, self._restart_wanted = self._restart if self._restart_wanted else self._ensure, False
            client = await make(self._paths)
            await client.close()
        except RanvierError as error:
            log.warning("agent: %s", error)
            self._outdated_pid = None
            self._header.show_agent(Level.BAD, "Agent not running", time.time(), error.message)
            await self._wait_for_user(error, "Try again")
            return False
        return True

    async def _wait_for_user(self, error: RanvierError, action: str) -> None:
        self._again.clear()
        self._messages.show_problem(error.title, error.message, error.hint, action, self._again.set)
        self._header.offer_agent(action)
        await self._again.wait()
        self._header.offer_agent("")
        self._messages.close_errors(error.title)
        self._starts.clear()

    def _on_lost(self, reason: str) -> None:
        self._header.agent_lost(reason)
        self._lost.set()

    def _want_restart(self) -> None:
        self._restart_wanted = True
        self._starts.clear()
        self._lost.set()
        self._again.set()

    def _offer_restart(self, status: AgentStatus) -> None:
        """Once for each agent that runs other code than there is on disk."""
        if not status.outdated:
            self._messages.close_errors(UPDATED_TITLE)
        elif status.pid != self._outdated_pid:
            self._outdated_pid = status.pid
            self._messages.offer(UPDATED_TITLE, _UPDATED, _UPDATED_HINT, "Restart the agent", self._want_restart)

    def _on_status(self, status: AgentStatus) -> None:
        self._offer_restart(status)
        for title in (STOPPED_TITLE, "The agent keeps ending", "Agent did not start"):
            self._messages.close_errors(title)
        self._again.set()  # somebody else started it: no button needs pressing
