"""Recipes: what is accepted, and that every mistake is named with its file, line and key."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ranvier.core.errors import RecipeError
from ranvier.miners.command import base_environment, fill, program, values
from ranvier.miners.recipe.recipe import PLACEHOLDERS, bundled_recipes, load_recipe

GOOD = """\
name = "echo"
title = "Echo miner"

[environment]
requirements = [{ file = "a.lock" }]

[program]
command = ["{python}", "-u", "{recipe}/echo.py", "--port", "{axon_port}", '{"json": {}}']
environment = { MODE = "{hotkey_name}" }

[health]
url = "http://127.0.0.1:{axon_port}/health"

[stop]
signal = "INT"
grace_s = 3
"""


def recipe_folder(tmp_path: Path, text: str = GOOD) -> Path:
    (tmp_path / "recipe.toml").write_text(text)
    (tmp_path / "a.lock").write_text("")
    return tmp_path


def test_bundled_recipes_are_valid() -> None:
    recipes = bundled_recipes()
    assert "sandbox-llm" in recipes
    for name, folder in recipes.items():
        recipe = load_recipe(folder)
        assert recipe.name == name == folder.name
        assert recipe.folder == folder
        assert recipe.environment.download_bytes and recipe.environment.install_bytes


def test_a_good_recipe(tmp_path) -> None:
    recipe = load_recipe(recipe_folder(tmp_path))
    assert recipe.environment.requirements[0].file == "a.lock"
    assert recipe.contact == "axon" and recipe.stop.signal == "INT" and recipe.health.interval_s == 5.0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Echo miner"', "title = ", "recipe.toml is not valid TOML: Invalid value (at line 2, column 9)"),
        ('title = "Echo miner"', "title = 3", "line 2: title: expected `str`, got `int`"),
        ('title = "Echo miner"', "", "missing required field `title`"),
        ('title = "Echo miner"', 'titel = "x"', "line 2: titel: unknown key"),
        ('signal = "INT"', 'signl = "INT"', "line 15: stop.signl: unknown key"),
        ('signal = "INT"', 'signal = "SIGINT"', "line 15: stop.signal: unknown signal SIGINT"),
        ("grace_s = 3", "grace_s = -3", "line 16: stop.grace_s: must be between"),
        ('"--port"', "8091", "line 8: program.command[3]: expected `str`, got `int`"),
        (
            "{axon_port}/health",
            "{axonport}/health",
            "line 12: health.url: unknown placeholder {axonport}; known",
        ),
        ('"{hotkey_name}"', '"{coldkey_password}"', "unknown placeholder {coldkey_password}"),
        ("http://127", "ftp://127", "line 12: health.url: must begin with http"),
        ('"a.lock"', '"b.lock"', "line 5: environment.requirements.file: b.lock does not exist"),
        ('"a.lock"', '"../a.lock"', "is not a path inside the recipe's folder"),
        ('"a.lock"', '"/etc/passwd"', "is not a path inside the recipe's folder"),
        ('name = "echo"', 'name = "../echo"', "line 1: name: only small letters"),
        ('name = "echo"', 'name = "echo"\nfolder = "/x"', "line 2: folder: unknown key"),
        ('name = "echo"', 'name = "echo"\ncontact = "pigeon"', "line 2: contact: invalid enum value 'pigeon'"),
        ("[stop]", "[ports]\naxon = 70000\n[stop]", "line 15: ports.axon: not a port number"),
        ("[health]", "[health]\nevery = 1", "line 12: health.every: unknown key"),
        ("[program]", "[environment.extra]\n[program]", "environment.extra: unknown key"),
        ("[environment]", '[environment]\npython = "python3"', "line 5: environment.python: must look like 3.12"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, said) -> None:
    assert old in GOOD
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe_folder(tmp_path, GOOD.replace(old, new, 1)))
    assert said in caught.value.message
    assert str(tmp_path / "recipe.toml") in caught.value.message


def test_no_recipe_and_no_text(tmp_path) -> None:
    with pytest.raises(RecipeError, match="No such file"):
        load_recipe(tmp_path)
    (tmp_path / "recipe.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(RecipeError, match="not UTF-8"):
        load_recipe(tmp_path)


def known(tmp_path: Path) -> dict[str, str]:
    return values(
        load_recipe(recipe_folder(tmp_path)),
        env=tmp_path / "env",
        wallet_path=tmp_path / "wallet",
        wallet_name="practice {netuid}",
        hotkey_name="hot; rm -rf /",
        netuid=1,
        endpoint="ws://127.0.0.1:9944",
        axon_port=20123,
    )


def test_every_placeholder_has_a_value(tmp_path) -> None:
    assert set(known(tmp_path)) == set(PLACEHOLDERS) - {"external_ip"}  # nobody said which
    with pytest.raises(RecipeError, match="external_ip"):
        fill("{external_ip}", known(tmp_path))
    named = values(
        load_recipe(tmp_path), env=tmp_path / "env", wallet_path=tmp_path, wallet_name="w", hotkey_name="h", netuid=1,
        endpoint="ws://x", axon_port=5, external_ip="203.0.113.7", external_port=6, gpus=("GPU-a", "GPU-b"), model="m",
    )  # fmt: skip
    assert fill("{external_ip}:{external_port} {gpu} {model}", named) == "203.0.113.7:6 GPU-a,GPU-b m"


def test_the_command_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("VIRTUAL_ENV", "/ours/venv")
    monkeypatch.setenv("WALLET_PASSWORD", "secret")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    recipe = load_recipe(recipe_folder(tmp_path))
    spec = program(
        recipe, known(tmp_path), folder=tmp_path / "m", extra=("--fast",), variables={"OMP_NUM_THREADS": "1"}
    )
    python = str(tmp_path / "env" / "bin" / "python")
    assert spec.argv == (python, "-u", f"{tmp_path}/echo.py", "--port", "20123", '{"json": {}}', "--fast")
    assert (spec.stop_signal, spec.stop_grace_s, spec.cwd) == ("INT", 3.0, str(tmp_path / "m"))
    assert spec.env["MODE"] == "hot; rm -rf /"  # one word, whatever is in it: there is no shell
    assert spec.env["OMP_NUM_THREADS"] == "1" and spec.env["LANG"] == "de_DE.UTF-8"
    assert spec.env["PATH"].split(":")[0] == str(tmp_path / "env" / "bin")
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "WALLET_PASSWORD"} & set(spec.env)


def test_filling_is_one_pass(tmp_path) -> None:
    assert fill("{wallet_name}/{netuid}", known(tmp_path)) == "practice {netuid}/1"
    assert fill("{not_ours} { } {{netuid}", known(tmp_path)) == "{not_ours} { } {1"
    with pytest.raises(RecipeError, match="hotkey_name"):
        fill("{hotkey_name}", {})


def test_the_base_environment_is_small() -> None:
    assert len(base_environment()) <= 10
    assert Path(sys.executable).exists()
