"""The whole agent over its real socket: network, ledger, sandbox, events. The chain is made up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.agent_fakes import ALICE, BOB, FakeChain, House
from ranvier.agent.api import messages as m
from ranvier.chain.model import StakePosition
from ranvier.core.errors import RanvierError, StorageError
from ranvier.core.evidence import Level
from ranvier.core.processes import ProcessIdentity
from ranvier.miners.status import MinerState

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills by signal")


async def test_a_fresh_agent_says_what_it_is_and_knows_nothing(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        status = await house.client.call(m.GetStatus())
        assert (status.pid, status.protocol, status.miners) == (os.getpid(), m.PROTOCOL, ())
        assert status.chain.level is Level.OFF
        mode = (house.paths.agent / "endpoint.json").stat().st_mode | house.paths.agent.stat().st_mode
        assert stat.S_IMODE(mode) & 0o077 == 0
        for command in (m.GetEarnings(), m.GetPortfolio(), m.WatchColdkeys(())):
            with pytest.raises(RanvierError, match="No network"):
                await house.client.call(command)
        with pytest.raises(RanvierError, match="no network"):
            await house.client.call(m.UseNetwork("moon"))
        assert (await house.client.call(m.GetHardware())).host.memory_total > 0
    with pytest.raises(RanvierError, match="not running"):
        await house.client.call(m.GetStatus())
    await house.client.close()
    assert not (house.paths.agent / "endpoint.json").exists()


async def test_earnings_travel_from_the_chain_to_rows_views_and_events(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    chain = FakeChain(height=33)
    async with House(tmp_path, chain) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        hotkey = (await house.client.call(m.GetStatus())).miners[0].hotkey_ss58
        events: list[m.Event] = []

        async def listen() -> None:
            async for event in house.client.events():
                events.append(event)

        listening = asyncio.get_running_loop().create_task(listen())
        chain.pay = {hotkey: 5_000, "5Somebody": 9}
        chain.seat(hotkey, registered=11)
        chain.height = 34
        earnings = await house.earned(2)
        assert [(row.block, row.alpha_rao) for row in earnings.rows] == [(30, 5_030), (20, 5_020)]
        assert [bucket.alpha_rao for bucket in earnings.buckets] == [5_020, 5_030]
        status = await house.until(lambda s: s.miners[0].last_paid_block == 30)
        assert status.miners[0].evidence[4].level is Level.GOOD
        assert (status.miners[0].earned_today_rao, status.miners[0].earned_7d_rao) == (0, 0), "paid in 1970"
        rows = [row.block for event in events if isinstance(event, m.EarningEvent) for row in event.rows]
        assert sorted(rows) == [20, 30]
        with pytest.raises(RanvierError, match="no bucket"):
            await house.client.call(m.GetEarnings("year"))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_watched_coldkeys_are_kept_and_their_own_hotkeys_are_noted(tmp_path: Path) -> None:
    alice, bob = ALICE, BOB
    chain = FakeChain(height=25)
    chain.stakes = [
        StakePosition("5Own", alice, 1, 100, None, None),
        StakePosition("5Lent", alice, 1, 100, None, None),
    ]
    chain.owners = {"5Own": alice, "5Lent": bob}
    chain.pay = {"5Own": 1, "5Lent": 2}
    async with House(tmp_path, chain) as house:
        await house.client.call(m.UseNetwork("test"))
        with pytest.raises(RanvierError, match="not an ss58"):
            await house.client.call(m.WatchColdkeys(("5nonsense",)))
        await house.client.call(m.WatchColdkeys((alice,)))
        await house.until(lambda s: s.chain.level is Level.GOOD)
        portfolio = await house.client.call(m.GetPortfolio())
        assert [one.ss58 for one in portfolio.balances] == [alice]
        assert len(portfolio.positions) == 2
        chain.height = 26
        earnings = await house.earned(1)
        assert {row.hotkey_ss58 for row in earnings.rows} == {"5Own"}
        await house.client.call(m.WatchColdkeys((bob,), beside=True))
        assert {one.ss58 for one in (await house.client.call(m.GetPortfolio())).balances} == {alice, bob}
        await house.client.call(m.WatchColdkeys((), beside=True, dropped=(bob,)))
    async with House(tmp_path, chain) as again:
        await again.until(lambda s: s.chain.level is Level.GOOD)
        assert [one.ss58 for one in (await again.client.call(m.GetPortfolio())).balances] == [alice]


async def test_the_first_status_names_the_chosen_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with House(tmp_path) as house:
        await house.client.call(m.UseNetwork("test"))

    async def later(_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("ranvier.agent.working_network.WorkingNetwork.run", later)
    async with House(tmp_path) as house:
        chain = (await house.client.call(m.GetStatus())).chain
        assert (chain.network, chain.level, chain.text) == ("test", Level.BUSY, "Connecting to the test network.")


async def test_own_files_that_cannot_be_read_are_told_and_told_no_more_when_they_can(tmp_path: Path) -> None:
    settings, state = tmp_path / "settings.toml", tmp_path / "agent" / "state.json"
    state.parent.mkdir()
    for path in (settings, state):
        path.write_bytes(b"\xff\x00 garbage")
    async with House(tmp_path, FakeChain(height=57)) as house:
        status = await house.until(lambda s: len(s.attention) == 2)
        assert {one.title for one in status.attention} == {"Settings unreadable", "Which network"}
        assert all("garbage" not in one.text and str(tmp_path) in one.text for one in status.attention)
        settings.unlink()
        await house.client.call(m.UseNetwork("test"))
        house.agent._limits()  # as at the next look at the hardware
        await house.until(lambda s: not s.attention)
    assert json.loads(state.read_bytes())["network"] == "test"


async def test_a_dead_endpoint_is_told_and_everything_else_goes_on(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    chain = FakeChain()
    chain.down = "Nobody answers at wss://example."
    async with House(tmp_path, chain) as house:
        view = await house.started(add())
        status = await house.until(lambda s: s.chain.level is Level.BAD)
        assert "Nobody answers" in status.chain.text
        assert status.miners[0].evidence[2].level is Level.UNKNOWN
        assert status.miners[0].evidence[0].level is Level.GOOD
        assert any(one.title == "Network" for one in status.attention)
        with pytest.raises(RanvierError, match="Nobody answers"):
            await house.client.call(m.GetPortfolio())
        chain.down = None
        await house.until(lambda s: s.chain.level is Level.GOOD)
        assert view.pid == (await house.client.call(m.GetStatus())).miners[0].pid
        await house.end()


async def test_a_damaged_ledger_of_the_practice_network_is_set_aside_and_kept(tmp_path: Path) -> None:
    ledger = tmp_path / "networks" / "sandbox" / "ledger.sqlite"
    ledger.parent.mkdir(parents=True)
    for number, garbage in enumerate((b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 9000), 1):
        ledger.unlink(missing_ok=True)
        ledger.write_bytes(garbage)
        ledger.with_name("ledger.sqlite-wal").write_bytes(b"of the damaged one")
        async with House(tmp_path) as house:
            await house.client.call(m.UseNetwork("sandbox"))
            await house.client.call(m.WatchColdkeys((ALICE,)))
            assert (await house.client.call(m.GetEarnings())).rows == ()
            await house.until(lambda s: s.chain.level is Level.GOOD and not s.attention)
            await house.end()
        assert ledger.with_name(f"ledger-damaged-{number}.sqlite").read_bytes() == garbage


async def test_a_ledger_that_cannot_be_opened_hides_nothing_else_and_heals(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    ledger = tmp_path / "networks" / "test" / "ledger.sqlite"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"this is no database" * 100)
    async with House(tmp_path) as house:
        await house.client.call(m.UseNetwork("test"))
        status = await house.until(lambda s: any("not a database" in one.text for one in s.attention))
        assert status.chain.network == "test"
        with pytest.raises(RanvierError, match="not a database"):
            await house.client.call(m.GetEarnings())
        await house.client.call(add())
        house.chain.seat((await house.client.call(m.GetStatus())).miners[0].hotkey_ss58)
        house.chain.height += 1
        status = await house.until(lambda s: s.miners[0].evidence[2].level is Level.GOOD)
        assert status.miners[0].evidence[4].level is Level.UNKNOWN
        ledger.unlink()
        await house.until(lambda s: not s.attention)
        assert (await house.client.call(m.GetEarnings())).rows == ()


async def test_the_sandbox_is_kept_and_its_axon_published(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        endpoint = (await house.client.call(m.StartSandbox())).text
        assert endpoint.startswith("ws://127.0.0.1:")
        await house.client.call(m.UseNetwork("sandbox"))
        await house.until(lambda s: s.chain.level is Level.GOOD)
        await house.client.call(add())
        done = await house.client.call(m.PublishAxon("one"))
        assert done.text == "0xfeed in block 5"
        status = json.loads((house.paths.network("sandbox") / "node" / "run" / "status.json").read_text())
        os.kill(status["pid"], signal.SIGKILL)
        os.kill(status["keeper_pid"], signal.SIGKILL)
        assert (await house.client.call(m.StartSandbox())).text == endpoint, "the port stays"
        assert (await house.client.call(m.GetStatus())).sandbox is True
        await house.client.call(m.StopSandbox())
        seen = await house.client.call(m.GetStatus())
        assert seen.chain.level is Level.OFF and seen.sandbox is False
        await house.client.call(m.UseNetwork("sandbox"))
        await house.until(lambda s: s.chain.level is Level.GOOD)
        await house.end()
    again = House(tmp_path)
    await again.start()
    status = await again.until(lambda s: s.chain.text == "The sandbox is stopped.")
    assert status.chain.network == "sandbox"
    await again.client.close()
    await again.stop()


async def test_what_was_earned_is_known_while_the_sandbox_is_stopped(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    made = FakeChain(height=33)
    async with House(tmp_path, made) as house:
        await house.client.call(m.UseNetwork("sandbox"))
        await house.client.call(add())
        hotkey = (await house.client.call(m.GetStatus())).miners[0].hotkey_ss58
        made.pay = {hotkey: 5_000}
        made.seat(hotkey, registered=11)
        made.height = 34
        await house.earned(2)
        await house.client.call(m.StopSandbox())
        await house.end()
    again = House(tmp_path, made)
    await again.start()
    status = await again.until(lambda s: s.miners and s.miners[0].last_paid_block == 30)
    assert status.chain.text == "The sandbox is stopped."
    assert (status.miners[0].earned_today_rao, status.miners[0].earned_7d_rao) == (0, 0), "paid in 1970"
    await again.client.close()
    await again.stop()


async def test_what_is_stopped_on_a_full_disk_stops_and_stays_so(
    tmp_path: Path, add: Callable[..., m.AddMiner], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("Disk full", "There is no space left.")

    async with House(tmp_path) as house:
        await house.client.call(m.UseNetwork("sandbox"))
        await house.until(lambda s: s.chain.level is Level.GOOD)
        await house.client.call(add())
        await house.client.call(m.InstallMiner("one"))
        await house.client.call(m.StartMiner("one"))
        status = json.loads((house.paths.network("sandbox") / "node" / "run" / "status.json").read_text())
        with monkeypatch.context() as disk:
            disk.setattr("ranvier.agent.miners.miner.write_miner", full)
            disk.setattr("ranvier.agent.desired.write_wish", full)
            for command in (m.StopMiner("one"), m.StopSandbox()):
                with pytest.raises(RanvierError, match="no space left"):
                    await house.client.call(command)
            assert not ProcessIdentity(status["pid"], status["pid_started"]).alive()
            await asyncio.sleep(2.0)  # some rounds
            seen = await house.client.call(m.GetStatus())
            assert seen.miners[0].state is MinerState.STOPPED
            assert seen.chain.level is Level.OFF
            assert not ProcessIdentity(status["keeper_pid"], status["keeper_started"]).alive()
        await house.client.call(m.StopMiner("one"))
        await house.client.call(m.StopSandbox())
        await house.client.call(m.StartMiner("one"))
        await house.client.call(m.StartSandbox())
        status = await house.until(lambda s: s.miners[0].state is MinerState.RUNNING and s.chain.level is Level.GOOD)
        with monkeypatch.context() as disk:
            disk.setattr("ranvier.agent.miners.miner.write_miner", full)
            with pytest.raises(RanvierError, match="no space left"):
                await house.client.call(m.StopAgent(everything=True))
            await asyncio.wait_for(house.ended(), 10)  # what it could not note does not keep it
        assert not ProcessIdentity(status.miners[0].pid or 0, status.miners[0].started_at or 0).alive()


async def test_events_begin_with_a_status_and_follow_changes(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        events = house.client.events()
        first = await anext(events)
        assert isinstance(first, m.StatusEvent)
        assert first.status.chain.network == ""
        await house.client.call(m.UseNetwork("test"))
        async for event in events:
            if isinstance(event, m.StatusEvent) and event.status.chain.network == "test":
                break
        await events.aclose()
        async for event in house.client.events():
            if isinstance(event, m.HardwareEvent):
                break
        history = await house.client.call(m.GetHardwareHistory(60))
        assert history.samples
        assert history.samples[0].host.memory_total > 0


async def test_what_is_not_a_command_is_refused_and_nothing_breaks(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await house.client.call(m.GetStatus())
        session = house.client._session
        assert session is not None
        async with session.post("http://agent/call/Nothing", data=b"{}") as answer:
            assert answer.status == 404
        async with session.post("http://agent/call/StartMiner", data=b'{"id": 3}') as answer:
            assert answer.status == 422
            assert "Not understood" in await answer.text()
        async with session.post("http://agent/call/StartMiner", data=b"\xff") as answer:
            assert answer.status == 422
        await house.client.call(m.GetStatus())


async def test_an_agent_that_is_told_to_end_while_something_changes_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A change that comes in the same moment must not swallow the end of the loop that tells of changes."""
    house = House(tmp_path)
    await house.start()
    agent = house.agent
    assert agent is not None
    close = agent._server.close

    async def closed_and_changed() -> None:
        await close()
        agent.changed()

    monkeypatch.setattr(agent._server, "close", closed_and_changed)
    await asyncio.sleep(0.5)  # the loop waits for the next change
    await house.client.close()
    await house.stop()
    assert "told again" not in caplog.text
