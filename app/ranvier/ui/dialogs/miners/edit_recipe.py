"""Correct the recipe of one miner: what is saved becomes a new version, which is tried and goes back by itself."""

from __future__ import annotations

import asyncio
import tomllib

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from ranvier.agent.api.messages import GetRecipe, MinerView, RecipeText, UpdateMiner
from ranvier.core.errors import RanvierError
from ranvier.core.outside import read_toml
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog, show
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.text import label

_WIDTH = 720
_REFUSED_WITHIN_S = 4.0  # what is wrong with the text is told in a moment; making an environment may take minutes


class EditRecipeDialog(Dialog):
    """Stays open, with what was typed, while the text is not accepted."""

    def __init__(self, parent: QWidget, context: Context, miner: MinerView, recipe: RecipeText, why: str = "") -> None:
        super().__init__(parent, f"Recipe of {miner.name}", yes="Save and try it")
        self._context, self._miner, self._recipe = context, miner, recipe
        self._waiting = False
        self.body.addWidget(
            label(
                "What is saved becomes a new version beside the one in use. It is tried; if the miner does not get "
                "well with it, Ranvier goes back by itself.",
                "muted",
                wrap=True,
            )
        )
        if why:
            self.body.addWidget(label(why, "strong", wrap=True, copyable=True))
        self.box = QPlainTextEdit(recipe.text)
        self.box.setProperty("role", "log")
        self.box.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.box.setAccessibleName("The recipe")
        self.box.setMinimumHeight(320)
        self.body.addWidget(self.box, 1)
        self.body.addWidget(label(recipe.path, "small", wrap=True, copyable=True))
        fit(self, _WIDTH)
        self.box.setFocus()

    def submitted(self) -> None:
        text = self.box.toPlainText()
        try:
            read_toml(text)
        except tomllib.TOMLDecodeError as error:
            self.problem(f"It is not TOML: {error}.")
            return
        if text == self._recipe.text:
            self.problem("Nothing was changed yet.")
            return
        self.problem("")
        self.busy(True)
        self._context.run(self._save(text), "new version")

    async def _save(self, text: str) -> None:
        task = self._context.tasks.start(self._update(text), f"update {self._miner.id}")
        self._waiting = True
        await asyncio.wait({task}, timeout=_REFUSED_WITHIN_S)
        self._waiting = False
        self.busy(False)
        problem = task.result() if task.done() and not task.cancelled() else None
        if problem is not None:
            self.problem(f"{problem.message} {problem.hint}".strip())
        else:
            self.accept()

    async def _update(self, text: str) -> RanvierError | None:
        """The refusal while somebody can read it here; later it goes to the message bar."""
        try:
            done = await self._context.client.call(UpdateMiner(self._miner.id, recipe_text=text))
        except RanvierError as error:
            if not self._waiting:
                raise
            return error
        self._context.say(done.text)
        return None


async def edit_recipe(parent: QWidget, context: Context, miner: MinerView) -> None:
    """Show the recipe that ``miner`` runs by, to be corrected. Raises RanvierError."""
    recipe = await context.client.call(GetRecipe(miner.id))
    why = miner.diagnosis
    words = f"{why.sentence} {why.step}" if why is not None and why.action == "edit_recipe" else ""
    await show(EditRecipeDialog(parent, context, miner, recipe, words))
