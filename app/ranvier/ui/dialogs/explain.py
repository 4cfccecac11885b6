"""Does the ledger explain a position? Its change against pay, dividends, operations and price, block by block."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QWidget

from ranvier.agent.api.messages import PositionCheck
from ranvier.core.errors import RanvierError
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao
from ranvier.ledger.payments import Payment
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.models.stake import subnet_text
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.text import allow, button, label, restyle
from ranvier.ui.words import block_text, count_text, short_address

_NAMES = {
    "pay": "Mined", "dividends": "Dividends", "stake": "Staked", "unstake": "Unstaked", "move": "Moved",
    "transfer": "Transferred", "swap": "Swapped", "fee": "Fees in alpha", "recycle": "Recycled", "burn": "Burned",
    "key swap": "Went with a replaced key", "subnet ended": "Paid out when the subnet ended",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A position that pay went to, and the block before the oldest of that pay which the page shows."""

    hotkey_ss58: str
    coldkey_ss58: str
    netuid: int
    from_block: int


def places_of(rows: Iterable[Payment]) -> tuple[Place, ...]:
    """Where these rows landed, by subnet; rows that say nobody's coldkey are of no use here."""
    oldest: dict[tuple[int, str, str], int] = {}
    for row in rows:
        if row.coldkey_ss58 is None or not row.alpha_rao:
            continue
        key = (row.netuid, row.destination_ss58 or row.hotkey_ss58, row.coldkey_ss58)
        oldest[key] = min(row.block, oldest.get(key, row.block))
    return tuple(
        Place(hotkey, coldkey, netuid, max(0, block - 1)) for (netuid, hotkey, coldkey), block in sorted(oldest.items())
    )


def check_lines(found: PositionCheck, netuid: int) -> tuple[tuple[str, str, str], ...]:
    """(what, amount, how many) of a check; their sum is the change."""
    lines = [
        (_NAMES.get(what, what.capitalize()), signed_alpha(rao, netuid), count_text(count, "time"))
        for what, rao, count in found.lines
    ]
    if found.unexplained_rao:
        what = "Rounding of shares" if found.verdict in ("rounding", "exact") else "Not explained"
        lines.append((what, signed_alpha(found.unexplained_rao, netuid), ""))
    return (*lines, ("Change of the position", signed_alpha(found.change_rao, netuid), ""))


def value_words(found: PositionCheck) -> str:
    """What the change is worth, and what of it the price did."""
    if found.value_change_rao is None or found.amount_effect_rao is None or found.price_effect_rao is None:
        return "Its value cannot be told apart: a price is missing."
    return (
        f"Its value at the pool's price changed by {_tao(found.value_change_rao)}: {_tao(found.amount_effect_rao)} by"
        f" the amount, {_tao(found.price_effect_rao)} by the price."
    )


def signed_alpha(rao: int, netuid: int) -> str:
    text = format_alpha(Alpha(rao, netuid))
    return f"+{text}" if rao > 0 else text


def _tao(rao: int) -> str:
    text = format_tao(Tao(rao), 6)
    return f"+{text}" if rao > 0 else text


class ExplainDialog(Dialog):
    """``ask`` holds a place against the chain; it may raise RanvierErrors and take a while."""

    def __init__(
        self,
        context: Context,
        parent: QWidget,
        places: Sequence[Place],
        names: dict[int, str],
        ask: Callable[[Place], Awaitable[PositionCheck]],
    ) -> None:
        super().__init__(parent, "Does the ledger explain it?", yes="Close", no="")
        self._context, self._ask = context, ask
        self.found: PositionCheck | None = None
        self.body.addWidget(
            label(
                "The position is read from the chain, and every block in which it changed is looked up: what of it was"
                " pay, dividends, or something that you or another tool did.",
                wrap=True,
            )
        )
        row = QHBoxLayout()
        self.place = QComboBox()
        self.place.setAccessibleName("Position")
        self.place.setMinimumHeight(32)
        for one in places:
            where = f"Subnet {subnet_text(one.netuid, names.get(one.netuid))}"
            whose = f"{short_address(one.hotkey_ss58)} of {short_address(one.coldkey_ss58)}"
            self.place.addItem(f"{where}: {whose}, from block {block_text(one.from_block)}", one)
        self.check = button("Check", self.begin, kind="primary")
        self.check.setDefault(True)
        restyle(self.yes, "kind", "")  # one primary button: what one came for
        row.addWidget(self.place, 1)
        row.addWidget(self.check)
        self.body.addLayout(row)
        self.sentence = label("", wrap=True)
        self.body.addWidget(self.sentence)
        self.lines = QGridLayout()
        self.lines.setHorizontalSpacing(24)
        self.lines.setColumnStretch(3, 1)
        self.body.addLayout(self.lines)
        self.value = label("", "muted", wrap=True)
        self.body.addWidget(self.value)
        self.place.currentIndexChanged.connect(lambda _: self._clear())
        self._clear()
        fit(self, 720)

    def begin(self) -> None:
        """Ask for the chosen position."""
        self._clear()
        allow(self.check, "The chain is being read.")
        self.sentence.setText("Reading the chain; some hundred epochs take a few seconds…")
        self._context.run(self._read(self.place.currentData()), "check position")

    async def _read(self, place: Place) -> None:
        try:
            found = await self._ask(place)
        except RanvierError as error:
            self.sentence.setText(f"{error.message} {error.hint}".strip())
            return
        finally:
            allow(self.check, None)
        if place == self.place.currentData():
            self.show_check(found, place.netuid)

    def show_check(self, found: PositionCheck, netuid: int) -> None:
        self._clear()
        self.found = found
        span = f"Blocks {block_text(found.from_block)} to {block_text(found.to_block)}"
        self.sentence.setText(f"{span}: {found.sentence}")
        for place, (what, amount, count) in enumerate(check_lines(found, netuid)):
            self.lines.addWidget(label(what), place, 0)
            self.lines.addWidget(label(amount, copyable=True), place, 1, Qt.AlignmentFlag.AlignRight)
            self.lines.addWidget(label(count, "muted"), place, 2)
        self.value.setText(value_words(found))

    def _clear(self) -> None:
        self.found = None
        clear(self.lines)
        self.sentence.setText("")
        self.value.setText("")
