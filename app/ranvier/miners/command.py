"""From a recipe and one miner's values to the program that a keeper runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ranvier.core.errors import RecipeError
from ranvier.core.outside import at_home
from ranvier.miners.recipe.container import container_command
from ranvier.miners.recipe.recipe import PLACEHOLDERS, Limits, Recipe, placeholders
from ranvier.miners.spec import ProgramSpec, Secrets

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
    network: str = "",
    source: Path | None = None,
    data: Path | None = None,
    external_ip: str | None = None,
    external_port: int | None = None,
    gpus: Sequence[str] = (),
    model: str = "",
) -> dict[str, str]:
    """The value of every placeholder, for ``program`` and ``fill``; one that is not known is left out."""
    environment = recipe.environment
    python = environment_python(env) if environment.interpreter is None else at_home(environment.interpreter)
    known = {
        "python": str(python),
        "recipe": str(recipe.folder),
        "source": str(source_folder(recipe, source or env.parent / "source")),
        "data": str(data or env.parent / "data"),
        "wallet_path": str(wallet_path),
        "wallet_name": wallet_name,
        "hotkey_name": hotkey_name,
        "netuid": str(netuid),
        "network": network,
        "endpoint": endpoint,
        "axon_port": str(axon_port),
        "external_port": str(external_port or axon_port),
        "gpu": ",".join(gpus),
        "model": model or recipe.model,
    }
    return known if external_ip is None else {**known, "external_ip": external_ip}


def source_folder(recipe: Recipe, fetched: Path | None) -> Path:
    """Where the miner's own code lies: its folder, where it was fetched to, or the recipe itself."""
    if recipe.source.folder is not None:
        return at_home(recipe.source.folder)
    return fetched if recipe.source.git is not None and fetched is not None else recipe.folder


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
    secret: Callable[[str], str | None] | None = None,
    own_secrets: Sequence[str] = (),
    gpus: Sequence[str] | None = None,
    limits: Limits | None = None,
) -> ProgramSpec:
    """The program of ``recipe`` with ``known`` values, standing in ``folder``.

    ``extra`` words go to the end of the command line; ``variables`` overrule those of the recipe. ``secret`` gives
    the value of a secret by its name; such values are kept apart (``ProgramSpec.secrets``). ``own_secrets`` are names
    that the owner adds to those of the recipe, each for a variable of that name. ``gpus`` are the only cards that it
    sees (UUIDs); None leaves them all. Of our own environment the program sees no more than home, language, time zone
    and temporary folder.
    """
    container = recipe.container
    inside = known if container is None else {**known, "wallet_path": container.wallet_at}
    words = [fill(word, inside) for word in recipe.program.command] + list(extra)
    own = {name: fill(value, known) for name, value in recipe.program.environment.items()}
    overrule = {**gpu_variables(gpus), **(variables or {})}
    given = secrets(recipe, secret, own_secrets)
    private = Secrets({name: value for name, value in given.items() if name not in overrule})
    own = {name: value for name, value in {**own, **overrule}.items() if name not in private}
    grace_s = recipe.stop.grace_s
    if container is not None:
        words = container_command(container, words, {**own, **private}, known, name=f"ranvier-{folder.name}",
                                  gpus=gpus, grace_s=grace_s, fill=fill)  # fmt: skip
        grace_s += 10.0  # the engine ends the container first, then we end the engine
    limits = limits or recipe.limits
    where = fill(recipe.program.folder, known) if recipe.program.folder else str(folder)
    return ProgramSpec(
        argv=tuple(words),
        secrets=private,
        cwd=where,
        env={**base_environment(Path(known["python"]).parent if "python" in known else None), **own},
        stop_signal=recipe.stop.signal if container is None else "TERM",
        stop_grace_s=grace_s,
        nice=limits.nice,
        memory_bytes=limits.memory_bytes,
        cpu_weight=limits.cpu_weight,
        ports=tuple(sorted({int(known["axon_port"])} if "axon_port" in known and "axon" in recipe.ports else ())),
    )


def gpu_variables(gpus: Sequence[str] | None) -> dict[str, str]:
    """Variables that show a program these cards only (NVIDIA and AMD by UUID); none at all for None."""
    if gpus is None:
        return {}
    chosen = ",".join(gpus)
    amd = ",".join(uuid for uuid in gpus if uuid.startswith("GPU-") or uuid.isdigit())
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": chosen,
        "NVIDIA_VISIBLE_DEVICES": chosen or "none",
        "ROCR_VISIBLE_DEVICES": amd,
    }


def secrets(recipe: Recipe, secret: Callable[[str], str | None] | None, own: Sequence[str] = ()) -> Secrets:
    """What ``recipe`` asks for by name and what its owner adds, by variable. RecipeError for one that is missing."""
    wanted = {**{name: name for name in own}, **recipe.program.secrets}
    return Secrets({name: _secret(title, secret) for name, title in wanted.items()})


def _secret(title: str, secret: Callable[[str], str | None] | None) -> str:
    value = None if secret is None else secret(title)
    if value is None:
        raise RecipeError(
            "Secret missing",
            f"It needs the secret “{title}”, which is not stored.",
            "Set it under Secrets in the miner's details, or with: ranvier miners secret set.",
        )
    return value


def base_environment(first: Path | None = None) -> dict[str, str]:
    """The little that every program gets; ``first`` leads its PATH."""
    windows = sys.platform == "win32"
    passed = {
        name: os.environ[name] for name in (*_PASSED, *(_PASSED_WINDOWS if windows else ())) if name in os.environ
    }
    path = os.environ.get("PATH", "") if windows else _SYSTEM_PATH
    lead = [str(first)] if first is not None else []
    return {**passed, "PATH": os.pathsep.join([*lead, path]), "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1"}
