"""Agent events become Qt signals here, and nowhere else."""

from __future__ import annotations

import asyncio
import logging

from PySide6.QtCore import QObject, Signal

from ranvier.agent.api.client import AgentClient
from ranvier.agent.api.messages import AgentStatus, EarningEvent, Event, HardwareEvent, InstallEvent, StatusEvent
from ranvier.core.errors import RanvierError

log = logging.getLogger(__name__)

_RETRY_S = 1.0


class Bridge(QObject):
    """Listens to one agent and signals what it says; pages connect here and never to the agent's events.

    ``agent_lost`` carries the reason in words; the bridge goes on trying and ``status`` follows when it is back.
    ``latest`` is the newest status, for a page that is made between two; None while nothing is known.
    """

    status = Signal(object)  # AgentStatus
    install = Signal(object)  # InstallProgress
    earnings = Signal(object)  # tuple[Payment, ...]
    hardware = Signal(object)  # Hardware
    agent_lost = Signal(str)

    def __init__(self, client: AgentClient) -> None:
        super().__init__()
        self.client = client
        self.latest: AgentStatus | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async for event in self.client.events():
                    self._emit(event)
                self._lost("The agent ended the connection.")
            except RanvierError as error:
                self._lost(error.message)
            await asyncio.sleep(_RETRY_S)

    def _lost(self, reason: str) -> None:
        self.latest = None
        self.agent_lost.emit(reason)

    def _emit(self, event: Event) -> None:
        match event:
            case StatusEvent(status):
                self.latest = status
                self.status.emit(status)
            case InstallEvent(progress):
                self.install.emit(progress)
            case EarningEvent(rows):
                self.earnings.emit(rows)
            case HardwareEvent(sample):
                self.hardware.emit(sample)
