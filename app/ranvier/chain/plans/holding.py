"""One position looked at closely before something is done with it: what is held, what is locked and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ranvier.chain.connection import Connection
from ranvier.chain.model import SUBTENSOR, BlockRef
from ranvier.chain.model_stake import Holding, Lock
from ranvier.chain.plans.planning import Start, owner_warning, positive, start
from ranvier.chain.portfolio import portfolio
from ranvier.core.errors import ChainError
from ranvier.core.units import Alpha, Tao


@dataclass(frozen=True, slots=True)
class Standing:
    """A coldkey's alpha on one hotkey and subnet, the locks on it, and who owns the hotkey."""

    netuid: int
    held_rao: int
    sellable_rao: int
    holding: Holding | None
    locks: tuple[Lock, ...]
    owner: Any
    trading: bool

    def warnings(self, coldkey_ss58: str, amount_rao: int) -> list[str]:
        """What stands against moving ``amount_rao`` of it."""
        held = Alpha(self.held_rao, self.netuid)
        found = []
        if amount_rao > self.held_rao:
            found.append(f"You hold {held} there, less than that: the chain will refuse.")
        elif amount_rao > self.sellable_rao:
            free = Alpha(self.sellable_rao, self.netuid)
            found.append(f"Only {free} of it can be moved: the rest {self._locked_by()}.")
        if not self.trading:
            found.append("Trading of this subnet's alpha has not started, so the chain will refuse.")
        return [*found, *owner_warning(self.owner, coldkey_ss58)]

    def _locked_by(self) -> str:
        collateral = self.holding.collateral if self.holding is not None else None
        if collateral is not None:
            work = collateral.work_left_rao
            if work is None:
                return "is collateral up to its floor and stays locked until the floor is lowered and work releases it"
            return f"is collateral: alpha is locked until {Alpha(work, self.netuid)} more has been earned"
        for lock in self.locks:
            if lock.perpetual:
                return "is locked until you let the lock decay (it is perpetual now)"
            if lock.release_blocks:
                return f"is locked by a conviction lock that decays slowly (rate {lock.release_blocks} blocks)"
        return "is locked"


async def begin(
    conn: Connection, coldkey_ss58: str, hotkey_ss58: str, netuid: int, amount: Tao | Alpha
) -> tuple[Start, Standing, list[tuple[str, str]]]:
    """How every plan about an amount of one position begins: the block, the position, and the first lines.

    Raises ChainError for what is no amount, for alpha of another subnet and where there is no such subnet.
    """
    positive(amount)
    if isinstance(amount, Alpha) and amount.netuid != netuid:
        raise ChainError("Wrong currency", f"{amount} is not the alpha of subnet {netuid}.")
    begun = await start(conn, coldkey_ss58)
    place = await standing(conn, coldkey_ss58, hotkey_ss58, netuid, begun.at)
    return begun, place, [("Hotkey", hotkey_ss58), ("Amount", str(amount))]


async def standing(conn: Connection, coldkey_ss58: str, hotkey_ss58: str, netuid: int, at: BlockRef) -> Standing:
    """Raises ChainError when there is no such subnet."""
    found = await portfolio(conn, [coldkey_ss58], at)
    held = next((h for h in found.holdings if (h.hotkey_ss58, h.netuid) == (hotkey_ss58, netuid)), None)
    runtime = await conn.runtime_at(at)
    started = runtime.has_item(SUBTENSOR, "SubtokenEnabled") and netuid != 0
    extra: list[tuple[str, str, list[Any]]] = [(SUBTENSOR, "SubtokenEnabled", [netuid])] if started else []
    added, owner, *trading = await conn.read(
        [(SUBTENSOR, "NetworksAdded", [netuid]), (SUBTENSOR, "Owner", [hotkey_ss58]), *extra], at
    )
    if not added:
        raise ChainError("No such subnet", f"{conn.network.title} has no subnet {netuid}.")
    locks = tuple(lock for lock in found.locks if lock.netuid == netuid)
    return Standing(
        netuid=netuid,
        held_rao=held.alpha_rao if held is not None else 0,
        sellable_rao=held.sellable_rao if held is not None else 0,
        holding=held,
        locks=locks,
        owner=owner,
        trading=bool(trading[0]) if trading else True,
    )
