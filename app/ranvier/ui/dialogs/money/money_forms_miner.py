"""The forms of a miner's affairs, as data: a seat, where pay lands, collateral, commitments, a new hotkey."""

from __future__ import annotations

from ranvier.core.units import Alpha, alpha_unit
from ranvier.ui.dialogs.money.money import Form
from ranvier.ui.dialogs.money.money_fields import Address, Amount, Answers, Choice, Percent, Whole, Words
from ranvier.ui.dialogs.money.money_forms import coldkey, netuid_of, position, slippage, wish_of
from ranvier.ui.dialogs.money.money_ground import Ground, Option, Room
from ranvier.ui.transacting import Wish
from ranvier.ui.widgets.fields import ip_problem

_NO_HOTKEY = "This coldkey has no hotkey here: make one under Wallets."
_LONGEST_COMMITMENT = 128
_EVERYWHERE = -1
_FREE_FIRST = "Free stake of this position is taken first; what it lacks is bought with TAO."


def _register(g: Ground, a: Answers) -> Wish:
    return wish_of(
        a["coldkey"],
        lambda plans, c: plans.plan_register(c, a["coldkey"], a["hotkey"], a["netuid"], limit_ppm=a["limit"]),
    )


_MINING_SUBNET = Choice("netuid", "Subnet", options=lambda g, a: g.subnets(root=False), none="No subnet is known.")

REGISTER = Form(
    "Register a hotkey",
    "Buys a seat on a subnet. The price is gone even if the miner never earns: see first that it runs.",
    (
        _MINING_SUBNET,
        coldkey("Paid by"),
        Address("hotkey", "Hotkey", options=lambda g, a: g.own_hotkeys(a.get("coldkey"))),
        Percent(
            "limit", "Price limit, in percent above now",
            "If the price rises further before it is in a block, nothing but the fee is charged.", start="5",
        ),
    ),
    _register,
)  # fmt: skip


def _auto_stake(g: Ground, a: Answers) -> Wish:
    return wish_of(a["coldkey"], lambda plans, c: plans.plan_auto_stake(c, a["coldkey"], a["netuid"], a["hotkey"]))


AUTO_STAKE = Form(
    "Where miners' pay lands",
    "The pay of all your miners on one subnet can land on one hotkey of yours instead of on each miner's own.",
    (
        coldkey("Coldkey"),
        _MINING_SUBNET,
        Address("hotkey", "On this hotkey", options=lambda g, a: g.own_hotkeys(a.get("coldkey"))),
    ),
    _auto_stake,
)


def _add_collateral(g: Ground, a: Answers) -> Wish:
    coldkey, hotkey, netuid = a["position"]
    return wish_of(
        coldkey,
        lambda plans, c: plans.plan_add_collateral(
            c, coldkey, hotkey, netuid, Alpha(a["amount"], netuid), slippage_ppm=a["slippage"]
        ),
    )


ADD_COLLATERAL = Form(
    "Lock more collateral",
    "Alpha that is locked here is released by a miner's work only. There is no way to withdraw it.",
    (
        position(root=False),
        Amount("amount", "Amount", room=lambda g, a: _unknown_room(a, _FREE_FIRST)),
        slippage(),
    ),
    _add_collateral,
)


def _floor(g: Ground, a: Answers) -> Wish:
    coldkey, hotkey, netuid = a["position"]
    return wish_of(
        coldkey,
        lambda plans, c: plans.plan_set_min_collateral(c, coldkey, hotkey, netuid, Alpha(a["amount"], netuid)),
    )


COLLATERAL_FLOOR = Form(
    "Set the collateral floor",
    "Work releases collateral down to this floor; while less is locked, pay is kept back until it is reached.",
    (
        position(root=False),
        Amount(
            "amount",
            "Floor",
            zero=True,
            room=lambda g, a: Room(None, None, alpha_unit(netuid_of(a)), _locked_note(g, a)),
        ),
    ),
    _floor,
)


def _unknown_room(answers: Answers, note: str = "") -> Room:
    return Room(None, None, alpha_unit(netuid_of(answers)), note)


def _locked_note(g: Ground, a: Answers) -> str:
    row = g.row(a.get("position"))
    lock = row.holding.collateral if row is not None else None
    if row is None or lock is None:
        return "No collateral is locked there now."
    locked, floor = (Alpha(rao, row.holding.netuid) for rao in (lock.locked_rao, lock.min_locked_rao))
    return f"{locked} is locked now; the floor is {floor}."


def _commitment(g: Ground, a: Answers) -> Wish:
    return wish_of(
        a["hotkey"], lambda plans, c: plans.plan_set_commitment(c, a["hotkey"], a["netuid"], a["text"].encode())
    )


def _commitment_problem(text: str) -> str | None:
    size = len(text.strip().encode())
    return None if 0 < size <= _LONGEST_COMMITMENT else f"1 to {_LONGEST_COMMITMENT} bytes, not {size}."


COMMITMENT = Form(
    "Publish a commitment",
    "A short text under a hotkey on a subnet, for its validators. It stays readable by everybody for ever, and is "
    "signed by the hotkey itself.",
    (
        Choice("hotkey", "Hotkey", options=lambda g, a: g.own_hotkeys(None), none="No hotkey of yours is known."),
        _MINING_SUBNET,
        Words("text", "Text", f"Up to {_LONGEST_COMMITMENT} bytes.", check=_commitment_problem),
    ),
    _commitment,
    aside="",
)


def _serve(g: Ground, a: Answers) -> Wish:
    return wish_of(a["hotkey"], lambda plans, c: plans.plan_serve_axon(c, a["hotkey"], a["netuid"], a["ip"], a["port"]))


SERVE_AXON = Form(
    "Publish the axon",
    "Tells the subnet's validators where to ask this miner. It stays readable by everybody, and is signed by the "
    "hotkey itself.",
    (
        Choice("hotkey", "Hotkey", options=lambda g, a: g.own_hotkeys(None), none="No hotkey of yours is known."),
        _MINING_SUBNET,
        Words(
            "ip", "Address from outside",
            "This machine's public IP address. Behind a router it is the router's own; its status page shows it.",
            check=ip_problem,
        ),
        Whole(
            "port", "Port from outside",
            "Behind a router, forward this port to the axon's port on this machine.", least=1, most=65_535,
        ),
    ),
    _serve,
    aside="",
)  # fmt: skip


def _swap_hotkey(g: Ground, a: Answers) -> Wish:
    where = None if a["netuid"] == _EVERYWHERE else a["netuid"]
    return wish_of(a["coldkey"], lambda plans, c: plans.plan_swap_hotkey(c, a["coldkey"], a["hotkey"], a["new"], where))


SWAP_HOTKEY = Form(
    "Replace a hotkey",
    "Seats, stake and future pay go over from the old hotkey to a new one, for example when the old one may be known "
    "to others. Make the new one first and keep its backup.",
    (
        coldkey("Coldkey"),
        Choice("hotkey", "Old hotkey", options=lambda g, a: g.own_hotkeys(a.get("coldkey")), none=_NO_HOTKEY),
        Address(
            "new", "New hotkey",
            options=lambda g, a: [one for one in g.own_hotkeys(a.get("coldkey")) if one.value != a.get("hotkey")],
        ),
        Choice(
            "netuid", "Where",
            options=lambda g, a: [Option("On all subnets", _EVERYWHERE), *g.subnets(root=False)],
        ),
    ),
    _swap_hotkey,
)  # fmt: skip
