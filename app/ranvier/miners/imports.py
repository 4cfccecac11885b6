"""Takes over what PM2 or systemd runs now: reads their files, proposes a recipe, says how to switch over.

Nothing is stopped or changed here. The person gives the switch-over command; then the miner is started by Ranvier.
"""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ranvier.core.errors import RecipeError
from ranvier.miners.proposal import Proposal, generalise, make, split_variables

PM2_DUMP = Path("~/.pm2/dump.pm2")
SYSTEMD_FOLDERS = (Path("~/.config/systemd/user"), Path("/etc/systemd/system"))
_INTERPRETERS = {".py": "python3", ".js": "node", ".sh": "bash"}


def from_pm2(text: str | bytes) -> tuple[Proposal, ...]:
    """One proposal for each program of a PM2 dump (``pm2 save`` writes it). RecipeError when it is none."""
    try:
        apps = msgspec.json.decode(text, type=list[dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise RecipeError(
            "Not a PM2 dump", f"The file is not a list of programs ({error}).", "Run pm2 save."
        ) from error
    return tuple(_pm2_app(app) for app in apps if app.get("pm_exec_path"))


def _pm2_app(app: dict[str, Any]) -> Proposal:
    script = str(app["pm_exec_path"])
    name = str(app.get("name") or Path(script).stem)
    interpreter = str(app.get("exec_interpreter") or "")
    if interpreter in ("", "node") and Path(script).suffix in _INTERPRETERS and Path(script).suffix != ".js":
        interpreter = _INTERPRETERS[Path(script).suffix]
    extra = app.get("node_args") or []
    words = [] if interpreter in ("", "none") else [interpreter, *_words(extra)]
    command, found = generalise([*words, script, *_words(app.get("args") or [])])
    own = app.get("env") if isinstance(app.get("env"), dict) else {}
    plain, secrets, notes = split_variables(
        {k: str(v) for k, v in (own or {}).items() if isinstance(v, str | int | float)}
    )
    grace_ms = app.get("kill_timeout")
    quoted = shlex.quote(name)
    return make(
        name,
        name,
        {"command": command, "environment": plain, "secrets": secrets, "folder": str(app.get("pm_cwd") or "")},
        notes=[f"Taken from PM2's “{name}”.", *notes],
        found=found,
        switch_over=f"pm2 delete {quoted} && pm2 save",
        environment={"none": True},
        stop={"signal": "INT", "grace_s": float(grace_ms) / 1000.0 if grace_ms else 10.0},
        **_axon(found),
    )


def from_systemd(text: str, unit: str, *, user: bool) -> Proposal:
    """A proposal for one unit file. RecipeError when it starts nothing that can be taken over."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#", ";"), dict_type=_Many)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(re.sub(r"\\\n\s*", " ", text))
    except configparser.Error as error:
        raise RecipeError("Not a unit", f"{unit} is not a systemd unit ({error.message}).", "") from error
    service = dict(parser.items("Service")) if parser.has_section("Service") else {}
    line = service.get("ExecStart", "").split("\n")[-1].strip().lstrip("-@:+!")
    if not line:
        raise RecipeError("Nothing to start", f"{unit} has no ExecStart.", "Choose a unit that starts a miner.")
    command, found = generalise(_split(line, unit))
    variables: dict[str, str] = {}
    for row in service.get("Environment", "").split("\n"):
        for word in _split(row, unit):
            name, _, value = word.partition("=")
            variables[name] = value
    plain, secrets, notes = split_variables(variables)
    if "EnvironmentFile" in service:
        notes.append(f"It also reads variables from {service['EnvironmentFile'].lstrip('-')}: add those that it needs.")
    if service.get("User") not in (None, "root"):
        notes.append(f"It ran as the user {service['User']}; under Ranvier it runs as you.")
    if re.search(r"%[a-zA-Z]", line):
        notes.append("Its command holds systemd's own placeholders (%…): replace them.")
    name = unit.removesuffix(".service")
    return make(
        name,
        str(parser.get("Unit", "Description", fallback="") or name).split("\n")[-1],
        {"command": command, "environment": plain, "secrets": secrets,
         "folder": service.get("WorkingDirectory", "").lstrip("-~")},
        notes=[f"Taken from systemd's {unit}.", *notes],
        found=found,
        switch_over=f"systemctl --user disable --now {shlex.quote(unit)}" if user
        else f"sudo systemctl disable --now {shlex.quote(unit)}",
        environment={"none": True},
        stop={"signal": service.get("KillSignal", "TERM").removeprefix("SIG"), "grace_s": _seconds(service)},
        **_axon(found),
    )  # fmt: skip


class _Many(dict[str, Any]):
    """Keys that stand several times in a unit are kept together, one a line; an empty one starts afresh."""

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and isinstance(self.get(key), list) and value != [""]:
            value = [*self[key], *value]
        super().__setitem__(key, value)


def _split(line: str, unit: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise RecipeError("Not a unit", f"{unit}: a quotation mark is not closed.", "") from error


def _words(value: Any) -> list[str]:
    return shlex.split(value) if isinstance(value, str) else [str(word) for word in value]


def _axon(found: dict[str, str]) -> dict[str, Any]:
    port = found.get("axon_port", "")
    if not port.isdigit():
        return {}
    return {"ports": {"axon": int(port)}, "health": {"tcp": "127.0.0.1:{axon_port}", "grace_s": 300.0}}


def _seconds(service: dict[str, str]) -> float:
    match = re.fullmatch(r"(\d+)(s|sec|min|m)?", service.get("TimeoutStopSec", "").strip())
    if match is None:
        return 30.0
    return min(3600.0, max(1.0, float(match[1]) * (60.0 if (match[2] or "s")[0] == "m" else 1.0)))


def units(folders: Sequence[Path] = SYSTEMD_FOLDERS) -> tuple[Path, ...]:
    """Unit files of services in the usual folders."""
    return tuple(path for one in folders for path in sorted(one.expanduser().glob("*.service")) if path.is_file())
