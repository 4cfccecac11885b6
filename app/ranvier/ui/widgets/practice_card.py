"""The practice wallet of the rehearsal: its password while this window knows it, and the way on when nobody does.

A password is never written down, not even one of play money; a new practice wallet costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout

from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.text import button, label

_KNOWN = "Its password is kept in memory only, until this window ends. It guards play money."
_GONE = (
    "The password of {} ended with the window that made it: a password is never written down. Its miner goes on and "
    "earns. To sign with play money again, take a new practice wallet, or fund a wallet of your own under Wallets."
)


class PracticeCard(Card):
    """Hidden until there is a practice wallet. ``on_new`` begins with another one."""

    def __init__(self, on_new: Callable[[], object]) -> None:
        super().__init__("Practice wallet")
        self._secret: str | None = None
        self.words = label("", "muted", wrap=True)
        self.add(self.words)
        row = QHBoxLayout()
        self.show_button = button("Show the password", self._toggle)
        self.new_button = button("New practice wallet…", on_new)
        self.password = label("", "mono", copyable=True)
        for widget in (self.show_button, self.new_button, self.password):
            row.addWidget(widget)
        row.addStretch(1)
        self.body.addLayout(row)
        self.hide()

    def show_wallet(self, name: str | None, password: str | None) -> None:
        """The wallet ``name`` (None: there is none yet) and its password, where this window knows it."""
        if password != self._secret:
            self.hide_password()
        self._secret = password
        self.setVisible(name is not None or password is not None)
        self.words.setText(_KNOWN if password is not None else _GONE.format(name))
        self.show_button.setVisible(password is not None)

    def hide_password(self) -> None:
        """Show nothing secret any more."""
        self.password.setText("")
        self.show_button.setText("Show the password")

    def _toggle(self) -> None:
        if self.password.text():
            self.hide_password()
        elif self._secret is not None:
            self.password.setText(self._secret)
            self.show_button.setText("Hide the password")
