"""What holds on every page, whoever looks after it: names for screen readers, reasons, and a way with the keyboard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)

from gui import samples, samples_money
from ranvier.ui.pages import PLACES
from ranvier.ui.stylesheet import stylesheet
from ranvier.ui.theme import LIGHT
from ranvier.ui.widgets.page import Page
from ranvier.ui.window import Window

KEYS = [place.key for place in PLACES]
CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit)
SMALLEST = (940, 600)


@asynccontextmanager
async def opened(folder: Path, key: str) -> AsyncIterator[tuple[Window, Page]]:
    """The window with one page open and full of sample data, at its smallest."""
    house = samples.House(folder / "alice")
    await samples.make_wallets(house.paths.wallets)
    house.client.answers |= samples_money.rich_earnings(samples.earnings_rows())
    window = Window()
    window.setStyleSheet(stylesheet(LIGHT))
    window.resize(*SMALLEST)
    window.show()
    window.attach(house.context)
    try:
        window.go(key)
        await samples.until(lambda: window.open_key == key, f"page {key}", limit_s=20)
        house.bridge.status.emit(samples.status())
        await asyncio.sleep(0.4)
        assert not house.errors
        yield window, window.pages[key]
    finally:
        window.end()
        await house.close()
        window.deleteLater()
        await asyncio.sleep(0)


def controls(page: QWidget) -> Iterable[QWidget]:
    """What a person can press, choose or type in; not the parts that Qt makes of them."""
    for widget in page.findChildren(QWidget):
        inner = isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox) or isinstance(widget, QHeaderView)
        corner = isinstance(widget, QAbstractButton) and isinstance(widget.parentWidget(), QAbstractItemView)
        if isinstance(widget, CONTROLS) and widget.isVisible() and not inner and not corner:
            yield widget


def told(widget: QWidget, page: QWidget) -> str:
    """What a screen reader says of it."""
    if widget.accessibleName():
        return widget.accessibleName()
    if isinstance(widget, QAbstractButton):
        return widget.text()
    return next((name.text() for name in page.findChildren(QLabel) if name.buddy() is widget), "")


def words(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.property('text') or widget.objectName()!r} in {widget.parentWidget()}"


@pytest.mark.parametrize("key", KEYS)
async def test_every_control_is_named_reached_explained_and_whole(key, tmp_path):
    async with opened(tmp_path, key) as (window, page):
        seen = list(controls(page))
        assert [words(one) for one in seen if not told(one, page)] == []
        greyed = [one for one in seen if not one.isEnabled() and not one.toolTip()]
        assert [words(one) for one in greyed] == [], "greyed without a reason"
        by_keys = {one for one in seen if one.focusPolicy() & Qt.FocusPolicy.TabFocus}
        only_mouse = [one for one in seen if one.isEnabled() and one not in by_keys and not _plain_text(one)]
        assert [words(one) for one in only_mouse] == []
        assert by_keys <= _on_the_way(window)
        assert (window.width(), window.height()) == SMALLEST
        assert _cut_off(page) == []


def _plain_text(widget: QWidget) -> bool:
    return isinstance(widget, QPlainTextEdit) and widget.isReadOnly()


def _on_the_way(window: Window) -> set[QWidget]:
    """Every widget of the window's focus chain, once round."""
    found: set[QWidget] = set()
    widget: QWidget | None = window.nextInFocusChain()
    while widget is not None and widget not in found:
        found.add(widget)
        widget = widget.nextInFocusChain()
    return found


def _cut_off(page: QWidget) -> list[str]:
    """What is not to be seen whole: words, buttons, and areas that would have to scroll sideways."""
    found = []
    for area in page.findChildren(QScrollArea):
        if area.isVisible() and area.horizontalScrollBar().maximum():
            found.append(f"{words(area)} is {area.horizontalScrollBar().maximum()} too wide")
    for one in page.findChildren(QLabel):
        one_line = one.isVisible() and not one.wordWrap() and one.pixmap().isNull()
        if one_line and one.sizeHint().width() > one.width() + 1:
            found.append(words(one))
    for one in page.findChildren(QAbstractButton):
        shown = one.isVisible() and one.text() and not isinstance(one.parentWidget(), QAbstractItemView)
        if shown and one.minimumSizeHint().width() > one.width() + 1:
            found.append(words(one))
    return found
