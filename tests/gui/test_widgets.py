"""Base widgets: levels have shape and words, ages tick, dialogs never block the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from ranvier.core.evidence import Evidence, Level
from ranvier.ui.dialogs.ask import Dialog, ask, show
from ranvier.ui.theme import DARK, LEVEL_WORDS, LIGHT
from ranvier.ui.widgets.badge import Badge, EvidenceLine
from ranvier.ui.widgets.marks import paint_mark
from ranvier.ui.widgets.path_field import Choose, open_chooser


def contrast(one: str, other: str) -> float:
    def light(text: str) -> float:
        parts = [value / 255 for value in QColor(text).toTuple()[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read_on_every_surface(colours):
    for surface in (colours.window, colours.surface, colours.raised):
        assert contrast(colours.text, surface) > 7
        assert contrast(colours.muted, surface) > 4.5
        for level in Level:
            assert contrast(colours.level(level), surface) > 4.5
        assert contrast(colours.accent, surface) > 4.5  # words of quiet buttons
        assert contrast(colours.outline, surface) >= (3 if surface != colours.raised else 2.8)  # where one can type
    for words in (colours.text, colours.muted, colours.accent):
        assert contrast(words, colours.selection) > 4.5
    for level in Level:
        assert contrast(colours.level(level), colours.selection) > 3  # marks in a chosen row
    assert contrast(colours.on_accent, colours.accent) > 4.5
    for series in colours.series:
        assert contrast(series, colours.surface) > 3
    for network in ("sandbox", "test", "finney"):
        assert contrast(colours.network(network), colours.on_network) > 4.5


def test_levels_differ_in_shape_not_only_in_colour(qapp):
    images = []
    for level in Level:
        image = QImage(20, 20, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        paint_mark(painter, QRectF(1, 1, 18, 18), level, QColor("black"))
        painter.end()
        images.append(bytes(image.constBits()))
    assert len(set(images)) == len(Level)
    assert len(set(LEVEL_WORDS.values())) == len(Level)


def test_badge_says_what_and_since_when(qtbot):
    badge = Badge()
    qtbot.addWidget(badge)
    assert badge.level is Level.UNKNOWN and badge.text == "unknown" and "never" in badge.toolTip()
    now = time.time()
    badge.show_level(Level.GOOD, "Running", now - 12, "process alive")
    badge.tick(now)
    assert badge.toolTip() == "process alive\nseen: 12 s ago"
    badge.tick(now + 60)
    assert "72 s ago" in badge.toolTip()
    assert badge.accessibleName() == "Running (good)"


def test_evidence_line_ticks(qtbot):
    now = time.time()
    line = EvidenceLine(Evidence(Level.WARN, "no query yet", now - 5))
    qtbot.addWidget(line)
    line.tick(now + 200)
    assert "3 min ago" in line.accessibleName()


async def test_a_dialog_leaves_other_tasks_running(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    ticks = 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    async def until(found: Callable[[], object]) -> None:
        end = time.monotonic() + 15
        while not found():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    other = asyncio.get_running_loop().create_task(ticker())
    asking = asyncio.get_running_loop().create_task(ask(parent, "Stop it?", "It is running.", yes="Stop"))
    try:
        await until(lambda: [w for w in parent.findChildren(Dialog) if w.isVisible()])
        (dialog,) = (w for w in parent.findChildren(Dialog) if w.isVisible())
        seen = ticks
        await until(lambda: ticks > seen + 5)
        assert dialog.isVisible()
        dialog.yes.click()
        assert await asking is True
        seen = ticks
        await until(lambda: ticks > seen)
    finally:
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)


async def test_a_cancelled_question_closes_its_dialog(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    dialog = Dialog(parent, "Sure?")
    waiting = asyncio.get_running_loop().create_task(show(dialog))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not isValid(dialog) or not dialog.isVisible()


async def test_a_dialog_opens_over_the_middle_of_its_window_and_on_the_screen(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.setGeometry(200, 150, 500, 400)
    parent.show()
    for size, inside in (((300, 200), True), ((5000, 200), False)):
        dialog = Dialog(parent, "Sizes")
        dialog.resize(*size)
        waiting = asyncio.get_running_loop().create_task(show(dialog))
        await asyncio.sleep(0)
        centre = dialog.geometry().center() - parent.geometry().center()
        assert (abs(centre.x()) < 40 and abs(centre.y()) < 40) if inside else dialog.pos().x() == 0
        assert dialog.testAttribute(Qt.WidgetAttribute.WA_Moved), "the window manager is told where"
        dialog.reject()
        await waiting


def test_a_chooser_begins_at_home_and_not_where_the_program_was_started(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    parent = QWidget()
    qtbot.addWidget(parent)
    for what, start in ((Choose.NEW_FILE, "sheet.pdf"), (Choose.FILE, ""), (Choose.FOLDER, str(tmp_path))):
        dialog = open_chooser(parent, what, "Title", start, lambda path: None)
        assert Path(dialog.directory().absolutePath()) == tmp_path
        dialog.reject()
