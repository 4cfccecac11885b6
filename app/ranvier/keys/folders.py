"""Which wallet folder is used, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ranvier.core.paths import Paths
from ranvier.core.settings import WALLET_FOLDER, Settings

VARIABLE = "BT_WALLET_PATH"


@dataclass(frozen=True, slots=True)
class WalletFolder:
    """The folder, and the reason in words."""

    path: Path
    why: str


def wallet_folder(settings: Settings, paths: Paths) -> WalletFolder:
    """The own setting, then ``BT_WALLET_PATH``, then the default of all Bittensor tools.

    With ``--home`` the environment is not asked: an instance of its own must never reach the real wallets.
    """
    chosen = settings.get(WALLET_FOLDER).strip()
    if chosen:
        return WalletFolder(_absolute(chosen), "chosen in the settings")
    if paths.home is not None:
        return WalletFolder(paths.wallets, "below the folder given with --home")
    variable = os.environ.get(VARIABLE, "").strip()
    if variable:
        return WalletFolder(_absolute(variable), f"set by {VARIABLE}")
    return WalletFolder(paths.wallets, "the folder all Bittensor tools use")


def _absolute(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # no home folder for ~name
        return Path(text).absolute()
