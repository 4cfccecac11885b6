"""The Hardware page's histories: zoomed together, asked for as shown; what a card drew beside what it earned."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from gui import samples, samples_hardware
from gui.fakes import good_miner
from gui.test_hardware_deep import opened
from ranvier.agent.api.messages import (
    Gaps,
    GetGaps,
    GetHardwareHistory,
    GetMinerHistory,
    MinerHistory,
)
from ranvier.core.errors import AgentError
from ranvier.hardware.history import Energy
from ranvier.ledger.coverage import Gap
from ranvier.ledger.payments import Payment
from ranvier.ui.models.card_pay import Paid, balance, gap_doubt, on_card, pay_facts, per_coin, stays
from ranvier.ui.models.gpus import energy_text
from ranvier.ui.models.hardware_history import card_lines, host_lines
from ranvier.ui.models.miner_history import Curve
from ranvier.ui.widgets.charts.series import gaps, thinned
from ranvier.ui.widgets.miner_history import HistoryView
from ranvier.ui.words import power_text

NOW = 1_800_000_000.0
N = "\N{NARROW NO-BREAK SPACE}"
HOUR = Energy(3.6e6, 3600.0, counted=True)  # one kWh


def row(rao: int, price: int | None = 20_000_000, netuid: int = 4, at: float = NOW) -> Payment:
    return Payment(netuid, 0, 100, "5Hot", 3, int(at * 1000), rao, price, "0xab")


# --- energy beside pay -----------------------------------------------------------------------------------------


def test_energy_for_an_alpha_and_for_a_tao_exactly():
    found = balance(HOUR, 3600.0, [Paid("one", (row(3_000_000_000), row(1_000_000_000, 40_000_000)))])
    assert found.energy_uj == 3_600_000_000_000 and found.alpha == ((4, 4_000_000_000),)
    assert found.uj_per_alpha == 900_000_000_000, "a quarter of a kWh"
    assert found.tao_rao == 3 * 20_000_000 + 40_000_000 and found.uj_per_tao == 36_000_000_000_000
    texts = {fact.label: fact.text.replace(N, " ") for fact in pay_facts(found)}
    assert texts["Energy in this time"] == "1.00 kWh, by its own counter"
    assert texts["Energy for one alpha"] == "250.0 Wh per α4"
    assert texts["Energy for one TAO, at each epoch's price"] == "10.00 kWh per TAO"
    assert texts["Paid in this time"].startswith("4.0000") and "TAO" in texts["Paid in this time"].replace("τ", "TAO")
    assert not found.doubts


@pytest.mark.parametrize(
    ("energy", "paid", "words"),
    [
        (None, [Paid("one", (row(10),))], "Neither its energy nor its power"),
        (Energy(1.0, 1800.0, counted=False), [Paid("one", (row(10),))], "known for 50 % of this time only"),
        (HOUR, [], "No miner of this machine"),
        (HOUR, [Paid("one", (row(10),), "The pay of one is not known: no ledger")], "The pay of one is not known"),
        (HOUR, [Paid("one", (row(0),))], "Nothing was paid"),
        (HOUR, [Paid("one", (row(10),)), Paid("two", (row(10, netuid=5),))], "2 subnets are different currencies"),
    ],
)
def test_energy_for_an_alpha_is_unknown_with_its_reason(energy, paid, words):
    found = balance(energy, 3600.0, paid)
    assert found.uj_per_alpha is None and any(words in one.replace(N, " ") for one in found.doubts), found.doubts
    (fact,) = [fact for fact in pay_facts(found) if fact.label == "Energy for one alpha"]
    assert not fact.known and fact.text == "unknown"


def test_without_a_price_only_the_alpha_is_told_and_two_subnets_have_only_a_sum_in_tao():
    found = balance(HOUR, 3600.0, [Paid("one", (row(10**9), row(10**9, None)))])
    assert found.uj_per_alpha == 1_800_000_000_000 and found.tao_rao is None and found.uj_per_tao is None
    assert "The price of an epoch is not known." in found.doubts
    two = balance(HOUR, 3600.0, [Paid("one", (row(10**9),)), Paid("two", (row(10**9, netuid=5),))])
    assert two.uj_per_tao == 3_600_000_000_000 * 10**9 // 40_000_000


@given(st.integers(0, 10**18), st.integers(1, 2**60))
def test_the_quotient_is_rounded_down_and_loses_nothing_else(energy, rao):
    found = per_coin(energy, rao)
    assert found * rao <= energy * 10**9 < (found + 1) * rao
    assert per_coin(None, rao) is None and per_coin(energy, 0) is None


def test_energies_in_words():
    assert [energy_text(watt_hours * 3_600_000_000).replace(N, " ") for watt_hours in (0, 12, 3210, 1_500_000)] == [
        "0.0 Wh", "12.0 Wh", "3.21 kWh", "1.50 MWh",
    ]  # fmt: skip
    assert energy_text(None) == "unknown"


def test_who_is_on_a_card_and_what_the_ledger_lacks():
    given_ = msgspec.structs.replace(good_miner(), id="a", gpus=("GPU-1",))
    seen = msgspec.structs.replace(good_miner(), id="b", gpus=())
    pids = {"b": frozenset({7, 8})}
    assert on_card((given_, seen), frozenset({"GPU-1"}), frozenset({9}), pids) == (given_,)
    assert on_card((given_, seen), frozenset({"GPU-2"}), frozenset({8}), pids) == (seen,)
    gap = Gap(given_.netuid, given_.hotkey_ss58, 100, 200)
    assert gap_doubt([gap], given_, 1000, NOW - 3600, NOW) == "", "it ended before this time"
    assert given_.name in gap_doubt([gap], given_, 300, NOW - 3600, NOW)
    assert given_.name in gap_doubt([gap], given_, None, NOW - 3600, NOW)
    assert gap_doubt([replace(gap, netuid=99)], given_, 300, NOW - 3600, NOW) == ""


def ran(at: float, *cards: tuple[str, ...] | None):
    """A sample of that moment, with the miners of each card."""
    sample = samples_hardware.rich(at)
    return replace(
        sample, gpus=tuple(replace(sample.gpus[0], uuid=f"GPU-{n}", miners=who) for n, who in enumerate(cards))
    )


def test_where_a_miner_ran_at_a_moment():
    found = stays([ran(10, None, None), ran(20, ("m",), ()), ran(30, (), ("m",)), ran(40, (), ()), ran(50, ("n",), ())])
    now = frozenset({"GPU-9"})
    assert [found.at("m", when, now) for when in (15, 25, 30, 45, 99)] == [
        {"GPU-0"}, {"GPU-0"}, {"GPU-1"}, {"GPU-1"}, {"GPU-1"},
    ], "pay comes after the work: that of a miner that stopped is of the card it was on last"  # fmt: skip
    assert found.at("n", 45, now) == frozenset(), "it was not here then"
    assert found.at("n", 5, now) == {"GPU-0"} and found.at("other", 5, now) == now, "nobody knows of that time"
    assert (found.ever("GPU-0"), found.ever("GPU-1"), found.ever("GPU-9")) == ({"m", "n"}, {"m"}, frozenset())
    assert stays([ran(10, None)]).at("m", 20, now) == now, "samples of an older version know nobody"


def test_an_instances_miner_is_on_its_card():
    sample = samples_hardware.mig(NOW)
    card, one, *rest = sample.gpus
    found = stays([replace(sample, gpus=(replace(card, miners=()), replace(one, miners=("m",)), *rest))])
    assert found.at("m", NOW, frozenset()) == {card.uuid} and found.ever(one.uuid) == frozenset()


# --- lanes -----------------------------------------------------------------------------------------------------


def test_a_card_has_no_lanes_of_runs_and_says_why_a_line_is_missing(qtbot):
    sample = samples_hardware.mig(NOW)
    lines = card_lines([sample], sample.gpus[0], NOW - 900, NOW, paid=())
    assert [curve.name for curve in lines.curves if not curve.known] == ["Use"]
    assert lines.curves[0].none == "not told: the card is cut into instances"
    assert lines.pay_note == "no miner of this machine was on this card"
    assert card_lines([sample], sample.gpus[0], NOW - 900, NOW, paid=None).pay_note == "the ledger has not answered yet"
    view = HistoryView(lambda: NOW, "the card", in_page=True)
    qtbot.addWidget(view)
    view.show_lines(lines)
    assert [lane.name for lane in view._lanes] == ["Use", "Memory", "Heat", "Power", "Pay"]
    assert view.accessibleDescription() == "0 payments; not known: Use"
    view.show_lines(host_lines([sample], NOW - 900, NOW))
    assert [lane.name for lane in view._lanes] == ["Processor", "Memory", "Network"]
    view.resize(500, view.minimumHeight())
    assert not view.grab().isNull()


def test_a_limit_is_on_the_scale_only_when_it_comes_near():
    def high(value: float) -> float:
        curve = Curve("Power", (("power", ((NOW, value),)),), power_text, limits=((450.0, "limit"),))
        return curve.reach(NOW - 1, NOW + 1)[1]

    assert high(200.0) == 200.0 and high(300.0) == 450.0 and high(460.0) == 460.0


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=400), st.integers(2, 60))
def test_thinning_keeps_the_peaks_and_what_is_not_known(values, most):
    points = [(NOW + 2 * place, value) for place, value in enumerate(values)]
    kept = thinned(points, most)
    assert len(kept) <= max(most + 2, 2) or len(points) <= most
    assert set(kept) <= set(points) and [at for at, _ in kept] == sorted(at for at, _ in kept)
    known = [value for value in values if value is not None]
    if known:
        assert {max(known), min(known)} <= {value for _at, value in kept}
    assert any(value is None for _at, value in kept) or not (values and not known)


def test_thinned_samples_of_an_older_time_are_no_gap():
    """Six hours as they are kept: a minute apart, then a second."""
    old = [(NOW - 21_600 + 60 * n, 1.0) for n in range(240)]
    new = [(NOW - 7200 + n, 1.0) for n in range(7200)]
    assert gaps([*old, *new]) == []
    assert gaps([*old[:100], *old[106:], *new]) == [(old[99][0], old[106][0])]
    assert gaps([*old, *new[:3000], *new[3060:]]) == [(new[2999][0], new[3060][0])]
    assert gaps(old, until=NOW) == [(old[-1][0], NOW)]


# --- the page --------------------------------------------------------------------------------------------------


def wheel(view: HistoryView, turn: int) -> None:
    place = QPointF(view.width() / 2, 60.0)
    event = QWheelEvent(place, place, QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(view, event)


async def test_one_history_zooms_all_and_asks_for_its_time(qtbot, tmp_path):
    house = samples.House(tmp_path, samples_hardware.client(tmp_path, samples_hardware.rich))
    page = await opened(qtbot, house)
    await samples.until(lambda: all(view.lines for view in page.histories()), "histories")
    first, second = page.host.history, page.histories()[1]
    before = first.range
    wheel(first, 120)
    assert first.range[1] - first.range[0] == before[1] - before[0] and page._part is None, (
        "without the focus the wheel scrolls the page"
    )
    page.activateWindow()
    first.setFocus()
    await samples.until(first.hasFocus, "the focus")
    wheel(first, 120)
    assert page._part == first.range == second.range and first.range[1] - first.range[0] < 900
    assert not page.follow.isHidden() and not any(choice.isChecked() for choice in page.range_buttons.values())
    for step in range(4):
        first.look(time.time() - 9000 - step, time.time() - 6000 - step)
    part = page._part
    await samples.until(lambda: page._past_of == part, "the past")
    asked = [one for one in house.client.called(GetHardwareHistory) if one.until is not None]
    assert len(asked) == 1 and asked[0].until == part[1] and asked[0].seconds in (3000, 3001)
    qtbot.mouseDClick(second, Qt.MouseButton.LeftButton, pos=QPoint(300, 60))
    assert page._part is None and page.follow.isHidden() and page.range_buttons[900].isChecked()
    await samples.until(lambda: first.range[1] > time.time() - 30, "now")
    page.hidden()
    await house.close()


async def test_a_card_tells_its_energy_beside_the_pay_of_its_miner(qtbot, tmp_path):
    house = samples.House(tmp_path, samples_hardware.client(tmp_path, counted))
    status = samples.status()
    uuid = samples.gpu(0, 0.0).uuid
    miner = msgspec.structs.replace(status.miners[0], gpus=(uuid,))
    status = msgspec.structs.replace(status, miners=(miner,))
    paid = row(2_000_000_000, netuid=miner.netuid, at=time.time() - 300)
    house.client.answers[GetMinerHistory] = lambda command: MinerHistory(command.since, time.time(), pay=(paid,))
    house.client.answers[GetGaps] = Gaps((), None)
    page = await opened(qtbot, house)
    page.resize(1000, 2400)  # what is out of sight is drawn when it comes into sight
    house.bridge.status.emit(status)
    page._polling.now()
    card = page.gpus[uuid]
    await samples.until(lambda: any("per α" in fact.text for fact in card.pay.facts), "the quotient")
    facts = {fact.label: fact.text.replace(N, " ") for fact in card.pay.facts}
    assert facts["Energy in this time"].endswith("Wh, by its own counter")
    assert facts["Paid in this time"].startswith("2.0000")
    assert miner.name in "\n".join(dot.words for dot in card.history.lines.pay)
    now = time.time()
    assert page.card_pay.of(uuid, (now - 900, now), 3600) is None, "asked for another time"
    assert page.card_pay.of(uuid, (now - 200, now), 900)[0].rows == (), "before this time"
    other = page.gpus[samples.gpu(1, 0.0).uuid]
    await samples.until(lambda: "No miner of this machine was on this card." in other.doubts.text(), "the other card")
    house.client.answers[GetGaps] = AgentError("No ledger", "The ledger is not open.")
    page.choose_range(21_600)
    await samples.until(lambda: "is whole is not known: The ledger is not open." in card.doubts.text(), "the doubt")
    assert not any("per α" in fact.text for fact in card.pay.facts)
    house.client.answers[GetMinerHistory] = AgentError("Away", "The agent does not answer.")
    page.choose_range(3600)
    await samples.until(lambda: "The agent does not answer." in card.doubts.text(), "the reason")
    assert not any("per α" in fact.text for fact in card.pay.facts)
    page.hidden()
    await house.close()


async def test_pay_is_of_the_card_on_which_it_was_earned_and_a_removed_miner_is_told(qtbot, tmp_path):
    """The miner worked on the first card until five minutes ago, and works on the second since."""
    begun, moved = time.time(), time.time() - 300

    def where(at: float):
        sample = counted(at)
        first, second = sample.gpus
        here = "mover" if at < begun - 600 else "gone"
        return replace(sample, gpus=(
            replace(first, miners=("mover",) if at < moved else ()),
            replace(second, miners=() if at < moved and here == "mover" else (here,) if at < moved else ("mover",)),
        ))  # fmt: skip

    house = samples.House(tmp_path, samples_hardware.client(tmp_path, where))
    status = samples.status()
    second = samples.gpu(1, 0.0).uuid
    miner = msgspec.structs.replace(status.miners[0], id="mover", gpus=(second,))
    status = msgspec.structs.replace(status, miners=(miner,))
    pay = tuple(row(rao, netuid=miner.netuid, at=begun - back) for rao, back in ((3 * 10**9, 500), (10**9, 100)))
    house.client.answers[GetMinerHistory] = lambda command: MinerHistory(command.since, time.time(), pay=pay)
    house.client.answers[GetGaps] = Gaps((), None)
    page = await opened(qtbot, house)
    page.resize(1000, 2400)
    house.bridge.status.emit(status)
    page._polling.now()
    old, new = page.gpus[samples.gpu(0, 0.0).uuid], page.gpus[second]
    await samples.until(lambda: any("per α" in fact.text for fact in old.pay.facts), "the quotient of the old card")
    told = {fact.label: fact.text for fact in old.pay.facts}
    assert told["Paid in this time"].startswith("3.0000"), "what was earned there, though nobody is there now"
    await samples.until(lambda: new.pay.facts and new.history.lines.pay, "the new card's pay")
    assert [dot.at for dot in new.history.lines.pay] == [pytest.approx(begun - 100, abs=0.01)]
    assert "A miner that was removed since ran on this card" in new.doubts.text()
    assert not any("per α" in fact.text for fact in new.pay.facts), "not all of its pay is known"
    page.hidden()
    await house.close()


def counted(at: float):
    """Two cards whose counters rise by 300 J a second; nothing but the first one's miner is on them."""
    sample = samples_hardware.rich(at)
    return replace(sample, gpus=tuple(replace(gpu, energy_j=300 * (at - 1.7e9), processes=()) for gpu in sample.gpus))
