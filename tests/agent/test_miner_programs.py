"""Recipes behind the agent's face: a user's own one, and what becomes of a broken one."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import msgspec
import pytest

from ranvier.agent.miners.miner_file import MinerFile, address_from_outside
from ranvier.agent.miners.miner_programs import RecipePrograms
from ranvier.agent.miners.programs import Sightings
from ranvier.core.errors import MinerError, RanvierError, RecipeError
from ranvier.core.paths import Paths

RECIPE = """
name = "mine"
title = "Mine"
[program]
command = ["{python}", "run.py", "--port", "{axon_port}", "--wallet", "{wallet_path}/{wallet_name}", "{endpoint}"]
[health]
url = "http://127.0.0.1:{axon_port}/health"
"""
MINER = MinerFile(
    id="one", name="One", recipe="mine", network="sandbox", netuid=1, wallet_path="/w", wallet_name="alice",
    hotkey_name="h", hotkey_ss58="5Hot", coldkey_ss58="5Cold", axon_port=20_001,
)  # fmt: skip


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths.under(tmp_path)
    recipe = paths.data / "recipes" / "mine"
    recipe.mkdir(parents=True)
    (recipe / "recipe.toml").write_text(RECIPE)
    return paths


def test_a_users_own_recipe_becomes_a_program(paths: Paths) -> None:
    folder = paths.miner("one")
    spec = RecipePrograms(paths).spec(folder, MINER, "ws://127.0.0.1:9")
    assert spec.argv[1:] == (
        "run.py", "--port", "20001", "--wallet", str(folder / "wallet" / "alice"), "ws://127.0.0.1:9"
    )  # fmt: skip
    assert spec.argv[0].startswith(str(folder / "env"))
    assert not any("TOKEN" in name or "XDG" in name for name in spec.env), "the program gets little of our environment"


def test_a_recipe_may_ask_where_others_reach_it(paths: Paths) -> None:
    recipe = paths.data / "recipes" / "mine" / "recipe.toml"
    recipe.write_text(RECIPE.replace('"{endpoint}"', '"{external_ip}:{external_port}"'))
    programs, folder = RecipePrograms(paths), paths.miner("one")
    assert programs.spec(folder, MINER, "").argv[-1] == "192.0.2.1:20001", "what the sandbox is told too"
    there = msgspec.structs.replace(MINER, network="test")
    with pytest.raises(RanvierError, match="external_ip"):
        programs.spec(folder, there, "")
    there = msgspec.structs.replace(there, external_ip="203.0.113.7", external_port=9000)
    assert programs.spec(folder, there, "").argv[-1] == "203.0.113.7:9000"


@pytest.mark.parametrize(("ip", "port"), [("my house", 1), ("203.0.113.256", 1), ("::1", 65_536), ("", -1)])
def test_an_address_that_is_none_is_refused(ip: str, port: int) -> None:
    with pytest.raises(MinerError, match="Not a"):
        address_from_outside(ip, port)


def test_the_bundled_miner_is_known_and_others_are_not(paths: Paths) -> None:
    programs = RecipePrograms(paths)
    programs.check("sandbox-llm")
    with pytest.raises(RecipeError, match="no recipe"):
        programs.check("nothing")


def test_a_recipe_is_read_again_when_it_changed(paths: Paths) -> None:
    programs = RecipePrograms(paths)
    programs.check("mine")
    file = paths.data / "recipes" / "mine" / "recipe.toml"
    file.write_text("name = ")
    with pytest.raises(RecipeError, match=r"recipe\.toml"):
        programs.check("mine")
    file.write_text(RECIPE + "\n# repaired\n")
    programs.check("mine")


async def test_nothing_is_installed_before_it_was(paths: Paths) -> None:
    assert not await RecipePrograms(paths).installed(paths.miner("one"), MINER)


async def test_health_that_is_not_answered_is_not_unknown_numbers(paths: Paths) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else takes it, nobody answers
        miner = MinerFile(**{**{name: getattr(MINER, name) for name in MINER.__struct_fields__},
                             "axon_port": taken.getsockname()[1]})  # fmt: skip
        seen = await RecipePrograms(paths).health(paths.miner("one"), miner, Sightings())
    assert seen.ok is False
    assert seen.queries_answered is None
    assert abs(seen.at - time.time()) < 10


def test_a_miner_without_a_log_has_no_lines(paths: Paths) -> None:
    assert RecipePrograms(paths).log(paths.miner("one"), None, 10).lines == ()
