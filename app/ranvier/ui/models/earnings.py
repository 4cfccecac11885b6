"""Earnings as table rows, chart bars and totals. Alpha is summed per subnet only."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ranvier.agent.api.messages import ChainView, EarningBucket
from ranvier.core.evidence import Level
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao
from ranvier.ledger.coverage import Gap
from ranvier.ledger.payments import Payment
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.models.stake import exact_price_text, price_text, spot_text, subnet_text
from ranvier.ui.words import block_text, count_text, here_text, short_address, short_hash, utc_time

DAY_MS = 86_400_000  # the ledger's days are UTC days


@dataclass(frozen=True, slots=True)
class SubnetTotal:
    """What one subnet paid in the range. ``tao`` is the known part; ``unpriced`` days or epochs have no price."""

    netuid: int
    alpha: Alpha
    tao: Tao
    unpriced: int
    epochs: int


def row_key(row: Payment) -> tuple[object, ...]:
    """The fact that a payment is: repeated news of it changes nothing."""
    return (row.block, row.netuid, row.mechanism, row.uid, row.hotkey_ss58)


def subnet_totals(buckets: Iterable[EarningBucket]) -> tuple[SubnetTotal, ...]:
    """One total per subnet, by netuid."""
    found: dict[int, list[EarningBucket]] = {}
    for bucket in buckets:
        found.setdefault(bucket.netuid, []).append(bucket)
    return tuple(_total(netuid, found[netuid]) for netuid in sorted(found))


def _total(netuid: int, buckets: Sequence[EarningBucket]) -> SubnetTotal:
    values = [bucket.tao_rao for bucket in buckets]
    known = [value for value in values if value is not None]
    return SubnetTotal(
        netuid=netuid,
        alpha=Alpha(sum(bucket.alpha_rao for bucket in buckets), netuid),
        tao=Tao(sum(known)),
        unpriced=len(values) - len(known),
        epochs=sum(bucket.epochs for bucket in buckets),
    )


def fold_in(
    buckets: Sequence[EarningBucket], rows: Sequence[Payment], *, size: str, by_hotkey: bool = False
) -> list[EarningBucket]:
    """``buckets`` with new rows added to the slot they fall in (``slot_start``).

    Used between two refreshes only; the ledger's own sums replace it at the next one. Fiat is left to the ledger.
    """
    result = {(one.start_ms, one.netuid, one.hotkey_ss58): one for one in buckets}
    for row in rows:
        key = (slot_start(row.time_ms, size), row.netuid, row.hotkey_ss58 if by_hotkey else None)
        old = result.get(key) or EarningBucket(key[0], row.netuid, 0, 0, 0, key[2])
        tao = None if row.tao_rao is None or old.tao_rao is None else old.tao_rao + row.tao_rao
        result[key] = EarningBucket(key[0], row.netuid, old.alpha_rao + row.alpha_rao, tao, old.epochs + 1, key[2])
    return sorted(result.values(), key=lambda one: (one.start_ms, one.netuid, one.hotkey_ss58 or ""))


def slot_start(time_ms: int, size: str) -> int:
    """Where the epoch, UTC day, ISO week (Monday) or month of a moment begins."""
    if size == "epoch":
        return time_ms
    day = time_ms // DAY_MS
    if size == "week":
        return (day - (day + 3) % 7) * DAY_MS
    if size == "month":
        moment = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC)
        return (day - moment.day + 1) * DAY_MS
    return day * DAY_MS


def slot_end(start_ms: int, size: str) -> int:
    """Where it ends; epochs have no length of their own here."""
    if size == "month":
        return slot_start(start_ms + 32 * DAY_MS, size)
    return start_ms + {"day": 1, "week": 7}.get(size, 0) * DAY_MS


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the known part of a period is worth beside the one before it."""

    now_rao: int
    before_rao: int
    complete: bool

    @property
    def change(self) -> float | None:
        """``0.12`` for twelve percent more; None where there is nothing to compare with."""
        return (self.now_rao - self.before_rao) / self.before_rao if self.before_rao else None


def compared(now: Iterable[EarningBucket], before: Iterable[EarningBucket]) -> Comparison:
    """Two periods by their TAO value at each epoch's price."""
    first, second = [one.tao_rao for one in now], [one.tao_rao for one in before]
    return Comparison(
        sum(one for one in first if one is not None),
        sum(one for one in second if one is not None),
        None not in first and None not in second,
    )


def comparison_words(found: Comparison, period: str) -> str:
    """``12 % more than in the 7 days before``."""
    change = found.change
    if change is None:
        return f"nothing known of the {period} before"
    word = "more" if change >= 0 else "less"
    known = "" if found.complete else ", as far as prices are known"
    return f"{abs(change) * 100:.0f} % {word} than in the {period} before{known}"


def gap_words(gap: Gap, names: dict[int, str]) -> str:
    """What is not known, and why."""
    where = f"subnet {subnet_text(gap.netuid, names.get(gap.netuid))}, hotkey {short_address(gap.hotkey_ss58)}"
    span = f"blocks {block_text(gap.from_block)} to {block_text(gap.to_block)}"
    why = gap.reason or "being read now"
    return f"{where}: {span} ({why})"


def gap_spans(
    gaps: Iterable[Gap], rows: Sequence[Payment], block_s: float | None = None
) -> tuple[tuple[float, float, str], ...]:
    """Gaps as (from, to, sentence) in Unix seconds: heights become times by the rows nearest to them.

    Without two rows of different heights the pace is unknown and nothing is drawn; the sentence below says it still.
    """
    ordered = sorted({(row.block, row.time_ms) for row in rows})
    if len(ordered) < 2:
        return ()
    (first, first_ms), (last, last_ms) = ordered[0], ordered[-1]
    pace = (last_ms - first_ms) / (last - first) if block_s is None else block_s * 1000

    def at(block: int) -> float:
        return (last_ms + (block - last) * pace) / 1000

    def words(one: Gap) -> str:
        return f"Blocks {block_text(one.from_block)} to {block_text(one.to_block)}: not known"

    return tuple((at(one.from_block), at(one.to_block + 1), words(one)) for one in gaps)


def nothing_words(period: str | None, chain: ChainView | None, gaps: Sequence[Gap]) -> tuple[str, str]:
    """Title and sentence where the ledger has no payment to show: none is one thing, not known another.

    ``period`` None is everything; ``chain`` None: the agent has told nothing yet.
    """
    where = "in the ledger yet" if period is None else f"in the last {period}"
    if chain is None or chain.head is None:
        why = "The agent has told nothing yet." if chain is None else chain.text
        later = "What was paid meanwhile is read as soon as the network answers."
        return "Earnings are not known", f"No payment is known {where}, and the network was not read: {why} {later}"
    if gaps:
        blocks = f"blocks {block_text(gaps[0].from_block)} to {block_text(gaps[0].to_block)}"
        why = gaps[0].reason or "being read now"
        more = f", and {len(gaps) - 1} more spans" if len(gaps) > 1 else ""
        return "Earnings are not known", f"No payment is known {where}; not read: {blocks} ({why}){more}."
    late = "" if chain.level is Level.GOOD else f" That is as of block {block_text(chain.head.number)}: {chain.text}"
    paid = "A registered miner is paid at the end of an epoch when validators have scored it."
    return "No earnings here", f"No payment {where}. {paid}{late}"


def slot_words(start_ms: int, size: str) -> str:
    """``2026-11-22 (UTC)``, ``week from 2026-11-16``, ``November 2026``, or the epoch's own time, all in UTC."""
    if size == "epoch":
        return f"{utc_time(start_ms)} (UTC)"
    if size == "month":
        return datetime.datetime.fromtimestamp(start_ms / 1000, datetime.UTC).strftime("%B %Y (UTC)")
    return f"{'week from ' if size == 'week' else ''}{_utc_day(start_ms)} (UTC)"


def bucket_words(bucket: EarningBucket, names: dict[int, str], *, size: str) -> str:
    """What hovering a bar says."""
    when = slot_words(bucket.start_ms, size)
    miner = "" if bucket.hotkey_ss58 is None else f", {short_address(bucket.hotkey_ss58)}"
    alpha = format_alpha(Alpha(bucket.alpha_rao, bucket.netuid), 6)
    value = "value unknown" if bucket.tao_rao is None else f"{format_tao(Tao(bucket.tao_rao), 6)} then"
    subnet = subnet_text(bucket.netuid, names.get(bucket.netuid))
    return f"{when} · subnet {subnet}{miner}\n{alpha} · {value} · {count_text(bucket.epochs, 'epoch')}"


def _utc_day(time_ms: int) -> str:
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC).strftime("%Y-%m-%d")


def earnings_model(names: dict[int, str]) -> RowsModel[Payment]:
    """The payments table. ``names`` (netuid -> name) may be filled later; it is looked up on each draw."""
    return RowsModel(
        (
            Column[Payment](
                "Time (UTC)",
                lambda row: utc_time(row.time_ms),
                lambda row: row.time_ms,
                tooltip=lambda row: here_text(row.time_ms),
                help="The chart, the sums and the exports are in UTC too.",
            ),
            Column[Payment](
                "Subnet", lambda row: subnet_text(row.netuid, names.get(row.netuid)), lambda row: row.netuid
            ),
            Column[Payment](
                "Block",
                lambda row: block_text(row.block),
                lambda row: row.block,
                number=True,
                help="The block of the epoch that paid.",
            ),
            Column[Payment](
                "Hotkey",
                lambda row: short_address(row.hotkey_ss58),
                lambda row: row.hotkey_ss58,
                tooltip=lambda row: f"{row.hotkey_ss58} (uid {row.uid})",
                fixed=True,
                spare=2,
            ),
            Column[Payment](
                "Alpha",
                lambda row: format_alpha(Alpha(row.alpha_rao, row.netuid), 6),
                lambda row: (row.netuid, row.alpha_rao),
                tooltip=lambda row: format_alpha(Alpha(row.alpha_rao, row.netuid)),
                number=True,
            ),
            Column[Payment](
                "Price then",
                lambda row: price_text(row.price_rao),
                lambda row: row.price_rao,
                tooltip=lambda row: exact_price_text(row.price_rao),
                number=True,
                help="TAO for one alpha at the block of the epoch.",
                spare=1,
            ),
            Column[Payment](
                "Value then",
                lambda row: spot_text(row.tao_rao),
                lambda row: row.tao_rao,
                tooltip=lambda row: spot_text(row.tao_rao, 9),
                number=True,
                help="Alpha times the price at that block; not what a sale gave.",
            ),
            Column[Payment](
                "Proof",
                lambda row: short_hash(row.block_hash),
                lambda row: row.block_hash,
                tooltip=lambda row: f"Block {row.block_hash}\nDouble-click to copy the hash.",
                fixed=True,
                help="The block that paid. Anybody can look it up.",
            ),
        ),
        key=row_key,
    )
