"""Unlocking a key: the password, honest progress while argon2 runs, and what the system's keyring can do.

The password field is never cleared by a mistake. Nothing is remembered unless the box is ticked, and then in the
system's own store only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QCheckBox, QLineEdit, QProgressBar, QVBoxLayout, QWidget
from shiboken6 import isValid

from ranvier.core.errors import RanvierError, WrongPasswordError
from ranvier.keys import strength
from ranvier.keys.encryption import FULL_COST, OnAttempt
from ranvier.keys.remember import STATE_WORDS, PasswordStore, StoreState
from ranvier.keys.strength import Strength
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import size_text

Work = Callable[[str, OnAttempt], Awaitable[Any]]

_TICK_MS = 200
_SPARE_BYTES = 64 * 1024 * 1024


def memory_sentence(available: int) -> tuple[bool, str]:
    """Whether one derivation fits, and the sentence that says so."""
    needed = FULL_COST.memory_bytes
    text = f"Needs {size_text(needed)} of memory for 2 to 6 seconds; {size_text(available)} are free."
    if available < needed + _SPARE_BYTES:
        return False, f"{text} Close other programs first."
    return True, text


class Progress(QWidget):
    """Which attempt runs and for how long; how far argon2 is cannot be known, so the bar only says that it works."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.words = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        column.addWidget(self.words)
        column.addWidget(self.bar)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._number, self._of, self._since = 1, 1, 0.0
        self.hide()

    def begin(self) -> None:
        self.attempt(1, 1)
        self._timer.start()
        self.show()

    def attempt(self, number: int, of: int) -> None:
        """The ``number``-th of at most ``of`` derivations begins (another spelling of the same password)."""
        self._number, self._of, self._since = number, of, time.monotonic()
        self._tick()

    def end(self) -> None:
        self._timer.stop()
        self.hide()

    def _tick(self) -> None:
        passed = int(time.monotonic() - self._since)
        which = ""
        if self._number > 1:
            which = f" Not as typed; trying another spelling of it, {self._number} of {self._of}."
        self.words.setText(f"Unlocking, {passed} s so far; each try takes 2 to 6 s.{which}")


class UnlockDialog(Dialog):
    """Asks for the password of ``wallet_path`` and awaits ``work(password, on_attempt)``; ``result_of_work`` is what
    it gave. A wrong password keeps what was typed and says so; any other error too. How strong the right one is goes
    to ``strengths``, for the custody check. ``lost`` is what to do about a practice wallet's password that is gone."""

    def __init__(
        self,
        parent: QWidget,
        title: str,
        why: str,
        wallet_path: Path,
        work: Work,
        run: Run,
        store: PasswordStore | None = None,
        *,
        yes: str = "Unlock",
        strengths: dict[Path, Strength] | None = None,
        lost: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(parent, title, yes=yes)
        self.result_of_work: Any = None
        self._path, self._work, self._run, self._store = wallet_path, work, run, store
        self._strengths = strengths
        self._running = False
        self._recalled: str | None = None
        self.body.addWidget(label(why, wrap=True))
        name = label(f"Password of {wallet_path.name}")
        self.input = QLineEdit()
        self.input.setMinimumHeight(32)
        self.input.setEchoMode(QLineEdit.EchoMode.Password)
        self.input.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self.input.setAccessibleName(name.text())
        name.setBuddy(self.input)
        self.visible_box = QCheckBox("Show the password")
        self.visible_box.toggled.connect(self._show)
        self.keep_box = QCheckBox("Remember it in the system's keyring")
        self.keep_box.setVisible(store is not None)
        self.keep_note = label("", "small", wrap=True)
        self.keep_note.hide()
        enough, sentence = memory_sentence(psutil.virtual_memory().available)
        self.memory = label(sentence, "small" if enough else "problem", wrap=True)
        self.progress = Progress()
        for widget in (
            name, self.input, self.visible_box, self.keep_box, self.keep_note, self.memory, self.progress,
        ):  # fmt: skip
            self.body.addWidget(widget)
        if store is not None and store.is_on(wallet_path):
            self.keep_box.setChecked(True)
            run(self._recall(store), "recall a password")
        self.keep_box.toggled.connect(self._keep_toggled)
        if lost is not None:
            self.lost_button = button("Nobody knows it any more: take a new practice wallet…", kind="quiet")
            self.lost_button.clicked.connect(lambda: self._give_up(lost))
            self.body.addWidget(self.lost_button, 0, Qt.AlignmentFlag.AlignLeft)
        fit(self, 520)
        self.input.setFocus()

    # --- the keyring -----------------------------------------------------------------------------------------

    async def _recall(self, store: PasswordStore) -> None:
        self._say_store("Asking the system's keyring for the password…")
        try:
            found = await store.recall(self._path)
        except RanvierError as error:
            self._say_store(error.message)
            return
        if not isValid(self):
            return
        if found is None:
            self._say_store("The keyring holds no password for this wallet any more.")
        elif not self.input.text():
            self._recalled = found
            self.input.setText(found)
            self._say_store("The password was taken from the system's keyring.")

    def _keep_toggled(self, wanted: bool) -> None:
        if self._store is None:
            return
        self._run(self._look(self._store) if wanted else self._forget(self._store), "system keyring")

    async def _look(self, store: PasswordStore) -> None:
        self._say_store("Looking at the system's keyring…")
        state = await store.state()
        self._say_store(STATE_WORDS[state])
        if state is StoreState.ABSENT and isValid(self):  # nothing to wait for: there is no second place
            self.keep_box.blockSignals(True)
            self.keep_box.setChecked(False)
            self.keep_box.setEnabled(False)
            self.keep_box.blockSignals(False)

    async def _forget(self, store: PasswordStore) -> None:
        if not store.is_on(self._path):
            self._say_store("")
            return
        try:
            await store.forget(self._path)
        except RanvierError as error:
            self._say_store(f"It may still be in the keyring. {error.message}")
            return
        self._say_store("The keyring has forgotten the password.")

    def _say_store(self, text: str) -> None:
        if not isValid(self):  # the keyring answered after the dialog was gone
            return
        self.keep_note.setText(text)
        self.keep_note.setVisible(bool(text))

    # --- unlocking -------------------------------------------------------------------------------------------

    def submitted(self) -> None:
        self.problem("")
        if not self.input.text():
            self.problem("Type the password.")
            self.input.setFocus()
            return
        self._running = True
        self.busy(True)
        for widget in (self.input, self.keep_box):
            widget.setEnabled(False)
        self.progress.begin()
        self._run(self._unlock(), "unlock")

    async def _unlock(self) -> None:
        password = self.input.text()
        try:
            self.result_of_work = await self._work(password, self.progress.attempt)
        except RanvierError as error:
            self._stopped()
            self.problem(f"{error.message} {error.hint}".strip())
            if isinstance(error, WrongPasswordError):
                self.input.setFocus()
                self.input.selectAll()
            return
        except BaseException:
            self._stopped()
            raise
        if self._strengths is not None:
            judged = await asyncio.to_thread(strength.judge, password, (self._path.name,))
            if judged is not None:
                self._strengths[self._path] = judged
        if self._store is not None and self.keep_box.isChecked() and password != self._recalled:
            await self._keep(self._store, password)
        self._stopped()
        self.wipe()
        self.accept()

    async def _keep(self, store: PasswordStore, password: str) -> None:
        """A keyring that fails does not undo the unlocking; the next dialog says what became of it."""
        self.progress.words.setText("Putting the password into the system's keyring…")
        try:
            await store.remember(self._path, password)
        except RanvierError as error:
            self._say_store(error.message)

    def _stopped(self) -> None:
        self._running = False
        self.progress.end()
        self.busy(False)
        self.input.setEnabled(True)
        self.keep_box.setEnabled(True)

    def _give_up(self, lost: Callable[[], object]) -> None:
        if not self._running:
            self.reject()
            lost()

    def wipe(self) -> None:
        """Forget what was typed."""
        self._recalled = None
        self.input.clear()

    def _show(self, visible: bool) -> None:
        self.input.setEchoMode(QLineEdit.EchoMode.Normal if visible else QLineEdit.EchoMode.Password)

    def reject(self) -> None:
        if not self._running:
            self.wipe()
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._running:
            event.ignore()
        else:
            super().closeEvent(event)
