"""What a form would do, asked of the chain while it is filled in: the plan in words, and nothing signed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout

from ranvier.chain.model import Plan
from ranvier.chain.policy import Verdict
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.core.units import Tao, format_tao
from ranvier.keys.addresses import is_ss58
from ranvier.ui.chain_link import connected
from ranvier.ui.context import Context
from ranvier.ui.dialogs.money.plan import warning_row
from ranvier.ui.header import NetworkChip
from ranvier.ui.transacting import Wish
from ranvier.ui.widgets.page import Body, clear, scroll_area
from ranvier.ui.widgets.text import label
from ranvier.ui.words import block_text

_SETTLE_S = 0.35  # nobody types a whole amount faster than the chain can be asked
_AGAIN_S = 12.0  # a price is a block old after this
_RETRY_S = 5.0
_WAITING = "What this would do, cost and change is shown here before anything is signed."
_LEFT_OUT = ("Call", "Network")
_WIDTH, _HEIGHT = 400, 340


class Preview(QFrame):
    """Draws the plan of the newest wish; asks again at each change and every few seconds. ``start`` and ``stop``.

    ``judge`` holds a plan against the user's own limits.
    """

    def __init__(self, context: Context, judge: Callable[[Plan], Awaitable[Verdict]]) -> None:
        super().__init__()
        self._context, self._judge = context, judge
        self._wish: Wish | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.plan: Plan | None = None
        self.setProperty("role", "card")
        self.setMinimumSize(_WIDTH, _HEIGHT)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 14, 6, 14)
        outer.setSpacing(8)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 10, 0)
        self.state = label("", "muted")
        head.addWidget(self.state, 1)
        self._chip = NetworkChip()
        latest = context.bridge.latest
        self._chip.show_network(latest.chain.network if latest is not None else "")
        head.addWidget(self._chip)
        outer.addLayout(head)
        inside = Body()
        self.body = QVBoxLayout(inside)
        self.body.setContentsMargins(0, 0, 10, 0)
        self.body.setSpacing(8)
        outer.addWidget(scroll_area(inside), 1)
        self.ask(None)

    def start(self) -> None:
        """Begin to ask."""
        self._task = self._context.tasks.start(self._run(), "plan preview")

    def stop(self) -> None:
        """The dialog is closed."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def ask(self, wish: Wish | None) -> None:
        """Show what this would do; None: the form is not filled in yet."""
        self._wish = wish
        self.plan = None
        self._changed.set()
        if wish is None:
            self._say("Preview", _WAITING)
        else:
            self.state.setText("Asking the chain…")

    # --- asking ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                async with connected(self._context) as connection:
                    while True:
                        await self._due()
                        wish = self._wish
                        if wish is None:
                            continue
                        try:
                            plan = await wish.plan(connection)
                            verdict = await self._judge(plan)
                        except RanvierError as error:
                            if wish is self._wish:
                                self._say("This cannot be planned", f"{error.message} {error.hint}".strip())
                        else:
                            if wish is self._wish:
                                self.show_plan(plan, verdict)
            except RanvierError as error:
                self._say(error.title, f"{error.message} {error.hint}".strip())
                await asyncio.sleep(_RETRY_S)
                self._changed.set()

    async def _due(self) -> None:
        """Until something has changed and stands still, or the last answer is old."""
        try:
            # Not wait_for: Python 3.11's loses a cancellation that comes with the change, and this would never end.
            async with asyncio.timeout(_AGAIN_S):
                await self._changed.wait()
        except TimeoutError:
            return
        while self._changed.is_set():
            self._changed.clear()
            await asyncio.sleep(_SETTLE_S)

    # --- drawing ---------------------------------------------------------------------------------------------

    def _say(self, title: str, text: str) -> None:
        self.plan = None
        self.state.setText(title)
        clear(self.body)
        self.body.addWidget(label(text, "muted", wrap=True, copyable=True))
        self.body.addStretch(1)

    def show_plan(self, plan: Plan, verdict: Verdict) -> None:
        """Draw this plan."""
        self.plan = plan
        where = f" at block {block_text(plan.block.number)}" if plan.block is not None else ""
        self.state.setText(f"The chain says{where}")
        clear(self.body)
        title = label(plan.title, "strong", wrap=True)
        self.body.addWidget(title)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        for place, (name, value) in enumerate(facts(plan)):
            grid.addWidget(label(name, "muted"), place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label(value, wrap=True, copyable=True), place, 1)
        self.body.addLayout(grid)
        for refusal in verdict.refusals:
            whose = "" if refusal == plan.lacks else " Your limits are in the settings."
            self.body.addLayout(warning_row(refusal + whose, Level.BAD))
        for warning in plan.warnings:
            self.body.addLayout(warning_row(warning))
        self.body.addStretch(1)


def facts(plan: Plan) -> list[tuple[str, str]]:
    """The plan's lines without what the form says itself, and what is spent in all."""
    lines = [(name, value) for name, value in plan.lines if name not in _LEFT_OUT and not is_ss58(value)]
    if plan.spend_rao:
        lines.append(("Spends, with fee", format_tao(Tao(plan.spend_rao + plan.fee_rao))))
    return lines
