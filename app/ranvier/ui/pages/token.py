"""Token: issuance against the cap, what is made now, halvings, who holds it, what happens on the chain."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from ranvier.agent.api.market_messages import GetToken, TokenView
from ranvier.chain.model import BlockRef
from ranvier.chain.supply import CAP_RAO
from ranvier.core.units import Tao, format_tao
from ranvier.ui.context import Context
from ranvier.ui.models.market import sharing_words
from ranvier.ui.models.token import (
    activity_words,
    halvings,
    halvings_model,
    issued_ppm,
    share_text,
    staked_ppm,
    when_text,
)
from ranvier.ui.pages.reading import ReadingPage
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.figures import Figure, FigureRow
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import label
from ranvier.ui.words import block_text, count_text

_DAY_S = 86_400.0
_STEPS = 10_000


class TokenPage(ReadingPage):
    """Every number is computed from the chain at one block; nothing comes from a price site."""

    key = "token"
    title = "Token"
    waiting = "Reading issuance, stake and recent blocks."
    every_s = 15.0
    sandbox_every_s = 5.0

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.found: TokenView | None = None
        self.issued = Figure("Issued")
        self.made = Figure("Made now")
        self.next = Figure("Next halving")
        self.staked = Figure("Staked")
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Issued of the cap")
        self.model = halvings_model()
        self.table = Table(self.model)
        self.table.setAccessibleName("Halvings")
        self.table.sort_by(0)
        self.sharing = Card("Who holds it", spacing=6)
        self.activity = Card("What happens on the chain")
        self._figures = FigureRow()
        self.activity.add(self._figures)
        self.empty.setMinimumHeight(420)
        self.filled = self._filled()
        self.filled.hide()
        self.add(self.empty)
        self.add(self.filled)
        self.content.addStretch(1)

    def _filled(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        supply = Card()
        supply.add(FigureRow((self.issued, self.made, self.next, self.staked)))
        supply.add(self.bar)
        column.addWidget(supply)
        column.addWidget(self.activity)
        column.addWidget(self.sharing)
        card = Card("Halvings")
        card.add(self.table)
        column.addWidget(card)
        return whole

    async def refresh(self) -> None:
        """Read the token once."""
        found: TokenView = await self.context.client.call(GetToken())
        self.show_token(found)

    def show_token(self, found: TokenView) -> None:
        """Draw this reading."""
        first = self.found is None
        self.found = found
        self.empty.hide()
        self.filled.show()
        supply, ppm = found.supply, issued_ppm(found)
        self.issued.show_value(format_tao(Tao(supply.issuance_rao), 0), f"{share_text(ppm)} of 21 million")
        self.bar.setValue(round(ppm * _STEPS / 1_000_000))
        self.bar.setToolTip(f"{format_tao(Tao(CAP_RAO - supply.issuance_rao), 0)} are still to come")
        day = None if found.block_s is None else int(supply.block_emission_rao * _DAY_S / found.block_s)
        note = "" if day is None else f", about {format_tao(Tao(day), 0)} a day"
        self.made.show_value(format_tao(Tao(supply.block_emission_rao)), f"a block{note}")
        rows = halvings(found)
        coming = next((row for row in rows if not row.passed), None)
        if coming is not None:
            left = supply.blocks_to_halving
            blocks = "" if left is None else f"in {block_text(left)} blocks if nothing is recycled"
            self.next.show_value(when_text(coming), blocks)
        staked = staked_ppm(found)
        pooled = format_tao(Tao(found.pooled_rao), 0)
        self.staked.show_value(
            share_text(staked), f"{pooled} lie in the pools of {count_text(found.subnets, 'subnet')}"
        )
        self.model.set_rows(rows)
        if first:
            self.table.fit()
            row = self.table.verticalHeader().defaultSectionSize()
            self.table.setFixedHeight((len(rows) + 1) * row + 16)
        self._show_sharing(found)
        self._show_activity(found)
        self.show_age()

    def _show_sharing(self, found: TokenView) -> None:
        clear(self.sharing.body)
        if found.holders is not None:
            self.sharing.add(label(sharing_words("TAO on accounts, staked TAO left out", found.holders), wrap=True))
        else:
            text = f"More than {found.accounts_at_least} accounts: too many to read here, so their shares are unknown."
            self.sharing.add(label(text, "muted", wrap=True))
        self.sharing.add(label(sharing_words("Stake on root's validators", found.root), wrap=True))
        how = "Decide: more than half together. Gini: 0 is all equal, 1 is one who has everything."
        self.sharing.add(label(how, "small", wrap=True))

    def _show_activity(self, found: TokenView) -> None:
        self.activity.setVisible(found.activity is not None)
        figures = []
        for name, value, note in activity_words(found.activity):
            figure = Figure(name)
            figure.show_value(None if value == "unknown" else value, note)
            figures.append(figure)
        self._figures.show_figures(figures)

    # --- state -----------------------------------------------------------------------------------------------

    def block(self) -> BlockRef | None:
        return None if self.found is None else self.found.block

    def about(self, where: str) -> str:
        return f"{super().about(where)} Computed from the chain."

    def forget(self) -> None:
        self.found = None
        self.filled.hide()
        self.empty.show()
