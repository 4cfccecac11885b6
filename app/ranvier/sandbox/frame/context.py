"""What a call sees while it runs: state, block, events; and layers that a failure takes away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ranvier.sandbox.codec.scale import ScaleError
from ranvier.sandbox.codec.types import PHASE
from ranvier.sandbox.frame.pallet import DispatchFailure, Event
from ranvier.sandbox.frame.state import Overlay

_NO_TOPICS = b"\x00"


class Context:
    """One block in the making. ``author`` gets the fees; ``now_ms`` is the block's time."""

    def __init__(self, state: Overlay, block: int, author: bytes, now_ms: int) -> None:
        self.state = state
        self.block = block
        self.author = author
        self.now_ms = now_ms
        self.events: list[bytes] = []
        self._phase = PHASE.encode(("Initialization", ()))

    def begin_extrinsic(self, index: int) -> None:
        self._phase = PHASE.encode(("ApplyExtrinsic", index))

    def begin_finalization(self) -> None:
        self._phase = PHASE.encode(("Finalization", ()))

    def deposit(self, event: Event, value: Any = ()) -> None:
        """Record an event of this block."""
        self.events.append(self._phase + event.encode(value) + _NO_TOPICS)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Changes and events inside happen together or not at all."""
        self.state.begin()
        mark = len(self.events)
        try:
            yield
        except ScaleError as error:
            # A number left its type: the runtime's checked arithmetic says it so.
            self._undo(mark)
            raise DispatchFailure(("Arithmetic", ("Overflow", ())), "Overflow") from error
        except BaseException:
            self._undo(mark)
            raise
        self.state.commit()

    def _undo(self, mark: int) -> None:
        self.state.rollback()
        del self.events[mark:]
