"""An empty sheet to write a recovery phrase on: numbers and lines to print. It never holds a word of the phrase,
for printers and their queues keep what they are sent."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMarginsF, QRectF, Qt
from PySide6.QtGui import QFont, QPageLayout, QPageSize, QPainter, QPdfWriter, QPen

from ranvier.core.errors import StorageError

_DPI = 96
_COLUMNS = 2
_ROW = 46.0
_RULES = (
    "One word on each line, in printed letters. The first four letters decide a word.",
    "Keep this away from the machine, from cameras and from everybody.",
    "Nobody who helps you ever needs these words. Who has them owns the funds.",
    "Then do the restore drill: Wallets, Restore drill.",
)


def write_sheet(path: Path, wallet: str, words: int) -> None:
    """Write an A4 page with ``words`` numbered lines to a new PDF; raises StorageError."""
    if path.exists():
        raise StorageError("File exists", f"{path} exists and was left as it is.", "Choose another name.")
    writer = QPdfWriter(str(path))
    writer.setTitle("Recovery phrase, empty sheet")
    writer.setResolution(_DPI)
    margins = QMarginsF(20, 20, 20, 20)
    writer.setPageLayout(
        QPageLayout(QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait, margins,
                    QPageLayout.Unit.Millimeter)
    )  # fmt: skip
    painter = QPainter()
    if not painter.begin(writer):
        raise StorageError("Sheet not written", f"{path} cannot be written.", "Choose another folder.")
    _draw(painter, float(writer.width()), wallet, words)
    if not painter.end() or not path.exists():
        raise StorageError("Sheet not written", f"{path} could not be finished.", "Check the disk.")


def _draw(painter: QPainter, width: float, wallet: str, words: int) -> None:
    painter.setFont(QFont("sans-serif", 18, QFont.Weight.DemiBold))
    painter.drawText(QRectF(0, 0, width, 40), Qt.AlignmentFlag.AlignLeft, "Recovery phrase")
    painter.setFont(QFont("sans-serif", 10))
    facts = f"Wallet: {wallet}        Written on: ______________        Verified on: ______________"
    painter.drawText(QRectF(0, 44, width, 24), Qt.AlignmentFlag.AlignLeft, facts)
    rows = -(-words // _COLUMNS)
    painter.setPen(QPen(Qt.GlobalColor.black, 0.8))
    for place in range(words):
        left = (place // rows) * width / _COLUMNS
        bottom = 110 + (place % rows + 1) * _ROW
        number = QRectF(left, bottom - 24, 30, 24)
        painter.drawText(number, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, f"{place + 1}")
        painter.drawLine(int(left + 40), int(bottom), int(left + width / _COLUMNS - 24), int(bottom))
    top = 110 + rows * _ROW + 30
    for place, rule in enumerate(_RULES):
        painter.drawText(QRectF(0, top + 22 * place, width, 22), Qt.AlignmentFlag.AlignLeft, rule)
