"""How ``ranvier keys`` takes secrets in and gives text out: a prompt or a file descriptor, never an argument."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from ranvier.core.errors import KeyFileError

_LARGEST_SECRET = 64 * 1024


def secret(descriptor: int | None, prompt: str, option: str) -> str:
    """A secret from an open file descriptor (all of it, less one line end) or typed unseen on a terminal.

    Raises KeyFileError when there is neither.
    """
    if descriptor is not None:
        return _from_descriptor(descriptor, option)
    if not sys.stdin.isatty():
        raise KeyFileError(
            "No terminal",
            f"{prompt} cannot be asked for here.",
            f"Give it through a file descriptor: {option} 3 3<FILE",
        )
    with at_prompt():
        return getpass.getpass(f"{prompt}: ")


@contextlib.contextmanager
def at_prompt() -> Iterator[None]:
    """Ctrl+C ends a prompt at once. Inside ``asyncio.run`` it would only be noted until the line has come."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def new_password(options: Namespace) -> str:
    """A password for a new file: typed twice, or from ``--password-fd``."""
    password = secret(options.password_fd, "New password for the coldkey", "--password-fd")
    if options.password_fd is None and getpass.getpass("The same again: ") != password:
        raise KeyFileError("Not the same", "The two passwords differ; nothing was written.")
    return password


def confirmation(options: Namespace, name: str) -> str | None:
    """The wallet's name as typed, when replacing was asked for: ``--confirm NAME``, or typed on a terminal."""
    if not options.replace:
        return None
    if options.confirm is not None:
        return str(options.confirm)
    if not sys.stdin.isatty():
        return None
    sys.stderr.write(f"This replaces a key of {name}. A dated copy is kept. Type the wallet's name to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def insist_on_terminal() -> None:
    """Secrets are shown to a person at a terminal, never into a file or a pipe."""
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise KeyFileError(
            "Not a terminal", "A recovery phrase is shown on a terminal only, so that it does not end up in a file."
        )


def out(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A remark for a person; not part of the result."""
    if sys.stderr.isatty():
        sys.stderr.write(text + "\n")


def out_json(value: Any) -> None:
    """One JSON document."""
    out(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def waiting(number: int, of: int) -> None:
    """Say before each derivation that it takes its time."""
    note(
        "Opening the key: this takes some seconds and 530 MB." if number == 1 else f"Trying spelling {number} of {of}."
    )


def _from_descriptor(descriptor: int, option: str) -> str:
    parts: list[bytes] = []
    try:
        while chunk := os.read(descriptor, _LARGEST_SECRET + 1):
            parts.append(chunk)
            if sum(map(len, parts)) > _LARGEST_SECRET:
                raise KeyFileError("Too long", f"What {option} gives is far too long.")
        text = b"".join(parts).decode()
    except (OSError, OverflowError) as error:
        raise KeyFileError("Nothing to read", f"{option} {descriptor} is not open for reading.") from error
    except UnicodeDecodeError as error:
        raise KeyFileError("Not text", f"What {option} gives is not UTF-8 text.") from error
    return text.removesuffix("\n").removesuffix("\r")
