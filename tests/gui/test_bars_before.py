"""The period before, behind the bars of now: its sums are kept to the rao, its slots lie where they are compared."""

from __future__ import annotations

import asyncio
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui import samples, samples_money
from ranvier.agent.api.messages import ChainView, EarningBucket, Earnings, Gaps, GetEarnings, GetGaps
from ranvier.chain.model import BlockRef
from ranvier.core.evidence import Level
from ranvier.ledger.coverage import Gap
from ranvier.ui.models.bars_before import bars_before
from ranvier.ui.models.earnings import DAY_MS, nothing_words, slot_start
from ranvier.ui.pages.earnings import EarningsPage
from ranvier.ui.widgets.charts.bar_chart import Bar, BarChart

COIN = 10**9


def ms(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime.datetime(year, month, day, hour, tzinfo=datetime.UTC).timestamp() * 1000)


def test_a_day_lies_behind_the_day_it_is_compared_with_and_says_what_it_was():
    since = ms(2026, 11, 16, 5)
    old = [
        EarningBucket(ms(2026, 11, 10), 1, 5 * COIN, COIN // 2, 3),
        EarningBucket(ms(2026, 11, 10), 4, COIN, COIN, 1),
    ]
    (bar,) = bars_before(old, since_ms=since, days=7, size="day")
    assert (bar.start, bar.width, bar.value) == (ms(2026, 11, 17) / 1000, 86_400.0, 1.5)
    assert bar.words == "2026-11-10 (UTC), before: 1.500000 TAO then"
    (bar,) = bars_before(
        old, since_ms=since, days=7, size="day", now=[EarningBucket(ms(2026, 11, 17), n, 1, COIN, 1) for n in (1, 4)]
    )
    assert bar.words.startswith("together: 2.000000 TAO then\n2026-11-10")
    assert bars_before(old, since_ms=since, days=7, size="epoch") == []
    (alpha,) = bars_before(old, since_ms=since, days=7, size="day", netuid=4)
    assert alpha.value == 1.0 and "1.000000 α4" in alpha.words


def test_months_and_weeks_lie_behind_months_and_weeks():
    since = ms(2025, 3, 7)  # a leap day lies in the year before
    old = [EarningBucket(slot_start(ms(2024, month, 10), "month"), 1, COIN, COIN, 1) for month in range(3, 13)]
    bars = bars_before(old, since_ms=since, days=365, size="month")
    assert [bar.start * 1000 for bar in bars] == [slot_start(ms(2025, month, 10), "month") for month in range(3, 13)]
    since = ms(2026, 11, 20)
    old = [EarningBucket(slot_start(since - n * 7 * DAY_MS, "week"), 1, COIN, COIN, 1) for n in (4, 3, 2, 1)]
    bars = bars_before(old, since_ms=since, days=30, size="week")
    assert all(bar.start * 1000 == slot_start(int(bar.start * 1000), "week") for bar in bars)
    assert bars[0].start * 1000 == slot_start(since, "week")


def test_what_has_no_price_is_more_than_what_is_known_and_sums_go_on():
    since, day = ms(2026, 11, 16), ms(2026, 11, 9)
    old = [
        EarningBucket(day, 1, COIN, None, 1),
        EarningBucket(day + DAY_MS, 1, COIN, None, 1),
        EarningBucket(day + DAY_MS, 4, COIN, 2 * COIN, 1),
    ]
    first, second = bars_before(old, since_ms=since, days=7, size="day")
    assert first.value is None and "value unknown" in first.words
    assert second.value == 2.0 and "more than 2.000000 TAO" in second.words
    *_, last = bars_before(old, since_ms=since, days=7, size="day", netuid=1, summed=True)
    assert last.value == 2.0 and last.words.endswith("2.000000 α1 so far")


@given(
    st.lists(st.tuples(st.integers(0, 30 * DAY_MS - 1), st.integers(0, 10**15)), min_size=1, max_size=30),
    st.sampled_from(["day", "week", "month"]),
    st.integers(ms(2024, 1, 1), ms(2028, 1, 1)),
)
def test_no_payment_of_the_period_before_is_lost_or_laid_on_another_slot(rows, size, since):
    sums: dict[int, int] = {}
    for back, rao in rows:
        start = slot_start(since - 30 * DAY_MS + back, size)
        sums[start] = sums.get(start, 0) + rao
    old = [EarningBucket(start, 1, rao, rao, 1) for start, rao in sums.items()]
    bars = bars_before(old, since_ms=since, days=30, size=size)
    assert sum(round(bar.value * COIN) for bar in bars) == sum(sums.values())
    assert len({bar.start for bar in bars}) == len(bars)
    assert all(bar.start * 1000 >= slot_start(since, size) for bar in bars)


async def test_they_are_drawn_behind_reach_into_the_heights_and_are_said_on_hover(qtbot):
    chart = BarChart(unit="TAO")
    qtbot.addWidget(chart)
    chart.resize(800, 300)
    at = 1_700_000_000.0
    now = [Bar(at + n * 10, 10.0, 1.0, 0, f"now {n}") for n in range(20)]
    old = [Bar(at + n * 10, 10.0, 5.0, 0, f"then {n}") for n in range(20)]
    chart.set_bars(now, behind=old)
    chart.show()
    await chart.load()
    await asyncio.sleep(0)
    assert chart.words_at(at + 25) == "now 2\nthen 2"
    chart.set_bars(now[:1], behind=old)
    assert chart.words_at(at + 25) == "then 2"
    chart.set_bars(now, behind=old)
    _low, high = chart._plot.getPlotItem().getViewBox().viewRange()[1]
    assert high >= 5.0 and chart.view == (at, at + 200)
    behind = [one for one in chart._drawn if one.zValue() == -2]
    assert len(behind) == 1
    many = [Bar(at + n / 100, 0.01, 1.0 + n % 7, 0, "") for n in range(20_000)]
    chart.set_bars(now, behind=many)
    (behind,) = [one for one in chart._drawn if one.zValue() == -2]
    assert len(behind.opts["height"]) < 1000 and max(behind.opts["height"]) == 7.0
    chart.set_bars(now)
    assert chart.words_at(at + 25) == "now 2"


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


async def test_the_page_draws_the_period_before_unless_it_is_not_wanted(house, qtbot):
    house.client.answers |= samples_money.rich_earnings(samples.earnings_rows())
    page = EarningsPage(house.context)
    qtbot.addWidget(page)
    page.choices._choose_range(1)
    await page.refresh()
    asked = [one for one in house.client.calls if isinstance(one, GetEarnings)][-1]
    assert (asked.bucket, asked.limit) == ("day", 0) and asked.until_ms == page._since_ms
    assert page.chart.behind and "before" in page.chart.behind[0].words
    assert page.beside.text() == "24 hours before (grey)" and page.beside.isEnabled()
    page.choices._choose_size("epoch")
    await page.refresh()
    assert page.chart.behind == () and not page.beside.isEnabled() and "Single epochs" in page.beside.toolTip()
    page.choices._choose_size("day")
    await page.refresh()
    assert page.chart.behind
    page.beside.setChecked(False)
    assert page.chart.behind == ()
    page.choices._choose_range(None)
    await page.refresh()
    assert page.beside.isHidden()
    await house.close()


async def test_nothing_known_is_not_nothing_paid(house, qtbot):
    house.client.answers[GetEarnings] = Earnings((), ())
    house.client.answers[GetGaps] = Gaps((), None)
    page = EarningsPage(house.context)
    qtbot.addWidget(page)
    await page.refresh()
    assert page.empty.title.text() == "Earnings are not known"
    house.bridge.latest = samples.status()
    page._status(house.bridge.latest)
    await page.refresh()
    assert page.empty.title.text() == "No earnings here"
    await house.close()


def test_why_nothing_is_shown():
    head = BlockRef(48_213, "0x" + "5a" * 32, 1_700_000_000_000)
    good = ChainView("finney", "wss://x", Level.GOOD, "Connected.", head)
    never = ChainView("finney", None, Level.BAD, "No endpoint answers.", None)
    lost = ChainView("finney", "wss://x", Level.BAD, "No endpoint answers.", head)
    assert "not read: No endpoint answers." in nothing_words("7 days", never, ())[1]
    assert nothing_words("7 days", good, ())[1].startswith("No payment in the last 7 days.")
    assert "as of block 48\u202f213" in nothing_words(None, lost, ())[1]
    gap = Gap(1, samples.HOTKEY, 10, 20, "its state is gone")
    title, words = nothing_words("7 days", good, (gap,))
    assert title == "Earnings are not known" and "blocks 10 to 20 (its state is gone)" in words
