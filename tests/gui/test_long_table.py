"""A long table: sorted by values that are made once, measured in a turn of its own."""

from __future__ import annotations

import asyncio
import random

from PySide6.QtCore import Qt

from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.widgets.table import Table


async def test_a_thousand_rows_are_sorted_by_values_made_once_and_again_when_they_change(qtbot) -> None:
    made: list[int] = []

    def value(row: tuple[int, int | None]) -> int | None:
        made.append(row[0])
        return row[1]

    model = RowsModel(
        (Column("Key", lambda row: str(row[0]), lambda row: row[0]), Column("Value", lambda row: str(row[1]), value)),
        key=lambda row: row[0],
    )
    table = Table(model, stretch=0)
    qtbot.addWidget(table)
    table.sort_by(1, Qt.SortOrder.DescendingOrder)
    wanted = [*range(999), None]
    rows = list(enumerate(random.Random(3).sample(wanted, 1000)))
    model.set_rows(rows)
    assert len(made) == 1000
    shown = [table.proxy.index(place, 1).data() for place in range(1000)]
    assert shown == [*(str(n) for n in range(998, -1, -1)), "None"], "what is not known comes last"
    model.set_rows([(key, None if number is None else -number) for key, number in rows])
    assert [table.proxy.index(place, 1).data() for place in (0, 1, 999)] == ["0", "-1", "None"]


async def test_a_long_table_is_measured_a_turn_later(qtbot) -> None:
    model = RowsModel(
        (Column("Name", lambda row: f"{row} and more words than the heading", lambda row: row), Column("X", str, str)),
        key=lambda row: row,
    )
    table = Table(model)
    qtbot.addWidget(table)
    table.show()
    model.set_rows(range(1000))
    before = table.columnWidth(0)
    table.fit()
    assert table.columnWidth(0) == before
    await asyncio.sleep(0.05)
    assert table.columnWidth(0) > before
