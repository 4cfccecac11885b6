"""Every form about stake and TAO, as data: what is asked, and the plan that the answers make.

Answers are those of ``money_fields``: rao for amounts, millionths for percentages, (coldkey, hotkey, netuid) for a
position. A form is made for what was chosen on a page by giving ``FormDialog`` the answers to begin with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from ranvier.chain.model import Plan
from ranvier.core.errors import ChainError
from ranvier.core.units import Alpha, Tao
from ranvier.ui.dialogs.money.money import Form
from ranvier.ui.dialogs.money.money_fields import Address, Amount, Answers, Choice, Percent, Spec, Tick
from ranvier.ui.dialogs.money.money_ground import Ground, Option
from ranvier.ui.transacting import Wish

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

_NO_COLDKEY = "No coldkey is known: make or watch a wallet first."
_NO_POSITION = "There is no position."


def wish_of(signer_ss58: str, make: Callable[[Any, Connection], Awaitable[Plan]]) -> Wish:
    """``make`` is given the chain's plans, which are imported when the first is made."""

    async def plan(connection: Connection) -> Plan:
        from ranvier.chain.plans import plans

        return await make(plans, connection)

    return Wish(signer_ss58, plan)


# --- parts that several forms share -----------------------------------------------------------------------------


def coldkey(name: str) -> Choice:
    """Which coldkey."""
    return Choice("coldkey", name, options=lambda g, a: g.coldkeys(), none=_NO_COLDKEY)


def position(*, root: bool = True) -> Choice:
    """Which position."""
    return Choice("position", "Position", options=lambda g, a: g.positions(root=root), none=_NO_POSITION)


def _alpha(name: str = "Amount") -> Amount:
    return Amount("amount", name, room=lambda g, a: g.alpha_room(a.get("position")), all_name="All available")


def _tao(name: str = "Amount") -> Amount:
    return Amount("amount", name, room=lambda g, a: g.tao_room(a.get("coldkey")))


def slippage(shown: Callable[[Answers], bool] | None = None) -> Percent:
    """The price limit; half a percent by default."""
    hint = "How far the price may still move against you before it is in a block; beyond it nothing happens."
    return Percent("slippage", "Price limit, in percent", hint, shown)


def netuid_of(answers: Answers) -> int:
    """The chosen position's subnet; 0 without one."""
    position = answers.get("position")
    return int(position[2]) if position is not None else 0


def _where_to(name: str = "To subnet", *, same: bool) -> Choice:
    return Choice(
        "netuid",
        name,
        options=lambda g, a: _same_first(g, a) if same else g.subnets(without=netuid_of(a)),
        none="There is no other subnet.",
    )


def _same_first(ground: Ground, answers: Answers) -> list[Option]:
    here = netuid_of(answers)
    return [Option(f"{ground.subnet(here)}, as now: no swap", here), *ground.subnets(without=here)]


# --- buying, selling, sending -----------------------------------------------------------------------------------


def _stake(g: Ground, a: Answers) -> Wish:
    return wish_of(
        a["coldkey"],
        lambda plans, c: plans.plan_add_stake(
            c, a["coldkey"], a["hotkey"], a["netuid"], Tao(a["amount"]), slippage_ppm=a["slippage"]
        ),
    )


STAKE = Form(
    "Add stake",
    "Buys a subnet's alpha with TAO and holds it on a hotkey. It can be sold again at any time, at the price of then.",
    (
        coldkey("Paid by"),
        Choice("netuid", "Subnet", options=lambda g, a: g.subnets_to_stake_on(), none="No subnet is known."),
        Address("hotkey", "Held on hotkey", options=lambda g, a: g.hotkeys_to_stake_on(a.get("coldkey"))),
        _tao(),
        slippage(lambda a: a.get("netuid") != 0),
    ),
    _stake,
)


def _unstake(g: Ground, a: Answers) -> Wish:
    coldkey, hotkey, netuid = a["position"]
    return wish_of(
        coldkey,
        lambda plans, c: plans.plan_remove_stake(
            c, coldkey, hotkey, netuid, Alpha(a["amount"], netuid), slippage_ppm=a["slippage"]
        ),
    )


UNSTAKE = Form(
    "Remove stake",
    "Sells alpha for TAO, which goes to the coldkey at once.",
    (position(), _alpha(), slippage(lambda a: netuid_of(a) != 0)),
    _unstake,
)


def _send(g: Ground, a: Answers) -> Wish:
    return wish_of(a["coldkey"], lambda plans, c: plans.plan_transfer(c, a["coldkey"], a["to"], Tao(a["amount"])))


SEND = Form(
    "Send TAO",
    "",
    (
        coldkey("From"),
        Address(
            "to", "To this address", "The ss58 address, beginning with 5.",
            options=lambda g, a: g.addresses(without=a.get("coldkey") or ""), empty=True,
        ),
        _tao(),
    ),
    _send,
)  # fmt: skip


def _unstake_all(g: Ground, a: Answers) -> Wish:
    coldkey, hotkey, _ = a["position"]
    return wish_of(coldkey, lambda plans, c: plans.plan_unstake_all(c, coldkey, hotkey, to_root=a["to_root"]))


def _hotkeys_held(g: Ground, a: Answers) -> list[Option]:
    """One line for each hotkey that holds something."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in g.rows():
        found.setdefault((row.holding.coldkey_ss58, row.holding.hotkey_ss58), []).append(row.holding.netuid)
    return [
        Option(f"{g.named(hotkey)}: subnet {', '.join(map(str, sorted(netuids)))}", (coldkey, hotkey, netuids[0]))
        for (coldkey, hotkey), netuids in found.items()
    ]


UNSTAKE_ALL = Form(
    "Unstake everything of a hotkey",
    "Sells all alpha that this hotkey holds for you, on every subnet. The chain offers no price limit for it: where "
    "pools are small, remove stake position by position instead.",
    (
        Choice("position", "Hotkey", options=_hotkeys_held, none=_NO_POSITION),
        Tick("to_root", "Into root stake instead of free TAO"),
    ),
    _unstake_all,
)


# --- moving -----------------------------------------------------------------------------------------------------


def _move(g: Ground, a: Answers) -> Wish:
    coldkey, hotkey, netuid = a["position"]
    return wish_of(
        coldkey,
        lambda plans, c: plans.plan_move_stake(
            c, coldkey, hotkey, a["hotkey"], netuid, a["netuid"], Alpha(a["amount"], netuid)
        ),
    )


def _other_hotkeys(g: Ground, a: Answers) -> list[Option]:
    position = a.get("position")
    if position is None:
        return []
    return [one for one in g.hotkeys_to_stake_on(position[0]) if one.value != position[1]]


MOVE = Form(
    "Move stake to another hotkey",
    "The alpha stays yours. Within one subnet it is moved as it is; to another subnet it is sold and bought anew.",
    (
        position(),
        Address("hotkey", "To hotkey", options=_other_hotkeys),
        _where_to(same=True),
        _alpha(),
    ),
    _move,
)


def _swap(g: Ground, a: Answers) -> Wish:
    coldkey, hotkey, netuid = a["position"]
    return wish_of(
        coldkey,
        lambda plans, c: plans.plan_swap_stake(
            c, coldkey, hotkey, netuid, a["netuid"], Alpha(a["amount"], netuid), slippage_ppm=a["slippage"]
        ),
    )


SWAP = Form(
    "Swap stake to another subnet",
    "Sells one subnet's alpha and buys another's with it, on the same hotkey, in one transaction.",
    (position(), _where_to(same=False), _alpha(), slippage()),
    _swap,
)


def _give(g: Ground, a: Answers) -> Wish:
    coldkey, hotkey, netuid = a["position"]
    return wish_of(
        coldkey,
        lambda plans, c: plans.plan_transfer_stake(
            c, coldkey, a["to"], hotkey, netuid, a["netuid"], Alpha(a["amount"], netuid)
        ),
    )


GIVE = Form(
    "Give stake to another coldkey",
    "The alpha stays on its hotkey and changes its owner. It cannot be taken back.",
    (
        position(),
        Address(
            "to", "To coldkey", "The ss58 address, beginning with 5.",
            options=lambda g, a: g.addresses(without=a["position"][0] if a.get("position") else ""), empty=True,
        ),
        _where_to(same=True),
        _alpha(),
    ),
    _give,
)  # fmt: skip


# --- several at once --------------------------------------------------------------------------------------------


def batch(entries: Sequence[tuple[str, Wish]]) -> Form:
    """What was put aside, as one transaction. All are of one signer."""
    parts: list[Spec] = [Tick(f"part{place}", words, start=True) for place, (words, _) in enumerate(entries)]
    hint = "Without this, parts before one that fails stay done, and those after it are not tried."
    parts.append(Tick("whole", "All or nothing", hint, start=True))

    def wish(g: Ground, a: Answers) -> Wish:
        chosen = chosen_of(entries, a)

        async def plan(connection: Connection) -> Plan:
            from ranvier.chain.plans import plans

            if not chosen:
                raise ChainError("Nothing to sign", "No part is ticked.")
            made = [await one.plan(connection) for _, one in chosen]
            return await plans.plan_batch(connection, made, all_or_nothing=a["whole"])

        return Wish(entries[0][1].signer_ss58, plan)

    about = "One transaction, one fee, one signature. What is not ticked stays put aside."
    return Form("Sign together", about, tuple(parts), wish, aside="Forget those not ticked")


def chosen_of(entries: Sequence[tuple[str, Wish]], answers: Answers) -> list[tuple[str, Wish]]:
    """The ticked ones."""
    return [one for place, one in enumerate(entries) if answers.get(f"part{place}")]
