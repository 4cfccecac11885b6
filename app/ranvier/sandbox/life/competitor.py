"""A competitor: a simulated miner that lives in the sandbox process and serves the same protocol as a real one.

It has no model. It looks the question up in the validators' own list and answers right at its given rate, after
its given time, word by word.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from ranvier.keys import addresses
from ranvier.keys.signing import Signer
from ranvier.sandbox.life.asking import TARGET
from ranvier.sandbox.life.btauth import Gate, Unauthorised
from ranvier.sandbox.life.questions import BY_REQUEST

log = logging.getLogger(__name__)
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """How good a competitor is: share of right answers, seconds to the first word, seconds per further word."""

    right_share: float
    first_word_s: float
    word_s: float


PROFILES = (
    Profile(right_share=0.97, first_word_s=0.25, word_s=0.03),
    Profile(right_share=0.90, first_word_s=0.60, word_s=0.05),
    Profile(right_share=0.80, first_word_s=0.15, word_s=0.02),
    Profile(right_share=0.60, first_word_s=0.90, word_s=0.08),
    Profile(right_share=0.35, first_word_s=2.00, word_s=0.15),
)


class Competitor:
    """One simulated miner's axon on loopback; ``start`` gives its port, ``close`` ends it."""

    def __init__(self, signer: Signer, profile: Profile, seed: str) -> None:
        self.signer = signer
        self.port: int | None = None
        self._profile = profile
        self._random = random.Random(seed)
        self._gate = Gate(signer.ss58)
        self._runner: web.AppRunner | None = None
        self._answered = 0

    @property
    def name(self) -> str:
        return addresses.short(self.signer.ss58)

    async def start(self, wanted_port: int | None = None) -> int:
        """Listen on ``wanted_port`` if it is free, on any other port if not."""
        application = web.Application(client_max_size=_MOST_BYTES)
        application.router.add_post(TARGET, self._chat)
        application.router.add_get("/health", self._health)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, "127.0.0.1", wanted_port or 0).start()
        except OSError:
            if not wanted_port:
                raise
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = int(runner.addresses[0][1])
        return self.port

    async def close(self) -> None:
        """Stop listening and cut what is under way."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "model": "simulated", "queries_answered": self._answered})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            self._gate.check(request.method, request.raw_path, request.headers, body)
        except Unauthorised as refusal:
            return web.json_response({"error": str(refusal)}, status=401)
        try:
            asked = str(json.loads(body)["messages"][-1]["content"])
        except (ValueError, LookupError, TypeError):
            return web.json_response({"error": "not a chat request"}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        try:
            async for event in self._events(asked):
                await response.write(b"data: " + event + b"\n\n")
        except ConnectionResetError:
            log.debug("competitor %s: the validator went away", self.name)
        self._answered += 1
        return response

    async def _events(self, asked: str) -> AsyncIterator[bytes]:
        question = BY_REQUEST.get(asked)
        right = question is not None and self._random.random() < self._profile.right_share
        answer = (
            f"The answer is {question.words[0]}." if question is not None and right else "I am not sure about that."
        )
        await asyncio.sleep(self._profile.first_word_s * self._random.uniform(0.8, 1.2))
        for place, word in enumerate(answer.split(" ")):
            if place:
                await asyncio.sleep(self._profile.word_s)
            yield _chunk({"content": word if not place else f" {word}"}, None)
        yield _chunk({}, "stop")
        yield b"[DONE]"


def _chunk(delta: dict[str, str], finish_reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "chatcmpl-sandbox", "object": "chat.completion.chunk", "model": "simulated", "choices": [choice]}
    return json.dumps(chunk).encode()
