"""Sign a message, check a signature, or sign a payload of a machine that has no key."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.keys import messages, offline, wallets
from ranvier.keys.encryption import OnAttempt
from ranvier.keys.listing import KeyForm, Wallet
from ranvier.keys.offline import ExportedSigner
from ranvier.keys.remember import PasswordStore
from ranvier.keys.signing import SR25519, LocalSigner
from ranvier.keys.strength import Strength
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog, show
from ranvier.ui.dialogs.fit import Steps, fit
from ranvier.ui.dialogs.wallets.offline import OfflineDialog
from ranvier.ui.dialogs.wallets.sign_steps import KeyChoice, PayloadStep, SignStep, VerifyStep, key_choices
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog
from ranvier.ui.widgets.text import button

SIGN, VERIFY, PAYLOAD = range(3)
_NAMES = ("Sign a message", "Check a signature", "Sign a payload")
_YES = ("Sign", "Check", "Sign the payload")


class SignDialog(Dialog):
    """Stays open after signing, so that the signature can be copied; Close ends it."""

    def __init__(
        self,
        parent: QWidget,
        listed: Sequence[Wallet],
        run: Run,
        store: PasswordStore | None = None,
        *,
        chosen: Wallet | None = None,
        strengths: dict[Path, Strength] | None = None,
    ) -> None:
        super().__init__(parent, "Sign or check", yes=_YES[0], no="Close")
        self._run, self._store, self._strengths = run, store, strengths
        self.choices = key_choices(listed)
        self.sign = SignStep(self.choices, chosen)
        self.verify = VerifyStep()
        self.payload = PayloadStep()
        self.steps = Steps()
        row = QHBoxLayout()
        row.setSpacing(6)
        group = QButtonGroup(self)
        group.setExclusive(True)
        self.tabs = []
        for place, (name, step) in enumerate(zip(_NAMES, (self.sign, self.verify, self.payload), strict=True)):
            tab = button(name, partial(self.turn_to, place))
            tab.setCheckable(True)
            tab.setChecked(place == SIGN)
            group.addButton(tab)
            row.addWidget(tab)
            self.tabs.append(tab)
            self.steps.add(step)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(self.steps)
        self.sign.changed.connect(lambda: self.problem(""))
        self.payload.changed.connect(lambda: self.problem(""))
        self.payload.failed.connect(self.problem)
        fit(self, 700)
        self.sign.message.box.setFocus()

    def turn_to(self, place: int) -> None:
        """Show one of the three parts."""
        self.problem("")
        self.tabs[place].setChecked(True)
        self.steps.turn_to(place)
        self.yes.setText(_YES[place])
        (self.sign.message.box, self.verify.address.input, self.payload.open_button)[place].setFocus()

    def submitted(self) -> None:
        self.problem("")
        work = (self._sign, self._verify, self._sign_payload)[self.steps.place]
        self._run(self._guarded(work()), "sign or check")

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        self.busy(True)
        try:
            await work
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
        finally:
            self.busy(False)

    # --- a message ---------------------------------------------------------------------------------------------

    async def _sign(self) -> None:
        choice, text = self.sign.choice(), self.sign.message.text()
        if choice is None:
            self.problem("There is no key to sign with.")
            return
        if not text:
            self.problem("Type the message first.")
            return
        wrap = self.sign.wrap.isChecked()
        if choice.elsewhere:
            signature = await self._signed_elsewhere(choice, text, wrap=wrap)
        else:
            signer = await self._unlocked(choice, "The message is signed with this key; nothing is sent.")
            if signer is None:
                return
            with signer:
                signature = messages.sign_message(signer, text, wrap=wrap).signed_message
        if signature is not None:
            self.sign.show_signature(signature)

    async def _signed_elsewhere(self, choice: KeyChoice, text: str, *, wrap: bool) -> str | None:
        data = messages.wrapped(text.encode()) if wrap else text.encode()
        scheme = SR25519 if choice.crypto_type is None else choice.crypto_type
        absent = ExportedSigner(choice.ss58 or "", scheme, genesis_hash="", words=("A message, not a transaction",))
        dialog = OfflineDialog(self, absent.payload(data), self._run)
        if await show(dialog) and dialog.signature is not None:
            return dialog.signature.hex()
        return None

    async def _unlocked(self, choice: KeyChoice, why: str) -> LocalSigner | None:
        """The key, after its password where it has one; None when the user changed their mind."""
        path, name = choice.wallet.path, choice.hotkey.name if choice.hotkey is not None else None
        if choice.form is not KeyForm.ENCRYPTED:
            if name is not None:
                return await asyncio.to_thread(wallets.load_hotkey, path, name)
            return await wallets.unlock_coldkey(path, "")

        async def work(password: str, on_attempt: OnAttempt) -> LocalSigner:
            if name is not None:
                return await wallets.unlock_hotkey(path, name, password, on_attempt=on_attempt)
            return await wallets.unlock_coldkey(path, password, on_attempt=on_attempt)

        title = f"Unlock {path.name}" if name is None else f"Unlock hotkey {name}"
        store, strengths = (self._store, self._strengths) if name is None else (None, None)
        dialog = UnlockDialog(self, title, why, path, work, self._run, store, strengths=strengths)
        if not await show(dialog):
            return None
        signer: LocalSigner = dialog.result_of_work
        return signer

    # --- a signature --------------------------------------------------------------------------------------------

    async def _verify(self) -> None:
        step = self.verify
        if not step.address.insist():
            return
        address = "".join(step.address.text().split())
        verdict = await asyncio.to_thread(messages.verify_message, address, step.message.text(), step.signature.text())
        if verdict.valid:
            how = ", wrapped in <Bytes> as browser wallets do" if verdict.wrapped else ""
            step.say(Level.GOOD, f"A good signature of this message by this address ({verdict.scheme}{how}).")
        else:
            text = "Not a signature of this message by this address. Blanks and line ends count, in both schemes tried."
            step.say(Level.BAD, text)

    # --- a payload ----------------------------------------------------------------------------------------------

    async def _sign_payload(self) -> None:
        payload = self.payload.payload
        if payload is None:
            self.problem("Open the payload file first.")
            return
        choice = next((c for c in self.choices if c.ss58 == payload.signer_ss58 and not c.elsewhere), None)
        if choice is None:
            self.problem(f"The key of {payload.signer_ss58} is not in the wallets of this machine.")
            return
        signer = await self._unlocked(choice, f"Payload {payload.id} is signed with this key; nothing is sent.")
        if signer is not None:
            with signer:
                self.payload.show_answer(offline.sign_payload(payload, signer))
