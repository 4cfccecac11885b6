"""Server-sent events of an OpenAI-compatible answer, from bytes that arrive in any pieces. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ranvier.core.outside import NOT_JSON

_DONE = b"[DONE]"


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Delta(msgspec.Struct, frozen=True):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta | None = None
    text: Any = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] | None = None
    usage: Usage | None = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class StreamError(Exception):
    """The stream itself says, or is, something wrong; the text is for people."""


class Events:
    """Cuts bytes into the ``data`` of events. Lines end with LF or CR LF; comments and other fields are left out."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of each event that is whole now. A character cut in two by the network is whole by then."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                whole = b"\n".join(self._data) if len(self._data) > 1 else self._data[0]
                self._data = []
                yield whole


class Answer:
    """What one streamed answer has said so far. ``done`` is the end mark; without it the answer is not whole."""

    def __init__(self) -> None:
        self._events = Events()
        self.done = False
        self.chunks = 0
        self.usage: Usage | None = None

    def feed(self, piece: bytes) -> int:
        """Number of chunks with something in them: text, reasoning or a tool call. Raises StreamError.

        A chunk that only names the role or counts tokens has nothing in it, and does not make a first token.
        """
        found = 0
        for data in self._events.feed(piece):
            if data == _DONE:
                self.done = True
                continue
            try:
                chunk = _CHUNK.decode(data)
            except NOT_JSON as error:
                raise StreamError(f"an event is not what an OpenAI-compatible server sends ({error})") from error
            if chunk.error:
                raise StreamError(f"the server reports: {_words(chunk.error)}")
            if chunk.usage is not None:
                self.usage = chunk.usage
            found += any(_says_something(choice) for choice in chunk.choices or ())
        self.chunks += found
        return found


def _says_something(choice: _Choice) -> bool:
    delta = choice.delta
    if delta is not None and (delta.content or delta.reasoning_content or delta.reasoning or delta.tool_calls):
        return True
    return bool(choice.text)


def _words(error: Any) -> str:
    text = error.get("message", error) if isinstance(error, dict) else error
    return str(text)[:200]
