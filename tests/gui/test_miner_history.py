"""One miner's history: everything on one axis, unknown as gaps, zoom by wheel, drag and keys, asked for as shown."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from gui import samples, samples_miners
from gui.fakes import good_miner, rich_status
from gui.stage import settle, stage, until
from ranvier.agent.api.messages import GetMinerHistory, MinerHistory, Moment, StatusEvent
from ranvier.core.errors import AgentError
from ranvier.ledger.miner_sample import MinerSample
from ranvier.miners.status import ExitRecord
from ranvier.ui.models.miner_history import Curve, build, unknown, words_at
from ranvier.ui.widgets.charts.zoomed_time import SHORTEST_S
from ranvier.ui.widgets.miner_history import HistoryView
from ranvier.ui.words import percent_text

NOW = 1_800_000_000.0
NARROW = "\N{NARROW NO-BREAK SPACE}"


def told(**parts: object) -> MinerHistory:
    return MinerHistory(NOW - 100, NOW, **parts)  # type: ignore[arg-type]


def test_everything_told_is_on_one_axis():
    now = time.time()
    lines = build(samples.failing_miner(), samples_miners.history(GetMinerHistory("x", now - 86_400)))
    assert [round(span.end - span.start) for span in lines.runs][:2] == [5120, 660]
    assert sum(dot.bad for dot in lines.ends) == 7 and len(lines.versions) == 2
    assert [dot.bad for dot in lines.incidents] == [True, True]
    assert [round(span.end - span.start) for span in lines.drops] == [220]
    assert len(lines.pay) == 40 and sum(dot.bad for dot in lines.pay) == 6
    known = [curve.name for curve in lines.curves if curve.known]
    assert known == ["CPU", "Memory", "GPU", "GPU memory", "Heat", "Incentive", "Disk"]
    said = " / ".join(words_at(lines, now - 3050, 100)).replace(NARROW, " ")
    for words in ("of one core", "memory ", "GiB", "busiest card", "hottest card", "°C", "incentive 1",
                  "disk writes", "kB/s", "killed by SIGKILL", "memory was full", "paid 1.", "α1 at block"):  # fmt: skip
        assert words in said, words
    assert "endpoint lost: The sandbox does not answer." in words_at(lines, now - 1600, 1)
    assert "incentive unknown" in words_at(lines, now - 1600, 1), "nobody could ask the chain then"
    assert "CPU unknown" in words_at(lines, now - 20_000, 1)


def test_what_goes_on_is_drawn_to_the_end_and_what_began_before_from_the_beginning():
    history = told(
        moments=(Moment(NOW - 500, "endpoint lost", "gone"), Moment(NOW - 80, "endpoint back", "there"),
                 Moment(NOW - 50, "endpoint lost", "gone again")),
        exits=(ExitRecord(NOW - 60, 0, None, True, 500.0), ExitRecord(NOW + 30, 1, None, False, 70.0)),
    )  # fmt: skip
    lines = build(good_miner(), history)
    assert [(one.start - NOW, one.end - NOW) for one in lines.drops] == [(-100, -80), (-50, 0)]
    assert [(one.start - NOW, one.end - NOW) for one in lines.runs] == [(-100, -60), (-40, 0)]
    assert [dot.at - NOW for dot in lines.ends] == [-60], "an end after this time is not on it"
    assert [one.start - NOW for one in build(good_miner(), told(started_at=NOW - 30)).runs] == [-30]


def test_a_machine_without_cards_shows_its_own_heat_and_says_so():
    lines = build(good_miner(), told(samples=(MinerSample(NOW - 5, rss=1, machine_c=41.0),)))
    (heat,) = [curve for curve in lines.curves if "eat" in curve.name]
    assert heat.name == "Machine heat" and heat.words_at(NOW - 5) == [f"machine 41{NARROW}°C"]
    (network,) = [curve for curve in lines.curves if curve.name == "Network"]
    assert not network.known and "shares this machine's network" in network.none


def test_unknown_is_a_span_and_never_a_zero():
    points = [(NOW + n, None if 20 <= n < 30 else 5.0) for n in range(10, 60)]
    spans = [(round(one - NOW), round(other - NOW)) for one, other in unknown(points, NOW - 90, NOW + 200)]
    assert spans == [(-90, 10), (19, 30), (59, 200)]
    assert unknown([], NOW, NOW + 9) == [(NOW, NOW + 9)]
    assert unknown(points, NOW + 35, NOW + 50) == []
    none_first = [(NOW + n, None if n < 100 else 5.0) for n in range(200)]
    assert unknown(none_first, NOW, NOW + 199) == [(NOW, NOW + 100)], "told once"


@pytest.mark.parametrize(("floor", "top", "reach"), [(0.0, None, (0.0, 9.0)), (None, None, (2.0, 9.0)),
                                                     (0.0, 100.0, (0.0, 100.0))])  # fmt: skip
def test_scales_fit_what_is_shown(floor, top, reach):
    curve = Curve("x", (("x", ((1.0, 3.0), (2.0, 9.0), (9.0, 50.0))),), percent_text, floor, top)
    assert curve.reach(0.0, 5.0) == reach
    assert curve.reach(20.0, 30.0)[1] > curve.reach(20.0, 30.0)[0], "nothing there is still a scale"


@pytest.fixture
def view(qtbot):
    one = HistoryView(lambda: NOW)
    qtbot.addWidget(one)
    one.resize(700, 500)
    one.show_lines(
        build(good_miner(), told(samples=tuple(MinerSample(NOW - n, cpu_percent=n) for n in range(99, 0, -1))))
    )
    one.show()
    return one


def wheel(view: HistoryView, x: float, turn: int) -> bool:
    place = QPointF(x, 100.0)
    event = QWheelEvent(place, place, QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(view, event)
    return event.isAccepted()


def test_the_wheel_zooms_where_the_pointer_is(qtbot, view):
    x = view._x(NOW - 60)
    with qtbot.waitSignal(view.range_wanted) as asked:
        assert wheel(view, x, 120)
    start, end = asked.args
    assert end - start == pytest.approx(80) and view._x(NOW - 60) == pytest.approx(x)
    for _ in range(20):
        wheel(view, x, 120)
    assert view.range[1] - view.range[0] == pytest.approx(SHORTEST_S)
    for _ in range(120):
        wheel(view, x, -120)
    assert view.range[1] == NOW, "there is nothing after now"
    assert not wheel(view, 20, 120), "over the names it scrolls"


def test_dragging_moves_and_keys_do_both(qtbot, view):
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 100))
    qtbot.mouseMove(view, QPoint(300 + round(view._width() / 4), 100))
    moved = view.range
    assert moved[0] - NOW == pytest.approx(-125, abs=1) and moved[1] - moved[0] == pytest.approx(100)
    view.show_lines(build(good_miner(), told()))
    assert view.range == moved, "an answer does not tear it out of the hand"
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.range[0] == pytest.approx(moved[0] - 20)
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.range[1] - view.range[0] == pytest.approx(125)
    with qtbot.waitSignal(view.follow_wanted):
        qtbot.keyClick(view, Qt.Key.Key_End)
    with qtbot.waitSignal(view.follow_wanted):
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 100))


def test_a_gap_is_not_drawn_as_a_value(qtbot, view):
    """Where nothing is known the lane has no line: its pixels are the band's, from top to bottom."""
    rows = [MinerSample(NOW - n, cpu_percent=None if 30 <= n <= 70 else 50.0) for n in range(99, 0, -1)]
    view.show_lines(build(good_miner(), told(samples=tuple(rows))))
    picture = view.grab().toImage()
    box = view._boxes()[2]

    def column(at: float) -> set[str]:
        x = round(view._x(at))
        return {picture.pixelColor(x, y).name() for y in range(round(box.top()) + 3, round(box.bottom()) - 3)}

    assert len(column(NOW - 48)) == 1
    assert len(column(NOW - 18)) > 1
    assert "GPU" in view.accessibleDescription() and "not known" in view.accessibleDescription()


async def test_the_page_asks_for_what_is_shown_and_only_while_it_is_looked_at(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[GetMinerHistory] = samples_miners.history
        page = await it.open("miners")
        it.bridge._emit(StatusEvent(rich_status()))
        await settle()
        assert not it.client.sent(GetMinerHistory)
        page.history_tab.click()
        view = page.history.view
        await until(lambda: view.lines is not None)
        assert not page.log_feed.polling.running
        page.history.spans[900].click()
        asked = it.client.sent
        await until(lambda: round(time.time() - asked(GetMinerHistory)[-1].since, -1) == 900)
        assert asked(GetMinerHistory)[-1].until is None and not page.history.follow.isVisible()
        qtbot.mouseMove(view, QPoint(view.width() // 2, 60))
        await settle()
        view.grab()
        before = len(asked(GetMinerHistory))
        now = time.time()
        for step in range(5):
            view.look(now - 4000 - step, now - 1000 - step)
        await until(lambda: asked(GetMinerHistory)[-1].until == pytest.approx(now - 1004))
        assert len(asked(GetMinerHistory)) == before + 1, "once it has settled, not at each step"
        await until(lambda: view.lines.end == pytest.approx(now - 1004))
        assert page.history.follow.isVisible()
        page.history.follow.click()
        await until(lambda: asked(GetMinerHistory)[-1].until is None)
        it.client.answers[GetMinerHistory] = AgentError("Away", "The agent does not answer.")
        page.history.spans[3600].click()
        await until(lambda: page.history.note.text() == "The agent does not answer.")
        page.log_tab.click()
        assert not page.history.polling.running
