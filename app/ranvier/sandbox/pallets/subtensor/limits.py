"""How often something may be done, and when a subnet's owner may change it. Follows utils/rate_limiting.rs."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import ROOT_ORIGIN, bad_origin
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

SET_CHILDREN, SET_CHILDKEY_TAKE, WEIGHTS_VERSION, MECHANISM_COUNT, MECHANISM_EMISSION, TRIM, SET_TEMPO = (
    0, 1, 4, 7, 8, 9, 11,
)  # fmt: skip
"""Kinds of transaction (``TransactionType``), as TransactionKeyLastBlock counts them."""
NETWORK = ("NetworkLastRegistered", ())
_SET_CHILDREN_BLOCKS = 150
_MECHANISM_BLOCKS = 7_200
_TRIM_BLOCKS = 216_000
LEAST_TEMPO, MOST_TEMPO = 360, 50_400


def last_network(state: State) -> int:
    """The block of the last subnet that was registered."""
    last: int = Subtensor.LastRateLimitedBlock.get(state, NETWORK)
    return last


def _passes(limit: int, block: int, last: int) -> bool:
    """``check_passes_rate_limit``: the first time is always free."""
    return last == 0 or block - last >= limit


def network_passes(state: State, block: int) -> bool:
    return _passes(Subtensor.NetworkRateLimit.get(state), block, last_network(state))


def _limit(state: State, netuid: int, kind: int) -> int:
    tempo: int = Subtensor.Tempo.get(state, netuid)
    limits: dict[int, int] = {
        SET_CHILDREN: _SET_CHILDREN_BLOCKS,
        SET_CHILDKEY_TAKE: Subtensor.TxChildkeyTakeRateLimit.get(state),
        WEIGHTS_VERSION: tempo * Subtensor.WeightsVersionKeyRateLimit.get(state),
        MECHANISM_COUNT: _MECHANISM_BLOCKS,
        MECHANISM_EMISSION: _MECHANISM_BLOCKS,
        TRIM: _TRIM_BLOCKS,
        SET_TEMPO: LEAST_TEMPO,
    }
    return limits[kind]


def passes(context: Context, netuid: int, key: bytes, kind: int) -> bool:
    """``passes_rate_limit_on_subnet``, by hotkey or by the owner's coldkey."""
    last = Subtensor.TransactionKeyLastBlock.get(context.state, key, netuid, kind)
    return _passes(_limit(context.state, netuid, kind), context.block, last)


def note(context: Context, netuid: int, key: bytes, kind: int) -> None:
    """``set_last_block_on_subnet``."""
    Subtensor.TransactionKeyLastBlock.put(context.state, key, netuid, kind, value=context.block)


def ensure_owner(state: State, who: bytes, netuid: int) -> None:
    """``ensure_subnet_owner``: BadOrigin for anyone else."""
    if who == ROOT_ORIGIN or Subtensor.SubnetOwner.get(state, netuid) != who:
        raise bad_origin()


def ensure_owner_or_root(state: State, who: bytes, netuid: int) -> bool:
    """``ensure_subnet_owner_or_root``; whether it is the owner, whom limits bind."""
    if who == ROOT_ORIGIN:
        return False
    ensure_owner(state, who, netuid)
    return True


class OwnerLimit:
    """One change by a subnet's owner: of a hyperparameter by name, or of one kind of transaction.

    Root is bound by neither limit (``ensure_sn_owner_or_root_with_limits`` and ``record_owner_rl``).
    """

    def __init__(self, context: Context, who: bytes, netuid: int, what: str | int) -> None:
        self._context, self._who, self._netuid, self._what = context, who, netuid, what
        self.by_owner = ensure_owner_or_root(context.state, who, netuid)
        if self.by_owner and not self._free():
            raise fail("TxRateLimitExceeded")

    def _key(self) -> tuple[str, Any]:
        return "OwnerHyperparamUpdate", (self._netuid, (self._what, ()))

    def _free(self) -> bool:
        state = self._context.state
        if isinstance(self._what, int):
            return passes(self._context, self._netuid, self._who, self._what)
        limit = Subtensor.Tempo.get(state, self._netuid) * Subtensor.OwnerHyperparamRateLimit.get(state)
        return _passes(limit, self._context.block, Subtensor.LastRateLimitedBlock.get(state, self._key()))

    def note(self) -> None:
        """The change was made."""
        if not self.by_owner:
            return
        if isinstance(self._what, int):
            note(self._context, self._netuid, self._who, self._what)
        else:
            Subtensor.LastRateLimitedBlock.put(self._context.state, self._key(), value=self._context.block)


def ensure_window(context: Context, netuid: int) -> None:
    """``ensure_admin_window_open``: the last AdminFreezeWindow blocks before an epoch are closed to changes."""
    state, tempo = context.state, Subtensor.Tempo.get(context.state, netuid)
    if tempo == 0:
        return
    if rules(state) >= 425:
        coming = Subtensor.PendingEpochAt.get(state, netuid) > context.block
        remaining = max(Subtensor.LastEpochBlock.get(state, netuid) + tempo - context.block, 0)
    else:
        coming = False
        remaining = tempo - (context.block + netuid + 1) % (tempo + 1)
    if coming or remaining < Subtensor.AdminFreezeWindow.get(state):
        raise fail("AdminActionProhibitedDuringWeightsWindow")
