"""Fetches a miner's own code with git, at exactly one revision, and runs its set-up steps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ranvier.core.errors import InstallError
from ranvier.core.files import storage_errors, write_atomic
from ranvier.core.processes import NO_WINDOW
from ranvier.miners.command import base_environment, fill, source_folder
from ranvier.miners.recipe.recipe import Recipe

REVISION_FILE = ".ranvier-revision"
GIT_LIMIT_S = 900.0


async def fetch(recipe: Recipe, folder: Path) -> Path:
    """Make sure that the code of ``recipe`` lies in ``folder`` (or where its recipe says); returns where it lies.

    A finished fetch takes its place in one rename and is not repeated. InstallError says what went wrong.
    """
    source = recipe.source
    where = source_folder(recipe, folder)
    if source.git is None:
        if not where.is_dir():
            raise InstallError("No such folder", f"The miner's code should be in {where}.", "Correct the recipe.")
        return where
    stamp = f"{source.git} {source.revision}\n"
    with contextlib.suppress(OSError):
        if (folder / REVISION_FILE).read_text("utf-8") == stamp:
            return folder
    git = shutil.which("git")
    if git is None:
        raise InstallError("No git", "The recipe fetches the miner's code with git.", "Install git and try again.")
    new = folder.with_name(folder.name + ".new")
    await asyncio.to_thread(shutil.rmtree, new, True)
    try:
        await _fetch(git, source.git, source.revision or "HEAD", new)
        write_atomic(new / REVISION_FILE, stamp.encode())
        await asyncio.to_thread(_take_place, new, folder)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, new, True))
        raise
    return folder


async def _fetch(git: str, url: str, revision: str, folder: Path) -> None:
    with storage_errors(folder):
        folder.mkdir(parents=True)
    await _git([git, "init", "--quiet"], folder)
    try:  # most servers give one revision; where they do not, everything is fetched
        await _git([git, "fetch", "--quiet", "--depth", "1", "--", url, revision], folder)
        await _git([git, "checkout", "--quiet", "--detach", "FETCH_HEAD"], folder)
    except InstallError:
        await _git([git, "fetch", "--quiet", "--tags", "--", url, "+refs/heads/*:refs/remotes/origin/*"], folder)
        await _git([git, "checkout", "--quiet", "--detach", revision, "--"], folder)
    if (folder / ".gitmodules").exists():
        await _git([git, "submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1"], folder)


async def _git(command: Sequence[str], folder: Path) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes", "LC_ALL": "C"}
    code, said = await run(command, folder, environment, GIT_LIMIT_S)
    if code != 0:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "git said nothing")
        raise InstallError("Code not fetched", f"git: {last[:300]}.", "Check the address and the revision.")


async def set_up(recipe: Recipe, env: Path, known: Mapping[str, str]) -> None:
    """Run the recipe's set-up steps in its code's folder; InstallError names the step and its last words."""
    folder = source_folder(recipe, env.parent / "source")
    for number, step in enumerate(recipe.setup, 1):
        words = [fill(word, known) for word in step.command]
        title = step.title or f"set-up step {number}"
        try:
            code, said = await run(words, folder, base_environment(env / "bin"), step.limit_s)
        except OSError as error:
            raise InstallError("Set-up failed", f"{title}: {words[0]}: {error.strerror}.", "") from error
        if code != 0:
            last = next((line for line in reversed(said.splitlines()) if line.strip()), f"it ended with code {code}")
            raise InstallError("Set-up failed", f"{title}: {last[:300]}", "Try it by hand in the miner's folder.")


async def run(words: Sequence[str], folder: Path, environment: Mapping[str, str], limit_s: float) -> tuple[int, str]:
    """Exit code and output of a command; nothing of it is left when we are cancelled or it takes too long."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        creationflags=NO_WINDOW,
    )
    try:
        async with asyncio.timeout(limit_s):
            said, _ = await process.communicate()
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
        if isinstance(error, TimeoutError):
            raise InstallError("Too slow", f"{words[0]} took longer than {limit_s:.0f} s.", "") from error
        raise
    return process.returncode or 0, said.decode("utf-8", "replace")[-20_000:]


def _take_place(new: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    with storage_errors(folder):
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
