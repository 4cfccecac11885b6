"""What a plan expects, held against what happened: one finding in plain words for each change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ranvier.chain.model import Change, Effect, Fact
from ranvier.core.units import Alpha, Tao, format_rao
from ranvier.keys import addresses

# Share pools round, each time to nobody's profit by more than this.
_ROUNDING_RAO = 4
_MILLION = 1_000_000


def merged(effects: Iterable[Effect]) -> list[Effect]:
    """One effect for each account or position; a sum has a floor only if every part has one."""
    found: dict[tuple[str, str | None, int | None], Effect] = {}
    for effect in effects:
        key = (effect.coldkey_ss58, effect.hotkey_ss58, effect.netuid)
        before = found.get(key)
        if before is None:
            found[key] = effect
            continue
        floors = (before.at_least_rao, effect.at_least_rao)
        floor = None if floors[0] is None or floors[1] is None else floors[0] + floors[1]
        found[key] = Effect(*key, before.expected_rao + effect.expected_rao, floor)
    return list(found.values())


def judge(
    changes: Sequence[Change], fee_rao: int | None, fee_payer_ss58: str | None, disturbed: frozenset[int]
) -> tuple[tuple[str, ...], bool | None]:
    """(sentences, whether it did what the plan said; None when that cannot be told).

    ``disturbed``: netuids whose positions changed in the same block for other reasons (an epoch paid).
    """
    if not changes:
        return (), None
    verdicts = [_one(change, fee_rao or 0, fee_payer_ss58, disturbed) for change in changes]
    sentences = tuple(sentence for sentence, _ in verdicts)
    results = [result for _, result in verdicts]
    if False in results:
        return sentences, False
    return sentences, None if None in results else True


def judge_facts(facts: Sequence[tuple[Fact, bool | None]]) -> tuple[tuple[str, ...], bool | None]:
    """The same for what the chain says besides amounts (None: it could not be read)."""
    if not facts:
        return (), None
    words = {True: "The chain says: {}", False: "The chain does not say: {}", None: "It could not be read whether: {}"}
    results = [holds for _, holds in facts]
    sentences = tuple(words[holds].format(fact.words) for fact, holds in facts)
    return sentences, False if False in results else None if None in results else True


def together(*verdicts: tuple[tuple[str, ...], bool | None]) -> tuple[tuple[str, ...], bool | None]:
    """Several such verdicts as one; those without a sentence say nothing."""
    said = [verdict for verdict in verdicts if verdict[0]]
    results = [result for _, result in said]
    sentences = tuple(sentence for found, _ in said for sentence in found)
    return sentences, None if not said or (None in results and False not in results) else False not in results


def _one(change: Change, fee: int, payer: str | None, disturbed: frozenset[int]) -> tuple[str, bool | None]:
    effect = change.effect
    name = _name(effect)
    if change.before_rao is None or change.after_rao is None:
        return f"{name}: what became of it could not be read.", None
    real = change.after_rao - change.before_rao
    if effect.netuid is None and payer == effect.coldkey_ss58:
        real += fee
    wanted = effect.expected_rao
    moved = f"{name}: {_signed(real, effect)}"
    slack = 0 if effect.netuid is None else _ROUNDING_RAO
    if abs(real - wanted) <= slack:
        return f"{moved}, exactly as planned.", True
    if effect.netuid in disturbed and effect.netuid is not None:
        return f"{moved}, planned {_signed(wanted, effect)}; an epoch paid in the same block, so they differ.", None
    far = abs(real - wanted) * _MILLION // abs(wanted) if wanted else _MILLION
    by = f"{far // 10_000}.{far % 10_000 // 100:02d} %" if far >= 100 else "below 0.01 %"
    difference = f"{_amount(abs(real - wanted), effect)} ({by}) {_word(real, wanted)} than planned"
    if real > wanted:
        return f"{moved}, {difference}.", True
    if effect.at_least_rao is None and effect.netuid is not None and wanted < 0 and change.after_rao <= slack:
        return f"{moved}, all that was there: {_amount(wanted - real, effect)} came to it after the plan.", True
    if effect.at_least_rao is None:
        return f"{moved}, {difference}: the price moved, and there was no limit.", None
    if real + slack >= effect.at_least_rao:
        return f"{moved}, {difference}: the price moved, within your limit.", True
    return f"{moved}, {difference}: that is beyond what the plan allows.", False


def _word(real: int, wanted: int) -> str:
    """What went away is less when less of it went: the sign does not make it more."""
    if wanted < 0 and real <= 0:
        return "less was taken" if real > wanted else "more was taken"
    return "more" if real > wanted else "less"


def _name(effect: Effect) -> str:
    if effect.netuid is None:
        return f"TAO of {addresses.short(effect.coldkey_ss58)}"
    what = "Alpha" if effect.netuid else "Root stake"
    return f"{what} of {addresses.short(effect.coldkey_ss58)} on {addresses.short(effect.hotkey_ss58 or '')}"


def _amount(rao: int, effect: Effect) -> str:
    return str(Alpha(rao, effect.netuid) if effect.netuid else Tao(rao))  # root stake is TAO


def _signed(rao: int, effect: Effect) -> str:
    unit = f"α{effect.netuid}" if effect.netuid else "TAO"
    return f"{'+' if rao >= 0 else ''}{format_rao(rao)} {unit}"
