"""A payment beside the answer that it would pay for: what a builder wants to know before settling each call."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gui import samples, samples_money
from gui.fakes import good_miner, status
from ranvier.agent.api.market_messages import AxonView
from ranvier.chain.model import Receipt, TxStage
from ranvier.ui.models.endpoints import friction_words, took_text
from ranvier.ui.pages.netcheck import NetCheckPage

NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (0.0004, f"under 1{NARROW}ms"),
        (0.0412, f"41{NARROW}ms"),
        (1.24, f"1.2{NARROW}s"),
        (30.0, f"30.0{NARROW}s"),
    ],
)
def test_times_have_a_unit_that_says_something(seconds, text):
    assert took_text(seconds) == text


def test_nothing_is_compared_before_both_were_measured():
    assert friction_words(None, 0.3, 5) == friction_words(24.0, None, 5) == friction_words(24.0, 0.3, None) == ""
    assert "80 times as long as the answer itself takes" in friction_words(24.0, 0.3, 184_220)
    assert "0.000184220 TAO in fees each time" in friction_words(24.0, 0.3, 184_220)


async def test_the_page_compares_payment_and_answer(qtbot, tmp_path, qloop):
    house = samples.House(tmp_path)
    page = NetCheckPage(house.context)
    qtbot.addWidget(page)
    page._status(status(good_miner(axon_port=8091)))
    page.show_answer(AxonView(175.0, 303.0))
    assert page.friction.isHidden() and page.whole.value.text() == f"303{NARROW}ms"
    page.transacting.times = {TxStage.SUBMITTED: 0.004, TxStage.IN_BLOCK: 0.1, TxStage.FINAL: 0.606}
    page._settled(Receipt(None, TxStage.FINAL, "0x", None, 184_220, None, None))
    assert page.pool.value.text() == f"4{NARROW}ms" and page.final.value.text() == f"606{NARROW}ms"
    assert "2.0 times as long" in page.friction.text() and not page.friction.isHidden()
    page._status(status())
    assert page.friction.isHidden(), "the miner is gone"
    await house.close()


async def test_the_table_is_as_high_as_its_endpoints(qtbot, tmp_path, qloop):
    house = samples.House(tmp_path)
    page = NetCheckPage(house.context)
    qtbot.addWidget(page)
    found = samples_money.netcheck()
    heights = []
    for count in (1, 4, 40):
        rows = [replace(found.endpoints[0], endpoint=f"wss://{n}") for n in range(count)]
        page.show_check(msgspec.structs.replace(found, endpoints=tuple(rows)))
        heights.append(page.table.minimumHeight())
    row = page.table.verticalHeader().defaultSectionSize()
    assert heights[1] - heights[0] == 3 * row and heights[2] - heights[0] == 7 * row
    await house.close()
