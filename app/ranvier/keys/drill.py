"""Asking back: the words of a new phrase, and a backup of an old wallet. Only "verified on <date>" is kept.

Positions are counted from 1, as people count words on paper.
"""

from __future__ import annotations

import datetime
import hmac
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ranvier.core.errors import KeyFileError
from ranvier.core.files import write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths
from ranvier.keys import addresses, importing, mnemonic
from ranvier.keys.content import SecretPart
from ranvier.keys.encryption import FULL_COST, Cost, OnAttempt
from ranvier.keys.signing import SCHEME_NAMES

ASKED = 4
LARGEST_RECORD = 1 << 20


def choose_positions(words: int, asked: int = ASKED) -> tuple[int, ...]:
    """``asked`` different positions of a phrase of that many words, in order, from the system's random source.

    One falls into each part of the phrase, so that a half-written backup is noticed.
    """
    if not 1 <= asked <= words:
        raise ValueError(f"cannot ask {asked} of {words} words")
    edges = [words * part // asked for part in range(asked + 1)]
    return tuple(low + 1 + secrets.randbelow(high - low) for low, high in itertools.pairwise(edges))


@dataclass(slots=True)
class WordsBack:
    """The asking back of a new phrase: which positions are open, and whether each typed word is right."""

    phrase: str = field(repr=False)
    positions: tuple[int, ...] = ()
    _right: set[int] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self.phrase = mnemonic.check(self.phrase)
        if not self.positions:
            self.positions = choose_positions(len(self.phrase.split()))

    def check(self, position: int, typed: str) -> bool:
        """Whether ``typed`` is the word at ``position``; the last answer counts."""
        word = self.phrase.split()[position - 1]
        right = hmac.compare_digest(word.encode(), mnemonic.normalise(typed).encode("utf-8", "replace"))
        if position in self.positions:
            (self._right.add if right else self._right.discard)(position)
        return right

    @property
    def done(self) -> bool:
        """Whether every asked word was typed right."""
        return self._right.issuperset(self.positions)

    def wipe(self) -> None:
        """Forget the phrase."""
        self.phrase = ""
        self._right.clear()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a typed or loaded backup turned out to be: the address it opens, and whether it is the wallet's."""

    matches: bool
    backup_ss58: str
    wallet_ss58: str


def compare_words(text: str, wallet_ss58: str, *, bip39_password: str = "") -> Comparison:
    """Compare typed words, a seed or a private key with an address, in memory, in both schemes.

    Raises MnemonicError which names the wrong word, KeyFileError, AddressError.
    """
    parts = []
    for scheme in sorted(SCHEME_NAMES, reverse=True):
        try:
            parts.append(importing.from_text(text, scheme, bip39_password=bip39_password))
        except KeyFileError:
            if not parts and scheme == min(SCHEME_NAMES):
                raise
    return _compare(parts, wallet_ss58)


async def compare_file(
    path: Path, password: str, wallet_ss58: str, *, on_attempt: OnAttempt | None = None, _cost: Cost = FULL_COST
) -> Comparison:
    """Compare a backup file (a copy of the coldkey, an export, a text with the words) with an address, in memory."""
    kind = importing.kind_of_file(path)
    if not kind.needs_password and kind is not importing.Kind.KEY_FILE:
        parts = [await importing.from_file(path, "", scheme) for scheme in sorted(SCHEME_NAMES, reverse=True)]
        return _compare(parts, wallet_ss58)
    return _compare([await importing.from_file(path, password, on_attempt=on_attempt, _cost=_cost)], wallet_ss58)


def _compare(parts: Sequence[SecretPart], wallet_ss58: str) -> Comparison:
    wanted = addresses.public_key(wallet_ss58)
    found = next((part for part in parts if part.signer.public_key == wanted), parts[0])
    result = Comparison(found.signer.public_key == wanted, found.signer.ss58, wallet_ss58)
    for part in parts:
        part.signer.wipe()
    return result


class _Record(msgspec.Struct):
    verified: dict[str, str] = {}


class Drills:
    """Which backups were verified, and when: address to date in one small file of this instance, nothing else."""

    def __init__(self, paths: Paths) -> None:
        self._file = paths.data / "keys" / "verified.json"

    def verified_on(self, ss58: str) -> datetime.date | None:
        """When the backup of this coldkey was last verified here; None is never (or unknown)."""
        text = self._read().verified.get(ss58)
        try:
            return datetime.date.fromisoformat(text) if text else None
        except ValueError:
            return None

    def remember(self, comparison: Comparison, on: datetime.date | None = None) -> datetime.date:
        """Keep today's date for a backup that matched; raises KeyFileError for one that did not, or StorageError."""
        if not comparison.matches:
            raise KeyFileError(
                "Another key",
                f"This backup opens {comparison.backup_ss58}, not {comparison.wallet_ss58}.",
                "Look for the right backup, or make a new wallet and move the funds while you can.",
            )
        day = on or datetime.datetime.now(datetime.UTC).astimezone().date()
        record = self._read()
        record.verified[comparison.wallet_ss58] = day.isoformat()
        write_atomic(self._file, msgspec.json.encode(record))
        return day

    def _read(self) -> _Record:
        try:
            with self._file.open("rb") as file:
                return msgspec.json.decode(file.read(LARGEST_RECORD), type=_Record)
        except (OSError, *NOT_JSON):
            return _Record()  # at worst a wallet is marked as never verified
