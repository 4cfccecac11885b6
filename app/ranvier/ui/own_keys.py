"""The keys that lie on this machine, with the names that their owner gave them. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ranvier.keys.folders import wallet_folders
from ranvier.keys.listing import KeyForm, Wallet, list_wallets
from ranvier.ui.context import Context


@dataclass(frozen=True, slots=True)
class OwnKey:
    """``name`` is ``alice`` for a coldkey, ``alice / default`` for a hotkey; ``coldkey_ss58`` that of its wallet.
    ``signs``: its secret is on this machine; what only its address is known of is signed elsewhere."""

    name: str
    ss58: str
    coldkey_ss58: str | None
    hotkey: bool
    signs: bool = True


def wallets_here(context: Context) -> list[Wallet]:
    """Every wallet in the user's folders, practice wallets first on the sandbox. Blocking. Raises KeyFileError."""
    folders = [folder.path for folder in wallet_folders(context.settings, context.paths)]
    latest = context.bridge.latest
    if latest is not None and latest.chain.network == "sandbox":
        folders.insert(0, context.paths.practice_wallets)
    return [wallet for path in folders for wallet in list_wallets(path)]


def own_keys(wallets: Iterable[Wallet]) -> tuple[OwnKey, ...]:
    """Their coldkeys and hotkeys, each address once, under the first name that it has."""
    found: dict[str, OwnKey] = {}
    for wallet in wallets:
        if (ss58 := wallet.coldkey_ss58) is not None and wallet.coldkey is not KeyForm.UNREADABLE:
            signs = wallet.coldkey is not KeyForm.NONE
            first = found.setdefault(ss58, OwnKey(wallet.name, ss58, ss58, False, signs))
            if signs and not first.signs:  # another wallet only watches it
                found[ss58] = replace(first, signs=True)
        for hotkey in wallet.hotkeys:
            if hotkey.ss58 is not None and hotkey.form is not KeyForm.UNREADABLE:
                name = f"{wallet.name} / {hotkey.name}"
                found.setdefault(hotkey.ss58, OwnKey(name, hotkey.ss58, wallet.coldkey_ss58, True))
    return tuple(found.values())
