"""Subnets as table rows and sentences: what each pays and asks, how it is shared out, what a machine might earn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranvier.agent.api.market_messages import SubnetDetail, SubnetsView, SubnetView
from ranvier.chain.concentration import Concentration
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao, format_alpha, format_rao, format_tao
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.models.stake import exact_price_text, percent_text, subnet_text
from ranvier.ui.words import UNKNOWN, block_text, count_text, duration_text

_DAY_S, _HOUR_S = 86_400.0, 3600.0
_SEATS = 8  # that are named
_DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class MarketRow:
    """A subnet with the pace of its chain. Daily amounts are estimates from the last epoch, rounded down."""

    view: SubnetView
    block_s: float | None

    @property
    def epochs_a_day(self) -> float | None:
        subnet = self.view.subnet
        if self.block_s is None or subnet.tempo <= 0:
            return None
        # By the clock (spec 343) an epoch is a block longer than the tempo; counted from the last one (425) it is not.
        due = 0 if subnet.next_epoch_block is None else subnet.next_epoch_block - subnet.last_epoch_block
        return _DAY_S / self.block_s / (subnet.tempo + 1 if due == subnet.tempo + 1 else subnet.tempo)

    @property
    def miner_day(self) -> tuple[int, int, int] | None:
        """Alpha of a day in rao: lower quartile, median, upper quartile of the miners who earn."""
        pays, epochs = self.view.miner_quartiles, self.epochs_a_day
        if pays is None or epochs is None:
            return None
        low, middle, high = (int(pay * epochs) for pay in pays)
        return low, middle, high

    @property
    def miner_day_tao(self) -> tuple[int, int, int] | None:
        """The same in rao of TAO at the price now."""
        pays, price = self.miner_day, self.view.subnet.price_rao
        if pays is None or price is None:
            return None
        low, middle, high = (Alpha(pay, self.view.subnet.netuid).at_price(price).rao for pay in pays)
        return low, middle, high

    @property
    def tao_day(self) -> int | None:
        """TAO that flows into its pool in a day."""
        per_block = self.view.tao_per_block_rao
        return None if per_block is None or self.block_s is None else int(per_block * _DAY_S / self.block_s)

    @property
    def alpha_day(self) -> Alpha | None:
        """What the subnet pays in a day to miners, validators and its owner together."""
        per_block = self.view.alpha_per_block_rao
        if per_block is None or self.block_s is None:
            return None
        return Alpha(int(per_block * _DAY_S / self.block_s), self.view.subnet.netuid)


def market_rows(found: SubnetsView) -> tuple[MarketRow, ...]:
    return tuple(MarketRow(view, found.block_s) for view in found.subnets)


def market_model() -> RowsModel[MarketRow]:
    """One row per subnet."""
    return RowsModel(
        (
            Column[MarketRow](
                "Subnet",
                lambda row: subnet_text(row.view.subnet.netuid, row.view.subnet.name),
                lambda row: row.view.subnet.netuid,
            ),
            Column[MarketRow](
                "Price, TAO",
                lambda row: UNKNOWN if (p := row.view.subnet.price_rao) is None else format_rao(p, 6),
                lambda row: row.view.subnet.price_rao,
                tooltip=lambda row: exact_price_text(row.view.subnet.price_rao),
                number=True,
                help="TAO for one alpha in the subnet's pool at this block.",
            ),
            Column[MarketRow](
                "Inflow, TAO a day",
                lambda row: UNKNOWN if row.tao_day is None else _tao_text(row.tao_day),
                lambda row: row.tao_day,
                number=True,
                help="TAO that the chain puts into this subnet's pool in a day, added or for alpha that it buys, at "
                "the pace of this block. Pay is alpha, not this TAO: it can be worth more at the price now, but "
                "whoever sells it is paid from the pool.",
            ),
            Column[MarketRow](
                "Earning",
                lambda row: f"{row.view.earners} of {row.view.subnet.neurons}",
                lambda row: row.view.earners,
                number=True,
                help="Seats with incentive in the last epoch, of all that are taken.",
                spare=3,
            ),
            Column[MarketRow](
                "Median pay, TAO a day",
                _day_text,
                lambda row: None if (t := row.miner_day_tao) is None else t[1],
                tooltip=range_words,
                number=True,
                help="The alpha of the miners who earn, as in the last epoch, at the price now: the middle one, and "
                "from the lower to the upper quartile. A sale moves the price, and gives less.",
            ),
            Column[MarketRow](
                "Seat, TAO",
                lambda row: _seat_price(row.view),
                lambda row: row.view.subnet.register_rao if row.view.subnet.registration_open else None,
                number=True,
                help="The price of a registration in TAO now; it rises with each and falls over time.",
            ),
            Column[MarketRow](
                "Immune",
                lambda row: immunity_text(row.view.subnet.immunity_blocks, row.block_s),
                lambda row: row.view.subnet.immunity_blocks,
                tooltip=lambda row: count_text(row.view.subnet.immunity_blocks, "block"),
                number=True,
                help="How long a new seat cannot be taken away.",
                spare=2,
            ),
            Column[MarketRow](
                "Effective",
                lambda row: effective_text(row.view.incentive),
                lambda row: row.view.incentive.effective,
                tooltip=lambda row: sharing_words("Miners' incentive", row.view.incentive),
                number=True,
                help="How concentrated miners' pay is: as if so many equal ones shared it. 1 is one who takes all.",
                spare=1,
            ),
        ),
        key=lambda row: row.view.subnet.netuid,
    )


def _tao_text(rao: int) -> str:
    """Two decimals, and four where two would not tell it from nothing."""
    return format_rao(rao, 2 if rao >= RAO_PER_COIN or not rao else 4)


def _day_text(row: MarketRow) -> str:
    pays = row.miner_day_tao
    if pays is None:
        return UNKNOWN
    places = _places(pays[1])
    low, median, high = (format_rao(rao, places) for rao in pays)
    return f"{median} ({low} to {high})"


def _places(rao: int) -> int:
    """Decimals of a day's pay of about this much."""
    return 4 if rao < 100 * RAO_PER_COIN else 2


def _seat_price(view: SubnetView) -> str:
    return format_rao(view.subnet.register_rao, 4) if view.subnet.registration_open else "closed"


def _range_text(pays: tuple[int, int, int] | None) -> str:
    return UNKNOWN if pays is None else f"{format_rao(pays[0], 4)} to {format_rao(pays[2], 4)}"


def immunity_text(blocks: int, block_s: float | None) -> str:
    """As time where the pace is known."""
    return count_text(blocks, "block") if block_s is None else duration_text(blocks * block_s)


def effective_text(found: Concentration) -> str:
    """``3.4 of 12``."""
    return UNKNOWN if found.effective is None else f"{found.effective:.1f}"


def sharing_words(what: str, found: Concentration) -> str:
    """How something is shared out, in one sentence."""
    if found.effective is None or found.top1 is None or found.gini is None:
        return f"{what}: nobody has any."
    top3 = "" if found.top3 is None or found.holders <= 3 else f", the largest three {found.top3 * 100:.0f} %"
    majority = "one holder decides alone" if found.nakamoto == 1 else f"{found.nakamoto} holders together decide"
    return (
        f"{what}: {count_text(found.holders, 'holder')}; the largest has {found.top1 * 100:.0f} %{top3}; "
        f"as concentrated as {found.effective:.1f} equal ones; {majority}; Gini {found.gini:.2f}."
    )


def range_words(row: MarketRow) -> str:
    """The middle half in alpha and in TAO."""
    pays, value = row.miner_day, row.miner_day_tao
    netuid = row.view.subnet.netuid
    if pays is None:
        return "Nobody earned in the last epoch, or the pace of the chain is not known."
    alpha = f"{format_alpha(Alpha(pays[0], netuid), 4)} to {format_alpha(Alpha(pays[2], netuid), 4)} a day"
    return alpha if value is None else f"{alpha}: {_range_text(value)} TAO at the price now"


def earning_words(row: MarketRow) -> list[str]:
    """What a machine would earn: a range, what it rests on, and when the seat is paid back. Never a promise."""
    view, value = row.view, row.miner_day_tao
    idle = view.subnet.neurons - view.earners
    if value is None:
        return ["Unknown: nobody earned in the last epoch, or there is no price."]
    places = _places(value[1])
    low, middle, high = (format_tao(Tao(one), places) for one in value)
    found = [
        f"Between {low} and {high} a day, if it did as well as the middle half of those who earn now; {middle} as the "
        f"median. {count_text(idle, 'seat earns', 'seats earn')} nothing, and a newcomer begins as one of them."
    ]
    if view.subnet.registration_open and value[1] > 0:
        seconds = view.subnet.register_rao / value[1] * _DAY_S
        long = f"about {duration_text(seconds)}" if seconds >= _HOUR_S else "less than an hour"
        found.append(f"The seat would be paid back in {long} at the median.")
    flow = flow_words(row)
    if flow:
        found.append(flow)
    found.append(
        "It rests on the last epoch and the price of this block, before slippage, electricity and hardware. Whether "
        "this machine can do the subnet's work at all is not known from the chain: see its own page and the benchmark."
    )
    return found


def seats_words(uids: Sequence[int]) -> str:
    """Own seats, the first few by number; empty without any."""
    if not uids:
        return ""
    named = ", ".join(f"uid {uid}" for uid in uids[:_SEATS])
    more = f" and {len(uids) - _SEATS} more" if len(uids) > _SEATS else ""
    return f"You have {count_text(len(uids), 'seat')} here: {named}{more}."


def flow_words(row: MarketRow) -> str:
    """What all pay of a day is worth at the price now, beside the TAO that comes to buy it; empty where not known."""
    alpha, inflow, price = row.alpha_day, row.tao_day, row.view.subnet.price_rao
    if alpha is None or inflow is None or price is None:
        return ""
    worth = alpha.at_price(price)
    words = (
        f"All pay here is {format_alpha(alpha, 0)} a day, {_rough(worth.rao)} at the price now; the chain puts "
        f"{_rough(inflow)} a day into the pool"
    )
    if worth.rao <= inflow:
        return f"{words}."
    return f"{words}. If earners sell more than that and nobody else buys, the price falls, and so does what they get."


def _rough(rao: int) -> str:
    return format_tao(Tao(rao), 2)


def epoch_words(row: MarketRow, block: int) -> str:
    """When the subnet pays next, as seen from ``block``."""
    subnet = row.view.subnet
    if subnet.next_epoch_block is None:
        return "It has no epochs, so it pays nobody."
    left = max(1, subnet.next_epoch_block - block)
    when = f"at block {block_text(subnet.next_epoch_block)}, in {immunity_text(left, row.block_s)}"
    return f"It pays every {count_text(subnet.tempo, 'block')}; next {when}."


def rule_words(detail: SubnetDetail, block_s: float | None) -> list[str]:
    """How one gets in and stays."""
    rules = detail.registration
    found = [f"A seat costs {format_tao(Tao(rules.price_rao), 6)}"]
    if not rules.open:
        found = ["Registration is closed"]
    elif rules.locked_rao:
        found[0] += (
            f": {format_tao(Tao(rules.burned_rao), 6)} is gone, "
            f"{format_tao(Tao(rules.locked_rao), 6)} becomes collateral"
        )
    if not rules.open:
        pass  # a price that nobody can pay has no trend worth telling
    elif rules.half_life_blocks:
        jump = "" if rules.jump_ppm is None else f"; each registration raises it by {percent_text(rules.jump_ppm)}"
        half = immunity_text(rules.half_life_blocks, block_s)
        found[0] += f". The price halves every {half} without registrations{jump}"
    elif rules.interval_blocks:
        target = rules.target_per_interval
        found[0] += (
            f". The price is adjusted every {immunity_text(rules.interval_blocks, block_s)} "
            f"towards {target} registrations; {rules.this_interval or 0} so far"
        )
    found[0] += "."
    if rules.open and detail.price_before_rao is not None and detail.before_blocks:
        ago = immunity_text(detail.before_blocks, block_s)
        found[0] += f" {ago[:1].upper()}{ago[1:]} ago it cost {format_tao(Tao(detail.price_before_rao), 6)}."
    free = f"{count_text(detail.free_seats, 'seat is', 'seats are')} free" if detail.free_seats else "no seat is free"
    found.append(f"{detail.seats} seats are taken, {free}; {detail.immune} are immune now.")
    weeks = immunity_text(detail.recent_blocks, block_s)
    found.append(
        f"Of the seats taken in the last {weeks}, {detail.recent} are still there and {detail.recent_safe} of them "
        "outlived their immunity. Those that were removed meanwhile cannot be counted from here."
    )
    return found
