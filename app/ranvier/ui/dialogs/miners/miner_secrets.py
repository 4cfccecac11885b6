"""The secrets of one miner: which it needs, which are stored, storing and removing. No value is ever shown again."""

from __future__ import annotations

import re
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from ranvier.agent.api.command import Done
from ranvier.agent.api.secret_messages import GetSecrets, MinerSecrets, RemoveSecret, SecretView, SetSecret
from ranvier.core.errors import RanvierError
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog, show
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.text import allow, button, label, line

_WIDTH = 560
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretsDialog(Dialog):
    """Stays open after each one, so that several can be stored; ``found`` is what is known at the end."""

    def __init__(self, parent: QWidget, context: Context, miner_id: str, title: str, found: MinerSecrets) -> None:
        super().__init__(parent, f"Secrets of {title}", yes="Store", no="Close")
        self._context, self._id = context, miner_id
        self.found = found
        self.body.addWidget(
            label(
                "Tokens and keys that its program needs. They are kept in this system's password store, given to this "
                "miner alone when it starts, and never shown again.",
                "muted",
                wrap=True,
            )
        )
        self.rows = QGridLayout()
        self.rows.setHorizontalSpacing(16)
        self.rows.setVerticalSpacing(6)
        self.rows.setColumnStretch(1, 1)
        self.body.addLayout(self.rows)
        self.store_problem = label("", "problem", wrap=True)
        self.body.addWidget(self.store_problem)
        self.body.addWidget(line())
        self.name = Field("Name", self._name_problem, hint="As its program expects it, for example HF_TOKEN.")
        self.value = Field("Value", lambda text: None if text.strip() else "Type or paste the value.")
        self.value.input.setEchoMode(QLineEdit.EchoMode.Password)
        self.note = label("", "small", wrap=True)
        for widget in (self.name, self.value, self.note):
            self.body.addWidget(widget)
        self.name.changed.connect(self._name_changed)
        self.finished.connect(lambda _: self.value.input.clear())
        self.show_found(found)
        fit(self, _WIDTH)

    def show_found(self, found: MinerSecrets) -> None:
        """Draw what is needed and stored, and offer the first that is missing."""
        self.found = found
        clear(self.rows)
        for row, one in enumerate(found.secrets):
            self._show_row(row, one)
        if not found.secrets:
            self.rows.addWidget(label("Its recipe asks for none.", "muted"), 0, 0)
        self.store_problem.setText(found.problem)
        self.store_problem.setVisible(bool(found.problem))
        self.choose(next(iter(found.missing), ""))

    def choose(self, name: str) -> None:
        """Begin with this one."""
        self.name.start_anew(name)
        (self.value if name else self.name).input.setFocus()

    def submitted(self) -> None:
        if self.name.insist() and self.value.insist():
            name = self.name.text()
            self._context.run(self._carry_out(SetSecret(self._id, name, self.value.text())), "store a secret")

    # --- inside --------------------------------------------------------------------------------------------

    def _show_row(self, row: int, one: SecretView) -> None:
        words, tip = state_words(one)
        name = label(one.name, "mono", copyable=True)
        state = label(words, "muted" if one.stored else "problem" if one.stored is False else "muted", wrap=True)
        state.setToolTip(tip)
        replace = button("Replace…" if one.stored else "Set…", partial(self.choose, one.name))
        remove = button("Remove", partial(self._remove, one.name))
        replace.setAccessibleName(f"Set {one.name}")
        remove.setAccessibleName(f"Remove {one.name}")
        gone = "It is not stored." if one.asked else None
        allow(remove, gone if one.stored is False else None, "Take it out of the store")
        for column, widget in enumerate((name, state, replace, remove)):
            self.rows.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter)

    def _name_problem(self, text: str) -> str | None:
        known = {one.name for one in self.found.secrets}
        return None if text in known or _NAME.fullmatch(text) else "Letters, digits and _, as in HF_TOKEN."

    def _name_changed(self) -> None:
        stored = any(one.name == self.name.text() and one.stored for one in self.found.secrets)
        self.yes.setText("Replace" if stored else "Store")

    def _remove(self, name: str) -> None:
        self._context.run(self._carry_out(RemoveSecret(self._id, name)), "remove a secret")

    async def _carry_out(self, command: SetSecret | RemoveSecret) -> None:
        self.problem("")
        self.busy(True)
        try:
            done: Done = await self._context.client.call(command)
            found = await self._context.client.call(GetSecrets(self._id))
        except RanvierError as error:  # nothing that was typed is lost
            self.problem(f"{error.message} {error.hint}".strip())
            return
        finally:
            self.busy(False)
        self.value.start_anew()
        self.show_found(found)
        self.note.setText(done.text)


def state_words(one: SecretView) -> tuple[str, str]:
    """What is known of one, and more for its tooltip."""
    whose = "its recipe asks for it" if one.asked else "added by you"
    tip = f"Given to the program as {', '.join(one.variables)}"
    if one.stored is None:
        return f"not known, {whose}", tip
    return f"{'stored' if one.stored else 'missing'}, {whose}", tip


async def miner_secrets(parent: QWidget, context: Context, miner_id: str, title: str, name: str = "") -> MinerSecrets:
    """Show them until it is closed, beginning with ``name``; returns what is known then. Raises RanvierError."""
    dialog = SecretsDialog(parent, context, miner_id, title, await context.client.call(GetSecrets(miner_id)))
    if name:
        dialog.choose(name)
    await show(dialog)
    return dialog.found
