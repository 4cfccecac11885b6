"""A whole Ranvier in a temporary home: the real processes, and a small fake model behind the real axon."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest
import tomli_w

from agent.agent_fakes import ALICE, PHRASE
from programs.fake_model import serving
from ranvier.agent.api import messages as m
from ranvier.agent.api.client import ensure_agent
from ranvier.core.paths import Paths, resources
from ranvier.core.processes import child_environment
from ranvier.keys import wallets

TALKER = Path(__file__).parent.parent / "programs" / "talker.py"
RECIPE = resources() / "recipes" / "sandbox-llm"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The folder for ``--home``; whatever still runs on it at the end is stopped, then must be gone."""
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder
    ranvier(folder, "stop", "--everything", check=False)
    for process in ours(folder):
        process.kill()
    deadline = time.monotonic() + 5
    while ours(folder) and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.fixture
def paths(home: Path) -> Paths:
    return Paths.under(home)


@pytest.fixture
def fake_model_recipe(tmp_path: Path) -> Iterator[Path]:
    """The reference miner's own recipe, with nothing to download: its model is the small fake server, and its
    packages are borrowed from the interpreter that runs the tests."""
    folder = tmp_path / "recipe"
    shutil.copytree(RECIPE, folder, ignore=shutil.ignore_patterns("*.lock", "*.in", "__pycache__", "recipe.toml"))
    with serving() as url:
        recipe = {
            "name": "fake-model",
            "title": "Reference miner with a fake model",
            "netuid": 1,
            "program": {
                "command": [
                    "{python}", "-u", "{recipe}/miner.py",
                    "--wallet-path", "{wallet_path}", "--wallet-name", "{wallet_name}", "--hotkey", "{hotkey_name}",
                    "--netuid", "{netuid}", "--endpoint", "{endpoint}", "--axon-port", "{axon_port}",
                    "--model-url", url,
                ],
                "environment": {"PYTHONPATH": os.pathsep.join(site.getsitepackages())},
            },
            "health": {"url": "http://127.0.0.1:{axon_port}/health", "interval_s": 1.0},
            "ports": {"axon": 8091},
        }  # fmt: skip
        (folder / "recipe.toml").write_text(tomli_w.dumps(recipe), "utf-8")
        yield folder


def ranvier(
    home: Path, *arguments: str, check: bool = True, timeout_s: float = 150
) -> subprocess.CompletedProcess[str]:
    """One ``ranvier --home HOME ...`` command, finished."""
    result = subprocess.run(
        [sys.executable, "-m", "ranvier", "--home", str(home), *arguments],
        capture_output=True, text=True, timeout=timeout_s, env=child_environment(), check=False,
    )  # fmt: skip
    assert not check or result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result


async def start_talkers(paths: Paths, folder: Path, names: Sequence[str]) -> None:
    """Miners on the sandbox that number what they say, added and started by the agent's own commands.

    ``folder`` takes the wallet and the recipe.
    """
    made = wallets.add_watch_only(folder / "wallets", "alice", ALICE)
    wallets.add_hotkey(made.path, "miner", PHRASE)
    recipe = {"name": "talker", "title": "Numbers what it says", "environment": {"none": True}}
    recipe["program"] = {"command": [sys.executable, str(TALKER), "-1", "0.002", "20", "{wallet_path}"]}
    (folder / "recipe").mkdir()
    (folder / "recipe" / "recipe.toml").write_text(tomli_w.dumps(recipe), "utf-8")
    client = await ensure_agent(paths)
    await client.call(m.UseNetwork("sandbox"))
    for netuid, name in enumerate(names, 1):
        wallet = (str(folder / "wallets"), "alice", "miner")
        await client.call(m.AddMiner(name, name, "talker", netuid, *wallet, recipe_folder=str(folder / "recipe")))
        await client.call(m.InstallMiner(name))
        await client.call(m.StartMiner(name))
    await client.close()


def ours(home: Path, *words: str) -> list[psutil.Process]:
    """Live processes whose command line names this home and all of ``words``."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
            named = any(str(home) in part for part in line) and all(word in line for word in words)
            if named and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def eventually(found: Callable[[], bool], limit_s: float = 30) -> None:
    """Wait until ``found()``; the test fails when the limit is over."""
    deadline = time.monotonic() + limit_s
    while not found():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
