"""Labels and buttons with a role, so that no page sets a style of its own."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFontDatabase
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QWidget

from ranvier.ui.theme import tabular
from ranvier.ui.words import tip_text


def label(text: str = "", role: str = "", *, wrap: bool = False, copyable: bool = False) -> QLabel:
    """A plain-text label. Roles: title, heading, figure, muted, small, problem, mono (addresses, hashes)."""
    widget = QLabel(text)
    widget.setTextFormat(Qt.TextFormat.PlainText)
    if role == "mono":
        size = widget.font().pointSizeF()
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        fixed.setPointSizeF(max(size, fixed.pointSizeF()))  # as large as the words beside it
        widget.setFont(fixed)
    elif role:
        widget.setProperty("role", role)
    widget.setFont(tabular(widget.font()))
    if wrap:
        widget.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        widget.setSizePolicy(policy)
    if copyable:
        widget.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return widget


def button(text: str, on_click: Callable[[], object] | None = None, *, kind: str = "", tip: str = "") -> QPushButton:
    """A push button. Kinds: primary (one a page), danger, quiet, small (as low as a line)."""
    widget = QPushButton(text)
    widget.setAutoDefault(False)
    if kind:
        widget.setProperty("kind", kind)
    if tip:
        widget.setToolTip(tip_text(tip))
    if on_click is not None:
        widget.clicked.connect(lambda: on_click())
    return widget


def allow(widget: QWidget | QAction, reason: str | None, tip: str = "") -> None:
    """Enable ``widget`` when ``reason`` is None; otherwise grey it and let its tooltip say why."""
    widget.setEnabled(reason is None)
    widget.setToolTip(tip_text(tip if reason is None else reason))


def restyle(widget: QWidget, name: str, value: str) -> None:
    """Set a dynamic property that the stylesheet looks at, and have it looked at again."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def line() -> QFrame:
    """A thin horizontal line."""
    widget = QFrame()
    widget.setProperty("role", "line")
    return widget
