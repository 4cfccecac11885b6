"""Makes a miner's own Python environment with uv, from hash-locked requirements.

The new environment grows beside the old one and takes its place in one rename when everything in it has been
checked. Whole packages that were downloaded stay in the cache, so an interrupted installation goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from ranvier.core.errors import InstallError
from ranvier.core.files import storage_errors, write_atomic
from ranvier.core.outside import NOT_JSON, at_home
from ranvier.core.paths import private_folder
from ranvier.core.processes import NO_WINDOW
from ranvier.core.tasks import Tasks
from ranvier.miners.command import environment_python, fill
from ranvier.miners.install_errors import DAMAGED, damaged, explain, killed, no_space
from ranvier.miners.recipe.package_index import index_settings
from ranvier.miners.recipe.recipe import PackageFile, Recipe, Requirements, Source
from ranvier.miners.source import fetch, set_up

STAMP = "ranvier-environment.json"
LOOK_S = 0.25
SPARE_BYTES = 50 << 20
RETRIES = "3"

Progress = Callable[[str, int | None, int | None], None]


@dataclass(frozen=True, slots=True)
class _Cache:
    """What downloads are kept in: ``root`` holds Pythons too, ``uv`` is the cache of packages."""

    root: Path
    uv: Path


_Fill = Callable[[_Cache], Awaitable[None]]


class _Stamp(msgspec.Struct, frozen=True):
    """What an environment was made from."""

    recipe: str
    made_from: str


def fingerprint(recipe: Recipe) -> str:
    """Changes whenever an environment made earlier would not be the one that the recipe asks for now."""
    wanted = recipe.environment
    digest = hashlib.sha256()
    digest.update(repr((wanted.python, wanted.files)).encode())
    more = (wanted.interpreter, wanted.packages, wanted.none, recipe.setup, recipe.source)
    if more != (None, (), False, (), Source()):  # left out where there is none: older environments stay valid
        digest.update(repr(more).encode())
    for lock in wanted.requirements:
        digest.update(repr((lock.file, lock.no_deps)).encode())
        if not lock.from_source:  # the code's own file is fixed by its revision, or its owner's to change
            digest.update((recipe.folder / lock.file).read_bytes())
    return digest.hexdigest()


def installed(recipe: Recipe, env: Path) -> bool:
    """Whether ``env`` is a whole environment made from the recipe as it is now."""
    try:
        stamp = msgspec.json.decode((env / STAMP).read_bytes(), type=_Stamp)
        whole = not own_environment(recipe) or environment_python(env).exists()
        return stamp.made_from == fingerprint(recipe) and whole
    except (OSError, *NOT_JSON):
        return False


def own_environment(recipe: Recipe) -> bool:
    """Whether a Python environment is made for it; it may bring an interpreter of its own, or need none."""
    return recipe.environment.interpreter is None and not recipe.environment.none


async def install(
    recipe: Recipe,
    env: Path,
    cache: Path,
    on_progress: Progress,
    *,
    uv_options: Sequence[str] = (),
    fresh: bool = False,
) -> None:
    """Make ``env`` from ``recipe``; ``cache`` keeps downloads. Nothing happens when it is there already.

    ``on_progress(step, done, total)`` gets bytes written so far of the expected bytes, None where not known.
    Cancelling ends uv and leaves the old environment as it was. InstallError says what went wrong. With ``fresh``
    nothing of the cache is used: uv checks a package when it comes, and never again what it unpacked. What is fetched
    then takes the cache's place.
    ``uv_options`` are added to each installation (tests install from a folder of their own).
    """
    if await asyncio.to_thread(installed, recipe, env):
        on_progress("The environment is there", None, None)
        return
    with storage_errors(env):
        private_folder(env.parent)
        private_folder(cache)
    if recipe.source.git is not None:
        on_progress("Fetching the code", None, None)
    code = await fetch(recipe, env.parent / "source")
    _check_space(recipe, env.parent)
    new = env.with_name(env.name + ".new")
    await asyncio.to_thread(_remove, new)
    try:
        if own_environment(recipe):
            fill_it = partial(_fill, recipe, new, code, uv_options, on_progress)
            await _filled(fill_it, new, cache, on_progress, fresh=fresh)
        else:
            await asyncio.to_thread(_lend, recipe, new)
        if recipe.setup:
            on_progress("Setting up", None, None)
            await set_up(recipe, new, _known(recipe, new, code))
        stamp = _Stamp(recipe.name, await asyncio.to_thread(fingerprint, recipe))
        write_atomic(new / STAMP, msgspec.json.encode(stamp))
        await asyncio.to_thread(_take_place, new, env)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_remove, new))
        raise
    on_progress("The environment is ready", None, None)


# -- steps ---------------------------------------------------------------------------------------------------


async def _filled(fill_it: _Fill, new: Path, cache: Path, on_progress: Progress, *, fresh: bool) -> None:
    """Fill ``new``; once more without the cache when what uv kept is damaged, because it would use it for ever."""
    try:
        await _fill_from(cache, fresh, fill_it)
    except InstallError as error:
        if error.title != DAMAGED or fresh or not (cache / "uv").exists():
            raise
        on_progress("Fetching damaged downloads anew", None, None)
        await asyncio.to_thread(_remove, new)
        await _fill_from(cache, True, fill_it)


async def _fill_from(cache: Path, fresh: bool, fill_it: _Fill) -> None:
    """Fill from the cache; or from an empty one, which takes its place when all went well."""
    if not fresh:
        await fill_it(_Cache(cache, cache / "uv"))
        return
    empty = cache / f"uv.new-{os.getpid()}-{time.monotonic_ns()}"
    try:
        await fill_it(_Cache(cache, empty))
        await asyncio.to_thread(_take_place, empty, cache / "uv")
    finally:
        await asyncio.shield(asyncio.to_thread(_remove, empty))


async def _fill(
    recipe: Recipe, new: Path, code: Path, uv_options: Sequence[str], on_progress: Progress, cache: _Cache
) -> None:
    """Make the environment and install everything into it."""
    uv = _find_uv()
    on_progress("Making a Python environment", None, None)
    await _make(uv, recipe, new, cache)
    before = await asyncio.to_thread(_written, cache.root, new)
    steps = [
        (lock.file, _add_command(uv, lock, _lock_path(recipe, lock, code), new))
        for lock in recipe.environment.requirements
    ]
    if recipe.environment.packages:
        words = [fill(word, _known(recipe, new, code)) for word in recipe.environment.packages]
        python = str(environment_python(new))
        steps.append(("packages", [uv, "pip", "install", "--no-progress", "--python", python, *words]))
    for name, command in steps:
        async with _watched(f"Installing {name}", recipe, (cache.root, new), before, on_progress):
            await _run([*command, *uv_options], cache, recipe)
    on_progress("Checking the files", None, None)
    await asyncio.to_thread(_check_files, recipe, new)


def _lend(recipe: Recipe, new: Path) -> None:
    """A folder for the stamp alone: the interpreter is somebody else's, or none is needed."""
    interpreter = recipe.environment.interpreter
    if interpreter is not None and not os.access(at_home(interpreter), os.X_OK):
        raise InstallError("No such Python", f"{interpreter} is not there or not executable.", "Correct the recipe.")
    private_folder(new)


def _known(recipe: Recipe, new: Path, code: Path) -> dict[str, str]:
    interpreter = recipe.environment.interpreter
    python = environment_python(new) if interpreter is None else at_home(interpreter)
    return {"python": str(python), "recipe": str(recipe.folder), "source": str(code), "model": recipe.model}


def _lock_path(recipe: Recipe, lock: Requirements, code: Path) -> Path:
    return (code if lock.from_source else recipe.folder) / lock.file


async def _make(uv: str, recipe: Recipe, new: Path, cache: _Cache) -> None:
    """An empty environment that may be moved: with our Python, or with the one that the recipe asks for."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    wanted = recipe.environment.python or own
    ours = not getattr(sys, "frozen", False) and wanted == own
    python = sys.executable if ours else wanted
    await _run([uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", python, str(new)], cache, recipe)


def _add_command(uv: str, lock: Requirements, path: Path, new: Path) -> list[str]:
    command = [uv, "pip", "install", "--no-progress", "--python", str(environment_python(new))]
    command += ["--require-hashes"] if lock.hashes else []
    command += ["--no-deps"] if lock.no_deps else []
    return [*command, "-r", str(path)]


@contextlib.asynccontextmanager
async def _watched(
    step: str, recipe: Recipe, folders: tuple[Path, Path], before: int, on_progress: Progress
) -> AsyncIterator[None]:
    """Tell how much has been written to ``folders`` while the body runs: the only measure that uv leaves us."""
    total = recipe.environment.install_bytes

    async def watch() -> None:
        while True:
            done = max(0, await asyncio.to_thread(_written, *folders) - before)
            on_progress(step, done, max(total, done) if total else None)
            await asyncio.sleep(LOOK_S)

    tasks = Tasks()
    tasks.start(watch(), f"progress of {recipe.name}")
    try:
        yield
    finally:
        await tasks.close()


async def _run(command: list[str], cache: _Cache, recipe: Recipe) -> None:
    """Run uv; InstallError in plain words when it fails, and no uv left behind when we are cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_uv_environment(cache),
        cwd=str(cache.root),  # away from anybody's pyproject.toml
        creationflags=NO_WINDOW,
    )
    try:
        _out, said = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
        raise
    if process.returncode is not None and process.returncode < 0:
        raise killed(-process.returncode)
    if process.returncode != 0:
        raise explain(said.decode("utf-8", "replace"), recipe.environment.install_bytes, cache.root)


def _uv_environment(cache: _Cache) -> dict[str, str]:
    """What uv needs: our network settings and nothing of our own Python."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "UV_", "CONDA", "PYINSTALLER", "PIP_"))
        and name not in ("VIRTUAL_ENV", "LD_LIBRARY_PATH", "_PYI_ARCHIVE_FILE")
    }
    return {
        **kept,
        **index_settings(os.environ),
        "UV_CACHE_DIR": str(cache.uv),
        "UV_PYTHON_INSTALL_DIR": str(cache.root / "python"),
        "UV_SYSTEM_CERTS": "1",
        "UV_NATIVE_TLS": "1",  # the same, for older uv
        "UV_HTTP_RETRIES": RETRIES,
        "NO_COLOR": "1",
    }


def _check_files(recipe: Recipe, new: Path) -> None:
    for file in recipe.environment.files:
        _check_file(file, _site_packages(new))


def _check_file(file: PackageFile, packages: Path) -> None:
    path = packages / file.path
    digest = hashlib.sha256()
    try:
        with path.open("rb") as data:
            while piece := data.read(1 << 20):
                digest.update(piece)
    except FileNotFoundError as error:
        raise InstallError(
            "File missing", f"{file.path} is not among the installed files.", "The recipe needs an update."
        ) from error
    if digest.hexdigest() != file.sha256:
        raise damaged(
            f"{file.path} is not the file that the recipe names (sha256 {digest.hexdigest()[:16]}… instead of "
            f"{file.sha256[:16]}…)."
        )


def _site_packages(env: Path) -> Path:
    if os.name == "nt":
        return env / "Lib" / "site-packages"
    found = sorted(env.glob("lib/python*/site-packages"))
    if not found:
        raise InstallError("Environment damaged", f"{env} has no site-packages folder.", "Try again.")
    return found[0]


def _take_place(new: Path, env: Path) -> None:
    """Put the finished environment in the place of the old one."""
    old = env.with_name(env.name + ".old")
    _remove(old)
    with storage_errors(env):
        if env.exists():
            env.rename(old)
        new.rename(env)
    _remove(old)


def _check_space(recipe: Recipe, folder: Path) -> None:
    need = recipe.environment.install_bytes
    if need is not None and shutil.disk_usage(folder).free < need + SPARE_BYTES:
        raise no_space(need, folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _written(*folders: Path) -> int:
    """Bytes below ``folders``; a file that stands in two places (uv links them) counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    pending = [str(folder) for folder in folders]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                        continue
                    facts = entry.stat(follow_symlinks=False)
                    if facts.st_nlink == 1 or (facts.st_dev, facts.st_ino) not in seen:
                        seen.add((facts.st_dev, facts.st_ino))
                        total += facts.st_size
    return total


def _find_uv() -> str:
    import uv

    try:
        return os.fsdecode(uv.find_uv_bin())
    except FileNotFoundError as error:
        found = shutil.which("uv")
        if found is not None:
            return found
        raise InstallError(
            "No uv", "uv, which makes miners' environments, was not found.", "Install it: python3 -m pip install uv"
        ) from error
