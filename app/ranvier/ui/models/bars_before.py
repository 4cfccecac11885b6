"""The period before as bars that lie behind those of now: one a slot, in the place of the slot it is compared with."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from ranvier.agent.api.messages import EarningBucket
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao, format_alpha, format_tao
from ranvier.ui.models.earnings import DAY_MS, slot_end, slot_start, slot_words
from ranvier.ui.widgets.charts.bar_chart import Bar

_EPOCH_MS = 3_600_000  # where there is one only


def bars_before(
    buckets: Sequence[EarningBucket],
    *,
    since_ms: int,
    days: int,
    size: str,
    netuid: int | None = None,
    summed: bool = False,
) -> list[Bar]:
    """``buckets`` are those of the ``days`` before ``since_ms``, in slots of ``size``; TAO then, or one subnet's alpha.

    Of calendar slots the first lies behind the first of now, the next behind the next: a week behind a week, a month
    behind a month. Epochs are moved by the days. A sum that lacks a price says that it is more than that.
    """
    sums: dict[int, tuple[int, bool]] = {}
    for one in buckets:
        if netuid is None or one.netuid == netuid:
            rao = one.tao_rao if netuid is None else one.alpha_rao
            known, whole = sums.get(one.start_ms, (0, True))
            sums[one.start_ms] = (known + (rao or 0), whole and rao is not None)
    places = _places(since_ms, days, size)
    usual = _usual_ms(sorted(sums))
    bars, so_far, all_known = [], 0, True
    for start, (rao, whole) in sorted(sums.items()):
        so_far, all_known = so_far + rao, all_known and whole
        shown, known = (so_far, all_known) if summed else (rao, whole)
        at = start + days * DAY_MS if size == "epoch" else places.get(start)
        if at is None:
            continue
        wide = usual if size == "epoch" else slot_end(at, size) - at
        value = None if not shown and not known else shown / RAO_PER_COIN
        words = f"{slot_words(start, size)}, before: {_amount(shown, known, netuid)}{' so far' if summed else ''}"
        bars.append(Bar(at / 1000, wide / 1000, value, 0, words))
    return bars


def _places(since_ms: int, days: int, size: str) -> dict[int, int]:
    """Where each calendar slot of the period before lies now."""
    if size == "epoch":
        return {}
    before, now = slot_start(since_ms - days * DAY_MS, size), slot_start(since_ms, size)
    found = {}
    while before < since_ms:
        found[before] = now
        before, now = slot_end(before, size), slot_end(now, size)
    return found


def _usual_ms(starts: Sequence[int]) -> float:
    steps = [after - before for before, after in itertools.pairwise(starts)]
    return statistics.median(steps) if steps else _EPOCH_MS


def _amount(rao: int, known: bool, netuid: int | None) -> str:
    if not known and not rao:
        return "value unknown"
    amount = f"{format_tao(Tao(rao), 6)} then" if netuid is None else format_alpha(Alpha(rao, netuid), 6)
    return amount if known else f"more than {amount}"
