"""What a runtime shows: metadata, calls that decode and runtime APIs, without what came after it.

The rules differ where ``rules(state)`` is asked; this is the face. Names are ``Pallet.kind.Name`` with the kinds
storage, calls, event, error and constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranvier.sandbox.frame.names_343 import NAMES_343
from ranvier.sandbox.frame.pallet import Pallet
from ranvier.sandbox.pallets.small import inner_calls
from ranvier.sandbox.pallets.subtensor.limit_types import HYPERPARAMETER_PATH, LATER_HYPERPARAMETERS

_KINDS = {"Call": "calls", "Event": "event", "Error": "error"}
_NEW_PALLETS = frozenset({"MevShield"})
# Of another shape or number in 343, and never made under its rules.
_RENUMBERED = "InvalidTickRange InvalidLiquidityValue ReservesTooLow MechanismDoesNotExist SubtokenDisabled"
_CHANGED = {
    ("SubtensorModule", "event", "ColdkeySwapped"),
    ("SubtensorModule", "calls", "swap_coldkey"),
    *(("Swap", "error", name) for name in _RENUMBERED.split()),
}


class Face:
    """Which of the declared names a runtime has. The newest has all; 343 those that its own metadata lists."""

    def __init__(self, version: int, pallets: Sequence[Pallet]) -> None:
        self.version = version
        self._crates = {pallet.path: pallet.name for pallet in pallets}

    def has_pallet(self, pallet: str) -> bool:
        return self.version >= 425 or pallet not in _NEW_PALLETS

    def has(self, pallet: str, kind: str, name: str) -> bool:
        """Whether the runtime has that name. Some pallets grew after 343; others are new as a whole."""
        if self.version >= 425:
            return True
        if (pallet, kind, name) in _CHANGED:
            return False
        return self.has_pallet(pallet) and (pallet not in NAMES_343 or name in NAMES_343[pallet][kind])

    def has_variant(self, path: Sequence[str], name: str) -> bool:
        """The same by the path of a pallet's own Call, Event or Error type, or of an outer type made of pallets."""
        if path[:1] == ("node_subtensor_runtime",):
            return self.has_pallet(name)
        if tuple(path) == HYPERPARAMETER_PATH:
            return self.version >= 425 or name not in LATER_HYPERPARAMETERS
        *crate, module, kind = path if len(path) > 2 else ("", "", "")
        pallet = self._crates.get("::".join(crate))
        if module != "pallet" or pallet is None or kind not in _KINDS:
            return True
        return self.has(pallet, _KINDS[kind], name)

    def has_call(self, call: tuple[str, tuple[str, Any]]) -> bool:
        """Whether a decoded call, with all calls inside it, is one of this runtime."""
        pallet, (name, _) = call
        return self.has(pallet, "calls", name) and all(map(self.has_call, inner_calls(call)))
