"""The least that a PySide6 program can do: show an empty window, print a line at its first paint, end."""

from __future__ import annotations

import sys

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow


class Window(QMainWindow):
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        print("painted", flush=True)
        QTimer.singleShot(0, QApplication.quit)


application = QApplication(["bare"])
window = Window()
window.resize(1240, 820)
window.show()
sys.exit(application.exec())
