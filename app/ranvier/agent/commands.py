"""What each command does: one short method, which calls one part of the agent and answers what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ranvier.agent import market
from ranvier.agent import messages as m
from ranvier.agent.money_commands import MoneyCommands
from ranvier.agent.portfolio import require_network
from ranvier.agent.server import Handler
from ranvier.chain.model import TxStage
from ranvier.core.errors import ChainError, MinerError
from ranvier.hardware.snapshot import Hardware

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent

_ANSWER_FIRST_S = 0.2
# The chain refuses loopback addresses. This one is kept for documentation; practice validators dial 127.0.0.1 anyway.
_PRACTICE_IP = "192.0.2.1"


class Commands:
    """Every method raises RanvierErrors only."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def handlers(self) -> Mapping[type[m.Command[Any]], Handler]:
        """The method for each command of ``messages.COMMANDS``."""
        return {
            m.GetStatus: self.get_status,
            m.UseNetwork: self.use_network,
            m.StartSandbox: self.start_sandbox,
            m.StopSandbox: self.stop_sandbox,
            m.WatchColdkeys: self.watch_coldkeys,
            m.AddMiner: self.add_miner,
            m.InstallMiner: self.install_miner,
            m.StartMiner: self.start_miner,
            m.StopMiner: self.stop_miner,
            m.RestartMiner: self.restart_miner,
            m.RemoveMiner: self.remove_miner,
            m.PublishAxon: self.publish_axon,
            m.GetLog: self.get_log,
            m.GetHardware: self.get_hardware,
            m.GetHardwareHistory: self.get_hardware_history,
            m.GetPortfolio: self.get_portfolio,
            m.StopAgent: self.stop_agent,
            **MoneyCommands(self._agent).handlers(),
            **market.handlers(self._agent.market),
        }

    # --- network --------------------------------------------------------------------------------------------

    async def get_status(self, _: m.GetStatus) -> m.AgentStatus:
        return self._agent.status()

    async def use_network(self, command: m.UseNetwork) -> m.Done:
        await self._agent.network.use(command.network)
        return m.Done(f"Working on {command.network}.")

    async def start_sandbox(self, _: m.StartSandbox) -> m.Done:
        return m.Done(await self._agent.network.start_sandbox())

    async def stop_sandbox(self, _: m.StopSandbox) -> m.Done:
        await self._agent.network.stop_sandbox()
        return m.Done("The sandbox is stopped.")

    async def watch_coldkeys(self, command: m.WatchColdkeys) -> m.Done:
        await self._agent.portfolio.watch(self._network(), command.coldkeys_ss58)
        return m.Done(f"{len(command.coldkeys_ss58)} watched.")

    async def get_portfolio(self, _: m.GetPortfolio) -> m.Portfolio:
        return await self._agent.portfolio.read()

    # --- miners ---------------------------------------------------------------------------------------------

    async def add_miner(self, command: m.AddMiner) -> m.Done:
        text = await self._agent.miners.add(command, self._network())
        self._agent.changed()
        return m.Done(text)

    async def install_miner(self, command: m.InstallMiner) -> m.Done:
        return m.Done(await self._agent.miners.install(command.id))

    async def start_miner(self, command: m.StartMiner) -> m.Done:
        await self._start(command.id, again=False)
        return m.Done("Started.")

    async def restart_miner(self, command: m.RestartMiner) -> m.Done:
        await self._start(command.id, again=True)
        return m.Done("Restarted.")

    async def stop_miner(self, command: m.StopMiner) -> m.Done:
        await self._agent.miners.stop(command.id)
        return m.Done("Stopped.")

    async def remove_miner(self, command: m.RemoveMiner) -> m.Done:
        await self._agent.miners.remove(command.id)
        return m.Done("Removed; its earnings stay in the ledger.")

    async def get_log(self, command: m.GetLog) -> m.LogTail:
        return await self._agent.miners.log(command.id, command.after, command.limit)

    async def publish_axon(self, command: m.PublishAxon) -> m.Done:
        miner = self._agent.miners.get(command.id)
        file, head = miner.file, self._agent.watch.require()
        if file.network != head.network:
            raise MinerError("Other network", f"{file.name} is on {file.network}, not {head.network}.", "Switch there.")
        if file.network != "sandbox":
            raise MinerError(
                "Address not known",
                "Publishing on a public network needs the address under which this machine is reached.",
                "That is not built yet; the sandbox needs none.",
            )
        receipt = await head.chain.publish_axon(
            miner.folder / "wallet" / file.wallet_name, file.hotkey_name, file.hotkey_ss58, file.netuid,
            _PRACTICE_IP, file.axon_port,
        )  # fmt: skip
        if receipt.error is not None or receipt.stage not in (TxStage.IN_BLOCK, TxStage.FINAL):
            raise ChainError(
                "Axon not published", receipt.error or f"The transaction was {receipt.stage}.", "Try again."
            )
        block = "" if receipt.block is None else f" in block {receipt.block.number}"
        return m.Done(f"{receipt.extrinsic_hash}{block}")

    # --- machine and agent ----------------------------------------------------------------------------------

    async def get_hardware(self, _: m.GetHardware) -> Hardware:
        return await self._agent.hardware.sample()

    async def get_hardware_history(self, command: m.GetHardwareHistory) -> m.HardwareHistory:
        return await self._agent.hardware.history(command.seconds)

    async def stop_agent(self, command: m.StopAgent) -> m.Done:
        if command.everything:
            try:
                await self._agent.miners.stop_all()
            finally:
                await self._agent.network.stop_sandbox()
        asyncio.get_running_loop().call_later(_ANSWER_FIRST_S, self._agent.stop)
        return m.Done("The agent ends.")

    # --- inside ---------------------------------------------------------------------------------------------

    async def _start(self, miner_id: str, *, again: bool) -> None:
        miner = self._agent.miners.get(miner_id)
        endpoint = self._agent.network.endpoint_for(miner.file.network)
        await self._agent.miners.start(miner_id, endpoint, again=again)

    def _network(self) -> str:
        require_network(self._agent.network.name)
        return self._agent.network.name
