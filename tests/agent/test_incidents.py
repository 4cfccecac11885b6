"""Why a miner failed: found by real facts, said once, gone when it is well. The miner is a real program."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agent.agent_fakes import FakePrograms, House
from ranvier.agent.api import messages as m
from ranvier.agent.miners.claims import refuse_shared
from ranvier.agent.miners.evidence import SeatSeen
from ranvier.agent.miners.incidents import Around, Incident, began, gather, key_of, refused
from ranvier.agent.miners.miner_file import MinerFile
from ranvier.agent.miners.usage import cards_text, gpu_of
from ranvier.core.errors import MinerError
from ranvier.core.evidence import Level
from ranvier.hardware.snapshot import Gpu, GpuProcess, Hardware, Host
from ranvier.miners.diagnosis import ACTIONS, Diagnoser
from ranvier.miners.logs.logs import LogLine
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, KeeperStatus, MinerState

MINER = MinerFile(
    id="one", name="One", recipe="mine", network="test", netuid=1, wallet_path="/w", wallet_name="alice",
    hotkey_name="h", hotkey_ss58="5Hot", coldkey_ss58="5Cold", axon_port=20_001,
)  # fmt: skip
NOW = 1_800_000_000.0


def ended(at: float = NOW, code: int = 1, ran_s: float = 2.0, wanted: bool = False) -> ExitRecord:
    return ExitRecord(at, code, None, wanted, ran_s)


def status(*exits: ExitRecord, state: MinerState = MinerState.BACKING_OFF, reason: str = "") -> KeeperStatus:
    reason = reason or f"ended with code 1 after 2.0 s; crash {len(exits)} in a row"
    return KeeperStatus(state, reason, NOW, 10, 1.0, exits=exits, crashes=len(exits))


def test_every_action_has_a_button_or_none() -> None:
    from ranvier.agent.miners.incidents import LABELS

    assert set(LABELS) == set(ACTIONS)


def test_what_the_system_refused_is_not_taken_for_an_end() -> None:
    said = "/nowhere/python does not exist"
    assert refused(status(state=MinerState.FAILED, reason=said)) == said
    assert refused(status(reason=f"{said}; crash 2 in a row")) == said
    assert (
        refused(status(state=MinerState.FAILED, reason=f"given up after 13 crashes in a row; the last time it {said}"))
        == said
    )
    assert refused(status(ended())) is None
    given_up = "given up after 13 crashes in a row; the last time it ended with code 1 after 2.0 s"
    assert refused(status(ended(), state=MinerState.FAILED, reason=given_up)) is None


def test_an_incident_begins_after_a_long_run_or_an_asked_end() -> None:
    assert began(()) is None
    assert began((ended(1.0), ended(2.0, wanted=True), ended(3.0), ended(4.0))) == 3.0
    assert began((ended(1.0), ended(2.0, ran_s=4000.0), ended(3.0))) == 2.0
    assert began((ended(1.0, wanted=True),)) is None


def test_the_same_cause_again_is_the_same_incident(tmp_path: Path) -> None:
    incident = Incident(tmp_path, Diagnoser())
    around = Around(MINER, None, None, frozenset())
    first = status(ended(NOW))
    assert incident.due(first)
    assert incident.tell(first, *incident.explain(first, around))
    told = incident.view
    assert told is not None
    assert not incident.due(first), "it is explained"
    second = status(ended(NOW), ended(NOW + 10))
    assert incident.due(second)
    assert not incident.tell(second, *incident.explain(second, around)), "no news"
    assert incident.view is not None
    assert (incident.view.ends, key_of("one", incident.view)) == (2, key_of("one", told))
    assert not incident.look(ShownState.STARTING, wanted=True, well_s=None), "starting again is not well again"
    assert incident.look(ShownState.HEALTHY, wanted=True, well_s=1.0)
    assert incident.view is None


def test_the_sandbox_is_started_rather_than_another_endpoint_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (LogLine(NOW, "err", "ConnectionRefusedError: could not connect to ws://127.0.0.1:9944"),)
    monkeypatch.setattr("ranvier.agent.miners.incidents.tail", lambda *_: (said, 1))
    for network, action in (("test", "change_endpoint"), ("sandbox", "start_sandbox")):
        file = msgspec.structs.replace(MINER, network=network)
        _mark, found = Incident(tmp_path, Diagnoser()).explain(
            status(ended()), Around(file, None, "no answer", frozenset())
        )
        assert (found.cause, found.action) == ("endpoint_down", action)


def test_nothing_is_claimed_of_an_unknown_end(tmp_path: Path) -> None:
    incident = Incident(tmp_path, Diagnoser())
    one = status(ended())
    incident.tell(one, *incident.explain(one, Around(MINER, None, None, frozenset())))
    assert incident.view is not None
    assert not incident.view.known
    assert "does not know why" in incident.view.sentence


def test_facts_of_the_chain_are_only_used_while_it_answers(tmp_path: Path) -> None:
    seat = SeatSeen(None, 77, NOW)
    known = gather(tmp_path, status(ended()), Around(MINER, seat, None, frozenset()))
    assert (known.registered, known.endpoint_up) == (False, True)
    assert "block 77" in known.registration
    lost = gather(tmp_path, status(ended()), Around(MINER, seat, "No answer.", frozenset()))
    assert (lost.registered, lost.endpoint_up, lost.endpoint) == (None, False, "No answer.")
    unseen = gather(tmp_path, status(ended()), Around(MINER, None, None, frozenset()))
    assert (unseen.registered, unseen.endpoint_up) == (None, None)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"hotkey_ss58": "5Hot", "axon_port": 1}, "with this hotkey"),
        ({"hotkey_ss58": "5Else", "axon_port": 20_001}, "port 20001"),
        ({"hotkey_ss58": "5Else", "axon_port": 1, "gpus": ("GPU-a", "GPU-b")}, "GPU-a"),
    ],
)
def test_one_owner_for_each_hotkey_port_and_card(other: dict, words: str) -> None:

    mine = msgspec.structs.replace(MINER, gpus=("GPU-a",))
    theirs = msgspec.structs.replace(MINER, id="two", name="Two", **other)
    with pytest.raises(MinerError, match=words) as raised:
        refuse_shared(mine, [(mine, True), (theirs, True)])
    assert "Two" in raised.value.message
    assert raised.value.hint
    refuse_shared(mine, [(theirs, False)])  # it neither runs nor should
    refuse_shared(mine, [(msgspec.structs.replace(theirs, network="finney", axon_port=1, gpus=()), True)])


@pytest.mark.skipif(os.name != "posix", reason="signals")
async def test_a_crashing_miner_is_explained_once_and_shown_in_its_log(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = "OSError: [Errno 98] error while attempting to bind on address "
        told += f"('127.0.0.1', {port}): address already in use"
        command = [sys.executable, "-c", f"import sys; sys.stderr.write({told!r} + chr(10)); sys.exit(1)"]
        async with House(tmp_path, programs=FakePrograms(command)) as house:
            await house.client.call(m.UseNetwork("test"))
            await house.client.call(add())
            await house.client.call(m.InstallMiner("one"))
            await house.client.call(m.StartMiner("one"))
            seen = await house.until(lambda s: s.miners[0].diagnosis is not None)
            why = seen.miners[0].diagnosis
            assert why is not None
            assert why.cause == "port_in_use"
            assert f"Port {port} is in use by" in why.sentence
            assert str(os.getpid()) in why.sentence
            assert any(told[:40] in line for line in why.evidence)
            assert why.label
            assert seen.miners[0].shown in (ShownState.BACKING_OFF, ShownState.STARTING)
            again = await house.until(lambda s: s.miners[0].crashes >= 3 and s.miners[0].diagnosis.ends >= 2)
            mine = [one for one in again.attention if one.miner_id == "one"]
            keys = [one.key for one in mine if one.key]
            assert len(keys) == 1, "one incident is one entry"
            assert not [one for one in mine if "process" in one.title], mine
            assert keys[0] == next(one.key for one in seen.attention if one.key)
            answer = await house.client.call(m.WhyMiner("one"))
            assert answer.diagnosis is not None
            assert answer.exits[-1].code == 1
            history = await house.client.call(m.GetMinerHistory("one", 0.0))
            assert [one.text for one in history.moments if one.kind == "incident"] == [why.sentence], "told once"
            place = await house.client.call(m.LogCrash("one"))
            assert place.position is not None
            page = await house.client.call(m.ReadLog("one", before=place.position))
            assert any(told[:40] in line.text for line in page.lines)
            hits = await house.client.call(m.SearchLog("one", r"Errno \d+"))
            assert len(hits.lines) >= 2
            assert all(line.position is not None for line in hits.lines)
            with pytest.raises(Exception, match="cannot be searched"):
                await house.client.call(m.SearchLog("one", "("))
            await house.client.call(m.StopMiner("one"))
            calm = await house.until(lambda s: s.miners[0].diagnosis is None)
            assert calm.miners[0].level is Level.OFF
            await house.end()


async def test_a_bundle_is_shown_before_it_is_stored(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    secret = "hf_" + "a1b2c3d4" * 4
    command = [sys.executable, "-c", f"print('token is {secret}', flush=True); import time; time.sleep(60)"]
    async with House(tmp_path, programs=FakePrograms(command)) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        await house.client.call(m.InstallMiner("one"))
        await house.client.call(m.StartMiner("one"))
        end = time.monotonic() + 10
        preview = await house.client.call(m.ExportLogs("one"))
        while not any(cut.file == "log.txt" for cut in preview.cuts) and time.monotonic() < end:
            preview = await house.client.call(m.ExportLogs("one"))
        assert preview.path == ""
        assert "log.txt" in [cut.file for cut in preview.cuts]
        assert not [cut for cut in preview.cuts if secret in cut.sample]
        target = tmp_path / "out.zip"
        stored = await house.client.call(m.ExportLogs("one", str(target)))
        assert stored.path == str(target)
        assert target.stat().st_size > 0
        for path, words in (("relative.zip", "whole path"), (str(tmp_path), "folder")):
            with pytest.raises(Exception, match=words):
                await house.client.call(m.ExportLogs("one", path))
        await house.end()


async def test_a_port_chosen_by_a_person_is_not_exchanged(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        await house.client.call(m.UseNetwork("test"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            taken.listen()
            with pytest.raises(Exception, match=f"Port {port} is in use by"):
                await house.client.call(add(axon_port=port))
        await house.client.call(add(axon_port=port))
        await house.client.call(m.InstallMiner("one"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            taken.listen()
            with pytest.raises(Exception, match="was chosen for it, is in use by"):
                await house.client.call(m.StartMiner("one"))
            await house.client.call(m.ChangeMiner("one", axon_port=0))
            await house.client.call(m.StartMiner("one"))
        done = await house.until(lambda s: s.miners[0].shown is ShownState.HEALTHY)
        assert done.miners[0].axon_port != port
        await house.end()


def test_cards_are_evidence_as_far_as_they_are_known() -> None:
    host = Host("x", "y", None, None, 1, None, None, 1, 1, None, None, None, None, None, None, 1.0)
    cards = (
        Gpu("GPU-a", "RTX 4090", 0, memory_total=24 << 30, memory_used=23 << 30, utilization_percent=90, pids=(7,),
            processes=(GpuProcess(7, 20 << 30), GpuProcess(8, 1 << 30))),
        Gpu("GPU-b", "RTX 3060", 1, utilization_percent=5),
    )  # fmt: skip
    sample = Hardware(1.0, host, cards)
    assert cards_text(sample, ()) == "RTX 4090: 23.0 of 24.0 GiB used"
    assert cards_text(sample, ("GPU-b",)) is None
    assert gpu_of(sample, (), (7,)) == (90.0, 20 << 30)
    assert gpu_of(sample, ("GPU-b",), (7,)) == (5.0, 20 << 30)
    assert gpu_of(sample, (), (9,)) == (None, None), "not known is not nothing"


async def test_a_miner_that_runs_without_a_seat_is_told_until_it_has_one(
    tmp_path: Path, add: Callable[..., m.AddMiner], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evicted, or never registered: it goes on and looks well, and earns nothing."""
    monkeypatch.setattr("ranvier.agent.miners.miners._SEATS_EVERY_S", 0.0)
    async with House(tmp_path / "home") as house:
        await house.started(add())
        house.chain.height += 1
        told = await house.until(lambda s: s.miners[0].diagnosis is not None)
        found = told.miners[0].diagnosis
        assert (found.cause, found.action, found.known) == ("no_seat", "register", True) and found.evidence
        mine = [one for one in told.attention if one.miner_id == "one"]
        assert [one.title.partition(" ")[2] for one in mine] == ["runs without a seat"] and mine[0].key
        assert (await house.client.call(m.WhyMiner("one"))).diagnosis.cause == "no_seat"
        house.chain.seat(told.miners[0].hotkey_ss58)
        house.chain.height += 1
        await house.until(lambda s: s.miners[0].diagnosis is None)
        house.chain.neurons.clear()
        house.chain.height += 1
        await house.until(lambda s: s.miners[0].diagnosis is not None)
        await house.client.call(m.StopMiner("one"))
        assert (await house.client.call(m.GetStatus())).miners[0].diagnosis is None, "what rests burns nothing"
        await house.end()
