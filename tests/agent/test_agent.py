"""The whole agent over its real socket, with real keepers and a small real program; the chain is made up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from agent.agent_fakes import PHRASE, FakeChain, FakePrograms, House
from ranvier.agent import messages as m
from ranvier.chain.model import StakePosition
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.keys import wallets
from ranvier.miners.status import MinerState

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills by signal")


@pytest.fixture(scope="session")
def wallet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wallet; argon2 is slow on purpose, so it is made once."""
    folder = tmp_path_factory.mktemp("wallets")
    asyncio.run(wallets.create_wallet(folder, "alice", PHRASE, "correct horse", "miner", WORDS))
    return folder


@pytest.fixture
def add(wallet: Path) -> Callable[..., m.AddMiner]:
    def make(miner_id: str = "one", **changes: object) -> m.AddMiner:
        values = {
            "id": miner_id, "name": miner_id.title(), "recipe": "axon", "netuid": 1, "wallet_path": str(wallet),
            "wallet_name": "alice", "hotkey_name": "miner",
        }  # fmt: skip
        return m.AddMiner(**{**values, **changes})

    return make


async def started(house: House, command: m.AddMiner) -> m.MinerView:
    """A miner of ``house`` that runs and answers."""
    await house.client.call(m.UseNetwork("test"))
    await house.client.call(command)
    await house.client.call(m.InstallMiner(command.id))
    await house.client.call(m.StartMiner(command.id))
    status = await house.until(lambda status: up(status.miners[0]))
    return status.miners[0]


def up(view: m.MinerView) -> bool:
    return view.state is MinerState.RUNNING and view.queries_answered is not None


async def end(house: House) -> None:
    await house.client.call(m.StopAgent(everything=True))
    await house.stop()


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


async def test_a_miners_whole_life(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        view = await started(house, add())
        assert view.state is MinerState.RUNNING
        assert view.wanted
        assert view.installed
        assert psutil.pid_exists(view.pid or 0)
        house.chain.seat(view.hotkey_ss58)
        house.chain.height += 1
        status = await house.until(lambda s: s.miners[0].neuron is not None)
        assert [one.level for one in status.miners[0].evidence[:3]] == [Level.GOOD] * 3
        assert status.miners[0].level is not Level.GOOD, "nobody asked it yet"
        # The miner sees its hotkey and the public half of its coldkey, nothing else.
        seen = {str(p.relative_to(house.paths.miner("one") / "wallet")) for p in tmp_path.rglob("wallet/**/*")}
        assert seen == {
            "alice", "alice/coldkeypub.txt", "alice/hotkeys", "alice/hotkeys/miner", "alice/hotkeys/minerpub.txt"
        }  # fmt: skip
        log = await house.client.call(m.GetLog("one"))
        assert f"axon listening on {view.axon_port}" in [line.text for line in log.lines]
        await house.client.call(m.RestartMiner("one"))
        again = await house.until(lambda s: s.miners[0].pid not in (None, view.pid))
        assert again.miners[0].axon_port == view.axon_port
        await house.client.call(m.StopMiner("one"))
        status = await house.client.call(m.GetStatus())
        assert (status.miners[0].state, status.miners[0].level) == (MinerState.STOPPED, Level.OFF)
        assert not psutil.pid_exists(again.miners[0].pid or 0)
        await house.client.call(m.RemoveMiner("one"))
        assert (await house.client.call(m.GetStatus())).miners == ()
        assert not house.paths.miner("one").exists()


async def test_adding_twice_is_harmless_and_twins_are_refused(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        port = (await house.client.call(m.GetStatus())).miners[0].axon_port
        assert "already" in (await house.client.call(add())).text
        status = await house.client.call(m.GetStatus())
        assert (len(status.miners), status.miners[0].axon_port) == (1, port)
        for command, words in (
            (add("two"), "already mines with this hotkey"),
            (add("one", netuid=2), "another miner"),
            (add("../x"), "cannot be a miner"),
            (add("two", recipe="nothing"), "no recipe"),
            (add("two", wallet_name="bob"), "bob"),
            (m.StartMiner("one"), "no environment"),
            (m.StartMiner("none"), "no miner"),
            (m.GetLog("none"), "no miner"),
        ):
            with pytest.raises(RanvierError, match=words):
                await house.client.call(command)
        assert len((await house.client.call(m.GetStatus())).miners) == 1
        assert not list(house.paths.miners.glob("two/**/hotkeys/*")), "no key is copied for a miner that is refused"


async def test_a_killed_agents_miner_goes_on_and_is_shown_again(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    first = House(tmp_path)
    await first.start()
    view = await started(first, add())
    await first.client.close()
    await first.kill()
    assert psutil.pid_exists(view.pid or 0)
    async with House(tmp_path) as house:
        status = await house.until(lambda s: s.miners and s.miners[0].state is MinerState.RUNNING)
        assert (status.miners[0].pid, status.miners[0].starts) == (view.pid, 1)
        assert status.chain.network == "test"
        await house.client.call(m.StopAgent(everything=True))
    assert not psutil.pid_exists(view.pid or 0)


async def test_killed_keeper_and_killed_miner_come_back(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        view = await started(house, add())
        keeper = json.loads((house.paths.miner("one") / "run" / "status.json").read_text())["keeper_pid"]
        os.kill(keeper, signal.SIGKILL)
        await house.until(lambda s: s.miners[0].evidence[0].level is Level.WARN or s.miners[0].starts > 1)

        def kept_again(_: m.AgentStatus) -> bool:
            known = json.loads((house.paths.miner("one") / "run" / "status.json").read_text())
            return known["keeper_pid"] != keeper and psutil.pid_exists(known["keeper_pid"])

        status = await house.until(lambda s: kept_again(s) and s.miners[0].evidence[0].level is Level.GOOD)
        assert status.miners[0].pid == view.pid, "the miner went on under its new keeper"
        os.kill(view.pid or 0, signal.SIGKILL)
        status = await house.until(lambda s: s.miners[0].starts == 2 and s.miners[0].queries_answered is not None)
        assert status.miners[0].crashes == 1
        assert not status.miners[0].exits[-1].wanted
        await end(house)


async def test_wanted_miners_come_back_after_a_restart_of_the_machine(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    first = House(tmp_path)
    await first.start()
    view = await started(first, add())
    await first.client.close()
    await first.kill()
    keeper = json.loads((first.paths.miner("one") / "run" / "status.json").read_text())["keeper_pid"]
    for pid in (keeper, view.pid or 0):
        psutil.Process(pid).kill()
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    async with House(tmp_path) as house:
        status = await house.until(lambda s: s.miners[0].state is MinerState.RUNNING and s.miners[0].pid != view.pid)
        assert status.miners[0].wanted
        await end(house)


async def test_garbage_in_one_miners_file_leaves_the_others(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    bad = tmp_path / "miners" / "bad"
    bad.mkdir(parents=True)
    (bad / "miner.json").write_bytes(b"{\x00")
    (tmp_path / "miners" / "empty").mkdir()
    async with House(tmp_path) as house:
        status = await house.client.call(m.GetStatus())
        assert [(v.id, v.level, v.state) for v in status.miners] == [("bad", Level.BAD, MinerState.UNKNOWN)]
        assert any("damaged" in one.text and one.miner_id == "bad" for one in status.attention)
        with pytest.raises(RanvierError, match="damaged"):
            await house.client.call(m.StartMiner("bad"))
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add("good"))
        await house.client.call(m.InstallMiner("good"))
        await house.client.call(m.StartMiner("good"))
        await house.until(lambda s: s.miners[1].state is MinerState.RUNNING)
        await house.client.call(m.RemoveMiner("bad"))
        assert [v.id for v in (await house.client.call(m.GetStatus())).miners] == ["good"]
        await end(house)


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
    alice, bob = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
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
    async with House(tmp_path, chain) as again:
        await again.until(lambda s: s.chain.level is Level.GOOD)
        assert [one.ss58 for one in (await again.client.call(m.GetPortfolio())).balances] == [alice]


async def test_a_dead_endpoint_is_told_and_everything_else_goes_on(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    chain = FakeChain()
    chain.down = "Nobody answers at wss://example."
    async with House(tmp_path, chain) as house:
        view = await started(house, add())
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
        await end(house)


async def test_a_ledger_that_cannot_be_opened_needs_attention_and_heals(tmp_path: Path) -> None:
    ledger = tmp_path / "networks" / "test" / "ledger.sqlite"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"this is no database" * 100)
    async with House(tmp_path) as house:
        await house.client.call(m.UseNetwork("test"))
        status = await house.until(lambda s: any("not a database" in one.text for one in s.attention))
        assert status.chain.network == "test"
        with pytest.raises(RanvierError, match="not open"):
            await house.client.call(m.GetEarnings())
        ledger.unlink()
        await house.until(lambda s: not s.attention)
        assert (await house.client.call(m.GetEarnings())).rows == ()


async def test_installing_is_told_joined_and_its_failure_said(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    programs = FakePrograms()
    programs.hold_install.clear()
    async with House(tmp_path, programs=programs) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        steps: list[m.InstallProgress] = []

        async def listen() -> None:
            async for event in house.client.events():
                if isinstance(event, m.InstallEvent):
                    steps.append(event.progress)

        loop = asyncio.get_running_loop()
        listening = loop.create_task(listen())
        await asyncio.sleep(0.1)
        both = [loop.create_task(house.client.call(m.InstallMiner("one"))) for _ in range(2)]
        await house.until(lambda _: bool(steps))
        assert (steps[0].step, steps[0].done, steps[0].total) == ("Downloading", 1, 2)
        programs.fail_install = "The download broke half way."
        programs.hold_install.set()
        for result in await asyncio.gather(*both, return_exceptions=True):
            assert "broke half way" in str(result)
        assert programs.installs == 1
        programs.fail_install = None
        await house.client.call(m.InstallMiner("one"))
        assert (await house.client.call(m.GetStatus())).miners[0].installed
        await asyncio.sleep(0.05)
        assert [step.error for step in steps if step.finished] == ["The download broke half way.", None]
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_program_that_cannot_run_is_told(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path, programs=FakePrograms([str(tmp_path / "nothing")])) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        await house.client.call(m.InstallMiner("one"))
        with pytest.raises(RanvierError, match="not started"):
            await house.client.call(m.StartMiner("one"))
        status = await house.until(lambda s: s.miners[0].state is MinerState.FAILED)
        assert status.miners[0].level is Level.BAD
        assert any(one.miner_id == "one" for one in status.attention)
        await end(house)


async def test_a_port_that_is_taken_is_left_for_another(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        await house.client.call(m.InstallMiner("one"))
        port = (await house.client.call(m.GetStatus())).miners[0].axon_port
        other = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
        await house.client.call(m.StartMiner("one"))
        status = await house.until(lambda s: s.miners[0].queries_answered is not None)
        assert status.miners[0].axon_port != port
        other.close()
        await other.wait_closed()
        await end(house)


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
        await house.client.call(m.StopSandbox())
        assert (await house.client.call(m.GetStatus())).chain.level is Level.OFF
        await house.client.call(m.UseNetwork("sandbox"))
        await house.until(lambda s: s.chain.level is Level.GOOD)
        await end(house)
    again = House(tmp_path)
    await again.start()
    status = await again.until(lambda s: s.chain.text == "The sandbox is stopped.")
    assert status.chain.network == "sandbox"
    await again.client.close()
    await again.stop()


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
