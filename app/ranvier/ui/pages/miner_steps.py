"""The safe next step of a diagnosis, and the same things from a miner's menu. Each one does what its button says."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from ranvier.agent.api.messages import ChangeMiner, MinerView, StartMiner, StartSandbox, UpdateMiner
from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.core.errors import MinerError
from ranvier.hardware.addresses import public_addresses
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
        elif action == "publish_axon":
            run(self._publish(miner), action)
        elif action == "free_disk":
            run(self._disk(), action)
        elif action == "change_endpoint":
            self._context.go("settings")
        else:
            self._show_log()

    async def _open(self, name: str, miner: MinerView) -> None:
        module = importlib.import_module(f"ranvier.ui.dialogs.miners.{name}")
        await getattr(module, name)(self._widget.window(), self._context, miner)

    async def _disk(self) -> None:
        module = importlib.import_module("ranvier.ui.dialogs.miners.disk_use")
        await module.disk_use(self._widget.window(), self._context)

    async def _publish(self, miner: MinerView) -> None:
        """The form that tells the chain where it serves, with what is known of that filled in."""
        self._same_network(miner)
        module = await _late("ranvier.ui.money_desk")
        forms = await _late("ranvier.ui.dialogs.money.money_forms_miner")
        desk = module.MoneyDesk(self._context, self._widget, lambda receipt: None)
        told = None if miner.neuron is None else miner.neuron.axon
        ip = miner.external_ip or ("" if told is None else told.ip)
        if not ip:
            ip = next(iter(await asyncio.to_thread(public_addresses)), "")
        await desk.open(
            forms.SERVE_AXON,
            {"hotkey": miner.hotkey_ss58, "netuid": miner.netuid, "ip": ip}
            | {"port": miner.external_port or miner.axon_port or ""},
        )

    async def _register(self, miner: MinerView) -> None:
        """A plan for its hotkey on its subnet, signed by its coldkey; a miner that should run is started after it."""
        self._same_network(miner)
        module = await _late("ranvier.ui.transacting")
        if self.transacting is None:
            self.transacting = module.Transacting(self._context, self._widget, self._registered)
        if self.transacting.busy:
            self._context.say("A transaction is under way. Wait for its receipt, so that none is sent by mistake.")
            return
        self._registering = miner.id if miner.wanted else ""
        plan = partial(_plan, miner.coldkey_ss58, miner.hotkey_ss58, miner.netuid)
        self.transacting.begin(module.Wish(miner.coldkey_ss58, plan))

    def _same_network(self, miner: MinerView) -> None:
        """Raise MinerError when plans would be made on another network than the miner's."""
        latest = self._context.bridge.latest
        network = "" if latest is None else latest.chain.network
        if network != miner.network:
            raise MinerError(
                "Other network",
                f"{miner.name} is on {miner.network}, and Ranvier works on {network or 'no network'} now.",
                f"Choose {miner.network} in the settings first.",
            )

    def _registered(self, receipt: Receipt) -> None:
        miner_id, self._registering = self._registering, ""
        if miner_id and receipt.error is None and receipt.stage in (TxStage.IN_BLOCK, TxStage.FINAL):
            self._context.run(self._carry_out(StartMiner(miner_id)), "start after registering")


async def _late(module: str) -> Any:
    """It brings the crypto library: imported by a worker, not in a handler."""
    return await asyncio.get_running_loop().run_in_executor(None, importlib.import_module, module)


async def _plan(coldkey_ss58: str, hotkey_ss58: str, netuid: int, connection: Connection) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_register(connection, coldkey_ss58, hotkey_ss58, netuid)
