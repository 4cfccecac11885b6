"""The main window: sidebar, header, the pages, each made on its first visit, and the message strip at its foot."""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QPaintEvent, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.api.messages import StartSandbox
from ranvier.ui.header import Header
from ranvier.ui.icons import app_icon
from ranvier.ui.messages import MessageBar
from ranvier.ui.pages import BY_KEY
from ranvier.ui.shortcuts import close_keys, help_keys, quit_keys, show_keys
from ranvier.ui.sidebar import COMPACT_BELOW, Sidebar
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.text import allow

if TYPE_CHECKING:
    from ranvier.ui.context import Context

log = logging.getLogger(__name__)

_SANDBOX_S = 60.0
_TEXT_HEIGHT = 16  # of a line in the ordinary font size


class Window(QMainWindow):
    """Empty until ``attach``: it is painted before anything heavy is imported.

    ``first_painted`` comes once; ``close_wanted`` when the user closes it, ``quit_wanted`` when a key says quit (the
    application decides what that means, see ``closing``). One timer ticks header, messages and the open page, only
    while they can be seen.
    """

    first_painted = Signal()
    close_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Ranvier")
        self.setWindowIcon(app_icon())
        self.resize(1240, 820)
        self.setMinimumSize(940, 600)
        self.sidebar = Sidebar(self)
        self.header = Header()
        self.messages = MessageBar()
        self.stack = QStackedWidget()
        self.stack.addWidget(EmptyState("Ranvier is starting", "Looking for the agent."))
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.header)
        right.addWidget(self.stack, 1)
        right.addWidget(self.messages)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addLayout(right, 1)
        self.setCentralWidget(whole)
        self.sidebar.chosen.connect(self.go)
        for keys, act in (
            (close_keys(), self.close),
            (quit_keys(), self.quit_wanted.emit),
            (help_keys(), lambda: show_keys(self)),
        ):
            shortcut = QShortcut(self)
            shortcut.setKeys(keys)
            shortcut.activated.connect(act)
        self.pages: dict[str, Page] = {}
        self._loaded: set[str] = set()
        self._context: Context | None = None
        self._open_key = ""
        self._wanted_key = ""
        self._wanted_subject = ""
        self._page_seen: Page | None = None
        self._painted = False
        self._may_close = False
        self._timer = QTimer(self)
        self._timer.setObjectName("window tick")
        self._timer.setInterval(1000)
        self._timer.timeout.connect(self._tick)

    # --- pages ---------------------------------------------------------------------------------------------

    def attach(self, context: Context) -> None:
        """Pages can be made from now on; those asked for earlier open."""
        self._context = context
        self.header.sandbox_wanted.connect(lambda: context.run(self._start_sandbox(context), "start sandbox"))
        if self._wanted_key:
            self.go(f"{self._wanted_key}/{self._wanted_subject}")

    async def _start_sandbox(self, context: Context) -> None:
        start, tip = self.header.start_sandbox, self.header.start_sandbox.toolTip()
        allow(start, "It is being started.")
        try:
            await context.client.call(StartSandbox(), timeout_s=_SANDBOX_S)
        finally:
            allow(start, None, tip)

    @property
    def open_key(self) -> str:
        """The key of the open page, empty before the first."""
        return self._open_key

    def go(self, place: str) -> None:
        """Open a page by its key, or ``key/subject``: the page with that subject chosen (a miner by its id).

        On a first visit the page's module is imported in a worker, then the page is made.
        """
        key, _, self._wanted_subject = place.partition("/")
        if key not in BY_KEY:
            raise KeyError(key)
        self._wanted_key = key
        self.sidebar.mark(key)
        self.sidebar.setVisible(key != "welcome")
        if self._context is None:
            return
        if key in self._loaded:
            self._open(key)
        else:
            self._context.run(self._load(key), f"load page {key}")

    async def _load(self, key: str) -> None:
        await asyncio.get_running_loop().run_in_executor(None, importlib.import_module, BY_KEY[key].module)
        self._loaded.add(key)
        if self._wanted_key == key:
            self._open(key)

    def _open(self, key: str) -> None:
        page = self.pages.get(key)
        if page is None:
            place = BY_KEY[key]
            page_class = getattr(importlib.import_module(place.module), place.class_name)
            page = page_class(self._context)
            self.pages[key] = page
            self.stack.addWidget(page)
        self._open_key = key
        self.stack.setCurrentWidget(page)
        self.sidebar.mark(key)  # once more: what had the focus may just have gone, and Qt chose another place
        self._look()
        if self._wanted_subject:
            page.choose(self._wanted_subject)

    def _look(self) -> None:
        """Tell pages whether somebody looks at them; the timer runs only then."""
        seen = self.isVisible() and not self.isMinimized()
        page = self.pages.get(self._open_key) if seen else None
        if page is not self._page_seen:
            before, self._page_seen = self._page_seen, page
            if before is not None:
                before.hidden()
            if page is not None:
                page.shown()
        if seen and not self._timer.isActive():
            self._timer.start()
            self._tick()
        elif not seen:
            self._timer.stop()

    def _tick(self) -> None:
        now = time.time()
        self.header.tick(now)
        self.messages.tick()
        if self._page_seen is not None:
            self._page_seen.tick(now)

    # --- being seen ----------------------------------------------------------------------------------------

    def come_forward(self) -> None:
        """Show the window, whatever it was, in front of the others."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def end(self) -> None:
        """Close for good, without asking again; pages stop polling."""
        self._may_close = True
        self.close()
        self._look()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, as Space does; Qt does that in dialogs only. Escape closes the
        message that is shown."""
        button = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(button, QAbstractButton):
            button.click()
        elif event.key() != Qt.Key.Key_Escape or not self.messages.close_shown():
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.sidebar.set_compact(self.width() < COMPACT_BELOW * max(1.0, self.fontMetrics().height() / _TEXT_HEIGHT))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and hasattr(self, "_timer"):
            self._look()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.close_wanted.emit()
