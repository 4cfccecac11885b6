"""When a subnet pays next, in words."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from gui import samples_money
from ranvier.ui.models.market import MarketRow, epoch_words

NARROW = "\N{NARROW NO-BREAK SPACE}"


def test_the_next_pay_day_is_told():
    row = MarketRow(samples_money.subnet_row(1, "practice", 28_314_506, 51_000, 40_000), 12.0)
    assert epoch_words(row, 48_207) == f"It pays every 360 blocks; next at block 48{NARROW}567, in 1 h 12 min."
    assert epoch_words(row, 48_567).endswith("in 12 s.")
    root = msgspec.structs.replace(row.view, subnet=replace(row.view.subnet, next_epoch_block=None))
    assert epoch_words(MarketRow(root, 12.0), 5) == "It has no epochs, so it pays nobody."
