"""Our own icons, drawn from ``resources/icons`` in the colour and size that is asked for."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from ranvier.core.evidence import Level
from ranvier.core.paths import resources

_SIZES = (16, 22, 24, 32, 48, 64)


def _file(name: str) -> Path:
    return resources() / "icons" / f"{name}.svg"


def pixmap(name: str, size: int, colour: str = "", ratio: float = 1.0) -> QPixmap:
    """The icon ``name`` as a square of ``size`` pixels; line icons are drawn in ``colour``."""
    source = _file(name).read_bytes().replace(b"currentColor", colour.encode() or b"#888888")
    renderer = QSvgRenderer(QByteArray(source))
    result = QPixmap(round(size * ratio), round(size * ratio))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    renderer.render(painter, QRectF(result.rect()))
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result


def line_icon(name: str, colour: str, size: int = 20) -> QIcon:
    """A line icon in one colour, sharp on ordinary and on dense screens."""
    icon = QIcon()
    for ratio in (1.0, 2.0):
        icon.addPixmap(pixmap(name, size, colour, ratio))
    return icon


def app_icon() -> QIcon:
    """Ranvier's own mark."""
    icon = QIcon()
    for size in (*_SIZES, 128, 256):
        icon.addPixmap(pixmap("ranvier", size))
    return icon


def tray_icon(level: Level) -> QIcon:
    """The mark for the tray, whose colour and middle shape tell the level."""
    icon = QIcon()
    for size in _SIZES:
        icon.addPixmap(pixmap(f"tray-{level.value}", size))
    return icon
