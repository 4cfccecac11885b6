"""One question to one axon: a signed request, a streamed answer, and every way it can go wrong as a plain clause."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp

from ranvier.keys.signing import Signer
from ranvier.sandbox.life.btauth import signed_headers
from ranvier.sandbox.life.questions import Question
from ranvier.sandbox.life.scoring import SLOWEST_S, Answer

TARGET = "/v1/chat/completions"
MAX_TOKENS = 24
_CONNECT_S = 2.0
_MOST_BYTES = 64 * 1024


class _Stream:
    """Server-sent events of a chat completion, as they come in."""

    def __init__(self) -> None:
        self.text = ""
        self.finished = False
        self.done = False
        self.size = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take bytes in; raises ValueError for anything that is not a chat completion's stream."""
        self.size += len(data)
        if self.size > _MOST_BYTES:
            raise ValueError("the answer never ends")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line.removeprefix(b"data:").strip())

    def _event(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.done = True
            return
        try:
            chunk = json.loads(data)
            choices = chunk["choices"]
            for choice in choices[:1]:
                delta = choice.get("delta") or {}
                self.text += delta.get("content") or ""
                self.finished = self.finished or choice.get("finish_reason") is not None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise ValueError("the answer is not a chat completion's stream") from None


async def ask(
    session: aiohttp.ClientSession, signer: Signer, receiver_ss58: str, port: int, question: Question
) -> Answer:
    """Put ``question`` to the axon on this machine's ``port``; never raises for what the axon does."""
    body = json.dumps(
        {
            "model": "any",
            "messages": [{"role": "user", "content": question.request}],
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "stream": True,
        }
    ).encode()
    headers = signed_headers(signer, receiver_ss58, "POST", TARGET, body)
    headers["Content-Type"] = "application/json"
    stream = _Stream()
    started = time.monotonic()
    first_word: float | None = None
    failure = ""
    try:
        async with session.post(
            f"http://127.0.0.1:{port}{TARGET}",
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=SLOWEST_S, connect=_CONNECT_S),
        ) as response:
            if response.status != 200:
                failure = f"it answered with status {response.status}"
            else:
                async for data in response.content.iter_any():
                    stream.feed(data)
                    if first_word is None and stream.text:
                        first_word = time.monotonic() - started
                    if stream.done:
                        break
    except TimeoutError:
        failure = "it did not answer in time"
    except aiohttp.ClientConnectorError:
        failure = "nothing listens there"
    except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError):
        failure = "the connection broke"
    except ValueError as error:
        failure = str(error)
    return Answer(
        text=stream.text,
        complete=stream.done and stream.finished,
        seconds=time.monotonic() - started,
        first_word_s=first_word,
        failure=failure,
    )
