"""Earnings as table rows, chart bars and totals. Alpha is summed per subnet only."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ranvier.agent.messages import EarningBucket, EarningRow
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.models.stake import exact_price_text, price_text, spot_text, subnet_text
from ranvier.ui.words import block_text, count_text, local_time, short_address, short_hash

DAY_MS = 86_400_000  # the ledger's days are UTC days


@dataclass(frozen=True, slots=True)
class SubnetTotal:
    """What one subnet paid in the range. ``tao`` is the known part; ``unpriced`` days or epochs have no price."""

    netuid: int
    alpha: Alpha
    tao: Tao
    unpriced: int
    epochs: int


def row_key(row: EarningRow) -> tuple[object, ...]:
    """The fact that a payment is: repeated news of it changes nothing."""
    return (row.block, row.netuid, row.mechanism, row.uid, row.hotkey_ss58)


def value_rao(row: EarningRow) -> int | None:
    """TAO value at the price of that epoch, or None."""
    if row.price_rao is None:
        return None
    return Alpha(row.alpha_rao, row.netuid).at_price(row.price_rao).rao


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


def fold_in(buckets: Sequence[EarningBucket], rows: Sequence[EarningRow], *, epoch: bool) -> list[EarningBucket]:
    """``buckets`` with new rows added to the UTC day they fall in, or each to its own epoch.

    Used between two refreshes only; the ledger's own sums replace it at the next one.
    """
    result = {(bucket.start_ms, bucket.netuid): bucket for bucket in buckets}
    for row in rows:
        start = row.time_ms if epoch else row.time_ms - row.time_ms % DAY_MS
        old = result.get((start, row.netuid)) or EarningBucket(start, row.netuid, 0, 0, 0)
        value = value_rao(row)
        tao = None if value is None or old.tao_rao is None else old.tao_rao + value
        result[start, row.netuid] = EarningBucket(start, row.netuid, old.alpha_rao + row.alpha_rao, tao, old.epochs + 1)
    return sorted(result.values(), key=lambda bucket: (bucket.start_ms, bucket.netuid))


def bucket_words(bucket: EarningBucket, names: dict[int, str], *, epoch: bool) -> str:
    """What hovering a bar says."""
    when = local_time(bucket.start_ms) if epoch else f"{_utc_day(bucket.start_ms)} (UTC)"
    alpha = format_alpha(Alpha(bucket.alpha_rao, bucket.netuid), 6)
    value = "value unknown" if bucket.tao_rao is None else f"{format_tao(Tao(bucket.tao_rao), 6)} then"
    subnet = subnet_text(bucket.netuid, names.get(bucket.netuid))
    return f"{when} · subnet {subnet}\n{alpha} · {value} · {count_text(bucket.epochs, 'epoch')}"


def _utc_day(time_ms: int) -> str:
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC).strftime("%Y-%m-%d")


def earnings_model(names: dict[int, str]) -> RowsModel[EarningRow]:
    """The payments table. ``names`` (netuid -> name) may be filled later; it is looked up on each draw."""
    return RowsModel(
        (
            Column[EarningRow]("Time", lambda row: local_time(row.time_ms), lambda row: row.time_ms),
            Column[EarningRow](
                "Subnet", lambda row: subnet_text(row.netuid, names.get(row.netuid)), lambda row: row.netuid
            ),
            Column[EarningRow]("Epoch block", lambda row: block_text(row.block), lambda row: row.block, number=True),
            Column[EarningRow](
                "Hotkey",
                lambda row: short_address(row.hotkey_ss58),
                lambda row: row.hotkey_ss58,
                tooltip=lambda row: f"{row.hotkey_ss58} (uid {row.uid})",
                fixed=True,
            ),
            Column[EarningRow](
                "Alpha",
                lambda row: format_alpha(Alpha(row.alpha_rao, row.netuid), 6),
                lambda row: (row.netuid, row.alpha_rao),
                tooltip=lambda row: format_alpha(Alpha(row.alpha_rao, row.netuid)),
                number=True,
            ),
            Column[EarningRow](
                "Price then",
                lambda row: price_text(row.price_rao),
                lambda row: row.price_rao,
                tooltip=lambda row: exact_price_text(row.price_rao),
                number=True,
                help="TAO for one alpha at the block of the epoch.",
            ),
            Column[EarningRow](
                "Value then",
                lambda row: spot_text(value_rao(row)),
                value_rao,
                tooltip=lambda row: spot_text(value_rao(row), 9),
                number=True,
                help="Alpha times the price at that block; not what a sale gave.",
            ),
            Column[EarningRow](
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
