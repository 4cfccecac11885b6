"""The symbols of subnets' tokens: by netuid, or the next free one (subnets/symbols.rs; of its list the first 52)."""

from __future__ import annotations

from ranvier.sandbox.codec.scale import Bytes
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.pallets.subtensor import limits
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.pallets.subtensor.subnet_events import SYMBOL_UPDATED

_DEFAULT = "\N{GREEK CAPITAL LETTER TAU}"
_LETTERS = _DEFAULT + "αβγδεζηθικλμνξοπρσtυφχψω" + "".join(chr(code) for code in range(0x5D0, 0x5EB))


def symbol_of(netuid: int) -> bytes:
    """``get_symbol_for_subnet``."""
    return (_LETTERS[netuid] if netuid < len(_LETTERS) else _DEFAULT).encode()


def _taken(state: State) -> set[bytes]:
    return {symbol for _, symbol in Subtensor.TokenSymbol.items(state)}


def next_free(state: State, netuid: int) -> bytes:
    """``get_next_available_symbol``."""
    taken = _taken(state)
    if symbol_of(netuid) not in taken:
        return symbol_of(netuid)
    free = (symbol_of(other) for other in range(1, len(_LETTERS)) if symbol_of(other) not in taken)
    return next(free, _DEFAULT.encode())


@call(112, {"netuid": NETUID, "symbol": Bytes()}, root=True)
def update_symbol(context: Context, who: bytes, netuid: int, symbol: bytes) -> None:
    """Choose another symbol for one's subnet, out of the list and not taken."""
    limits.ensure_owner_or_root(context.state, who, netuid)
    if symbol not in {letter.encode() for letter in _LETTERS}:
        raise fail("SymbolDoesNotExist")
    if symbol in _taken(context.state):
        raise fail("SymbolAlreadyInUse")
    Subtensor.TokenSymbol.put(context.state, netuid, value=symbol)
    context.deposit(SYMBOL_UPDATED, {"netuid": netuid, "symbol": symbol})


CALLS = (update_symbol,)
