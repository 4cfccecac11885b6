"""The message bar: nothing said early is lost, errors stay, repeats are counted, bugs are one sentence."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect

from gui.stage import settle, stage, texts
from ranvier.core.errors import AgentError, Cancelled
from ranvier.ui.messages import MOST, NOTE_S, MessageBar


def bar_for(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    return bar


def test_notes_go_after_seen_seconds_and_errors_stay(qtbot):
    bar = bar_for(qtbot)
    bar.say("Saved.")
    bar.show_error(AgentError("No agent", "It is not running.", "Start it."))
    for _ in range(NOTE_S - 1):
        bar.tick()
    assert len(bar.messages) == 2
    bar.tick()
    assert [m.words for m in bar.messages] == [("No agent", "It is not running.", "Start it.")]
    bar.messages[0]._close.click()
    assert bar.messages == [] and bar.isHidden()


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
    assert len(bar.messages) == MOST


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
    from PySide6.QtWidgets import QPushButton

    buttons = bar.messages[0].findChildren(QPushButton)
    assert len(buttons) == 1
    buttons[0].click()
    assert pressed == [1] and bar.messages == []
    bar.show_problem("No agent", "It did not start.", "", "Try again", lambda: None)
    bar.close_errors("No agent")
    assert bar.messages == []


async def test_a_note_that_goes_does_not_move_what_lies_under_the_mouse(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        bar, before = it.window.messages, page.mapTo(it.window, QPoint(0, 0))
        bar.say("Stopped.")
        await settle()
        note = bar.messages[0]
        assert note.isVisible() and page.mapTo(it.window, QPoint(0, 0)) == before
        over = QRect(it.window.stack.mapToGlobal(QPoint(0, 0)), it.window.stack.size())
        assert over.contains(QRect(note.mapToGlobal(QPoint(0, 0)), note.size()))
        it.window.resize(it.window.width() - 90, it.window.height() - 80)
        await settle()
        over = QRect(it.window.stack.mapToGlobal(QPoint(0, 0)), it.window.stack.size())
        assert over.contains(QRect(note.mapToGlobal(QPoint(0, 0)), note.size()))
        bar.show_error(AgentError("No agent", "It is not running."))
        await settle()
        assert bar.isVisible() and page.mapTo(it.window, QPoint(0, 0)).y() > before.y(), "an error has its own place"
