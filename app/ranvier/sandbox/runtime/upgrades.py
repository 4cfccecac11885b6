"""What happens to the state when another runtime takes over. Follows frame_executive and the pallets' migrations.

Between specs 343 and 425 nearly everything is read as it lies: share pools keep their rows, pools their price, new
items have defaults that fit. What 425 counts differently is set before the first block that it makes.
"""

from __future__ import annotations

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.storage import WritableState
from ranvier.sandbox.frame.version import SPEC_NAME, Spec
from ranvier.sandbox.pallets import shield
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor
from ranvier.sandbox.pallets.system import System

_LEAST_CUTOFF_MILLI, _MOST_CUTOFF_MILLI = 1_000, 50_000


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
    if last is not None and last["spec_version"] < 425 <= spec.version:
        _remember_epochs(state, context.block - 1)


def _remember_epochs(state: WritableState, block: int) -> None:
    """``migrate_dynamic_tempo``: the first epoch under 425 falls where 343 would have had it.

    ``block`` is the last one of the old runtime: the real migration runs before the new block has its number.
    """
    for (netuid,), tempo in list(Subtensor.Tempo.items(state)):
        if tempo == 0:
            continue
        index, since = divmod(block + netuid + 1, tempo + 1)
        Subtensor.LastEpochBlock.put(state, netuid, value=max(block - since, 0))
        Subtensor.SubnetEpochIndex.put(state, netuid, value=index)
        factor = -(-Subtensor.ActivityCutoff.get(state, netuid) * 1000 // tempo)
        factor = min(max(factor, _LEAST_CUTOFF_MILLI), _MOST_CUTOFF_MILLI)
        Subtensor.ActivityCutoffFactorMilli.put(state, netuid, value=factor)
