"""Starting at log-in: what is written, with a systemctl that only notes what it is told."""

from __future__ import annotations

import configparser
import os
import plistlib
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from ranvier.agent import autostart
from ranvier.core.errors import AgentError
from ranvier.core.paths import Paths

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "{log}"
case "$2" in
  is-enabled) test -e "{enabled}" && echo enabled || {{ echo disabled; exit 1; }};;
  enable) test -e "{broken}" && {{ echo "Failed to enable unit: no bus" >&2; exit 1; }}; touch "{enabled}";;
  disable) rm -f "{enabled}";;
esac
exit 0
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a systemctl of our own; the file of what it was told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    names = {name: str(tmp_path / name) for name in ("log", "enabled", "broken")}
    (folder / "systemctl").write_text(SYSTEMCTL.format(**names))
    (folder / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "log"


@linux
async def test_it_is_switched_on_and_off_and_says_so(tmp_path: Path, told: Path) -> None:
    paths = Paths.under(tmp_path / "a home")
    assert (await autostart.state(paths)).on is False
    assert not autostart.entry(paths).file.exists(), "asking writes nothing"
    await autostart.switch_on(paths)
    one = autostart.entry(paths)
    assert (await autostart.state(paths)) == autostart.State(True)
    assert f"--user enable {one.name}" in told.read_text()
    assert "start" not in [line.split()[1] for line in told.read_text().splitlines()], "the running agent is left alone"
    one.file.write_text(one.text + "# of another copy\n")
    assert "another copy" in (await autostart.state(paths)).note
    await autostart.switch_off(paths)
    assert (await autostart.state(paths)).on is False
    assert not one.file.exists()
    await autostart.switch_off(paths)


@linux
async def test_what_fails_leaves_nothing_behind(tmp_path: Path, told: Path) -> None:
    paths = Paths.under(tmp_path / "home")
    (tmp_path / "broken").touch()
    with pytest.raises(AgentError, match="no bus"):
        await autostart.switch_on(paths)
    assert not autostart.entry(paths).file.exists()


@linux
async def test_without_systemd_it_cannot_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    paths = Paths.under(tmp_path / "home")
    state = await autostart.state(paths)
    assert state.on is None
    assert "systemctl is not installed" in state.note
    with pytest.raises(AgentError, match="not installed"):
        await autostart.switch_on(paths)
    assert not autostart.entry(paths).file.exists()


def test_the_unit_starts_the_agent_of_this_home_and_spares_the_miners(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path / '50% of $HOME "x"')
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(autostart.entry(paths, "linux").text)
    service = dict(unit.items("Service"))
    words = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(service["ExecStart"])]
    assert words[0] == sys.executable
    assert words[-3:] == ["--home", str(tmp_path / '50% of $HOME "x"'), "agent"]
    assert service["KillMode"] == "process", "stopping the agent must not stop the miners"
    assert dict(unit.items("Install")) == {"WantedBy": "default.target"}


def test_two_homes_have_two_entries(tmp_path: Path) -> None:
    names = {autostart.entry(Paths.under(tmp_path / one), kind).name for one in "ab" for kind in ("linux", "darwin")}
    assert len(names) == 4


def test_the_other_systems_files_are_well_formed(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path / "a & b")
    mac = autostart.entry(paths, "darwin")
    data = plistlib.loads(mac.text.encode())
    assert data["ProgramArguments"][-3:] == ["--home", str(tmp_path / "a & b"), "agent"]
    assert data["RunAtLoad"] and data["AbandonProcessGroup"]
    assert mac.file.suffix == ".plist"
    task = autostart.entry(paths, "win32")
    tree = ElementTree.fromstring(task.text.replace('encoding="UTF-16"', ""))
    spaces = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert tree.findtext(".//t:Command", namespaces=spaces) == sys.executable
    assert f'"{tmp_path / "a & b"}"' in (tree.findtext(".//t:Arguments", namespaces=spaces) or "")
    assert tree.findtext(".//t:ExecutionTimeLimit", namespaces=spaces) == "PT0S"
    assert os.sep in str(task.file)
