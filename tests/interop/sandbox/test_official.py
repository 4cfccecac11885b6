"""Real clients against a living node, as spec 343 and as 425: SDK and btcli 11.3, polkadot.js, substrate-interface.

Each has its own environment. SDK 11.3 is made for chains of today: under 343 some of its reads and writes ask for what
that spec never had, and say so as they would on a real node of 343.
"""

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

from sandbox import test_clients
from sandbox.support import TAO, NodeProcess
from sandbox.test_develop import Caller

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
def rules() -> int:
    return 425


@pytest.fixture
def node(tmp_path: Path, rules: int) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path / "node", "--rules", str(rules))
    yield process
    assert process.stop() == 0


both = pytest.mark.parametrize("rules", [343, 425])


def asked(command: list[str], home: Path, limit: float = 60) -> subprocess.CompletedProcess[str]:
    environment = CLEAN | {"HOME": str(home), "NO_COLOR": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=limit, env=environment, stdin=subprocess.DEVNULL, cwd=home
    )


def output(command: list[str], home: Path, *, limit: float = 60) -> Any:
    """The JSON that a client prints."""
    done = asked(command, home, limit)
    assert done.returncode == 0, (command, done.stdout[-1500:], done.stderr[-1500:])
    return json.loads(done.stdout)


NOT_DONE = {343: {"shielded": "StorageFunctionNotFound: storage function MevShield.NextKey not found"}, 425: {}}
# It trips over a constant and two fields that 343 lacks.
BROKEN_READS = {343: {"subnet_start_schedule", "quote_stake", "quote_unstake"}, 425: set()}


@both
def test_the_sdk_lives_a_miners_life(sdk: Path, node: NodeProcess, tmp_path: Path, rules: int) -> None:
    script = [str(sdk / "python"), str(HERE / "life_sdk.py"), node.endpoint, str(tmp_path / "wallets")]
    told = output(script, tmp_path, limit=120)
    assert len(told["steps"]) == 11
    assert {name: answer for name, answer in told["steps"].items() if answer != "done"} == NOT_DONE[rules]
    assert told["seated"]
    assert told["positions"] == [[told["second"], 1]]
    assert set(told["reads"]["broken"]) == BROKEN_READS[rules], told["reads"]["broken"]
    assert len(told["reads"]["answered"]) >= {343: 55, 425: 75}[rules], told["reads"]["missing"]


class Btcli:
    """btcli with a wallet of published keys, against one node."""

    cold = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
    hot = "5EPCUjPxiHAcNooYipQFWr9NmmXJKpNG5RhcntXwbtUySrgH"

    def __init__(self, scripts: Path, node: NodeProcess, home: Path) -> None:
        alone = ["--fallback-endpoints", "none", "--archive-endpoints", "none"]
        wallet = ["-w", "alice", "-H", "h1", "--wallet-path", str(home / "wallets"), "-y", "--json"]
        self._command = [str(scripts / "btcli"), "--network", node.endpoint, *alone, *wallet]
        self._home, self.node = home, Caller(node)
        made([str(scripts / "python"), str(HERE / "wallet.py"), str(home / "wallets")], home)
        self.node("sandbox_fund", self.cold, 500 * TAO)
        self.validator = self.node("sandbox_info")["validators"][0]

    def __call__(self, *words: str) -> Any:
        return output([*self._command, *words], self._home)

    def refusal(self, *words: str) -> str:
        """What it says when it cannot."""
        done = asked([*self._command, *words], self._home)
        assert done.returncode
        return done.stdout + done.stderr


def test_btcli_lives_a_miners_life(sdk: Path, node: NodeProcess, tmp_path: Path) -> None:
    btcli = Btcli(sdk, node, tmp_path)
    assert {row["netuid"] for row in btcli("subnets", "list")} == {0, 1}
    shown = btcli("subnets", "show", "1")
    assert (shown["name"], shown["neurons"]) == ("Practice", 8)
    assert btcli("subnets", "hyperparameters", "1")
    assert btcli("subnets", "price", "--netuid", "1")["price_rao"] > 0
    assert btcli("wallet", "balance")["free_tao"] == 500
    taker = btcli.node("sandbox_info")["competitors"][0]
    assert btcli("wallet", "transfer", "--dest", taker, "--amount", "2")["success"]
    # A registration goes through the MEV shield, and so does a trade unless it is told not to.
    registered = btcli("subnets", "register", "--netuid", "1")
    assert registered["success"] and registered["data"]["shielded"]
    assert "AlreadyRegistered" in btcli.refusal("subnets", "register", "--netuid", "1")
    graph = btcli("subnets", "metagraph", "1")
    assert graph["hotkeys"][8] == btcli.hot
    stake = ("--netuid", "1", "--hotkey", btcli.validator)
    assert btcli("stake", "add", *stake, "--amount", "10")["data"]["shielded"]
    assert "shielded" not in btcli("--no-mev-shield", "stake", "add", *stake, "--amount", "5").get("data", {})
    (position,) = btcli("stake", "list")
    assert (position["netuid"], position["hotkey"]) == (1, btcli.validator)
    assert btcli("--no-mev-shield", "stake", "remove", *stake, "--amount", "20")["success"]
    assert 0 < btcli("stake", "show", *stake)["stake_amount"] < position["stake_amount"] - 15
    assert btcli("stake", "remove", *stake, "--amount", "all")["success"]
    assert btcli("stake", "list") == []
    assert btcli("stake", "set-auto", "--netuid", "1")["success"]
    assert btcli("stake", "auto") == [{"netuid": 1, "hotkey": btcli.hot}]
    (wallet,) = btcli("wallet", "registrations")
    assert wallet["hotkeys"][0]["registrations"] == [{"netuid": 1, "uid": 8}]
    assert 497 < btcli("wallet", "balance")["free_tao"] < 498


def test_btcli_makes_and_keeps_a_subnet(sdk: Path, node: NodeProcess, tmp_path: Path) -> None:
    btcli = Btcli(sdk, node, tmp_path)
    btcli.node("sandbox_fund", btcli.cold, 5000 * TAO)
    plain, mine = "--no-mev-shield", ("--netuid", "2")
    made = btcli(plain, "subnets", "create")["data"]
    assert (made["netuid"], made["registration_price_rao"]) == (2, 1000 * TAO)
    assert btcli(plain, "sudo", "start", *mine)["success"]
    assert btcli(plain, "sudo", "set", *mine, "--name", "immunity_period", "--value", "77")["success"]
    assert btcli("sudo", "get", *mine)["immunity_period"] == 77
    assert btcli(plain, "sudo", "set-identity", *mine, "--name", "mine")["success"]
    assert btcli(plain, "sudo", "set-symbol", *mine, "--symbol", "\N{GREEK SMALL LETTER GAMMA}")["success"]
    assert btcli(plain, "sudo", "mechanisms", "count", *mine, "--value", "2")["success"]
    assert btcli(plain, "wallet", "set-identity", "--name", "me")["success"]
    assert btcli("wallet", "get-identity")["name"] == "me"
    assert btcli(plain, "stake", "child", "take", *mine, "--take", "0.05")["success"]
    child = json.dumps([[0.5, btcli.validator]])
    assert btcli(plain, "stake", "child", "set", *mine, "--children", child)["success"]


@pytest.mark.parametrize("rules", [343])
def test_btcli_under_343_does_what_that_spec_can(sdk: Path, node: NodeProcess, tmp_path: Path) -> None:
    btcli = Btcli(sdk, node, tmp_path)
    assert btcli("subnets", "show", "1")["neurons"] == 8
    assert len(btcli("subnets", "metagraph", "1")["hotkeys"]) == 8
    assert btcli("wallet", "transfer", "--dest", btcli.validator, "--amount", "2")["success"]
    stake = ("--netuid", "1", "--hotkey", btcli.validator)
    assert btcli("--no-mev-shield", "stake", "add", *stake, "--amount", "10")["success"]
    assert btcli("stake", "show", *stake)["stake_amount"] > 0


@both
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


@both
def test_substrate_interface_lives_a_miners_life(node: NodeProcess) -> None:
    chain = test_clients.connect(node)
    try:
        client = test_clients.Client(chain)
        test_clients.test_the_life_of_a_miner(client)
        test_clients.test_past_blocks_can_be_read(client)
    finally:
        chain.close()
