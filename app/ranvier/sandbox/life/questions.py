"""Questions whose answer a validator knows, so that an answer can be checked without asking another model.

Each was put to SmolLM2-135M-Instruct at temperature 0 with 24 tokens; those that it answers right are kept.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and words of which one must be in the answer."""

    text: str
    words: tuple[str, ...]

    @property
    def request(self) -> str:
        """The question as it is put to a model."""
        return f"{self.text} Answer in one sentence."

    def agrees(self, answer: str) -> bool:
        """Whether one of the words is in the answer, as a word of its own, in any case."""
        return any(re.search(rf"\b{re.escape(word)}\b", answer, re.IGNORECASE) for word in self.words)


_CAPITALS = """
France Paris; Germany Berlin; Italy Rome; Spain Madrid; Japan Tokyo; China Beijing; Russia Moscow; Egypt Cairo;
Greece Athens; Portugal Lisbon; Austria Vienna; Poland Warsaw; Hungary Budapest; Ireland Dublin; Norway Oslo;
Sweden Stockholm; Finland Helsinki; Denmark Copenhagen; Canada Ottawa; Cuba Havana; Peru Lima; Chile Santiago;
India Delhi; Thailand Bangkok; Vietnam Hanoi; Kenya Nairobi; Iran Tehran; Iraq Baghdad; Belgium Brussels;
England London; Switzerland Bern; Australia Canberra; Indonesia Jakarta; Nepal Kathmandu; Morocco Rabat;
Romania Bucharest; Bulgaria Sofia; Iceland Reykjavik
"""
_OPPOSITES = """
hot cold; big small; up down; day night; happy sad; fast slow; young old; black white; left right; wet dry;
early late; strong weak; love hate; full empty; north south; east west
"""
_FACTS = (
    ("What color is snow?", "white"),
    ("What gas do plants absorb from the air?", "carbon dioxide"),
    ("What is the chemical formula of water?", "H2O"),
    ("What is the chemical symbol for gold?", "Au"),
    ("How many legs does a spider have?", "eight"),
    ("What is the largest ocean on Earth?", "Pacific"),
    ("What is the longest river in Africa?", "Nile"),
    ("What do bees make?", "honey"),
    ("What language is spoken in Brazil?", "Portuguese"),
    ("What language is spoken in France?", "French"),
    ("What language is spoken in Germany?", "German"),
    ("What language is spoken in Italy?", "Italian"),
    ("What is the currency of Japan?", "yen"),
    ("What is the currency of the United States?", "dollar"),
    ("What is frozen water called?", "ice"),
    ("On which continent is France?", "Europe"),
    ("Which planet is known as the Red Planet?", "Mars"),
    ("Who painted the Mona Lisa?", "Leonardo"),
    ("What is the tallest mountain in the world?", "Everest"),
    ("Which organ pumps blood through the body?", "heart"),
    ("What is the capital city of Scotland?", "Edinburgh"),
    ("Who developed the theory of relativity?", "Einstein"),
)


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(first, second) for first, second in (pair.split() for pair in text.split(";"))]


QUESTIONS: tuple[Question, ...] = (
    *(Question(f"What is the capital of {country}?", (city,)) for country, city in _pairs(_CAPITALS)),
    *(Question(f"What is the opposite of {word}?", (other,)) for word, other in _pairs(_OPPOSITES)),
    *(Question(text, (word,)) for text, word in _FACTS),
)
BY_REQUEST = {question.request: question for question in QUESTIONS}


class QuestionSource:
    """An endless row of questions, the same for the same seed; none comes again before all have come."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._left: list[Question] = []

    def next(self) -> Question:
        """The next question."""
        if not self._left:
            self._left = list(QUESTIONS)
            self._random.shuffle(self._left)
        return self._left.pop()
