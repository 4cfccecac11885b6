"""What happens to the state when another runtime takes over. Follows frame_executive and the pallets' migrations.

Between specs 343 and 425 nearly everything is read as it lies: share pools keep their rows, new items have defaults
that fit. What 425 counts differently is set here, in the first block that it makes.
"""

from __future__ import annotations

from ranvier.sandbox.context import Context
from ranvier.sandbox.pallets import shield
from ranvier.sandbox.pallets.subtensor.storage import Own
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.version import SPEC_NAME, Spec


def take_over(context: Context, spec: Spec) -> None:
    """The begin of a block under ``spec``: if the last one was made by another runtime, migrate."""
    state = context.state
    last = System.LastRuntimeUpgrade.get(state)
    if last is not None and last["spec_version"] == spec.version:
        return
    System.LastRuntimeUpgrade.put(state, value={"spec_version": spec.version, "spec_name": SPEC_NAME})
    Own.Rules.put(state, value=spec.version)
    if spec.version >= 425:
        shield.begin(state, context.author)
