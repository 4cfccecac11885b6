"""Tab goes through a page as one reads it, and stays with a benchmark that it began."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from gui import samples
from gui.test_benchmark import house, opened
from ranvier.ui.pages.hardware import HardwarePage

__all__ = ["house"]


def stops(page: QWidget) -> list[QWidget]:
    """What Tab stops at from the page's first stop on, until it comes around."""
    found: list[QWidget] = []
    while True:
        now = QApplication.focusWidget()
        assert now is not None and len(found) < 200
        if now in found:
            return found
        found.append(now)
        QTest.keyClick(now, Qt.Key.Key_Tab)


def place(page: QWidget, widget: QWidget) -> QPoint:
    return widget.mapTo(page, QPoint(0, 0))


@pytest.mark.parametrize("part", ["serving", "fit"])
async def test_tab_goes_from_the_parts_through_the_form_row_by_row(qtbot, house, part):
    page = await opened(qtbot, house)
    page.activateWindow()
    await samples.until(page.isActiveWindow, "the window")
    page.show_part(part)
    page.part_buttons[part].setFocus()  # arrows choose another part
    found = stops(page)
    shown = [widget for widget in found[1:] if widget is not page.area]
    assert len(shown) >= 8
    places = [place(page, widget) for widget in shown]
    rows = [(round(one.y() / 12), one.x()) for one in places]
    assert rows == sorted(rows)
    await house.close()


async def test_what_comes_later_has_its_place_too(qtbot, house):
    page = HardwarePage(house.context)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    page.shown()
    await samples.until(lambda: len(page.gpus) == 2, "the cards")
    page.activateWindow()
    await samples.until(page.isActiveWindow, "the window")
    first, *_others = page.range_buttons.values()
    first.setFocus()
    found = [widget for widget in stops(page) if widget is not page.area]
    cards = [card.history for card in page.gpus.values()]
    assert found == [*page.range_buttons.values(), page.host.history, *cards]
    page.hidden()
    await house.close()


async def test_the_focus_goes_to_cancel_and_back(qtbot, house):
    page = await opened(qtbot, house)
    page.activateWindow()
    await samples.until(page.isActiveWindow, "the window")
    page.serving.where.setCurrentIndex(page.serving.where.count() - 1)
    page.serving.url.setText("http://127.0.0.1:9/v1")
    waits = asyncio.Event()

    async def work(_told):
        await waits.wait()

    start: QPushButton = page.serving.start
    start.setFocus()
    page._begin(work, page._told_serving(None), page.serving_view, None)
    await samples.until(lambda: page.runner.busy, "the run")
    assert page.bar.cancel.hasFocus() and not start.isEnabled()
    QTest.keyClick(page.bar.cancel, Qt.Key.Key_Space)
    await samples.until(lambda: not page.runner.busy and start.isEnabled(), "its end")
    assert start.hasFocus()
    assert page.bar.words.text() == "Ended. Nothing was kept."
    page.show_part("serving")
    assert not page.bar.isHidden()
    page.show_part("device")
    assert page.bar.isHidden() and page.status_card.isHidden(), "it was about another part"
    await house.close()
