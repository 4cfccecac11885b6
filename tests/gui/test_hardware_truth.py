"""From the make-believe driver to the window's words: each trouble within two samples, and nothing else stops."""

from __future__ import annotations

import asyncio
import shutil
import sys

import pytest

from gui import samples
from gui.stage import texts
from gui.test_hardware import opened
from hardware.conftest import build, library
from hardware.test_nvml_child import CARD, MIG, Bed, cards
from ranvier.core.evidence import Level
from ranvier.hardware.sampler import Sampler

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or not sys.platform.startswith("linux"), reason="gcc builds the make-believe driver"
)
__all__ = ["build", "library"]


class View:
    """The page over a sampler whose driver is the make-believe one."""

    def __init__(self, page, house, bed: Bed) -> None:
        self.page, self.house, self.bed = page, house, bed
        self.sampler = Sampler(bed.scenario.parent, bed.probe, gpu_limit_s=8.0)

    async def until(self, *words: str, most: int = 2) -> str:
        """What the page says once it says all this; at most so many samples are taken."""
        said = ""
        for _ in range(most):
            await asyncio.sleep(0 if most == 2 else 0.1)
            self.page.add_sample(await self.sampler.sample())
            said = " ".join(texts(self.page).split()).replace("\N{NARROW NO-BREAK SPACE}", " ")
            if all(word in said for word in words):
                return said
        raise AssertionError(f"{words} not in: {said}")


@pytest.fixture
def bed(tmp_path, library):
    made = Bed(tmp_path, library)
    yield made
    made.probe.close()


async def viewed(qtbot, tmp_path, bed) -> View:
    """The page with one sound card on it."""
    house = samples.House(tmp_path / "home", samples.FakeClient(samples.Paths.under(tmp_path / "home"), gpus=False))
    page = await opened(qtbot, house)
    page.hidden()
    page.samples.clear()
    view = View(page, house, bed)
    await view.until("GPU 0 · NVIDIA GeForce RTX 4090", "60 °C")
    return view


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (cards(1) + "0.fail 15\n", ("lost", "power cables and seating")),
        ("init 18\n", ("Restart the machine; until then no CUDA program starts",)),
        ("init 9\n", ("Secure Boot",)),
        ("init 4\n", ("Add this user to the group",)),
        (cards(1) + "0.crash.power 1\n", ("SIGSEGV",)),
        (cards(1) + "0.hang.temp 1\n", ("Stop what uses the GPU",)),
        (cards(1) + "0.xid 79\n", ("Xid 79", "fell off the bus")),
        (MIG, ("MIG 3g.20gb",)),
        (CARD.format(n=0).replace("{n}.temp 60", "").replace("0.temp 60\n", "") + "count 1\n", ("unknown",)),
        (cards(16), ("GPU 15 · NVIDIA GeForce RTX 4090",)),
        (cards(1).replace("0.temp 60", "0.temp 77"), ("77 °C",)),
    ],
    ids=["lost", "mismatch", "not loaded", "no permission", "segfault", "hang", "xid", "mig", "n/a", "sixteen", "hot"],
)
async def test_the_window_tells_it_within_two_samples(qtbot, qloop, tmp_path, bed, scenario, words):
    view = await viewed(qtbot, tmp_path, bed)
    cores = view.page.host.title.text()
    bed.say(scenario)
    if scenario.startswith("init"):
        bed.probe.close()  # as after a pause: the driver is opened anew
    await view.until(*words)
    assert view.page.host.title.text() == cores and not view.house.errors, "the rest of the page goes on"
    bed.say(cards(1))
    await view.until("GPU 0 · NVIDIA GeForce RTX 4090", "60 °C", most=40)
    await view.house.close()


async def test_a_card_that_goes_is_told_and_the_other_goes_on(qtbot, qloop, tmp_path, bed):
    view = await viewed(qtbot, tmp_path, bed)
    bed.say(cards(2))
    await view.until("GPU 1 · NVIDIA GeForce RTX 4090")
    bed.say(cards(1))
    await view.until("does not report this GPU any more")
    assert view.page.gpus["GPU-0001"].badge.level is Level.BAD
    assert view.page.gpus["GPU-0000"].badge.level is not Level.BAD
    await view.house.close()


async def test_an_old_driver_is_read_by_its_older_calls(qtbot, qloop, tmp_path, build):
    bed = Bed(tmp_path, build("-DOLD_DRIVER"))
    try:
        view = await viewed(qtbot, tmp_path, bed)
        bed.say(cards(1) + "0.reasons 0x4\n")
        await view.until("slowed down by its power limit of 400 W")
        await view.house.close()
    finally:
        bed.probe.close()
