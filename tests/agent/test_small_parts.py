"""Files, lock, hub, attention, usage: the small parts of the agent."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.agent_fakes import FakeChain
from ranvier.agent.api.endpoint import Endpoint, read_endpoint, socket_path, write_endpoint
from ranvier.agent.api.hub import Hub
from ranvier.agent.api.messages import (
    COMMANDS,
    EVENT_DECODER,
    ChainView,
    EarningEvent,
    HardwareEvent,
    InstallEvent,
    InstallProgress,
)
from ranvier.agent.attention import attention
from ranvier.agent.desired import DesiredFile
from ranvier.agent.instance import InstanceLock
from ranvier.agent.miners.broken_miner import BrokenMiner
from ranvier.agent.miners.miner_file import MinerFile, check_id, free_port, read_miner, write_miner
from ranvier.agent.money.ledgers import Ledgers
from ranvier.core.errors import LedgerError, MinerError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths
from ranvier.hardware.sampler import Sampler
from ranvier.ledger.payments import Payment

FILE = MinerFile(
    id="one", name="One", recipe="axon", network="sandbox", netuid=1, wallet_path="/w", wallet_name="n",
    hotkey_name="h", hotkey_ss58="5Hot", coldkey_ss58="5Cold", axon_port=20_001,
)  # fmt: skip


def test_a_miners_file_comes_back(tmp_path: Path) -> None:
    write_miner(tmp_path / "one", FILE)
    assert read_miner(tmp_path / "one") == FILE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"{}", "damaged"),
        (b"\x00\xff garbage", "damaged"),
        (b'{"id": 3}', "damaged"),
        (msgspec.json.encode(msgspec.structs.replace(FILE, version=99)), "version 99"),
        (msgspec.json.encode(msgspec.structs.replace(FILE, id="other")), "belongs to"),
    ],
)
def test_a_miners_file_that_cannot_be_used_is_told_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "miner.json").write_bytes(content)
    with pytest.raises(MinerError, match=words):
        read_miner(folder)


@pytest.mark.parametrize("bad", ["", "..", "a/b", "A", "con", "nul.txt", "com3", "x" * 60, "-a", "a.", "ä"])
def test_ids_that_are_no_folder_names_are_refused(bad: str) -> None:
    with pytest.raises(MinerError):
        check_id(bad)


def test_ports_are_free_and_not_another_miners() -> None:
    port = free_port(())
    assert 20_000 <= port <= 32_000
    assert free_port(set(range(20_000, 32_000)) - {port}) == port
    with pytest.raises(MinerError, match="No port"):
        free_port(range(20_000, 32_000))


def test_the_wish_survives_and_garbage_is_no_wish(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    wish = DesiredFile(path)
    wish.set(network="sandbox", sandbox=True)
    wish.set(network="finney")
    assert (DesiredFile(path).value.network, DesiredFile(path).value.sandbox) == ("finney", True)
    path.write_bytes(b"\xff\x00")
    assert DesiredFile(path).value.network == ""


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    first, second = InstanceLock(tmp_path / "a" / "lock"), InstanceLock(tmp_path / "a" / "lock")
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


@pytest.mark.skipif(os.name != "posix", reason="Unix sockets")
def test_a_long_home_gets_a_short_private_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    long = Paths.under(tmp_path / ("x" * 90) / "home")
    path = socket_path(long)
    assert len(str(path)) <= 104 or len(str(tmp_path)) > 60
    assert path.parent.stat().st_mode & 0o077 == 0
    assert socket_path(long) == path
    assert socket_path(Paths.under(tmp_path / ("x" * 90) / "other")) != path
    write_endpoint(long, Endpoint(1, 2.0, socket=str(path)))
    assert read_endpoint(long) == Endpoint(1, 2.0, socket=str(path))
    (long.agent / "endpoint.json").write_text("{")
    assert read_endpoint(long) is None


ROW = Payment(1, 0, 5, "5Hot", 0, 5, 7, None, "0x")


async def test_a_slow_listener_gets_the_newest_state_and_every_earning(tmp_path: Path) -> None:
    hub = Hub()
    sample = await Sampler(tmp_path).sample()
    with hub.subscribe() as slow:
        for step in range(50):
            hub.send(HardwareEvent(sample))
            hub.send(InstallEvent(InstallProgress("one", f"step {step}")))
            hub.send(EarningEvent((replace(ROW, block=step),)))
        hub.send(InstallEvent(InstallProgress("one", "end", finished=True)))
        got = []
        with pytest.raises(TimeoutError):
            while True:
                got.append(EVENT_DECODER.decode(await asyncio.wait_for(slow.next(), 0.05)))
        assert [event.rows[0].block for event in got if isinstance(event, EarningEvent)] == list(range(50))
        assert [event.progress.step for event in got if isinstance(event, InstallEvent)] == ["end"]
        assert sum(isinstance(event, HardwareEvent) for event in got) == 1
        assert hub.listeners == 1
    assert hub.listeners == 0


def test_every_command_has_its_own_name() -> None:
    assert len({command.__name__ for command in COMMANDS}) == len(COMMANDS)


def test_attention_is_worst_first_and_leaves_out_what_is_meant_to_be_off() -> None:
    chain = ChainView("sandbox", None, Level.WARN, "No new block for 40 s.")
    broken = BrokenMiner(Path("/x/one"), MinerError("Miner damaged", "miner.json is damaged.")).view(1.0)
    off = msgspec.structs.replace(broken, id="two", level=Level.OFF)
    found = attention(chain, [broken, off], [LedgerError("Disk full", "No space.", "Free some.")])
    assert [(one.level, one.title, one.miner_id) for one in found] == [
        (Level.BAD, "Disk full", None),
        (Level.BAD, "one: process", "one"),
        (Level.WARN, "Network", None),
    ]
    assert found[0].text == "No space. Free some."


async def test_a_sandbox_made_anew_gets_a_new_ledger_and_the_old_one_is_kept(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path)
    ledgers = Ledgers(paths)
    await ledgers.fit("sandbox", "0xaaaa")
    await ledgers.fit("sandbox", "0xaaaa")
    ledger = ledgers.get("sandbox")
    assert ledger is not None
    await ledger.add_payments([Payment(1, 0, 5, "5Hot", 0, 5, 7, None, "0x")])
    await ledgers.fit("sandbox", "0xbbbb")
    fresh = ledgers.get("sandbox")
    assert fresh is not None
    assert await fresh.payments() == ()
    await ledgers.close()
    old = Ledgers(paths)
    paths.network("old").mkdir()
    (paths.network("sandbox") / "ledger-aaaa.sqlite").replace(paths.ledger_file("old"))
    assert len(await (await old.open("old")).payments()) == 1
    await old.close()


def test_the_fake_chain_has_an_epoch_every_tempo() -> None:
    chain = FakeChain(tempo=10, height=25)
    assert asyncio.run(chain.last_epoch_block(1, chain.at(25))) == 20
