"""Forms about money, filled in, with what their preview shows: for pictures and for tests of the forms."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import msgspec

from gui import samples, samples_money
from ranvier.agent.api.ladder_messages import Ladder, LadderQuote, LadderStep, LadderView
from ranvier.chain.model import Plan
from ranvier.ui.dialogs.money import money_forms as forms
from ranvier.ui.dialogs.money import money_forms_ladder as ladder_forms
from ranvier.ui.dialogs.money import money_forms_miner as miner_forms
from ranvier.ui.dialogs.money.money import Form
from ranvier.ui.dialogs.money.money_ground import Ground, position_key
from ranvier.ui.own_keys import OwnKey

KEYS = (
    OwnKey("alice", samples.COLDKEY, samples.COLDKEY, False),
    OwnKey("alice / default", samples.HOTKEY, samples.COLDKEY, True),
    OwnKey("alice / second", samples.HOTKEY_2, samples.COLDKEY, True),
    OwnKey("bob", samples.BOB, samples.BOB, False),
)


_FORM_PLANS: dict[str, tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    "unstake": (
        "Unstake 271.870554002 α1 from practice",
        (
            ("Amount", "271.870554002 α1"), ("Held there", "391.870554002 α1"),
            ("You get about", "7.697958213 TAO (by the chain's own simulation)"),
            ("Price now", "0.028333333 TAO per alpha"),
            ("Cost", "0.06 % (pool fee and slippage); moves the price 0.03 %"),
            ("Price limit", "At least 0.028183109 TAO per alpha; beyond it nothing is swapped"),
        ),
        (),
    ),
    "move": (
        "Move 40.000000000 α1 within subnet 1",
        (("Amount", "40.000000000 α1"), ("Arrives about", "40.000000000 α1")), (),
    ),
    "swap": (
        "Swap 100.000000000 α1 from subnet 1 to 19",
        (
            ("Amount", "100.000000000 α1"), ("Arrives about", "1 248.120043117 α19"),
            ("Limit", "At least 12.418794428 for one alpha; beyond it nothing is swapped"),
        ),
        ("This sells and re-buys: costs 0.51 % (fees and slippage).",),
    ),
    "give": (
        "Give 10.000000000 α1 away within subnet 1",
        (("Amount", "10.000000000 α1"), ("Arrives about", "10.000000000 α1")),
        ("The alpha will belong to 5GrwvaEF…KutQY: you cannot take it back.",),
    ),
    "all": (
        "Unstake everything",
        (
            ("Subnet 1", "391.870554002 α1 for about 7.697958213 TAO"),
            ("Subnet 4", "12.500000001 α4 for about 0.762114550 TAO"), ("You get about", "8.460072763 TAO"),
        ),
        (
            "This has no price limit: everything is sold at whatever price the block has.",
            "120.000000000 α1 is locked: the chain will leave that position or refuse.",
        ),
    ),
    "register": (
        "Register on targon (netuid 4)",
        (
            ("Price now", "0.250000000 TAO"),
            ("At most", "0.262500000 TAO; if the price rises above it, nothing but the fee is charged"),
            ("Effect", "The hotkey gets a seat and is immune for 5004 blocks. The price is gone."),
            ("Seats", "256 of 256 taken"),
        ),
        (
            "The subnet is full: somebody is removed for you, and later you may be removed for others.",
            "This hotkey is new to the chain: verify its backup first.",
        ),
    ),
    "auto": (
        "Send miners' pay on subnet 1 to one hotkey",
        (
            ("Until now", "each miner's own hotkey"),
            ("Effect", "The alpha stays yours. It cannot be cleared again, only pointed at another hotkey."),
        ),
        (),
    ),
    "collateral": (
        "Lock 9.000000000 α1 as collateral on subnet 1",
        (
            ("Amount", "9.000000000 α1"), ("Locked now", "120.000000000 α1"),
            ("Effect", "It is released bit by bit as the miner earns, down to the floor; it survives deregistration."),
        ),
        ("Collateral cannot be withdrawn: if you stop mining here, it stays locked.",),
    ),
    "text": (
        "Publish a commitment on subnet 4",
        (("Bytes", "25"), ("Content", "https://example.org/model")),
        ("What is published stays readable by everybody for ever.",),
    ),
    "serve": (
        "Publish the axon on targon",
        (("Hotkey", "5FLSigC9…XcS59Y"), ("Address", "203.0.113.7 port 8091"), ("Effect", "Validators will ask there.")),
        ("203.0.113.7 is not a public address: validators elsewhere cannot reach it.",),
    ),
    "hotkey": (
        "Swap a hotkey on all subnets",
        (
            ("Price", "0.100000000 TAO, gone"),
            ("Effect", "Seat, stake and future pay go over to the new hotkey; it may be done again after 7200 blocks."),
        ),
        ("The miner must then run with the new hotkey: until it does, the old one earns nothing.",),
    ),
    "batch": (
        "2 transactions at once",
        (("Part 1", "Unstake 40.000000000 α1 from practice"), ("Part 2", "Stake 5.000000000 TAO on targon")),
        (),
    ),
}  # fmt: skip


def form_plan(name: str) -> Plan:
    """A plan as the preview of a form shows it."""
    title, lines, warnings = _FORM_PLANS[name]
    fee = (("Fee", "0.001347210 TAO, paid by 5EPCUjPx…ySrgH"), ("Left to spend", "98.510157661 TAO"))
    return dataclasses.replace(
        samples_money.stake_plan(), title=title, lines=(*lines, *fee), warnings=warnings, spend_rao=0, effects=(),
        cost_ppm=None, value_rao=samples_money.COIN // 2,
    )  # fmt: skip


def ladders() -> tuple[LadderView, ...]:
    """One with a due step, one that waits, one whose signing was cut off."""
    now = time.time()
    done = (LadderStep(now - 180_000, "signed", "0x" + "c4" * 32), LadderStep(now - 90_000, "skipped"))
    due = Ladder(
        "due", samples.GENESIS, True, samples.COLDKEY, samples.HOTKEY, 1, 10 * samples_money.COIN, 5, 86_400.0, 5_000,
        now - 40, done,
    )  # fmt: skip
    later = Ladder(
        "later", samples.GENESIS, False, samples.COLDKEY, samples.HOTKEY, 4, 12_500_000_001, 4, 604_800.0, 5_000,
        now + 200_000,
    )  # fmt: skip
    signing = msgspec.structs.replace(due, id="signing", netuid=4, done=(), signing_at=now - 300)
    quote = LadderQuote(70_551_924_008, 610, 28_333_333, 48_213, "chain")
    return LadderView(due, quote), LadderView(later), LadderView(signing)


Shot = tuple[str, Form, dict[str, Any], Plan | None]


def ground() -> Ground:
    """Rich holdings and the keys of two wallets."""
    return Ground(samples_money.holdings(), KEYS)


def shots() -> tuple[Shot, ...]:
    """(name, form, answers, what the preview shows; None: it is not filled in yet)."""
    first = position_key(ground().rows()[0])
    coin = samples_money.COIN
    bad = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694tX"
    stake = {"coldkey": samples.COLDKEY, "netuid": 1, "amount": 5 * coin}
    some = {"position": first, "amount": 40 * coin}
    return (
        ("add-stake", forms.STAKE, stake, samples_money.stake_plan()),
        ("remove-stake", forms.UNSTAKE, {**some, "amount": 271_870_554_002}, form_plan("unstake")),
        ("send", forms.SEND, {"to": bad}, None),
        ("move", forms.MOVE, some, form_plan("move")),
        ("swap", forms.SWAP, {**some, "netuid": 19}, form_plan("swap")),
        ("give", forms.GIVE, {**some, "to": samples.ALICE}, form_plan("give")),
        ("unstake-all", forms.UNSTAKE_ALL, some, form_plan("all")),
        ("register", miner_forms.REGISTER, {"netuid": 4}, form_plan("register")),
        ("auto-stake", miner_forms.AUTO_STAKE, {"netuid": 1}, form_plan("auto")),
        ("collateral", miner_forms.ADD_COLLATERAL, some, form_plan("collateral")),
        ("collateral-floor", miner_forms.COLLATERAL_FLOOR, {"position": first}, None),
        (
            "serve-axon",
            miner_forms.SERVE_AXON,
            {"netuid": 4, "ip": "203.0.113.7", "port": 8091},
            form_plan("serve"),
        ),
        ("commitment", miner_forms.COMMITMENT, {"netuid": 4, "text": "https://example.org/model"}, form_plan("text")),
        ("buy-in-steps", ladder_forms.BUY_IN_STEPS, {**stake, "amount": 10 * coin}, samples_money.stake_plan()),
        ("sell-in-steps", ladder_forms.SELL_IN_STEPS, {**some, "steps": 8}, form_plan("unstake")),
        ("swap-hotkey", miner_forms.SWAP_HOTKEY, {"hotkey": samples.HOTKEY}, form_plan("hotkey")),
    )
