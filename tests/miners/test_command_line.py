"""What people type or have in PM2 and systemd, taken apart: nothing needs a shell, no secret's value is kept."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.core.errors import RecipeError
from ranvier.miners.recipe.command_line import parse
from ranvier.miners.recipe.guess import propose_container, propose_line, propose_project
from ranvier.miners.recipe.imports import from_pm2, from_systemd
from ranvier.miners.recipe.proposal import check_text
from ranvier.miners.recipe.recipe import Recipe


def recipe_of(text: str) -> Recipe:
    return check_text(propose_line("My miner", text).text)


def test_what_stands_before_the_program() -> None:
    recipe = recipe_of("cd /srv/x && WANDB_API_KEY=abc123 MODE=fast nohup python3 miner.py --netuid 4 &")
    assert recipe.program.command == ("python3", "miner.py", "--netuid", "{netuid}")
    assert recipe.program.folder == "/srv/x" and recipe.program.environment == {"MODE": "fast"}
    assert recipe.program.secrets == {"WANDB_API_KEY": "WANDB_API_KEY"}
    assert "abc123" not in propose_line("x", "WANDB_API_KEY=abc123 python3 m.py").text


def test_home_and_known_variables_are_put_in_others_are_told() -> None:
    home = Path.home()
    line = parse("~/venv/bin/python $HOME/m.py --port ${PORT} --x '~/y'")
    assert line.words == (f"{home}/venv/bin/python", f"{home}/m.py", "--port", "${PORT}", "--x", f"{home}/y")
    assert any("$PORT" in note for note in line.notes)
    assert parse("P=7 prog --port $P").words == ("prog", "--port", "7")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("python3 m.py | tee log", "“|” is understood by a shell only"),
        ("python3 m.py > log 2>&1", "understood by a shell only"),
        ("a && b", "understood by a shell only"),
        ("python3 'm.py", "not closed"),
        ("", "nothing to run"),
        ("A=1 nohup", "nothing to run"),
        ("pm2 start m.py", "in place of Ranvier"),
        ("/usr/bin/docker run x", "in place of Ranvier"),
        ("sudo python3 m.py", "in place of Ranvier"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        parse(text)
    assert caught.value.hint


def test_a_secret_in_the_command_and_a_relative_path_are_told() -> None:
    notes = " ".join(parse("python3 m.py --hf-token=zzz --max_new_tokens 5 --tokenizer x --api_key k").notes)
    assert "--hf-token" in notes and "--api_key" in notes and "max_new" not in notes and "tokenizer" not in notes
    assert "m.py is looked for" in notes and not parse("/usr/bin/python3 /srv/m.py").notes


@given(st.text())
def test_any_text_is_a_line_or_refused(text: str) -> None:
    try:
        assert parse(text).words
    except RecipeError as error:
        assert error.message


def test_a_port_that_is_none_and_an_image_that_is_none() -> None:
    recipe = recipe_of("/bin/m --axon.port 99999")
    assert recipe.ports == {} and recipe.health is not None
    for image in ("--rm", "bad image", "", "$(x)"):
        with pytest.raises(RecipeError, match="not the name of a container image"):
            propose_container("c", image)


def test_a_text_is_checked_without_being_stored() -> None:
    with pytest.raises(RecipeError, match=r": The recipe, line 2: tilte: unknown key"):
        check_text('name = "x"\ntilte = "X"\n')


# --- PM2 and systemd --------------------------------------------------------------------------------------------


def app(**more: object) -> dict[str, object]:
    return {"name": "m", "pm_exec_path": "/srv/m.py", "exec_interpreter": "python3", "pm_cwd": "/srv", **more}


def test_pm2_s_own_shell_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PM2 stores the whole environment of the shell that called it."""
    (tmp_path / "python3").write_text("#!/bin/sh\n")
    (tmp_path / "python3").chmod(0o755)
    monkeypatch.setenv("MY_SHELL_S", "same")
    env = {"PATH": str(tmp_path), "MY_SHELL_S": "same", "MODEL": "llama", "DEBUG": True, "m": {}, "HF_TOKEN": "hf_zzz",
           "DATABASE": "postgres://me:hunter2@db/x"}  # fmt: skip
    (found,) = from_pm2(json.dumps([app(env=env, cron_restart="0 3 * * *", kill_timeout=9_999_999)]))
    recipe = check_text(found.text)
    assert recipe.program.environment == {"MODEL": "llama", "DEBUG": "true"}
    assert set(recipe.program.secrets) == {"HF_TOKEN", "DATABASE"} and "hunter2" not in found.text
    assert recipe.program.command[0] == str(tmp_path / "python3"), "the one that PM2 found"
    assert recipe.stop.grace_s == 3600.0
    notes = " ".join(found.notes)
    assert "your shell has the same: MY_SHELL_S" in notes and "by a schedule" in notes


def test_pm2_s_copies_are_one_miner_and_its_shell_lines_are_taken_apart() -> None:
    line = {"pm_exec_path": "/usr/bin/bash", "exec_interpreter": "none", "name": "line"}
    found = from_pm2(json.dumps([app(), app(), {**line, "args": ["-c", "A=1 /bin/m --netuid 7"]},
                                 {**line, "name": "hard", "args": ["-c", "/bin/m | tee x"]}]))  # fmt: skip
    assert [one.name for one in found] == ["m", "line", "hard"]
    assert "PM2 runs 2 of it" in " ".join(found[0].notes)
    assert check_text(found[1].text).program.command == ("/bin/m", "--netuid", "{netuid}")
    assert check_text(found[1].text).program.environment == {"A": "1"}
    assert check_text(found[2].text).program.command == ("/usr/bin/bash", "-c", "/bin/m | tee x")


@pytest.mark.parametrize(
    "dump", ["{}", "[1]", '[{"pm_exec_path":"/x","args":"a \'b"}]', '[{"pm_exec_path":"/x","args":5}]']
)
def test_a_broken_dump_is_told_without_a_parser_s_words(dump: str) -> None:
    with pytest.raises(RecipeError) as caught:
        from_pm2(dump)
    assert "Expected" not in str(caught.value) and "quotation" not in str(caught.value)


def unit(body: str) -> tuple[Recipe, str]:
    found = from_systemd(f"[Service]\n{body}", "x.service", user=True)
    return check_text(found.text), " ".join(found.notes)


def test_a_unit_s_own_language() -> None:
    recipe, notes = unit(
        "WorkingDirectory=~\nEnvironment=PORT=8091\nKillSignal=2\nTimeoutStopSec=1min 30s\n"
        "ExecStart=/bin/m --axon.port ${PORT} --share 10%% --data %h/d --id %i $MORE\n"
    )
    assert recipe.program.command[1:] == (
        "--axon.port", "{axon_port}", "--share", "10%", "--data", f"{Path.home()}/d", "--id", "%i", "$MORE"
    )  # fmt: skip
    assert recipe.program.folder == str(Path.home()) and recipe.ports == {"axon": 8091}
    assert (recipe.stop.signal, recipe.stop.grace_s) == (signal.SIGINT.name.removeprefix("SIG"), 90.0)
    assert "placeholders" in notes and "$MORE" in notes


@pytest.mark.parametrize(
    ("body", "said", "grace_s"),
    [
        ("ExecStart=/bin/a\nKillSignal=SIGWINCH\nTimeoutStopSec=infinity\n", "TERM is written instead", 3600.0),
        ("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\nTimeoutStopSec=5000ms\n", "several programs", 5.0),
        ("Type=forking\nExecStart=/bin/a -d\nTimeoutStopSec=2h\n", "into the background", 3600.0),
    ],
)
def test_what_a_unit_does_and_a_recipe_does_not_is_told(body: str, said: str, grace_s: float) -> None:
    recipe, notes = unit(body)
    assert said in notes and recipe.stop.signal == "TERM" and recipe.stop.grace_s == grace_s


def test_what_is_no_unit_is_told_in_one_line() -> None:
    with pytest.raises(RecipeError, match="not a systemd unit") as caught:
        from_systemd("\0garbage", "x.service", user=True)
    assert "\n" not in str(caught.value) and "<string>" not in str(caught.value)


# --- projects ---------------------------------------------------------------------------------------------------


def test_a_poetry_project_and_a_declared_script(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.poetry]\nname = "snx"\n[tool.poetry.dependencies]\npython = ">=3.10,<3.12"\nbittensor = "^6"\n'
        '[tool.poetry.scripts]\nsnx-miner = "snx.miner:app.main"\n'
    )
    recipe = check_text(propose_project(tmp_path).text)
    assert (recipe.title, recipe.environment.python) == ("snx", "3.10")
    assert recipe.environment.packages == ("--editable", "{source}")
    assert recipe.program.command[3] == "import sys; from snx.miner import app; sys.exit(app.main())"
    assert "{hotkey_name}" in recipe.program.command, "it depends on bittensor"
    text = (tmp_path / "pyproject.toml").read_text().replace('name = "snx"', 'name = "snx"\npackage-mode = false')
    (tmp_path / "pyproject.toml").write_text(text)
    proposal = propose_project(tmp_path)
    assert not check_text(proposal.text).environment.packages and "no package" in " ".join(proposal.notes)


def test_what_starts_it_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "start.py").write_text("")
    with pytest.raises(RecipeError, match="No program was found"):
        propose_project(tmp_path)
    with pytest.raises(RecipeError, match="is not in"):
        propose_project(tmp_path, entry="other.py")
    assert "{source}/start.py" in propose_project(tmp_path, entry="start.py").text
