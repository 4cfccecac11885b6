"""The runtime: its pallets, and the outer call, event and error types made of them."""

from __future__ import annotations

from ranvier.sandbox.codec.composites import Enum, Field, Variant
from ranvier.sandbox.codec.scale import Codec
from ranvier.sandbox.frame.pallet import Call, Pallet
from ranvier.sandbox.pallets import admin_utils, balances, commitments, shield, small, sudo, system
from ranvier.sandbox.pallets.subtensor import pallet as subtensor
from ranvier.sandbox.pallets.subtensor import swaps

PALLETS: tuple[Pallet, ...] = (
    system.PALLET,
    small.TIMESTAMP,
    balances.PALLET,
    small.PAYMENT,
    subtensor.PALLET,
    small.UTILITY,
    sudo.PALLET,
    admin_utils.PALLET,
    swaps.PALLET,
    commitments.PALLET,
    shield.PALLET,
)


def runtime_pallets(block_ms: int) -> tuple[Pallet, ...]:
    """All pallets with the constants of a network that makes a block every ``block_ms``."""
    timed = {"Timestamp": small.timestamp_pallet(block_ms)}
    listed = [timed.get(pallet.name, pallet) for pallet in PALLETS] + [small.aura_pallet(block_ms)]
    return tuple(sorted(listed, key=lambda pallet: pallet.index))


def _outer(name: str, parts: list[tuple[Pallet, Codec | None]]) -> Enum:
    variants = [Variant(pallet.name, pallet.index, (Field(None, kind),)) for pallet, kind in parts if kind is not None]
    return Enum(("node_subtensor_runtime", name), tuple(variants))


RUNTIME_CALL = _outer("RuntimeCall", [(pallet, pallet.call_type()) for pallet in PALLETS])
RUNTIME_EVENT = _outer("RuntimeEvent", [(pallet, pallet.event_type()) for pallet in PALLETS])
RUNTIME_ERROR = _outer("RuntimeError", [(pallet, pallet.error_type()) for pallet in PALLETS])
CALLS: dict[tuple[str, str], Call] = {(pallet.name, call.name): call for pallet in PALLETS for call in pallet.calls}
ERROR_NAMES: dict[tuple[int, int], str] = {
    (pallet.index, number): name
    for pallet in PALLETS
    if pallet.errors is not None
    for name, number in pallet.errors.numbers.items()
}
