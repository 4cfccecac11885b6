"""Which wallet folders are watched, and why; the first is where new wallets go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.core.settings import WALLET_FOLDER, Settings
from ranvier.keys.folders import WalletFolder, absolute, joined
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.path_field import Choose, open_chooser
from ranvier.ui.widgets.text import allow, button, label, line

_EXPLAINED = (
    "Without a choice of yours the order is: BT_WALLET_PATH, then wallet_path of btcli.json, then of config.yml, "
    "then the folder all Bittensor tools use."
)


class FoldersDialog(Dialog):
    """Add and remove watched folders; Save writes the setting. Wallets are never moved by this."""

    def __init__(self, parent: QWidget, settings: Settings, folders: Sequence[WalletFolder]) -> None:
        super().__init__(parent, "Wallet folders", yes="Save")
        self._settings = settings
        self._found = tuple(folders)
        self._chosen = bool(settings.get(WALLET_FOLDER).strip())
        self.folders = [folder.path for folder in folders]
        self._rows = QVBoxLayout()
        self._rows.setSpacing(10)
        self.body.addLayout(self._rows)
        self.add_button = button("Watch another folder…", self._choose)
        self.default_button = button("Forget my choice", self._forget, kind="quiet")
        row = QHBoxLayout()
        row.addWidget(self.add_button)
        row.addWidget(self.default_button)
        row.addStretch(1)
        self.body.addLayout(row)
        for sentence in dict.fromkeys(text for folder in folders for text in folder.ignored):
            self.body.addWidget(label(sentence, "problem", wrap=True))
        self.body.addWidget(label(_EXPLAINED, "small", wrap=True))
        self._draw()
        fit(self, 640)

    def add_folder(self, text: str) -> None:
        """Watch this folder too."""
        path = absolute(text)
        if path not in self.folders:
            self.folders.append(path)
            self._chosen = True
            self._draw()

    def remove_folder(self, path: Path) -> None:
        """Watch it no longer; nothing in it is touched."""
        self.folders.remove(path)
        self._chosen = True
        self._draw()

    def put_first(self, path: Path) -> None:
        """New wallets go here."""
        self.folders.remove(path)
        self.folders.insert(0, path)
        self._chosen = True
        self._draw()

    def _choose(self) -> None:
        open_chooser(self, Choose.FOLDER, "A folder with wallets", str(self.folders[0]), self.add_folder)

    def _forget(self) -> None:
        self._chosen = False
        self.submitted()

    def _draw(self) -> None:
        clear(self._rows)
        why = {folder.path: folder.why for folder in self._found}
        for place, path in enumerate(self.folders):
            if place:
                self._rows.addWidget(line())
            self._rows.addWidget(self._row(path, why.get(path, "added just now"), first=place == 0))
        self.default_button.setVisible(self._chosen)

    def _row(self, path: Path, why: str, *, first: bool) -> QWidget:
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(str(path), wrap=True, copyable=True))
        note = f"{why[:1].upper()}{why[1:]}." + (" New wallets go here." if first else "")
        words.addWidget(label(note, "small", wrap=True))
        row.addLayout(words, 1)
        if not first:
            row.addWidget(button("Put first", lambda: self.put_first(path), kind="quiet"))
        remove = button("Remove", lambda: self.remove_folder(path), kind="quiet", tip="Its wallets stay where they are")
        allow(remove, None if len(self.folders) > 1 else "One folder is always watched.")
        row.addWidget(remove)
        return widget

    def submitted(self) -> None:
        try:
            self._settings.set(WALLET_FOLDER, joined(self.folders) if self._chosen else "")
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.accept()
