"""The forms of plans in steps: buying or selling little by little. They end in a reminder, not in a signature."""

from __future__ import annotations

import secrets

from ranvier.agent.api.ladder_messages import AddLadder, Ladder
from ranvier.core.units import Alpha, Tao
from ranvier.ui.dialogs.money.money import Form
from ranvier.ui.dialogs.money.money_fields import Address, Amount, Answers, Choice, Whole
from ranvier.ui.dialogs.money.money_forms import coldkey, netuid_of, position, slippage, wish_of
from ranvier.ui.dialogs.money.money_ground import Ground, Option
from ranvier.ui.transacting import Wish

_ABOUT = (
    "Each step is a reminder with a fresh quote, which you sign, skip or postpone. Nothing is ever signed by itself. "
    "The preview shows the first step."
)
_INTERVALS = (
    ("Every minute", 60.0), ("Every hour", 3600.0), ("Every 6 hours", 21_600.0), ("Every day", 86_400.0),
    ("Every week", 7 * 86_400.0),
)  # fmt: skip
_DAILY = 3
_YES = "Keep this plan"


def step_wish(one: Ladder) -> Wish:
    """The transaction of the step that is next."""
    rao = one.amount_rao()
    if one.buying:
        return wish_of(
            one.coldkey_ss58,
            lambda plans, c: plans.plan_add_stake(
                c, one.coldkey_ss58, one.hotkey_ss58, one.netuid, Tao(rao), slippage_ppm=one.slippage_ppm
            ),
        )
    return wish_of(
        one.coldkey_ss58,
        lambda plans, c: plans.plan_remove_stake(
            c, one.coldkey_ss58, one.hotkey_ss58, one.netuid, Alpha(rao, one.netuid), slippage_ppm=one.slippage_ppm
        ),
    )


def interval_words(every_s: float) -> str:
    """``every day``."""
    found = next((words for words, seconds in _INTERVALS if seconds == every_s), None)
    return found.lower() if found is not None else f"every {round(every_s)} s"


def _command(answers: Answers) -> AddLadder:
    buying = answers.get("position") is None
    owner, hotkey, netuid = answers.get("position") or (answers["coldkey"], answers["hotkey"], answers["netuid"])
    return AddLadder(
        id=secrets.token_hex(8), buying=buying, coldkey_ss58=owner, hotkey_ss58=hotkey, netuid=netuid,
        total_rao=answers["amount"], steps=answers["steps"], every_s=answers["every"],
        slippage_ppm=answers["slippage"] or 0,
    )  # fmt: skip


def _first(ground: Ground, answers: Answers) -> Wish:
    asked = _command(answers)
    fields = {name: getattr(asked, name) for name in asked.__struct_fields__}
    return step_wish(Ladder(genesis_hash="", next_at=0.0, **fields))


def _intervals(ground: Ground, answers: Answers) -> list[Option]:
    daily_first = [_INTERVALS[_DAILY], *(one for one in _INTERVALS if one is not _INTERVALS[_DAILY])]
    return [Option(words, seconds) for words, seconds in daily_first]


_PACE = (Whole("steps", "Steps", least=2, most=365, start="5"), Choice("every", "A step", options=_intervals))

BUY_IN_STEPS = Form(
    "Buy in steps",
    _ABOUT,
    (
        coldkey("Paid by"),
        Choice("netuid", "Subnet", options=lambda g, a: g.subnets(root=False), none="No subnet is known."),
        Address("hotkey", "Held on hotkey", options=lambda g, a: g.hotkeys_to_stake_on(a.get("coldkey"))),
        Amount("amount", "Amount of all steps together", room=lambda g, a: g.tao_room(a.get("coldkey"))),
        *_PACE,
        slippage(),
    ),
    _first,
    yes=_YES,
    aside="",
    command=lambda g, a: _command(a),
)

SELL_IN_STEPS = Form(
    "Sell in steps",
    _ABOUT,
    (
        position(),
        Amount(
            "amount", "Amount of all steps together", room=lambda g, a: g.alpha_room(a.get("position")),
            all_name="All available",
        ),
        *_PACE,
        slippage(lambda a: netuid_of(a) != 0),
    ),
    _first,
    yes=_YES,
    aside="",
    command=lambda g, a: _command(a),
)  # fmt: skip
