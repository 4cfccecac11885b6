"""A wallet, the command that adds a miner with it, and an agent that looks a little more often."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from agent.agent_fakes import ALICE, PHRASE
from ranvier.agent.api import messages as m
from ranvier.agent.cli import miners_cli
from ranvier.core.paths import Paths
from ranvier.keys import wallets

T = TypeVar("T")


@pytest.fixture(autouse=True)
def quicker_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rounds, more often."""
    monkeypatch.setattr("ranvier.agent.miners.miners._ROUND_S", 0.25)
    monkeypatch.setattr("ranvier.agent.miners.miners._IDLE_HEALTH_EVERY_S", 1.0)
    monkeypatch.setattr("ranvier.agent.working_network._ROUND_S", 0.5)


@pytest.fixture
def stands_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[T], T]:
    """Puts an agent's stand-in behind the commands of ``ranvier miners``."""

    def put(one: T) -> T:
        async def ensure(_paths: Paths) -> T:
            return one

        monkeypatch.setattr(miners_cli, "AgentClient", lambda _paths: one)
        monkeypatch.setattr(miners_cli, "ensure_agent", ensure)
        return one

    return put


@pytest.fixture(scope="session")
def wallet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wallet: a coldkey's address and a hotkey."""
    folder = tmp_path_factory.mktemp("wallets")
    made = wallets.add_watch_only(folder, "alice", ALICE)
    wallets.add_hotkey(made.path, "miner", PHRASE)
    return folder


@pytest.fixture
def add(wallet: Path) -> Callable[..., m.AddMiner]:
    """Makes the command that adds a miner with that wallet."""

    def make(miner_id: str = "one", **changes: object) -> m.AddMiner:
        values = {
            "id": miner_id, "name": miner_id.title(), "recipe": "axon", "netuid": 1, "wallet_path": str(wallet),
            "wallet_name": "alice", "hotkey_name": "miner",
        }  # fmt: skip
        return m.AddMiner(**{**values, **changes})

    return make
