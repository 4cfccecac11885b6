"""Add a miner: what runs (a recipe), who it is (a hotkey of a wallet), where (a subnet)."""

from __future__ import annotations

import asyncio
import importlib
import re
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from ranvier.agent.messages import AddMiner, InstallMiner
from ranvier.core.settings import WALLET_FOLDER
from ranvier.keys.listing import Wallet, list_wallets
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog, show, tell
from ranvier.ui.widgets.text import label
from ranvier.ui.words import short_address

_HIGHEST_NETUID = 65535


def miner_id(name: str) -> str:
    """A folder-safe id: ``My miner!`` becomes ``my-miner``; empty when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]


class AddMinerDialog(Dialog):
    """``command`` is what was chosen; ``taken`` are the ids that exist already."""

    def __init__(
        self,
        parent: QWidget,
        recipes: dict[str, Path],
        wallets: tuple[Wallet, ...],
        taken: frozenset[str],
        sandbox: bool,
    ) -> None:
        super().__init__(parent, "Add a miner", yes="Add and install")
        self.setMinimumWidth(520)
        self._taken = taken
        self.body.addWidget(
            label(
                "The miner gets a copy of the hotkey and the public half of the coldkey. "
                "The coldkey itself is never given to it.",
                "muted",
                wrap=True,
            )
        )
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.name = QLineEdit("My miner")
        self.recipe, self.wallet, self.hotkey = QComboBox(), QComboBox(), QComboBox()
        self.netuid = QSpinBox()
        self.netuid.setRange(1, _HIGHEST_NETUID)
        self.netuid.setEnabled(not sandbox)
        if sandbox:
            self.netuid.setToolTip("The sandbox has one practice subnet.")
        for recipe in sorted(recipes):
            self.recipe.addItem(recipe, recipe)
        for wallet in wallets:
            if wallet.hotkeys:
                self.wallet.addItem(f"{wallet.name}  {short_address(wallet.coldkey_ss58 or '')}", wallet)
        self.wallet.currentIndexChanged.connect(self._fill_hotkeys)
        rows = (
            ("Name", self.name),
            ("Recipe", self.recipe),
            ("Wallet", self.wallet),
            ("Hotkey", self.hotkey),
            ("Subnet", self.netuid),
        )
        for title, field in rows:
            field.setAccessibleName(title)
            form.addRow(title, field)
        self.body.addLayout(form)
        self._fill_hotkeys()

    def _fill_hotkeys(self) -> None:
        self.hotkey.clear()
        wallet: Wallet | None = self.wallet.currentData()
        for hotkey in wallet.hotkeys if wallet is not None else ():
            self.hotkey.addItem(f"{hotkey.name}  {short_address(hotkey.ss58 or '')}", hotkey.name)

    def submitted(self) -> None:
        name = miner_id(self.name.text())
        if not name:
            self.problem("Give it a name with at least one letter or digit.")
        elif name in self._taken:
            self.problem(f"There is a miner {name} already; choose another name.")
        else:
            self.accept()

    def command(self) -> AddMiner:
        wallet: Wallet = self.wallet.currentData()
        return AddMiner(
            id=miner_id(self.name.text()),
            name=self.name.text().strip(),
            recipe=self.recipe.currentData(),
            netuid=self.netuid.value(),
            wallet_path=str(wallet.path.parent),
            wallet_name=wallet.name,
            hotkey_name=self.hotkey.currentData(),
        )


async def add_miner(parent: QWidget, context: Context) -> None:
    """Ask, add, install. Without a hotkey or a recipe it says what is missing instead."""
    loop = asyncio.get_running_loop()
    module = await loop.run_in_executor(None, importlib.import_module, "ranvier.miners.recipe")
    recipes: dict[str, Path] = await loop.run_in_executor(None, module.bundled_recipes)
    folder = Path(context.settings.get(WALLET_FOLDER) or context.paths.wallets)
    wallets = await loop.run_in_executor(None, list_wallets, folder)
    if not any(wallet.hotkeys for wallet in wallets):
        text = f"A miner needs a hotkey, and no wallet in {folder} has one. Create or import one on the Wallets page."
        await tell(parent, "No hotkey found", text)
        return
    status = context.bridge.latest
    taken = frozenset(miner.id for miner in status.miners) if status is not None else frozenset()
    sandbox = status is not None and status.chain.network == "sandbox"
    dialog = AddMinerDialog(parent, recipes, wallets, taken, sandbox)
    if not await show(dialog):
        return
    command = dialog.command()
    await context.client.call(command)
    context.say(f"{command.name} was added; its environment is being made.")
    await context.client.call(InstallMiner(command.id))
    context.say(f"{command.name} is installed and can be started.")
