"""The official clients against a living node: SDK and btcli 11.3, polkadot.js. Each in its own environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.support import NodeProcess

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("BT_", "PYTHON"))}


def made(command: list[str], where: Path) -> None:
    """Run an installer; what cannot be installed here skips the test with the installer's last words."""
    try:
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=300, env=CLEAN)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"cannot be installed here: {error}")
    if done.returncode:
        pytest.skip(f"cannot be installed here: {done.stderr.strip()[-200:]}")


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of an environment with the SDK."""
    if sys.platform == "win32":
        pytest.skip("the SDK's core has no wheel for Windows")
    folder = tmp_path_factory.mktemp("sdk")
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    made([uv, "venv", "-q", "--python", "3.11", "env"], folder)
    made([uv, "pip", "install", "-q", "--python", "env/bin/python", "bittensor==11.3.*"], folder)
    return folder / "env" / "bin"


@pytest.fixture(scope="module")
def polkadot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with @polkadot/api."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on this machine")
    folder = tmp_path_factory.mktemp("polkadot")
    made([npm, "install", "--silent", "--no-audit", "--no-fund", "@polkadot/api@16"], folder)
    shutil.copy(HERE / "life.mjs", folder)
    return folder


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path / "node")
    yield process
    assert process.stop() == 0


def output(command: list[str], home: Path, *, limit: float = 60) -> Any:
    """The JSON that a client prints."""
    environment = CLEAN | {"HOME": str(home), "NO_COLOR": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=limit, env=environment, stdin=subprocess.DEVNULL, cwd=home
    )
    assert done.returncode == 0, (command, done.stdout[-1500:], done.stderr[-1500:])
    return json.loads(done.stdout)


def test_the_sdk_lives_a_miners_life(sdk: Path, node: NodeProcess, tmp_path: Path) -> None:
    script = [str(sdk / "python"), str(HERE / "life_sdk.py"), node.endpoint, str(tmp_path / "wallets")]
    told = output(script, tmp_path, limit=120)
    assert all(told["steps"].values()), told["steps"]
    assert len(told["steps"]) == 10
    assert told["seated"]
    assert told["positions"] == [[told["second"], 1]]
    assert not told["reads"]["broken"], told["reads"]["broken"]
    assert len(told["reads"]["answered"]) >= 60


def test_btcli_reads_and_writes(sdk: Path, node: NodeProcess, tmp_path: Path) -> None:
    cold = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
    common = ["--network", node.endpoint, "--fallback-endpoints", "none", "--archive-endpoints", "none", "--json"]

    def btcli(*words: str) -> Any:
        return output([str(sdk / "btcli"), *common, *words], tmp_path)

    assert {row["netuid"] for row in btcli("subnets", "list")} == {0, 1}
    shown = btcli("subnets", "show", "1")
    assert (shown["name"], shown["neurons"]) == ("Practice", 8)
    graph = btcli("subnets", "metagraph", "1")
    assert len(graph["hotkeys"]) == 8
    assert btcli("subnets", "hyperparameters", "1")
    assert btcli("query", "balance", "--coldkey", cold) is not None
    staked = btcli("stake", "list", "--coldkey", graph["coldkeys"][0])
    assert graph["hotkeys"][0] in json.dumps(staked)


def test_polkadot_js_lives_a_miners_life(polkadot: Path, node: NodeProcess) -> None:
    told = output(["node", str(polkadot / "life.mjs"), node.endpoint], polkadot, limit=120)
    wanted = dict.fromkeys(("transfer", "register", "serve", "stake", "unstake"), "ok")
    refused = {"again": "HotKeyAlreadyRegisteredInSubNet", "tooMuch": "NotEnoughBalanceToStake"}
    assert told["steps"] == wanted | refused
    assert (told["uid"], told["seats"], told["uids"], told["axonPort"]) == (8, 9, 9, 8091)
    assert told["last"]
    assert told["heads"] == 3
    assert int(told["price"]) > 0
    assert int(told["fee"]) > 0
