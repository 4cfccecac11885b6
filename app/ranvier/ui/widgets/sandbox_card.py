"""The practice network on this machine: whether it runs, and switching it on and off, whichever network is chosen."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout

from ranvier.agent.api.messages import AgentStatus, Command, Done, StartSandbox, StopSandbox
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import ask
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.text import allow, button, label

_LIMIT_S = 60.0
_ASK = "Nobody is asked or paid on it until it is started again; then it goes on at the block where it stood."
_STATES = {
    True: "It runs on this machine, whichever network is chosen above.",
    False: "It is off. Its blocks and play money are kept, and go on where they stood.",
    None: "Whether it runs is unknown: the agent does not answer.",
}


class SandboxCard(Card):
    """Draws from ``AgentStatus.sandbox``."""

    def __init__(self, context: Context) -> None:
        super().__init__("Sandbox")
        self._context = context
        self.on: bool | None = None
        row = QHBoxLayout()
        row.setSpacing(8)
        self.words = label("", "muted", wrap=True)
        self.start = button("Start sandbox", lambda: context.run(self._send(StartSandbox()), "start sandbox"))
        self.stop = button("Stop sandbox", lambda: context.run(self._stop(), "stop sandbox"))
        row.addWidget(self.words, 1)
        row.addWidget(self.start)
        row.addWidget(self.stop)
        self.body.addLayout(row)
        context.bridge.status.connect(self._status)
        context.bridge.agent_lost.connect(lambda _: self.show_state(None))
        self.show_state(None if context.bridge.latest is None else context.bridge.latest.sandbox)

    def show_state(self, on: bool | None) -> None:
        """None: not known."""
        self.on = on
        self.words.setText(_STATES[on])
        unknown = "The agent does not answer." if on is None else None
        allow(self.start, unknown or ("It runs already." if on else None))
        allow(self.stop, unknown or (None if on else "It is off."))

    def _status(self, status: AgentStatus) -> None:
        self.show_state(status.sandbox)

    async def _stop(self) -> None:
        if await ask(self.window(), "Stop the sandbox?", _ASK, yes="Stop sandbox"):
            await self._send(StopSandbox())

    async def _send(self, command: Command[Done]) -> None:
        for widget in (self.start, self.stop):
            allow(widget, "It is being switched.")
        try:
            await self._context.client.call(command, timeout_s=_LIMIT_S)
        finally:
            latest = self._context.bridge.latest
            self.show_state(None if latest is None else latest.sandbox)
