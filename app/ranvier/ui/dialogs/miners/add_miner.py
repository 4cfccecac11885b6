"""Add a miner: what runs (a recipe), who it is (a hotkey of a wallet), where (a subnet)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QSpinBox, QWidget

from ranvier.agent.api.messages import AddMiner, AgentStatus, GetSecrets, InstallMiner, MinerSecrets
from ranvier.core.errors import RanvierError
from ranvier.keys.listing import Wallet
from ranvier.miners.recipe.recipe import Recipe, bundled_recipes, load_recipe
from ranvier.ui.context import Context, Run
from ranvier.ui.dialogs.ask import Dialog, show, tell
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.dialogs.miners.miner_secrets import SecretsDialog
from ranvier.ui.dialogs.miners.miner_source import LABEL_WIDTH, MinerSource
from ranvier.ui.own_keys import wallets_here
from ranvier.ui.widgets.text import label
from ranvier.ui.words import short_address

_HIGHEST_NETUID = 65535
_WIDTH = 620


def miner_id(name: str) -> str:
    """A folder-safe id: ``My miner!`` becomes ``my-miner``; empty when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]


class AddMinerDialog(Dialog):
    """``command`` is what was chosen. ``add`` carries it out; what it refuses is said here, and nothing that was typed
    is lost. ``status`` tells the miners that are there: their names are taken, and their hotkeys are in use."""

    def __init__(
        self,
        parent: QWidget,
        recipes: Sequence[Recipe],
        wallets: tuple[Wallet, ...],
        status: AgentStatus | None,
        run: Run,
        add: Callable[[AddMiner], Awaitable[Any]],
    ) -> None:
        super().__init__(parent, "Add a miner", yes="Add and install")
        self.setMinimumWidth(_WIDTH)
        self._run, self._add = run, add
        miners = () if status is None else status.miners
        network = "" if status is None else status.chain.network
        sandbox = network == "sandbox"
        self._taken = frozenset(miner.id for miner in miners)
        self._users = {miner.hotkey_ss58: miner.name for miner in miners if miner.network == network}
        self.body.addWidget(
            label(
                "The miner gets a copy of the hotkey and the public half of the coldkey. "
                "The coldkey itself is never given to it.",
                "muted",
                wrap=True,
            )
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        self.name = QLineEdit("My miner")
        self.source = MinerSource(recipes, self.name.text)
        self.recipe = self.source.recipe
        self.wallet, self.hotkey = QComboBox(), QComboBox()
        self.netuid = QSpinBox()
        self.netuid.setRange(1, _HIGHEST_NETUID)
        self.netuid.lineEdit().setTextMargins(7, 0, 0, 0)  # the stylesheet's padding does not reach it
        self.netuid.setEnabled(not sandbox)
        if sandbox:
            self.netuid.setToolTip("The sandbox has one practice subnet.")
        for wallet in wallets:
            if wallet.hotkeys:
                self.wallet.addItem(f"{wallet.name}  {short_address(wallet.coldkey_ss58 or '')}", wallet)
        self.wallet.currentIndexChanged.connect(self._fill_hotkeys)
        self.source.changed.connect(self._recipe_chosen)
        rows = (
            ("Name", self.name),
            ("Wallet", self.wallet),
            ("Hotkey", self.hotkey),
            ("Subnet", self.netuid),
        )
        for row, (title, field) in enumerate(rows):
            field.setAccessibleName(title)
            name = label(title)
            name.setMinimumWidth(LABEL_WIDTH)
            grid.addWidget(name, row, 0)
            grid.addWidget(field, row, 1)
        self.body.addWidget(self.source)
        self.body.addLayout(grid)
        self._fill_hotkeys()
        self._choose_free()
        self._recipe_chosen()

    def _choose_free(self) -> None:
        """Begin with the first hotkey that no miner uses, if there is one."""
        for place in range(self.wallet.count()):
            for number, hotkey in enumerate(self.wallet.itemData(place).hotkeys):
                if hotkey.ss58 not in self._users:
                    self.wallet.setCurrentIndex(place)
                    self.hotkey.setCurrentIndex(number)
                    return

    def _recipe_chosen(self) -> None:
        self.problem("")
        recipe = self.source.chosen_recipe
        proposal = self.source.proposal
        found = (proposal.found if proposal is not None else {}).get("netuid", "")
        if recipe is not None:
            self.netuid.setValue(recipe.netuid or 1)
        elif found.isdigit():
            self.netuid.setValue(int(found))
        fit(self, _WIDTH)

    def _fill_hotkeys(self) -> None:
        self.hotkey.clear()
        wallet: Wallet | None = self.wallet.currentData()
        for hotkey in wallet.hotkeys if wallet is not None else ():
            user = self._users.get(hotkey.ss58 or "")
            used = f", used by {user}" if user is not None else ""
            self.hotkey.addItem(f"{hotkey.name}  {short_address(hotkey.ss58 or '')}{used}", hotkey.name)

    def submitted(self) -> None:
        name = miner_id(self.name.text())
        self.problem("")
        if self.source.unread:
            self.source.make()  # nothing is run or stored; Enter comes here too
            return
        missing = self.source.ready()
        if missing is not None:
            self.problem(missing)
        elif not name:
            self.problem("Give it a name with at least one letter or digit.")
        elif name in self._taken:
            self.problem(f"There is a miner {name} already; choose another name.")
        else:
            self.busy(True)
            self._run(self._carry_out(), "add miner")

    async def _carry_out(self) -> None:
        try:
            await self._add(self.command())
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
        else:
            self.accept()
        finally:
            self.busy(False)

    def command(self) -> AddMiner:
        wallet: Wallet = self.wallet.currentData()
        return AddMiner(
            id=miner_id(self.name.text()),
            name=self.name.text().strip(),
            recipe=self.source.recipe_name,
            netuid=self.netuid.value(),
            wallet_path=str(wallet.path.parent),
            wallet_name=wallet.name,
            hotkey_name=self.hotkey.currentData(),
            recipe_text=self.source.text,
        )


async def add_miner(parent: QWidget, context: Context) -> None:
    """Ask, add, install. Without a hotkey or a recipe it says what is missing instead."""
    loop = asyncio.get_running_loop()
    recipes = await loop.run_in_executor(None, _recipes)
    wallets = tuple(await loop.run_in_executor(None, wallets_here, context))
    if not any(wallet.hotkeys for wallet in wallets):
        text = "A miner needs a hotkey, and none of your wallets has one. Create or import one on the Wallets page."
        await tell(parent, "No hotkey found", text)
        return
    dialog = AddMinerDialog(parent, recipes, wallets, context.bridge.latest, context.run, context.client.call)
    if not await show(dialog):
        return
    command = dialog.command()
    context.go(f"miners/{command.id}")
    context.say(f"{command.name} was added; its environment is being made.")
    needs: MinerSecrets = await context.client.call(GetSecrets(command.id))
    if needs.missing:
        await show(SecretsDialog(parent, context, command.id, command.name, needs))
    await context.client.call(InstallMiner(command.id))
    context.say(f"{command.name} is installed and can be started.")


def _recipes() -> list[Recipe]:
    return [load_recipe(folder) for folder in bundled_recipes().values()]
