"""Kill anything, lose nothing: window, agent, keepers and a miner, by SIGKILL, in any order, at random moments.

All of it is real: the window (drawn offscreen), the agent, the practice network and three miners that number what
they say. Two of them are never killed themselves and must not notice anything of what dies around them; the third
is, and is started again each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from end2end.conftest import TALKER, ours, ranvier, start_talkers
from programs.survivors import each_line_once, kill, lives, whole_log
from ranvier.agent.api.client import ensure_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.core.paths import Paths
from ranvier.core.processes import child_environment, own_command
from ranvier.core.settings import NETWORK, Settings
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.spec import read_spec
from ranvier.miners.status import KeeperStatus, MinerState

UNTOUCHED, MORTAL, SANDBOX = ("one", "two"), "three", "sandbox"
UP = (MinerState.STARTING, MinerState.RUNNING)
LIMIT_S = 30.0


class Node:
    """A home with everything in it, and the hand that kills."""

    def __init__(self, paths: Paths, chance: random.Random) -> None:
        self.paths = paths
        self.chance = chance
        folders = {name: paths.miner(name) for name in (*UNTOUCHED, MORTAL)}
        folders[SANDBOX] = paths.network("sandbox") / "node"
        self.keepers = {name: KeeperClient(folder) for name, folder in folders.items()}
        self.pids: dict[str, int | None] = {}
        self.window: subprocess.Popen[bytes] | None = None
        self.killed: Counter[str] = Counter()

    async def begin(self, folder: Path) -> None:
        """Add the miners by the agent's commands, and start them."""
        Settings(self.paths.settings_file).set(NETWORK, SANDBOX)
        await start_talkers(self.paths, folder, (*UNTOUCHED, MORTAL))
        self.pids = {name: keeper.status().pid for name, keeper in self.keepers.items()}
        spec = read_spec(self.paths.miner(MORTAL))
        assert spec is not None
        patient = {"backoff_first_s": 0.02, "backoff_cap_s": 0.02, "crash_budget": 10**6, "window_budget": 10**6}
        self.keepers[MORTAL].write_spec(msgspec.structs.replace(spec, **patient))

    # --- killing --------------------------------------------------------------------------------------------

    async def kill_some(self, victims: list[str]) -> None:
        """In any order, with any pause."""
        self.chance.shuffle(victims)
        for victim in victims:
            await asyncio.sleep(self.chance.random() * 0.02)
            self.killed[victim] += await asyncio.to_thread(self._kill, victim)

    def _kill(self, victim: str) -> bool:
        """Whether there was one to kill."""
        if victim == "window":
            return self.close_window()
        if victim == "agent":
            endpoint = read_endpoint(self.paths)
            pid = 0 if endpoint is None else endpoint.pid
        elif victim == "keeper":
            pid = self.chance.choice(list(self.keepers.values())).status().keeper_pid
        else:
            pid = self.keepers[MORTAL].status().pid or 0
        if not pid or not lives(pid):
            return False
        with contextlib.suppress(ProcessLookupError):
            kill(pid)
        return True

    def open_window(self) -> None:
        """It is not waited for: it may well be killed while it starts."""
        if self.window is None:
            environment = child_environment({"QT_QPA_PLATFORM": "offscreen"})
            command = own_command("--home", str(self.paths.data))
            self.window = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def close_window(self) -> bool:
        """By SIGKILL; whether it was open."""
        if self.window is None:
            return False
        ended_before = self.window.poll()
        self.window.kill()
        self.window.wait()
        self.window = None
        assert ended_before is None, f"the window ended by itself with {ended_before}"
        return True

    # --- coming back ----------------------------------------------------------------------------------------

    async def whole_again(self, *, by_agent: bool) -> None:
        """Until all is well. The agent brings back keepers by itself, once a second; else somebody is quicker."""
        await (await ensure_agent(self.paths)).close()
        if not by_agent:
            await asyncio.gather(*(keeper.ensure() for keeper in self.keepers.values()))
        end = time.monotonic() + LIMIT_S
        while not all(self._well(name, keeper.status()) for name, keeper in self.keepers.items()):
            assert time.monotonic() < end, {name: keeper.status() for name, keeper in self.keepers.items()}
            await asyncio.sleep(0.005)

    def _well(self, name: str, status: KeeperStatus) -> bool:
        """Whether it runs under a keeper; what can never become right again fails at once."""
        deaths = self.killed["miner"] if name == MORTAL else 0
        assert status.starts <= 1 + deaths, f"{name} was started too often: {status}"
        assert status.crashes <= deaths, f"{name} did not crash so often: {status}"
        if name != MORTAL:
            assert lives(self.pids[name]), f"{name} died with another one: {status}"
        well = status.state in UP and lives(status.keeper_pid) and lives(status.pid)
        return well and (status.starts, status.crashes) == (1 + deaths, deaths)

    def twins(self) -> dict[str, int]:
        """How many processes of each miner there are."""
        return {name: len(ours(self.paths.miner(name), str(TALKER))) for name in (*UNTOUCHED, MORTAL)}


def victims_of(turn: int, chance: random.Random) -> list[str]:
    """Keepers die most often, because they are quick to come back."""
    victims = ["keeper"] * chance.choice((1, 1, 2, 4))
    if turn % 5 == 4:
        victims.append("agent")
    if turn % 12 == 11:
        victims.append("window")
    if turn % 7 == 6:
        victims.append("miner")
    if turn % 10 == 9:
        victims.remove("keeper")
    return victims


@pytest.mark.parametrize("rounds", [50, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.limit_s(1800)  # how long it takes says nothing on a busy machine
async def test_every_process_is_killed_and_nothing_is_lost(home: Path, tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    node = Node(Paths.under(home), chance)
    await node.begin(tmp_path)
    try:
        for turn in range(rounds):
            if turn % 12 == 8:
                node.open_window()
            await asyncio.sleep(chance.random() * 0.03)
            await node.kill_some(victims_of(turn, chance))
            await node.whole_again(by_agent=turn % 10 == 0)
            if turn % 10 == 0:
                assert set((await asyncio.to_thread(node.twins)).values()) == {1}
    finally:
        await asyncio.to_thread(node.close_window)
    assert min(node.killed[one] for one in ("window", "agent", "keeper", "miner")) >= rounds // 15, node.killed
    stopped = await asyncio.to_thread(ranvier, home, "stop", "--everything")
    assert "have ended" in stopped.stdout
    assert not ours(home)
    for name in (*UNTOUCHED, MORTAL):
        status = node.keepers[name].status()
        deaths = node.killed["miner"] if name == MORTAL else 0
        assert (status.state, status.starts, status.crashes) == (MinerState.STOPPED, 1 + deaths, deaths)
        assert each_line_once(whole_log(node.paths.miner(name)), status.starts) > 10 * rounds
        assert [end.wanted for end in status.exits] == [False] * min(deaths, 49) + [True]
