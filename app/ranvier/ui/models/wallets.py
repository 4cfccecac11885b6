"""Wallets as table rows and in words."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ranvier.core.evidence import Level
from ranvier.keys.listing import Hotkey, KeyForm, Wallet
from ranvier.keys.names import natural
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.words import UNKNOWN, short_address

_FORMS = {
    KeyForm.ENCRYPTED: "Encrypted",
    KeyForm.PLAIN: "Not encrypted",
    KeyForm.UNREADABLE: "Unreadable",
}


def form_text(wallet: Wallet) -> str:
    """How the coldkey is kept, in two words."""
    if wallet.coldkey is not KeyForm.NONE:
        return _FORMS[wallet.coldkey]
    if wallet.watch_only:
        return "Watch-only"
    return "Hotkey only" if wallet.hotkeys else "Empty"


def form_sentence(wallet: Wallet) -> str:
    """What that means for the owner."""
    match wallet.coldkey:
        case KeyForm.ENCRYPTED:
            return "The coldkey is here, encrypted with your password."
        case KeyForm.PLAIN:
            return "The coldkey is here WITHOUT a password: whoever reads this file owns the funds."
        case KeyForm.UNREADABLE:
            return "The coldkey file cannot be used as it is."
    if wallet.watch_only:
        return "Only the coldkey's address is here: Ranvier can watch and mine for it, nothing can be spent from here."
    if wallet.hotkeys:
        return "Only hotkeys are here; the coldkey's address is not known."
    return "This folder holds no key."


def wallet_level(wallet: Wallet) -> Level:
    """Bad with a problem, warn for an unprotected coldkey, otherwise good."""
    if wallet.problem is not None or wallet.coldkey is KeyForm.UNREADABLE:
        return Level.BAD
    if wallet.coldkey is KeyForm.PLAIN:
        return Level.WARN
    return Level.GOOD if wallet.coldkey_ss58 is not None else Level.UNKNOWN


def hotkey_text(hotkey: Hotkey) -> str:
    """How a hotkey is kept."""
    if hotkey.form is KeyForm.PLAIN:
        return "ready to mine"
    if hotkey.form is KeyForm.NONE:
        return "address only"
    return _FORMS[hotkey.form].lower()


@dataclass(frozen=True, slots=True)
class Listed:
    """A wallet with what this instance remembers of its backup. ``practice`` wallets hold play money only."""

    wallet: Wallet
    verified_on: datetime.date | None = None
    written_on: datetime.date | None = None
    practice: bool = False

    @property
    def needs_backup(self) -> bool:
        """Whether a secret is here that only a backup could replace."""
        return not self.practice and self.wallet.coldkey in (KeyForm.ENCRYPTED, KeyForm.PLAIN)

    @property
    def never_verified(self) -> bool:
        """Whether nobody has yet shown, here, that the backup opens this wallet."""
        return self.needs_backup and self.verified_on is None


def backup_text(listed: Listed) -> str:
    """When the backup was verified, in two words."""
    if not listed.needs_backup:
        return "play money" if listed.practice else "\N{EN DASH}"
    return "never" if listed.verified_on is None else str(listed.verified_on)


def backup_sentence(listed: Listed) -> str:
    """What is known of the backup, and why that matters."""
    if listed.practice:
        return "Made for the sandbox: play money, no backup needed."
    if not listed.needs_backup:
        return "No secret is here; its backup is kept where the coldkey is."
    if listed.verified_on is not None:
        return f"The whole backup was verified on {listed.verified_on}."
    why = "One mistake on paper would show on the day when it is needed."
    if listed.written_on is not None:
        return f"Written down on {listed.written_on} and some words typed back; never verified as a whole. {why}"
    return f"The backup was never verified here. {why}"


def backup_level(listed: Listed) -> Level:
    """Warn for a wallet whose backup nobody verified; off where there is nothing to back up."""
    if not listed.needs_backup:
        return Level.OFF
    return Level.WARN if listed.verified_on is None else Level.GOOD


BACKUP_COLUMN = 3


def _backup_rank(listed: Listed) -> tuple[int, str]:
    if not listed.needs_backup:
        return (2, "")
    return (1, str(listed.verified_on)) if listed.verified_on else (0, "")


def wallets_model() -> RowsModel[Listed]:
    """The list of wallets."""
    return RowsModel(
        (
            Column[Listed](
                "Wallet",
                lambda row: row.wallet.name,
                lambda row: natural(row.wallet.name),
                tooltip=lambda row: str(row.wallet.path),
            ),
            Column[Listed](
                "Coldkey",
                lambda row: short_address(row.wallet.coldkey_ss58) if row.wallet.coldkey_ss58 else UNKNOWN,
                lambda row: row.wallet.coldkey_ss58,
                tooltip=lambda row: row.wallet.coldkey_ss58 or "No file here says the address.",
                fixed=True,
                spare=1,
            ),
            Column[Listed](
                "Kept",
                lambda row: "Problem" if row.wallet.problem else form_text(row.wallet),
                lambda row: (wallet_level(row.wallet).value, form_text(row.wallet)),
                tooltip=lambda row: row.wallet.problem or form_sentence(row.wallet),
                spare=2,
            ),
            Column[Listed](
                "Verified",
                backup_text,
                _backup_rank,
                tooltip=backup_sentence,
                help="When a restore drill last showed that the backup opens this wallet.",
            ),
        ),
        key=lambda row: row.wallet.path,
    )
