"""A miner whose card a benchmark has now waits, says so, and starts by itself; also over a kill of the agent."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.agent_fakes import FakePrograms, House, up
from agent.test_hardware_alerts import CARD, Cards
from hardware.test_diagnosis import sample
from ranvier.agent.api import messages as m
from ranvier.agent.miners.claims import CardTurns
from ranvier.benchmark.guard import RunningMiner, users_of
from ranvier.benchmark.lock import gpu_lock
from ranvier.core.evidence import Level
from ranvier.miners.states import ShownState

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a real small miner")
WAITS = "waits for the benchmark on GPU 0"


async def ready(house: House, add: Callable[..., m.AddMiner]) -> None:
    """A miner on GPU-1, installed and not started; the card was seen."""
    await house.client.call(m.UseNetwork("test"))
    await house.client.call(msgspec.structs.replace(add(), gpus=("GPU-1",)))
    await house.client.call(m.InstallMiner("one"))
    await house.client.call(m.GetHardware())


def waits(status: m.AgentStatus) -> bool:
    return status.miners[0].reason == WAITS


async def test_a_start_waits_for_the_benchmark_and_goes_on_by_itself(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    async with House(tmp_path, cards=Cards()) as house:
        await ready(house, add)
        with gpu_lock(house.paths.benchmarks / "locks", "GPU-1", "the benchmark"):
            await house.client.call(m.StartMiner("one"))
            status = await house.until(waits)
            (miner,) = status.miners
            assert (miner.shown, miner.wanted, miner.pid) == (ShownState.STARTING, True, None)
            assert (miner.evidence[0].level, miner.evidence[0].text) == (Level.BUSY, WAITS)
            assert not [one for one in status.attention if one.miner_id == "one"], "nothing is wrong"
            await house.client.call(m.StopMiner("one"))
            status = await house.until(lambda status: status.miners[0].shown is ShownState.STOPPED)
            assert not status.miners[0].wanted
            await house.client.call(m.StartMiner("one"))
            await house.until(waits)
        status = await house.until(lambda status: up(status.miners[0]), 25)
        assert not waits(status)
        with gpu_lock(house.paths.benchmarks / "locks", "GPU-1", "the benchmark"):
            before = status.miners[0].pid
            await house.client.call(m.RestartMiner("one"))  # it has its card already
            await house.until(lambda status: up(status.miners[0]) and status.miners[0].pid != before, 25)
        await house.end()


async def test_a_killed_agent_goes_on_waiting(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    house = House(tmp_path, cards=Cards())
    async with house:
        await ready(house, add)
        with gpu_lock(house.paths.benchmarks / "locks", "GPU-1", "the benchmark"):
            await house.client.call(m.StartMiner("one"))
            await house.until(waits)
            await house.kill()
            await house.client.close()
            await house.start()
            status = await house.until(lambda status: "waits for the benchmark" in status.miners[0].reason)
            assert status.miners[0].pid is None
        await house.until(lambda status: up(status.miners[0]), 25)
        await house.end()


async def test_a_miner_without_a_chosen_card_is_waited_for_where_its_recipe_asks_for_one(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    programs = FakePrograms()
    async with House(tmp_path, cards=Cards(), programs=programs) as house:
        for asks in (False, True):
            programs.asks_gpu = asks
            if not asks:
                await house.client.call(m.UseNetwork("test"))
                await house.client.call(add())
            await house.client.call(m.InstallMiner("one"))
            await house.client.call(m.StartMiner("one"))
            status = await house.until(lambda status: up(status.miners[0]), 25)
            (miner,) = status.miners
            assert (miner.gpus, miner.uses_gpu) == ((), asks)
            running = RunningMiner(miner.id, miner.name, False, any_gpu=miner.uses_gpu and not miner.gpus)
            assert (users_of([running], ("GPU-1",)) == miner.name) == asks
            await house.client.call(m.StopMiner("one"))
            await house.until(lambda status: status.miners[0].pid is None, 25)
        await house.end()


def test_a_part_of_the_card_waits_too_and_an_unknown_card_is_not_numbered(tmp_path: Path) -> None:
    part = replace(CARD, uuid="MIG-a", parent_uuid="GPU-1", name="MIG")
    other = replace(CARD, uuid="GPU-2", index=1)
    turns = CardTurns(tmp_path, lambda: sample(CARD, part, other))
    assert turns.wait_reason(("MIG-a",)) is None and turns.wait_reason(()) is None
    with gpu_lock(tmp_path, "GPU-1", "the benchmark"):
        assert turns.wait_reason(("MIG-a",)) == WAITS == turns.wait_reason(())
        assert turns.wait_reason(("GPU-2",)) is None
        assert CardTurns(tmp_path, lambda: None).wait_reason(("GPU-1",)) == "waits for the benchmark on its GPU"
