"""Positions as table rows: three values that are never mixed, the share of the pool, the line of those who leave."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.agent.api.market_messages import Holdings, SeatLine
from ranvier.chain.model_stake import Holding, Portfolio
from ranvier.chain.quotes import Pool
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.models.stake import exact_price_text, percent_text, spot_text, subnet_text
from ranvier.ui.words import UNKNOWN, block_text, count_text, duration_text, short_address

_DASH = "\N{EN DASH}"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """One position with what the table and the detail say of it."""

    holding: Holding
    subnet_name: str | None
    pool: Pool | None
    line: SeatLine | None
    block: int
    block_s: float | None

    @property
    def alpha(self) -> Alpha:
        return Alpha(self.holding.alpha_rao, self.holding.netuid)

    @property
    def share_ppm(self) -> int | None:
        """Part of the alpha outside the pool, in millionths."""
        pool = self.pool
        if pool is None or pool.alpha_out_rao <= 0:
            return None
        return self.holding.alpha_rao * _MILLION // pool.alpha_out_rao

    @property
    def sale_rao(self) -> int | None:
        """TAO if what may be sold were sold now; 0 where nothing may be sold, None where no quote is known."""
        if self.holding.sale is not None:
            return self.holding.sale.gets_rao
        return 0 if not self.holding.sellable_rao else None


@dataclass(frozen=True, slots=True)
class Sums:
    """TAO values over everything. ``spot_rao`` and ``sale_rao`` are of what is known; ``unpriced`` positions are not
    in them. ``sale_rao`` is None where something may be sold and nobody tells what any of it brings."""

    free_rao: int
    spendable_rao: int
    reserved_rao: int
    spot_rao: int
    sale_rao: int | None
    locked: int
    positions: int
    unpriced: int


def sums(portfolio: Portfolio) -> Sums:
    """Totals of one portfolio. A sale of everything is reckoned subnet by subnet: what is sold later sells lower."""
    sellable = any(one.sellable_rao for one in portfolio.holdings)
    known = [one.spot_rao for one in portfolio.holdings if one.spot_rao is not None]
    return Sums(
        free_rao=portfolio.free_rao,
        spendable_rao=sum(account.spendable_rao for account in portfolio.accounts),
        reserved_rao=sum(account.reserved_rao for account in portfolio.accounts),
        spot_rao=sum(known),
        sale_rao=None if sellable and not portfolio.exits else sum(q.gets_rao for q in portfolio.exits.values()),
        locked=sum(1 for one in portfolio.holdings if one.locked_rao),
        positions=len(portfolio.holdings),
        unpriced=len(portfolio.holdings) - len(known),
    )


def holding_rows(found: Holdings) -> tuple[HoldingRow, ...]:
    """The table's rows."""
    lines = {(one.netuid, one.hotkey_ss58): one for one in found.seats}
    whole = found.portfolio
    return tuple(
        HoldingRow(
            one,
            found.names.get(one.netuid),
            whole.pools.get(one.netuid),
            lines.get((one.netuid, one.hotkey_ss58)) if one.owned else None,
            whole.block.number,
            found.block_s,
        )
        for one in whole.holdings
    )


def depth_words(row: HoldingRow) -> str:
    """What selling all that may be sold does to the price and costs."""
    sale = row.holding.sale
    if row.holding.netuid == 0:
        return "Root stake is TAO one for one: it has no pool and no price to move."
    if not row.holding.sellable_rao:
        return "Nothing of it can be sold now: all of it is locked."
    if sale is None:
        return "What a sale would bring is unknown: the pool has no price, or could not take so much."
    return (
        f"One alpha is {exact_price_text(row.holding.price_rao)} now. "
        f"Selling all of it moves the price {percent_text(sale.price_move_ppm)} and costs "
        f"{percent_text(sale.cost_ppm)} (pool fee and slippage)."
    )


def seat_words(row: HoldingRow) -> str:
    """``4 go before you; immune until block 46 002 (about 2 h)``."""
    holding, line = row.holding, row.line
    if holding.netuid == 0:
        return "Root has no miners' seats."
    if not holding.owned:
        return "Not your hotkey: its seat is its owner's concern."
    if not holding.seated:
        return "This hotkey has no seat here any more, but alpha is still on it. It can be unstaked."
    if line is None:
        return "It has a seat; its place in the line is not known yet."
    left = line.immune_until_block - row.block
    if left > 0:
        about = f" (about {duration_text(left * row.block_s)})" if row.block_s else ""
        immune = f"immune until block {block_text(line.immune_until_block)}{about}"
    else:
        immune = "immunity is over"
    return f"Seat uid {line.uid}: {_ahead_words(line)}; {immune}."


def _ahead_words(line: SeatLine) -> str:
    if line.free_seats and line.ahead is None:
        return f"{count_text(line.free_seats, 'seat')} still free, so nobody has to leave"
    if line.ahead is None:
        return "not in the line of those who leave"
    if line.ahead == 0:
        return "the next registration takes this seat"
    return f"{line.ahead} {'goes' if line.ahead == 1 else 'go'} before you"


def seat_text(row: HoldingRow) -> str:
    """The same in a table cell."""
    line = row.line
    if row.holding.netuid == 0 or not row.holding.owned:
        return _DASH
    if not row.holding.seated:
        return "no seat"
    if line is None:
        return UNKNOWN
    safe = line.immune_until_block > row.block
    if line.ahead is None:
        return "safe for now"
    return f"{line.ahead} before{', immune' if safe else ''}"


def locked_words(row: HoldingRow, portfolio: Portfolio) -> list[str]:
    """Why some of it cannot be moved, in sentences."""
    holding, found = row.holding, []
    if holding.collateral is not None:
        lock = holding.collateral
        work = ""
        if lock.work_left_rao is not None:
            work = f" It is released by earning {format_alpha(Alpha(lock.work_left_rao, holding.netuid), 6)} more."
        if lock.locked_rao:
            found.append(
                f"{format_alpha(Alpha(lock.locked_rao, holding.netuid), 6)} is a miner's collateral: "
                f"only work releases it, and it stays even if the seat is lost.{work}"
            )
        if lock.locked_rao < lock.min_locked_rao:
            floor = format_alpha(Alpha(lock.min_locked_rao, holding.netuid), 6)
            found.append(f"Pay becomes collateral until {floor} is locked: the floor that was set.")
    for one in portfolio.locks:
        if (one.coldkey_ss58, one.netuid, one.hotkey_ss58) != (
            holding.coldkey_ss58, holding.netuid, holding.hotkey_ss58,
        ):  # fmt: skip
            continue
        way = "until it is given up" if one.perpetual else "and decays with time"
        found.append(f"{format_alpha(Alpha(one.locked_rao, one.netuid), 6)} is locked for conviction, {way}.")
    if holding.auto_stake_ss58 is not None and holding.auto_stake_ss58 != holding.hotkey_ss58:
        found.append(
            f"The pay of your miners on this subnet lands on {short_address(holding.auto_stake_ss58)} instead."
        )
    return found


def holdings_model() -> RowsModel[HoldingRow]:
    """One row per hotkey, coldkey and subnet."""
    return RowsModel(
        (
            Column[HoldingRow](
                "Subnet", lambda row: subnet_text(row.holding.netuid, row.subnet_name), lambda row: row.holding.netuid
            ),
            Column[HoldingRow](
                "Hotkey",
                lambda row: short_address(row.holding.hotkey_ss58),
                lambda row: row.holding.hotkey_ss58,
                tooltip=lambda row: row.holding.hotkey_ss58,
                fixed=True,
            ),
            Column[HoldingRow](
                "Alpha",
                lambda row: _alpha_text(row, 6),
                lambda row: (row.holding.netuid, row.holding.alpha_rao),
                tooltip=_alpha_text,
                number=True,
                help="Each subnet has an alpha of its own (the number after α); they cannot be added.",
            ),
            Column[HoldingRow](
                "At spot",
                lambda row: spot_text(row.holding.spot_rao),
                lambda row: row.holding.spot_rao,
                tooltip=lambda row: (
                    f"{spot_text(row.holding.spot_rao, 9)}\nat {exact_price_text(row.holding.price_rao)}"
                ),
                number=True,
                help="Alpha times price. A sale would give less: slippage and fee come off.",
            ),
            Column[HoldingRow](
                "If sold now",
                lambda row: spot_text(row.sale_rao),
                lambda row: row.sale_rao,
                tooltip=lambda row: f"{spot_text(row.sale_rao, 9)}\n{depth_words(row)}",
                number=True,
                help="What selling all of this position that is not locked would bring now, after fee and slippage.",
            ),
            Column[HoldingRow](
                "Locked",
                lambda row: _locked_text(row.holding),
                lambda row: (row.holding.netuid, row.holding.locked_rao),
                tooltip=lambda row: format_alpha(Alpha(row.holding.locked_rao, row.holding.netuid)),
                number=True,
                help="Alpha that cannot be unstaked now: a miner's collateral, a conviction lock.",
            ),
            Column[HoldingRow](
                "Share",
                lambda row: UNKNOWN if row.share_ppm is None else percent_text(row.share_ppm),
                lambda row: row.share_ppm,
                number=True,
                help="Of all alpha of the subnet that is outside its pool.",
                spare=1,
            ),
            Column[HoldingRow](
                "Seat",
                seat_text,
                _seat_rank,
                tooltip=seat_words,
                help="How many hotkeys would be removed before this one if registrations came now.",
                spare=2,
            ),
        ),
        key=lambda row: (row.holding.coldkey_ss58, row.holding.hotkey_ss58, row.holding.netuid),
    )


def _seat_rank(row: HoldingRow) -> int:
    if row.line is None:
        return 1 << 20
    return (1 << 16) if row.line.ahead is None else row.line.ahead


def _alpha_text(row: HoldingRow, places: int = 9) -> str:
    """Root stake is TAO."""
    return format_alpha(row.alpha, places) if row.holding.netuid else format_tao(Tao(row.holding.alpha_rao), places)


def _locked_text(holding: Holding) -> str:
    return format_alpha(Alpha(holding.locked_rao, holding.netuid), 6) if holding.locked_rao else _DASH
