"""The message strip: nothing said early is lost, errors stay, nothing lies over the page or moves it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect
from PySide6.QtGui import QAccessible, QEnterEvent
from PySide6.QtWidgets import QApplication

from gui.stage import settle, stage, texts, until
from ranvier.core.errors import AgentError, Cancelled
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.messages import IDLE, MOST, NOTE_S, MessageBar

NO_AGENT = AgentError("No agent", "It is not running.", "Start it.")
HERE = QPointF(5, 5)


def bar_for(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    return bar


def seconds(bar, number):
    for _ in range(number):
        bar.tick()


def test_notes_go_after_seen_seconds_and_errors_stay(qtbot):
    bar = bar_for(qtbot)
    bar.say("Saved.")
    bar.show_error(NO_AGENT)
    seconds(bar, NOTE_S - 1)
    assert len(bar.messages) == 2
    bar.tick()
    assert [m.words for m in bar.messages] == [("No agent", "It is not running.", "Start it.")]
    bar.close_button.click()
    assert bar.messages == [] and bar.words.text() == IDLE and bar.close_button.isHidden()


def test_what_is_said_before_the_window_is_seen_is_kept(qtbot):
    bar = bar_for(qtbot)
    bar.say("Early.")
    assert len(bar.messages) == 1  # no tick comes while nobody sees it
    bar.show()
    assert "Early." in texts(bar)


def test_the_same_message_is_counted_not_repeated(qtbot):
    bar = bar_for(qtbot)
    for _ in range(3):
        bar.show_error(AgentError("No agent", "It is not running."))
    assert len(bar.messages) == 1 and "\N{MULTIPLICATION SIGN}3" in texts(bar)
    for number in range(10):
        bar.say(f"note {number}")
    assert len(bar.messages) == MOST and bar.messages[0].is_error, "notes go before an error does"


def test_a_bug_is_a_sentence_and_a_cancellation_is_silent(qtbot, caplog):
    bar = bar_for(qtbot)
    bar.show_error(Cancelled())
    assert bar.messages == []
    try:
        raise KeyError("secret place")
    except KeyError as error:
        bar.show_error(error)
    assert "Traceback" not in texts(bar) and "secret place" not in texts(bar) and "KeyError" in texts(bar)
    assert "secret place" in caplog.text


def test_a_problem_with_a_button(qtbot):
    bar = bar_for(qtbot)
    pressed = []
    for _ in range(2):
        bar.show_problem("No agent", "It did not start.", "", "Try again", lambda: pressed.append(1))
    assert bar.action.text() == "Try again" and not bar.action.isHidden()
    bar.action.click()
    assert pressed == [1] and bar.messages == [] and bar.action.isHidden()
    bar.show_problem("No agent", "It did not start.", "", "Try again", lambda: None)
    bar.close_errors("No agent")
    assert bar.messages == []


def test_the_newest_is_shown_with_a_count_and_an_error_comes_back(qtbot):
    bar = bar_for(qtbot)
    bar.show_error(NO_AGENT)
    bar.say("Saved.")
    assert "Saved." in texts(bar) and "No agent" not in texts(bar) and bar.next.text() == "2 of 2"
    bar.next.click()
    assert "No agent" in texts(bar) and bar.next.text() == "1 of 2"
    bar.next.click()
    seconds(bar, NOTE_S)
    assert "No agent" in texts(bar) and bar.next.isHidden() and bar.property("kind") == "error"


def test_nothing_changes_under_the_mouse(qtbot):
    bar = bar_for(qtbot)
    bar.show()
    bar.show_problem("No agent", "It did not start.", "", "Try again", lambda: None)
    QApplication.sendEvent(bar, QEnterEvent(HERE, HERE, HERE))
    bar.say("Saved.")
    assert bar.action.text() == "Try again" and not bar.action.isHidden() and bar.next.text() == "1 of 2"
    QApplication.sendEvent(bar, QEvent(QEvent.Type.Leave))
    assert "Saved." in texts(bar) and bar.action.isHidden()
    QApplication.sendEvent(bar, QEnterEvent(HERE, HERE, HERE))
    bar.show_error(AgentError("Agent lost", "It broke."))
    seconds(bar, NOTE_S)
    assert "Agent lost" in texts(bar), "a mouse that was left there hides nothing for long"


@pytest.mark.parametrize("error", [True, False])
def test_screen_readers_are_told_at_once(qtbot, monkeypatch, error):
    said = []
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: said.append((event.message(), event)))
    bar = bar_for(qtbot)
    if error:
        bar.show_error(NO_AGENT)
    else:
        bar.say("Saved.")
    words = "No agent. It is not running. Start it." if error else "Saved."
    assert [message for message, _ in said] == [words] and words in bar.accessibleName()
    assert (said[0][1].politeness() is QAccessible.AnnouncementPoliteness.Assertive) is error


async def test_a_long_message_is_read_whole_on_demand(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        await it.open("miners")
        bar = it.window.messages
        bar.say("Saved.")
        await settle()
        assert bar.more.isHidden()
        bar.show_error(AgentError("Long", "word " * 120, "The <hint> & its end."))
        await settle()
        assert bar.more.isVisible() and bar.words.height() < 3 * bar.words.fontMetrics().lineSpacing()
        bar.more.click()
        await until(lambda: it.window.findChildren(Dialog))
        (dialog,) = it.window.findChildren(Dialog)
        assert "The <hint> & its end." in texts(dialog)
        dialog.yes.click()
        await until(lambda: not it.window.findChildren(Dialog))


async def test_messages_move_nothing_and_lie_over_nothing(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        await it.open("miners")
        await settle()
        bar, stack = it.window.messages, it.window.stack

        def places():
            return [QRect(one.mapTo(it.window, QPoint(0, 0)), one.size()) for one in (stack, bar)]

        before = places()
        assert not before[0].intersects(before[1])
        bar.say("Stopped.")
        bar.show_error(AgentError("Long", "word " * 120))
        bar.show_problem("No agent", "It did not start.", "", "Try again", lambda: None)
        await settle()
        assert places() == before
        bar.messages.clear()
        bar.shown = None
        bar._draw()
        await settle()
        assert places() == before
