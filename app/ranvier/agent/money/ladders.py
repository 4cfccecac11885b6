"""Laddered plans: kept in one file per network, looked at again and again, told when a step is due. Never signed here.

The file is on disk before a command is answered, so that a kill at any moment loses no step and repeats none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ranvier.agent.api.ladder_messages import (
    AddLadder,
    ChangeLadder,
    GetLadders,
    Ladder,
    LadderQuote,
    Ladders,
    LadderStep,
    LadderView,
)
from ranvier.agent.api.messages import Attention, Done
from ranvier.core.errors import AgentError, RanvierError, StorageError
from ranvier.core.evidence import Level, block_text
from ranvier.core.files import read_small, write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao

if TYPE_CHECKING:
    from ranvier.chain.quotes import Quote

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_QUOTE_EVERY_S = 15.0
_MOST_STEPS = 365
_SHORTEST_S, _LONGEST_S = 1.0, 366 * 86_400.0
_MOST = 200
_FORGET_AFTER_S = 90 * 86_400.0

Ask = Callable[[int, int, bool], Awaitable["tuple[Quote | None, int]"]]


class LadderBook:
    """``where`` gives the network and its genesis (None: not known yet), ``ask`` a quote and its block for (netuid,
    rao, buying), ``now`` Unix seconds. ``changed`` is called when what a status shows is different."""

    def __init__(
        self,
        paths: Paths,
        where: Callable[[], tuple[str, str | None]],
        ask: Ask,
        changed: Callable[[], None],
        trouble: Callable[[RanvierError | None], None],
        *,
        now: Callable[[], float],
    ) -> None:
        self._paths, self._where, self._ask = paths, where, ask
        self._changed, self._trouble, self._now = changed, trouble, now
        self._books: dict[str, dict[str, Ladder]] = {}
        self._quotes: dict[str, tuple[float, int, LadderQuote | None, str]] = {}  # by id: when, step, quote, problem
        self._told: frozenset[tuple[str, int]] = frozenset()

    def handlers(self) -> dict[type[Any], Callable[[Any], Awaitable[Any]]]:
        """The methods for the commands of ``ladder_messages``."""
        return {GetLadders: self.get, AddLadder: self.add, ChangeLadder: self.change}

    async def run(self) -> None:
        """Look for due steps and keep their quotes fresh until cancelled."""
        while True:
            due = [one for one in self.current() if one.due(self._now())]
            for one in due:
                await self._quote(one)
            told = frozenset((one.id, len(one.done)) for one in due)
            if told != self._told:
                self._told = told
                self._changed()
            await asyncio.sleep(_LOOK_EVERY_S)

    def current(self) -> list[Ladder]:
        """Those of the chain that is worked on which are not over, the next due first."""
        network, genesis = self._where()
        if not network or genesis is None:
            return []
        found = [one for one in self._book(network).values() if one.genesis_hash == genesis and not one.over]
        return sorted(found, key=lambda one: (one.next_at, one.id))

    def attention(self) -> list[Attention]:
        """One entry for each due step; the same key is the same step."""
        return [
            Attention(Level.WARN, *self._words(one), key=f"ladder/{one.id}/{len(one.done)}", page="stake")
            for one in self.current()
            if one.due(self._now())
        ]

    # --- commands --------------------------------------------------------------------------------------------

    async def get(self, _: GetLadders) -> Ladders:
        found = self.current()
        for one in found:
            if one.due(self._now()):
                await self._quote(one)
        return Ladders(tuple(self._view(one) for one in found))

    async def add(self, command: AddLadder) -> Done:
        from ranvier.keys.addresses import public_key

        network, genesis = self._here()
        book = self._book(network)
        if command.id in book:
            return Done("It was kept already.")
        for address in (command.coldkey_ss58, command.hotkey_ss58):
            public_key(address)
        if not 1 <= command.steps <= _MOST_STEPS or command.total_rao < command.steps:
            raise AgentError("Not a plan", f"A plan has 1 to {_MOST_STEPS} steps, each of more than nothing.")
        if not _SHORTEST_S <= command.every_s <= _LONGEST_S:
            raise AgentError("Not a plan", "Steps are a second to a year apart.")
        if sum(not one.over for one in book.values()) >= _MOST:
            raise AgentError("Too many plans", f"There are {_MOST} already.", "End one first.")
        self._keep(network, Ladder(genesis_hash=genesis, next_at=self._now(), **msgspec.structs.asdict(command)))
        return Done("The plan is kept. You are reminded of each step; nothing is signed without you.")

    async def change(self, command: ChangeLadder) -> Done:
        network, _ = self._here()
        one = self._book(network).get(command.id)
        if one is None:
            raise AgentError("No such plan", "It is not there any more.")
        if command.action == "signed" and any(step.receipt_id == command.receipt_id for step in one.done):
            return Done("It was noted already.")
        if one.over or command.step != len(one.done):
            raise AgentError("That step is over", "It was signed or skipped already.", "Look at the plan again.")
        self._keep(network, self._changed_by(one, command))
        return Done("Noted.")

    def _changed_by(self, one: Ladder, command: ChangeLadder) -> Ladder:
        now, replace = self._now(), msgspec.structs.replace
        if command.action in ("signed", "skip"):
            step = LadderStep(now, "signed" if command.action == "signed" else "skipped", command.receipt_id)
            return replace(one, done=(*one.done, step), next_at=now + one.every_s, signing_at=None)
        if command.action == "signing":
            if one.signing_at is not None:
                raise AgentError(
                    "Already being signed",
                    "This step was being signed before, and what became of it is not known here.",
                    "Look at the receipts, then say whether it was done.",
                )
            return replace(one, signing_at=now)
        if command.action == "unsent":
            return replace(one, signing_at=None)
        if command.action == "postpone" and 0 < command.seconds <= _LONGEST_S:
            return replace(one, next_at=max(now, one.next_at) + command.seconds)
        if command.action == "end":
            return replace(one, ended=True)
        raise AgentError("Not understood", f"A plan cannot be “{command.action[:40]}”.")

    # --- inside ----------------------------------------------------------------------------------------------

    def _here(self) -> tuple[str, str]:
        network, genesis = self._where()
        if not network or genesis is None:
            raise AgentError("Not connected", "Which chain this is, is not known yet.", "Try again in a moment.")
        return network, genesis

    def _path(self, network: str) -> Path:
        return self._paths.network(network) / "ladders.json"

    def _book(self, network: str) -> dict[str, Ladder]:
        if network not in self._books:
            self._books[network] = self._load(network)
        return self._books[network]

    def _load(self, network: str) -> dict[str, Ladder]:
        path = self._path(network)
        try:
            found = msgspec.json.decode(read_small(path), type=list[Ladder])
            return {one.id: one for one in found if one.steps > 0}
        except FileNotFoundError:
            return {}
        except (OSError, *NOT_JSON) as error:
            log.error("%s: %s", path, error)
        aside = path.with_name("ladders-unreadable.json")
        try:
            path.replace(aside)
        except OSError:
            aside = path
        self._trouble(
            StorageError(
                "Plans in steps unreadable", f"Their file could not be read and is kept as {aside}.", "Make them anew."
            )
        )
        return {}

    def _keep(self, network: str, one: Ladder) -> None:
        """On disk first. Raises StorageError, and then nothing has changed."""
        old = self._now() - _FORGET_AFTER_S
        book = {key: kept for key, kept in self._book(network).items() if not kept.over or kept.next_at > old}
        book[one.id] = one
        write_atomic(self._path(network), msgspec.json.encode(list(book.values())))
        self._books[network] = book
        self._changed()

    async def _quote(self, one: Ladder) -> None:
        kept = self._quotes.get(one.id)
        now = self._now()
        if kept is not None and kept[1] == len(one.done) and abs(now - kept[0]) < _QUOTE_EVERY_S:
            return
        quote, problem = None, ""
        try:
            found, block = await self._ask(one.netuid, one.amount_rao(), one.buying)
            if found is None:
                problem = "The pool cannot do this step, or its price is unknown."
            else:
                quote = LadderQuote(found.gets_rao, found.cost_ppm, found.spot_rao, block, found.source)
        except RanvierError as error:
            problem = error.message
        before = self._quotes.get(one.id)
        self._quotes[one.id] = (now, len(one.done), quote, problem)
        if before is None or before[1:] != self._quotes[one.id][1:]:
            self._changed()

    def _view(self, one: Ladder) -> LadderView:
        kept = self._quotes.get(one.id)
        if kept is None or kept[1] != len(one.done) or not one.due(self._now()):
            return LadderView(one)
        return LadderView(one, kept[2], kept[3])

    def _words(self, one: Ladder) -> tuple[str, str]:
        """Title and text of a reminder."""
        view = self._view(one)
        title = f"A step is due: {'buy' if one.buying else 'sell'} on subnet {one.netuid}"
        gives = amount_words(one.amount_rao(), one, gives=True)
        if one.signing_at is not None:
            return title, f"Step {len(one.done) + 1} of {one.steps} was being signed: say whether it was done."
        quote = view.quote
        said = view.problem or "Its quote is being asked for."
        if quote is not None:
            gets = amount_words(quote.gets_rao, one, gives=False)
            percent = f"{quote.cost_ppm // 10_000}.{quote.cost_ppm % 10_000 // 100:02d} %"
            said = f"About {gets} at block {block_text(quote.block)}; fee and slippage cost {percent}."
        return title, f"Step {len(one.done) + 1} of {one.steps}: {gives}. {said} Nothing is signed without you."


def amount_words(rao: int, one: Ladder, *, gives: bool) -> str:
    """An amount of what a ladder gives or gets."""
    return format_tao(Tao(rao)) if one.buying == gives else format_alpha(Alpha(rao, one.netuid))
