"""Proposed recipes: every one loads, says what was guessed, and holds no secret's value."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.core.errors import RecipeError
from ranvier.miners.recipe.guess import entries, propose_command, propose_container, propose_project
from ranvier.miners.recipe.imports import from_pm2, from_systemd, units
from ranvier.miners.recipe.proposal import save


def test_any_command(tmp_path) -> None:
    words = [
        "python",
        "miner.py",
        "--netuid",
        "7",
        "--wallet.name",
        "cold",
        "--wallet.hotkey=hot",
        "--axon.port",
        "8099",
    ]
    found = propose_command("My Miner!", words, folder=tmp_path, variables={"HF_TOKEN": "hf_secret", "MODE": "a"})
    assert "hf_secret" not in found.text and found.switch_over == ""
    recipe = save(found, tmp_path / "recipes")
    assert recipe.name == "my-miner" and recipe.environment.none
    assert recipe.program.command == (
        "python", "miner.py", "--netuid", "{netuid}", "--wallet.name", "{wallet_name}", "--wallet.hotkey={hotkey_name}",
        "--axon.port", "{axon_port}", "--wallet.path", "{wallet_path}",
    )  # fmt: skip
    assert dict(found.found) == {"netuid": "7", "wallet_name": "cold", "hotkey_name": "hot", "axon_port": "8099"}
    assert recipe.program.secrets == {"HF_TOKEN": "HF_TOKEN"} and recipe.program.environment == {"MODE": "a"}
    assert recipe.health is not None and recipe.health.tcp and recipe.ports == {"axon": 8099}
    with pytest.raises(RecipeError, match="already"):
        save(found, tmp_path / "recipes")
    with pytest.raises(RecipeError, match="nothing to run"):
        propose_command("x", [])


def test_a_container(tmp_path) -> None:
    recipe = save(propose_container("Boxed", "example/miner:1", ["--x"]), tmp_path)
    assert recipe.container is not None and recipe.container.image == "example/miner:1" and recipe.environment.none


def test_a_bittensor_project(tmp_path) -> None:
    project = tmp_path / "subnet"
    (project / "neurons").mkdir(parents=True)
    (project / "neurons" / "miner.py").write_text("import bittensor as bt\n")
    (project / "requirements.txt").write_text("bittensor==9.0\n")
    (project / "pyproject.toml").write_text('[project]\nname = "cool-subnet"\nrequires-python = ">=3.10,<3.13"\n')
    found = propose_project(project)
    recipe = save(found, tmp_path / "recipes")
    assert recipe.name == "cool-subnet" and recipe.source.folder == str(project)
    assert recipe.program.command[:3] == ("{python}", "-u", "{source}/neurons/miner.py")
    assert "{hotkey_name}" in recipe.program.command and recipe.environment.python == "3.10"
    assert recipe.environment.requirements[0].from_source and not recipe.environment.requirements[0].hashes
    assert recipe.environment.packages == ("--editable", "{source}")
    assert any("not locked" in note for note in found.notes) and any("check them" in note for note in found.notes)


def test_a_plain_project_with_its_own_environment(tmp_path) -> None:
    project = tmp_path / "tool"
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").write_text("")
    (project / "pyproject.toml").write_text('[project]\nname = "tool"\n[project.scripts]\nserve = "tool.cli:main"\n')
    (project / "main.py").write_text("print()\n")
    assert entries(project) == ("main.py", "serve")
    found = propose_project(project, entry="serve")
    recipe = save(found, tmp_path / "recipes")
    assert recipe.program.command[3] == "import sys; from tool.cli import main; sys.exit(main())"
    assert recipe.health is None
    assert recipe.environment.interpreter == str(project / ".venv" / "bin" / "python")
    assert any("was not found" in note for note in found.notes)


def test_projects_that_tell_nothing(tmp_path) -> None:
    with pytest.raises(RecipeError, match="not a folder"):
        propose_project(tmp_path / "none")
    with pytest.raises(RecipeError, match="No program was found"):
        propose_project(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[broken")
    (tmp_path / "setup.py").write_text("setup(python_requires='>=3.9')")
    (tmp_path / "main.py").write_bytes(b"\xff\x00")
    assert tomllib.loads(propose_project(tmp_path).text)["environment"]["python"] == "3.9"


PM2 = [
    {
        "name": "sn 1",
        "pm_exec_path": "/home/u/sn/neurons/miner.py",
        "exec_interpreter": "/home/u/sn/.venv/bin/python",
        "args": ["--netuid", "1", "--wallet.name", "w", "--wallet.hotkey", "h", "--axon.port", "8091"],
        "pm_cwd": "/home/u/sn",
        "kill_timeout": 5000,
        "env": {
            "PATH": "/x",
            "HOME": "/home/u",
            "OPENAI_API_KEY": "sk-very-secret",
            "MODE": "fast",
            "PM2_USAGE": "CLI",
        },
    },
    {"name": "web", "pm_exec_path": "/srv/run.sh", "exec_interpreter": "bash", "args": "--flag 'a b'"},
]


def test_pm2(tmp_path) -> None:
    first, second = from_pm2(json.dumps(PM2))
    assert "sk-very-secret" not in first.text
    recipe = save(first, tmp_path)
    assert recipe.program.command[:2] == ("/home/u/sn/.venv/bin/python", "/home/u/sn/neurons/miner.py")
    assert recipe.program.environment == {"MODE": "fast"} and recipe.program.secrets == {
        "OPENAI_API_KEY": "OPENAI_API_KEY"
    }
    assert recipe.program.folder == "/home/u/sn" and recipe.stop.signal == "INT" and recipe.stop.grace_s == 5.0
    assert first.switch_over == "pm2 delete 'sn 1' && pm2 save" and first.found["hotkey_name"] == "h"
    assert save(second, tmp_path).program.command == ("bash", "/srv/run.sh", "--flag", "a b")
    for bad in ("", "{}", "[1]"):
        with pytest.raises(RecipeError, match="not a list of programs"):
            from_pm2(bad)


UNIT = """\
[Unit]
Description=Subnet 9 miner
[Service]
User=miner
WorkingDirectory=/opt/sn9
Environment="MODE=a b" LEVEL=2
Environment=API_TOKEN=hush
EnvironmentFile=-/etc/sn9.env
ExecStart=/opt/sn9/venv/bin/python neurons/miner.py \\
    --netuid 9 --wallet.hotkey h1
KillSignal=SIGINT
TimeoutStopSec=2min
"""


def test_systemd(tmp_path) -> None:
    found = from_systemd(UNIT, "sn9.service", user=False)
    recipe = save(found, tmp_path)
    assert "hush" not in found.text and recipe.title == "Subnet 9 miner" and recipe.name == "sn9"
    assert recipe.program.command == (
        "/opt/sn9/venv/bin/python", "neurons/miner.py", "--netuid", "{netuid}", "--wallet.hotkey", "{hotkey_name}",
    )  # fmt: skip
    assert recipe.program.environment == {"MODE": "a b", "LEVEL": "2"} and recipe.program.folder == "/opt/sn9"
    assert (recipe.stop.signal, recipe.stop.grace_s) == ("INT", 120.0)
    assert found.switch_over == "sudo systemctl disable --now sn9.service"
    assert any("/etc/sn9.env" in note for note in found.notes) and any("user miner" in note for note in found.notes)
    assert "--user" in from_systemd(UNIT, "sn9.service", user=True).switch_over
    for bad in ("", "[Service]\n", "garbage", "[Service]\nExecStart=a 'b\n"):
        with pytest.raises(RecipeError):
            from_systemd(bad, "x.service", user=False)
    (tmp_path / "a.service").write_text(UNIT)
    assert units([tmp_path, tmp_path / "none"]) == (tmp_path / "a.service",)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), max_size=6), st.dictionaries(st.text(), st.text(), max_size=4), st.text())
def test_whatever_is_typed_loads_or_is_refused_in_words(tmp_path_factory, words, variables, name) -> None:
    try:
        save(propose_command(name, words, variables=variables), tmp_path_factory.mktemp("recipes"))
    except RecipeError as error:
        assert error.message
