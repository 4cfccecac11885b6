"""What a pallet declares, once: storage, calls, events, errors, constants. Everything else is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ranvier.sandbox.codec.composites import Enum, Field, Variant, encode_fields
from ranvier.sandbox.codec.scale import Codec
from ranvier.sandbox.frame.storage import Item, Storage

if TYPE_CHECKING:
    from ranvier.sandbox.frame.context import Context

CallBody = Callable[..., None]

ROOT_ORIGIN = b""
"""Who calls by way of Sudo (``RawOrigin::Root``): no account, so that nothing can be paid by it or owned."""


class DispatchFailure(Exception):  # noqa: N818  # an outcome on the chain, not a fault of ours
    """A call failed: ``value`` is a ``DispatchError``; ``name`` is for people and for our own rules."""

    def __init__(self, value: tuple[str, Any], name: str) -> None:
        super().__init__(name)
        self.value = value
        self.name = name


def token_failure(name: str) -> DispatchFailure:
    """``Token.FundsUnavailable`` and the like."""
    return DispatchFailure(("Token", (name, ())), name)


def bad_origin() -> DispatchFailure:
    return DispatchFailure(("BadOrigin", ()), "BadOrigin")


def ensure_root(who: bytes | None) -> None:
    """``ensure_root``: raises BadOrigin for everyone but root."""
    if who != ROOT_ORIGIN:
        raise bad_origin()


class Errors:
    """A pallet's error names with their numbers; calling it makes the failure to raise."""

    def __init__(self, pallet_index: int, numbers: Mapping[str, int]) -> None:
        self.pallet_index = pallet_index
        self.numbers = dict(numbers)

    def __call__(self, name: str) -> DispatchFailure:
        number = self.numbers[name]
        return DispatchFailure(("Module", {"index": self.pallet_index, "error": bytes((number, 0, 0, 0))}), name)


class Event:
    """One event of the pallet with number ``pallet_index``: its fields are named or positional."""

    def __init__(
        self, pallet_index: int, index: int, name: str, fields: Mapping[str, Codec] | Sequence[Codec] = ()
    ) -> None:
        self.pallet_index = pallet_index
        self.index = index
        self.name = name
        if isinstance(fields, Mapping):
            self.fields = tuple(Field(key, codec) for key, codec in fields.items())
        else:
            self.fields = tuple(Field(None, codec) for codec in fields)

    def encode(self, value: Any) -> bytes:
        """As a ``RuntimeEvent``."""
        return bytes((self.pallet_index, self.index)) + encode_fields(self.fields, value)


@dataclass(frozen=True)
class Call:
    """One call: number, name, typed arguments, what it weighs, whether it pays, and what it does.

    Under rules older than ``paid_since`` it was free of charge. Only with ``root`` may it come from root.
    """

    index: int
    name: str
    arguments: tuple[Field, ...]
    run: CallBody
    ref_time: int
    pays: bool
    dispatch_class: str
    paid_since: int = 0
    root: bool = False


def call(
    index: int,
    arguments: Mapping[str, Codec],
    *,
    ref_time: int = 200_000_000,
    pays: bool = True,
    paid_since: int = 0,
    dispatch_class: str = "Normal",
    root: bool = False,
) -> Callable[[CallBody], Call]:
    """Declare the function below as a call: ``f(context, who, **arguments)``; ``who`` is None for an inherent."""

    def declare(body: CallBody) -> Call:
        fields = tuple(Field(name, codec) for name, codec in arguments.items())
        return Call(index, body.__name__, fields, body, ref_time, pays, dispatch_class, paid_since, root)

    return declare


@dataclass(frozen=True)
class Constant:
    """A constant of the metadata."""

    name: str
    codec: Codec
    value: Any


@dataclass(frozen=True)
class Pallet:
    """One pallet. ``path`` is its crate (``pallet_balances``), where its Call, Event and Error types live."""

    name: str
    index: int
    path: str
    storage: type[Storage] | None = None
    calls: tuple[Call, ...] = ()
    events: tuple[Event, ...] = ()
    errors: Errors | None = None
    constants: tuple[Constant, ...] = ()
    type_params: tuple[str, ...] = ("T",)
    event_params: tuple[str, ...] | None = None
    on_initialize: Callable[[Context], None] | None = field(default=None, compare=False)

    @property
    def items(self) -> list[Item]:
        return self.storage.all_items() if self.storage is not None else []

    def call_type(self) -> Enum | None:
        variants = tuple(Variant(c.name, c.index, c.arguments) for c in self.calls)
        return self._enum("Call", variants, self.type_params) if variants else None

    def event_type(self) -> Enum | None:
        variants = tuple(Variant(e.name, e.index, e.fields) for e in self.events)
        params = self.type_params if self.event_params is None else self.event_params
        return self._enum("Event", variants, params) if variants else None

    def error_type(self) -> Enum | None:
        if self.errors is None:
            return None
        variants = tuple(Variant(name, number) for name, number in self.errors.numbers.items())
        return self._enum("Error", variants, self.type_params)

    def _enum(self, kind: str, variants: tuple[Variant, ...], params: tuple[str, ...]) -> Enum:
        return Enum((*self.path.split("::"), "pallet", kind), variants, tuple((name, None) for name in params))
