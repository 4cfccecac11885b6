"""The hardware floor of own miners' recipes stands beside what a subnet would pay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gui import samples
from gui.stage import texts
from ranvier.miners.recipe.recipe_model import HardwareFloor
from ranvier.ui.models.floors import floor_words, read_floors
from ranvier.ui.pages.subnets import SubnetsPage

RECIPE = """\
name = "writer"
title = "Story writer"

[program]
command = ["{python}"]

[environment]
none = true
"""
FLOOR = "\n[hardware]\ncores = 4096\nmemory_bytes = 1073741824\ngpu_memory_bytes = 25769803776\n"
NARROW = "\N{NARROW NO-BREAK SPACE}"


def write(paths, miner_id: str, text: str) -> None:
    folder = paths.miner(miner_id) / "recipe"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(text)


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


def test_only_recipes_of_this_subnet_that_name_a_floor_are_told(tmp_path, house):
    miners = samples.status().miners
    first, second = miners[0].id, miners[1].id
    assert read_floors(house.paths, miners, "sandbox", 1) == {}
    write(house.paths, first, RECIPE)
    write(house.paths, second, "garbage [")
    assert read_floors(house.paths, miners, "sandbox", 1) == {}
    write(house.paths, first, RECIPE + FLOOR)
    found = read_floors(house.paths, miners, "sandbox", 1)
    assert found == {"Story writer": HardwareFloor(2**30, None, 24 * 2**30, 4096)}
    assert read_floors(house.paths, miners, "finney", 1) == {} == read_floors(house.paths, miners, "sandbox", 2)


def test_what_is_too_little_or_unknown_is_told():
    machine = samples.hardware()
    floor = HardwareFloor(memory_bytes=2**30, gpu_memory_bytes=24 * 2**30, cores=4096)
    text = floor_words("X", floor, machine)
    bare = floor_words("X", floor, replace(machine, gpus=()))
    assert f"24{NARROW}GiB of GPU memory (here: none, too little)" in bare
    assert text.startswith("The recipe “X” asks for at least 4096 cores (here: ") and "too little)" in text
    assert f"1{NARROW}GiB of memory (here: " in text
    assert floor_words("X", floor, None).count("unknown") == 3


async def test_the_page_tells_it(qtbot, house):
    write(house.paths, samples.status().miners[0].id, RECIPE + FLOOR)
    house.bridge.latest = samples.status()
    page = SubnetsPage(house.context)
    qtbot.addWidget(page)
    page.shown()
    await samples.until(lambda: page.model.rowCount() == 40, "subnets")
    page.table.select_key(1)
    await samples.until(lambda: "“Story writer” asks for at least 4096 cores" in texts(page.card), "the floor")
    page.table.select_key(4)
    await samples.until(lambda: "Validators' stake" in texts(page.card), "the other subnet")
    assert "Story writer" not in texts(page.card)
    page.hidden()
    await house.close()
