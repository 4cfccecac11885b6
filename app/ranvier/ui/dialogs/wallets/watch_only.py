"""A wallet that knows a coldkey by its address only: it can be watched and mined for, nothing can be spent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtWidgets import QWidget

from ranvier.core.errors import RanvierError
from ranvier.keys import addresses, wallets
from ranvier.keys.listing import Wallet
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.dialogs.wallets.create_wallet import name_check
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.text import label


def address_check(text: str) -> str | None:
    """What is wrong with an address, in a sentence; blanks (it may be typed in groups) do not matter."""
    compact = "".join(text.split())
    if not compact:
        return "An address begins with 5 and has 48 letters and digits."
    try:
        addresses.public_key(compact)
    except RanvierError as error:
        return f"{error.message} {error.hint}".strip()
    return None


class WatchOnlyDialog(Dialog):
    """``wallet`` is the new wallet after it was accepted."""

    def __init__(self, parent: QWidget, folder: Path, taken: Iterable[str], run: Run) -> None:
        super().__init__(parent, "Watch a coldkey", yes="Watch it")
        self.wallet: Wallet | None = None
        self._folder = folder
        self._run = run
        self.address = Field("Address of the coldkey", address_check, hint="The ss58 address, beginning with 5.")
        self.name = Field("Name of the wallet", name_check(taken, "wallet"))
        self.body.addWidget(
            label(
                "This is the safest way to mine: the coldkey stays where it is, this machine knows its address only.",
                "muted",
                wrap=True,
            )
        )
        self.body.addWidget(self.address)
        self.body.addWidget(self.name)
        fit(self, 600)
        self.address.input.setFocus()

    def submitted(self) -> None:
        self.problem("")
        if self.address.insist() and self.name.insist():
            self.busy(True)
            self._run(self._add(), "add watch-only wallet")

    async def _add(self) -> None:
        address = "".join(self.address.text().split())
        try:
            self.wallet = await asyncio.to_thread(
                wallets.add_watch_only, self._folder, self.name.text().strip(), address
            )
        except RanvierError as error:
            self.busy(False)
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.accept()
