"""The axon: takes signed chat requests, passes them to the model and streams the model's words back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web
from auth import Gate, RefusedError

TARGET = "/v1/chat/completions"
MOST_BYTES = 64 * 1024
MOST_TOKENS = 256
MOST_AT_ONCE = 32
MODEL_LIMIT_S = 60


class Axon:
    """Answers validators. ``model_url`` may be set later: until the model has answered once, requests get 503."""

    def __init__(self, gate: Gate, model_name: str, say: Callable[[str], None]) -> None:
        self.model_name = model_name
        self.model_url: str | None = None
        self.ready = False
        self.queries_answered = 0
        self.last_query_at: float | None = None
        self.last_validator: str | None = None
        self._gate = gate
        self._say = say
        self._under_way = 0
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """The HTTP side, to be run by aiohttp."""
        application = web.Application(client_max_size=MOST_BYTES)
        application.router.add_post(TARGET, self._chat)
        application.router.add_get("/health", self._health)
        application.cleanup_ctx.append(self._with_session)
        return application

    async def _with_session(self, _application: web.Application):
        timeout = aiohttp.ClientTimeout(total=MODEL_LIMIT_S, connect=5)
        # llama.cpp's server closes kept connections while they are used again: one request in twelve failed.
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            self._session = session
            yield

    async def probe(self) -> bool:
        """Ask the model for one word; sets and returns ``ready``."""
        request = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1, "stream": False}
        try:
            async with self._session.post(f"{self.model_url}{TARGET}", json=request) as response:
                content = await response.json(content_type=None)
                self.ready = response.status == 200 and bool(content["choices"])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LookupError, TypeError):
            self.ready = False
        return self.ready

    async def keep_probing(self, every_s: float = 1.0) -> None:
        """Ask the model until it answers, and again whenever it stopped answering; ends with its task only."""
        said = False
        while True:
            if self.model_url is not None and not self.ready:
                if await self.probe():
                    self._say(f"the model {self.model_name} answers")
                    said = False
                elif not said:
                    self._say(f"waiting for the model at {self.model_url}")
                    said = True
            await asyncio.sleep(every_s)

    async def _health(self, _request: web.Request) -> web.Response:
        state = {
            "status": "ok" if self.ready else "loading",
            "model": self.model_name,
            "queries_answered": self.queries_answered,
            "last_query_at": self.last_query_at,
            "last_validator": self.last_validator,
        }
        return web.json_response(state, status=200 if self.ready else 503)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        started = time.monotonic()
        body = await request.read()
        try:
            validator = self._gate.check(request.method, request.raw_path, request.headers, body)
        except RefusedError as refused:
            self._say(f"refused a request from {request.remote}: {refused}")
            return web.json_response({"error": str(refused)}, status=401)
        try:
            wanted = model_request(json.loads(body))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return web.json_response({"error": "not a chat request"}, status=400)
        if not self.ready:
            return web.json_response({"error": "the model is not ready"}, status=503)
        if self._under_way >= MOST_AT_ONCE:
            return web.json_response({"error": "too many requests at once"}, status=503)
        self._under_way += 1
        try:
            response, tokens = await self._forward(request, wanted)
        finally:
            self._under_way -= 1
        name = f"{validator[:8]}..."
        if response.status != 200 or tokens is None:
            self._say(f"could not answer validator {name}: the model's answer broke off")
        else:
            self.queries_answered += 1
            self.last_query_at = time.time()
            self.last_validator = validator
            self._say(f"answered validator {name} in {(time.monotonic() - started) * 1000:.0f} ms, {tokens} tokens")
        return response

    async def _forward(self, request: web.Request, wanted: dict[str, Any]) -> tuple[web.StreamResponse, int | None]:
        """Pass the request on; the response, and the number of tokens, or None when the answer broke off."""
        answer: web.StreamResponse | None = None
        try:
            async with self._session.post(f"{self.model_url}{TARGET}", json=wanted) as upstream:
                if upstream.status != 200:
                    return web.json_response({"error": "the model refused the request"}, status=502), None
                if not wanted["stream"]:
                    content = await upstream.json(content_type=None)
                    return web.json_response(content), int(content.get("usage", {}).get("completion_tokens", 0))
                answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
                await answer.prepare(request)
                return answer, await relay(upstream, answer)
        except ConnectionResetError:
            return answer or web.Response(status=502), None  # the validator went away
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            self.ready = False
            return answer or web.json_response({"error": "the model does not answer"}, status=502), None


async def relay(upstream: aiohttp.ClientResponse, answer: web.StreamResponse) -> int | None:
    """Copy server-sent events as they come; the number that carried words, None if the end never came."""
    tokens, rest, done = 0, b"", False
    async for data in upstream.content.iter_any():
        await answer.write(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            done = done or line.strip() == b"data: [DONE]"
            tokens += b'"content":' in line.replace(b'"content":null', b"").replace(b'"content": null', b"")
    await answer.write_eof()
    return tokens if done else None


def model_request(asked: dict[str, Any]) -> dict[str, Any]:
    """What is passed on of a request: the messages and the few settings a validator may choose, within limits."""
    messages = [{"role": str(entry["role"]), "content": str(entry["content"])} for entry in asked["messages"]]
    if not messages:
        raise ValueError("no message")
    return {
        "messages": messages,
        "max_tokens": max(1, min(int(asked.get("max_tokens") or MOST_TOKENS), MOST_TOKENS)),
        "temperature": max(0.0, min(float(asked.get("temperature") or 0.0), 2.0)),
        "stream": bool(asked.get("stream", False)),
    }
