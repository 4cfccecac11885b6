"""What each command about miners does: one short method, which calls one part of the agent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ranvier.agent.api import messages as m
from ranvier.agent.api.server import Handler
from ranvier.agent.miners import miner_logs, miner_samples, recipe_edit
from ranvier.agent.miners.miner_file import PRACTICE_IP
from ranvier.agent.miners.programs import NothingNewError
from ranvier.agent.money.portfolio import require_network
from ranvier.chain.model import TxStage
from ranvier.core.errors import ChainError, MinerError

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent


class MinerCommands:
    """Every method raises RanvierErrors only."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def handlers(self) -> Mapping[type[m.Command[Any]], Handler]:
        """The method for each command about miners."""
        return {
            m.AddMiner: self.add_miner,
            m.InstallMiner: self.install_miner,
            m.StartMiner: self.start_miner,
            m.StopMiner: self.stop_miner,
            m.RestartMiner: self.restart_miner,
            m.RemoveMiner: self.remove_miner,
            m.ChangeMiner: self.change_miner,
            m.UpdateMiner: self.update_miner,
            m.UndoUpdate: self.undo_update,
            m.GetRecipe: self.get_recipe,
            m.PublishAxon: self.publish_axon,
            m.WhyMiner: self.why_miner,
            m.GetMinerHistory: self.get_history,
            m.GetLog: self.get_log,
            m.ReadLog: self.read_log,
            m.SearchLog: self.search_log,
            m.LogCrash: self.log_crash,
            m.ExportLogs: self.export_logs,
        }

    # --- doing ----------------------------------------------------------------------------------------------

    async def add_miner(self, command: m.AddMiner) -> m.Done:
        require_network(self._agent.network.name)
        text = await self._agent.miners.add(command, self._agent.network.name)
        self._agent.changed()
        return m.Done(text)

    async def install_miner(self, command: m.InstallMiner) -> m.Done:
        return m.Done(await self._agent.miners.install(command.id))

    async def start_miner(self, command: m.StartMiner) -> m.Done:
        await self._agent.miners.start(command.id)
        return m.Done("Started.")

    async def restart_miner(self, command: m.RestartMiner) -> m.Done:
        await self._agent.miners.start(command.id, again=True)
        return m.Done("Restarted.")

    async def stop_miner(self, command: m.StopMiner) -> m.Done:
        await self._agent.miners.stop(command.id)
        return m.Done("Stopped.")

    async def remove_miner(self, command: m.RemoveMiner) -> m.Done:
        folder = self._agent.miners.folder(command.id)
        names: tuple[str, ...] = ()
        with contextlib.suppress(MinerError):  # a damaged one does not tell
            names = self._agent.miners.get(command.id).file.secrets
        await self._agent.miners.remove(command.id)
        await self._agent.sampler.forget(command.id)
        left = await self._agent.secrets.forget(folder, names)
        return m.Done(f"Removed; its earnings stay in the ledger. {left}".strip())

    async def change_miner(self, command: m.ChangeMiner) -> m.Done:
        return m.Done(await self._agent.miners.change(command))

    async def update_miner(self, command: m.UpdateMiner) -> m.Done:
        if command.recipe_text:
            source = recipe_edit.folder_of(self._agent.miners.get(command.id), self._agent.programs)
            async with recipe_edit.edited(self._agent.miners.folder(command.id), source, command.recipe_text) as edited:
                return m.Done(await self._agent.miners.update(command.id, str(edited)))
        try:
            return m.Done(await self._agent.miners.update(command.id, command.recipe_folder, fresh=command.fresh))
        except NothingNewError as nothing:
            return m.Done(nothing.message)

    async def get_recipe(self, command: m.GetRecipe) -> m.RecipeText:
        folder = recipe_edit.folder_of(self._agent.miners.get(command.id), self._agent.programs)
        return await asyncio.to_thread(recipe_edit.read, folder)

    async def undo_update(self, command: m.UndoUpdate) -> m.Done:
        return m.Done(await self._agent.miners.take_back(command.id, "its owner wanted it so."))

    async def publish_axon(self, command: m.PublishAxon) -> m.Done:
        miner = self._agent.miners.get(command.id)
        file, head = miner.file, self._agent.watch.require()
        if file.network != head.network:
            raise MinerError("Other network", f"{file.name} is on {file.network}, not {head.network}.", "Switch there.")
        if file.network != "sandbox":
            raise MinerError(
                "A plan first",
                f"On {file.network} a transaction is shown as a plan before it is signed.",
                "Publish it from the miner's menu in the window.",
            )
        receipt = await head.chain.publish_axon(
            miner.folder / "wallet" / file.wallet_name, file.hotkey_name, file.hotkey_ss58, file.netuid,
            PRACTICE_IP, file.axon_port,
        )  # fmt: skip
        if receipt.error is not None or receipt.stage not in (TxStage.IN_BLOCK, TxStage.FINAL):
            raise ChainError(
                "Axon not published", receipt.error or f"The transaction was {receipt.stage}.", "Try again."
            )
        block = "" if receipt.block is None else f" in block {receipt.block.number}"
        return m.Done(f"{receipt.extrinsic_hash}{block}")

    # --- looking --------------------------------------------------------------------------------------------

    async def why_miner(self, command: m.WhyMiner) -> m.Why:
        miner = self._agent.miners.get(command.id)
        await miner.look()
        if miner.unexplained():
            await self._agent.miners.explain(miner)
        view = miner.view(self._agent.chain_note(miner.file.network))
        shown = miner.shown()
        return m.Why(
            id=command.id,
            shown=shown.state,
            reason=shown.reason,
            seen_at=shown.seen_at,
            evidence=view.evidence,
            exits=view.exits,
            crashes=view.crashes,
            diagnosis=view.diagnosis,
            reading=view.reading,
        )

    async def get_history(self, command: m.GetMinerHistory) -> m.MinerHistory:
        return await miner_samples.history(self._agent, command)

    async def get_log(self, command: m.GetLog) -> m.LogTail:
        return await self._agent.miners.log(command.id, command.after, command.limit)

    async def read_log(self, command: m.ReadLog) -> m.LogPage:
        return await asyncio.to_thread(miner_logs.page, self._agent.miners.folder(command.id), command)

    async def search_log(self, command: m.SearchLog) -> m.LogHits:
        return await asyncio.to_thread(miner_logs.search, self._agent.miners.folder(command.id), command)

    async def log_crash(self, command: m.LogCrash) -> m.CrashPlace:
        return await asyncio.to_thread(miner_logs.crash, self._agent.miners.folder(command.id))

    async def export_logs(self, command: m.ExportLogs) -> m.BundlePreview:
        folder = self._agent.miners.folder(command.id)
        values, problem = await self._agent.secrets.values(command.id)
        return await asyncio.to_thread(miner_logs.export, folder, command.path, values, problem)
