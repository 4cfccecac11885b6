"""What a new miner runs: a recipe that is there, or one proposed for what the person has. A form of one choice."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QComboBox, QGridLayout, QPlainTextEdit, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError, RecipeError
from ranvier.core.outside import at_home, read_toml
from ranvier.miners.recipe.command_line import words_of
from ranvier.miners.recipe.guess import propose_container, propose_line, propose_project
from ranvier.miners.recipe.imports import PM2_DUMP, from_pm2, from_systemd, units
from ranvier.miners.recipe.proposal import Proposal, check_text
from ranvier.miners.recipe.recipe import Recipe
from ranvier.ui.dialogs.fit import Steps
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.path_field import Choose, PathField
from ranvier.ui.widgets.text import button, label, restyle
from ranvier.ui.words import size_text

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to say what runs. ``hint`` explains it."""

    title: str
    hint: str


KINDS = (
    Kind("A recipe", "Made and tried by somebody; its packages are locked and checked."),
    Kind("Any command", "A command line as you would type it. It runs as it is, without an environment of its own."),
    Kind("A Python project's folder", "Its packages, Python and start are guessed from its files; correct them."),
    Kind("A container image", "Run by docker or podman; the wallet's copy is mounted read-only."),
    Kind("What PM2 or systemd runs now", "Only read, nothing is stopped: you give the command to switch over."),
)
LABEL_WIDTH = 72
RECIPE, COMMAND, PROJECT, IMAGE, IMPORT = range(len(KINDS))


class MinerSource(QWidget):
    """``recipe_name`` and ``text`` (empty for a recipe that is there) after ``ready`` said None.

    ``name`` gives the miner's name, after which a proposal is called; ``changed`` tells that another recipe was
    chosen or proposed.
    """

    changed = Signal()

    def __init__(self, recipes: Sequence[Recipe], name: Callable[[], str]) -> None:
        super().__init__()
        self._name = name
        self.proposal: Proposal | None = None
        grid = QGridLayout(self)  # a form's rows are as high as their words are when narrow
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        self.kind = QComboBox()
        for kind in KINDS:
            self.kind.addItem(kind.title)
        self.kind.setAccessibleName("What runs")
        title = label("What runs")
        title.setMinimumWidth(LABEL_WIDTH)
        grid.addWidget(title, 0, 0)
        grid.addWidget(self.kind, 0, 1)
        self.hint = label("", "muted", wrap=True)
        self.recipe = QComboBox()
        self.recipe.setAccessibleName("Recipe")
        for recipe in recipes:
            self.recipe.addItem(recipe.title, recipe)
        self.command = Field("Command", _needed("Write the command."), hint="python miner.py --netuid 1 …")
        self.project = PathField("Folder of the project", Choose.FOLDER, _folder)
        self.entry = Field("What starts it", lambda _: None, hint="Such as neurons/miner.py; empty: it is looked for.")
        guided = QWidget()
        column = QVBoxLayout(guided)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.project)
        column.addWidget(self.entry)
        self.image = Field(
            "Image", _needed("Name the image."), hint="ghcr.io/team/miner:1.4, with what it is told after it"
        )
        self.found = QComboBox()
        self.found.setAccessibleName("Program to take over")
        self.steps = Steps()
        for step in (self.recipe, self.command, guided, self.image, self.found):
            self.steps.add(step)
        _below(grid, self.steps)
        _below(grid, self.hint)
        self.propose = button("Propose a recipe", self.make, tip="Nothing is run or stored")
        _below(grid, self.propose)
        self.recipe_text = QPlainTextEdit()
        self.recipe_text.setProperty("role", "log")
        self.recipe_text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.recipe_text.setAccessibleName("The proposed recipe; correct it where it is wrong")
        self.recipe_text.setMinimumHeight(150)
        _below(grid, self.recipe_text)
        self.notes = label("", "small", wrap=True, copyable=True)
        _below(grid, self.notes)
        self.kind.currentIndexChanged.connect(self._kind_chosen)
        self.recipe.currentIndexChanged.connect(lambda _: self._kind_chosen(self.kind.currentIndex()))
        self._kind_chosen(RECIPE)

    # --- what was chosen -----------------------------------------------------------------------------------

    @property
    def chosen_recipe(self) -> Recipe | None:
        """The recipe that is there; None for a proposal."""
        recipe: Recipe | None = self.recipe.currentData() if self.kind.currentIndex() == RECIPE else None
        return recipe

    @property
    def recipe_name(self) -> str:
        recipe = self.chosen_recipe
        if recipe is not None:
            return recipe.name
        try:
            return str(read_toml(self.text).get("name", ""))
        except tomllib.TOMLDecodeError:
            return ""

    @property
    def text(self) -> str:
        return "" if self.chosen_recipe is not None else self.recipe_text.toPlainText()

    @property
    def unread(self) -> bool:
        """Whether a recipe is to be proposed and read before there is anything to add."""
        return self.kind.currentIndex() != RECIPE and self.proposal is None

    def ready(self) -> str | None:
        """What is missing, in a sentence; None when nothing is."""
        if self.kind.currentIndex() == RECIPE:
            return None if self.chosen_recipe is not None else "There is no recipe; this copy of Ranvier is not whole."
        if self.unread:
            return "Press “Propose a recipe” first, and read what it says."
        try:
            check_text(self.text)
        except RanvierError as error:
            return f"{error.message} {error.hint}".strip()
        return None

    # --- inside --------------------------------------------------------------------------------------------

    def _kind_chosen(self, kind: int) -> None:
        self.proposal = None
        self.steps.turn_to(kind)
        hint = KINDS[kind].hint
        recipe = self.chosen_recipe
        if recipe is not None:
            size = recipe.environment.download_bytes
            hint = recipe.description + (f" Downloads {size_text(size)}." if size is not None else "")
            needs = ", ".join(recipe.program.secrets.values())
            hint += f" Needs secrets: {needs}; you are asked for them." if needs else ""
        restyle(self.hint, "role", "muted")
        self.hint.setText(hint)
        if kind == IMPORT and not self.found.count():
            self._look()
        self._show()

    def _show(self) -> None:
        proposed = self.proposal
        self.propose.setVisible(self.kind.currentIndex() != RECIPE)
        self.recipe_text.setVisible(proposed is not None)
        self.notes.setVisible(proposed is not None)
        if proposed is not None:
            self.recipe_text.setPlainText(proposed.text)
            notes = [*proposed.notes]
            if proposed.switch_over:
                notes.append(f"When the new one is ready, end the old one with: {proposed.switch_over}")
            self.notes.setText("\n".join(notes))
        self.changed.emit()

    def make(self) -> None:
        """Propose a recipe for what was typed or chosen."""
        try:
            self.proposal = self._proposal()
        except RanvierError as error:
            self.proposal = None
            self._show()
            self.hint.setText(f"{error.message} {error.hint}".strip())
            restyle(self.hint, "role", "problem")
            return
        restyle(self.hint, "role", "muted")
        self.hint.setText("Read it, correct it where it is wrong, then add the miner.")
        self._show()

    def _proposal(self) -> Proposal:
        kind = self.kind.currentIndex()
        if kind == COMMAND:
            return propose_line(self._name(), self.command.text())
        if kind == PROJECT:
            entry = self.entry.text().strip() or None
            return propose_project(Path(self.project.field.text()), entry=entry, name=self._name())
        if kind == IMAGE:
            words = words_of(self.image.text())
            if not words:
                raise RecipeError("No image", "There is no image to run.", "Name one.")
            return propose_container(self._name(), words[0], words[1:])
        found: Callable[[], Proposal] | None = self.found.currentData()
        if found is None:
            raise RecipeError("Nothing found", "Neither PM2 nor systemd has a program here.", "Run pm2 save first.")
        return found()

    def _look(self) -> None:
        """What PM2's dump and the unit folders hold. Small files, read at once."""
        dump = PM2_DUMP.expanduser()
        if dump.is_file():
            try:
                for one in from_pm2(dump.read_bytes()):
                    self.found.addItem(f"PM2: {one.name}", lambda one=one: one)
            except (RanvierError, OSError) as error:
                log.info("PM2's dump: %s", error)
                why = error.message if isinstance(error, RanvierError) else "Its file cannot be read."
                self.hint.setText(f"PM2 is left out. {why}")
        for unit in units():
            user = Path.home() in unit.parents
            self.found.addItem(f"systemd: {unit.name}", lambda unit=unit, user=user: _from_unit(unit, user))
        if not self.found.count():
            self.found.setPlaceholderText("Nothing was found")


def _below(grid: QGridLayout, widget: QWidget) -> None:
    """A row without a name."""
    grid.addWidget(widget, grid.rowCount(), 1)


def _from_unit(unit: Path, user: bool) -> Proposal:
    try:
        return from_systemd(unit.read_text("utf-8", "replace"), unit.name, user=user)
    except OSError as error:
        raise RecipeError("Unit not read", f"{unit}: {error.strerror}.", "") from error


def _needed(words: str) -> Callable[[str], str | None]:
    return lambda text: None if text.strip() else words


def _folder(text: str) -> str | None:
    return None if at_home(text).is_dir() else "Choose the folder that holds the project."
