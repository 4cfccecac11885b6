"""When a subnet's epoch runs: by the clock at 343, by a remembered schedule at 425 (coinbase/run_coinbase.rs)."""

from __future__ import annotations

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.pallets.subtensor.events import EPOCH_DEFERRED
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules


def by_the_clock(block: int, netuid: int, tempo: int) -> bool:
    """Whether the block ends an epoch at 343 (``blocks_until_next_epoch`` is 0); a tempo of 0 never does."""
    return tempo > 0 and (block + netuid + 1) % (tempo + 1) == tempo


def next_by_the_clock(block: int, netuid: int, tempo: int) -> int | None:
    """The first block after ``block`` that ends an epoch; None for a subnet whose tempo is 0."""
    if tempo == 0:
        return None
    return block + 1 + (tempo - (block + 1 + netuid + 1)) % (tempo + 1)


def next_epoch(state: State, block: int, netuid: int) -> int | None:
    """``get_next_epoch_start_block``: the schedule as it stands, without what a full block may put off."""
    tempo: int = Subtensor.Tempo.get(state, netuid)
    if rules(state) < 425:
        return next_by_the_clock(block, netuid, tempo)
    if tempo == 0:
        return None
    following: int = Subtensor.LastEpochBlock.get(state, netuid) + tempo
    pending: int = Subtensor.PendingEpochAt.get(state, netuid)
    return min(following, pending) if pending else following


def due(state: State, block: int, netuid: int) -> bool:
    """``should_run_epoch``: asked for, too long ago, or a tempo after the last one."""
    tempo: int = Subtensor.Tempo.get(state, netuid)
    if rules(state) < 425:
        return by_the_clock(block, netuid, tempo)
    if tempo == 0:
        return False
    pending = Subtensor.PendingEpochAt.get(state, netuid)
    if pending and block >= pending:
        return True
    if Subtensor.BlocksSinceLastStep.get(state, netuid) > tempo:
        return True
    return bool(block - Subtensor.LastEpochBlock.get(state, netuid) >= tempo)


def take_turns(context: Context, netuids: list[int]) -> list[int]:
    """The subnets whose epoch runs in this block; counters and schedule move on (``drain_pending``).

    At 425 at most MaxEpochsPerBlock of them: the others have their turn in the next block.
    """
    state, block = context.state, context.block
    new = rules(state) >= 425
    most = Subtensor.MaxEpochsPerBlock.get(state) if new else len(netuids)
    running: list[int] = []
    for netuid in netuids:
        since = Subtensor.BlocksSinceLastStep.get(state, netuid) + 1
        if new:
            since = min(since, Subtensor.Tempo.get(state, netuid) + 1)
        Subtensor.BlocksSinceLastStep.put(state, netuid, value=since)
        if not due(state, block, netuid):
            continue
        if len(running) >= most:
            Subtensor.PendingEpochAt.put(state, netuid, value=block + 1)
            context.deposit(EPOCH_DEFERRED, {"netuid": netuid, "from_block": block, "to_block": block + 1})
            continue
        running.append(netuid)
        Subtensor.BlocksSinceLastStep.put(state, netuid, value=0)
        if new:
            Subtensor.LastEpochBlock.put(state, netuid, value=block)
            Subtensor.PendingEpochAt.put(state, netuid, value=0)
            Subtensor.SubnetEpochIndex.add(state, netuid, amount=1)
    return running
