"""Which process am I: the arguments decide, and nothing heavy is imported for it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from ranvier import __main__ as entry
from ranvier.core.processes import child_environment


def test_every_role_is_in_the_help_and_has_its_module() -> None:
    for role, module in {**entry._BARE, **entry._HOMED}.items():
        assert f"\n  {role} " in entry.USAGE
        assert importlib.util.find_spec(module) is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--home"], "--home needs a folder"), (["--home="], "--home needs a folder"), (["dance"], "unknown command")],
)
def test_wrong_arguments_are_one_sentence_and_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_damaged_settings_file_is_a_sentence_not_a_traceback(tmp_path, capsys) -> None:
    (tmp_path / "settings.toml").write_bytes(b"network = \xff")
    assert entry.main(["--home", str(tmp_path), "rehearse", "--headless"]) == 1
    said = capsys.readouterr().err
    assert "Settings unreadable" in said and "Traceback" not in said


def test_a_home_that_cannot_be_written_is_a_sentence_not_a_traceback(tmp_path, capsys) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    assert entry.main(["--home", str(tmp_path / "home"), "rehearse", "--headless"]) == 1
    said = capsys.readouterr().err
    assert "Cannot write" in said and "Check the folder's permissions." in said and "Traceback" not in said


def test_the_keeper_and_the_version_load_nothing_heavy() -> None:
    code = (
        "import json, sys; from ranvier.__main__ import main; main(['--version']); import ranvier.miners.keeper.keeper;"
        "heavy = ['PySide6', 'asyncio', 'psutil', 'msgspec', 'aiohttp', 'substrateinterface', 'numpy'];"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=child_environment(), check=True
    )
    assert json.loads(result.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_letters_that_the_terminal_lacks_end_no_command(tmp_path, encoding) -> None:
    """As on Windows, where what goes into a file or a pipe is in the system's own letters."""
    home = tmp_path / "α – Zoë 🗝"
    environment = child_environment({"PYTHONIOENCODING": encoding})
    for arguments in (["miners", "--help"], ["status"], ["status", "--json"], ["keys", "list", "--json"], ["no–such"]):
        command = [sys.executable, "-m", "ranvier", "--home", str(home), *arguments]
        done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
        said, trouble = done.stdout.decode(encoding), done.stderr.decode(encoding)
        assert "Traceback" not in said + trouble and done.returncode in (0, 1, 2), (arguments, trouble)
        if arguments == ["keys", "list", "--json"]:
            assert [one["path"] for one in json.loads(said)["folders"]] == [str(home / "wallets")]


def test_a_window_without_a_console_has_streams_all_the_same(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert entry.main(["dance"]) == 2
    assert entry.main(["--version"]) == 0
    for stream in (sys.stdout, sys.stderr):
        stream.close()


def test_a_reader_that_has_enough_is_no_error(tmp_path) -> None:
    """As ``ranvier miners list | head -1``: the pipe is closed while there is more to write."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "ranvier", "--home", str(tmp_path), "hardware"]
    with os.fdopen(writing, "wb") as closed:
        ended = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
