"""Takes over what PM2 or systemd runs now: reads their files, proposes a recipe, says how to switch over.

Nothing is stopped or changed here. The person gives the switch-over command; then the miner is started by Ranvier.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import shlex
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ranvier.core.errors import RecipeError
from ranvier.core.outside import NOT_JSON, at_home
from ranvier.miners.recipe.command_line import parse, substitute, warnings
from ranvier.miners.recipe.proposal import Proposal, generalise, make, served, split_variables
from ranvier.miners.recipe.recipe_model import SIGNALS

PM2_DUMP = Path("~/.pm2/dump.pm2")
SYSTEMD_FOLDERS = (Path("~/.config/systemd/user"), Path("/etc/systemd/system"))
_MOST_NAMED = 8
_INTERPRETERS = {".py": "python3", ".js": "node", ".sh": "bash"}


def from_pm2(text: str | bytes) -> tuple[Proposal, ...]:
    """One proposal for each program of a PM2 dump (``pm2 save`` writes it). RecipeError when it is none."""
    try:
        apps = msgspec.json.decode(text, type=list[dict[str, Any]])
    except NOT_JSON as error:
        raise RecipeError(
            "Not a PM2 dump", "The file is not a list of programs, as pm2 save writes it.", "Run pm2 save."
        ) from error
    counts = Counter(_pm2_name(app) for app in apps if app.get("pm_exec_path"))
    first = {_pm2_name(app): app for app in reversed(apps) if app.get("pm_exec_path")}
    return tuple(_pm2_app(first[name], count) for name, count in counts.items())


def _pm2_name(app: dict[str, Any]) -> str:
    return str(app.get("name") or Path(str(app["pm_exec_path"])).stem)


def _pm2_app(app: dict[str, Any], count: int) -> Proposal:
    script, name = str(app["pm_exec_path"]), _pm2_name(app)
    interpreter = str(app.get("exec_interpreter") or "")
    if interpreter in ("", "node") and Path(script).suffix in _INTERPRETERS and Path(script).suffix != ".js":
        interpreter = _INTERPRETERS[Path(script).suffix]
    own = app["env"] if isinstance(app.get("env"), dict) else {}
    extra = app.get("node_args") or []
    words = [] if interpreter in ("", "none") else [interpreter, *_words(extra)]
    words += [script, *_words(app.get("args") or [])]
    notes: list[str] = []
    if len(words) == 3 and Path(script).name in ("bash", "sh") and words[1] == "-c":
        with contextlib.suppress(RecipeError):  # a whole line for a shell stays one where it needs it
            line = parse(words[2])
            words, notes = list(line.words), list(line.notes)
            own = {**own, **line.variables}
    else:
        notes = warnings(words, "known")
    if "/" not in words[0]:  # found by PM2's PATH; a miner has the system's only
        words[0] = shutil.which(words[0], path=str(own.get("PATH") or "")) or words[0]
    command, found = generalise(words)
    texts = {str(k): _js_text(v) for k, v in own.items() if isinstance(v, str | int | float) and k != name}
    shells = sorted(k for k, v in texts.items() if os.environ.get(k) == v)
    plain, secrets, said = split_variables({k: v for k, v in texts.items() if k not in shells})
    left_out = [k for k in shells if k in split_variables(texts)[0]]
    notes += [*said, *_pm2_notes(app, count, left_out)]
    quoted = shlex.quote(name)
    return make(
        name,
        name,
        {"command": command, "environment": plain, "secrets": secrets, "folder": str(app.get("pm_cwd") or "")},
        notes=[f"Taken from PM2's “{name}”.", *notes],
        found=found,
        switch_over=f"pm2 delete {'-- ' if name.startswith('-') else ''}{quoted} && pm2 save",
        environment={"none": True},
        stop={"signal": "INT", "grace_s": _grace_s(app.get("kill_timeout"))},
        **served(found),
    )


def _pm2_notes(app: dict[str, Any], count: int, left_out: Sequence[str]) -> list[str]:
    """What PM2 did for it that a recipe does not, or does in another way."""
    notes = []
    if count > 1:
        notes.append(f"PM2 runs {count} of it. A miner is one program: two with one hotkey spoil each other's score.")
    if left_out:
        more = f" and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
        named = ", ".join(left_out[:_MOST_NAMED])
        notes.append(f"Left out, because your shell has the same: {named}{more}. Add those that it needs.")
    if app.get("cron_restart"):
        notes.append(f"PM2 restarted it by a schedule ({app['cron_restart']}); Ranvier restarts it when it ends.")
    if app.get("max_memory_restart"):
        notes.append("PM2 restarted it when it took too much memory: see memory_bytes under [limits].")
    return notes


def _js_text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _grace_s(milliseconds: Any) -> float:
    known = isinstance(milliseconds, int | float) and milliseconds > 0
    return min(3600.0, milliseconds / 1000.0) if known else 10.0


def from_systemd(text: str, unit: str, *, user: bool) -> Proposal:
    """A proposal for one unit file. RecipeError when it starts nothing that can be taken over."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#", ";"), dict_type=_Many)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(re.sub(r"\\\n\s*", " ", text))
    except configparser.Error as error:
        raise RecipeError(
            "Not a unit", f"{unit} is not a systemd unit.", "Choose a file that systemd reads."
        ) from error
    service = dict(parser.items("Service")) if parser.has_section("Service") else {}
    lines = [row for row in service.get("ExecStart", "").split("\n") if row.strip()]
    line = lines[-1].strip().lstrip("-@:+!") if lines else ""
    if not line:
        raise RecipeError("Nothing to start", f"{unit} has no ExecStart.", "Choose a unit that starts a miner.")
    variables: dict[str, str] = {}
    for row in service.get("Environment", "").split("\n"):
        for word in _split(row, unit):
            name, _, value = word.partition("=")
            variables[name] = value
    plain, secrets, notes = split_variables(variables)
    words = substitute([_specifiers(word) for word in _split(line, unit)], plain, notes)
    command, found = generalise(words)
    folder = _specifiers(service.get("WorkingDirectory", "").lstrip("-"))
    folder = str(at_home(folder)) if folder.startswith("~") else folder
    notes += warnings(command, folder)
    if len(lines) > 1 or ";" in words:
        notes.append("It starts several programs one after the other; this recipe has one: put them into a script.")
    if service.get("Type") == "forking":
        notes.append("It goes into the background by itself: take the option for that out of its command.")
    if "EnvironmentFile" in service:
        notes.append(f"It also reads variables from {service['EnvironmentFile'].lstrip('-')}: add those that it needs.")
    if service.get("User") not in (None, "root"):
        notes.append(f"It ran as the user {service['User']}; under Ranvier it runs as you.")
    if any(re.search(r"(?<!%)%[a-zA-Z]", word) for word in command):
        notes.append("Its command holds systemd's own placeholders (%…): replace them.")
    stop_signal = _signal(service.get("KillSignal", ""), notes)
    name = unit.removesuffix(".service")
    return make(
        name,
        str(parser.get("Unit", "Description", fallback="") or name).split("\n")[-1],
        {"command": command, "environment": plain, "secrets": secrets,
         "folder": folder},
        notes=[f"Taken from systemd's {unit}.", *notes],
        found=found,
        switch_over=f"systemctl --user disable --now {shlex.quote(unit)}" if user
        else f"sudo systemctl disable --now {shlex.quote(unit)}",
        environment={"none": True},
        stop={"signal": stop_signal, "grace_s": _seconds(service)},
        **served(found),
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
    """Words of a PM2 entry, which may be one text. RecipeError when they are neither."""
    try:
        return shlex.split(value) if isinstance(value, str) else [str(word) for word in list(value)]
    except (TypeError, ValueError) as error:
        raise RecipeError("Not a PM2 dump", "The arguments of a program are not readable.", "Run pm2 save.") from error


def _specifiers(word: str) -> str:
    """systemd's placeholders for a person's home and a percent sign; others are left to the person."""
    return word.replace("%h", str(Path.home())).replace("%%", "%")


def _signal(text: str, notes: list[str]) -> str:
    """A signal as recipes name it; units may have its number."""
    name = text.strip().removeprefix("SIG") or "TERM"
    if name.isdecimal():
        with contextlib.suppress(ValueError):
            name = signal.Signals(int(name)).name.removeprefix("SIG")
    if name in SIGNALS:
        return name
    notes.append(f"It was stopped by {text.strip()}, which recipes do not have: TERM is written instead.")
    return "TERM"


def _seconds(service: dict[str, str]) -> float:
    """TimeoutStopSec: "90", "1min 30s", "infinity"."""
    text = service.get("TimeoutStopSec", "").strip()
    if text == "infinity":
        return 3600.0
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?|)(?![a-z])", text)
    units = {"ms": 0.001, "m": 60.0, "h": 3600.0}
    total = sum(float(number) * units.get(unit if unit == "ms" else unit[:1], 1.0) for number, unit in parts)
    return min(3600.0, max(1.0, total)) if parts else 30.0


def units(folders: Sequence[Path] = SYSTEMD_FOLDERS) -> tuple[Path, ...]:
    """Unit files of services in the usual folders."""
    return tuple(path for one in folders for path in sorted(one.expanduser().glob("*.service")) if path.is_file())
