"""A tray with miners in every state; prints what is wanted of it, ends when Quit is clicked."""

from __future__ import annotations

import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from gui.fakes import rich_status
from ranvier.ui.tray import Tray


def say(*words: object) -> None:
    print(*words, flush=True)


def main() -> int:
    qt = QApplication(["tray"])
    qt.setQuitOnLastWindowClosed(False)
    tray = Tray()
    tray.show_status(rich_status())
    tray.open_wanted.connect(lambda: say("open"))
    tray.start_wanted.connect(lambda miner: say("start", miner))
    tray.stop_wanted.connect(lambda miner: say("stop", miner))
    tray.stop_all_wanted.connect(lambda: say("stop everything"))
    tray.host_changed.connect(lambda there: say("host", there))
    tray.quit_wanted.connect(qt.quit)
    QTimer.singleShot(0, lambda: say("ready", tray.available))
    QTimer.singleShot(30_000, lambda: qt.exit(3))
    status = qt.exec()
    tray.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
