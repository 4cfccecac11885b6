"""Limits on spending: what may be signed at all, and what must be typed again first; a pure rule, and its settings."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.chain.model import Plan
from ranvier.core.errors import StorageError
from ranvier.core.settings import (
    LIMIT_ACTION_TAO,
    LIMIT_COST_PERCENT,
    LIMIT_DAY_TAO,
    RETYPE_ABOVE_TAO,
    Setting,
    Settings,
)
from ranvier.core.units import RAO_PER_COIN, Tao, parse_rao

_PPM_PER_PERCENT = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Amounts in rao of TAO; None is no limit. ``per_action_rao`` and ``per_day_rao`` refuse, ``retype_above_rao``
    asks for the amount once more, ``most_cost_ppm`` refuses swaps whose fee and slippage cost more."""

    per_action_rao: int | None = None
    per_day_rao: int | None = None
    retype_above_rao: int | None = 1_000_000_000
    most_cost_ppm: int | None = 50_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """``refusals`` are sentences; none means that it may be signed. ``retype_rao``: the amount that must be typed
    again before; None: nothing to type."""

    refusals: tuple[str, ...]
    retype_rao: int | None

    @property
    def allowed(self) -> bool:
        return not self.refusals


def value_of(plan: Plan) -> int:
    """What limits go by, in rao of TAO: all that the plan moves, swaps or spends."""
    return max(plan.value_rao, plan.spend_rao)


def judge(policy: Policy, plan: Plan, spent_today_rao: int = 0) -> Verdict:
    """What the policy says to a plan, given the value (``Plan.value_rao``) of what was signed today already. A plan
    that cannot be paid is refused by any."""
    value = value_of(plan)
    found = []
    if policy.per_action_rao is not None and value > policy.per_action_rao:
        found.append(f"{Tao(value)} is more than your limit for one action ({Tao(policy.per_action_rao)}).")
    if policy.per_day_rao is not None and spent_today_rao + value > policy.per_day_rao:
        left, most = Tao(max(0, policy.per_day_rao - spent_today_rao)), Tao(policy.per_day_rao)
        found.append(f"{Tao(value)} is more than what is left of your limit for today ({left} of {most}).")
    if policy.most_cost_ppm is not None and plan.cost_ppm is not None and plan.cost_ppm > policy.most_cost_ppm:
        cost, allowed = plan.cost_ppm / 10_000, policy.most_cost_ppm / 10_000
        found.append(f"Fee and slippage cost {cost:.2f} %, more than you allow ({allowed:.2f} %).")
    retype = policy.retype_above_rao is not None and value > policy.retype_above_rao
    lacks = (plan.lacks,) if plan.lacks else ()
    return Verdict((*lacks, *found), value if retype else None)


def retyped(verdict: Verdict, typed_rao: int | None) -> bool:
    """Whether what was typed again is the amount, to the rao; True where nothing has to be typed."""
    return verdict.retype_rao is None or typed_rao == verdict.retype_rao


def policy_of(settings: Settings) -> Policy:
    """The limits as they are set now. Raises StorageError when one of them is no number: it refuses instead of
    vanishing."""
    cost = _amount(settings, LIMIT_COST_PERCENT)
    return Policy(
        per_action_rao=_amount(settings, LIMIT_ACTION_TAO),
        per_day_rao=_amount(settings, LIMIT_DAY_TAO),
        retype_above_rao=_amount(settings, RETYPE_ABOVE_TAO),
        most_cost_ppm=None if cost is None else cost * _PPM_PER_PERCENT // RAO_PER_COIN,
    )


def _amount(settings: Settings, setting: Setting[str]) -> int | None:
    text = settings.get(setting).strip()
    if not text:
        return None
    try:
        return parse_rao(text)
    except ValueError:
        raise StorageError(
            "Limit not understood",
            f"“{setting.label}” in the settings is “{text[:40]}”, which is not a number.",
            "Correct it there; until then nothing is signed.",
        ) from None
