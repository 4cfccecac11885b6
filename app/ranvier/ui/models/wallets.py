"""Wallets as table rows and in words."""

from __future__ import annotations

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


def wallets_model() -> RowsModel[Wallet]:
    """The list of wallets."""
    return RowsModel(
        (
            Column[Wallet](
                "Wallet",
                lambda wallet: wallet.name,
                lambda wallet: natural(wallet.name),
                tooltip=lambda wallet: str(wallet.path),
            ),
            Column[Wallet](
                "Coldkey",
                lambda wallet: short_address(wallet.coldkey_ss58) if wallet.coldkey_ss58 else UNKNOWN,
                lambda wallet: wallet.coldkey_ss58,
                tooltip=lambda wallet: wallet.coldkey_ss58 or "No file here says the address.",
                fixed=True,
            ),
            Column[Wallet](
                "Kept",
                lambda wallet: "Problem" if wallet.problem else form_text(wallet),
                lambda wallet: (wallet_level(wallet).value, form_text(wallet)),
                tooltip=lambda wallet: wallet.problem or form_sentence(wallet),
            ),
        ),
        key=lambda wallet: wallet.path,
    )
