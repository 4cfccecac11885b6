"""The log viewer: follows, pages any size by position, searches, jumps to the crash, draws colours, exports."""

from __future__ import annotations

import time

import pytest
from PySide6.QtGui import QColor, QGuiApplication, QTextCursor

from gui.fakes import good_miner, log_tail, rich_status, status_event
from gui.stage import settle, stage, texts, until
from ranvier.agent.api.messages import (
    BundleCut,
    BundleFile,
    BundlePreview,
    CrashPlace,
    ExportLogs,
    LogCrash,
    LogHits,
    LogPage,
    PlacedLine,
    ReadLog,
    SearchLog,
    StatusEvent,
)
from ranvier.core.errors import AgentError, MinerError
from ranvier.ui.ansi import PLAIN, Style, spans
from ranvier.ui.dialogs.miners.export_logs import ExportDialog
from ranvier.ui.theme import DARK, LIGHT, palette
from ranvier.ui.widgets.log_view import MOST_LINES, LogView

LENGTH = 40  # bytes of each line of the made-up log
LINES = 25_000_000  # a gigabyte of it


def place(number: int) -> int:
    """The position of a line's end."""
    return (number + 1) * LENGTH - 1


class BigLog:
    """Answers by position as the agent does, without there being a gigabyte."""

    def __init__(self, lines: int = LINES) -> None:
        self.lines = lines
        self.most = 0

    def _some(self, low: int, high: int) -> tuple[PlacedLine, ...]:
        self.most = max(self.most, high - low)
        return tuple(PlacedLine(float(n), "out", f"line {n}", place(n), "info") for n in range(low, high))

    def read(self, command: ReadLog) -> LogPage:
        end = self.lines * LENGTH
        if command.after is not None:
            low = command.after // LENGTH
            high = min(self.lines, low + command.limit)
            return LogPage(self._some(low, high), command.after, high * LENGTH, 0, end)
        high = (end if command.before is None else command.before) // LENGTH
        low = max(0, high - command.limit)
        return LogPage(self._some(low, high), low * LENGTH, high * LENGTH, 0, end)

    def search(self, command: SearchLog) -> LogHits:
        if command.pattern == "(":
            raise MinerError("Not a pattern", "It cannot be searched for.")
        found = [n for n in (7, 20_000_000, 20_000_001) if command.offset is None or place(n) < command.offset]
        if not found or command.pattern != "seldom":
            return LogHits((), 0, True, 0)
        shown = found[-2:] if command.offset is None else found
        return LogHits(
            tuple(PlacedLine(float(n), "out", f"line {n}", place(n), "error") for n in shown),
            place(shown[0]), len(shown) == len(found), 1,
        )  # fmt: skip


def answer(it, big: BigLog) -> None:
    it.client.answers[ReadLog] = big.read
    it.client.answers[SearchLog] = big.search


async def test_a_failure_that_is_over_is_no_longer_told(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr("ranvier.ui.pages.miner_log._EVERY_S", 0.02)
    async with stage(tmp_path) as it:
        answer(it, BigLog(100))
        it.client.send(status_event(good_miner()))
        page = await it.open("miners")
        await until(lambda: "line 99" in page.log.text.toPlainText())
        it.client.answers[ReadLog] = AgentError("No agent", "The agent is not running.", "")
        await until(lambda: page.log.note.text() == "The agent is not running.")
        answer(it, BigLog(100))
        await until(lambda: page.log.note.text() == "")


async def test_the_log_goes_on_where_it_was(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[ReadLog] = lambda command: (
            log_tail(3)
            if command.after is None
            else LogPage((PlacedLine(1.0, "err", "more\n"),), command.after, 5000, 0, 5000)
        )
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        await until(lambda: len(it.client.sent(ReadLog)) >= 2)
        assert [c.after for c in it.client.sent(ReadLog)][:2] == [None, 4096]
        await until(lambda: page.log.text.toPlainText().endswith("more"))
        assert "loading SmolLM2" in page.log.text.toPlainText()


async def test_choosing_another_miner_reads_its_log_from_the_end(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[ReadLog] = log_tail(3)
        page = await it.open("miners")
        it.bridge._emit(StatusEvent(rich_status()))
        page.table.select_key("old")
        await until(lambda: any(c.id == "old" for c in it.client.sent(ReadLog)))
        assert next(c for c in it.client.sent(ReadLog) if c.id == "old").after is None


async def test_a_gigabyte_opens_at_once_and_is_paged_both_ways(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        big = BigLog()
        answer(it, big)
        page = await it.open("miners")
        began = time.perf_counter()
        it.bridge._emit(status_event(good_miner()))
        text = page.log.text
        await until(lambda: text.toPlainText().endswith(f"line {LINES - 1}"))
        assert time.perf_counter() - began < 2.0
        # Up: older pages come above, and the reader's line stays where it is.
        bar = text.verticalScrollBar()
        for _ in range(8):
            before = text.document().firstBlock().text()
            bar.setSliderPosition(0)
            bar.triggerAction(bar.SliderAction.SliderToMinimum)
            await until(lambda before=before: text.document().firstBlock().text() != before)
        first = int(text.document().firstBlock().text().split()[-1])
        assert first < LINES - 4000
        assert text.blockCount() <= MOST_LINES
        assert not page.log.follow.isChecked()
        numbers = [int(row.split()[-1]) for row in text.toPlainText().splitlines()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no line twice, none left out"
        # Back to the end.
        page.log.follow.setChecked(True)
        await until(lambda: text.toPlainText().endswith(f"line {LINES - 1}"))
        assert big.most <= 1000, "never more than a page at once"


async def test_search_shows_the_newest_hit_and_steps(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        answer(it, BigLog())
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        log = page.log
        assert not log.up.isEnabled() and log.up.toolTip() == "Search first."
        log.search.setText("seldom")
        log.search.returnPressed.emit()

        def marked() -> str:
            chosen = log.text.extraSelections()
            return chosen[0].cursor.block().text().split(" ", 1)[1].strip() if chosen else ""

        await until(lambda: marked() == "line 20000001")
        assert log.note.text() == "hit 2 of 2 or more"
        log.up.click()
        await until(lambda: marked() == "line 20000000")
        log.up.click()
        await until(lambda: marked() == "line 7")
        assert log.note.text() == "hit 1 of 3"
        log.down.click()
        await until(lambda: marked() == "line 20000000")
        log.search.setText("(")
        log.search.returnPressed.emit()
        await until(lambda: log.note.text() == "It cannot be searched for.")
        log.search.setText("nothing")
        log.search.returnPressed.emit()
        await until(lambda: "nothing in the log fits" in log.note.text())


async def test_levels_are_asked_for_and_the_crash_is_found(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        answer(it, BigLog())
        it.client.answers[LogCrash] = CrashPlace(place(1000), 5.0, "ended with code 1 after 3.2 s")
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        await until(lambda: it.client.sent(ReadLog))
        page.log.levels.setCurrentIndex(3)
        page.log.levels.activated.emit(3)
        await until(lambda: any(c.level == "error" for c in it.client.sent(SearchLog)))
        page.log.crash.click()
        await until(lambda: "ended with code 1" in page.log.note.text())
        assert page.log.levels.currentIndex() == 0, "the crash is shown among its lines"
        await until(lambda: "line 1000" in page.log.text.toPlainText())
        it.client.answers[LogCrash] = CrashPlace()
        page.log.crash.click()
        await until(lambda: "no end of its own" in page.log.note.text())


async def test_a_bundle_is_shown_then_stored(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        cuts = (BundleCut("log.txt", "passwords and tokens", 2, "token=[secret]"),)
        it.client.answers[ExportLogs] = lambda command: BundlePreview(
            (BundleFile("log.txt", 2048),), cuts, command.path
        )
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        page.log.export.click()

        def dialog() -> ExportDialog | None:
            return next((d for d in it.window.findChildren(ExportDialog) if d.isVisible()), None)

        await until(dialog)
        shown = dialog()
        assert "2 places" in texts(shown) and "token=[secret]" in texts(shown)
        shown.path.field.input.setText("here.zip")
        shown.yes.click()
        assert shown.isVisible() and "whole path" in texts(shown)
        shown.path.field.input.setText(str(tmp_path / "out.zip"))
        shown.yes.click()
        await until(lambda: len(it.client.sent(ExportLogs)) == 2)
        assert [c.path for c in it.client.sent(ExportLogs)] == ["", str(tmp_path / "out.zip")]


def test_log_is_bounded_follows_and_copies(qtbot):
    view = LogView()
    qtbot.addWidget(view)
    view.resize(500, 260)
    view.show()
    view.add([PlacedLine(float(n), "out", f"line {n}") for n in range(MOST_LINES + 500)])
    assert view.text.blockCount() == MOST_LINES
    assert view.trimmed
    bar = view.text.verticalScrollBar()
    assert bar.value() == bar.maximum()
    view.follow.setChecked(False)
    bar.setValue(10)
    top = view.text.firstVisibleBlock().text()
    view.add([PlacedLine(1.0, "out", "x" * 100_000)])
    assert view.text.firstVisibleBlock().text() == top, "the reader's line stays"
    view.text.selectAll()
    view.copy()
    assert QGuiApplication.clipboard().text().count("\n") == MOST_LINES - 1
    assert len(view.text.document().lastBlock().text()) < 2100
    view.add_before([PlacedLine(1.0, "out", f"older {n}") for n in range(10)])
    assert view.text.blockCount() == MOST_LINES
    assert "older 0" in view.text.document().firstBlock().text()
    assert view.text.document().lastBlock().text().split()[-1].isdigit(), "the far end went"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [("plain", PLAIN)]),
        ("\x1b[31mred\x1b[0m not", [("red", Style(1)), (" not", PLAIN)]),
        ("\x1b[1;92mok\x1b[22m ok\x1b[39m!", [("ok", Style(2, bold=True)), (" ok", Style(2)), ("!", PLAIN)]),
        ("\x1b[38;5;196mx\x1b[38;2;10;200;20my", [("x", Style(1)), ("y", Style(2))]),
        ("a\x1b[2Kb\x1b]0;title\x07c", [("a", PLAIN), ("b", PLAIN), ("c", PLAIN)]),
        ("\x1b[38;5mx", [("x", PLAIN)]),
    ],
)
def test_colours_of_terminals(text, expected):
    assert spans(text) == expected


async def test_colours_are_drawn(qtbot):
    view = LogView()
    qtbot.addWidget(view)
    view.add([PlacedLine(1.0, "out", "\x1b[31mred\x1b[0m rest")])
    await settle()
    block = view.text.document().firstBlock()
    assert block.text().endswith("red rest"), "no escape is shown"
    tones = {piece.fragment().charFormat().foreground().color().name() for piece in _pieces(block)}
    assert len(tones) == 3, "time, red, ordinary"


def _pieces(block):
    place = block.begin()
    while not place.atEnd():
        yield place
        place += 1


async def test_lines_take_the_colours_of_another_theme(qtbot, tmp_path):
    """They keep the colours that they were written with: black on dark could not be read."""
    async with stage(tmp_path) as it:
        line = PlacedLine(1.0, "out", "plain")
        it.client.answers[ReadLog] = lambda command: LogPage(() if command.after else (line,), 0, 9, 0, 9)
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))

        def colour():
            cursor = page.log.text.textCursor()
            cursor.movePosition(QTextCursor.MoveOperation.End)
            return cursor.charFormat().foreground().color().name()

        for colours in (DARK, LIGHT):
            page.log.setPalette(palette(colours))
            text = QColor(colours.text).name()
            await until(lambda text=text: colour() == text)
