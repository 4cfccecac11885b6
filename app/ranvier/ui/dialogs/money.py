"""What to stake, unstake or send: the forms before a plan. Each gives a ``Wish``; nothing is signed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ranvier.chain.model import Plan
from ranvier.chain.model_stake import Account, Holding
from ranvier.chain.quotes import Pool, Quote, quote_buy, quote_sell
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao, format_alpha, format_rao, format_tao, parse_rao
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.dialogs.watch_only import address_check
from ranvier.ui.models.stake import percent_text, subnet_text
from ranvier.ui.transacting import Wish
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import short_address

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

_SLIPPAGE = "0.5"
_KEEP_FOR_FEES = Tao(10_000_000)
_PPM_PER_PERCENT = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """A hotkey and subnet that can be staked on, and the subnet's pool for an estimate (None: unknown)."""

    netuid: int
    subnet_name: str | None
    hotkey_ss58: str
    own: bool
    pool: Pool | None


class MoneyDialog(Dialog):
    """``wish`` is what was asked for, after it was accepted."""

    def __init__(self, parent: QWidget, title: str, yes: str = "Make a plan") -> None:
        super().__init__(parent, title, yes=yes)
        self.wish: Wish | None = None

    def choose(self, name: str, choices: Sequence[tuple[str, object]]) -> QComboBox:
        """A named list of choices."""
        text = label(name)
        box = QComboBox()
        box.setMinimumHeight(32)
        box.setAccessibleName(name)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        text.setBuddy(box)
        for words, data in choices:
            box.addItem(words, data)
        self.body.addWidget(text)
        self.body.addWidget(box)
        return box

    def slippage_field(self) -> Field:
        """How much worse the price may be than now."""
        hint = "How far the price may still move against you before it is in a block; beyond it nothing happens."
        return Field("Price limit, in percent", _percent_check, hint=hint, text=_SLIPPAGE)


class AddStakeDialog(MoneyDialog):
    """TAO into a subnet's alpha, held on a hotkey."""

    def __init__(self, parent: QWidget, accounts: Sequence[Account], places: Sequence[Place]) -> None:
        super().__init__(parent, "Add stake")
        self._accounts, self._places = tuple(accounts), tuple(places)
        self.coldkey = self.choose("Paid by", [(_account_words(one), one.ss58) for one in accounts])
        self.place = self.choose("On", [(place_words(one), n) for n, one in enumerate(places)])
        self.amount, self.all = _amount_field("Amount in TAO", self._check, self._all)
        self.body.addWidget(self.amount)
        self.estimate = label("", "muted", wrap=True)
        self.body.addWidget(self.estimate)
        self.slippage = self.slippage_field()
        self.body.addWidget(self.slippage)
        for box in (self.coldkey, self.place):
            box.currentIndexChanged.connect(lambda _: self._changed())
        self.amount.changed.connect(self._changed)
        self._changed()
        fit(self, 560)
        self.amount.input.setFocus()

    def account(self) -> Account:
        return self._accounts[max(0, self.coldkey.currentIndex())]

    def chosen(self) -> Place:
        return self._places[max(0, self.place.currentIndex())]

    def choose_place(self, netuid: int, hotkey_ss58: str) -> None:
        """Begin with this one."""
        for number, one in enumerate(self._places):
            if (one.netuid, one.hotkey_ss58) == (netuid, hotkey_ss58):
                self.place.setCurrentIndex(number)

    def choose_coldkey(self, ss58: str) -> None:
        self.coldkey.setCurrentIndex(max(0, self.coldkey.findData(ss58)))

    def _check(self, text: str) -> str | None:
        spendable = Tao(self.account().spendable_rao)
        return amount_problem(text, spendable.rao, f"Only {format_tao(spendable)} can be spent.")

    def _all(self) -> None:
        most = max(0, self.account().spendable_rao - _KEEP_FOR_FEES.rao)
        self.amount.input.setText(plain_rao(most))

    def _changed(self) -> None:
        self.amount.draw_again()
        pool, rao = self.chosen().pool, _rao(self.amount.text())
        quote = quote_buy(pool, rao) if pool is not None and rao else None
        self.estimate.setText(_bought_words(quote) if quote is not None else _no_estimate(rao, pool))

    def submitted(self) -> None:
        if not (self.amount.insist() and self.slippage.insist()):
            return
        place, amount = self.chosen(), Tao(parse_rao(self.amount.text()))
        coldkey, slippage = self.account().ss58, _ppm(self.slippage.text())

        async def plan(connection: Connection) -> Plan:
            from ranvier.chain import plans

            return await plans.plan_add_stake(
                connection, coldkey, place.hotkey_ss58, place.netuid, amount, slippage_ppm=slippage
            )

        self.wish = Wish(coldkey, plan)
        self.accept()


class RemoveStakeDialog(MoneyDialog):
    """A position's alpha into TAO."""

    def __init__(self, parent: QWidget, holding: Holding, subnet_name: str | None, pool: Pool | None) -> None:
        super().__init__(parent, "Remove stake")
        self.holding, self._pool = holding, pool
        where = subnet_text(holding.netuid, subnet_name)
        held = format_alpha(Alpha(holding.alpha_rao, holding.netuid))
        text = f"Subnet {where}, on {short_address(holding.hotkey_ss58)}: {held}"
        if holding.locked_rao:
            text += f", of which {format_alpha(Alpha(holding.locked_rao, holding.netuid))} is locked"
        self.body.addWidget(label(f"{text}.", wrap=True))
        self.amount, self.all = _amount_field("Amount in alpha", self._check, self._all)
        self.body.addWidget(self.amount)
        self.estimate = label("", "muted", wrap=True)
        self.body.addWidget(self.estimate)
        self.slippage = self.slippage_field()
        self.body.addWidget(self.slippage)
        self.amount.changed.connect(self._changed)
        self._changed()
        fit(self, 560)
        self.amount.input.setFocus()

    def _check(self, text: str) -> str | None:
        free = Alpha(self.holding.sellable_rao, self.holding.netuid)
        return amount_problem(text, free.rao, f"Only {format_alpha(free)} can be unstaked.")

    def _all(self) -> None:
        self.amount.input.setText(plain_rao(self.holding.sellable_rao))

    def _changed(self) -> None:
        rao = _rao(self.amount.text())
        quote = quote_sell(self._pool, rao) if self._pool is not None and rao else None
        self.estimate.setText(_sold_words(quote) if quote is not None else _no_estimate(rao, self._pool))

    def submitted(self) -> None:
        if not (self.amount.insist() and self.slippage.insist()):
            return
        holding = self.holding
        amount, slippage = Alpha(parse_rao(self.amount.text()), holding.netuid), _ppm(self.slippage.text())

        async def plan(connection: Connection) -> Plan:
            from ranvier.chain import plans

            return await plans.plan_remove_stake(
                connection, holding.coldkey_ss58, holding.hotkey_ss58, holding.netuid, amount, slippage_ppm=slippage
            )

        self.wish = Wish(holding.coldkey_ss58, plan)
        self.accept()


class TransferDialog(MoneyDialog):
    """TAO to another address."""

    def __init__(self, parent: QWidget, accounts: Sequence[Account]) -> None:
        super().__init__(parent, "Send TAO")
        self._accounts = tuple(accounts)
        self.coldkey = self.choose("From", [(_account_words(one), one.ss58) for one in accounts])
        self.address = Field("To this address", address_check, hint="The ss58 address, beginning with 5.")
        self.body.addWidget(self.address)
        self.amount, self.all = _amount_field("Amount in TAO", self._check, self._all)
        self.body.addWidget(self.amount)
        self.coldkey.currentIndexChanged.connect(lambda _: self.amount.draw_again())
        fit(self, 560)
        self.address.input.setFocus()

    def account(self) -> Account:
        return self._accounts[max(0, self.coldkey.currentIndex())]

    def choose_coldkey(self, ss58: str) -> None:
        self.coldkey.setCurrentIndex(max(0, self.coldkey.findData(ss58)))

    def _check(self, text: str) -> str | None:
        spendable = Tao(self.account().spendable_rao)
        return amount_problem(text, spendable.rao, f"Only {format_tao(spendable)} can be spent.")

    def _all(self) -> None:
        self.amount.input.setText(plain_rao(max(0, self.account().spendable_rao - _KEEP_FOR_FEES.rao)))

    def submitted(self) -> None:
        if not (self.address.insist() and self.amount.insist()):
            return
        source, target = self.account().ss58, "".join(self.address.text().split())
        self.wish = Wish(source, partial(_plan_transfer, source, target, Tao(parse_rao(self.amount.text()))))
        self.accept()


async def _plan_transfer(source: str, target: str, amount: Tao, connection: Connection) -> Plan:
    from ranvier.chain import plans

    return await plans.plan_transfer(connection, source, target, amount)


def self_transfer(coldkey_ss58: str) -> Wish:
    """One rao to oneself: what settling costs and how long it takes."""
    return Wish(coldkey_ss58, partial(_plan_transfer, coldkey_ss58, coldkey_ss58, Tao(1)))


def amount_problem(text: str, most_rao: int, too_much: str) -> str | None:
    """Why this amount cannot be, or None."""
    try:
        rao = parse_rao(text)
    except ValueError:
        return "Write an amount such as 1.5, with at most nine decimals."
    if rao <= 0:
        return "The amount must be more than zero."
    return too_much if rao > most_rao else None


def plain_rao(rao: int) -> str:
    """An amount as one types it: no groups, no zeros at the end."""
    whole, fraction = divmod(rao, RAO_PER_COIN)
    return f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")


def place_words(place: Place) -> str:
    """``1 · practice on 5Grwva…KutQY (own)``."""
    own = "your hotkey" if place.own else "hotkey"
    return f"{subnet_text(place.netuid, place.subnet_name)}, {own} {short_address(place.hotkey_ss58)}"


def _account_words(account: Account) -> str:
    return f"{short_address(account.ss58)}, {format_tao(Tao(account.spendable_rao), 4)} to spend"


def _amount_field(
    name: str, check: Callable[[str], str | None], everything: Callable[[], None]
) -> tuple[Field, QWidget]:
    field = Field(name, check)
    most = button("All", everything, tip="Everything that can be used")
    inner = field.layout()
    assert isinstance(inner, QVBoxLayout)
    inner.removeWidget(field.input)
    beside = QHBoxLayout()
    beside.setSpacing(8)
    beside.addWidget(field.input, 1)
    beside.addWidget(most)
    inner.insertLayout(1, beside)
    return field, most


def _rao(text: str) -> int:
    try:
        return parse_rao(text)
    except ValueError:
        return 0


def _ppm(text: str) -> int:
    return parse_rao(text) * _PPM_PER_PERCENT // RAO_PER_COIN


def _percent_check(text: str) -> str | None:
    try:
        return None if 0 <= parse_rao(text) <= 50 * RAO_PER_COIN else "At most 50 percent."
    except ValueError:
        return "Write a number such as 0.5."


def _no_estimate(rao: int, pool: Pool | None) -> str:
    if not rao:
        return "What it will bring is shown here."
    return "No price is known for this subnet." if pool is None else "The pool cannot swap so much."


def _bought_words(quote: Quote) -> str:
    got = format_alpha(Alpha(quote.gets_rao, quote.netuid), 6)
    return f"About {got}; fee and slippage cost {percent_text(quote.cost_ppm)}, {_moves(quote)}."


def _sold_words(quote: Quote) -> str:
    price = format_rao(quote.gets_rao * RAO_PER_COIN // quote.gives_rao, 6)
    got = format_tao(Tao(quote.gets_rao), 6)
    cost = percent_text(quote.cost_ppm)
    return f"About {got} ({price} TAO for each alpha); fee and slippage cost {cost}, {_moves(quote)}."


def _moves(quote: Quote) -> str:
    return f"and the price moves {percent_text(quote.price_move_ppm)}"
