"""More miners than colours: the largest have one each, the others share one, and nothing grows beyond its page."""

from __future__ import annotations

import asyncio

import pytest

from ranvier.agent.api.messages import EarningBucket
from ranvier.ui.models.bars import MOST_SERIES, bars_of, cumulative, legend_names, series_of
from ranvier.ui.models.earnings import subnet_totals
from ranvier.ui.widgets.charts.bar_chart import BarChart
from ranvier.ui.widgets.charts.legend import ChartPanel
from ranvier.ui.widgets.earning_sums import total_words

COIN = 10**9


def buckets(miners: int, slots: int = 2) -> list[EarningBucket]:
    """The miner with number n earns n TAO in each slot."""
    return [
        EarningBucket(slot * 86_400_000, 1, n * COIN, n * COIN, 1, f"5Hotkey{n:041}")
        for slot in range(slots)
        for n in range(1, miners + 1)
    ]


@pytest.mark.parametrize("netuid", [None, 1])
def test_the_largest_have_colours_of_their_own_and_the_others_share_one(netuid):
    found = buckets(60)
    series = series_of(found, netuid)
    assert len(set(series)) == 60
    assert [int(hotkey[-2:]) for _, hotkey in series[: MOST_SERIES - 1]] == [56, 57, 58, 59, 60]
    assert legend_names(series, {})[-1] == "55 others" and len(legend_names(series, {})) == MOST_SERIES
    bars = bars_of(found, series, {}, size="day", alpha=False)
    assert {bar.series for bar in bars} == set(range(MOST_SERIES))
    assert sum(bar.value for bar in bars) == 2 * 60 * 61 / 2
    assert [bar.series for bar in bars[:60]] == [*range(MOST_SERIES - 1), *[MOST_SERIES - 1] * 55], "in one piece"


def test_few_keep_their_order_and_names():
    series = series_of(buckets(MOST_SERIES))
    assert [int(hotkey[-2:]) for _, hotkey in series] == list(range(1, MOST_SERIES + 1))
    assert len(legend_names(series, {})) == MOST_SERIES and "others" not in legend_names(series, {})[-1]


def test_summed_up_the_others_are_all_in_it():
    found = buckets(60)
    series = series_of(found)
    bars = cumulative(bars_of(found, series, {}, size="day", alpha=False), "TAO")
    last = [bar for bar in bars if bar.start == 86_400.0]
    assert len(last) == MOST_SERIES and sum(bar.value for bar in last) == 60 * 61
    assert last[-1].value == 2 * sum(range(1, 56))


async def test_a_legend_takes_more_lines_and_never_more_width(qtbot):
    panel = ChartPanel("Alpha of a subnet with a name, summed up per epoch", BarChart(unit="TAO"))
    qtbot.addWidget(panel)
    panel.set_names(legend_names(series_of(buckets(60)), {}))
    assert panel.minimumSizeHint().width() < 600
    panel.resize(620, 300)
    panel.show()
    await asyncio.sleep(0.02)
    names = panel._names
    parts = [part.geometry() for part in names._parts]
    assert len({part.y() for part in parts}) > 1, "several lines"
    assert all(part.left() >= 0 and part.right() <= names.width() for part in parts)
    assert max(part.bottom() for part in parts) <= names.height()
    panel.resize(1900, 300)
    await asyncio.sleep(0.02)
    assert len({part.geometry().y() for part in names._parts}) == 1


@pytest.mark.parametrize(("hotkey", "words"), [(None, "12 345 epochs"), ("5H", "12 345 payments")])
def test_what_is_counted_has_its_name(hotkey, words):
    total = subnet_totals([EarningBucket(0, 1, COIN, COIN, 12_345, hotkey)])[0]
    assert total_words(total, by_miner=hotkey is not None).endswith(words.replace(" ", "\u202f", 1))
