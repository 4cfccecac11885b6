"""Asks the own axon one question, signed by its own hotkey, and times the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ranvier.agent.api.market_messages import AskAxon, AxonView
from ranvier.miners.status import MinerState

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent


async def ask_axon(agent: Agent, command: AskAxon) -> AxonView:
    """Raises MinerError (no such miner), KeyFileError (its hotkey cannot be read)."""
    from ranvier.chain.netcheck import netcheck_axon
    from ranvier.keys import wallets

    miner = agent.miners.get(command.id)
    file = miner.file
    view = miner.view(agent.chain_note(file.network))
    if view.state is not MinerState.RUNNING:
        return AxonView(error=f"{file.name} does not run.")
    if not file.axon_port:
        return AxonView(error=f"{file.name} has no axon: its subnet does not ask miners directly.")
    signer = await asyncio.to_thread(wallets.load_hotkey, miner.folder / "wallet" / file.wallet_name, file.hotkey_name)
    found = await netcheck_axon.ask_axon(file.axon_port, signer)
    return AxonView(found.first_word_ms, found.whole_ms, found.error)
