"""Errors for people. Each room converts foreign errors to these at its edge.

Three classes decide what happens: ``RanvierError`` is expected and shown as text, ``Cancelled`` is silent,
anything else is a bug: logged with its traceback and shown as one sentence.
"""

from __future__ import annotations

import errno
import socket

import msgspec

_CODES = {
    errno.ENOENT: "it does not exist",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk can only be read",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "part of its path is not a folder",
    errno.EADDRINUSE: "the address is in use",
    errno.EMFILE: "too many files are open",
}


class RanvierError(Exception):
    """An expected failure: a short title, one sentence of what happened, and what to do next."""

    def __init__(self, title: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.title = title
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.title}: {self.message}" + (f" {self.hint}" if self.hint else "")

    def data(self) -> ErrorData:
        """The same error as plain data, for the local API and for JSON output."""
        return ErrorData(kind=type(self).__name__, title=self.title, message=self.message, hint=self.hint)


def why(error: BaseException) -> str:
    """A foreign error in a few plain words for the middle of a sentence: no codes, no class names, no addresses in
    brackets. What is raw belongs into the log."""
    if isinstance(error, RanvierError):
        return error.message.rstrip(".")
    if isinstance(error, UnicodeError):
        return "it is not UTF-8 text"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ConnectionError):
        return "the connection broke"
    if isinstance(error, OSError):
        known = _CODES.get(error.errno or 0)
        words = (error.strerror or "").split("(")[0].split("[")[0].strip()
        return known or (words[:1].lower() + words[1:] if words else "the system refused it")
    if isinstance(error, msgspec.MsgspecError):
        return "its contents are damaged"
    return "it was not understood"


class Cancelled(Exception):  # noqa: N818  # it is an outcome, not an error
    """The user changed their mind; nothing is shown."""


class ErrorData(msgspec.Struct, frozen=True):
    """A ``RanvierError`` that travels between processes."""

    kind: str
    title: str
    message: str
    hint: str = ""

    def error(self) -> RanvierError:
        """The error to raise on this side. The class is not rebuilt: texts are what matters to people."""
        return RanvierError(self.title, self.message, self.hint)


class KeyFileError(RanvierError):
    """A wallet or key file cannot be read, opened or written."""


class WrongPasswordError(KeyFileError):
    """The password does not open the key (or the file is damaged: the two cannot be told apart)."""


class MnemonicError(RanvierError):
    """A recovery phrase is not valid; the message names the word or the rule."""


class NetworkError(RanvierError):
    """A network endpoint does not answer, or is not the network it should be."""


class ChainError(RanvierError):
    """The chain refused a read or a transaction."""


class RecipeError(RanvierError):
    """A recipe is not valid; the message names the file and the line or key."""


class InstallError(RanvierError):
    """A miner's environment could not be made."""


class MinerError(RanvierError):
    """A miner cannot be started, stopped or found."""


class AgentError(RanvierError):
    """The agent does not answer or refused a command."""


class LedgerError(RanvierError):
    """The ledger cannot be read or written."""


class StorageError(RanvierError):
    """A folder or file of ours cannot be written: disk full, read-only, no permission."""
