"""Plans in steps as a card: how far each is, what its due step would bring now, and the few things to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from ranvier.agent.api.ladder_messages import Ladder, LadderView
from ranvier.core.evidence import Level
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao
from ranvier.ui.dialogs.money.money_forms_ladder import interval_words
from ranvier.ui.models.stake import percent_text, subnet_text
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import block_text, duration_text, local_time

_AT_FIRST = 2  # the next due ones: the table below needs its room
_POSTPONE = (("By an hour", 3600.0), ("By a day", 86_400.0), ("By a week", 7 * 86_400.0))


class LadderCard(Card):
    """``act`` is called with a ladder, what to do (``sign`` or a ``ChangeLadder`` action) and seconds."""

    def __init__(self, act: Callable[[Ladder, str, float], None]) -> None:
        super().__init__("Plans in steps", spacing=12)
        self._act = act
        self._rows: list[tuple[LadderView, tuple[str, str], bool]] = []
        self._signing: frozenset[str] = frozenset()
        self._every = False
        self.more = button("", self._show_more, kind="quiet")
        self.add_to_header(self.more)
        self._meant: Ladder | None = None
        self.menu = QMenu(self)
        for name, seconds in _POSTPONE:
            self.menu.addAction(name).triggered.connect(partial(self._postpone, seconds))
        self.hide()

    def show_ladders(
        self,
        found: Sequence[LadderView],
        names: Mapping[int, str],
        now: float | None = None,
        *,
        signing: Collection[str] = (),
    ) -> None:
        """Draw these; hidden without any. ``signing`` are the ids of those whose step this window is following now:
        nobody is asked how it went before that is seen."""
        now = time.time() if now is None else now
        rows = [
            (one, ladder_words(one, names, now, following=one.ladder.id in signing), one.ladder.due(now))
            for one in found
        ]
        self._signing = frozenset(signing)
        if rows == self._rows:
            return
        self._rows = rows
        self.setVisible(bool(rows))
        self._draw()

    def _draw(self) -> None:
        clear(self.body)
        shown = self._rows if self._every else self._rows[:_AT_FIRST]
        for view, (title, text), due in shown:
            self.body.addLayout(self._row(view.ladder, title, text, due))
        self.more.setVisible(len(self._rows) > _AT_FIRST)
        self.more.setText("Show fewer" if self._every else f"Show all {len(self._rows)}")

    def _show_more(self) -> None:
        self._every = not self._every
        self._draw()

    def _row(self, one: Ladder, title: str, text: str, due: bool) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(Mark(Level.WARN if due else Level.OFF, 16), 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(title, "strong", wrap=True))
        words.addWidget(label(text, "muted", wrap=True, copyable=True))
        row.addLayout(words, 1)
        if one.signing_at is not None and one.id in self._signing:
            return row
        if due and one.signing_at is not None:
            row.addWidget(button("It was done", partial(self._act, one, "signed", 0.0)))
            row.addWidget(button("It was not", partial(self._act, one, "unsent", 0.0)))
        else:
            if due:
                row.addWidget(button("Sign this step…", partial(self._act, one, "sign", 0.0), kind="primary"))
            row.addWidget(button("Skip it", partial(self._act, one, "skip", 0.0)))
            later = button("Postpone…")
            later.clicked.connect(partial(self._ask_how_long, one, later))
            row.addWidget(later)
        row.addWidget(button("End", partial(self._act, one, "end", 0.0), kind="danger"))
        return row

    def _ask_how_long(self, one: Ladder, under: QWidget, _checked: bool = False) -> None:
        """One menu for all rows: those go and come with each reading, a menu of their own would go with them."""
        self._meant = one
        self.menu.popup(under.mapToGlobal(under.rect().bottomLeft()))

    def _postpone(self, seconds: float, _checked: bool = False) -> None:
        if self._meant is not None:
            self._act(self._meant, "postpone", seconds)


def ladder_words(view: LadderView, names: Mapping[int, str], now: float, *, following: bool = False) -> tuple[str, str]:
    """What it is, and how it stands. ``following``: its transaction is being followed in this window."""
    one = view.ladder
    total = _amount(one.total_rao, one, gives=True)
    verb, way = ("Buy", "for") if one.buying else ("Sell", "of")
    where = subnet_text(one.netuid, names.get(one.netuid))
    title = f"{verb} on {where} {way} {total}, in {one.steps} steps, {interval_words(one.every_s)}"
    signed = sum(step.outcome == "signed" for step in one.done)
    skipped = len(one.done) - signed
    past = f"{signed} signed" + (f", {skipped} skipped" if skipped else "")
    number = f"Step {len(one.done) + 1} of {one.steps}"
    gives = _amount(one.amount_rao(), one, gives=True)
    if one.signing_at is not None and following:
        return title, f"{past}. {number} ({gives}) is on its way; what becomes of it is noted here by itself."
    if one.signing_at is not None:
        at = local_time(int(one.signing_at * 1000))
        return (
            title,
            f"{number} ({gives}) was being signed at {at}. Look at the position, then say whether it was done.",
        )
    if not one.due(now):
        return title, f"{past}. {number} ({gives}) is due in {duration_text(one.next_at - now)}."
    said = view.problem or "Asking for a quote…"
    quote = view.quote
    if quote is not None:
        gets = _amount(quote.gets_rao, one, gives=False)
        cost = percent_text(quote.cost_ppm)
        said = f"About {gets} at block {block_text(quote.block)}; fee and slippage cost {cost}."
    return title, f"{past}. {number} is due: {gives}. {said}"


def _amount(rao: int, one: Ladder, *, gives: bool) -> str:
    return format_tao(Tao(rao), 6) if one.buying == gives else format_alpha(Alpha(rao, one.netuid), 6)
