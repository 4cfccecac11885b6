"""Runtime APIs: declared once with typed inputs and output, served by ``state_call`` and listed in metadata 15."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranvier.sandbox.codec.scale import Codec, Reader, ScaleError
from ranvier.sandbox.frame.storage import State

if TYPE_CHECKING:
    from ranvier.sandbox.runtime.machine import Machine


@dataclass(frozen=True, slots=True)
class View:
    """What an API method sees: a state (of the newest or a past block) and the machine of this network."""

    state: State
    block: int
    machine: Machine


@dataclass(frozen=True)
class Method:
    """One method; ``run(view, *inputs)`` returns the value to encode. Specs ``since`` to ``until`` have it."""

    name: str
    inputs: Mapping[str, Codec]
    output: Codec
    run: Callable[..., Any]
    since: int = 343
    until: int = 425

    def call(self, view: View, data: bytes) -> bytes:
        """Run with encoded arguments; raises ScaleError when they do not fit."""
        reader = Reader(data)
        arguments = [codec.read(reader) for codec in self.inputs.values()]
        if reader.left:
            raise ScaleError(f"{reader.left} bytes too many in the arguments")
        return self.output.encode(self.run(view, *arguments))


@dataclass(frozen=True)
class Api:
    """A named group of methods."""

    name: str
    methods: tuple[Method, ...]

    def of(self, version: int) -> tuple[Method, ...]:
        """The methods that a spec has."""
        return tuple(method for method in self.methods if method.since <= version <= method.until)
