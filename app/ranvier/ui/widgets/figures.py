"""Labelled figures: one large number with its name, and a grid of small ones. Unknown is grey."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
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


class FigureRow(QWidget):
    """Figures beside each other in columns of one width; in two rows, or one below the other, where it is narrow."""

    def __init__(self, figures: Sequence[Figure] = (), spacing: int = 24) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(spacing)
        self._grid.setVerticalSpacing(14)
        self._columns = 0
        self.figures: list[Figure] = []
        self.show_figures(figures)

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show these instead of those from before, which are deleted."""
        for figure in self.figures:
            if figure not in figures:
                self._grid.removeWidget(figure)
                figure.hide()
                figure.deleteLater()
        self.figures = list(figures)
        self._columns = 0
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """One column is the narrowest."""
        return QSize(self._widest(), self._grid.totalMinimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _widest(self) -> int:
        return max((figure.minimumSizeHint().width() for figure in self.figures), default=0)

    def _arrange(self) -> None:
        """As many columns as fit and leave no row of one (4, 2, 1); more of them only where there is room to spare."""
        number, gap = len(self.figures), self._grid.horizontalSpacing()
        columns = next(
            (
                n
                for n in sorted({number, (number + 1) // 2, 1}, reverse=True)
                if n * self._widest() + (n - 1) * gap + (0 if n <= self._columns or not self._columns else gap)
                <= self.width()
            ),
            1,
        )
        if columns == self._columns or not number:
            return
        self._columns = columns
        for place, figure in enumerate(self.figures):
            self._grid.addWidget(figure, place // columns, place % columns)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
            self._grid.setColumnMinimumWidth(column, 0)


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
