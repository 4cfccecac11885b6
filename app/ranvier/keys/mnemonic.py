"""Recovery phrases: English BIP-39, 12 to 24 words, checked word by word."""

from __future__ import annotations

import difflib
import hashlib
import secrets

from ranvier.core.errors import MnemonicError
from ranvier.keys.words import WORDS

LENGTHS = (12, 15, 18, 21, 24)
_INDEX = {word: index for index, word in enumerate(WORDS)}
_BITS_PER_WORD = 11
_ROUNDS = 2048
_SEED_BYTES = 32


def generate(words: int = 12) -> str:
    """A new phrase from the system's random source."""
    if words not in LENGTHS:
        raise ValueError(f"a phrase has {', '.join(map(str, LENGTHS))} words, not {words}")
    return _phrase(secrets.token_bytes(words * 4 // 3))


def normalise(text: str) -> str:
    """Lower case, single blanks: what the check and every other tool expect."""
    return " ".join(text.lower().split())


def check(text: str) -> str:
    """``text`` as a valid phrase, normalised.

    Raises MnemonicError which names the first wrong word (with near ones), the length, or the checksum.
    The message holds no more of the phrase than that one word.
    """
    phrase = normalise(text)
    _entropy(phrase.split())
    return phrase


def suggestions(word: str, limit: int = 3) -> tuple[str, ...]:
    """Words of the list that were probably meant; the first four letters decide a word."""
    word = word.lower()
    starts = [w for w in WORDS if w.startswith(word[:4])] if len(word) >= 4 else []
    near = difflib.get_close_matches(word, WORDS, n=limit, cutoff=0.6)
    return tuple(dict.fromkeys([*starts[:1], *near]))[:limit]


def mini_secret(phrase: str, bip39_password: str = "") -> bytes:
    """The 32-byte seed of a phrase: Substrate's BIP-39 (from the entropy, not from the words)."""
    entropy = _entropy(normalise(phrase).split())
    salt = b"mnemonic" + bip39_password.encode()
    return hashlib.pbkdf2_hmac("sha512", entropy, salt, _ROUNDS)[:_SEED_BYTES]


def _entropy(words: list[str]) -> bytes:
    for position, word in enumerate(words, start=1):
        if word not in _INDEX:
            raise _unknown(position, word)
    if len(words) not in LENGTHS:
        counted = "no words" if not words else f"{len(words)} word{'s' if len(words) != 1 else ''}"
        raise MnemonicError(
            "Wrong number of words",
            f"A recovery phrase has 12, 15, 18, 21 or 24 words; this one has {counted}.",
            "Look for a word left out or typed twice.",
        )
    bits = 0
    for word in words:
        bits = bits << _BITS_PER_WORD | _INDEX[word]
    check_bits = len(words) * _BITS_PER_WORD // 33
    entropy = (bits >> check_bits).to_bytes(len(words) * 4 // 3, "big")
    if bits & ((1 << check_bits) - 1) != _checksum(entropy, check_bits):
        raise MnemonicError(
            "Phrase does not add up",
            "Every word is in the list, but the checksum is wrong: one was swapped for another, or two changed places.",
            "Compare word by word with your backup; the order matters.",
        )
    return entropy


def _phrase(entropy: bytes) -> str:
    count = len(entropy) * 3 // 4
    check_bits = count * _BITS_PER_WORD // 33
    bits = int.from_bytes(entropy, "big") << check_bits | _checksum(entropy, check_bits)
    mask = (1 << _BITS_PER_WORD) - 1
    return " ".join(WORDS[bits >> _BITS_PER_WORD * place & mask] for place in reversed(range(count)))


def _checksum(entropy: bytes, bits: int) -> int:
    return hashlib.sha256(entropy).digest()[0] >> (8 - bits)


def _unknown(position: int, word: str) -> MnemonicError:
    shown = word if len(word) <= 20 else word[:20] + "…"
    near = suggestions(word)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Only the 2048 English BIP-39 words are used."
    return MnemonicError("Unknown word", f"Word {position}, “{shown}”, is not in the word list.", hint)
