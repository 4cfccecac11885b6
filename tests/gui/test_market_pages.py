"""Subnets, Token, Network check: estimates with their assumptions, unknown never zero, one network at a time."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec
import pytest
from PySide6.QtWidgets import QLabel

from gui import samples, samples_money
from gui.fakes import good_miner, status
from ranvier.agent.api.market_messages import (
    AskAxon,
    AxonView,
    GetHoldings,
    GetNetCheck,
    GetSubnet,
    GetSubnets,
    GetToken,
    PassedHalving,
)
from ranvier.agent.api.messages import UseNetwork
from ranvier.chain.concentration import measure
from ranvier.chain.supply import supply
from ranvier.core.errors import NetworkError
from ranvier.core.evidence import Level
from ranvier.core.settings import ENDPOINT, NETWORK
from ranvier.ui.models.endpoints import best_words, endpoint_rows
from ranvier.ui.models.market import (
    MarketRow,
    earning_words,
    flow_words,
    market_model,
    rule_words,
    seats_words,
    sharing_words,
)
from ranvier.ui.models.token import a_day, activity_words, halvings, passed_words, when_text
from ranvier.ui.pages.netcheck import NetCheckPage
from ranvier.ui.pages.settings import SettingsPage
from ranvier.ui.pages.subnets import SubnetsPage
from ranvier.ui.pages.token import TokenPage

COIN = 10**9
NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


def words(widget):
    return "\n".join(one.text() for one in widget.findChildren(QLabel))


def row(netuid=1, *, price=50_000_000, block_s=12.0, pays=(10, 20, 60)):
    view = samples_money.subnet_row(netuid, "practice", price, 900, 1)
    quartiles = None if pays is None else tuple(pay * COIN for pay in pays)
    view = msgspec.structs.replace(view, miner_quartiles=quartiles, earners=12)
    subnet = replace(
        view.subnet, tempo=359, neurons=256, register_rao=40 * COIN, next_epoch_block=view.subnet.last_epoch_block + 360
    )
    return MarketRow(msgspec.structs.replace(view, subnet=subnet), block_s)


def test_what_a_machine_would_earn_is_a_range_with_its_reasons():
    one = row()  # 7200 blocks a day, 20 epochs of 360
    assert one.miner_day == (200 * COIN, 400 * COIN, 1200 * COIN)
    assert one.miner_day_tao == (10 * COIN, 20 * COIN, 60 * COIN)
    text = " ".join(earning_words(one))
    assert "Between 10.0000 TAO and 60.0000 TAO a day" in text and "244 seats earn nothing" in text
    assert "paid back in about 2 days at the median" in text and "before slippage" in text
    assert "benchmark" in text and "will earn" not in text


@pytest.mark.parametrize("missing", [{"price": None}, {"block_s": None}, {"pays": None}])
def test_without_price_pace_or_earners_nothing_is_said(qapp, missing):
    one = row(**missing)
    assert one.miner_day_tao is None
    assert earning_words(one) == ["Unknown: nobody earned in the last epoch, or there is no price."]
    model = market_model()
    model.set_rows([one])
    assert model.index(0, 4).data() == "unknown"


@pytest.mark.parametrize(("rao", "text"), [(0, "0.00"), (4_219_999, "0.0042"), (42_187_000_000, "42.18")])
def test_a_little_tao_a_day_is_told_from_none(qapp, rao, text):
    one = row()
    model = market_model()
    model.set_rows([replace(one, view=msgspec.structs.replace(one.view, tao_per_block_rao=rao), block_s=86_400.0)])
    assert model.index(0, 2).data() == text


@pytest.mark.parametrize(("span", "epochs"), [(360, 20.0), (359, 7200 / 359), (12, 7200 / 359), (None, 7200 / 359)])
def test_a_day_has_as_many_epochs_as_the_rules_of_the_chain_make(span, epochs):
    """By the clock an epoch takes a block more than the tempo; where the chain counts from the last one it does not."""
    one = row()
    last = one.view.subnet.last_epoch_block
    subnet = replace(one.view.subnet, next_epoch_block=None if span is None else last + span)
    one = replace(one, view=msgspec.structs.replace(one.view, subnet=subnet))
    assert one.epochs_a_day == pytest.approx(epochs, rel=1e-12)


def test_the_price_of_a_seat_has_a_trend():
    detail = samples_money.subnet(1)
    assert "ago it cost" not in " ".join(rule_words(detail, 12.0))
    detail = msgspec.structs.replace(detail, price_before_rao=520_000_000, before_blocks=240)
    assert "48 min ago it cost 0.520000 TAO." in " ".join(rule_words(detail, 12.0))
    assert "240 blocks ago it cost" in " ".join(rule_words(detail, None))


def test_rules_say_price_split_and_who_stayed():
    text = " ".join(rule_words(samples_money.subnet(1), 12.0))
    assert "0.150000 TAO: 0.110000 TAO is gone, 0.040000 TAO becomes collateral" in text
    assert "The price halves every 1 h 12 min" in text and "raises it by 26.0 %" in text
    assert "88 are still there and 47 of them outlived" in text and "cannot be counted" in text
    assert "no seat is free" in text


def test_sharing_is_told_in_one_sentence():
    assert sharing_words("Pay", measure([0, 0])) == "Pay: nobody has any."
    text = sharing_words("Pay", measure([60, 20, 10, 10]))
    assert "4 holders; the largest has 60 %, the largest three 90 %" in text and "one holder decides alone" in text


async def test_subnets_page_finds_and_explains(qtbot, house):
    page = SubnetsPage(house.context)
    qtbot.addWidget(page)
    page.shown()
    await samples.until(lambda: page.model.rowCount() == 40, "subnets")
    assert "40 subnets at block 48" in page.subtitle.text()
    page.search.setText("chutes")
    assert 0 < page.model.rowCount() < 40
    assert all("chutes" in one.view.subnet.name for one in page.model.rows)
    page.search.setText("1")
    assert [one.view.subnet.netuid for one in page.model.rows] == [1]
    page.table.selectRow(0)
    await samples.until(lambda: "Validators' stake" in words(page.card), "the detail")
    assert house.client.called(GetSubnet)[-1].netuid == 1
    assert "What would this machine earn on 1 · practice?" in words(page.card)
    assert "You have 2 seats here: uid 6, uid 7." in words(page.card)
    page.search.setText("")
    assert page.table.current_row().view.subnet.netuid == 1
    house.client.answers[GetSubnets] = NetworkError("No network", "It does not answer.")
    page._polling.now()
    await samples.until(lambda: "Not up to date" in page.subtitle.text(), "the warning")
    house.bridge.status.emit(samples.status("finney"))
    assert page.model.rowCount() == 0 and page.card.isHidden()
    page.hidden()
    await house.close()


def test_halvings_are_passed_or_estimated_or_unknown():
    view = samples_money.token()
    first, second, third, *_ = halvings(view)
    assert first.passed and when_text(first) == f"before block 47{NARROW}973" and first.emission_rao == COIN // 2
    assert not second.passed and second.issuance_rao == 15_750_000 * COIN
    blocks = (second.issuance_rao - view.supply.issuance_rao) / (COIN // 2)
    assert second.at_ms == pytest.approx(view.block.time_ms + blocks * 12_000, rel=1e-9)
    # After it a block makes half, so the third takes as long as half the distance at twice the time.
    later = (third.issuance_rao - second.issuance_rao) / (COIN // 4) * 12_000
    assert third.at_ms - second.at_ms == pytest.approx(later, rel=1e-6)
    unknown = halvings(msgspec.structs.replace(view, block_s=None))
    assert when_text(unknown[1]) == "unknown"
    assert all(one.at_ms is None for one in halvings(msgspec.structs.replace(view, supply=supply(21 * 10**15, 0))))


def test_many_own_seats_are_counted_and_a_seat_is_never_paid_back_in_no_time():
    assert seats_words(()) == "" and seats_words((6, 7)) == "You have 2 seats here: uid 6, uid 7."
    assert seats_words(range(56)).endswith("uid 7 and 48 more.")
    one = row(price=10**12)
    assert "paid back in less than an hour" in " ".join(earning_words(one))


def test_a_halving_that_passed_says_when_as_far_as_that_is_known(qapp):
    view = samples_money.token()
    found = PassedHalving(1, 7_103_000, 7_103_000, 1_765_700_000_000)
    for passed, said, why in (
        ((found,), f"14 December 2025, block 7{NARROW}103{NARROW}000", "reading old states"),
        ((PassedHalving(1, None, 1, None),), "before the first block", "began with more"),
        ((PassedHalving(1, None, 900, None),), "before block 900", "has forgotten"),
        ((), "passed", "has forgotten"),
    ):
        first, second, *_ = halvings(msgspec.structs.replace(view, passed=passed))
        assert when_text(first) == said and why in passed_words(first)
        assert second.at_ms is not None and passed_words(second) == ""


def test_pay_that_is_worth_more_than_what_comes_into_the_pool_is_explained():
    one = row()  # 7200 alpha a day at 0.05 TAO
    view = msgspec.structs.replace(one.view, alpha_per_block_rao=COIN, tao_per_block_rao=COIN // 100)
    said = flow_words(replace(one, view=view))
    assert f"All pay here is 7{NARROW}200 α" in said and "360.00 TAO at the price now" in said
    assert "72.00 TAO a day into the pool" in said and "the price falls" in said
    assert said in earning_words(replace(one, view=view))
    rich = msgspec.structs.replace(view, tao_per_block_rao=COIN)
    assert "the price falls" not in flow_words(replace(one, view=rich))
    assert flow_words(replace(one, view=msgspec.structs.replace(view, alpha_per_block_rao=None))) == ""


def test_activity_is_a_rate_of_what_was_seen():
    view = samples_money.token()
    assert a_day(10, view.activity) == 1440
    (name, value, note), *_ = activity_words(view.activity)
    assert (name, value) == ("Transactions a day", f"88{NARROW}128") and "612 in the last 50 blocks, 10 min" in note
    unknown = activity_words(msgspec.structs.replace(view.activity, seconds=None))
    assert {one[1] for one in unknown} == {"unknown"} and activity_words(None) == []


async def test_token_page_says_what_it_could_not_read(qtbot, house):
    page = TokenPage(house.context)
    qtbot.addWidget(page)
    page.shown()
    await samples.until(lambda: page.found is not None, "the token")
    assert (
        page.issued.value.text() == f"10{NARROW}913{NARROW}204 TAO"
        and "51.9 % of 21 million" in page.issued.note.text()
    )
    assert page.made.value.text() == "0.500000000 TAO"
    assert page.made.note.text() == f"a block, about 3{NARROW}600 TAO a day"
    assert "More than 5000 accounts" in words(page.sharing) and "root's validators: 64 holders" in words(page.sharing)
    assert page.model.rowCount() == 7 and "about" in page.next.value.text()
    house.client.answers[GetToken] = NetworkError("No network", "It does not answer.")
    page._polling.now()
    await samples.until(lambda: "Not up to date" in page.subtitle.text(), "the warning")
    house.bridge.status.emit(samples.status("finney"))
    assert page.filled.isHidden() and not page.empty.isHidden()
    page.hidden()
    await house.close()


def test_endpoints_have_one_finding_each():
    rows = endpoint_rows(samples_money.netcheck())
    assert [one.used for one in rows] == [True, False, False, False]
    assert rows[0].problem is None
    assert "1 of 5 requests" in rows[2].problem and "refused" in rows[3].problem
    assert [one.finding for one in rows] == ["well", "well", "loses requests", "no answer"]
    found = samples_money.netcheck()
    assert best_words(found) == "The endpoint in use is the best of these."
    assert "wss://entrypoint" in best_words(msgspec.structs.replace(found, used=None))
    none = msgspec.structs.replace(found, endpoints=found.endpoints[3:])
    assert best_words(none).startswith("No endpoint answers")


async def test_an_endpoint_of_ones_own_is_asked_at_once_and_its_worth_said(qtbot, house):
    page = SettingsPage(house.context)
    qtbot.addWidget(page)
    field = page.fields[ENDPOINT.key]
    house.settings.set(NETWORK, "finney")
    quick, dead = (samples_money.netcheck().endpoints[place] for place in (1, 3))
    for endpoint, answers in ((quick.endpoint, lambda: len(house.said) == 2), (dead.endpoint, lambda: house.errors)):
        field.setText(f" {endpoint} ")
        field.editingFinished.emit()
        await samples.until(answers, "what it is worth")
    assert house.said[1] == f"{quick.endpoint} answers in 143\N{NARROW NO-BREAK SPACE}ms and is asked first."
    (error,) = house.errors
    assert error.title == "Your endpoint is not used" and "connection refused" in error.message
    asked = [type(one) for one in house.client.calls if isinstance(one, (UseNetwork, GetNetCheck))]
    assert asked == [UseNetwork, GetNetCheck] * 2
    await house.close()


async def test_network_check_runs_once_and_again_when_asked(qtbot, house):
    page = NetCheckPage(house.context)
    qtbot.addWidget(page)
    house.bridge.status.emit(samples.status())
    page.show()
    page.shown()
    await samples.until(lambda: page.model.rowCount() == 4, "the check")
    page.tick(time.time())
    assert len(house.client.called(GetNetCheck)) == 1 and "Checked" in page.subtitle.text()
    page.shown()
    assert len(house.client.called(GetNetCheck)) == 1
    page.again.click()
    page.again.click()
    await samples.until(lambda: page.again.isEnabled() and len(house.client.called(GetNetCheck)) == 2, "again")
    assert page.measure.isEnabled()
    house.client.answers[GetHoldings] = samples_money.nothing_held()
    page.measure.click()
    await samples.until(lambda: house.said, "the note")
    assert "No watched coldkey" in house.said[-1]
    house.bridge.status.emit(samples.status("finney"))
    assert not page.measure.isEnabled() and "play money" in page.measure.toolTip()
    await samples.until(lambda: page.again.isEnabled(), "the check of the other network")
    await house.close()


async def test_a_check_that_nobody_answered_is_made_again_when_the_network_is_back(qtbot, house):
    page = NetCheckPage(house.context)
    qtbot.addWidget(page)
    off = samples.status()
    off = msgspec.structs.replace(off, chain=msgspec.structs.replace(off.chain, level=Level.OFF))
    house.client.answers[GetNetCheck] = NetworkError("Network not reached", "The sandbox is stopped.")
    house.bridge.status.emit(off)
    page.show()
    page.shown()
    await samples.until(lambda: "stopped" in words(page.empty) and page.again.isEnabled(), "the error")
    house.client.answers[GetNetCheck] = samples_money.netcheck()
    house.bridge.status.emit(samples.status())
    await samples.until(lambda: page.model.rowCount() == 4 and page.again.isEnabled(), "the check")
    asked = len(house.client.called(GetNetCheck))
    house.bridge.status.emit(off)
    house.bridge.status.emit(samples.status())
    assert len(house.client.called(GetNetCheck)) == asked, "what was answered is not asked again unasked"
    await house.close()


async def test_the_own_axon_is_asked_where_a_miner_runs_and_unknown_has_its_reason(qtbot, house):
    page = NetCheckPage(house.context)
    qtbot.addWidget(page)
    assert not page.ask.isEnabled() and "No miner" in page.ask.toolTip()
    miner = good_miner(axon_port=8091)
    page._status(status(miner))
    assert page.ask.isEnabled()
    house.client.answers[AskAxon] = AxonView(120.4, 480.6)
    page.ask.click()
    await samples.until(lambda: not page.answer.isHidden(), "the answer")
    assert house.client.called(AskAxon) == [AskAxon(miner.id)]
    assert (page.first_word.value.text(), page.whole.value.text()) == (f"120{NARROW}ms", f"481{NARROW}ms")
    page.show_answer(AxonView(error="Nothing listens on port 8091."))
    assert page.whole.value.text() == "unknown" and "Nothing listens" in page.whole.note.text()
    page._status(status())
    assert page.answer.isHidden() and not page.ask.isEnabled()
    await house.close()


async def test_the_keyboard_stays_on_the_button_that_checks(qtbot, house):
    page = NetCheckPage(house.context)
    qtbot.addWidget(page)
    page.show()
    page.shown()
    await samples.until(lambda: page.found is not None and page.again.isEnabled(), "the first check")
    page.activateWindow()
    page.again.setFocus()
    await samples.until(page.again.hasFocus, "the focus")
    page.again.click()
    assert not page.again.hasFocus(), "it is off meanwhile"
    await samples.until(lambda: page.again.isEnabled(), "the second check")
    assert page.again.hasFocus()
    await house.close()
