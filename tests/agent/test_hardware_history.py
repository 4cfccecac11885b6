"""What the agent keeps of the cards: who ran on them then, and any part of the past as it is asked for."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.agent_fakes import House, NoCards
from agent.test_hardware_alerts import CARD, Cards
from hardware.test_diagnosis import GOOD, sample
from ranvier.agent.api import messages as m
from ranvier.agent.hardware_watch import with_miners
from ranvier.core.settings import ALERT_CARD_LOST, GPU_HOT_C, Settings
from ranvier.hardware.alerts import Alerts
from ranvier.hardware.diagnosis import Surroundings
from ranvier.hardware.packing import pack
from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Hardware
from ranvier.hardware.thresholds import Thresholds


class Counted(NoCards):
    def __init__(self) -> None:
        self.reads = self.closes = 0

    def read(self) -> GpuReading:
        self.reads += 1
        return super().read()

    def close(self) -> None:
        self.closes += 1


async def test_any_part_of_the_past_is_told_as_asked_and_what_is_unreadable_is_left_out(tmp_path: Path) -> None:
    async with House(tmp_path, cards=NoCards()) as house:
        now = time.time()
        for back in range(7000, 0, -10):
            await house.agent.samples.add(now - back, pack(sample(GOOD, at=now - back)))
        await house.agent.samples.add(now - 5001.5, b'{"at": "of another version"}')

        async def told(seconds: int, until: float | None, points: int = 1000) -> list[int]:
            found = await house.client.call(m.GetHardwareHistory(seconds, until, points))
            return [round(now - one.at) for one in found.samples]

        part = await told(1000, now - 5000)
        assert part[0] == 6000 and part[-1] == 5000 and part == sorted(part, reverse=True), "both ends, oldest first"
        assert {before - after for before, after in pairwise(part)} == {10}
        assert 9 <= len(await told(1000, now - 5000, points=10)) <= 11, "few points for a long time"
        assert (await told(60, None))[-1] <= 10, "without an end: until now"
        assert await told(600, now - 20_000) == []
        assert await told(-5, now - 5000) == [5000], "a time that ends before it begins is the moment of its end"
        assert 14 <= len(await told(10**6, now, points=10**9)) <= 16, "never more than two thousand slots"


@pytest.mark.skipif(os.name != "posix", reason="a real small miner")
async def test_a_sample_knows_the_miners_on_each_card_by_their_processes(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    cards = Cards()
    other = replace(CARD, uuid="GPU-2", index=1)
    cards.reading = GpuReading((CARD, other), "580")
    async with House(tmp_path, cards=cards) as house:
        view = await house.started(add())
        cards.reading = GpuReading((replace(CARD, pids=(view.pid,)), replace(other, pids=(1,))), "580")
        kept: tuple[Hardware, ...] = ()
        end = time.monotonic() + 20
        with house.agent.hub.subscribe():  # a window is open: the miners are measured often
            while not kept:
                await house.client.call(m.GetHardware())  # and somebody looks: so are the cards
                history = await house.client.call(m.GetHardwareHistory(60))
                kept = tuple(one for one in history.samples if one.gpus and one.gpus[0].miners)
                assert time.monotonic() < end
                await asyncio.sleep(0.2)
        assert [gpu.miners for gpu in kept[0].gpus] == [("one",), ()]
        await house.end()


async def test_cards_are_read_only_while_somebody_looks_or_a_miner_should_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add: Callable[..., m.AddMiner]
) -> None:
    monkeypatch.setattr("ranvier.agent.hardware_watch._LOOKED_S", 2.5)
    monkeypatch.setattr("ranvier.agent.hardware_watch._IDLE_S", 0.2)
    cards = Counted()
    async with House(tmp_path, cards=cards) as house:
        await asyncio.sleep(0.5)
        assert cards.reads == 0, "nobody is there"
        with house.agent.hub.subscribe():
            await until(lambda: cards.reads == 1 and cards.closes >= 1)
            closed = cards.closes
            await asyncio.sleep(0.6)
            assert (cards.reads, cards.closes) == (1, closed), "a window that is open elsewhere gets one sample"
            await house.client.call(m.GetHardware())
            await until(lambda: cards.reads >= 3)
            await until(lambda: cards.closes > closed)
            seen = cards.reads
            await asyncio.sleep(0.6)
            assert cards.reads == seen, "nobody looks any more, and the driver was let go"
            kept = (await house.client.call(m.GetHardwareHistory(60))).samples
            assert len(kept) >= 2, "what was sampled while somebody looked is kept"
            await house.client.call(m.UseNetwork("test"))
            await house.client.call(add())
            await asyncio.sleep(0.6)
            assert cards.reads == seen, "a miner that should not run is no reason"
            await house.client.call(m.GetMinerHistory("one", time.time() - 60))
            await until(lambda: cards.reads >= seen + 2)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(300):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come")


def test_who_is_on_a_card_by_what_it_was_given_and_only_while_it_runs() -> None:
    def miner(name: str, gpus: tuple[str, ...], pids: tuple[int, ...]) -> SimpleNamespace:
        return SimpleNamespace(file=SimpleNamespace(id=name, gpus=gpus), pids=pids)

    given, stopped, seen = miner("given", ("GPU-1",), (5,)), miner("stopped", ("GPU-1",), ()), miner("seen", (), (7, 8))
    two = replace(GOOD, uuid="GPU-2", pids=(8, 9))
    found = with_miners(sample(replace(GOOD, pids=None), two), (given, stopped, seen))
    assert [gpu.miners for gpu in found.gpus] == [("given",), ("seen",)]


async def test_where_a_threshold_was_set_a_glance_goes_on_without_a_miner_and_lets_go_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("_IDLE_S", 0.05), ("_GLANCE_S", 0.2), ("_UNWATCHED_S", 0.1)):
        monkeypatch.setattr(f"ranvier.agent.hardware_watch.{name}", seconds)
    cards = Counted()
    async with House(tmp_path, cards=cards) as house:
        await asyncio.sleep(0.6)
        assert cards.reads == 0, "nobody asked to be told of anything"
        Settings(house.paths.settings_file).set(GPU_HOT_C, 0)
        Settings(house.paths.settings_file).set(ALERT_CARD_LOST, False)
        await asyncio.sleep(0.4)
        assert cards.reads == 0, "to be told less is no wish to be told"
        Settings(house.paths.settings_file).set(GPU_HOT_C, 80)
        end = time.monotonic() + 10
        while cards.reads < 3 or cards.closes < 3:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        assert cards.closes >= cards.reads - 1, "between two glances a laptop's card may fall asleep"


def test_something_that_is_about_to_be_told_is_looked_at_again_soon() -> None:
    alerts, limits = Alerts(), Thresholds(hot_c=80)
    hot = replace(GOOD, temperature_c=90)
    alerts.look(sample(GOOD, at=1000.0), Surroundings(), limits)
    assert not alerts.waiting
    alerts.look(sample(hot, at=1060.0), Surroundings(), limits)
    assert alerts.waiting and not alerts.current
    alerts.look(sample(hot, at=1071.0), Surroundings(), limits)
    assert not alerts.waiting and [one.finding.code for one in alerts.current] == ["hot"]
