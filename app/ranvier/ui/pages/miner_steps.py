"""The safe next step of a diagnosis, and the same things from a miner's menu. Each one does what its button says."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from ranvier.agent.messages import ChangeMiner, MinerView, StartMiner, StartSandbox, UpdateMiner
from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.core.errors import MinerError
from ranvier.ui.context import Context

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection
    from ranvier.ui.transacting import Transacting

Step = StartMiner | StartSandbox | ChangeMiner | UpdateMiner


class MinerSteps:
    """``carry_out`` sends commands to the agent, ``set_secret`` and ``show_log`` show parts of the page."""

    def __init__(
        self,
        context: Context,
        widget: QWidget,
        carry_out: Callable[..., Coroutine[Any, Any, None]],
        set_secret: Callable[[str], None],
        show_log: Callable[[], None],
    ) -> None:
        self._context, self._widget = context, widget
        self._carry_out, self._set_secret, self._show_log = carry_out, set_secret, show_log
        self._registering = ""
        self.transacting: Transacting | None = None

    def act(self, miner: MinerView, action: str, subject: str = "") -> None:
        """Do one of ``miners.diagnosis.ACTIONS`` for ``miner``."""
        run = self._context.run
        commands: dict[str, tuple[Step, ...]] = {
            "retry": (StartMiner(miner.id),),
            "change_port": (ChangeMiner(miner.id, axon_port=0), StartMiner(miner.id)),
            "start_sandbox": (StartSandbox(), StartMiner(miner.id)),
            "reinstall": (UpdateMiner(miner.id, fresh=True),),
        }
        dialogs = {"edit_miner": "change_miner", "edit_recipe": "edit_recipe"}
        if action in commands:
            run(self._carry_out(*commands[action]), action)
        elif action in dialogs:
            run(self._open(dialogs[action], miner), action)
        elif action == "set_secret":
            self._set_secret(subject)
        elif action == "register":
            run(self._register(miner), action)
        elif action == "free_disk":
            run(self._disk(), action)
        elif action == "change_endpoint":
            self._context.go("settings")
        else:
            self._show_log()

    async def _open(self, name: str, miner: MinerView) -> None:
        module = importlib.import_module(f"ranvier.ui.dialogs.{name}")
        await getattr(module, name)(self._widget.window(), self._context, miner)

    async def _disk(self) -> None:
        module = importlib.import_module("ranvier.ui.dialogs.disk_use")
        await module.disk_use(self._widget.window(), self._context)

    async def _register(self, miner: MinerView) -> None:
        """A plan for its hotkey on its subnet, signed by its coldkey; a miner that should run is started after it."""
        latest = self._context.bridge.latest
        network = "" if latest is None else latest.chain.network
        if network != miner.network:
            raise MinerError(
                "Other network",
                f"{miner.name} is on {miner.network}, and Ranvier works on {network or 'no network'} now.",
                f"Choose {miner.network} in the settings first.",
            )
        # It brings the crypto library: imported by a worker, not in this handler.
        loop = asyncio.get_running_loop()
        module = await loop.run_in_executor(None, importlib.import_module, "ranvier.ui.transacting")
        if self.transacting is None:
            self.transacting = module.Transacting(self._context, self._widget, self._registered)
        if self.transacting.busy:
            self._context.say("A transaction is under way. Wait for its receipt, so that none is sent by mistake.")
            return
        self._registering = miner.id if miner.wanted else ""
        plan = partial(_plan, miner.coldkey_ss58, miner.hotkey_ss58, miner.netuid)
        self.transacting.begin(module.Wish(miner.coldkey_ss58, plan))

    def _registered(self, receipt: Receipt) -> None:
        miner_id, self._registering = self._registering, ""
        if miner_id and receipt.error is None and receipt.stage in (TxStage.IN_BLOCK, TxStage.FINAL):
            self._context.run(self._carry_out(StartMiner(miner_id)), "start after registering")


async def _plan(coldkey_ss58: str, hotkey_ss58: str, netuid: int, connection: Connection) -> Plan:
    from ranvier.chain import plans

    return await plans.plan_register(connection, coldkey_ss58, hotkey_ss58, netuid)
