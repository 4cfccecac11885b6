"""Errors for people, and statuses that carry their reason and age."""

from __future__ import annotations

import socket

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.core import errors
from ranvier.core.errors import ErrorData, KeyFileError, RanvierError, WrongPasswordError, why
from ranvier.core.evidence import Evidence, Level, age_text, block_text, worst

LEVELS = st.sampled_from(Level)


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = WrongPasswordError("Wrong password", "The password does not open the key.", "Try again.")
    assert str(error) == "Wrong password: The password does not open the key. Try again."
    assert isinstance(error, KeyFileError)
    assert str(RanvierError("Title", "Message.")) == "Title: Message."


def test_an_error_travels_between_processes_with_its_words() -> None:
    data = WrongPasswordError("Title", "Message.", "Hint.").data()
    again = msgspec.json.decode(msgspec.json.encode(data), type=ErrorData)
    assert again == ErrorData("WrongPasswordError", "Title", "Message.", "Hint.")
    with pytest.raises(RanvierError, match=r"Title: Message\. Hint\."):
        raise again.error()


def test_every_expected_error_is_a_ranvier_error_but_a_cancellation_is_not() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__name__.endswith("Error")]
    assert len(kinds) > 10
    assert all(issubclass(kind, RanvierError) for kind in kinds)
    assert not issubclass(errors.Cancelled, RanvierError)


@given(st.lists(LEVELS, max_size=6), st.lists(LEVELS, max_size=6))
def test_the_worst_level_does_not_depend_on_order_or_grouping(left: list[Level], right: list[Level]) -> None:
    both = worst([*left, *right])
    assert both == worst([*right, *left]) == worst([worst(left), worst(right)])
    assert both in [*left, *right] or (both is Level.OFF and not left and not right)


def test_unknown_is_never_hidden_by_good() -> None:
    assert worst([Level.GOOD, Level.UNKNOWN, Level.OFF]) is Level.UNKNOWN
    assert worst([Level.GOOD, Level.BAD, Level.UNKNOWN]) is Level.BAD
    assert worst([Level.OFF, Level.GOOD]) is Level.GOOD
    assert worst([]) is Level.OFF


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"), (0, "just now"), (1.9, "just now"), (2, "2 s ago"), (119, "119 s ago"), (120, "2 min ago"),
        (7199, "119 min ago"), (7200, "2 h ago"), (172_799, "47 h ago"), (172_800, "2 days ago"),
    ],
)  # fmt: skip
def test_an_age_in_words(seconds: float, text: str) -> None:
    assert age_text(1000.0, 1000.0 + seconds) == text


def test_what_was_never_seen_says_so() -> None:
    assert age_text(None, 1000.0) == "never"
    assert Evidence(Level.UNKNOWN, "not asked yet").seen_at is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(13, "Permission denied", "/x"), "permission denied"),
        (OSError(28, "No space left on device"), "the disk is full"),
        (FileNotFoundError(2, "No such file or directory"), "it does not exist"),
        (OSError(113, "Connect call failed ('127.0.0.1', 9)"), "connect call failed"),
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)"), "the connection was refused"),
        (ConnectionResetError(), "the connection broke"),
        (socket.gaierror(-2, "Name or service not known"), "its name is not known"),
        (TimeoutError(), "it took too long"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "it is not UTF-8 text"),
        (msgspec.DecodeError("JSON is malformed: invalid character (byte 0)"), "its contents are damaged"),
        (OSError(), "the system refused it"),
        (ValueError("could not convert string to float: 'x'"), "it was not understood"),
        (KeyFileError("Title", "It is locked.", "Unlock it."), "It is locked"),
    ],
)
def test_foreign_errors_in_plain_words(error: Exception, words: str) -> None:
    said = why(error)
    assert said == words and not set(said) & set("[](){}'\"")


def test_block_heights_read_in_groups_of_three():
    assert [block_text(n) for n in (7, 1359, 5_123_456)] == ["7", "1\u202f359", "5\u202f123\u202f456"]
    assert block_text(None) == "unknown"
