"""Subnets and their pools: what rules they have, what their alpha costs. Which form a chain keeps is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ranvier.chain.connection import Connection
from ranvier.chain.epochs import epoch_before, stated_epoch
from ranvier.chain.errors import RpcError
from ranvier.chain.model import ROOT, SUBTENSOR, BlockRef, Subnet
from ranvier.core.errors import ChainError
from ranvier.core.outside import one_line
from ranvier.core.units import RAO_PER_COIN

if TYPE_CHECKING:
    from ranvier.chain.runtime.codec import Runtime

_PERQUINTILL = 10**18
_FEW = 4
_LONGEST_NAME = 48
_SUBNET_ITEMS = (
    "Tempo",
    "SubnetworkN",
    "MaxAllowedUids",
    "Burn",
    "NetworkRegistrationAllowed",
    "ImmunityPeriod",
    "SubnetTAO",
    "SubnetAlphaIn",
    "SubnetAlphaOut",
    "SubnetIdentitiesV3",
    "TokenSymbol",
    "LastEpochBlock",
    "LastMechansimStepBlock",  # spelt so on the chain
    "PendingEpochAt",
)
_POOL_ITEMS = (
    ("Swap", "SwapV3Initialized"),
    ("Swap", "AlphaSqrtPrice"),
    ("Swap", "SwapBalancer"),
    ("Swap", "SwapSuperellipse"),
    (SUBTENSOR, "SubnetTAO"),
    (SUBTENSOR, "SubnetAlphaIn"),
)


async def netuids(conn: Connection, at: BlockRef) -> tuple[int, ...]:
    """The subnets that exist, ascending; 0 is root."""
    rows = await conn.read_prefix(SUBTENSOR, "NetworksAdded", [], at)
    return tuple(sorted(int(keys[0]) for keys, added in rows if added))


async def subnets(conn: Connection, at: BlockRef) -> tuple[Subnet, ...]:
    """Every subnet with its rules and pool, at one block."""
    return await _read_subnets(conn, await netuids(conn, at), at)


async def subnet(conn: Connection, netuid: int, at: BlockRef) -> Subnet:
    """One subnet; raises ChainError when it does not exist."""
    (added,) = await conn.read([(SUBTENSOR, "NetworksAdded", [netuid])], at)
    if not added:
        raise ChainError("No such subnet", f"{conn.network.title} has no subnet {netuid}.")
    return (await _read_subnets(conn, (netuid,), at))[0]


async def prices(conn: Connection, wanted: Sequence[int], at: BlockRef) -> dict[int, int | None]:
    """Spot price by netuid: rao of TAO for one whole alpha; None when the chain gives none.

    A few are asked of the runtime itself, which is the definition; many are computed from the pools' state.
    """
    found: dict[int, int | None] = {netuid: RAO_PER_COIN for netuid in wanted if netuid == ROOT}
    others = [netuid for netuid in wanted if netuid != ROOT]
    if len(others) <= _FEW:
        found |= await runtime_prices(conn, others, at)
    missing = [netuid for netuid in others if found.get(netuid) is None]
    if missing:
        found |= await _pool_prices(conn, missing, at)
    if len(others) > _FEW:  # where a pool's state does not tell it, the runtime is asked after all
        found |= await runtime_prices(conn, [netuid for netuid in others if found.get(netuid) is None], at)
    return found


async def prices_each(conn: Connection, netuid: int, blocks: Sequence[BlockRef]) -> list[int | ChainError | None]:
    """The subnet's price at each block, as ``prices`` gives it, in one round (two where a runtime cannot tell)."""
    if netuid == ROOT:
        return [RAO_PER_COIN] * len(blocks)
    found: list[int | ChainError | None] = [None] * len(blocks)
    told = [place for place, at in enumerate(blocks) if (await conn.runtime_at(at)).has_item("Swap", "FeeRate")]
    answers = await conn.rpc_many([_price_question(netuid, blocks[place]) for place in told])
    for place, answer in zip(told, answers, strict=True):
        found[place] = None if isinstance(answer, RpcError) else _price_answer(answer)
    left = [place for place, price in enumerate(found) if price is None]
    wanted = [
        (blocks[place], [(*name, [netuid]) for name in _pool_items(await conn.runtime_at(blocks[place]))])
        for place in left
    ]
    for place, (_, items), values in zip(left, wanted, await conn.read_each(wanted) if wanted else (), strict=True):
        if isinstance(values, ChainError):
            found[place] = values
        else:
            found[place] = _pool_price(dict(zip((name for _, name, _ in items), values, strict=True)))
    return found


def price_of_balancer(quote: int, tao_in: int, alpha_in: int) -> int | None:
    """Price in a weighted pool: ``quote`` is the weight of TAO in 10**-18."""
    if quote <= 0 or alpha_in <= 0:
        return None
    return (_PERQUINTILL - quote) * tao_in * RAO_PER_COIN // (quote * alpha_in)


def price_of_sqrt(bits: int) -> int:
    """Price from the square root that the pool keeps, as U64F64 bits."""
    return bits * bits * RAO_PER_COIN >> 128


async def _read_subnets(conn: Connection, wanted: Sequence[int], at: BlockRef) -> tuple[Subnet, ...]:
    values = await _present(conn, wanted, _SUBNET_ITEMS, at)
    price = await prices(conn, wanted, at)
    return tuple(_subnet(netuid, values, price.get(netuid), at) for netuid in wanted)


def _subnet(netuid: int, values: dict[tuple[str, int], Any], price: int | None, at: BlockRef) -> Subnet:
    def number(name: str) -> int:
        return int(values.get((name, netuid)) or 0)

    tempo = number("Tempo")
    return Subnet(
        netuid=netuid,
        name=_name(netuid, values),
        tempo=tempo,
        neurons=number("SubnetworkN"),
        max_neurons=number("MaxAllowedUids"),
        register_rao=number("Burn"),
        registration_open=bool(values.get(("NetworkRegistrationAllowed", netuid), True)),
        immunity_blocks=number("ImmunityPeriod"),
        price_rao=price,
        tao_in_rao=number("SubnetTAO"),
        alpha_in_rao=number("SubnetAlphaIn"),
        alpha_out_rao=number("SubnetAlphaOut"),
        last_epoch_block=stated_epoch(netuid, values, at),
        next_epoch_block=_next_epoch(netuid, values, at) if tempo and netuid != ROOT else None,
    )


def _next_epoch(netuid: int, values: dict[tuple[str, int], Any], at: BlockRef) -> int:
    """When the next epoch is due: by the clock, or where the chain keeps count a tempo after the last one, or sooner
    where its owner asked for that (``get_next_epoch_start_block``). One that is overdue was put off by a full block.
    """
    tempo = int(values["Tempo", netuid])
    if ("LastEpochBlock", netuid) not in values:
        return epoch_before(at.number, netuid, tempo) + tempo + 1
    asked = int(values.get(("PendingEpochAt", netuid)) or 0)
    due = int(values["LastEpochBlock", netuid] or 0) + tempo
    return max(min(due, asked) if asked else due, at.number + 1)


def _name(netuid: int, values: dict[tuple[str, int], Any]) -> str:
    if netuid == ROOT:
        return "root"
    identity = values.get(("SubnetIdentitiesV3", netuid))
    name = str(identity.get("subnet_name") or "") if isinstance(identity, dict) else ""
    name = one_line(name, _LONGEST_NAME)
    return name if name and not name.startswith("0x") else f"Subnet {netuid}"


async def _present(
    conn: Connection, wanted: Sequence[int], names: Sequence[str], at: BlockRef
) -> dict[tuple[str, int], Any]:
    """(item, netuid) -> value, of those items that this chain has."""
    runtime = await conn.runtime_at(at)
    here = [name for name in names if runtime.has_item(SUBTENSOR, name)]
    pairs = [(name, netuid) for netuid in wanted for name in here]
    values = await conn.read([(SUBTENSOR, name, [netuid]) for name, netuid in pairs], at)
    return dict(zip(pairs, values, strict=True))


async def runtime_prices(conn: Connection, wanted: Sequence[int], at: BlockRef) -> dict[int, int | None]:
    """``SwapRuntimeApi.current_alpha_price(u16) -> u64`` of each, in one round; None where the runtime does not tell.

    Fixed widths, so it needs no V15 metadata.
    """
    if not wanted or not (await conn.runtime_at(at)).has_item("Swap", "FeeRate"):
        return dict.fromkeys(wanted)  # older than the runtime call
    answers = await conn.rpc_many([_price_question(netuid, at) for netuid in wanted])
    told = (None if isinstance(answer, RpcError) else _price_answer(answer) for answer in answers)
    return dict(zip(wanted, told, strict=True))


def _price_question(netuid: int, at: BlockRef) -> tuple[str, list[str]]:
    question = "0x" + netuid.to_bytes(2, "little").hex()
    return "state_call", ["SwapRuntimeApi_current_alpha_price", question, at.hash]


def _price_answer(answer: Any) -> int | None:
    try:
        raw = bytes.fromhex(str(answer).removeprefix("0x"))
    except ValueError:
        return None
    return int.from_bytes(raw, "little") if len(raw) == 8 else None


async def _pool_prices(conn: Connection, wanted: Sequence[int], at: BlockRef) -> dict[int, int | None]:
    here = _pool_items(await conn.runtime_at(at))
    values = await conn.read([(*name, [netuid]) for netuid in wanted for name in here], at)
    found: dict[int, int | None] = {}
    for index, netuid in enumerate(wanted):
        pool = dict(zip((name for _, name in here), values[index * len(here) :], strict=False))
        found[netuid] = _pool_price(pool)
    return found


def _pool_items(runtime: Runtime) -> list[tuple[str, str]]:
    return [name for name in _POOL_ITEMS if runtime.has_item(*name)]


def _pool_price(pool: dict[str, Any]) -> int | None:
    tao, alpha = int(pool.get("SubnetTAO") or 0), int(pool.get("SubnetAlphaIn") or 0)
    sqrt, balancer = pool.get("AlphaSqrtPrice"), pool.get("SwapBalancer")
    if pool.get("SwapSuperellipse") is not None:
        return None  # its curve only the runtime knows; the other forms lie beside it, left from before
    if pool.get("SwapV3Initialized") and isinstance(sqrt, dict):
        return price_of_sqrt(int(sqrt["bits"]))
    if isinstance(balancer, dict) and "quote" in balancer:
        return price_of_balancer(int(balancer["quote"]), tao, alpha)
    return tao * RAO_PER_COIN // alpha if alpha > 0 else None
