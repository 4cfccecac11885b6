"""The agent's miners: real keepers, a small real program, kills at every place. The chain is made up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from agent.agent_fakes import FakePrograms, House
from miners.test_keeper_upgrade import old_keeper
from programs.survivors import lives
from ranvier.agent.api import messages as m
from ranvier.core.errors import RanvierError, RecipeError
from ranvier.core.evidence import Level
from ranvier.miners.status import MinerState

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills by signal")


async def test_a_miners_whole_life(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    async with House(tmp_path) as house:
        view = await house.started(add())
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
            (add("two", netuid=70_000), "not a subnet"),
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
    view = await first.started(add())
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
        view = await house.started(add())
        keeper = json.loads((house.paths.miner("one") / "run" / "status.json").read_text())["keeper_pid"]
        os.kill(keeper, signal.SIGKILL)

        def kept_again(_: m.AgentStatus) -> bool:
            known = json.loads((house.paths.miner("one") / "run" / "status.json").read_text())
            return known["keeper_pid"] != keeper and psutil.pid_exists(known["keeper_pid"])

        status = await house.until(lambda s: kept_again(s) and s.miners[0].evidence[0].level is Level.GOOD)
        assert status.miners[0].pid == view.pid, "the miner went on under its new keeper"
        os.kill(view.pid or 0, signal.SIGKILL)
        status = await house.until(lambda s: s.miners[0].starts == 2 and s.miners[0].queries_answered is not None)
        assert status.miners[0].crashes == 1
        assert not status.miners[0].exits[-1].wanted
        await house.end()


async def test_a_newer_agent_replaces_old_keepers_and_the_miner_goes_on(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    first = House(tmp_path, keeper_of=old_keeper)
    await first.start()
    view = await first.started(add())
    old = old_keeper(first.paths.miner("one")).status()
    assert old.protocol == 1
    await first.client.close()
    await first.kill()
    async with House(tmp_path) as house:
        keeper = house.agent.miners.get("one").keeper
        status = await house.until(lambda s: keeper.status().protocol > 1 and s.miners[0].state is MinerState.RUNNING)
        assert (status.miners[0].pid, status.miners[0].starts, status.miners[0].crashes) == (view.pid, 1, 0)
        assert not lives(old.keeper_pid)
        await house.end()


async def test_wanted_miners_come_back_after_a_restart_of_the_machine(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    first = House(tmp_path)
    await first.start()
    view = await first.started(add())
    await first.client.close()
    await first.kill()
    keeper = json.loads((first.paths.miner("one") / "run" / "status.json").read_text())["keeper_pid"]
    for pid in (keeper, view.pid or 0):
        psutil.Process(pid).kill()
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    async with House(tmp_path) as house:
        status = await house.until(lambda s: s.miners[0].state is MinerState.RUNNING and s.miners[0].pid != view.pid)
        assert status.miners[0].wanted
        await house.end()


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
        await house.end()


async def test_a_damaged_miner_is_added_anew_and_its_file_is_kept(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    first = House(tmp_path)
    await first.start()
    view = await first.started(add())
    await first.client.close()
    await first.kill()
    file = first.paths.miner("one") / "miner.json"
    newer = json.dumps({**json.loads(file.read_text()), "version": 99})
    for damage in (b"{\x00", file.read_bytes()[:40]):
        file.write_bytes(damage)
        async with House(tmp_path) as house:
            status = await house.client.call(m.GetStatus())
            assert "damaged" in status.miners[0].evidence[0].text
            with pytest.raises(RanvierError, match="Add the miner again by the same name"):
                await house.client.call(m.StartMiner("one"))
            assert "is kept as miner.json.damaged-" in (await house.client.call(add())).text
            assert not psutil.pid_exists(view.pid or 0), "what ran by a file that nobody can read is ended"
            again = await house.started(add())
            assert again.wanted
            await house.end()
    kept = sorted(path.name for path in file.parent.glob("miner.json.*"))
    assert kept == ["miner.json.damaged-1", "miner.json.damaged-2"]
    assert (file.parent / kept[0]).read_bytes() == b"{\x00"
    file.write_text(newer)
    async with House(tmp_path) as house:
        with pytest.raises(RanvierError, match="version 99"):
            await house.client.call(add())
        assert file.read_text() == newer, "what a newer Ranvier wrote is not damaged"


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
        await house.end()


async def test_a_miner_that_its_keeper_has_just_started_is_not_refused_for_its_own_port(
    tmp_path: Path, add: Callable[..., m.AddMiner], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with House(tmp_path) as house:
        await house.client.call(m.StartSandbox())
        await house.client.call(m.UseNetwork("sandbox"))
        await house.client.call(add())
        await house.client.call(m.InstallMiner("one"))
        await house.client.call(m.StartMiner("one"))
        first = (await house.until(lambda s: s.miners[0].queries_answered is not None)).miners[0]
        miner = house.agent.miners.get("one")
        before = miner.observe()
        stopped = replace(before.status, state=MinerState.BACKING_OFF, pid=None)
        monkeypatch.setattr(miner, "_seen", replace(before, status=stopped, alive=False))  # as a round saw it before
        await house.client.call(m.StartMiner("one"))
        again = (await house.client.call(m.GetStatus())).miners[0]
        assert (again.axon_port, again.pid) == (first.axon_port, first.pid)
        await house.end()


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
        await house.end()


async def test_a_recipe_that_breaks_is_one_miners_problem(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    programs = FakePrograms()
    async with House(tmp_path, programs=programs) as house:
        view = await house.started(add())

        async def broken(*_: object) -> None:
            raise RecipeError("Recipe not valid", "recipe.toml, line 3: unknown key.")

        programs.health = broken
        status = await house.until(lambda s: "line 3" in s.miners[0].evidence[1].text)
        assert (status.miners[0].level, status.miners[0].state) == (Level.BAD, MinerState.RUNNING)
        assert status.miners[0].pid == view.pid
        await house.end()
