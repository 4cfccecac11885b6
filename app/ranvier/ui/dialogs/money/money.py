"""The one dialog for everything that is done with money: a declared form, and a live preview of its plan beside it.

Nothing is signed here: an accepted form leaves a ``Wish``, which goes the way of every transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.agent.api.command import Command, Done
from ranvier.chain.model import Plan
from ranvier.core.units import Tao
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.dialogs.money.money_fields import Answers, Spec
from ranvier.ui.dialogs.money.money_ground import Ground
from ranvier.ui.dialogs.money.money_parts import Part, part_of
from ranvier.ui.dialogs.money.money_preview import Preview
from ranvier.ui.transacting import Wish
from ranvier.ui.widgets.text import button, label

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

_FORM_WIDTH = 400


@dataclass(frozen=True, slots=True)
class Form:
    """A form as data. ``wish`` makes what is previewed and signed; with ``command`` the form ends in that command to
    the agent instead, and the preview shows its first step. ``aside`` is the quiet button that keeps it for later."""

    title: str
    about: str
    parts: tuple[Spec, ...]
    wish: Callable[[Ground, Answers], Wish]
    yes: str = "Check and sign…"
    aside: str = "Sign together with others"
    command: Callable[[Ground, Answers], Command[Done]] | None = None


class FormDialog(Dialog):
    """Ends with ``wish`` or ``command`` set. ``put_aside``: it is to be signed later, with others, as ``words``."""

    def __init__(
        self, parent: QWidget, form: Form, ground: Ground, preview: Preview, begin: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(parent, form.title, yes=form.yes)
        self.form, self.ground, self.preview = form, ground, preview
        self.wish: Wish | None = None
        self.command: Command[Done] | None = None
        self.put_aside = False
        self.words = form.title
        self._refreshing = False
        self.parts: dict[str, Part] = {}
        if form.about:
            self.body.addWidget(label(form.about, "muted", wrap=True))
        sides = QHBoxLayout()
        sides.setSpacing(20)
        left = QVBoxLayout()
        left.setSpacing(12)
        for spec in form.parts:
            part = part_of(spec, ground)
            part.setMinimumWidth(_FORM_WIDTH)
            self.parts[spec.key] = part
            left.addWidget(part)
            part.changed.connect(self.changed)
        left.addStretch(1)
        sides.addLayout(left, 1)
        sides.addWidget(preview, 1)
        self.body.addLayout(sides)
        self.later = button(form.aside, self._put_aside, kind="quiet")
        self.later.setVisible(bool(form.aside))
        self._at_the_left(self.later)
        self._fill(begin or {})
        preview.start()
        self.finished.connect(lambda _: preview.stop())
        fit(self, 900)
        self.focus_first()

    def _at_the_left(self, widget: QWidget) -> None:
        """Put a quiet button at the left end of the row of buttons, after them in the order of Tab."""
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        last = column.itemAt(column.count() - 1)
        row = last.layout() if last is not None else None
        assert isinstance(row, QHBoxLayout)
        row.insertWidget(0, widget)
        QWidget.setTabOrder(self.yes, widget)

    def _fill(self, begin: Mapping[str, Any]) -> None:
        """From the first part on: what is chosen in one decides what the next can be."""
        for key, part in self.parts.items():
            part.refresh(self.answers())
            if key in begin and begin[key] is not None:
                part.begin(begin[key])
        self.changed()

    def focus_first(self) -> None:
        """The first input that still needs an answer."""
        shown = [part for part in self.parts.values() if part.asked]
        waiting = next((part for part in shown if part.problem() is not None), shown[0] if shown else None)
        if waiting is not None:
            waiting.target().setFocus(Qt.FocusReason.OtherFocusReason)

    def answers(self) -> dict[str, Any]:
        """What is answered so far; None for what is wrong, missing or not asked."""
        return {key: part.value() if part.asked else None for key, part in self.parts.items()}

    def changed(self) -> None:
        """Let every part see the others' answers, and the chain the whole."""
        if self._refreshing:
            return
        self._refreshing = True
        try:
            for part in self.parts.values():
                shown = part.spec.shown
                part.asked = shown is None or shown(self.answers())
                part.setVisible(part.asked)
                part.refresh(self.answers())
        finally:
            self._refreshing = False
        self.preview.ask(self._wish() if self._whole() else None)

    def submitted(self) -> None:
        if all(not part.asked or part.insist() for part in self.parts.values()):
            self.wish = self._wish()
            self.words = self.preview.plan.title if self.preview.plan is not None else self.form.title
            if self.form.command is not None:
                self.command = self.form.command(self.ground, self.answers())
            self.accept()

    def _put_aside(self) -> None:
        self.put_aside = True
        self.submitted()
        self.put_aside = self.wish is not None

    def _whole(self) -> bool:
        return all(not part.asked or part.problem() is None for part in self.parts.values())

    def _wish(self) -> Wish:
        return self.form.wish(self.ground, self.answers())


async def _plan_transfer(source: str, target: str, amount: Tao, connection: Connection) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_transfer(connection, source, target, amount)


def self_transfer(coldkey_ss58: str) -> Wish:
    """One rao to oneself: what settling costs and how long it takes."""
    return Wish(coldkey_ss58, partial(_plan_transfer, coldkey_ss58, coldkey_ss58, Tao(1)))
