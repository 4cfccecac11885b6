"""One wallet in full: addresses to compare and copy, how each key is kept, and what it holds."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.chain.model import Balance
from ranvier.core.evidence import Level
from ranvier.core.units import Tao, format_tao
from ranvier.keys.listing import Hotkey, KeyForm, Wallet
from ranvier.ui.models.wallets import (
    Listed,
    backup_level,
    backup_sentence,
    form_sentence,
    form_text,
    hotkey_text,
    wallet_level,
)
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.figures import Figure
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.text import allow, button, label, restyle
from ranvier.ui.words import block_text, count_text, grouped_address, short_address

_PRACTICE = (
    "The coldkey is here, encrypted with the rehearsal's password: the Rehearsal page shows it until the window that "
    "made it ends. After that nobody knows it, and the same page makes a new practice wallet."
)


class Address(QWidget):
    """A whole address in groups of six, with a button that copies it."""

    def __init__(self, ss58: str) -> None:
        super().__init__()
        self.ss58 = ss58
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(label(grouped_address(ss58), "mono", wrap=True), 1)
        self.copy = button("Copy", self._copy, kind="quiet", tip="Copy the address without the blanks")
        self.copy.setAccessibleName(f"Copy {short_address(ss58)}")
        row.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignTop)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.ss58)
        self.copy.setText("Copied")


class WalletDetail(QWidget):
    """Drawn again only when the wallet changed, so that a selection or a pressed button is not lost."""

    add_hotkey_wanted = Signal()
    watch_wanted = Signal()
    drill_wanted = Signal()
    export_wanted = Signal()
    sign_wanted = Signal()
    fund_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.listed: Listed | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        self.cold = Card()
        self.badge = Badge()
        self.cold.add_to_header(self.badge)
        self._cold_body = QVBoxLayout()
        self._cold_body.setSpacing(8)
        self.cold.body.addLayout(self._cold_body)
        self.backup_mark = Mark(Level.WARN)
        self.backup_words = label("", wrap=True)
        self.drill_button = button("Restore drill…", self.drill_wanted.emit, tip="Show that your backup opens it")
        self.export_button = button("Export for a miner…", self.export_wanted.emit)
        self.sign_button = button("Sign or check…", self.sign_wanted.emit)
        self.cold.body.addLayout(self._actions())
        self.money = Card("Balance")
        self.balance = Figure("Free")
        self.spendable = Figure("Spendable")
        # One below the other: two amounts of nine decimals do not fit beside each other.
        self.money.add(self.balance)
        self.money.add(self.spendable)
        self.money_note = label("", "small", wrap=True)
        self.money.add(self.money_note)
        self.watch_button = button("Watch its balance", self.watch_wanted.emit)
        self.money.add_to_header(self.watch_button)
        tip = "The sandbox's faucet gives it; it is worth nothing and buys nothing outside this machine"
        self.fund_button = button("Get play money", self.fund_wanted.emit, kind="play", tip=tip)
        self.fund_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # while it waits, a click's focus would go elsewhere
        self.fund_button.hide()
        self.money.add_to_header(self.fund_button)
        self.hot = Card("Hotkeys")
        self.add_button = button("Add a hotkey…", self.add_hotkey_wanted.emit)
        self.hot.add_to_header(self.add_button)
        self._hot_body = QVBoxLayout()
        self._hot_body.setSpacing(12)
        self.hot.body.addLayout(self._hot_body)
        for card in (self.cold, self.money, self.hot):
            column.addWidget(card)

    @property
    def wallet(self) -> Wallet | None:
        """The shown wallet."""
        return self.listed.wallet if self.listed is not None else None

    def _actions(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(12)
        backup = QHBoxLayout()
        backup.setSpacing(8)
        backup.addWidget(self.backup_mark, 0, Qt.AlignmentFlag.AlignTop)
        backup.addWidget(self.backup_words, 1)
        column.addLayout(backup)
        row = QHBoxLayout()
        row.setSpacing(8)
        for action in (self.drill_button, self.export_button, self.sign_button):
            row.addWidget(action)
        row.addStretch(1)
        column.addLayout(row)
        return column

    def show_wallet(self, listed: Listed) -> None:
        """Show this wallet."""
        if listed == self.listed:
            return
        self.listed = listed
        wallet = listed.wallet
        self.cold.set_title(wallet.name)
        self.badge.show_level(wallet_level(wallet), form_text(wallet), detail=form_sentence(wallet))
        clear(self._cold_body)
        for problem in wallet.problems or ((wallet.problem,) if wallet.problem else ()):
            self._cold_body.addWidget(label(problem, "problem", wrap=True))
        rehearsals = listed.practice and wallet.coldkey is KeyForm.ENCRYPTED
        self._cold_body.addWidget(label(_PRACTICE if rehearsals else form_sentence(wallet), wrap=True))
        self._cold_body.addWidget(label("Coldkey address", "small"))
        if wallet.coldkey_ss58 is None:
            self._cold_body.addWidget(label("unknown: no file here says it", "muted", wrap=True))
        else:
            self._cold_body.addWidget(Address(wallet.coldkey_ss58))
        self._cold_body.addWidget(label("Folder", "small"))
        self._cold_body.addWidget(label(str(wallet.path), wrap=True, copyable=True))
        self._show_backup(listed)
        self.money.setVisible(wallet.coldkey_ss58 is not None)
        self._show_hotkeys(wallet)

    def _show_backup(self, listed: Listed) -> None:
        self.backup_words.setText(backup_sentence(listed))
        self.backup_mark.set_level(backup_level(listed))
        kind = "primary" if listed.never_verified else ""
        restyle(self.drill_button, "kind", kind)
        self.drill_button.setVisible(not listed.practice and listed.wallet.coldkey_ss58 is not None)
        ready = any(hotkey.form is KeyForm.PLAIN for hotkey in listed.wallet.hotkeys)
        allow(self.export_button, None if ready else "Add a hotkey first: that is what a miner needs.")

    def _show_hotkeys(self, wallet: Wallet) -> None:
        clear(self._hot_body)
        self.hot.set_title(count_text(len(wallet.hotkeys), "hotkey") if wallet.hotkeys else "Hotkeys")
        if not wallet.hotkeys:
            self._hot_body.addWidget(label("A miner needs one; it is made in a moment.", "muted", wrap=True))
        for hotkey in wallet.hotkeys:
            self._hot_body.addWidget(_hotkey_row(hotkey))
        unusable = wallet.coldkey is KeyForm.UNREADABLE and wallet.coldkey_ss58 is None
        allow(self.add_button, "Repair this wallet first." if unusable else None)

    def show_network(self, network: str) -> None:
        """On the sandbox a balance is play money, and there is more where that came from."""
        play = network == "sandbox"
        self.fund_button.setVisible(play)
        self.money.set_title("Play money" if play else "Balance")

    def show_balance(self, balance: Balance | None, block: int | None, trouble: str, *, asked: bool) -> None:
        """``asked`` says that the agent answered; without ``balance`` it then does not watch this coldkey."""
        self.balance.show_value(format_tao(Tao(balance.free_rao)) if balance is not None else None)
        self.spendable.show_value(format_tao(Tao(balance.spendable_rao)) if balance is not None else None)
        self.watch_button.setVisible(asked and balance is None)
        if balance is not None:
            note = f"At block {block_text(block)} of the network shown above; the rest of Free keeps the account alive."
            if balance.reserved_rao:
                reserved = format_tao(Tao(balance.reserved_rao))
                note += (
                    f" {reserved} more is reserved: deposits of proxies or shared accounts, given back when those end."
                )
        elif asked:
            note = "The agent does not watch this coldkey yet."
        else:
            note = trouble or "Asking the agent."
        self.money_note.setText(note)


def _hotkey_row(hotkey: Hotkey) -> QWidget:
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    head = QHBoxLayout()
    head.setSpacing(10)
    name = label(hotkey.name)
    font = name.font()
    font.setBold(True)
    name.setFont(font)
    head.addWidget(name)
    head.addWidget(label(hotkey_text(hotkey), "muted"))
    head.addStretch(1)
    column.addLayout(head)
    if hotkey.ss58 is None:
        column.addWidget(label("address unknown", "muted"))
    else:
        column.addWidget(Address(hotkey.ss58))
    if hotkey.problem is not None:
        column.addWidget(label(hotkey.problem, "problem", wrap=True))
    return widget
