"""Where a page opens forms about money: it gathers what they stand on, and sends what they end in on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QWidget

from ranvier.agent.api.market_messages import GetHoldings
from ranvier.chain.model import Receipt, TxStage
from ranvier.core.errors import RanvierError
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import show
from ranvier.ui.dialogs.money.money import Form, FormDialog
from ranvier.ui.dialogs.money.money_forms import batch, chosen_of
from ranvier.ui.dialogs.money.money_ground import Ground
from ranvier.ui.dialogs.money.money_preview import Preview
from ranvier.ui.own_keys import own_keys, wallets_here
from ranvier.ui.transacting import Transacting, Wish

HAPPENED = (TxStage.IN_BLOCK, TxStage.FINAL)


class MoneyDesk:
    """One form at a time. ``basket`` holds what is to be signed together; it is of one network and is forgotten with
    it. ``changed`` is called when it changes; ``commanded`` when a form ended in a command to the agent."""

    def __init__(
        self,
        context: Context,
        widget: QWidget,
        finished: Callable[[Receipt], None],
        *,
        changed: Callable[[], None] = lambda: None,
        commanded: Callable[[], None] = lambda: None,
    ) -> None:
        self._context, self._widget, self._changed, self._commanded = context, widget, changed, commanded
        self.transacting = Transacting(context, widget, finished)
        self.basket: list[tuple[str, Wish]] = []
        self.dialog: FormDialog | None = None

    def begin(self, form: Form, answers: Mapping[str, Any] | None = None) -> None:
        """Open this form with these answers filled in."""
        self._context.run(self.open(form, answers), "money form")

    def begin_batch(self) -> None:
        """Open what was put aside."""
        if self.basket:
            self._context.run(self._open_batch(), "batch form")

    def sign(self, wish: Wish) -> None:
        """Go the way of every transaction."""
        self.transacting.begin(wish)

    def forget(self) -> None:
        """Another network: plans of the last one mean nothing here."""
        self.basket.clear()
        self._changed()

    async def ground(self) -> Ground:
        """What a form stands on, read now. Raises RanvierError."""
        found = await self._context.client.call(GetHoldings())
        return Ground(found, own_keys(await asyncio.to_thread(wallets_here, self._context)))

    async def open(self, form: Form, answers: Mapping[str, Any] | None = None) -> None:
        """The whole way of one form."""
        dialog = await self._shown(form, answers)
        if dialog is None:
            return
        if dialog.command is not None:
            done = await self._context.client.call(dialog.command)
            self._context.say(done.text or "Kept.")
            self._commanded()
        elif dialog.wish is not None and dialog.put_aside:
            self._put_aside(dialog.words, dialog.wish)
        elif dialog.wish is not None:
            self.sign(dialog.wish)

    async def _shown(self, form: Form, answers: Mapping[str, Any] | None) -> FormDialog | None:
        """The accepted dialog, or None."""
        preview = Preview(self._context, self.transacting.verdict)
        dialog = self.dialog = FormDialog(self._widget, form, await self.ground(), preview, answers)
        try:
            return dialog if await show(dialog) else None
        finally:
            self.dialog = None

    def _put_aside(self, words: str, wish: Wish) -> None:
        if self.basket and self.basket[0][1].signer_ss58 != wish.signer_ss58:
            raise RanvierError(
                "Another signer",
                "What is signed together has one signer; this is of another coldkey.",
                "Sign what was put aside first, or this one alone.",
            )
        self.basket.append((words, wish))
        self._changed()

    async def _open_batch(self) -> None:
        entries = list(self.basket)
        dialog = await self._shown(batch(entries), None)
        if dialog is None or dialog.wish is None:
            return
        chosen = chosen_of(entries, dialog.answers())
        if dialog.put_aside:
            self.basket[:] = chosen
            self._changed()
            return
        self.sign(replace(dialog.wish, ended=self._done(chosen)))

    def _done(self, chosen: list[tuple[str, Wish]]) -> Callable[[Receipt | None], Awaitable[None]]:
        async def ended(receipt: Receipt | None) -> None:
            if receipt is not None and receipt.stage in HAPPENED:
                self.basket[:] = [one for one in self.basket if one not in chosen]
                self._changed()

        return ended
