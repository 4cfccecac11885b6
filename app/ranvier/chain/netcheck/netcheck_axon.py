"""How long the own axon takes for an answer: one real, signed inference call over this machine's own network."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from ranvier.keys.btauth import signed_headers
from ranvier.keys.signing import Signer

TARGET = "/v1/chat/completions"
_QUESTION = "What is two and two? Answer with one word."
_MOST_TOKENS = 16
_MOST_BYTES = 256 * 1024
_CONNECT_S, _TOTAL_S = 3.0, 60.0


@dataclass(frozen=True, slots=True)
class AxonCall:
    """One call: milliseconds to the first word and to the end. None is unknown, and ``error`` says why."""

    first_word_ms: float | None = None
    whole_ms: float | None = None
    error: str | None = None


async def ask_axon(port: int, signer: Signer) -> AxonCall:
    """Ask the axon on this machine's ``port``, whose hotkey signs for itself. Never raises for what the axon does."""
    import aiohttp

    wanted = {
        "model": "any", "messages": [{"role": "user", "content": _QUESTION}], "max_tokens": _MOST_TOKENS,
        "temperature": 0, "stream": True,
    }  # fmt: skip
    body = json.dumps(wanted).encode()
    headers = signed_headers(signer, signer.ss58, "POST", TARGET, body) | {"Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=_TOTAL_S, connect=_CONNECT_S)
    started = time.monotonic()
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                f"http://127.0.0.1:{port}{TARGET}", data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            if answer.status in (404, 405):
                return AxonCall(error="This miner's axon answers no chat completions: its subnet asks in another way.")
            if answer.status != 200:
                return AxonCall(error=f"The axon refused the question (status {answer.status}).")
            first = await _read(answer.content.iter_any(), started)
    except TimeoutError:
        return AxonCall(error="The axon did not answer in time.")
    except aiohttp.ClientConnectorError:
        return AxonCall(error=f"Nothing listens on port {port}.")
    except (aiohttp.ClientError, OSError):
        return AxonCall(error="The connection to the axon broke.")
    except ValueError as error:
        return AxonCall(error=str(error))
    return AxonCall(first, _ms(started))


async def _read(parts: object, started: float) -> float:
    """Read the stream to its end; milliseconds to its first word. Raises ValueError for what is no answer."""
    first: float | None = None
    rest, size, done = b"", 0, False
    async for data in parts:  # type: ignore[attr-defined]  # aiohttp's own iterator
        size += len(data)
        if size > _MOST_BYTES:
            raise ValueError("The axon's answer never ends.")
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            text = line.removeprefix(b"data:").strip()
            if not line.startswith(b"data:"):
                continue
            if text == b"[DONE]":
                done = True
            elif first is None and _word(text):
                first = _ms(started)
    if first is None or not done:
        raise ValueError("The axon's answer has no words." if first is None else "The axon's answer broke off.")
    return first


def _word(text: bytes) -> str:
    try:
        choices = json.loads(text)["choices"]
        return str(choices[0].get("delta", {}).get("content") or "") if choices else ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("The axon's answer is no chat completion.") from None


def _ms(started: float) -> float:
    return (time.monotonic() - started) * 1000
