"""Container images by the docker or podman command line, where one exists. No socket, no library.

The container belongs to its command line: it is removed when it ends, a leftover of a killed one is removed before
the next start, and SIGTERM stops it with the recipe's patience. Values of secrets travel in the environment,
never on the command line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence

from ranvier.core.errors import RecipeError
from ranvier.miners.recipe.recipe_model import Container

ENGINES = ("docker", "podman")
# $1 engine, $2 name, $3 patience; the rest is what to run. The loop waits on when a signal ended the first wait.
_SCRIPT = """\
engine=$1 name=$2 patience=$3; shift 3
"$engine" rm -f "$name" >/dev/null 2>&1
trap '"$engine" stop -t "$patience" "$name" >/dev/null 2>&1' TERM INT
"$engine" run "$@" & child=$!
wait $child; code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
exit $code
"""


def find_engine(wanted: str = "auto", path: str | None = None) -> str:
    """The engine's executable; RecipeError when there is none."""
    for name in ENGINES if wanted == "auto" else (wanted,):
        found = shutil.which(name, path=path)
        if found is not None:
            return found
    what = "docker or podman" if wanted == "auto" else wanted
    raise RecipeError(
        "No container engine", f"This recipe runs a container, and {what} is not installed.", "Install it, then start."
    )


def container_command(
    container: Container, words: Sequence[str], variables: Mapping[str, str], known: Mapping[str, str], *,
    name: str, gpus: Sequence[str] | None, grace_s: float, fill: Callable[[str, Mapping[str, str]], str],
) -> list[str]:  # fmt: skip
    """The command line for a keeper. ``words``: what the image is told to run; ``variables`` come by name only."""
    if os.name != "posix":
        raise RecipeError("Not on this system", "Containers are run on Linux and macOS only.", "")
    engine = find_engine(container.engine)
    run = ["--rm", "--init", "--name", name, "--stop-timeout", str(round(grace_s))]
    run += ["--network", "host"] if container.host_network else _ports(known)
    if "wallet_path" in known and container.wallet_at:
        run += ["--volume", f"{known['wallet_path']}:{container.wallet_at}:ro"]
    for volume in container.volumes:
        run += ["--volume", fill(volume, known)]
    for variable in sorted(variables):
        run += ["--env", variable]
    run += _cards(engine, gpus)
    run += [fill(word, known) for word in container.options]
    return ["/bin/sh", "-c", _SCRIPT, "ranvier", engine, name, str(round(grace_s)), *run, container.image, *words]


def _ports(known: Mapping[str, str]) -> list[str]:
    port = known.get("axon_port")
    return ["--publish", f"{port}:{port}"] if port else []


def _cards(engine: str, gpus: Sequence[str] | None) -> list[str]:
    if gpus is None or not gpus:
        return []
    if os.path.basename(engine).startswith("podman"):  # noqa: PTH119
        return [word for gpu in gpus for word in ("--device", f"nvidia.com/gpu={gpu}")]
    return ["--gpus", '"device=' + ",".join(gpus) + '"']
