"""The height of a dialog: Qt guesses it for narrow text and leaves holes; this asks for the real width."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog


def fit(dialog: QDialog, width: int | None = None) -> None:
    """Give ``dialog`` the height that its wrapped texts need at its width, and not less than it asks for."""
    layout = dialog.layout()
    if layout is None:
        return
    layout.activate()
    wide = max(width or 0, dialog.minimumWidth(), layout.minimumSize().width())
    high = layout.heightForWidth(wide) if layout.hasHeightForWidth() else layout.sizeHint().height()
    dialog.resize(wide, high)
