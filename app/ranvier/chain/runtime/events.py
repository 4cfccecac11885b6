"""Events of one block, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``attributes`` is a dict or tuple as the metadata says; ``extrinsic`` the index that caused it."""

    pallet: str
    name: str
    attributes: Any
    extrinsic: int | None

    def get(self, field: str, position: int) -> Any:
        """An attribute by name, or by position where the runtime gives it no name; None when it is not there."""
        if isinstance(self.attributes, dict):
            return self.attributes.get(field)
        if isinstance(self.attributes, (list, tuple)):
            return self.attributes[position] if position < len(self.attributes) else None
        return self.attributes if position == 0 else None


def find(events: Iterable[Event], pallet: str, name: str, extrinsic: int | None = None) -> list[Event]:
    """The events of that name, of one extrinsic if given."""
    return [
        event
        for event in events
        if event.pallet == pallet and event.name == name and (extrinsic is None or event.extrinsic == extrinsic)
    ]
