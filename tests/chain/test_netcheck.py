"""The network check: good, late, silent, wrong and dead endpoints; settlement on a sandbox; the command."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket

from chain.chain_helpers import connected, funded
from chain.fake_node import FakeNode
from chain.fixtures_343 import GENESIS, needs_343
from chain.sandbox_process import SandboxProcess
from ranvier.chain import wire
from ranvier.chain.netcheck import netcheck, netcheck_cli
from ranvier.chain.networks import FINNEY, Network, sandbox_network
from ranvier.core.errors import NetworkError
from ranvier.core.paths import Paths
from ranvier.core.units import Tao
from ranvier.keys.signing import LocalSigner


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    home = Paths.under(tmp_path_factory.mktemp("netcheck"))
    folder = home.network("sandbox") / "data"
    folder.parent.mkdir(parents=True)
    process = SandboxProcess(folder, "--block-time", "0.1", "--no-life")
    process.start()
    yield process
    process.stop()


@needs_343
async def test_endpoints_are_told_apart() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"ws://127.0.0.1:{free.getsockname()[1]}"
    async with FakeNode() as good, FakeNode() as late, FakeNode("0x" + "12" * 32) as wrong:
        good.put("System", "Number", [], (100).to_bytes(4, "little"))
        late.put("System", "Number", [], (93).to_bytes(4, "little"))
        network = Network("x", "X", (good.endpoint, late.endpoint, wrong.endpoint, dead), GENESIS, "TAO", True)
        found = await netcheck.check(network, samples=3)
    rows = {row.endpoint: row for row in found.endpoints}
    assert rows[good.endpoint].lag_blocks == 0 and rows[late.endpoint].lag_blocks == 7
    assert (rows[good.endpoint].answered, rows[good.endpoint].asked) == (3, 3)
    assert rows[good.endpoint].final_lag_blocks == 0 and rows[good.endpoint].spec_version == 343
    assert "first block" in str(rows[wrong.endpoint].error) and "refused" in str(rows[dead].error)
    assert found.best is not None and found.best.endpoint == good.endpoint
    told = netcheck_cli.describe(found)
    assert "7 behind" in told and "best" in told and "refused" in told
    assert told.count(dead) == 1, "an address is said twice"


async def test_settlement_on_the_sandbox(sandbox: SandboxProcess) -> None:
    network = sandbox_network(sandbox.endpoint, sandbox.genesis)
    async with connected(sandbox) as connection:
        signer = await funded(connection, Tao(10**9))
    found = await netcheck.check(network, samples=2, signer=signer, axon_url="http://127.0.0.1:1/")
    settled = found.settlement
    assert settled is not None and settled.error is None and settled.fee_rao and settled.block
    assert settled.in_pool_s is not None and settled.in_block_s is not None and settled.final_s is not None
    assert 0 < settled.in_pool_s <= settled.in_block_s <= settled.final_s
    assert found.axon_ms is None and "does not answer" in str(found.axon_error)
    poor = await netcheck.settle(network, LocalSigner.from_seed(bytes(31) + b"\x07"))
    assert poor.final_s is None and "cannot pay the fee" in str(poor.error)
    with pytest.raises(NetworkError, match="play money"):
        await netcheck.check(FINNEY, signer=signer)


def test_command(sandbox: SandboxProcess, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    home = Paths.under(sandbox.folder.parents[2])
    assert netcheck_cli.main(["--json", "--network", "sandbox", "--settle", "--samples", "2"], home) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["network"] == "sandbox" and told["endpoints"][0]["endpoint"] == sandbox.endpoint
    assert told["settlement"]["final_s"] > 0 and told["settlement"]["fee_rao"] > 0
    assert netcheck_cli.main(["--network", "sandbox"], home) == 0
    assert "endpoint ws://127.0.0.1" in capsys.readouterr().out
    assert netcheck_cli.main(["--json", "--network", "sandbox"], Paths.under(tmp_path)) == 1
    assert "never started" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "?"), websocket.WebSocketAddressException("?")])
def test_a_name_that_nobody_knows_is_no_broken_connection(error: Exception) -> None:
    assert wire.reason(error) == "its name is not known"
