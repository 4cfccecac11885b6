"""Labelled figures: one large number with its name, and a grid of small ones. Unknown is grey."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from ranvier.ui.models.gpus import Fact
from ranvier.ui.widgets.text import label, restyle


class Figure(QWidget):
    """One large value below its name, with a small sentence below it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.name = label(name, "muted")
        self.value = label("", "figure", copyable=True)
        self.note = label("", "small", wrap=True)
        for widget in (self.name, self.value, self.note):
            column.addWidget(widget)
        column.addStretch(1)
        self.show_value(None)

    def show_value(self, text: str | None, note: str = "") -> None:
        """``text`` None is shown as a grey ``unknown``."""
        self.value.setText("unknown" if text is None else text)
        restyle(self.value, "role", "muted" if text is None else "figure")
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.setAccessibleName(f"{self.name.text()}: {self.value.text()}")


class FactGrid(QWidget):
    """Facts in columns: name above value. Updated in place when the same names come again."""

    def __init__(self, columns: int = 4) -> None:
        super().__init__()
        self._columns = columns
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(10)
        self._values: dict[str, QWidget] = {}
        self.facts: tuple[Fact, ...] = ()

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show these; names are unique."""
        if [fact.label for fact in facts] != [fact.label for fact in self.facts]:
            self._rebuild(facts)
        self.facts = tuple(facts)
        for fact in facts:
            value = self._values[fact.label]
            value.setProperty("text", fact.text)
            restyle(value, "role", "" if fact.known else "muted")

    def _rebuild(self, facts: Sequence[Fact]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._values = {}
        for place, fact in enumerate(facts):
            row, column = divmod(place, self._columns)
            name, value = label(fact.label, "small"), label(copyable=True)
            value.setAlignment(Qt.AlignmentFlag.AlignLeft)
            self._grid.addWidget(name, 2 * row, column)
            self._grid.addWidget(value, 2 * row + 1, column)
            self._grid.setColumnStretch(column, 1)
            self._values[fact.label] = value
