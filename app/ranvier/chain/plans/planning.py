"""What every plan is made of: the block it is made at, the signer's money, the fee, the call read back in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ranvier.chain import fees, reads
from ranvier.chain.connection import Connection
from ranvier.chain.model import SUBTENSOR, Balance, BlockRef, Effect, Fact, Plan
from ranvier.chain.quotes import Quote
from ranvier.core.errors import ChainError
from ranvier.core.units import Alpha, Tao, format_rao
from ranvier.keys import addresses

NOBODY = addresses.ss58(bytes(32))
SLIPPAGE_PPM = 5_000
SMALLEST_STAKE = Tao(2_000_000)
_MILLION = 1_000_000
_COSTLY_PPM = 10_000
# These may take their fee in alpha when there is too little TAO.
_FEE_IN_ALPHA = (
    "remove_stake", "remove_stake_limit", "remove_stake_full_limit", "unstake_all", "unstake_all_alpha", "move_stake",
    "transfer_stake", "swap_stake", "swap_stake_limit", "recycle_alpha", "burn_alpha",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Start:
    """What every plan begins with: the block it is made at, and the signer's money."""

    at: BlockRef
    balance: Balance


@dataclass(slots=True)
class Draft:
    """A plan in the making. ``arguments`` are the call's by name; or ``values`` in the order of the metadata, for
    calls whose argument names differ between chains."""

    title: str
    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[Any, ...] | None = None
    pallet: str = SUBTENSOR
    spend: Tao = field(default_factory=lambda: Tao(0))
    value: Tao = field(default_factory=lambda: Tao(0))
    lines: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    price_rao: int | None = None
    limit_price_rao: int | None = None
    cost_ppm: int | None = None
    facts: list[Fact] = field(default_factory=list)


async def start(conn: Connection, signer_ss58: str) -> Start:
    """Look at the chain as it is this moment. Raises AddressError, ChainError, NetworkError."""
    addresses.public_key(signer_ss58)
    await conn.current_runtime()
    at = await conn.head()
    return Start(at, (await reads.balances(conn, [signer_ss58], at))[0])


async def finish(conn: Connection, begun: Start, draft: Draft) -> Plan:
    """The plan: call encoded and read back, fee asked of the chain, money checked."""
    call_hex, words = await conn.compute(lambda runtime: _encoded(runtime, draft))
    signer = begun.balance.ss58
    fee = Tao(await fees.estimate(conn, call_hex, signer, begun.at))
    purse = begun.balance
    if fee and (payer := await fees.payer(conn, draft.pallet, draft.function, signer, begun.at)) != signer:
        (purse,) = await reads.balances(conn, [payer], begun.at)  # such a call spends nothing but its fee
    spendable = Tao(purse.spendable_rao)
    left = spendable - draft.spend - fee
    warnings, lacks = list(draft.warnings), ""
    if left < Tao(0):
        if draft.function in _FEE_IN_ALPHA and not draft.spend:
            warnings.insert(0, "There is too little TAO for the fee; the chain may take it in alpha instead.")
        else:
            whose = "" if purse.ss58 == signer else f" by {addresses.short(purse.ss58)}, who pays the fee"
            lacks = f"Not enough TAO: {spendable} can be spent{whose}, {draft.spend + fee} are needed."
            if conn.network.name == "sandbox":
                lacks += " More of this play money is free: “Get play money” under Wallets."
    runtime = conn.runtime
    return Plan(
        network=conn.network.name,
        genesis_hash=runtime.genesis,
        spec_version=runtime.spec_version,
        signer_ss58=signer,
        title=draft.title,
        pallet=draft.pallet,
        function=draft.function,
        call_hex=call_hex,
        fee_rao=fee.rao,
        spend_rao=draft.spend.rao,
        lines=(
            *draft.lines,
            ("Fee", _fee_words(fee, purse.ss58, signer)),
            ("Left to spend", str(left) if left >= Tao(0) else "not enough"),
            ("Network", f"{conn.network.title} ({runtime.genesis[:10]}…)"),
            ("Call", words),
        ),
        warnings=tuple(dict.fromkeys(warnings)),
        block=begun.at,
        effects=tuple(draft.effects),
        value_rao=draft.value.rao,
        price_rao=draft.price_rao,
        limit_price_rao=draft.limit_price_rao,
        cost_ppm=draft.cost_ppm,
        facts=tuple(draft.facts),
        fee_payer_ss58=purse.ss58,
        lacks=lacks,
    )


def _fee_words(fee: Tao, payer: str, signer: str) -> str:
    if not fee:
        return "none"
    return f"{fee}, paid by {addresses.short(payer)}" + (
        ", the coldkey that owns the hotkey" if payer != signer else ""
    )


def _encoded(runtime: Any, draft: Draft) -> tuple[str, str]:
    arguments = draft.arguments
    if draft.values is not None:
        names = runtime.call_arguments(draft.pallet, draft.function)
        if len(names) != len(draft.values):
            raise ChainError("Cannot be done here", f"{draft.function} has another form on this chain.", "Update.")
        arguments = dict(zip(names, draft.values, strict=True))
    call_hex = runtime.call(draft.pallet, draft.function, arguments)
    return call_hex, runtime.call_words(call_hex)


def positive(amount: Tao | Alpha) -> None:
    if amount.rao <= 0:
        raise ChainError("Not an amount", "The amount must be more than zero.")


def needs_call(conn: Connection, function: str, pallet: str = SUBTENSOR) -> None:
    """Raise ChainError when this chain has no such call."""
    if not conn.has_call(pallet, function):
        raise ChainError(
            "Not on this chain",
            f"{conn.network.title} (version {conn.spec_version}) has no {function}.",
            "It belongs to newer or older versions of the chain.",
        )


def percent(ppm: int) -> str:
    """``1.3 %``: millionths as a percentage, cut off after two decimals."""
    return f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def raised(rao: int, ppm: int) -> int:
    """``rao`` plus so many millionths, rounded up."""
    return -(-rao * (_MILLION + ppm) // _MILLION)


def lowered(rao: int, ppm: int) -> int:
    """``rao`` minus so many millionths, rounded down, never below zero."""
    return max(0, rao * (_MILLION - ppm) // _MILLION)


def swap_lines(quote: Quote | None, limit_rao: int | None) -> list[tuple[str, str]]:
    """How a swap is priced, for people."""
    if quote is None:
        return [("You get about", "unknown")]
    out = str(Alpha(quote.gets_rao, quote.netuid) if quote.buying else Tao(quote.gets_rao))
    said = "by the chain's own simulation" if quote.source == "chain" else "by the pool's arithmetic"
    found = [
        ("You get about", f"{out} ({said})"),
        ("Price now", f"{format_rao(quote.spot_rao)} TAO per alpha"),
        ("Cost", f"{percent(quote.cost_ppm)} (pool fee and slippage); moves the price {percent(quote.price_move_ppm)}"),
    ]
    if limit_rao is not None:
        word = "At most" if quote.buying else "At least"
        found.append(("Price limit", f"{word} {format_rao(limit_rao)} TAO per alpha; beyond it nothing is swapped"))
    return found


def swap_warnings(quote: Quote | None, limit_rao: int | None) -> list[str]:
    if quote is None:
        return ["The pool cannot do this swap, or its price is unknown: the chain will probably refuse."]
    found = []
    if quote.cost_ppm >= _COSTLY_PPM:
        found.append(f"Fee and slippage cost {percent(quote.cost_ppm)} of the amount; smaller steps cost less.")
    if limit_rao is None and quote.netuid != 0:
        found.append("This has no price limit: it is done at whatever price the block has.")
    return found


def backup_warning(conn: Connection, owner: Any) -> list[str]:
    """A hotkey that the chain does not know yet may be somebody's only copy; on the sandbox nothing is lost with it."""
    if conn.network.name != "sandbox" and (owner is None or str(owner) == NOBODY):
        return ["This hotkey is new to the chain: verify its backup first."]
    return []


def owner_warning(owner: Any, coldkey_ss58: str) -> list[str]:
    """Whether the hotkey is somebody else's."""
    if owner is None or str(owner) in (NOBODY, coldkey_ss58):
        return []
    return [f"This is not your hotkey: it belongs to {addresses.short(str(owner))}."]
