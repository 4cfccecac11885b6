"""Earnings as bars: by subnet or by miner, per slot or summed up over time, gaps as gaps. Floats for heights only."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from functools import partial

from ranvier.agent.api.messages import EarningBucket
from ranvier.core.units import RAO_PER_COIN
from ranvier.ui.models.earnings import bucket_words, slot_end
from ranvier.ui.models.stake import subnet_text
from ranvier.ui.widgets.charts.bar_chart import Bar
from ranvier.ui.words import short_address

Series = tuple[int, str | None]  # netuid, and hotkey where bars are by miner
MOST_SERIES = 6  # colours that can be told apart; where there are more, the last one is for all the others


def series_of(buckets: Sequence[EarningBucket], netuid: int | None = None) -> tuple[Series, ...]:
    """What gets a colour of its own, in a fixed order; only one subnet's when ``netuid`` is given. Where there are too
    many, those that earned most come first and the others share the last colour."""
    sums: dict[Series, int] = {}
    for one in buckets:
        if netuid is None or one.netuid == netuid:
            key = (one.netuid, one.hotkey_ss58)
            sums[key] = sums.get(key, 0) + ((one.tao_rao or 0) if netuid is None else one.alpha_rao)
    found = sorted(sums, key=lambda one: (one[0], one[1] or ""))
    if len(found) <= MOST_SERIES:
        return tuple(found)
    first = set(sorted(found, key=lambda one: -sums[one])[: MOST_SERIES - 1])
    return (*(one for one in found if one in first), *(one for one in found if one not in first))


def legend_names(series: Sequence[Series], names: dict[int, str]) -> list[str]:
    """A name for each colour."""
    if len(series) <= MOST_SERIES:
        return [series_name(one, names) for one in series]
    others = len(series) - MOST_SERIES + 1
    return [*(series_name(one, names) for one in series[: MOST_SERIES - 1]), f"{others} others"]


def series_name(series: Series, names: dict[int, str]) -> str:
    netuid, hotkey = series
    where = f"subnet {subnet_text(netuid, names.get(netuid))}"
    return where if hotkey is None else f"{short_address(hotkey)} on {netuid}"


def bars_of(
    buckets: Sequence[EarningBucket], series: Sequence[Series], names: dict[int, str], *, size: str, alpha: bool
) -> list[Bar]:
    """Bars for the chart, oldest first; heights are TAO then, or alpha. The words come from the exact amounts."""
    places = {one: min(place, MOST_SERIES - 1) for place, one in enumerate(series)}
    chosen = [one for one in buckets if (one.netuid, one.hotkey_ss58) in places]
    width, say = _width_s(chosen), partial(bucket_words, names=names, size=size)
    bars = [
        Bar(
            one.start_ms / 1000,
            width if size == "epoch" else (slot_end(one.start_ms, size) - one.start_ms) / 1000,
            _height(one.alpha_rao if alpha else one.tao_rao),
            places[one.netuid, one.hotkey_ss58],
            say,
            one,
        )
        for one in chosen
    ]
    return sorted(bars, key=lambda bar: (bar.start, bar.series))  # one colour lies in one piece


def cumulative(bars: Sequence[Bar], unit: str) -> list[Bar]:
    """The same summed up from the left: every series has a bar in every slot. What is unknown is in no sum."""
    slots = {bar.start: bar for bar in bars}
    sums: dict[int, float] = dict.fromkeys(sorted({bar.series for bar in bars}), 0.0)
    unknown = False
    since = f"{{:.6f}} {unit} since the beginning of this range"
    result: list[Bar] = []
    at: dict[tuple[float, int], list[Bar]] = {}
    for bar in bars:
        at.setdefault((bar.start, bar.series), []).append(bar)
    for start in sorted(slots):
        for series in sums:
            for bar in at.get((start, series), ()):
                unknown = unknown or bar.value is None
                sums[series] += bar.value or 0.0
        total = sum(sums.values())
        form = f"more than {since}" if unknown else since
        for number, series in enumerate(sums):
            words = _sum_words if number == 0 else ""
            result.append(Bar(start, slots[start].width, sums[series], series, words, (slots[start], total, form)))
    return result


def _sum_words(about: tuple[Bar, float, str]) -> str:
    slot, total, form = about
    when = slot.words.split(" · ")[0]
    return f"{when}\n{form.format(total)}"


def _height(rao: int | None) -> float | None:
    return None if rao is None else rao / RAO_PER_COIN


def _width_s(buckets: Sequence[EarningBucket]) -> float:
    """The usual time between two payments, of whichever subnet, so that bars stand side by side."""
    starts = sorted({bucket.start_ms for bucket in buckets})
    steps = [after - before for before, after in itertools.pairwise(starts)]
    return statistics.median(steps) / 1000 if steps else 3600.0
