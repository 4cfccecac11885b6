"""The first start: which network. Nothing is signed or sent anywhere before the choice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from ranvier.agent.api.messages import UseNetwork, WatchColdkeys
from ranvier.core.evidence import Level
from ranvier.core.outside import at_home
from ranvier.core.settings import NETWORK, WALLET_FOLDER, WATCHED_COLDKEY
from ranvier.keys.addresses import is_ss58
from ranvier.keys.listing import list_wallets
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import show
from ranvier.ui.header import NetworkChip
from ranvier.ui.waiting import agent_known
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.text import button, label, restyle

CHOICES = (
    (
        "sandbox",
        "Practise on this machine",
        "A whole small network runs inside Ranvier, and its money is play money. "
        "The rehearsal takes a miner from nothing to its first earnings in a few minutes.",
        (
            "No account, no cost; offline once the miner is installed",
            "Real signatures, a real miner, a real model",
            "Nothing of it can cost you TAO",
        ),
        "Start with the sandbox",
    ),
    (
        "test",
        "Look at the test network",
        "Bittensor's public test network. Its TAO has no value. "
        "Begin by watching: an address is enough, no key is needed.",
        ("Public nodes, no account", "Balance, stake and earnings of a coldkey", "Wallets that sign can come later"),
        "Watch on testnet",
    ),
    (
        "finney",
        "Look at the main network",
        "The real network with real money. Begin by watching a coldkey's stake and earnings; "
        "no password or phrase is asked for.",
        (
            "Public nodes, no account",
            "Watching cannot spend anything",
            "Every transaction is shown before it is signed",
        ),
        "Watch on mainnet",
    ),
)


class ChoiceCard(Card):
    """One network: its colour, what it is, and the button that chooses it."""

    def __init__(
        self, network: str, title: str, text: str, points: Sequence[str], action: str, choose: Callable[[str], None]
    ) -> None:
        super().__init__(spacing=12)
        self.network = network
        self.add(NetworkChip(network))
        self.add(label(title, "heading", wrap=True))
        self.add(label(text, wrap=True))
        for point in points:
            row = QHBoxLayout()
            row.setSpacing(8)
            row.addWidget(Mark(Level.GOOD, 13), 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(label(point, wrap=True), 1)
            self.body.addLayout(row)
        self.body.addStretch(1)
        kind = "primary" if network == "sandbox" else ""
        self.choose = button(action, lambda: choose(network), kind=kind)
        self.add(self.choose)
        self.setMinimumHeight(310)


class WatchCard(Card):
    """What to watch on a real network: one coldkey address, or every wallet of a folder."""

    def __init__(self, page: WelcomePage, wallets: Path) -> None:
        super().__init__()
        self._page = page
        self.network = ""
        self.add(
            label("Watching reads the chain and nothing else. You can add wallets that sign later.", "muted", wrap=True)
        )
        self.add(label("Coldkey address"))
        self.address = QLineEdit()
        self.address.setPlaceholderText("5…")
        self.address.setAccessibleName("Coldkey address")
        self.address.returnPressed.connect(self._watch_address)
        self.watch_address = button("Watch this address", self._watch_address, kind="primary")
        self.body.addLayout(_row(self.address, self.watch_address))
        self.add(label("Or the wallets of a folder (only their public parts are read)"))
        self.folder = QLineEdit(str(wallets))
        self.folder.setAccessibleName("Wallet folder")
        browse = button("Browse…", lambda: page.context.run(self._browse(), "choose folder"))
        self.watch_folder = button("Watch these wallets", self._watch_folder)
        self.body.addLayout(_row(self.folder, browse, self.watch_folder))
        self.problem = label("", "problem", wrap=True)
        self.problem.hide()
        self.add(self.problem)
        self.later = button(
            "Nothing yet, only open the network", lambda: self._page.use(self.network, ()), kind="quiet"
        )
        self.body.addWidget(self.later, 0, Qt.AlignmentFlag.AlignLeft)

    def open_for(self, network: str, title: str) -> None:
        self.network = network
        self.set_title(title)
        self._say("")
        self.show()
        self.address.setFocus()

    def _watch_address(self) -> None:
        address = self.address.text().strip()
        if is_ss58(address):
            self._page.use(self.network, (address,))
        else:
            self._say(
                "That is not a coldkey address: it begins with 5 and has 48 characters. Check for a typing error."
            )

    def _watch_folder(self) -> None:
        self._say("")
        self._page.context.run(self._read_folder(), "read wallets")

    async def _read_folder(self) -> None:
        folder = at_home(self.folder.text().strip())
        found = await asyncio.get_running_loop().run_in_executor(None, list_wallets, folder)
        addresses = tuple(dict.fromkeys(w.coldkey_ss58 for w in found if w.coldkey_ss58 is not None))
        if addresses:
            self._page.use(self.network, addresses, folder)
        else:
            self._say(f"No wallet with a readable coldkey address was found in {folder}.")

    async def _browse(self) -> None:
        dialog = QFileDialog(self, "Wallet folder", self.folder.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        if await show(dialog):
            self.folder.setText(dialog.selectedFiles()[0])

    def _say(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))


class WelcomePage(Page):
    """Three choices; the sandbox leads on to the rehearsal, the others to what is to be watched."""

    key = "welcome"
    title = "Welcome to Ranvier"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.set_subtitle(
            "Where do you want to work? Nothing is signed or sent anywhere until you choose; you can change it later."
        )
        row = QHBoxLayout()
        row.setSpacing(14)
        self.choices = {
            network: ChoiceCard(network, title, text, points, action, self._chosen)
            for network, title, text, points, action in CHOICES
        }
        for card in self.choices.values():
            row.addWidget(card, 1)
        self.content.addLayout(row)
        self.watch = WatchCard(self, Path(context.settings.get(WALLET_FOLDER) or context.paths.wallets))
        self.watch.hide()
        self.add(self.watch)
        self.working = label("", "muted", wrap=True)
        self.add(self.working)
        self.content.addStretch(1)

    def shown(self) -> None:
        self.choices["sandbox"].choose.setFocus()

    def _chosen(self, network: str) -> None:
        for card in self.choices.values():
            restyle(card.choose, "kind", "primary" if card.network == network else "")
        if network == "sandbox":
            self.watch.hide()
            self.use(network, ())
        else:
            title = (
                "What do you want to watch on the test network?" if network == "test" else "What do you want to watch?"
            )
            self.watch.open_for(network, title)

    def use(self, network: str, coldkeys_ss58: tuple[str, ...], folder: Path | None = None) -> None:
        """Choose ``network``, and watch these coldkeys there."""
        self.context.run(self._use(network, coldkeys_ss58, folder), "use network")

    async def _use(self, network: str, coldkeys_ss58: tuple[str, ...], folder: Path | None) -> None:
        client, settings = self.context.client, self.context.settings
        self._busy("Starting the sandbox network…" if network == "sandbox" else "Opening the network…")
        try:
            await agent_known(self.context.bridge)
            await client.call(UseNetwork(network))
            if coldkeys_ss58:
                await client.call(WatchColdkeys(coldkeys_ss58))
                settings.set(WATCHED_COLDKEY, coldkeys_ss58[0])
            if folder is not None:
                settings.set(WALLET_FOLDER, "" if folder == self.context.paths.wallets else str(folder))
            settings.set(NETWORK, network)
        finally:
            self._busy("")
        self.context.go("rehearsal" if network == "sandbox" else "overview")

    def _busy(self, text: str) -> None:
        self.working.setText(text)
        for card in self.choices.values():
            card.choose.setEnabled(not text)
        self.watch.setEnabled(not text)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, QLineEdit) else 0)
    return row
