"""PySide6 6.12.0 loses references to None on Python 3.11 and aborts later; the pinned version must not."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QLabel


def test_none_keeps_its_references(qtbot):
    label = QLabel("x")
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for _ in range(500):
        label.setEnabled(True)
    assert abs(sys.getrefcount(None) - before) < 100, "this PySide6 loses references to None"
