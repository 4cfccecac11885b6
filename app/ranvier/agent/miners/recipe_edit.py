"""A miner's own recipe, read and corrected by its owner: the correction becomes a new version, which is tried."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ranvier.agent.api.messages import RecipeText
from ranvier.agent.miners.miner import Miner
from ranvier.agent.miners.programs import Programs
from ranvier.core.errors import MinerError, RecipeError
from ranvier.core.files import storage_errors, write_atomic
from ranvier.miners.generations import copy_recipe
from ranvier.miners.recipe.recipe import FILE_NAME, load_recipe


def folder_of(miner: Miner, programs: Programs) -> Path:
    """Where the recipe lies that ``miner`` runs by. RecipeError when there is none."""
    return programs.recipe_folder(miner.folder, miner.file)


def read(folder: Path) -> RecipeText:
    """The text of the recipe in ``folder``. Blocking."""
    path = folder / FILE_NAME
    try:
        return RecipeText(path.read_text("utf-8", "replace"), str(path))
    except OSError as error:
        raise RecipeError("No recipe", f"{path} cannot be read: {error.strerror}.") from error


@asynccontextmanager
async def edited(miner_folder: Path, source: Path, text: str) -> AsyncIterator[Path]:
    """A copy of the recipe in ``source`` with another text, for as long as the body runs. RecipeError names the line;
    MinerError when nothing was changed."""
    folder = miner_folder / "edited"
    try:
        await asyncio.to_thread(_make, folder, source, text)
        yield folder
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))


def _make(folder: Path, source: Path, text: str) -> None:
    if text == read(source).text:
        raise MinerError("Nothing changed", "The recipe is as it was.", "Correct it, then save it.")
    shutil.rmtree(folder, ignore_errors=True)
    copy_recipe(source, folder)
    with storage_errors(folder):
        write_atomic(folder / FILE_NAME, text.encode())
    if load_recipe(folder).name != load_recipe(source).name:
        raise RecipeError("Another name", "A miner's recipe keeps its name.", "Give it the old name again.")
