"""The base of all commands to the agent, and the plainest answer."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

R = TypeVar("R")


class Command(msgspec.Struct, Generic[R], frozen=True):
    """One request to the agent; ``R`` is the type of its answer."""


class Done(msgspec.Struct, frozen=True):
    """The command was carried out."""

    text: str = ""
