"""What can be wrong with a key file, as a kind for programs beside the sentence for people."""

from __future__ import annotations

import enum

from ranvier.core.errors import KeyFileError


class Trouble(enum.StrEnum):
    """What is wrong with a key file; the sentence is in the error beside it."""

    MISSING = "missing"
    NOT_A_FILE = "not_a_file"
    UNREADABLE = "unreadable"
    CORRUPT = "corrupt"
    FOREIGN = "foreign"
    UNSUPPORTED = "unsupported"
    MISMATCH = "mismatch"
    NO_SECRET = "no_private_key"
    EXISTS = "exists"


class KeyTroubleError(KeyFileError):
    """A KeyFileError that also says which kind of trouble it is."""

    def __init__(self, trouble: Trouble, title: str, message: str, hint: str = "") -> None:
        super().__init__(title, message, hint)
        self.trouble = trouble


def corrupt(message: str, hint: str = "") -> KeyTroubleError:
    """The error for a file that is no usable key file."""
    return KeyTroubleError(
        Trouble.CORRUPT,
        "Key file damaged",
        message,
        hint or "Restore it from a copy, or make it again from the recovery phrase.",
    )
