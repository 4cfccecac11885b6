"""A result as a small picture for others: figures, units, versions and the day; no UUID, address, path or name of a
machine is on it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ranvier import __version__
from ranvier.benchmark.store import Record
from ranvier.ui.icons import pixmap
from ranvier.ui.models.benchmarks import KINDS, day_words, headline, number_text, subject_title, subject_words
from ranvier.ui.widgets.text import label

_SIZE = QSize(640, 300)
_LONG = 32  # letters of a title


class ShareCard(QFrame):
    """Made for one record; ``grab`` it."""

    def __init__(self, record: Record, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setFixedSize(_SIZE)
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 26, 32, 24)
        column.setSpacing(6)
        column.addWidget(
            label(subject_title(record), "heading" if len(subject_words(record)) > _LONG else "title", wrap=True)
        )
        column.addWidget(label(f"{KINDS.get(record.kind, record.kind)} benchmark", "muted"))
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(26)
        for value in headline(record):
            row.addLayout(_figure(value.title, number_text(value.value, value.unit), value.spread_percent), 1)
        column.addLayout(row)
        column.addStretch(1)
        column.addWidget(label(_conditions(record), "small", wrap=True))
        foot = QHBoxLayout()
        foot.setSpacing(8)
        mark = QLabel()
        mark.setPixmap(pixmap("ranvier", 20, ratio=2.0))
        foot.addWidget(mark)
        foot.addWidget(label(f"Ranvier {record.app_version or __version__}", "small"))
        foot.addStretch(1)
        foot.addWidget(label(day_words(record.at), "small"))
        column.addLayout(foot)


def _figure(title: str, text: str, spread: float | None) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(2)
    column.addWidget(label(title, "muted", wrap=True))
    column.addWidget(label(text, "figure"))
    column.addWidget(label("" if spread is None else f"spread {spread:.1f} %", "small"))
    column.setAlignment(Qt.AlignmentFlag.AlignTop)
    return column


def _conditions(record: Record) -> str:
    """What one must know to compare: driver, versions, the objective."""
    parts = [] if record.subject.driver is None else [f"driver {record.subject.driver}"]
    parts += [f"{name} {version}" for name, version in record.subject.versions.items()]
    load = record.serving or next(iter(record.sweep.steps if record.sweep is not None else ()), None)
    if load is not None:
        words = record.settings.get("input_words"), record.settings.get("output_tokens")
        parts.append(f"{words[0]} words in, {words[1]} tokens out")
        parts.append("tokens counted by the server" if load.tokens_from == "usage" else "tokens estimated")
        if record.serving is not None and load.concurrency is not None:
            parts.append(f"{load.concurrency} at once")
    return " · ".join(parts)


def card_picture(record: Record, parent: QWidget) -> QPixmap:
    """The card in the colours of the window."""
    card = ShareCard(record, parent)
    card.hide()
    card.ensurePolished()
    picture = card.grab()
    card.setParent(None)
    card.deleteLater()
    return picture
