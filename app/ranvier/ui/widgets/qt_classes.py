"""PySide makes each of its classes when it is first named. Done from two threads at a time, that crashes."""

from __future__ import annotations

import asyncio
import time

from PySide6 import QtCore, QtGui, QtWidgets

_SLICE_S = 0.008


async def make_all_classes() -> None:
    """Name every class of the modules that pyqtgraph copies, here on the UI thread, some milliseconds at a time; what
    another thread imports afterwards finds them made."""
    begun = time.monotonic()
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            getattr(module, name, None)
            if time.monotonic() - begun > _SLICE_S:
                await asyncio.sleep(0)
                begun = time.monotonic()
