"""The figures above the earnings: everything in TAO and beside the period before, each subnet's alpha, net of costs."""

from __future__ import annotations

from collections.abc import Sequence

from ranvier.agent.api.messages import CostsView, EarningBucket
from ranvier.core.units import Tao, format_alpha, format_tao
from ranvier.ui.models.earnings import Comparison, SubnetTotal, comparison_words, subnet_totals
from ranvier.ui.models.stake import subnet_text
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.figures import Figure, FigureRow
from ranvier.ui.words import count_text

_SUBNETS = 3
_MICRO = 1_000_000


class EarningSums(Card):
    """Drawn anew with each answer of the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self._row = FigureRow()
        self.add(self._row)
        self.figures: list[Figure] = []

    def show_sums(
        self,
        buckets: Sequence[EarningBucket],
        names: dict[int, str],
        comparison: Comparison | None,
        period: str,
        currency: str | None,
        costs: CostsView | None,
    ) -> None:
        """``comparison`` None: there is no period before; ``costs`` None: not told, or in another currency."""
        self.figures = []
        totals = subnet_totals(buckets)
        by_miner = any(one.hotkey_ss58 is not None for one in buckets)
        whole = sum(total.tao.rao for total in totals)
        unpriced = any(total.unpriced for total in totals)
        note = "at the price of each epoch" if comparison is None else comparison_words(comparison, period)
        if unpriced:
            note = f"and more: a price is missing; {note}"
        known = bool(whole) or not unpriced
        self._add("Earned, value then", _tao(whole) if known else None, note)
        if currency is not None:
            self._add_net(buckets, currency, costs)
        for total in totals[:_SUBNETS]:
            name = f"Subnet {subnet_text(total.netuid, names.get(total.netuid))}"
            self._add(name, format_alpha(total.alpha, 6), total_words(total, by_miner=by_miner))
        if len(totals) > _SUBNETS:
            rest = sum(total.epochs for total in totals[_SUBNETS:])
            many = count_text(rest, "payment" if by_miner else "epoch")
            self._add("Other subnets", str(len(totals) - _SUBNETS), f"{many}; see the chart")
        self._row.show_figures(self.figures)

    def _add_net(self, buckets: Sequence[EarningBucket], currency: str, costs: CostsView | None) -> None:
        values = [one.fiat_micro for one in buckets]
        gross = sum(value for value in values if value is not None)
        missing = "; a price is missing" if None in values else ""
        if costs is None:
            self._add(f"In {currency}", fiat_text(gross, currency), f"at each day's price, gross{missing}")
            return
        spent = sum(amount for _, _, amount in costs.slots)
        if costs.tariff is not None and not costs.electricity:
            missing += "; electricity not counted: nothing here told its watts"
        note = f"{fiat_text(gross, currency)} earned, {fiat_text(spent, currency)} spent{missing}"
        self._add("Net of costs", fiat_text(gross - spent, currency), f"{note}. {costs.note}".strip())

    def _add(self, name: str, value: str | None, note: str) -> None:
        figure = Figure(name)
        figure.show_value(value, note)
        self.figures.append(figure)


def total_words(total: SubnetTotal, *, by_miner: bool = False) -> str:
    """The TAO value below a subnet's alpha, and how much of it is known. By miner each one's epochs are counted."""
    payments = count_text(total.epochs, "payment" if by_miner else "epoch")
    if not total.unpriced:
        return f"{format_tao(total.tao, 6)} then · {payments}"
    if not total.tao:
        return f"TAO value unknown · {payments}"
    return f"more than {format_tao(total.tao, 6)} then (a price is missing) · {payments}"


def fiat_text(micro: int, currency: str) -> str:
    """``−12.34 EUR``, cut off after the cents."""
    sign = "\N{MINUS SIGN}" if micro < 0 else ""
    whole, rest = divmod(abs(micro), _MICRO)
    groups = f"{whole:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{sign}{groups}.{rest // 10_000:02d} {currency}"


def _tao(rao: int) -> str:
    return format_tao(Tao(rao), 6)
