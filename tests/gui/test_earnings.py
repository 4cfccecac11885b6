"""Earnings: exact sums per subnet, live rows once, proof to copy, unknown prices told."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QGuiApplication

from gui import samples
from ranvier.agent.api.market_messages import ExportEarnings
from ranvier.agent.api.messages import (
    CostsView,
    EarningBucket,
    Earnings,
    Gaps,
    GetCosts,
    GetEarnings,
    GetGaps,
)
from ranvier.agent.api.money_messages import ExportView
from ranvier.core.errors import AgentError
from ranvier.core.units import Alpha, Tao
from ranvier.ledger.coverage import Gap
from ranvier.ledger.payments import Payment
from ranvier.ui.models.bars import bars_of, cumulative, series_of
from ranvier.ui.models.earnings import (
    DAY_MS,
    compared,
    comparison_words,
    fold_in,
    gap_spans,
    gap_words,
    row_key,
    slot_end,
    slot_start,
    subnet_totals,
)
from ranvier.ui.pages.earnings import EarningsPage
from ranvier.ui.widgets.earning_sums import fiat_text, total_words


def row(block: int, alpha: int, *, netuid: int = 1, price: int | None = 10**8, at_ms: int | None = None) -> Payment:
    at = int(time.time() * 1000) if at_ms is None else at_ms
    return Payment(netuid, 0, block, samples.HOTKEY, 6, at, alpha, price, samples.block_hash(block))


def test_value_is_at_the_price_of_that_epoch_and_rounds_down():
    assert row(1, 3, price=333_333_333).tao_rao == 0
    assert row(1, 10**9, price=28_314_506).tao_rao == 28_314_506
    assert row(1, 10**9, price=None).tao_rao is None


def test_totals_per_subnet_say_what_is_not_known():
    day = [EarningBucket(0, 1, 5, 7, 2), EarningBucket(DAY_MS, 1, 6, None, 1), EarningBucket(0, 4, 9, 11, 3)]
    one, four = subnet_totals(day)
    assert (one.alpha, one.tao, one.unpriced, one.epochs) == (Alpha(11, 1), Tao(7), 1, 3)
    assert (four.alpha, four.tao, four.unpriced) == (Alpha(9, 4), Tao(11), 0)
    assert "price is missing" in total_words(one) and "missing" not in total_words(four)
    assert total_words(subnet_totals([EarningBucket(0, 1, 5, None, 1)])[0]).startswith("TAO value unknown")


rows_of = st.lists(
    st.builds(
        lambda block, alpha, netuid, price: row(block, alpha, netuid=netuid, price=price, at_ms=block * 12_000),
        st.integers(1, 200_000),
        st.integers(0, 10**18),
        st.sampled_from([1, 4]),
        st.one_of(st.none(), st.integers(0, 10**10)),
    ),
    max_size=20,
    unique_by=lambda one: (one.block, one.netuid),
)


@given(rows_of, rows_of, st.sampled_from(["epoch", "day", "week", "month"]), st.booleans())
def test_folding_rows_in_equals_summing_them_at_once(first, later, size, by_hotkey):
    known = {row_key(one) for one in first}
    later = [one for one in later if row_key(one) not in known]
    step = fold_in(fold_in([], first, size=size, by_hotkey=by_hotkey), later, size=size, by_hotkey=by_hotkey)
    assert step == fold_in([], [*first, *later], size=size, by_hotkey=by_hotkey)
    assert all(one.start_ms == slot_start(one.start_ms, size) for one in step)
    for total in subnet_totals(step):
        assert total.alpha.rao == sum(one.alpha_rao for one in [*first, *later] if one.netuid == total.netuid)


def test_bars_are_tao_or_one_alpha_and_grey_when_unknown():
    found = samples.earnings()
    bars = bars_of(found.buckets, series_of(found.buckets), {1: "practice"}, size="day", alpha=False)
    assert {bar.series for bar in bars} == {0, 1}
    unknown = [bar for bar in bars if bar.value is None]
    assert len(unknown) == 1 and "value unknown" in unknown[0].words
    assert "subnet 1 · practice" in unknown[0].words and "(UTC)" in unknown[0].words
    alpha = bars_of(found.buckets, series_of(found.buckets, 4), {}, size="day", alpha=True)
    assert all(bar.value is not None for bar in alpha) and {bar.series for bar in alpha} == {0}


def test_epoch_bars_stand_side_by_side():
    found = samples.earnings("epoch")
    bars = bars_of(found.buckets, series_of(found.buckets, 1), {}, size="epoch", alpha=True)
    assert bars[0].width == pytest.approx(4 * 3600, rel=0.01)


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


async def opened(qtbot, house):
    page = EarningsPage(house.context)
    qtbot.addWidget(page)
    page.resize(1000, 760)
    page.show()
    page.shown()
    await samples.until(lambda: page.model.rowCount() and page.chart.loaded, "earnings")
    return page


async def test_page_shows_rows_sums_and_chart(qtbot, house):
    page = await opened(qtbot, house)
    week = samples.earnings(since_ms=int(time.time() * 1000) - 7 * DAY_MS)
    assert page.model.rowCount() == len(week.rows)
    assert page.chart.bars and page.choices.measure.count() == 3
    assert "UTC" in page.subtitle.text()
    page.choices.measure.setCurrentIndex(2)
    assert {bar.words.count("α4") for bar in page.chart.bars} == {1}
    assert page.chart.unit == "α4"
    page.hidden()
    await house.close()


async def test_range_and_epoch_ask_the_ledger_again(qtbot, house):
    page = await opened(qtbot, house)
    before = len(house.client.called(GetEarnings))
    page.choices.range_buttons[None].click()
    await samples.until(lambda: len(house.client.called(GetEarnings)) > before, "all")
    await samples.until(lambda: house.client.called(GetEarnings)[-1].since_ms is None, "all")
    assert not page.choices.size_buttons["epoch"].isEnabled()
    page.choices.range_buttons[30].click()
    page.choices.size_buttons["epoch"].click()
    await samples.until(lambda: any(c.bucket == "epoch" for c in house.client.called(GetEarnings)), "epochs")
    await samples.until(lambda: "per epoch" in page.panel.title.text(), "the title")
    page.hidden()
    await house.close()


async def test_live_rows_are_added_once(qtbot, house):
    page = await opened(qtbot, house)
    before, total = page.model.rowCount(), subnet_totals(page.buckets)[0]
    new = row(48_227, 2_000_000_000)
    house.bridge.earnings.emit((new,))
    house.bridge.earnings.emit((new,))
    assert page.model.rowCount() == before + 1
    after = subnet_totals(page.buckets)[0]
    assert after.alpha.rao == total.alpha.rao + 2_000_000_000
    assert after.epochs == total.epochs + 1
    page.hidden()
    await house.close()


async def test_the_first_payment_ever_appears_on_an_open_empty_page(qtbot, house):
    house.client.answers[GetEarnings] = Earnings((), ())
    page = EarningsPage(house.context)
    qtbot.addWidget(page)
    page.shown()
    await samples.until(lambda: page.empty.title.text() == "Earnings are not known", "the empty state")
    house.bridge.earnings.emit((row(33, 1_500_000_000),))
    assert page.stack.currentIndex() == 1 and page.model.rowCount() == 1
    page.hidden()
    await house.close()


async def test_proof_is_copied(qtbot, house):
    page = await opened(qtbot, house)
    assert not page.copy_button.isEnabled()
    page.table.selectRow(0)
    page.copy_button.click()
    assert QGuiApplication.clipboard().text() == page.model.rows[0].block_hash
    assert house.said and "48206" in house.said[-1].replace("\N{NARROW NO-BREAK SPACE}", "")
    page.hidden()
    await house.close()


async def test_errors_are_told_and_nothing_is_lost(qtbot, house):
    page = await opened(qtbot, house)
    house.client.answers[GetEarnings] = AgentError("No agent", "The agent is not running.")
    page._polling.now()
    await samples.until(lambda: "Not up to date" in page.subtitle.text(), "the warning")
    assert page.model.rowCount()
    page.hidden()
    await house.close()


async def test_another_network_has_another_ledger(qtbot, house):
    page = await opened(qtbot, house)
    house.bridge.status.emit(samples.status())
    await samples.until(lambda: page.model.rowCount(), "rows again")
    house.client.answers[GetEarnings] = Earnings((), ())
    house.bridge.status.emit(samples.status("finney"))
    assert page.model.rowCount() == 0 and page.buckets == ()
    page.hidden()
    await house.close()


def test_slots_are_utc_days_iso_weeks_and_months():
    at = 1_795_347_000_000  # Sunday 2026-11-22 13:30 UTC
    assert slot_start(at, "day") == 1_795_305_600_000 - 0 * DAY_MS
    assert (slot_start(at, "day") - slot_start(at, "week")) // DAY_MS == 6
    assert (slot_start(at, "day") - slot_start(at, "month")) // DAY_MS == 21
    assert (slot_end(slot_start(at, "month"), "month") - slot_start(at, "month")) // DAY_MS == 30
    assert slot_start(at, "epoch") == at


def test_summed_up_bars_end_at_the_whole():
    found = samples.earnings()
    series = series_of(found.buckets)
    bars = bars_of(found.buckets, series, {}, size="day", alpha=False)
    summed = cumulative(bars, "TAO")
    last = [bar.value for bar in summed if bar.start == summed[-1].start]
    assert sum(last) == pytest.approx(sum(bar.value for bar in bars if bar.value is not None))
    assert "more than" in summed[-2].words and len(summed) == len({bar.start for bar in bars}) * 2


def test_periods_are_compared_only_where_there_is_something():
    one = [EarningBucket(0, 1, 5, 120, 1)]
    assert (
        comparison_words(compared(one, [EarningBucket(0, 1, 5, 100, 1)]), "7 days")
        == "20 % more than in the 7 days before"
    )
    assert "as far as prices are known" in comparison_words(
        compared(one, [*one, EarningBucket(1, 1, 5, None, 1)]), "year"
    )
    assert comparison_words(compared(one, []), "7 days") == "nothing known of the 7 days before"


def test_gaps_lie_where_their_blocks_were():
    rows = [row(100, 1, at_ms=1_000_000), row(200, 1, at_ms=2_200_000)]  # 12 s a block
    gap = Gap(1, samples.HOTKEY, 50, 99, "the node has forgotten these blocks")
    ((start, end, words),) = gap_spans([gap], rows)
    assert (start, end) == (400.0, 1000.0) and "50 to 99" in words
    assert gap_spans([gap], rows[:1]) == ()
    assert "forgotten" in gap_words(gap, {1: "practice"}) and "being read now" in gap_words(Gap(1, "5F", 1, 2), {})


async def test_gaps_net_and_export_reach_the_page(qtbot, house):
    gap = Gap(1, samples.HOTKEY, 48_100, 48_150, "no archive is known")
    house.client.answers[GetGaps] = Gaps((gap,), None)
    priced = lambda c: msgspec.structs.replace(  # noqa: E731
        samples.earnings(c.bucket, c.since_ms, c.limit),
        buckets=tuple(
            msgspec.structs.replace(one, fiat_micro=2_000_000)
            for one in samples.earnings(c.bucket, c.since_ms, c.limit).buckets
        ),
        currency="EUR",
    )
    house.client.answers[GetEarnings] = priced
    house.client.answers[GetCosts] = CostsView((), None, "EUR", (), ((0, "electricity", 3_500_000),))
    page = await opened(qtbot, house)
    await samples.until(lambda: not page.gap_line.isHidden(), "the gap")
    assert "no archive is known" in page.gap_text.text()
    assert any(bar.value is None and "not known" in bar.words for bar in page.chart.bars)
    count = len(page.buckets)
    net = next(one for one in page.sums.figures if one.name.text() == "Net of costs")
    assert net.value.text() == fiat_text(count * 2_000_000 - 3_500_000, "EUR")
    page.choices.range_buttons[None].click()
    await samples.until(lambda: house.client.called(GetEarnings)[-1].since_ms is None, "everything")
    first = lambda: min(one.start_ms for one in page.buckets)  # noqa: E731
    await samples.until(lambda: house.client.called(GetCosts)[-1].since_ms == first(), "its costs")
    await samples.until(lambda: any(one.name.text() == "Net of costs" for one in page.sums.figures), "net of all")
    page.choices.range_buttons[7].click()
    await samples.until(lambda: house.client.called(GetEarnings)[-1].since_ms is not None, "seven days")
    page.choices.sum_button.click()
    assert "summed up" in page.panel.title.text()
    page.choices.group.setCurrentIndex(1)
    await samples.until(lambda: house.client.called(GetEarnings)[-2].by_hotkey, "by miner")
    page.export("koinly", "/somewhere/new.csv")
    await samples.until(lambda: house.client.called(ExportEarnings), "the export")
    asked = house.client.called(ExportEarnings)[0]
    assert (asked.kind, asked.path) == ("koinly", "/somewhere/new.csv") and asked.since_ms
    page.hidden()
    await house.close()


async def test_a_file_on_its_way_counts_its_rows_as_everything_is_counted(qtbot, house):
    page = await opened(qtbot, house)
    page.export_line.show_progress(ExportView(811_250, 999_960))
    assert page.export_line.words.text() == "Writing the file: 811\u202f250 of 999\u202f960 rows"
    page.export_line.show_progress(ExportView(None, None))
    assert page.export_line.words.text() == "Writing the file"
    page.hidden()
    await house.close()
