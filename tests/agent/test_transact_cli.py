"""``ranvier transact`` on a real sandbox: plans, guards, signatures here and elsewhere, receipts, exit statuses."""

from __future__ import annotations

import asyncio
import io
import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chain.chain_helpers import connected
from chain.sandbox_process import SandboxProcess
from ranvier.agent.api import messages as m
from ranvier.agent.cli import transact_cli
from ranvier.chain import reads
from ranvier.chain.connection import Connection
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths
from ranvier.core.settings import LIMIT_DAY_TAO, NETWORK, Settings
from ranvier.keys import mnemonic, offline, wallets
from ranvier.keys.encryption import Cost

COIN = 10**9
PASSWORD = "correct horse battery"
CHEAP = Cost(passes=3, memory_bytes=8192)  # the real cost is 3 s and 526 MB a wallet
UNLOCK = wallets.unlock_coldkey


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox") / "node", "--block-time", "0.15", "--tempo", "8")
    process.start()
    yield process
    process.stop()


class Agent:
    """Stands in for the agent: says where the network is and keeps receipts."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.view = m.ChainView("sandbox", sandbox.endpoint, Level.GOOD, "", genesis_hash=sandbox.genesis)
        self.kept: dict[str, Any] = {}
        self.stages: list[str] = []
        self.full = False

    async def call(self, command: Any, *, timeout_s: float | None = None) -> Any:
        match command:
            case m.GetStatus():
                return m.AgentStatus("1", 1, 5, time.time(), time.time(), self.view, ())
            case m.GetReceipts():
                return m.Receipts(tuple(self.kept.values()))
            case m.AddReceipt():
                if self.full:
                    raise RanvierError("Disk full", "The disk is full.")
                self.kept[command.receipt.id] = command.receipt
                self.stages.append(command.receipt.stage)
                return m.Done("Kept.")
            case m.UseNetwork():
                self.view = m.ChainView(command.network, None, Level.BAD, "Not there.")
                return m.Done("")
        raise AssertionError(command)

    async def close(self) -> None:
        pass


class House:
    """A wallet with money, and the command run on it."""

    def __init__(self, paths: Paths, agent: Agent, sandbox: SandboxProcess, capsys: pytest.CaptureFixture[str]) -> None:
        self.paths, self.agent, self.sandbox, self.capsys = paths, agent, sandbox, capsys
        made = asyncio.run(
            wallets.create_wallet(
                paths.wallets, "main", mnemonic.generate(), PASSWORD, "miner", mnemonic.generate(), _cost=CHEAP
            )
        )
        self.path, self.coldkey, self.hotkey = made.path, made.coldkey_ss58 or "", made.hotkeys[0].ss58 or ""

    def fund(self, coins: int) -> None:
        async def pay() -> None:
            async with connected(self.sandbox) as connection:
                await connection.rpc("sandbox_fund", [self.coldkey, coins * COIN])
                while not await self._free(connection):  # noqa: ASYNC110  # the faucet pays in a block
                    await asyncio.sleep(0.05)

        asyncio.run(pay())

    async def _free(self, connection: Connection) -> int:
        return (await reads.balances(connection, [self.coldkey], await connection.head()))[0].free_rao

    def run(self, *words: str, password: str = "") -> tuple[int, str, str]:
        """Status, output and what was said beside it."""
        more: list[str] = []
        if password:
            reading, writing = os.pipe()
            os.write(writing, password.encode())
            os.close(writing)
            more = ["--password-fd", str(reading)]
        try:
            status = transact_cli.main([*words, *more], self.paths)
            told = self.capsys.readouterr()
            return status, told.out, told.err
        except RanvierError as error:
            return 1, self.capsys.readouterr().out, str(error)
        finally:
            if password:
                os.close(reading)


@pytest.fixture
def house(
    tmp_path: Path, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> House:
    agent = Agent(sandbox)

    async def ensure(_paths: Paths) -> Agent:
        return agent

    monkeypatch.setattr(transact_cli, "ensure_agent", ensure)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr(wallets, "unlock_coldkey", partial(wallets.unlock_coldkey, _cost=CHEAP))
    return House(Paths.under(tmp_path / "home"), agent, sandbox, capsys)


WHO = ("--wallet", "main")
SEAT = (*WHO, "--hotkey", "miner", "--netuid", "1")


def test_a_miner_registers_serves_and_stakes_without_a_window(house: House) -> None:
    status, said, _ = house.run("register", *SEAT, "--plan-only")
    assert status == 0 and "Not enough TAO" in said and "Left to spend     not enough" in said
    status, _, error = house.run("register", *SEAT, "--yes", password=PASSWORD)
    assert status == 1 and "Not enough TAO" in error and not house.agent.kept
    house.fund(50)

    status, said, _ = house.run("register", *SEAT, "--confirm", "3", password=PASSWORD)
    assert status == 0, said
    for words in ("Register on ", "At most ", "Fee ", "In a block", "Final: it cannot be taken back", "It did what it"):
        assert words in said
    assert house.agent.stages == ["submitted", "final"], "kept before it was sent, and at its end"
    status, said, _ = house.run("serve", "192.0.2.7", "8091", *SEAT, "--yes")
    assert status == 0 and "The chain tells validators to ask 192.0.2.7 port 8091." in said, "the hotkey signs alone"
    status, said, beside = house.run("stake", "0.5", *SEAT, "--yes", "--json", password=PASSWORD)
    whole = json.loads(said)
    assert "Price limit" in beside and "Final: it cannot be taken back" in beside
    assert status == 0 and whole["receipt"]["stage"] == "final" and whole["plan"]["spend_rao"] == COIN // 2
    status, said, _ = house.run("unstake", "all", *SEAT, "--yes", password=PASSWORD)
    assert status == 0 and "exactly as planned" in said
    assert [one.signer_ss58 for one in house.agent.kept.values()].count(house.hotkey) == 1

    status, said, _ = house.run("register", *SEAT, "--confirm", "9", password=PASSWORD)
    assert status == 3 and "The chain refused it." in said and "already has uid" in said


def test_nothing_is_signed_without_a_yes_a_key_and_a_receipt(house: House) -> None:
    house.fund(50)
    send = ("transfer", "2", house.hotkey, *WHO)

    def refused(*words: str, password: str = "") -> str:
        status, _, error = house.run(*words, password=password)
        assert status == 1 and not house.agent.kept
        return error

    assert "--confirm 2" in refused(*send, password=PASSWORD)
    assert "--confirm 2" in refused(*send, "--yes", password=PASSWORD), "above the limit a yes is not enough"
    assert "more than --confirm allows" in refused(*send, "--confirm", "1.999999999", password=PASSWORD)
    assert "Wrong password" in refused(*send, "--confirm", "2", password="wrong")
    assert "cannot be asked for here" in refused(*send, "--confirm", "2")
    assert "No such hotkey" in refused("serve", "192.0.2.7", "80", *WHO, "--hotkey", "nobody", "--netuid", "1")
    assert "The agent works on sandbox, not finney" in refused(*send, "--confirm", "2", "--network", "finney")
    wallets.add_watch_only(house.paths.wallets, "cold", house.coldkey)
    watched = ("stake", "0.1", "--wallet", "cold", "--hotkey", house.hotkey, "--netuid", "1")
    assert "Add --payload FILE" in refused(*watched, "--yes")
    Settings(house.paths.settings_file).set(LIMIT_DAY_TAO, "1")
    assert "your limit for today" in refused(*send, "--confirm", "2", password=PASSWORD)
    Settings(house.paths.settings_file).set(LIMIT_DAY_TAO, "")
    house.agent.full = True
    assert "Its receipt cannot be kept" in refused(*send, "--confirm", "2", password=PASSWORD)
    assert house.run("transfer", "two", house.hotkey, *WHO)[0] == 2


def test_a_payload_is_signed_elsewhere_and_sent_once(house: House, tmp_path: Path) -> None:
    house.fund(50)
    file, answer = tmp_path / "payload.json", tmp_path / "signed.json"
    send = ("transfer", "0.25", house.hotkey, *WHO)
    status, said, _ = house.run(*send, "--payload", str(file))
    assert status == 0 and "transact submit --signed" in said and not house.agent.kept

    async def elsewhere() -> None:
        payload = offline.load_payload(file)
        assert f"To: {house.hotkey}" in payload.words
        with await UNLOCK(house.path, PASSWORD, _cost=CHEAP) as signer:
            offline.write(answer, offline.sign_payload(payload, signer))

    asyncio.run(elsewhere())
    submit = ("submit", "--signed", str(answer))
    assert "add --yes" in house.run(*submit)[2] and not house.agent.kept, "it is shown and asked for once more"
    tampered = tmp_path / "tampered.json"
    signature = offline.load_signature(answer)
    broken = signature.signature[:-2] + ("00" if signature.signature[-2:] != "00" else "11")
    offline.write(tampered, msgspec.structs.replace(signature, signature=broken))
    assert "not a signature by" in house.run("submit", "--signed", str(tampered), "--yes")[2]
    status, said, _ = house.run(*submit, "--yes")
    assert status == 0 and "+0.250000000 TAO, exactly as planned" in said
    assert "Unknown payload" in house.run(*submit, "--yes")[2]
    assert list(house.agent.stages) == ["submitted", "final"]


def test_a_payload_that_was_overtaken_is_not_sent(house: House, tmp_path: Path) -> None:
    house.fund(50)
    file, answer = tmp_path / "payload.json", tmp_path / "signed.json"
    assert house.run("transfer", "0.25", house.hotkey, *WHO, "--payload", str(file))[0] == 0
    assert "exists and was left" in house.run("transfer", "0.25", house.hotkey, *WHO, "--payload", str(file))[2]

    async def elsewhere() -> None:
        with await UNLOCK(house.path, PASSWORD, _cost=CHEAP) as signer:
            offline.write(answer, offline.sign_payload(offline.load_payload(file), signer))

    asyncio.run(elsewhere())
    assert house.run("transfer", "0.5", house.hotkey, *WHO, "--yes", password=PASSWORD)[0] == 0
    assert "another transaction since" in house.run("submit", "--signed", str(answer), "--yes")[2]
    assert len(house.agent.kept) == 1


def test_without_a_network_it_says_so(house: House) -> None:
    house.agent.view = m.ChainView("", None, Level.OFF, "")
    assert "Add --network" in house.run("register", *SEAT)[2]
    assert "Not there." in house.run("register", *SEAT, "--network", "test")[2]
    assert house.agent.view.network == Settings(house.paths.settings_file).get(NETWORK) == "test"


@pytest.fixture(params=["interrupted before", "interrupted after"])
def moment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_interruption_says_whether_it_was_sent(house: House, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+C cancels the one task; what was signed and kept by then is the agent's to find out."""
    house.fund(50)

    async def watched(*_: Any, **__: Any) -> Any:
        raise asyncio.CancelledError

    part = "watch" if moment.endswith("after") else "prepare"
    monkeypatch.setattr(f"ranvier.chain.submit.{part}", watched)
    with pytest.raises(asyncio.CancelledError):
        house.run("transfer", "0.5", house.hotkey, *WHO, "--yes", password=PASSWORD)
    said = house.capsys.readouterr().err
    sent = moment.endswith("after")
    assert ("the agent finds out" in said) is sent and ("Nothing was sent" in said) is not sent
    assert house.agent.stages == (["submitted"] if sent else [])
