"""The chain's state in memory: the newest values, what past blocks changed, and overlays for what may yet fail."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator, Mapping

from ranvier.sandbox.frame.storage import State

Changes = Mapping[bytes, bytes | None]


class StateDiscardedError(LookupError):
    """The block is older than the history that is kept."""


class Store:
    """The newest state, and for each key the values it had before: reads at past blocks cost one bisection.

    ``history`` blocks can be looked back at; older changes are forgotten.
    """

    def __init__(self, history: int) -> None:
        self.history = history
        self.block = -1
        self._values: dict[bytes, bytes] = {}
        self._sorted: list[bytes] = []
        self._past: dict[bytes, deque[tuple[int, bytes | None]]] = {}
        self._changed: deque[tuple[int, tuple[bytes, ...]]] = deque()

    def load(self, block: int, values: Mapping[bytes, bytes]) -> None:
        """Start from a whole state, without a past."""
        self.block = block
        self._values = dict(values)
        self._sorted = sorted(self._values)
        self._past.clear()
        self._changed.clear()

    def apply(self, block: int, changes: Changes) -> None:
        """Become the state after ``block``."""
        for key, value in changes.items():
            old = self._values.get(key)
            self._past.setdefault(key, deque()).append((block, old))
            if value is not None:
                if old is None:
                    insort(self._sorted, key)
                self._values[key] = value
            elif old is not None:
                del self._values[key]
                del self._sorted[bisect_left(self._sorted, key)]
        self._changed.append((block, tuple(changes)))
        self.block = block
        while len(self._changed) > self.history:
            self._forget(*self._changed.popleft())

    def revert(self) -> None:
        """Become the state before the newest block; StateDiscardedError when that is forgotten."""
        if not self._changed:
            raise StateDiscardedError(self.block)
        block, keys = self._changed.pop()
        for key in keys:
            past = self._past[key]
            _, old = past.pop()
            if not past:
                del self._past[key]
            now = self._values.get(key)
            if old is not None:
                if now is None:
                    insort(self._sorted, key)
                self._values[key] = old
            elif now is not None:
                del self._values[key]
                del self._sorted[bisect_left(self._sorted, key)]
        self.block = block - 1

    def _forget(self, block: int, keys: tuple[bytes, ...]) -> None:
        for key in keys:
            past = self._past[key]
            while past and past[0][0] <= block:
                past.popleft()
            if not past:
                del self._past[key]

    @property
    def oldest(self) -> int:
        """The oldest block whose state can still be read."""
        return self._changed[0][0] - 1 if self._changed else self.block

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def keys_under(self, prefix: bytes) -> Iterator[bytes]:
        return self.keys_from(prefix, prefix)

    def keys_from(self, prefix: bytes, start: bytes, *, after: bool = False) -> Iterator[bytes]:
        """Keys with ``prefix`` from ``start`` on (or only those after it), sorted."""
        index = (bisect_right if after else bisect_left)(self._sorted, max(start, prefix))
        while index < len(self._sorted) and self._sorted[index].startswith(prefix):
            yield self._sorted[index]
            index += 1

    def values(self) -> Mapping[bytes, bytes]:
        return self._values

    def at(self, block: int) -> PastState:
        """The state after ``block``; StateDiscardedError when that is no longer known."""
        if block > self.block or block < self.oldest:
            raise StateDiscardedError(block)
        return PastState(self, block)

    def value_at(self, block: int, key: bytes) -> bytes | None:
        past = self._past.get(key)
        if past is None or past[-1][0] <= block:
            return self._values.get(key)
        # The first change after the block holds what the block left. Most reads look a few blocks back.
        found: bytes | None = None
        for changed, old in reversed(past):
            if changed <= block:
                break
            found = old
        return found

    def changed_since(self, block: int) -> set[bytes]:
        """Keys that a block after ``block`` changed."""
        found: set[bytes] = set()
        for changed, keys in reversed(self._changed):
            if changed <= block:
                break
            found.update(keys)
        return found


class PastState:
    """A read-only view of the state after one block."""

    def __init__(self, store: Store, block: int) -> None:
        self._store = store
        self.block = block

    def get(self, key: bytes) -> bytes | None:
        return self._store.value_at(self.block, key)

    def keys_under(self, prefix: bytes) -> Iterator[bytes]:
        return self.keys_from(prefix, prefix)

    def keys_from(self, prefix: bytes, start: bytes, *, after: bool = False) -> Iterator[bytes]:
        if self.block == self._store.block:
            yield from self._store.keys_from(prefix, start, after=after)
            return
        keys = {key for key in self._store.changed_since(self.block) if key.startswith(prefix)}
        keys.update(self._store.keys_under(prefix))
        for key in sorted(keys):
            if (key > start or (key == start and not after)) and self.get(key) is not None:
                yield key


class Overlay:
    """Changes on top of a state, in layers: a failed call takes its layer away and nothing has happened."""

    def __init__(self, base: State) -> None:
        self._base = base
        self._layers: list[dict[bytes, bytes | None]] = [{}]

    def get(self, key: bytes) -> bytes | None:
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        return self._base.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        self._layers[-1][key] = value

    def keys_under(self, prefix: bytes) -> Iterator[bytes]:
        keys = {key for layer in self._layers for key in layer if key.startswith(prefix)}
        keys.update(self._base.keys_under(prefix))
        return iter(sorted(key for key in keys if self.get(key) is not None))

    def begin(self) -> None:
        self._layers.append({})

    def commit(self) -> None:
        top = self._layers.pop()
        self._layers[-1].update(top)

    def rollback(self) -> None:
        self._layers.pop()

    def changes(self) -> dict[bytes, bytes | None]:
        """What is different from the base, sorted by key (only when no layer is open)."""
        if len(self._layers) != 1:
            raise RuntimeError("a layer is still open")
        changed = self._layers[0]
        return {key: changed[key] for key in sorted(changed) if changed[key] != self._base.get(key)}
