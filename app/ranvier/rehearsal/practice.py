"""What the rehearsal remembers between runs: which practice wallet and miner it works with."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from ranvier.core.files import read_small, write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.units import Tao

WALLET_NAME = "practice"
HOTKEY_NAME = "miner"
NETUID = 1
RECIPE = "sandbox-llm"
FUND = Tao(100 * 10**9)  # of play money at a time
AXON_WHY = (
    "The chain takes no address of this machine's own, so an example stands in; practice validators ask at 127.0.0.1."
)
_PASSWORD_SYLLABLES = 6
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"


class Practice(msgspec.Struct, frozen=True):
    """The practice wallet in use. ``genesis`` is the sandbox that it was registered on."""

    wallet_name: str
    hotkey_name: str
    coldkey_ss58: str
    hotkey_ss58: str
    genesis: str

    @property
    def miner_id(self) -> str:
        """A miner belongs to one hotkey, so a new practice wallet is a new miner."""
        return self.wallet_name

    @property
    def miner_name(self) -> str:
        """``Practice miner``, or ``Practice miner 2`` for that of the wallet ``practice-2``."""
        return f"Practice miner {self.wallet_name.removeprefix(WALLET_NAME).lstrip('-')}".strip()


def load(folder: Path) -> Practice | None:
    """The remembered practice, or None: never made, or the note is not readable (it can always be made again)."""
    try:
        return msgspec.json.decode(read_small(folder / "practice.json"), type=Practice)
    except (OSError, *NOT_JSON):
        return None


def save(folder: Path, practice: Practice) -> None:
    """Remember ``practice`` for the next run."""
    write_atomic(folder / "practice.json", msgspec.json.encode(practice))


def free_wallet_name(wallets: Path) -> str:
    """``practice``, or ``practice-2`` and so on when that is taken: no wallet is ever replaced."""
    name, number = WALLET_NAME, 1
    while (wallets / name).exists():
        number += 1
        name = f"{WALLET_NAME}-{number}"
    return name


def make_password() -> str:
    """A random password that can be spoken: pairs of consonant and vowel in four groups (about 74 bits)."""
    groups = (
        "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_PASSWORD_SYLLABLES // 2))
        for _ in range(4)
    )
    return "-".join(groups)
