"""Proposes a recipe for what a person has: any command, a Python project's folder, a container image.

It only reads. A guess is said to be one; what could not be found is left for the person to fill in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ranvier.core.errors import RecipeError
from ranvier.core.outside import at_home, read_toml
from ranvier.miners.recipe.command_line import parse
from ranvier.miners.recipe.proposal import TCP, Proposal, generalise, make, served, split_variables
from ranvier.miners.recipe.recipe import IMAGE

ENTRIES = (
    "neurons/miner.py",
    "miner.py",
    "src/miner.py",
    "miner/main.py",
    "main.py",
    "run_miner.py",
    "app.py",
    "run.py",
)
_AXON_WORDS = [
    "--netuid", "{netuid}", "--wallet.path", "{wallet_path}", "--wallet.name", "{wallet_name}",
    "--wallet.hotkey", "{hotkey_name}", "--subtensor.chain_endpoint", "{endpoint}", "--axon.port", "{axon_port}",
]  # fmt: skip
_SCRIPT = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(?::\s*([A-Za-z_][\w.]*)\s*)?(?:\[.*\]\s*)?")
_MOST_READ = 1 << 20


def propose_command(
    name: str, words: Sequence[str], *, folder: Path | None = None, variables: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Proposal:  # fmt: skip
    """Any command, run as it is. RecipeError when there is none."""
    if not words:
        raise RecipeError("No command", "There is nothing to run.", "Write the command as in a terminal.")
    command, found = generalise(words)
    plain, secrets, said = split_variables(variables or {})
    notes = [*notes, *said]
    program = {"command": command, "environment": plain, "secrets": secrets, "folder": str(folder) if folder else ""}
    return make(
        name,
        name,
        program,
        notes=notes,
        found=found,
        environment={"none": True},
        **served(found),
    )


def propose_line(name: str, text: str) -> Proposal:
    """A command as it is typed in a shell. RecipeError where it cannot be run without one."""
    line = parse(text)
    folder = Path(line.folder) if line.folder else None
    return propose_command(name, line.words, folder=folder, variables=line.variables, notes=line.notes)


def propose_container(name: str, image: str, words: Sequence[str] = ()) -> Proposal:
    """A container image, run by docker or podman."""
    if not IMAGE.fullmatch(image):
        raise RecipeError(
            "Not an image",
            f"“{image[:60]}” is not the name of a container image.",
            "Write it as ghcr.io/team/miner:1.4.",
        )
    command, found = generalise(words)
    notes = ["The wallet is mounted at /wallet, read-only: tell the image so if it looks elsewhere."]
    return make(
        name, name, {"command": command}, notes=notes, found=found, container={"image": image},
        environment={"none": True}, ports={"axon": 8091}, health=TCP,
    )  # fmt: skip


def entries(folder: Path) -> tuple[str, ...]:
    """What in a project could be started: files of the usual names, then scripts that it declares."""
    found = [name for name in ENTRIES if (folder / name).is_file()]
    scripts = _project(folder).get("scripts", {})
    return (*found, *(str(name) for name in scripts)) if isinstance(scripts, dict) else tuple(found)


def propose_project(folder: Path, *, entry: str | None = None, name: str | None = None) -> Proposal:
    """A Python project's folder, guided: packages, Python, start and health as far as the folder tells them.

    RecipeError when the folder does not exist or nothing in it can be started.
    """
    folder = at_home(folder).absolute()
    if not folder.is_dir():
        raise RecipeError("No such folder", f"{folder} is not a folder.", "Choose the project's folder.")
    known = entries(folder)
    entry = entry or (known[0] if known else None)
    if entry is None:
        raise RecipeError(
            "Nothing to start", f"No program was found in {folder}.", "Name the file that starts the miner."
        )
    project = _project(folder)
    notes: list[str] = []
    environment = _environment(folder, project, notes)
    is_file = (folder / entry).is_file()
    if not is_file and entry not in known:
        raise RecipeError("No such file", f"{entry} is not in {folder}.", "Name the file that starts the miner.")
    start = ["{python}", "-u", "{source}/" + entry] if is_file else ["{python}", "-u", "-c", _call(project, entry)]
    text = _read(folder / entry) if is_file else ""
    listens = "bittensor" in text or "axon" in text or bool(re.search(r"bittensor", _all_requirements(folder, project)))
    if listens:
        notes.append("It looks like a Bittensor miner: its usual options were added; check them with its README.")
    else:
        notes.append("How it takes its wallet, subnet and port was not found: add the options to its command.")
    if len(known) > 1:
        notes.append(f"It could also be started by {', '.join(one for one in known if one != entry)}.")
    title = name or str(project.get("name") or folder.name)
    return make(
        title, title, {"command": start + (_AXON_WORDS if listens else []), "folder": "{source}"}, notes=notes,
        source={"folder": str(folder)}, environment=environment, ports={"axon": 8091} if listens else {},
        health=TCP if listens else {},
    )  # fmt: skip


def _environment(folder: Path, project: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    for place in (".venv", "venv", "env"):
        python = folder / place / "bin" / "python"
        if python.exists():
            notes.append(f"It has an environment of its own ({place}), which is used as it is.")
            return {"interpreter": str(python)}
    result: dict[str, Any] = {}
    python_version = _python(folder, project)
    if python_version:
        result["python"] = python_version
    if (folder / "requirements.txt").is_file():
        hashes = "--hash=" in _read(folder / "requirements.txt")
        result["requirements"] = [{"file": "requirements.txt", "from_source": True, "hashes": hashes}]
        if not hashes:
            notes.append("Its requirements are not locked by hashes: a package that changes is not noticed.")
    if project.get("package", True) is False:
        notes.append("Its pyproject.toml says that it is no package, so its packages must be named in the recipe.")
    elif project or (folder / "setup.py").is_file() or (folder / "setup.cfg").is_file():
        result["packages"] = ["--editable", "{source}"]
    if not result.get("requirements") and not result.get("packages"):
        notes.append("No list of its packages was found (requirements.txt, pyproject.toml, setup.py).")
    return result


def _python(folder: Path, project: Mapping[str, Any]) -> str | None:
    """The version that it asks for: the oldest that it allows, from its own words."""
    for text in (_read(folder / ".python-version"), str(project.get("requires-python", ""))):
        match = re.search(r"3\.\d{1,2}", text)
        if match:
            return match[0]
    match = re.search(r"python_requires\s*=\s*['\"]?[^0-9'\"]*(3\.\d{1,2})", _read(folder / "setup.py"))
    return match[1] if match else None


def _project(folder: Path) -> dict[str, Any]:
    """What pyproject.toml says of the project; Poetry's own way of saying it is put into the usual one."""
    try:
        whole = read_toml(_read(folder / "pyproject.toml"))
    except tomllib.TOMLDecodeError:
        return {}
    project = whole.get("project", {})
    tool = whole.get("tool", {})
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    if project or not isinstance(poetry, dict):
        return project if isinstance(project, dict) else {}
    wanted = poetry.get("dependencies", {})
    wanted = wanted if isinstance(wanted, dict) else {}
    return {
        "name": poetry.get("name") or folder.name,
        "scripts": poetry.get("scripts", {}),
        "requires-python": str(wanted.get("python", "")),
        "dependencies": list(wanted),
        "package": poetry.get("package-mode", True),
    }


def _call(project: Mapping[str, Any], entry: str) -> str:
    """What the declared script "package.module:function" does when it is installed. RecipeError for anything else:
    what a stranger's project says there must not become a program of its own."""
    said = str(project["scripts"][entry])
    match = _SCRIPT.fullmatch(said)
    if match is None:
        raise RecipeError(
            "Not a script", f"Its pyproject.toml says “{said[:60]}” for {entry}, which names no function.",
            "Name the file that starts the miner.",
        )  # fmt: skip
    function = match[2] or "main"
    return f"import sys; from {match[1]} import {function.partition('.')[0]}; sys.exit({function}())"


def _all_requirements(folder: Path, project: Mapping[str, Any]) -> str:
    return _read(folder / "requirements.txt") + " ".join(map(str, project.get("dependencies", []) or []))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_READ).decode("utf-8", "replace")
    except OSError:
        return ""
