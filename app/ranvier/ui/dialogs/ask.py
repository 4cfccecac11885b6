"""The one way a dialog is opened: ``open()`` and an awaited future. ``exec()`` inside a coroutine ends other tasks."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.text import button, label


async def show(dialog: QDialog) -> bool:
    """Open ``dialog`` and wait; True when it was accepted.

    The dialog is deleted soon after: read its values before the next ``await``. When the waiting task is
    cancelled the dialog closes.
    """
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def finished(result: int) -> None:
        if not future.done():
            future.set_result(result)

    dialog.finished.connect(finished)
    _place(dialog)
    dialog.open()
    try:
        return await future == QDialog.DialogCode.Accepted
    finally:
        dialog.finished.disconnect(finished)
        if dialog.isVisible():
            dialog.done(QDialog.DialogCode.Rejected)
        dialog.deleteLater()


def _place(dialog: QDialog) -> None:
    """Over the middle of its window, all of it on the screen.

    Qt does that too, but its place is lost when the contents change while the window manager opens it.
    """
    parent = dialog.parentWidget()
    if parent is None:
        return
    window, screen = parent.window().frameGeometry(), parent.screen().availableGeometry()
    frame = QRect(QPoint(), dialog.size() if dialog.size().isValid() else dialog.sizeHint())
    frame.moveCenter(window.center())
    frame.moveRight(min(frame.right(), screen.right()))
    frame.moveBottom(min(frame.bottom(), screen.bottom()))
    dialog.move(max(frame.left(), screen.left()), max(frame.top(), screen.top()))


class Dialog(QDialog):
    """A dialog with a heading, a body, a line for problems, and two buttons.

    Override ``submitted`` when the answer must be checked first: show ``problem`` and stay open, or ``accept``.
    """

    def __init__(
        self, parent: QWidget, title: str, *, yes: str = "OK", no: str = "Cancel", danger: bool = False
    ) -> None:
        super().__init__(parent)
        self._busy = False
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(440)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(14)
        column.addWidget(label(title, "heading", wrap=True))
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        column.addLayout(self.body, 1)
        self._problem = label("", "problem", wrap=True)
        self._problem.hide()
        column.addWidget(self._problem)
        row = QHBoxLayout()
        row.addStretch(1)
        self.no = button(no, self.reject)
        self.yes = button(yes, self.submitted, kind="danger" if danger else "primary")
        self.no.setVisible(bool(no))
        (self.no if danger else self.yes).setDefault(True)
        row.addWidget(self.no)
        row.addWidget(self.yes)
        column.addSpacing(4)
        column.addLayout(row)

    def submitted(self) -> None:
        """The yes button or Enter."""
        self.accept()

    def reject(self) -> None:
        """The no button, Escape or the window's cross."""
        if not self._busy:
            super().reject()

    def problem(self, text: str) -> None:
        """Say what is wrong, above the buttons; nothing that was typed is lost. Empty hides it."""
        self._problem.setText(text)
        self._problem.setVisible(bool(text))

    def busy(self, busy: bool) -> None:
        """While something is under way the buttons wait, and Escape or the window's cross do nothing."""
        self._busy = busy
        self.yes.setEnabled(not busy)
        self.no.setEnabled(not busy)


async def ask(
    parent: QWidget, title: str, text: str, *, yes: str = "OK", no: str = "Cancel", danger: bool = False
) -> bool:
    """Ask a question; True for yes. With ``danger`` the safe answer is the default."""
    dialog = Dialog(parent, title, yes=yes, no=no, danger=danger)
    dialog.body.addWidget(label(text, wrap=True))
    fit(dialog)
    return await show(dialog)


async def tell(parent: QWidget, title: str, text: str) -> None:
    """Say something that must be seen before going on."""
    dialog = Dialog(parent, title, no="")
    dialog.body.addWidget(label(text, wrap=True, copyable=True))
    fit(dialog)
    await show(dialog)
