"""What happens to pages where the window is small or the system's text is large."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QStackedWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.fakes import good_miner
from gui.stage import settle
from ranvier.keys.listing import KeyForm, Wallet
from ranvier.ui.models.gpus import Fact
from ranvier.ui.models.miners import miners_model
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.models.wallets import Listed, wallets_model
from ranvier.ui.sidebar import COMPACT_BELOW, COMPACT_WIDTH
from ranvier.ui.stylesheet import stylesheet
from ranvier.ui.theme import LIGHT
from ranvier.ui.widgets.earning_choices import EarningChoices
from ranvier.ui.widgets.fields import NewPassword
from ranvier.ui.widgets.figures import FactGrid, Figure, FigureRow
from ranvier.ui.widgets.page import Body, _LowBody, scroll_area
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import label
from ranvier.ui.window import Window


def figures(number: int) -> list[Figure]:
    made = [Figure(f"Figure {place}") for place in range(number)]
    for figure in made:
        figure.show_value("123.456789 TAO", "a note")
    return made


def held(qtbot: QtBot, widget: QWidget) -> QWidget:
    """Show ``widget`` in another, as a page would: a window of its own would not become narrower than its layout."""
    holder = QWidget()
    qtbot.addWidget(holder)
    widget.setParent(holder)
    holder.resize(1600, 600)
    holder.show()
    return holder


def rows_of(shown: FigureRow) -> list[int]:
    """How many figures stand in each row."""
    tops = [figure.y() for figure in shown.figures]
    return [tops.count(top) for top in sorted(set(tops))]


async def test_figures_stand_in_two_rows_where_four_do_not_fit(qtbot):
    row = FigureRow(figures(4))
    holder = held(qtbot, row)
    widest = max(figure.minimumSizeHint().width() for figure in row.figures)
    for width, expected in ((5 * widest, [4]), (3 * widest, [2, 2]), (widest, [1, 1, 1, 1]), (6 * widest, [4])):
        row.resize(width, 400)
        await asyncio.sleep(0.02)
        assert rows_of(row) == expected
    assert row.minimumSizeHint().width() <= widest < holder.width()


async def test_other_figures_take_the_place_of_those_before(qtbot):
    row = FigureRow(figures(4))
    qtbot.addWidget(row)
    row.resize(1000, 100)
    row.show()
    row.show_figures(figures(2))
    await asyncio.sleep(0.02)
    assert len([f for f in row.findChildren(Figure) if f.isVisible()]) == 2
    assert rows_of(row) == [2]


async def test_facts_stand_in_fewer_columns_where_they_do_not_fit(qtbot):
    grid = FactGrid(4)
    holder = held(qtbot, grid)
    grid.show_facts([Fact(f"Name {place}", "a value of some length") for place in range(4)])
    one = grid.minimumSizeHint().width()
    for width, columns in ((6 * one, 4), (3 * one, 2), (one, 1), (6 * one, 4)):
        grid.resize(width, 300)
        await asyncio.sleep(0.02)
        values = [part for part in grid.findChildren(QLabel) if part.text().startswith("a value")]
        assert len({part.x() for part in values}) == columns
    assert one < holder.width()


async def test_a_table_gives_room_back_when_it_becomes_narrower(qtbot):
    columns = [Column(name, str, str) for name in ("First", "Second", "Third")]
    model: RowsModel[str] = RowsModel(columns, str)
    table = Table(model, stretch=0)
    qtbot.addWidget(table)
    model.set_rows(("a short text",))
    table.fit()
    table.show()
    for width in (400, 1600, 400):
        table.resize(width, 200)
        await asyncio.sleep(0.02)
        assert table.horizontalHeader().length() == table.viewport().width()
    table.resize(100, 200)
    await asyncio.sleep(0.02)
    assert table.columnWidth(0) >= table.sizeHintForColumn(0)  # narrower than readable it never gets


async def test_a_narrow_table_leaves_out_what_can_be_spared_and_tells_it_in_the_tooltip(qtbot):
    def wide(row: str) -> str:
        return f"{row} of some length"

    columns = [
        Column("First", wide, str),
        Column("Later", wide, str, spare=2),
        Column("Sooner", wide, str, spare=1, tooltip=lambda row: "<b>words</b>"),
        Column("Never", wide, str, tooltip=lambda row: "its own words"),
    ]
    model: RowsModel[str] = RowsModel(columns, str)
    table = Table(model, stretch=0)
    qtbot.addWidget(table)
    model.set_rows(("a text",))
    table.resize(2000, 200)
    table.show()
    table.fit()
    each = table.columnWidth(3)
    shown = []
    for room in (4.6, 3.6, 2.6, 0.5, 4.6):
        table.resize(int(room * each), 200)
        await asyncio.sleep(0.02)
        shown.append(table.left_out)
    assert shown == [(), ("Sooner",), ("Later", "Sooner"), ("Later", "Sooner"), ()]
    assert table.columnWidth(2) == each  # as wide as before it went
    assert table.tip(table.proxy.index(0, 3)) == "its own words"
    table.resize(int(2.6 * each), 200)
    await asyncio.sleep(0.02)
    said = table.tip(table.proxy.index(0, 3))
    assert said == "its own words\nLater: a text of some length\nSooner: a text of some length"
    assert "Later" in table.selected_text()  # what is copied is whole
    model.set_rows(("a text", "a text that is much longer than the one before"))
    await asyncio.sleep(0.02)
    table.resize(9000, 200)
    await asyncio.sleep(0.02)
    assert table.left_out == () and table.columnWidth(1) >= table.sizeHintForColumn(1)


async def test_columns_grow_with_their_contents_but_not_against_a_hand(qtbot):
    columns = [Column(name, lambda row, place=place: row[place], str) for place, name in enumerate("abc")]
    model: RowsModel[tuple[str, str, str]] = RowsModel(columns, lambda row: "one")
    table = Table(model, stretch=0)
    qtbot.addWidget(table)
    table.resize(1200, 200)
    table.show()
    model.set_rows([("x", "9.999999 TAO", "9.999999 TAO")])
    table.fit()
    table.setColumnWidth(2, 70)
    model.set_rows([("x", "1 000 000 000.999999 TAO", "1 000 000 000.999999 TAO")])
    await asyncio.sleep(0.05)
    assert table.columnWidth(1) >= table.sizeHintForColumn(1)
    assert table.columnWidth(2) == 70


async def test_a_narrow_window_keeps_icons_and_their_names(qtbot):
    window = Window()
    qtbot.addWidget(window)
    window.show()
    window.resize(COMPACT_BELOW - 100, 700)
    await asyncio.sleep(0.02)
    assert window.sidebar.width() == COMPACT_WIDTH
    for place in window.sidebar.buttons.values():
        assert place.accessibleName() and place.accessibleName() in place.toolTip()
    window.resize(2 * COMPACT_BELOW, 700)
    await asyncio.sleep(0.02)
    assert window.sidebar.width() > COMPACT_WIDTH


@pytest.mark.parametrize("points", [9.0, 13.5, 18.0])
def test_headings_are_larger_than_text_at_every_size(points):
    sheet = stylesheet(LIGHT, points)
    for role in ("title", "heading", "figure"):
        size = float(sheet.split(f'QLabel[role="{role}"] {{ font-size: ')[1].split("pt")[0])
        assert size > points


async def test_earnings_choices_take_two_lines_where_one_is_too_narrow(qtbot):
    choices = EarningChoices(lambda: None, lambda: None)
    holder = held(qtbot, choices)
    for width, lines in ((1400, 1), (choices.minimumSizeHint().width(), 2)):
        choices.resize(width, 100)
        await asyncio.sleep(0.02)
        buttons = [*choices.size_buttons.values(), *choices.range_buttons.values(), choices.sum_button]
        assert len({button.mapTo(choices, button.rect().center()).y() for button in buttons}) == lines
        assert all(button.width() >= button.minimumSizeHint().width() for button in buttons)
    assert choices.width() < holder.width()


async def test_tab_stops_at_scrolling_content_only(qtbot):
    body = QWidget()
    column = QVBoxLayout(body)
    area = scroll_area(body)
    qtbot.addWidget(area)
    area.resize(300, 200)
    area.show()
    await asyncio.sleep(0.02)
    assert area.focusPolicy() == Qt.FocusPolicy.NoFocus
    for _ in range(40):
        column.addWidget(QLabel("a line"))
    await asyncio.sleep(0.05)
    assert area.focusPolicy() == Qt.FocusPolicy.StrongFocus


@pytest.mark.parametrize("width", [600, 1500])
async def test_one_never_scrolls_over_blank_space(qtbot, width):
    body = Body()
    column = QVBoxLayout(body)
    for _ in range(12):
        column.addWidget(label("A sentence that is long enough to be broken into lines. " * 6, wrap=True))
    area = scroll_area(body)
    holder = QWidget()
    QVBoxLayout(holder).addWidget(area)
    qtbot.addWidget(holder)
    holder.resize(width, 200)
    holder.show()
    await asyncio.sleep(0.02)
    column.addStretch(1)
    await asyncio.sleep(0.02)
    last = column.itemAt(11).widget()
    assert last is not None and 0 <= body.height() - last.geometry().bottom() < 30
    assert area.verticalScrollBar().maximum() == max(0, body.height() - area.viewport().height())


async def test_a_page_of_tables_does_not_scroll_where_they_can_shrink(qtbot):
    model: RowsModel[str] = RowsModel([Column("One", str, str)], str)
    table = Table(model)
    table.setMinimumHeight(60)
    assert table.sizeHint().height() > 150
    body = _LowBody()
    inner = QWidget()
    stack = QStackedWidget()  # it would like its pages' sizes, not their least
    stack.addWidget(inner)
    QVBoxLayout(body).addWidget(stack)
    column = QVBoxLayout(inner)
    column.addWidget(label("A sentence that is long enough to be broken into lines. " * 3, wrap=True))
    column.addWidget(table)
    area = scroll_area(body)
    qtbot.addWidget(area)
    area.resize(600, 200)
    area.show()
    await asyncio.sleep(0.02)
    assert area.verticalScrollBar().maximum() == 0


@pytest.mark.parametrize("width", [330, 500, 820])
async def test_the_lists_of_wallets_and_miners_never_scroll_sideways(qtbot, width):
    wallet = Wallet("my-first-wallet", Path("/w"), "5" + "D" * 47, KeyForm.ENCRYPTED, ())
    miner = good_miner(name="A miner with a long name")
    for model, row in ((wallets_model(), Listed(wallet)), (miners_model(), miner)):
        table = Table(model, stretch=0)
        qtbot.addWidget(table)
        table.resize(width, 200)
        table.show()
        model.set_rows([row])
        table.fit()
        await settle()
        assert table.horizontalScrollBar().maximum() == 0, table.left_out
        assert table.left_out or width > 330
        told = table.tip(table.proxy.index(0, 0))
        assert all(f"{title}: " in told for title in table.left_out)


async def test_a_key_that_is_held_does_not_turn_a_choice_round(qtbot):
    """Ctrl+2 opens Wallets, which chooses what was chosen before: with Ctrl held, Qt would take that back."""
    model = wallets_model()
    table = Table(model, stretch=0)
    qtbot.addWidget(table)
    table.show()
    rows = [Listed(Wallet(name, Path(name), "5" + "D" * 47, KeyForm.ENCRYPTED, ())) for name in ("one", "two")]
    model.set_rows(rows)
    QTest.keyPress(table, Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier)
    try:
        assert QApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier
        for path in ("two", "two", "one", "one"):
            assert table.select_key(Path(path)) and table.current_row().wallet.name == path
    finally:
        QTest.keyRelease(table, Qt.Key.Key_Control)
    assert table.currentIndex().row() == table.selectionModel().selectedRows()[0].row()


async def test_nothing_moves_while_a_password_is_typed(qtbot):
    fields = NewPassword()
    qtbot.addWidget(fields)
    fields.resize(500, 300)
    fields.show()
    await settle()
    before = fields.second.y()
    fields.first.input.setText("correct horse battery nine")
    await settle()
    assert fields.strength.isVisible() and fields.second.y() == before
