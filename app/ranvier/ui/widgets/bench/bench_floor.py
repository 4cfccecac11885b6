"""A subnet's hardware floor (``min_compute.yml`` as subnets write it) against this machine, line by line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout

from ranvier.benchmark.around import facts
from ranvier.benchmark.floor import FloorLine, check_floor, read_floor
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.hardware.snapshot import Hardware
from ranvier.ui.context import Run
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.widgets.bench.bench_form import Choice, named
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.level_cell import LevelCell
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import button, label, restyle
from ranvier.ui.words import count_text

_MOST_ROWS = 12
_WORDS = {True: "met", False: "not met", None: "cannot be checked"}
_LEVELS = {True: Level.GOOD, False: Level.BAD, None: Level.UNKNOWN}
_HINT = "Open a subnet's min_compute.yml to see what it asks for and whether this machine has it."


class FloorPart(Card):
    """``run`` starts a coroutine."""

    def __init__(self, run: Run) -> None:
        super().__init__("A subnet's hardware floor")
        self._run = run
        self._sample: Hardware | None = None
        self._path: Path | None = None
        self.role = Choice()
        self.role.set_entries([("Miner", "miner"), ("Validator", "validator")])
        self.open = button("Open min_compute.yml", self._ask)
        self.words = label(_HINT, "muted", wrap=True)
        self.model = floor_model()
        self.table = Table(self.model)
        self.table.setItemDelegateForColumn(0, LevelCell(self.table, lambda line: _LEVELS[line.met]))
        self.table.sort_by(-1)  # in the order of the file
        self.table.setAccessibleName("The subnet's hardware floor, line by line")
        self.table.hide()
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.words, 1)
        row.addWidget(named("For a", self.role), 0)
        row.addWidget(self.open, 0, Qt.AlignmentFlag.AlignBottom)
        self.body.addLayout(row)
        self.add(self.table)
        self.role.currentIndexChanged.connect(lambda _index: self._again())

    def show_hardware(self, sample: Hardware) -> None:
        """This machine as it is now."""
        self._sample = sample
        self._again()

    def check(self, path: Path) -> None:
        """Read this file and hold it against the machine."""
        self._path = path
        self._again()

    def _again(self) -> None:
        if self._path is not None and self._sample is not None:
            self._run(self._check(self._path, self._sample), "hardware floor")

    async def _check(self, path: Path, sample: Hardware) -> None:
        role = str(self.role.currentData())
        try:
            lines = await asyncio.to_thread(_checked, path, sample, role)
        except RanvierError as error:
            self._show((), f"{error.title}: {error.message} {error.hint}".strip(), "problem")
            return
        missing = sum(line.met is False for line in lines)
        open_ones = sum(line.met is None for line in lines)
        words = f"{path.name}: {'every line that can be checked is met' if not missing else ''}"
        words += f"{count_text(missing, 'line')} not met" if missing else ""
        words += f"; {count_text(open_ones, 'line')} cannot be checked here." if open_ones else "."
        self._show(lines, words, "problem" if missing else "muted")

    def _show(self, lines: tuple[FloorLine, ...], words: str, role: str) -> None:
        self.words.setText(words)
        restyle(self.words, "role", role)
        self.model.set_rows(lines)
        self.table.setVisible(bool(lines))
        self.table.show_rows(min(_MOST_ROWS, max(1, len(lines))))
        if lines:
            self.table.fit()

    def _ask(self) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.HomeLocation)
        dialog = QFileDialog(self, "Open min_compute.yml", folder, "YAML (*.yml *.yaml);;All files (*)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.check(Path(path)))
        dialog.open()


def floor_model() -> RowsModel[FloorLine]:
    """What the file wants, what the machine has, whether that is enough."""
    return RowsModel[FloorLine](
        (
            Column("Line", lambda line: line.key, lambda line: line.key),
            Column("Wants", lambda line: line.wanted, lambda line: line.wanted),
            Column("Has", lambda line: line.have, lambda line: line.have),
            Column("Verdict", lambda line: _WORDS[line.met], lambda line: _WORDS[line.met]),
        ),
        key=lambda line: line.key,
    )


def _checked(path: Path, sample: Hardware, role: str) -> tuple[FloorLine, ...]:
    return check_floor(read_floor(path), facts(msgspec.to_builtins(sample)), role)
