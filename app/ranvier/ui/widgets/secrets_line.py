"""Which secrets the chosen miner needs and lacks, in one line with a button. Hidden where it needs none."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.agent.api.messages import MinerView
from ranvier.agent.api.secret_messages import GetSecrets, MinerSecrets
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.ui.context import Context
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.text import button, label


class SecretsLine(QWidget):
    """Asks the agent when another miner, or another version of it, is chosen; the store may be slow."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._miner: MinerView | None = None
        self._asked: tuple[str, int] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        column.addWidget(label("Secrets", "heading"))
        row = QHBoxLayout()
        row.setSpacing(8)
        self._mark = Mark()
        self.text = label("", wrap=True)
        self.set = button("Set…", self._set)
        row.addWidget(self._mark)
        row.addWidget(self.text, 1)
        row.addWidget(self.set)
        column.addLayout(row)
        self.hide()

    def choose(self, miner: MinerView, *, known: bool) -> None:
        """Show those of this miner."""
        self._miner = miner
        wanted = (miner.id, miner.version.number)
        if known and wanted != self._asked and miner.recipe:
            self._asked = wanted
            self.hide()
            self._context.run(self._ask(miner.id), "secrets")

    def edit(self, name: str = "") -> None:
        """Open the dialog, beginning with ``name``."""
        if self._miner is not None:
            self._context.run(self._edit(self._miner, name), "secrets")

    def _set(self) -> None:
        self.edit()

    async def _edit(self, miner: MinerView, name: str) -> None:
        from ranvier.ui.dialogs.miners.miner_secrets import miner_secrets

        found = await miner_secrets(self.window(), self._context, miner.id, miner.name, name)
        if self._miner is not None and self._miner.id == miner.id:
            self._show(found)

    async def _ask(self, miner_id: str) -> None:
        try:
            found = await self._context.client.call(GetSecrets(miner_id))
        except RanvierError:  # its recipe cannot be read, or the agent is an older one: both are told elsewhere
            return
        if self._miner is not None and self._miner.id == miner_id:
            self._show(found)

    def _show(self, found: MinerSecrets) -> None:
        missing = bool(found.missing)
        level = Level.UNKNOWN if found.problem else Level.BAD if missing else Level.GOOD
        words = {True: "stored", False: "missing", None: "not known"}
        named = ", ".join(f"{one.name} ({words[one.stored]})" for one in found.secrets)
        self._mark.set_level(level)
        self.text.setText(f"Needs {named}." + (f" {found.problem}" if found.problem else ""))
        self.set.setText("Set…" if missing else "Change…")
        self.setVisible(bool(found.secrets))
