"""All miners of this home: adding, installing, starting, watching. What should run stands on disk."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ranvier.agent.api.messages import AddMiner, ChangeMiner, LogTail, MinerView
from ranvier.agent.miners.broken_miner import BrokenMiner
from ranvier.agent.miners.claims import refuse_shared, refuse_twins
from ranvier.agent.miners.evidence import PaySeen, SeatSeen
from ranvier.agent.miners.installs import Installs
from ranvier.agent.miners.miner import Miner
from ranvier.agent.miners.miner_file import (
    DAMAGED,
    FILE_NAME,
    MinerFile,
    address_from_outside,
    check_id,
    free_port,
    port_free,
    read_miner,
    set_aside,
    write_miner,
)
from ranvier.agent.miners.miner_parts import Tools
from ranvier.agent.miners.trials import Trials
from ranvier.agent.miners.usage import cards_text
from ranvier.agent.miners.wallet_copy import copy_wallet, hotkey_address, wallet_folder
from ranvier.agent.money.ledger_writer import Target
from ranvier.agent.network.chain_watch import Head
from ranvier.core.errors import LedgerError, MinerError, RanvierError
from ranvier.core.files import storage_errors
from ranvier.core.paths import Paths
from ranvier.core.tasks import Tasks
from ranvier.hardware.snapshot import Hardware
from ranvier.ledger.store import Ledger
from ranvier.miners.diagnosis_facts import port_owner
from ranvier.miners.generations import Verdict

log = logging.getLogger(__name__)

_ROUND_S = 1.0
_HIGHEST_NETUID = 65535
_HEALTH_EVERY_S, _IDLE_HEALTH_EVERY_S = 2.0, 5.0
_SEATS_EVERY_S = 2.0
_SETTLED_AT_ONCE = 4  # after a restart of the machine, miners come up a few a round, the oldest first


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What miners want to know of the rest of the agent.

    ``watched``: whether somebody listens. ``chain_note(network)``: why its chain cannot be asked, None when it can.
    ``endpoint(network)`` raises RanvierError where there is none. ``noted(miner_id, kind, text)`` is for its history.
    """

    watched: Callable[[], bool]
    chain_note: Callable[[str], str | None]
    endpoint: Callable[[str], str]
    hardware: Callable[[], Hardware | None]
    noted: Callable[[str, str, str], None]


class Miners:
    """Looks at all of them again and again, more often while somebody listens. One owner; ``run`` until cancelled."""

    def __init__(self, paths: Paths, tools: Tools, installs: Installs, around: Surroundings) -> None:
        self._paths = paths
        self._tools = tools
        self._installs = installs
        self._around = around
        self.trials = Trials(tools.programs, installs, tools.now, around.noted)
        self._miners: dict[str, Miner] = {}
        self._broken: dict[str, BrokenMiner] = {}
        self._adding = asyncio.Lock()
        self._tasks = Tasks()
        self._explaining, self._going_back = set[str](), set[str]()
        self._seats_at = 0.0

    # --- what there is --------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read every miner's file; a damaged one becomes a BrokenMiner. Looks at each once."""
        folders = sorted(self._paths.miners.iterdir()) if self._paths.miners.is_dir() else []
        for folder in folders:
            try:
                self._miners[folder.name] = Miner(folder, read_miner(folder), self._tools)
            except FileNotFoundError:
                continue  # half added or half removed: it was never, or is no longer, a miner
            except MinerError as error:
                log.error("miner %s: %s", folder.name, error)
                self._broken[folder.name] = BrokenMiner(folder, error)
        for miner in self._miners.values():
            await miner.check_installed()
            await miner.look()

    def views(self, network: str, chain_note: str | None) -> tuple[MinerView, ...]:
        """All of them by name. ``network`` is the one that is watched."""
        views = [
            miner.view(chain_note if miner.file.network == network else f"{miner.file.network} is not watched")
            for miner in self._miners.values()
        ]
        views += [broken.view(self._tools.now()) for broken in self._broken.values()]
        return tuple(sorted(views, key=lambda view: (view.name.lower(), view.id)))

    def targets(self, network: str) -> Iterable[Target]:
        """Whose pay is to be noted on ``network``."""
        for miner in self._miners.values():
            if miner.file.network == network:
                neuron = None if miner.seat is None else miner.seat.neuron
                since = None if neuron is None else neuron.registered_block
                yield Target(miner.file.netuid, miner.file.hotkey_ss58, since)

    def coldkeys(self, network: str) -> set[str]:
        return {miner.file.coldkey_ss58 for miner in self._miners.values() if miner.file.network == network}

    def all(self) -> list[Miner]:
        """Those whose file can be read."""
        return list(self._miners.values())

    def wanted(self) -> list[Miner]:
        return [miner for miner in self._miners.values() if miner.file.wanted]

    def get(self, miner_id: str) -> Miner:
        """Raises MinerError when there is none, or its file is damaged."""
        if miner_id in self._broken:
            raise self._broken[miner_id].error
        if miner_id not in self._miners:
            raise MinerError("No such miner", f"There is no miner “{miner_id[:60]}”.", "See: ranvier miners list")
        return self._miners[miner_id]

    # --- commands -------------------------------------------------------------------------------------------

    async def add(self, command: AddMiner, network: str) -> str:
        """Make the miner's folder with its own copy of what it may see of the wallet. Raises RanvierError."""
        check_id(command.id)
        if not 1 <= command.netuid <= _HIGHEST_NETUID:
            raise MinerError("Not a subnet", f"{command.netuid} is not a subnet's number.", "It is 1 to 65535.")
        if command.recipe_folder or command.recipe_text:
            keep = self._tools.programs.keep_recipe
            await asyncio.to_thread(keep, command.recipe, command.recipe_folder, command.recipe_text)
        self._tools.programs.check(command.recipe)
        async with self._adding:
            broken = self._broken.get(command.id)
            if broken is not None and broken.error.title != DAMAGED:
                raise broken.error
            folder = self._paths.miner(command.id)
            wallet = wallet_folder(command)
            hotkey = await asyncio.to_thread(hotkey_address, wallet, command.hotkey_name)
            refuse_twins(command, network, hotkey, (one.file for one in self._miners.values()))
            coldkey = await asyncio.to_thread(copy_wallet, wallet, command.hotkey_name, folder / "wallet")
            if command.id in self._miners:
                return f"{command.name} is there already."
            file = MinerFile(
                id=command.id,
                name=command.name,
                recipe=command.recipe,
                network=network,
                netuid=command.netuid,
                wallet_path=str(wallet.parent),
                wallet_name=wallet.name,
                hotkey_name=command.hotkey_name,
                hotkey_ss58=hotkey,
                coldkey_ss58=coldkey,
                axon_port=free_port(self._ports()) if command.axon_port is None else command.axon_port,
                fixed_port=command.axon_port is not None,
                gpus=command.gpus,
                added_at=self._tools.now(),
            )
            if command.axon_port is not None:
                self._refuse_port(file.id, command.axon_port)
            kept = "" if broken is None else await self._set_aside(broken)
            write_miner(folder, file)
            miner = self._miners[command.id] = Miner(folder, file, self._tools)
        await miner.check_installed()
        await miner.look()
        return f"{command.name} was added.{kept}"

    async def install(self, miner_id: str) -> str:
        """Make its environment, or join the making. Raises RanvierError."""
        await self._installs.run(self.get(miner_id))
        return "It is ready to be started."

    async def start(self, miner_id: str, *, again: bool = False) -> None:
        """Run it; the manual "try again now" too. Refused when another miner has its hotkey, port or card."""
        miner = self.get(miner_id)
        endpoint = self._around.endpoint(miner.file.network)
        refuse_shared(miner.file, ((one.file, one.file.wanted or bool(one.pids)) for one in self._miners.values()))
        await miner.start(endpoint, self._ports(), again=again)

    async def change(self, command: ChangeMiner) -> str:
        """Store another port or other cards; they count from its next start. Raises RanvierError."""
        miner = self.get(command.id)
        said = []
        if command.axon_port is not None:
            port = command.axon_port or free_port(self._ports())
            if port != miner.file.axon_port:
                self._refuse_port(command.id, port)
            miner.change(axon_port=port, fixed_port=command.axon_port != 0)
            said.append(f"It serves on port {port}")
        if command.gpus is not None:
            miner.change(gpus=command.gpus)
            said.append("it runs on the cards chosen" if command.gpus else "no card is chosen for it")
        if command.external_ip is not None or command.external_port is not None:
            ip = miner.file.external_ip if command.external_ip is None else command.external_ip
            port = miner.file.external_port if command.external_port is None else command.external_port
            ip = address_from_outside(ip, port)
            miner.change(external_ip=ip, external_port=port)
            said.append(f"others reach it at {ip}" if ip else "where others reach it is not told")
        return f"{', '.join(said) or 'Nothing was changed'}, from its next start on."

    async def update(self, miner_id: str, recipe_folder: str, *, fresh: bool = False) -> str:
        """Make a new version and try it; a running miner is restarted with it. Raises RanvierError."""
        miner = self.get(miner_id)
        new = await self.trials.prepare(miner, recipe_folder, fresh=fresh)
        runs = self.trials.begin(miner, new)
        await miner.check_installed()
        if runs:
            await self.start(miner_id, again=True)
        return f"Version {new.number} is {'being tried' if runs else 'tried from its next start on'}."

    async def take_back(self, miner_id: str, why: str) -> str:
        """Go back to the version before, at once when the miner runs. Raises RanvierError."""
        miner = self.get(miner_id)
        self.trials.take_back(miner, why)
        await miner.check_installed()
        if miner.file.wanted:
            await self.start(miner_id, again=True)
        miner.incident.view = None  # it was the version's, which is out of use; the note tells of it
        return miner.file.update_note

    async def stop(self, miner_id: str) -> None:
        await self.get(miner_id).stop()

    async def stop_all(self) -> None:
        """Stop every miner, one not waiting for the other. Raises the first error after all were tried."""
        results = await asyncio.gather(*(miner.stop() for miner in self._miners.values()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def remove(self, miner_id: str) -> None:
        """Stop it and delete its folder; its file first, so that a kill half way leaves no half miner."""
        miner = self._miners.get(miner_id)
        if miner is not None:
            await self._installs.cancel(miner)
            await miner.stop()
            folder = miner.folder
        elif miner_id in self._broken:
            folder = self._broken[miner_id].folder
            await self._tools.keeper_of(folder).end()
        else:
            self.get(miner_id)
            return
        with storage_errors(folder):
            (folder / FILE_NAME).unlink(missing_ok=True)
            self._miners.pop(miner_id, None)
            self._broken.pop(miner_id, None)
            self._tools.changed()
            await asyncio.to_thread(shutil.rmtree, folder)

    def folder(self, miner_id: str) -> Path:
        """Where it lies, also when its file is damaged. Raises MinerError when there is none."""
        return self._paths.miner(miner_id) if miner_id in self._broken else self.get(miner_id).folder

    async def log(self, miner_id: str, after: int | None, limit: int) -> LogTail:
        folder = self.folder(miner_id)
        return await asyncio.to_thread(self._tools.programs.log, folder, after, max(1, min(limit, 5000)))

    # --- watching -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look at every miner again and again, and make what runs what should run, until cancelled."""
        try:
            while True:
                try:
                    await self._round()
                except RanvierError as error:
                    log.warning("looking at the miners: %s", error)
                except Exception:
                    log.exception("looking at the miners")
                await asyncio.sleep(_ROUND_S)
        finally:
            await self._tasks.close()

    async def on_head(self, head: Head) -> None:
        """Look up each miner's seat at the new block, unless that was done a moment ago (practice blocks are fast)."""
        now = self._tools.now()
        if 0 <= now - self._seats_at < _SEATS_EVERY_S and not any(
            miner.seat is None for miner in self._miners.values()
        ):
            return
        self._seats_at = now
        for miner in list(self._miners.values()):
            if miner.file.network != head.network:
                continue
            file = miner.file
            neuron = await head.chain.neuron(file.netuid, file.hotkey_ss58, head.block)
            miner.seat = SeatSeen(neuron, head.block.number, self._tools.now())

    async def read_pay(self, network: str, ledger: Ledger, last_epoch: Callable[[str, int], int | None]) -> None:
        """Take each miner's sums from the ledger; what cannot be read is unknown."""
        for miner in list(self._miners.values()):
            if miner.file.network != network:
                continue
            now = self._tools.now()
            try:
                paid = await ledger.paid(miner.file.netuid, miner.file.hotkey_ss58, int(now * 1000))
            except LedgerError:
                miner.saw_pay(None)
            else:
                epoch = last_epoch(network, miner.file.netuid)
                miner.saw_pay(PaySeen(paid.today_rao, paid.week_rao, paid.last_block, now, epoch))
        self._tools.changed()

    async def _round(self) -> None:
        miners = sorted(self._miners.values(), key=lambda one: one.file.added_at)
        observed = await asyncio.to_thread(lambda: [one.observe() for one in miners])
        settling = 0
        for miner, seen in zip(miners, observed, strict=True):
            miner.saw(seen)
            if miner.needs_settling() and settling < _SETTLED_AT_ONCE:
                settling += 1
                self._tasks.start(miner.settle(), f"settle {miner.file.id}")
            if miner.unexplained() and miner.file.id not in self._explaining:
                self._explaining.add(miner.file.id)
                self._tasks.start(self.explain(miner), f"explain {miner.file.id}")
            if miner.trial.trial_since is not None and not miner.lock.locked():
                self._judge(miner)
        pause = _HEALTH_EVERY_S if self._around.watched() else _IDLE_HEALTH_EVERY_S
        await asyncio.gather(*(miner.check_health() for miner in miners if miner.health_due(pause)))

    # --- inside ---------------------------------------------------------------------------------------------

    async def explain(self, miner: Miner) -> None:
        """Find out why it ended; what is news goes into its history."""
        try:
            gpu = cards_text(self._around.hardware(), miner.file.gpus)
            found = await miner.explain(self._around.chain_note(miner.file.network), gpu)
            if found:
                self._around.noted(miner.file.id, "incident", found)
        finally:
            self._explaining.discard(miner.file.id)

    def _judge(self, miner: Miner) -> None:
        verdict = self.trials.judge(miner)
        if verdict is Verdict.KEEP:
            self.trials.keep(miner)
        elif verdict is Verdict.ROLL_BACK and miner.file.id not in self._going_back:
            self._going_back.add(miner.file.id)
            self._tasks.start(self._go_back(miner), f"take back {miner.file.id}")

    async def _go_back(self, miner: Miner) -> None:
        found = miner.incident.view
        try:
            await self.take_back(miner.file.id, found.sentence if found is not None else miner.shown().reason)
        except RanvierError as error:
            log.warning("miner %s: %s", miner.file.id, error)
        finally:
            self._going_back.discard(miner.file.id)

    async def _set_aside(self, broken: BrokenMiner) -> str:
        """Make way for a new file; what runs by the damaged one is ended, as nobody knows what it is."""
        await self._tools.keeper_of(broken.folder).end()
        name = set_aside(broken.folder)
        del self._broken[broken.folder.name]
        log.warning("miner %s: its damaged file is kept as %s", broken.folder.name, name)
        return f" Its damaged file is kept as {name}."

    def _refuse_port(self, miner_id: str, port: int) -> None:
        """Raise MinerError unless this miner may have this port."""
        if not 1 <= port <= 65535:
            raise MinerError("Not a port", f"{port} is not a port number.", "Choose one from 1024 to 65535.")
        for one in self._miners.values():
            if one.file.id != miner_id and one.file.axon_port == port:
                raise MinerError("Port taken", f"{one.file.name} has port {port}.", "Choose another one.")
        if not port_free(port):
            owner = port_owner(port)
            by = owner.text() if owner is not None else "another program"
            raise MinerError("Port taken", f"Port {port} is in use by {by}.", "Choose another one.")

    def _ports(self) -> set[int]:
        return {miner.file.axon_port for miner in self._miners.values()}
