"""The period before as bars that lie behind those of now: one a slot, in the place of the slot it is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from ranvier.agent.api.messages import EarningBucket
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao, format_alpha, format_tao
from ranvier.ui.models.earnings import DAY_MS, slot_end, slot_start, slot_words
from ranvier.ui.widgets.charts.bar_chart import Bar

_Sums = dict[int, tuple[int, bool]]  # by slot: rao, and whether that is all


def bars_before(
    buckets: Sequence[EarningBucket],
    *,
    since_ms: int,
    days: int,
    size: str,
    netuid: int | None = None,
    summed: bool = False,
    now: Sequence[EarningBucket] = (),
) -> list[Bar]:
    """``buckets`` are those of the ``days`` before ``since_ms``, in slots of ``size``; TAO then, or one subnet's alpha.

    The first lies behind the first of now, the next behind the next: a week behind a week, a month behind a month.
    Single epochs have no such place. A sum that lacks a price says that it is more than that. ``now`` are what is
    drawn before them: where these are several in a slot, their sum is said too, to be compared.
    """
    places = _places(since_ms, days, size)
    sums = {places[start]: (start, *found) for start, found in _sums(buckets, netuid).items() if start in places}
    together = _sums(now, netuid, least=2)
    bars, so_far, all_known = [], 0, True
    for at, (start, rao, whole) in sorted(sums.items()):
        so_far, all_known = so_far + rao, all_known and whole
        shown, known = (so_far, all_known) if summed else (rao, whole)
        words = f"{slot_words(start, size)}, before: {_amount(shown, known, netuid)}{' so far' if summed else ''}"
        if at in together and not summed:
            words = f"together: {_amount(*together[at], netuid)}\n{words}"
        value = None if not shown and not known else shown / RAO_PER_COIN
        bars.append(Bar(at / 1000, (slot_end(at, size) - at) / 1000, value, 0, words))
    return bars


def _sums(buckets: Sequence[EarningBucket], netuid: int | None, least: int = 1) -> _Sums:
    """Of the slots with at least so many buckets."""
    found: dict[int, list[int | None]] = {}
    for one in buckets:
        if netuid is None or one.netuid == netuid:
            found.setdefault(one.start_ms, []).append(one.tao_rao if netuid is None else one.alpha_rao)
    return {
        start: (sum(rao for rao in amounts if rao is not None), None not in amounts)
        for start, amounts in found.items()
        if len(amounts) >= least
    }


def _places(since_ms: int, days: int, size: str) -> dict[int, int]:
    """Where each slot of the period before lies now."""
    if size == "epoch":
        return {}
    before, now = slot_start(since_ms - days * DAY_MS, size), slot_start(since_ms, size)
    found = {}
    while before < since_ms:
        found[before] = now
        before, now = slot_end(before, size), slot_end(now, size)
    return found


def _amount(rao: int, known: bool, netuid: int | None) -> str:
    if not known and not rao:
        return "value unknown"
    amount = f"{format_tao(Tao(rao), 6)} then" if netuid is None else format_alpha(Alpha(rao, netuid), 6)
    return amount if known else f"more than {amount}"
