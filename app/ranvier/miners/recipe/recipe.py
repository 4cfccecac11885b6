"""A recipe says what a miner is: its packages, its command line, how it is asked for its health, how it is stopped.

A recipe is a folder with ``recipe.toml`` and the files that it names. Everything is checked when it is loaded;
an error names the file, the line where it can be known, and the key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from ranvier.core.errors import MinerError, RecipeError
from ranvier.core.files import read_small
from ranvier.core.outside import at_home, read_toml
from ranvier.core.paths import resources
from ranvier.miners.logs.log_search import Query, compile_pattern
from ranvier.miners.recipe.recipe_model import (
    PLACEHOLDERS,
    SIGNALS,
    Command,
    Container,
    EnvironmentSpec,
    HardwareFloor,
    HealthSpec,
    Limits,
    PackageFile,
    Recipe,
    Requirements,
    Source,
    Step,
    StopSpec,
)

__all__ = [
    "FILE_NAME", "PLACEHOLDERS", "SIGNALS", "Command", "Container", "EnvironmentSpec", "HardwareFloor", "HealthSpec",
    "Limits", "PackageFile", "Recipe", "Requirements", "Source", "Step", "StopSpec", "bundled_recipes", "load_recipe",
    "placeholders",
]  # fmt: skip

FILE_NAME = "recipe.toml"
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PYTHON = re.compile(r"3\.\d{1,2}")
IMAGE = re.compile(r"[a-z0-9][\w.:/@-]{0,254}")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,199}")


def bundled_recipes() -> dict[str, Path]:
    """Recipes that come with the program: name -> folder."""
    folder = resources() / "recipes"
    return {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{FILE_NAME}"))}


def load_recipe(folder: Path) -> Recipe:
    """Read and check ``folder/recipe.toml``; RecipeError says what is wrong and where."""
    path = folder / FILE_NAME
    try:
        text = read_small(path).decode("utf-8")
    except OSError as error:
        raise RecipeError("No recipe", f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RecipeError("Recipe not valid", f"{path} is not UTF-8 text (byte {error.start}).") from error
    try:
        data = read_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError("Recipe not valid", f"{path} is not valid TOML: {error}.") from error
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
    if not recipe.program.command and recipe.container is None:
        yield "program.command", "must not be empty"
    for name in (*recipe.program.environment, *recipe.program.secrets):
        if not _VARIABLE.fullmatch(name):
            yield "program.environment", f"{name} is not a name for an environment variable"
    for key, text in _texts(recipe):
        if "\0" in text:
            yield key, "holds a zero character, which no program can be given"
        for name in sorted(placeholders(text) - set(PLACEHOLDERS)):
            yield key, f"unknown placeholder {{{name}}}; known are {', '.join(PLACEHOLDERS)}"
    if recipe.health is not None:
        yield from _health_problems(recipe.health)
    if recipe.container is not None and not IMAGE.fullmatch(recipe.container.image):
        yield "container.image", "not the name of a container image"
    yield from _source_problems(recipe.source)
    if recipe.stop.signal not in SIGNALS:
        yield "stop.signal", f"unknown signal {recipe.stop.signal}; known are {', '.join(SIGNALS)}"
    if not 0 < recipe.stop.grace_s <= 3600:
        yield "stop.grace_s", "must be between 0 and 3600 seconds"
    for name, port in recipe.ports.items():
        if not 1 <= port <= 65535:
            yield f"ports.{name}", "not a port number"
    yield from _limit_problems(recipe.limits)
    yield from _environment_problems(recipe.environment, folder)


def _texts(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Every text that may hold placeholders, with its key."""
    program, container = recipe.program, recipe.container
    yield from (("program.command", word) for word in program.command)
    yield from ((f"program.environment.{name}", value) for name, value in program.environment.items())
    yield "program.folder", program.folder
    yield from (("setup.command", word) for step in recipe.setup for word in step.command)
    yield from (("environment.packages", word) for word in recipe.environment.packages)
    if container is not None:
        yield "container.image", container.image
        yield from (("container.volumes", word) for word in container.volumes)
        yield from (("container.options", word) for word in container.options)
    if recipe.health is not None:
        yield "health.url", recipe.health.url
        yield "health.tcp", recipe.health.tcp


def _health_problems(health: HealthSpec) -> Iterator[tuple[str, str]]:
    if len(health.kinds) != 1:
        yield "health", "needs exactly one of url, tcp, log, gpu_busy, contact"
    if health.url and not health.url.startswith(("http://", "https://")):
        yield "health.url", "must begin with http:// or https://"
    if health.tcp and not re.search(r":(\d{1,5}|\{\w+\})$", health.tcp):
        yield "health.tcp", "must look like 127.0.0.1:8091"
    try:
        compile_pattern(Query(health.log, case=True))
    except MinerError as error:  # one that never ends would hold up the agent with all its miners
        yield "health.log", error.message
    if health.interval_s <= 0 or health.grace_s < 0 or health.within_s <= 0:
        yield "health.interval_s", "times must be positive"
    if not (1 <= health.up_after <= 100 and 1 <= health.down_after <= 100):
        yield "health.up_after", "must be between 1 and 100"


def _source_problems(source: Source) -> Iterator[tuple[str, str]]:
    if source.folder is not None and source.git is not None:
        yield "source.git", "give a folder or a git address, not both"
    if source.folder is not None and not at_home(source.folder).is_absolute():
        yield "source.folder", "must be a whole path"
    if source.git is not None and not source.git.startswith(("https://", "ssh://", "git@", "file://")):
        yield "source.git", "must begin with https://, ssh:// or git@"
    if source.git is not None and source.revision is None:
        yield "source.git", "needs a revision beside it (a tag or a commit), so that it does not change by itself"
    if source.revision is not None and not _REVISION.fullmatch(source.revision):
        yield "source.revision", "not a name of a revision"


def _limit_problems(limits: Limits) -> Iterator[tuple[str, str]]:
    if limits.nice is not None and not 0 <= limits.nice <= 19:
        yield "limits.nice", "must be between 0 and 19"
    if limits.cpu_weight is not None and not 1 <= limits.cpu_weight <= 10_000:
        yield "limits.cpu_weight", "must be between 1 and 10000"
    if limits.memory_bytes is not None and limits.memory_bytes < 16 << 20:
        yield "limits.memory_bytes", "less than 16 MB lets nothing run"


def _environment_problems(environment: EnvironmentSpec, folder: Path) -> Iterator[tuple[str, str]]:
    if environment.python is not None and not _PYTHON.fullmatch(environment.python):
        yield "environment.python", "must look like 3.12"
    if environment.interpreter is not None and not at_home(environment.interpreter).is_absolute():
        yield "environment.interpreter", "must be a whole path"
    if environment.interpreter is not None and (environment.requirements or environment.packages):
        yield "environment.interpreter", "nothing is installed into an environment that is yours"
    for lock in environment.requirements:
        if not _inside(lock.file):
            yield "environment.requirements.file", f"{lock.file} is not a path inside the recipe's folder"
        elif not lock.from_source and not (folder / lock.file).is_file():
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
