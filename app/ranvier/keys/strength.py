"""How strong a password is. The salt of wallet files is the same for everybody, so weak ones fall for all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ranvier.core.errors import KeyFileError

SHORTEST = 8
_LONGEST_JUDGED = 72  # the estimate takes quadratic time; what follows only adds strength
_WORDS = ("very weak", "weak", "fair", "good", "strong")


@dataclass(frozen=True, slots=True)
class Strength:
    """``score`` 0 to 4, its word, and advice. ``guesses_log10`` is the power of ten of guesses needed."""

    score: int
    word: str
    guesses_log10: float
    warning: str = ""
    advice: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether it should protect a coldkey."""
        return self.score >= 3


def judge(password: str, personal: Iterable[str] = ()) -> Strength | None:
    """Judge a password; ``personal`` are words that an attacker knows (wallet name, user name).

    None when this copy cannot judge (the estimator is not installed): unknown is not strong. Takes milliseconds.
    """
    if len(password) < SHORTEST:
        return Strength(0, _WORDS[0], 0.0, f"Shorter than {SHORTEST} characters.", ("Use several unusual words.",))
    try:
        from zxcvbn import zxcvbn
    except ImportError:
        return None
    found = zxcvbn(password[:_LONGEST_JUDGED], user_inputs=[word for word in personal if word])
    feedback = found["feedback"]
    return Strength(
        score=int(found["score"]),
        word=_WORDS[int(found["score"])],
        guesses_log10=float(found["guesses_log10"]),
        warning=str(feedback["warning"] or ""),
        advice=tuple(str(line) for line in feedback["suggestions"]),
    )


def insist(password: str, personal: Iterable[str] = ()) -> None:
    """Refuse a password that is easily guessed; raises KeyFileError with the advice."""
    strength = judge(password, personal)
    if strength is not None and strength.score < 2:
        advice = strength.advice[0] if strength.advice else "Use several unusual words."
        raise KeyFileError("Password too weak", strength.warning or f"This password is {strength.word}.", advice)
