"""What each command does: one short method, which calls one part of the agent and answers what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ranvier.agent.api import market_messages
from ranvier.agent.api import messages as m
from ranvier.agent.api.server import Handler
from ranvier.agent.commands.axon_check import ask_axon
from ranvier.agent.commands.miner_commands import MinerCommands
from ranvier.agent.commands.money_commands import MoneyCommands
from ranvier.agent.money import market
from ranvier.agent.money.portfolio import require_network
from ranvier.hardware.snapshot import Hardware

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent

_ANSWER_FIRST_S = 0.2


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
            m.GetHardware: self.get_hardware,
            m.GetHardwareHistory: self.get_hardware_history,
            m.GetPortfolio: self.get_portfolio,
            m.StopAgent: self.stop_agent,
            **MinerCommands(self._agent).handlers(),
            **MoneyCommands(self._agent).handlers(),
            **self._agent.secrets.handlers(),
            **market.handlers(self._agent.market),
            market_messages.AskAxon: self.ask_axon,
            **self._agent.ladders.handlers(),
            **self._agent.positions.handlers(),
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
        network, portfolio = self._network(), self._agent.portfolio
        kept = [one for one in portfolio.watched(network) if one not in command.dropped] if command.beside else []
        await portfolio.watch(network, (*kept, *command.coldkeys_ss58))
        return m.Done(f"{len(portfolio.watched(network))} watched.")

    async def get_portfolio(self, _: m.GetPortfolio) -> m.Portfolio:
        return await self._agent.portfolio.read()

    # --- machine and agent ----------------------------------------------------------------------------------

    async def get_hardware(self, _: m.GetHardware) -> Hardware:
        self._agent.hardware.looked_at()
        return await self._agent.hardware.sample()

    async def get_hardware_history(self, command: m.GetHardwareHistory) -> m.HardwareHistory:
        return await self._agent.hardware.history(command)

    async def stop_agent(self, command: m.StopAgent) -> m.Done:
        try:
            if command.everything:
                try:
                    await self._agent.miners.stop_all()
                finally:
                    await self._agent.network.stop_sandbox()
        finally:  # what could not be done of it is said; the agent ends all the same
            asyncio.get_running_loop().call_later(_ANSWER_FIRST_S, self._agent.stop)
        return m.Done("The agent ends.")

    async def ask_axon(self, command: market_messages.AskAxon) -> market_messages.AxonView:
        return await ask_axon(self._agent, command)

    # --- inside ---------------------------------------------------------------------------------------------

    def _network(self) -> str:
        require_network(self._agent.network.name)
        return self._agent.network.name
