"""The user's own limits on spending, from the settings; a limit that cannot be read refuses instead of vanishing."""

from __future__ import annotations

from ranvier.chain.policy import Policy
from ranvier.core.errors import StorageError
from ranvier.core.settings import (
    LIMIT_ACTION_TAO,
    LIMIT_COST_PERCENT,
    LIMIT_DAY_TAO,
    RETYPE_ABOVE_TAO,
    Setting,
    Settings,
)
from ranvier.core.units import RAO_PER_COIN, parse_rao

_PPM_PER_PERCENT = 10_000


def policy_of(settings: Settings) -> Policy:
    """The limits as they are set now. Raises StorageError when one of them is no number."""
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
