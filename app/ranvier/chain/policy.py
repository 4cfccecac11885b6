"""Limits on spending, as a pure rule: what may be signed at all, and what must be typed again first."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.chain.model import Plan
from ranvier.core.units import Tao


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


def judge(policy: Policy, plan: Plan, spent_today_rao: int = 0) -> Verdict:
    """What the policy says to a plan, given the value (``Plan.value_rao``) of what was signed today already."""
    value = max(plan.value_rao, plan.spend_rao)
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
    return Verdict(tuple(found), value if retype else None)


def retyped(verdict: Verdict, typed_rao: int | None) -> bool:
    """Whether what was typed again is the amount, to the rao; True where nothing has to be typed."""
    return verdict.retype_rao is None or typed_rao == verdict.retype_rao
