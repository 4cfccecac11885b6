"""What a form about money stands on: what is held at one block, and which keys are one's own, in words."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.agent.api.market_messages import Holdings
from ranvier.chain.model_stake import Account
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao, alpha_unit, format_alpha, format_tao
from ranvier.ui.models.holdings import HoldingRow, holding_rows, locked_words
from ranvier.ui.models.stake import subnet_text
from ranvier.ui.own_keys import OwnKey
from ranvier.ui.words import short_address

KEEP_FOR_FEES = Tao(10_000_000)


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose, as it is named."""

    words: str
    value: object


@dataclass(frozen=True, slots=True)
class Room:
    """How much there is: ``most_rao`` may be used (None: not known here, the chain decides), ``all_rao`` is what the
    button fills in, ``note`` explains what is not in it. ``unit`` is ``TAO`` or an alpha's sign."""

    most_rao: int | None
    all_rao: int | None
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """``found`` is one reading of everything held; ``keys`` are those of the wallets on this machine."""

    found: Holdings
    keys: tuple[OwnKey, ...] = ()

    # --- names -----------------------------------------------------------------------------------------------

    def named(self, ss58: str) -> str:
        """``alice / default, 5GrwvaEF…GKutQY``, or the short address alone."""
        name = next((key.name for key in self.keys if key.ss58 == ss58), "")
        return f"{name}, {short_address(ss58)}" if name else short_address(ss58)

    def name(self, ss58: str) -> str:
        """``alice / default`` where it has a name, else the short address."""
        return next((key.name for key in self.keys if key.ss58 == ss58), short_address(ss58))

    def signs(self, ss58: str) -> bool:
        """Whether the secret of this address is on this machine."""
        return any(key.ss58 == ss58 and key.signs for key in self.keys)

    def subnet(self, netuid: int) -> str:
        return subnet_text(netuid, self.found.names.get(netuid))

    # --- choices ---------------------------------------------------------------------------------------------

    def coldkeys(self) -> list[Option]:
        """Watched coldkeys with what they can spend, those that can sign here first, of them the richest; then those
        of the wallets here."""
        accounts = sorted(self.found.portfolio.accounts, key=lambda one: (not self.signs(one.ss58), -one.spendable_rao))
        found = [
            Option(
                f"{self.named(one.ss58)}: {format_tao(Tao(one.spendable_rao), 4)} to spend"
                + ("" if self.signs(one.ss58) else ", signed elsewhere"),
                one.ss58,
            )
            for one in accounts
        ]
        known = {one.ss58 for one in accounts}
        others = [key for key in self.keys if not key.hotkey and key.ss58 not in known]
        return [*found, *(Option(f"{self.named(key.ss58)}: balance not watched", key.ss58) for key in others)]

    def addresses(self, *, without: str = "") -> list[Option]:
        """Own coldkeys to send to."""
        return [Option(self.named(str(one.value)), one.value) for one in self.coldkeys() if one.value != without]

    def own_hotkeys(self, coldkey_ss58: str | None) -> list[Option]:
        """Hotkeys of one coldkey (None: of all): from the wallets here, and those that the chain says are its own."""
        found = [
            key.ss58 for key in self.keys if key.hotkey and coldkey_ss58 in (None, key.coldkey_ss58)
        ]  # fmt: skip
        found += [
            row.hotkey_ss58
            for row in self.found.portfolio.holdings
            if row.owned and coldkey_ss58 in (None, row.coldkey_ss58)
        ]
        return [Option(self.named(ss58), ss58) for ss58 in dict.fromkeys(found)]

    def hotkeys_to_stake_on(self, coldkey_ss58: str | None) -> list[Option]:
        """Own ones first, then every hotkey that is staked on already."""
        own = self.own_hotkeys(coldkey_ss58)
        known = {one.value for one in own}
        others = dict.fromkeys(row.hotkey_ss58 for row in self.found.portfolio.holdings)
        return [*own, *(Option(f"{self.named(ss58)}, staked on", ss58) for ss58 in others if ss58 not in known)]

    def subnets(self, *, without: int | None = None, root: bool = True) -> list[Option]:
        return [
            Option(self.subnet(netuid), netuid)
            for netuid in sorted(self.found.names)
            if netuid != without and (root or netuid != 0)
        ]

    def subnets_to_stake_on(self) -> list[Option]:
        """Those with a position first, the most valuable before; root last."""
        held: dict[int, int] = {}
        for one in self.found.portfolio.holdings:
            held[one.netuid] = held.get(one.netuid, 0) + (one.spot_rao or 0)

        def place(option: Option) -> tuple[bool, int]:
            netuid = int(str(option.value))
            return netuid == 0, -held.get(netuid, -1)

        return sorted(self.subnets(), key=place)

    def rows(self) -> tuple[HoldingRow, ...]:
        return holding_rows(self.found)

    def positions(self, *, root: bool = True) -> list[Option]:
        """Every position: those of a coldkey that can sign here first, of them the most valuable."""
        rows = [row for row in self.rows() if root or row.holding.netuid != 0]
        rows.sort(key=lambda row: (not self.signs(row.holding.coldkey_ss58), -(row.holding.spot_rao or 0)))
        several = len({row.holding.coldkey_ss58 for row in rows}) > 1
        return [Option(self._position_words(row, several), position_key(row)) for row in rows]

    def _position_words(self, row: HoldingRow, several: bool) -> str:
        holding = row.holding
        words = f"{self.subnet(holding.netuid)}: {format_alpha(row.alpha, 4)} on {self.name(holding.hotkey_ss58)}"
        return f"{words}, of {self.name(holding.coldkey_ss58)}" if several else words

    def row(self, key: object) -> HoldingRow | None:
        return next((row for row in self.rows() if position_key(row) == key), None)

    # --- how much --------------------------------------------------------------------------------------------

    def account(self, ss58: object) -> Account | None:
        return next((one for one in self.found.portfolio.accounts if one.ss58 == ss58), None)

    def tao_room(self, coldkey_ss58: object) -> Room:
        """What a coldkey can spend; "all" leaves something for fees."""
        account = self.account(coldkey_ss58)
        if account is None:
            return Room(None, None, "TAO", "The balance of this coldkey is not watched; the chain will check it.")
        held = f"{format_tao(Tao(account.spendable_rao))} can be spent"
        kept = f"“All” leaves {format_tao(KEEP_FOR_FEES, 2)} for fees."
        return Room(account.spendable_rao, max(0, account.spendable_rao - KEEP_FOR_FEES.rao), "TAO", f"{held}. {kept}")

    def alpha_room(self, key: object) -> Room:
        """What of a position is free, and why the rest is not."""
        row = self.row(key)
        if row is None:
            return Room(0, 0, "alpha", "There is no position.")
        holding = row.holding
        free = Alpha(holding.sellable_rao, holding.netuid)
        of_all = f" of {format_alpha(row.alpha)}" if holding.locked_rao else ""
        note = [f"{format_alpha(free)} available{of_all}."]
        if holding.locked_rao:
            why = [words for words in locked_words(row, self.found.portfolio) if "lands on" not in words]
            locked = f"{format_alpha(Alpha(holding.locked_rao, holding.netuid))} is locked: why is not known here."
            note += why or [locked]
        return Room(free.rao, free.rao, alpha_unit(holding.netuid), " ".join(note))


def position_key(row: HoldingRow) -> tuple[str, str, int]:
    """(coldkey, hotkey, netuid)."""
    return row.holding.coldkey_ss58, row.holding.hotkey_ss58, row.holding.netuid


def plain_rao(rao: int) -> str:
    """An amount as one types it: no groups, no zeros at the end."""
    whole, fraction = divmod(rao, RAO_PER_COIN)
    return f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
