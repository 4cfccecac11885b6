"""What is wrong with the hardware reaches every listener with its reason and one next step."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.agent_fakes import House
from ranvier.agent.api import messages as m
from ranvier.core.evidence import Level
from ranvier.core.settings import ALERT_CARD_LOST, Settings
from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Gpu

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a real small miner")

CARD = Gpu("GPU-1", "RTX 4090", 0, memory_total=24 << 30, memory_used=1 << 30, temperature_c=60)


class Cards:
    """Whatever ``reading`` is."""

    def __init__(self) -> None:
        self.reading = GpuReading((CARD,), "580", cuda="12.4")

    def read(self) -> GpuReading:
        return self.reading

    def close(self) -> None:
        pass


def told(status: m.AgentStatus) -> list[m.Attention]:
    return [one for one in status.attention if one.page == "hardware"]


async def test_a_lost_card_is_told_and_taken_back(tmp_path: Path) -> None:
    cards = Cards()
    async with House(tmp_path, cards=cards) as house:
        Settings(house.paths.settings_file).set(ALERT_CARD_LOST, True)
        await house.client.call(m.GetHardware())
        cards.reading = GpuReading((replace(CARD, problem="The GPU is lost: it fell off.", trouble="lost"),), "580")
        with house.agent.hub.subscribe():
            status = await house.until(told)
            (one,) = told(status)
            assert (one.level, one.title) == (Level.BAD, "GPU 0 · RTX 4090")
            assert one.text.startswith("The GPU is lost") and "power cables" in one.text and one.key
            Settings(house.paths.settings_file).set(ALERT_CARD_LOST, False)
            await house.client.call(m.GetHardware())
            await house.until(lambda status: not told(status))


async def test_a_miner_whose_torch_is_too_new_for_the_driver(tmp_path: Path, add: Callable[..., m.AddMiner]) -> None:
    cards = Cards()
    async with House(tmp_path, cards=cards) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        miner = house.agent.miners.get("one")
        version = miner.versions.current().env / "lib" / "python3.12" / "site-packages" / "torch" / "version.py"
        await house.client.call(m.InstallMiner("one"))
        miner.versions.current().env.unlink()
        version.parent.mkdir(parents=True)
        version.write_text("cuda: str = '13.0'\n")
        await miner.check_installed()
        await house.client.call(m.StartMiner("one"))
        status = await house.until(told, 25)
        assert status.miners[0].torch_cuda == (13, 0)
        (one,) = told(status)
        assert one.miner_id == "one" and "built for CUDA 13.0; this driver serves up to 12.4" in one.text
        await house.end()
