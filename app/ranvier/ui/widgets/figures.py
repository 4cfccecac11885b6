"""Labelled figures: one large number with its name, and a grid of small ones. Unknown is grey."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from ranvier.ui.models.gpus import Fact
from ranvier.ui.widgets.text import label, restyle

_BETWEEN = 10  # above a fact's name, where another fact stands above it


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
    """Facts in columns, name above value; in fewer columns where they do not fit. Updated in place."""

    def __init__(self, columns: int = 4) -> None:
        super().__init__()
        self._most = columns
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(2)  # a value belongs to the name above it
        self._cells: list[tuple[QLabel, QLabel]] = []
        self.facts: tuple[Fact, ...] = ()

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show these; names are unique."""
        if [fact.label for fact in facts] != [fact.label for fact in self.facts]:
            self._rebuild(facts)
        self.facts = tuple(facts)
        for fact, (_, value) in zip(facts, self._cells, strict=True):
            value.setText(fact.text)
            restyle(value, "role", "" if fact.known else "muted")
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """One column is the narrowest."""
        return QSize(max(self._widths(), default=0), self._grid.totalMinimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _rebuild(self, facts: Sequence[Fact]) -> None:
        for cell in self._cells:
            for widget in cell:
                self._grid.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        self._cells = [(label(fact.label, "small"), label(copyable=True)) for fact in facts]
        self._columns = 0

    def _widths(self) -> list[int]:
        return [max(part.minimumSizeHint().width() for part in cell) for cell in self._cells]

    def _arrange(self) -> None:
        columns = self._fitting()
        if columns == self._columns:
            return
        self._columns = columns
        for place, (name, value) in enumerate(self._cells):
            value.setAlignment(Qt.AlignmentFlag.AlignLeft)
            row, column = divmod(place, columns)
            name.setContentsMargins(0, _BETWEEN if row else 0, 0, 0)
            self._grid.addWidget(name, 2 * row, column)
            self._grid.addWidget(value, 2 * row + 1, column)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def _fitting(self) -> int:
        """All columns, half of them, or one; back to more only where there is room to spare."""
        widths, gap = self._widths(), self._grid.horizontalSpacing()
        for columns in (self._most, (self._most + 1) // 2):
            each = [max(widths[column::columns], default=0) for column in range(columns)]
            spare = gap if self._columns and columns > self._columns else 0
            if sum(each) + gap * (columns - 1) + spare <= self.width():
                return columns
        return 1
