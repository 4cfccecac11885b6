"""From answers to weights."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.sandbox.life.questions import BY_REQUEST, QUESTIONS, Question, QuestionSource
from ranvier.sandbox.life.scoring import Answer, MovingScores, score, speed

PARIS = Question("What is the capital of France?", ("Paris",))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("It is Paris.", True, 0.3), 1.0),
        (Answer("it is PARIS", True, 0.3), 1.0),
        (Answer("It is Paris.", False, 0.3), 0.0),
        (Answer("It is Rome.", True, 0.3), 0.0),
        (Answer("Parisian", True, 0.3), 0.0),
        (Answer("It is Paris.", True, 0.3, failure="it answered with status 500"), 0.0),
        (Answer("It is Paris.", True, 8.0), 0.2),
        (Answer("It is Paris.", True, 99.0), 0.2),
    ],
)
def test_score(answer: Answer, expected: float) -> None:
    assert score(answer, PARIS) == pytest.approx(expected)


@given(st.floats(0, 100), st.floats(0, 100))
def test_faster_is_never_worse(one: float, other: float) -> None:
    assert (speed(min(one, other))) >= speed(max(one, other))
    assert 0.2 - 1e-9 <= speed(one) <= 1.0


def test_a_newcomer_counts_at_once_and_an_old_hand_keeps_its_standing() -> None:
    scores = MovingScores()
    assert scores.of(4, b"a") is None
    assert scores.observe(4, b"a", 0.9) == pytest.approx(0.9)
    assert scores.observe(4, b"a", 0.0) == pytest.approx(0.72)
    assert scores.of(4, b"a") == pytest.approx(0.72)
    assert scores.observe(4, b"b", 0.5) == pytest.approx(0.5), "another hotkey on the uid inherits nothing"
    assert scores.of(4, b"a") is None


def test_weights_leave_out_the_worthless_and_the_gone() -> None:
    scores = MovingScores()
    assert scores.weights() == ([], [])
    scores.observe(3, b"a", 0.8)
    scores.observe(7, b"b", 0.4)
    scores.observe(5, b"c", 0.0)
    assert scores.weights() == ([3, 7], [65535, 32768])
    scores.keep([(7, b"b"), (3, b"other")])
    assert scores.weights() == ([7], [65535])


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), max_size=40))
def test_weights_are_always_valid(observations: list[tuple[int, float]]) -> None:
    scores = MovingScores()
    for uid, value in observations:
        scores.observe(uid, b"k", value)
    uids, weights = scores.weights()
    assert len(uids) == len(weights) == len(set(uids))
    assert all(0 < weight <= 65535 for weight in weights)
    assert not weights or max(weights) == 65535


def test_questions_are_different_and_know_their_answer() -> None:
    assert len(QUESTIONS) == len(BY_REQUEST) >= 70
    for question in QUESTIONS:
        assert question.agrees(f"The answer is {question.words[0]}.")
        assert not question.agrees("I am not sure about that.")
        assert not question.agrees(question.request), "repeating the question is no answer"


def test_the_source_is_repeatable_and_fair() -> None:
    one, other = QuestionSource("7"), QuestionSource("7")
    first = [one.next() for _ in range(len(QUESTIONS))]
    assert first == [other.next() for _ in range(len(QUESTIONS))]
    assert set(first) == set(QUESTIONS)
    assert first != [QuestionSource("8").next() for _ in range(len(QUESTIONS))]
