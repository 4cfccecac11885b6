"""From answers to weights: what one answer is worth, its moving average, the weights that a validator sets. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ranvier.sandbox.life.questions import Question

FULL_SPEED_S = 0.5
SLOWEST_S = 8.0
SLOW_SHARE = 0.2
_TOP_WEIGHT = 65535


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one axon. ``failure`` says in a clause why there is no valid answer, "" if there is one.

    ``complete`` is true when the stream came to its proper end. Times are seconds since the request was sent.
    """

    text: str = ""
    complete: bool = False
    seconds: float = 0.0
    first_word_s: float | None = None
    failure: str = ""


def speed(seconds: float) -> float:
    """1 up to half a second, falling evenly to 0.2 at eight seconds."""
    over = min(max(seconds - FULL_SPEED_S, 0.0) / (SLOWEST_S - FULL_SPEED_S), 1.0)
    return 1.0 - (1.0 - SLOW_SHARE) * over


def score(answer: Answer, question: Question) -> float:
    """Worth of one answer in [0, 1]: valid, complete, agreeing with the known word, and fast."""
    if answer.failure or not answer.complete or not question.agrees(answer.text):
        return 0.0
    return speed(answer.seconds)


class MovingScores:
    """A moving average per uid. A uid that changed hands starts anew, with its first score as the average.

    So a newcomer counts after its first answer, and an old hand keeps most of its standing through one bad answer.
    """

    def __init__(self, share_of_new: float = 0.2) -> None:
        self._share = share_of_new
        self._scores: dict[int, tuple[bytes, float]] = {}

    def observe(self, uid: int, hotkey: bytes, value: float) -> float:
        """Take one more score in; the new average."""
        known = self._scores.get(uid)
        average = value if known is None or known[0] != hotkey else known[1] + self._share * (value - known[1])
        self._scores[uid] = (hotkey, average)
        return average

    def of(self, uid: int, hotkey: bytes) -> float | None:
        """The average of this neuron, None before its first score."""
        known = self._scores.get(uid)
        return known[1] if known is not None and known[0] == hotkey else None

    def keep(self, present: Iterable[tuple[int, bytes]]) -> None:
        """Forget every neuron that is not among ``present``."""
        staying = set(present)
        self._scores = {uid: entry for uid, entry in self._scores.items() if (uid, entry[0]) in staying}

    def weights(self) -> tuple[list[int], list[int]]:
        """uids and their u16 weights, the best at 65535; those without any are left out."""
        best = max((average for _, average in self._scores.values()), default=0.0)
        if best <= 0.0:
            return [], []
        pairs = [(uid, round(average / best * _TOP_WEIGHT)) for uid, (_, average) in sorted(self._scores.items())]
        kept = [(uid, weight) for uid, weight in pairs if weight > 0]
        return [uid for uid, _ in kept], [weight for _, weight in kept]
