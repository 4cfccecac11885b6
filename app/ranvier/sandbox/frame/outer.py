"""The runtime's outer types for the pallets that contain them: calls in calls, events in storage.

They are known only when all pallets are declared, so they are looked up late.
"""

from __future__ import annotations

from ranvier.sandbox.codec.composites import Enum, Lazy, Vec, struct
from ranvier.sandbox.codec.types import H256, PHASE


def _call() -> Enum:
    from ranvier.sandbox.runtime.runtime import RUNTIME_CALL as CALL

    return CALL


def _event() -> Enum:
    from ranvier.sandbox.runtime.runtime import RUNTIME_EVENT as EVENT

    return EVENT


RUNTIME_CALL = Lazy("RuntimeCall", _call)
RUNTIME_EVENT = Lazy("RuntimeEvent", _event)
EVENT_RECORD = struct(
    "frame_system::EventRecord", {"phase": PHASE, "event": RUNTIME_EVENT, "topics": Vec(H256)}, E=RUNTIME_EVENT, T=H256
)
