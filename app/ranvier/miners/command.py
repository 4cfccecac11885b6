"""From a recipe and one miner's values to the program that a keeper runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ranvier.core.errors import RecipeError
from ranvier.miners.recipe import PLACEHOLDERS, Recipe, placeholders
from ranvier.miners.spec import ProgramSpec

# What a program needs of the user's session to work at all; everything else of ours stays with us.
_PASSED = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")
_PASSED_WINDOWS = ("USERPROFILE", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "PATHEXT", "COMSPEC", "APPDATA")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment_python(env: Path) -> Path:
    """The interpreter of the environment in ``env``."""
    return env / "Scripts" / "python.exe" if os.name == "nt" else env / "bin" / "python"


def values(
    recipe: Recipe,
    *,
    env: Path,
    wallet_path: Path,
    wallet_name: str,
    hotkey_name: str,
    netuid: int,
    endpoint: str,
    axon_port: int,
) -> dict[str, str]:
    """The value of every placeholder, for ``program`` and ``fill``."""
    return {
        "python": str(environment_python(env)),
        "recipe": str(recipe.folder),
        "wallet_path": str(wallet_path),
        "wallet_name": wallet_name,
        "hotkey_name": hotkey_name,
        "netuid": str(netuid),
        "endpoint": endpoint,
        "axon_port": str(axon_port),
    }


def fill(text: str, known: Mapping[str, str]) -> str:
    """Put values in place of ``{names}``; other braces stay. RecipeError for a name that has no value."""
    for name in placeholders(text):
        if name in PLACEHOLDERS and name not in known:
            raise RecipeError("Value missing", f"The recipe asks for {{{name}}}, which is not known for this miner.")
    pieces: list[str] = []
    rest = text
    while rest:  # one pass: a value that holds braces itself is not filled again
        start = rest.find("{")
        end = rest.find("}", start)
        if start < 0 or end < 0:
            break
        name = rest[start + 1 : end]
        if name in known:
            pieces += [rest[:start], known[name]]
            rest = rest[end + 1 :]
        else:
            pieces.append(rest[: start + 1])
            rest = rest[start + 1 :]
    return "".join([*pieces, rest])


def program(
    recipe: Recipe,
    known: Mapping[str, str],
    *,
    folder: Path,
    extra: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> ProgramSpec:
    """The program of ``recipe`` with ``known`` values, standing in ``folder``.

    ``extra`` words go to the end of the command line; ``variables`` overrule those of the recipe. Of our own
    environment the program sees no more than home, language, time zone and temporary folder.
    """
    argv = (*(fill(word, known) for word in recipe.program.command), *extra)
    return ProgramSpec(
        argv=argv,
        cwd=str(folder),
        env={
            **base_environment(Path(known["python"]).parent if "python" in known else None),
            **{name: fill(value, known) for name, value in recipe.program.environment.items()},
            **(variables or {}),
        },
        stop_signal=recipe.stop.signal,
        stop_grace_s=recipe.stop.grace_s,
    )


def base_environment(first: Path | None = None) -> dict[str, str]:
    """The little that every program gets; ``first`` leads its PATH."""
    windows = sys.platform == "win32"
    passed = {
        name: os.environ[name] for name in (*_PASSED, *(_PASSED_WINDOWS if windows else ())) if name in os.environ
    }
    path = os.environ.get("PATH", "") if windows else _SYSTEM_PATH
    lead = [str(first)] if first is not None else []
    return {**passed, "PATH": os.pathsep.join([*lead, path]), "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1"}
