"""Stake positions as table rows, and totals that never add alphas of different subnets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ranvier.agent.messages import Portfolio
from ranvier.chain.model import StakePosition, Subnet
from ranvier.core.units import Alpha, Tao, format_alpha, format_rao, format_tao
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.words import UNKNOWN, short_address


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One position with its subnet's name (None when the portfolio does not carry that subnet)."""

    position: StakePosition
    subnet_name: str | None

    @property
    def alpha(self) -> Alpha:
        return Alpha(self.position.alpha_rao, self.position.netuid)


@dataclass(frozen=True, slots=True)
class Totals:
    """TAO in hand and stake at spot price. ``unpriced`` positions are in no sum."""

    free: Tao
    spendable: Tao
    staked_spot: Tao
    positions: int
    unpriced: int

    @property
    def spot(self) -> Tao:
        return self.free + self.staked_spot


def totals(portfolio: Portfolio) -> Totals:
    """Sums of one portfolio. Only TAO values are added; a position without a price is counted, not valued."""
    known = [position.spot_rao for position in portfolio.positions if position.spot_rao is not None]
    return Totals(
        free=Tao(sum(balance.free_rao for balance in portfolio.balances)),
        spendable=Tao(sum(balance.spendable_rao for balance in portfolio.balances)),
        staked_spot=Tao(sum(known)),
        positions=len(portfolio.positions),
        unpriced=len(portfolio.positions) - len(known),
    )


def position_rows(portfolio: Portfolio) -> tuple[PositionRow, ...]:
    """The table's rows, each with its subnet's name."""
    names = {subnet.netuid: subnet.name for subnet in portfolio.subnets}
    return tuple(PositionRow(position, names.get(position.netuid)) for position in portfolio.positions)


def subnet_text(netuid: int, name: str | None) -> str:
    """``1 · practice``, or the bare number."""
    return f"{netuid} · {name}" if name else str(netuid)


def subnet_names(subnets: Iterable[Subnet]) -> dict[int, str]:
    """Names by netuid."""
    return {subnet.netuid: subnet.name for subnet in subnets}


def price_text(price_rao: int | None) -> str:
    """TAO for one alpha, cut to six decimals."""
    return UNKNOWN if price_rao is None else f"{format_rao(price_rao, 6)} TAO"


def exact_price_text(price_rao: int | None) -> str:
    """All nine decimals."""
    return UNKNOWN if price_rao is None else f"{format_rao(price_rao)} TAO"


def spot_text(rao: int | None, decimals: int = 6) -> str:
    """A TAO value cut to ``decimals``; the tooltip has all nine."""
    return UNKNOWN if rao is None else format_tao(Tao(rao), decimals)


def stake_model() -> RowsModel[PositionRow]:
    """The positions table: one row per hotkey, coldkey and subnet."""
    return RowsModel(
        (
            Column[PositionRow](
                "Subnet",
                lambda row: subnet_text(row.position.netuid, row.subnet_name),
                lambda row: row.position.netuid,
            ),
            Column[PositionRow](
                "Hotkey",
                lambda row: short_address(row.position.hotkey_ss58),
                lambda row: row.position.hotkey_ss58,
                tooltip=lambda row: row.position.hotkey_ss58,
                fixed=True,
            ),
            Column[PositionRow](
                "Alpha",
                lambda row: format_alpha(row.alpha, 6),
                lambda row: (row.position.netuid, row.position.alpha_rao),
                tooltip=lambda row: format_alpha(row.alpha),
                number=True,
                help="Each subnet has an alpha of its own (the number after α); they cannot be added.",
            ),
            Column[PositionRow](
                "Price now",
                lambda row: price_text(row.position.price_rao),
                lambda row: row.position.price_rao,
                tooltip=lambda row: exact_price_text(row.position.price_rao),
                number=True,
                help="TAO for one alpha in the subnet's pool at this block.",
            ),
            Column[PositionRow](
                "Value at spot",
                lambda row: spot_text(row.position.spot_rao),
                lambda row: row.position.spot_rao,
                tooltip=lambda row: (
                    "Not known" if row.position.spot_rao is None else spot_text(row.position.spot_rao, 9)
                ),
                number=True,
                help="Alpha times price. A sale would give less: slippage and fee come off.",
            ),
        ),
        key=lambda row: (row.position.coldkey_ss58, row.position.hotkey_ss58, row.position.netuid),
    )
