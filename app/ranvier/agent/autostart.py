"""Starting the agent when its owner logs in: a systemd user unit, a launchd agent, or a scheduled task.

It is offered, never done unasked: what would be written can be read first (``text``), and taken away again. The
agent brings back the miners that should run; a window is not opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import plistlib
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from ranvier.core.errors import AgentError
from ranvier.core.files import storage_errors, write_atomic
from ranvier.core.paths import Paths
from ranvier.core.processes import NO_WINDOW, child_environment, own_command

_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in the system's own list. ``kind`` names the system, ``file`` is where ``text`` is kept."""

    kind: str
    name: str
    file: Path
    text: str


@dataclass(frozen=True, slots=True)
class State:
    """``on`` None: it cannot be told. ``note`` says what stands against it, or what to know."""

    on: bool | None
    note: str = ""


def entry(paths: Paths, platform: str = sys.platform) -> Entry:
    """What would be written on this system. Two homes have two entries."""
    command = own_command(*paths.arguments(), "agent")
    suffix = ""
    if paths.arguments():  # a home of its own
        suffix = "-" + hashlib.sha256(str(paths.data).encode()).hexdigest()[:8]
    if platform == "win32":
        name = f"Ranvier agent{suffix}"
        return Entry("task", name, paths.agent / "autostart.xml", _task(command))
    if platform == "darwin":
        name = f"org.ranvier.agent{suffix}"
        return Entry("launchd", name, Path.home() / f"Library/LaunchAgents/{name}.plist", _plist(name, command))
    name = f"ranvier-agent{suffix}.service"
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Entry("systemd", name, config / "systemd/user" / name, _unit(command))


async def state(paths: Paths) -> State:
    """Whether the agent is started at log-in."""
    one = entry(paths)
    try:
        if one.kind == "systemd":
            code, said = await _run("systemctl", "--user", "is-enabled", one.name)
            if code == 0 and one.file.exists():
                return State(True, "" if _same(one) else "It starts another copy of Ranvier; switch it on again.")
            if "bus" in said.lower() or "systemd as init" in said:
                return State(None, f"systemd does not run for this user: {said.splitlines()[0]}")
            return State(False)
        if one.kind == "launchd":
            return State(one.file.exists(), "" if _same(one) or not one.file.exists() else "It starts another copy.")
        code, _said = await _run("schtasks", "/Query", "/TN", one.name)
        return State(code == 0)
    except AgentError as error:
        return State(None, error.message)


async def switch_on(paths: Paths) -> None:
    """Write the entry and have it used from the next log-in on; a running agent is left as it is. AgentError."""
    one = entry(paths)
    before = one.file.read_bytes() if one.file.is_file() else None
    with storage_errors(one.file):
        one.file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(one.file, one.text.encode("utf-16" if one.kind == "task" else "utf-8"))
    try:
        if one.kind == "systemd":
            await _done("systemctl", "--user", "daemon-reload")
            await _done("systemctl", "--user", "enable", one.name)
        elif one.kind == "task":
            await _done("schtasks", "/Create", "/F", "/TN", one.name, "/XML", str(one.file))
    except AgentError:  # what is half done is undone: the list says what is so
        with contextlib.suppress(OSError):
            if before is None:
                one.file.unlink()
            else:
                one.file.write_bytes(before)
        raise


async def switch_off(paths: Paths) -> None:
    """Take the entry away; a running agent is left as it is. Raises AgentError."""
    one = entry(paths)
    if one.kind == "systemd" and one.file.exists():
        await _done("systemctl", "--user", "disable", one.name)
    elif one.kind == "task" and (await state(paths)).on:
        await _done("schtasks", "/Delete", "/F", "/TN", one.name)
    with storage_errors(one.file):
        one.file.unlink(missing_ok=True)
    if one.kind == "systemd":
        await _done("systemctl", "--user", "daemon-reload")


# --- texts ------------------------------------------------------------------------------------------------------


def _unit(command: Sequence[str]) -> str:
    """``KillMode=process``: stopping the agent must not take the keepers and miners with it."""
    lines = [
        "[Unit]",
        "Description=Ranvier: looks after this person's miners",
        "Documentation=man:systemd.unit(5)",
        "",
        "[Service]",
        f"ExecStart={' '.join(_quoted(word) for word in command)}",
        *_environment_lines(),
        "KillMode=process",
        "Restart=on-failure",
        "RestartSec=5",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    return "\n".join(lines)


def _environment_lines() -> list[str]:
    """From source, the package has to be found."""
    return [f"Environment={_quoted(f'{name}={value}')}" for name, value in _own_variables().items()]


def _own_variables() -> dict[str, str]:
    if getattr(sys, "frozen", False):
        return {}
    return {"PYTHONPATH": child_environment()["PYTHONPATH"].split(os.pathsep)[0]}


def _quoted(word: str) -> str:
    """One word of a unit file: systemd takes % for itself, and $ in a command line."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    plain = escaped == word and not any(char in word for char in " \t'")
    return word if plain else f'"{escaped}"'


def _plist(name: str, command: Sequence[str]) -> str:
    data = {
        "Label": name,
        "ProgramArguments": list(command),
        "EnvironmentVariables": _own_variables(),
        "RunAtLoad": True,
        "AbandonProcessGroup": True,
        "ProcessType": "Background",
    }
    return plistlib.dumps({key: value for key, value in data.items() if value != {}}).decode()


def _task(command: Sequence[str]) -> str:
    """Task Scheduler's XML: at log-on of this user, without a time limit, also on battery."""
    arguments = " ".join(f'"{word}"' if " " in word else word for word in command[1:])
    user = escape(os.environ.get("USERDOMAIN", "") + "\\" + os.environ.get("USERNAME", os.environ.get("USER", "")))
    return f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><LogonTrigger><Enabled>true</Enabled><UserId>{user}</UserId></LogonTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>{user}</UserId><LogonType>InteractiveToken</LogonType>
    <RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries><ExecutionTimeLimit>PT0S</ExecutionTimeLimit></Settings>
  <Actions Context="Author"><Exec><Command>{escape(command[0])}</Command>
    <Arguments>{escape(arguments)}</Arguments></Exec></Actions>
</Task>
"""


# --- inside -----------------------------------------------------------------------------------------------------


def _same(one: Entry) -> bool:
    with contextlib.suppress(OSError):
        return one.file.read_text("utf-8", "replace") == one.text
    return False


async def _done(*command: str) -> None:
    code, said = await _run(*command)
    if code != 0:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), f"it ended with code {code}")
        raise AgentError("Not changed", f"{command[0]}: {last[:300]}", "Nothing else was changed.")


async def _run(*command: str) -> tuple[int, str]:
    program = shutil.which(command[0])
    if program is None:
        raise AgentError("Not on this system", f"{command[0]} is not installed, so log-ins cannot start the agent.")
    process = await asyncio.create_subprocess_exec(
        program,
        *command[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C"},
        creationflags=NO_WINDOW,
    )
    try:
        async with asyncio.timeout(_LIMIT_S):
            said, _ = await process.communicate()
    except TimeoutError as error:
        raise AgentError("Too slow", f"{command[0]} did not answer within {_LIMIT_S:.0f} s.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    return process.returncode or 0, said.decode("utf-8", "replace").strip()
