"""Feeds a ``LogView`` from a miner's log by position: follows its end, pages, searches, jumps. Never the whole log."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ranvier.agent.api.messages import LogCrash, LogPage, PlacedLine, ReadLog, SearchLog
from ranvier.core.errors import RanvierError
from ranvier.ui.context import Context
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.log_view import LogView

_EVERY_S = 1.0
_PAGE = 500
_AROUND = 250
_HITS = 200
_MOST_STEPS = 40  # one search goes on by itself for so many bounded calls, then the reader asks again


class MinerLog:
    """``choose`` a miner, ``start`` while it is looked at. ``known``: whether the agent answers."""

    def __init__(self, context: Context, view: LogView, known: Callable[[], bool]) -> None:
        self._context, self._view, self._known = context, view, known
        self.miner_id = ""
        self._level: str | None = None
        self._start: int | None = None
        self._next: int | None = None
        self._first = 0
        self._at_end = True
        self._hits: list[PlacedLine] = []
        self._hit: int | None = None
        self._search_next: int | None = None
        self._searched = True
        self._pattern = ""
        self._paging = False
        self._trouble = ""
        self.polling = Polling(context.tasks, "log tail", self._read_once, self._failed, lambda: _EVERY_S)
        view.older.connect(lambda: self._page(self._read_older))
        view.newer.connect(lambda: self._page(self._read_newer))
        view.followed.connect(self._followed)
        view.searched.connect(lambda text: context.run(self._tried(self.search(text)), "search the log"))
        view.stepped.connect(lambda step: context.run(self._tried(self.step(step)), "next hit"))
        view.recoloured.connect(self._recoloured)
        view.level_chosen.connect(self._choose_level)
        view.crash_wanted.connect(lambda: context.run(self.show_crash(), "last crash"))

    def choose(self, miner_id: str) -> None:
        """Show this miner's log from its end."""
        if miner_id != self.miner_id:
            self.miner_id = miner_id
            self._forget_hits()
            self._again()

    def _again(self) -> None:
        self._start = self._next = None
        self._at_end = True
        self._view.follow.setChecked(True)
        self._view.reset("reading…")
        if self.polling.running:
            self.polling.now()

    def _recoloured(self) -> None:
        """Lines keep the colours that they were written with: after a change of theme they are written anew."""
        if self.miner_id and self._next is not None:
            self._again()

    def _failed(self, error: RanvierError) -> None:
        self._trouble = error.message
        self._view.note.setText(error.message)

    async def _read_once(self) -> None:
        await self._read()
        if self._trouble and self._known():
            if self._view.note.text() == self._trouble:
                self._view.note.setText("")  # it is over
            self._trouble = ""

    # --- the end -------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        miner_id = self.miner_id
        if not miner_id or not self._known() or not self._at_end:
            return
        if self._level is not None:
            await self._read_filtered(miner_id)
            return
        page = await self._context.client.call(ReadLog(miner_id, after=self._next, limit=_PAGE))
        if miner_id != self.miner_id or not self._at_end:
            return
        if self._next is None:
            self._start = page.start
            self._view.reset("" if page.lines else "nothing written yet")
        self._next, self._first = page.next, page.first
        self._view.add(page.lines)

    async def _read_filtered(self, miner_id: str) -> None:
        fresh = self._next is None
        found = await self._context.client.call(
            SearchLog(miner_id, level=self._level, offset=self._next, backwards=fresh, limit=_PAGE)
        )
        if miner_id != self.miner_id or not self._at_end:
            return
        if fresh:
            page = await self._context.client.call(ReadLog(miner_id, limit=1))
            self._start, self._next, self._first = found.next, page.end, page.first
            self._view.reset("" if found.lines else "no such line in the part that was looked through")
        else:
            self._next = found.next
        self._view.add(found.lines)

    def _followed(self, on: bool) -> None:
        if on and not self._at_end:
            self._again()

    def _choose_level(self, level: str | None) -> None:
        if level != self._level:
            self._level = level
            self._again()

    # --- pages ---------------------------------------------------------------------------------------------

    def _page(self, work: Callable[[], object]) -> None:
        if not self._paging and self.miner_id and self._known():
            self._paging = True
            self._context.run(self._one_page(work), "log page")

    async def _one_page(self, work: Callable[[], object]) -> None:
        try:
            await work()  # type: ignore[misc]  # a coroutine function of this class
        finally:
            self._paging = False

    async def _read_older(self) -> None:
        if self._next is None or (self._start is not None and self._start <= self._first):
            return
        miner_id, call = self.miner_id, self._context.client.call
        if self._level is not None and self._start is not None:
            found = await call(SearchLog(miner_id, level=self._level, offset=self._start, backwards=True, limit=_PAGE))
            lines, start = found.lines, found.next
        elif self._view.trimmed or self._start is None:
            await self._show(await call(ReadLog(miner_id, before=self._next, limit=2 * _PAGE)), None)
            return
        else:
            page = await call(ReadLog(miner_id, before=self._start, limit=_PAGE))
            lines, start = page.lines, page.start
        if miner_id == self.miner_id:
            self._start = start
            self._at_end = False  # lines may have gone off the bottom
            self._view.add_before(lines)

    async def _read_newer(self) -> None:
        if self._at_end or self._next is None or self._level is not None:
            return
        miner_id = self.miner_id
        page = await self._context.client.call(ReadLog(miner_id, after=self._next, limit=_PAGE))
        if miner_id == self.miner_id:
            self._next = page.next
            self._view.add(page.lines)

    async def _show(self, page: LogPage, marked: int | None) -> None:
        self._start, self._next, self._first = page.start, page.next, page.first
        self._at_end = False
        self._view.reset()
        self._view.add(page.lines)
        if marked is not None:
            self._view.show_place(marked)

    async def show_at(self, position: int) -> None:
        """The part of the log around a position, its line marked; the end is no longer followed."""
        self._at_end = False
        self._view.follow.setChecked(False)
        if self._level is not None:
            self._level = None
            self._view.levels.setCurrentIndex(0)
        miner_id, call = self.miner_id, self._context.client.call
        above = await call(ReadLog(miner_id, before=position + 1, limit=_AROUND))
        below = await call(ReadLog(miner_id, after=position + 1, limit=_AROUND))
        if miner_id != self.miner_id:
            return
        page = LogPage((*above.lines, *below.lines), above.start, below.next, below.first, below.end)
        await self._show(page, max(0, len(above.lines) - 1))

    async def show_crash(self) -> None:
        """Where it last ended by itself, and what it said before."""
        place = await self._context.client.call(LogCrash(self.miner_id))
        if place.position is None:
            self._view.note.setText("no end of its own in this log")
            return
        await self.show_at(place.position)
        self._view.note.setText(place.text)

    # --- searching -----------------------------------------------------------------------------------------

    async def _tried(self, work: Coroutine[Any, Any, None]) -> None:
        """What is wrong with a pattern is said beside it, in place of "searching"."""
        try:
            await work
        except RanvierError as error:
            self._failed(error)

    def _forget_hits(self) -> None:
        self._hits, self._hit, self._search_next, self._searched, self._pattern = [], None, None, True, ""
        self._view.search.clear()
        self._view.show_hits(0, None)

    async def search(self, pattern: str) -> None:
        """Find the newest hits of ``pattern`` and show the newest; the same pattern again goes to the next older."""
        if pattern and pattern == self._pattern and self._hits:
            await self.step(-1)
            return
        self._hits, self._hit, self._search_next, self._pattern = [], None, None, pattern
        self._searched = not pattern
        self._view.show_hits(0, None)
        if not pattern:
            self._view.note.setText("")
            return
        if await self._more_hits():
            self._hit = len(self._hits) - 1
            await self._show_hit()
        else:
            words = f"nothing in the log fits “{pattern[:40]}”" if self._searched else "nothing yet; search on"
            self._view.show_hits(0, None, more=not self._searched, none=words + ".")
            self._view.note.setText(words)

    async def step(self, step: int) -> None:
        """To the hit above (-1) or below (1)."""
        if self._hit is None or (self._hit == 0 and step < 0 and not self._searched):
            added = await self._more_hits()
            self._hit = added - 1 if added else self._hit
            if self._hit is not None:
                await self._show_hit()
            return
        place = self._hit + step
        if not 0 <= place < len(self._hits):
            self._view.note.setText("this is the oldest hit" if step < 0 else "this is the newest hit")
            return
        self._hit = place
        await self._show_hit()

    async def _more_hits(self) -> int:
        """Look further back; how many more hits are known then."""
        miner_id, pattern = self.miner_id, self._pattern
        for _ in range(_MOST_STEPS):
            self._view.note.setText("searching…")
            found = await self._context.client.call(
                SearchLog(miner_id, pattern, offset=self._search_next, backwards=True, limit=_HITS)
            )
            if (miner_id, pattern) != (self.miner_id, self._pattern):
                return 0
            self._search_next, self._searched = found.next, found.done
            if found.lines:
                self._hits[:0] = found.lines
                return len(found.lines)
            if found.done:
                break
        return 0

    async def _show_hit(self) -> None:
        if self._hit is None:
            return
        position = self._hits[self._hit].position
        if position is not None:
            await self.show_at(position)
        self._view.show_hits(len(self._hits), self._hit, more=not self._searched)
