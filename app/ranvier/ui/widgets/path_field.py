"""A file or folder to choose: typed, or picked in the system's own chooser (opened without a nested event loop)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.keys.folders import absolute
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.text import button


class Choose(enum.Enum):
    """What is chosen."""

    FOLDER = "folder"
    FILE = "file"
    NEW_FILE = "new file"


def open_chooser(
    parent: QWidget, what: Choose, title: str, start: str, on_chosen: Callable[[str], None]
) -> QFileDialog:
    """Open the system's chooser; ``on_chosen`` gets the path. A bare name, or nothing, begins in the home folder: the
    folder in which the program was started means nothing to its user."""
    dialog = QFileDialog(parent, title, str(Path.home() / start))
    if what is Choose.FOLDER:
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    elif what is Choose.FILE:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    else:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        # Nothing is ever overwritten, so the question whether to would mislead.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.fileSelected.connect(on_chosen)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


class PathField(QWidget):
    """A ``Field`` with a button beside it. ``path()`` is absolute, ``~`` expanded."""

    def __init__(
        self, name: str, what: Choose, check: Callable[[str], str | None], *, hint: str = "", text: str = ""
    ) -> None:
        super().__init__()
        self._what = what
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.field = Field(name, check, hint=hint, text=text)
        self.choose = button("Choose…", self._choose)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.field.input, 1)
        row.addWidget(self.choose)
        column.addWidget(self.field.name)
        column.addLayout(row)
        column.addWidget(self.field.note)
        self.changed = self.field.changed

    def text(self) -> str:
        return self.field.text().strip()

    def path(self) -> Path:
        return absolute(self.text())

    def insist(self) -> bool:
        """As ``Field.insist``."""
        return self.field.insist()

    def _choose(self) -> None:
        open_chooser(self, self._what, self.field.name.text(), self.text(), self.field.input.setText)


def needs_text(sentence: str) -> Callable[[str], str | None]:
    """A check that only wants something to be there."""
    return lambda text: None if text.strip() else sentence
