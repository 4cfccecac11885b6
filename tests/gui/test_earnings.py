"""Earnings: exact sums per subnet, live rows once, proof to copy, unknown prices told."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QGuiApplication

from gui import samples
from ranvier.agent.messages import EarningBucket, EarningRow, Earnings, GetEarnings
from ranvier.core.errors import AgentError
from ranvier.core.units import Alpha, Tao
from ranvier.ui.models.earnings import DAY_MS, fold_in, row_key, subnet_totals, value_rao
from ranvier.ui.pages.earnings import EarningsPage, bars_of, total_words


def row(block: int, alpha: int, *, netuid: int = 1, price: int | None = 10**8, at_ms: int | None = None) -> EarningRow:
    at = int(time.time() * 1000) if at_ms is None else at_ms
    return EarningRow(netuid, 0, block, at, 6, samples.HOTKEY, alpha, price, samples.block_hash(block))


def test_value_is_at_the_price_of_that_epoch_and_rounds_down():
    assert value_rao(row(1, 3, price=333_333_333)) == 0
    assert value_rao(row(1, 10**9, price=28_314_506)) == 28_314_506
    assert value_rao(row(1, 10**9, price=None)) is None


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


@given(rows_of, rows_of, st.booleans())
def test_folding_rows_in_equals_summing_them_at_once(first, later, epoch):
    known = {row_key(one) for one in first}
    later = [one for one in later if row_key(one) not in known]
    step = fold_in(fold_in([], first, epoch=epoch), later, epoch=epoch)
    assert step == fold_in([], [*first, *later], epoch=epoch)
    for total in subnet_totals(step):
        assert total.alpha.rao == sum(one.alpha_rao for one in [*first, *later] if one.netuid == total.netuid)


def test_bars_are_tao_or_one_alpha_and_grey_when_unknown():
    found = samples.earnings()
    bars = bars_of(found.buckets, [1, 4], {1: "practice"}, epoch=False, alpha=False)
    assert {bar.series for bar in bars} == {0, 1}
    unknown = [bar for bar in bars if bar.value is None]
    assert len(unknown) == 1 and "value unknown" in unknown[0].words
    assert "subnet 1 · practice" in unknown[0].words and "(UTC)" in unknown[0].words
    alpha = bars_of(found.buckets, [4], {}, epoch=False, alpha=True)
    assert all(bar.value is not None for bar in alpha) and {bar.series for bar in alpha} == {0}


def test_epoch_bars_stand_side_by_side():
    found = samples.earnings("epoch")
    bars = bars_of(found.buckets, [1], {}, epoch=True, alpha=True)
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
    assert page.chart.bars and page.measure.count() == 3
    assert "UTC" in page.subtitle.text()
    page.measure.setCurrentIndex(2)
    assert {bar.words.count("α4") for bar in page.chart.bars} == {1}
    assert page.chart.unit == "α4"
    page.hidden()
    await house.close()


async def test_range_and_epoch_ask_the_ledger_again(qtbot, house):
    page = await opened(qtbot, house)
    before = len(house.client.called(GetEarnings))
    page.range_buttons[None].click()
    await samples.until(lambda: len(house.client.called(GetEarnings)) > before, "all")
    assert house.client.called(GetEarnings)[-1].since_ms is None
    page.by_epoch.click()
    await samples.until(lambda: house.client.called(GetEarnings)[-1].bucket == "epoch", "epochs")
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
    await samples.until(lambda: page.empty.title.text() == "No earnings here", "the empty state")
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
