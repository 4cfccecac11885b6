"""The one way by which anything is signed in the window: plan, check, unlock or export, send, watch, receipt.

The key is opened in this process after the plan was agreed to, signs once, and is wiped in the same moment. While
a transaction is on its way the window can be used; its receipt is shown and kept when it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from ranvier.agent.money.receipt_book import ReceiptBook
from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.chain.policy import Verdict, judge, policy_of
from ranvier.core.errors import Cancelled, KeyFileError, RanvierError
from ranvier.keys import wallets
from ranvier.keys.encryption import OnAttempt
from ranvier.keys.listing import KeyForm
from ranvier.keys.offline import ExportedSigner
from ranvier.keys.remember import PasswordStore
from ranvier.keys.signing import SR25519, LocalSigner, OneSignature, Signer
from ranvier.ui.chain_link import connected
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import show
from ranvier.ui.dialogs.money.plan import PlanDialog
from ranvier.ui.dialogs.money.receipt import TransactionDialog
from ranvier.ui.dialogs.wallets.offline import OfflineDialog
from ranvier.ui.dialogs.wallets.sign_steps import KeyChoice, key_choices
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog
from ranvier.ui.own_keys import wallets_here

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

Unlock = Callable[..., Awaitable[LocalSigner]]
_PRACTICE = "The rehearsal shows the practice wallet's password, below its stages, until the window that made it ends."
_NEW_PRACTICE = "rehearsal/new-wallet"  # the page and what it is asked for


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to sign: ``plan`` makes the plan on an open connection, ``signer_ss58`` signs it.

    ``sending`` is awaited right before it is sent (an error there keeps it from being sent), ``ended`` with the
    receipt after it was kept, or None when it was not sent after all.
    """

    signer_ss58: str
    plan: Callable[[Connection], Awaitable[Plan]]
    sending: Callable[[], Awaitable[None]] | None = None
    ended: Callable[[Receipt | None], Awaitable[None]] | None = None


class Elsewhere(ExportedSigner):
    """A key on another machine: the payload is shown as code and file, and its signature is waited for."""

    def __init__(self, plan: Plan, crypto_type: int, widget: QWidget, context: Context) -> None:
        words = (plan.title, *(f"{name}: {value}" for name, value in plan.lines))
        super().__init__(
            plan.signer_ss58, crypto_type, genesis_hash=plan.genesis_hash, network=plan.network, words=words
        )
        self._widget, self._context = widget, context

    async def sign_later(self, payload: bytes) -> bytes:
        """Shows the dialog. Raises Cancelled when it is closed without a signature."""
        dialog = OfflineDialog(self._widget, self.payload(payload), self._context.run)
        if not await show(dialog) or dialog.signature is None:
            raise Cancelled
        return dialog.signature


class Transacting:
    """One transaction at a time. ``finished`` is called with each receipt; ``unlock`` opens a coldkey file."""

    def __init__(
        self,
        context: Context,
        widget: QWidget,
        finished: Callable[[Receipt], None] | None = None,
        *,
        unlock: Unlock = wallets.unlock_coldkey,
    ) -> None:
        self._context, self._widget, self._finished, self._unlock = context, widget, finished, unlock
        self._receipts = ReceiptBook(context.client, lambda: wallets_here(context), context.show_error)
        self.busy = False
        self.dialog: TransactionDialog | None = None
        self.times: dict[TxStage, float] = {}  # of the last transaction: seconds from sending to each stage

    def begin(self, wish: Wish) -> None:
        """Start, unless one is being planned or sent already."""
        if self.busy:
            self._context.say("A transaction is under way. Wait for its receipt, so that none is sent by mistake.")
            return
        self.busy = True
        self._context.run(self._guarded(wish), "transaction")

    async def _guarded(self, wish: Wish) -> None:
        try:
            await self.carry_out(wish)
        except RanvierError as error:
            self._context.show_error(error)
        finally:
            self.busy = False

    async def carry_out(self, wish: Wish) -> Receipt | None:
        """The whole way; None when nothing was sent because somebody said no. Raises RanvierError before sending."""
        key = await asyncio.to_thread(self._key_of, wish.signer_ss58)
        self._context.say("Asking the chain what this would do…")
        async with connected(self._context) as connection:
            plan = await wish.plan(connection)
            verdict = await self.verdict(plan)
            yes = "Sign and send" if _has_key(key) else "Export for signing"
            if not await show(PlanDialog(self._widget, plan, yes=yes, verdict=verdict)):
                return None
            try:
                signer = await self._signer(plan, key)
                return await self._send(connection, plan, signer, wish)
            except Cancelled:
                return None

    async def verdict(self, plan: Plan) -> Verdict:
        """What the user's own limits say to this plan now. Raises RanvierError: a limit is never guessed."""
        return judge(policy_of(self._context.settings), plan, await self._receipts.spent_today())

    async def _signer(self, plan: Plan, key: KeyChoice | None) -> Signer:
        if key is None or not _has_key(key):
            crypto_type = key.crypto_type if key is not None and key.crypto_type is not None else SR25519
            return Elsewhere(plan, crypto_type, self._widget, self._context)
        path, hotkey = key.wallet.path, key.hotkey
        if key.form is KeyForm.PLAIN:
            if hotkey is not None:
                return OneSignature(await asyncio.to_thread(wallets.load_hotkey, path, hotkey.name))
            return OneSignature(await self._unlock(path, ""))
        store = PasswordStore(self._context.paths) if hotkey is None else None
        practice = path.parent == self._context.paths.practice_wallets
        why = f"{plan.title}. The key is opened for this one signature, then wiped."
        dialog = UnlockDialog(
            self._widget, "Unlock to sign", f"{why} {_PRACTICE}" if practice else why,
            path, partial(self._open, path, None if hotkey is None else hotkey.name), self._context.run, store,
            yes="Unlock and send", lost=partial(self._context.go, _NEW_PRACTICE) if practice else None,
        )  # fmt: skip
        if not await show(dialog):
            raise Cancelled
        opened: LocalSigner = dialog.result_of_work
        dialog.result_of_work = None
        return OneSignature(opened)

    async def _open(self, path: Path, hotkey: str | None, password: str, on_attempt: OnAttempt) -> LocalSigner:
        if hotkey is not None:
            return await wallets.unlock_hotkey(path, hotkey, password, on_attempt=on_attempt)
        return await self._unlock(path, password, on_attempt=on_attempt)

    async def _send(self, connection: Connection, plan: Plan, signer: Signer, wish: Wish) -> Receipt:
        if wish.sending is not None:
            await wish.sending()
        dialog = TransactionDialog(self._widget, plan)
        self._replace(dialog)
        dialog.show()
        self.times = {}
        begun = time.monotonic()

        def tell(stage: TxStage) -> None:
            self.times.setdefault(stage, time.monotonic() - begun)
            dialog.show_stage(stage)

        try:
            receipt = await self._receipts.send(connection, plan, signer, tell, refused=dialog.show_error)
        except RanvierError:
            if wish.ended is not None:
                await wish.ended(None)
            raise
        except (Cancelled, asyncio.CancelledError) as stopped:
            dialog.close()
            if wish.ended is not None and isinstance(stopped, Cancelled):
                await wish.ended(None)
            raise
        dialog.show_receipt(receipt)
        if wish.ended is not None:
            await wish.ended(receipt)
        if self._finished is not None:
            self._finished(receipt)
        return receipt

    def _replace(self, dialog: TransactionDialog) -> None:
        before, self.dialog = self.dialog, dialog
        if before is not None:
            before.close()
            before.deleteLater()

    def _key_of(self, signer_ss58: str) -> KeyChoice | None:
        """In a worker: the key with this address, one that can sign before one that cannot."""
        listed = wallets_here(self._context)
        found = [key for key in key_choices(listed) if key.ss58 == signer_ss58]
        best = next((key for key in found if _has_key(key)), None)
        broken = (one for one in listed if one.coldkey_ss58 == signer_ss58 and one.coldkey is KeyForm.UNREADABLE)
        unreadable = next(broken, None)
        if best is None and unreadable is not None:
            raise KeyFileError("Coldkey unreadable", unreadable.problem or "Its file cannot be read.", "See Wallets.")
        return best or next(iter(found), None)


def _has_key(key: KeyChoice | None) -> bool:
    return key is not None and key.form in (KeyForm.ENCRYPTED, KeyForm.PLAIN)
