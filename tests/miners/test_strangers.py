"""Recipes, projects and dumps from strangers: whatever they hold, it is an answer in words, and nothing is run or
taken along that nobody asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ranvier.core.errors import RanvierError, RecipeError
from ranvier.miners.generations import copy_recipe, same_recipe
from ranvier.miners.health import said
from ranvier.miners.keeper.keeper_log import LogWriter
from ranvier.miners.logs.log_format import OUT
from ranvier.miners.recipe.command_line import parse
from ranvier.miners.recipe.guess import entries, propose_project
from ranvier.miners.recipe.imports import from_pm2, from_systemd
from ranvier.miners.recipe.recipe import load_recipe

GOOD = 'name = "x"\ntitle = "t"\n[program]\ncommand = ["a"]\n'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a = " + "[" * 5000, "levels"),
        ("a = " + "{a=" * 5000, "levels"),
        ("a = " + "9" * 5000, "digits"),
        (GOOD + '[health]\nlog = "(a+)+$"', "repetition"),
        (GOOD + '[health]\nlog = "' + "(" * 5000 + '"', "health.log"),
        (GOOD + '[health]\nlog = "a{99999999999999999999}"', "health.log"),
        (GOOD.replace('"a"', '"a\\u0000b"'), "zero character"),
        (GOOD.replace("[program]", "[program]\nfolder = '/a'\nenvironment = {A = \"\\u0000\"}"), "zero character"),
        (GOOD + '[source]\nfolder = "~nobody-of-that-name/x"', "whole path"),
        (GOOD + '[environment]\ninterpreter = "~nobody-of-that-name/x"', "whole path"),
        (GOOD + '[container]\nimage = "--privileged"', "container image"),
        (GOOD + '[container]\nimage = "a b"', "container image"),
    ],
)
def test_a_recipe_that_is_a_trap(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(RecipeError) as error:
        load_recipe(tmp_path)
    assert word in error.value.message


def test_a_pattern_that_a_recipe_may_have_looks_at_the_whole_line(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(GOOD + "[health]\nlog = 'step \\d+(?:\\.\\d+)? of (\\w+|\\d+)'")
    pattern = load_recipe(tmp_path).health.log
    LogWriter(str(tmp_path / "logs"), 1 << 20, 1 << 22).write(OUT, b"step 4.5 of many\n")
    assert said(tmp_path, pattern, 60.0).ok


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'[{"pm_exec_path":"a","x":' + b"[" * 100_000,
        b'[{"pm_exec_path":"\xff"}]',
        b'[{"pm_exec_path":{"a":1},"args":5,"exec_interpreter":[1],"env":[1],"pm_cwd":{}}]',
        b'[{"pm_exec_path":"/a","args":"\'"}]',
    ],
)
def test_a_dump_that_is_a_trap(data: bytes) -> None:
    with pytest.raises(RecipeError, match="PM2 dump"):
        from_pm2(data)


def test_names_in_a_dump_stay_words_of_one_command() -> None:
    (one,) = from_pm2(b'[{"pm_exec_path":"/a/m.py","name":"x; rm -rf ~ #\\u001b[2J","args":["$(id)"]}]')
    assert one.switch_over.startswith("pm2 delete 'x; rm -rf ~ #") and one.name == "x-rm-rf-2j"
    assert '"$(id)"' in one.text
    (dashed,) = from_pm2(b'[{"pm_exec_path":"/a/m.py","name":"--all"}]')
    assert dashed.switch_over == "pm2 delete -- --all && pm2 save"


def test_homes_that_are_nobodys_stay_as_they_are_written() -> None:
    unit = "[Service]\nExecStart=/a\nWorkingDirectory=~nobody-of-that-name/x\n"
    assert "~nobody-of-that-name/x" in from_systemd(unit, "x.service", user=True).text
    assert parse("cd ~nobody-of-that-name && ./a").folder == "~nobody-of-that-name"


@pytest.mark.parametrize(
    "script", ["os;__import__('os').system('id')#", "a:b();c", "a b:c", "", "{wallet_path}:x", "a:b\n"]
)
def test_a_script_that_names_no_function_becomes_no_program(tmp_path: Path, script: str) -> None:
    text = script.replace("\n", "\\n; import os")
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "p"\n[project.scripts]\nmine = "{text}"\n')
    with pytest.raises(RecipeError, match="names no function"):
        propose_project(tmp_path)


def test_a_project_file_that_is_a_trap_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("a = " + "[" * 5000)
    (tmp_path / "miner.py").write_text("")
    assert entries(tmp_path) == ("miner.py",)


@pytest.mark.parametrize("target", ["/etc/passwd", "../key", "deep/../../key", "/"])
def test_a_link_out_of_a_recipe_brings_nothing_along(tmp_path: Path, target: str) -> None:
    (tmp_path / "key").write_text("a key of the user's")
    recipe = tmp_path / "recipe"
    (recipe / "deep").mkdir(parents=True)
    (recipe / "recipe.toml").write_text(GOOD)
    (recipe / "deep" / "notes" if target.startswith("/") else recipe / "notes").symlink_to(target)
    with pytest.raises(RanvierError, match="leads out"):
        copy_recipe(recipe, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_links_inside_a_recipe_stay_links(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe"
    (recipe / "deep").mkdir(parents=True)
    (recipe / "recipe.toml").write_text(GOOD)
    (recipe / "deep" / "round").symlink_to("..")
    (recipe / "same.toml").symlink_to("recipe.toml")
    copy_recipe(recipe, tmp_path / "copy")
    assert (tmp_path / "copy" / "same.toml").is_symlink() and same_recipe(recipe, tmp_path / "copy")
