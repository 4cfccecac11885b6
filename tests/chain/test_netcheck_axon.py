"""One real, signed call to an axon: timed when it answers, and every other outcome has its reason."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from chain.chain_helpers import new_key
from ranvier.chain.netcheck.netcheck_axon import TARGET, ask_axon
from ranvier.sandbox.life.btauth import Gate, Unauthorised

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WORD = b'data: {"choices":[{"delta":{"content":"Four"}}]}\n\n'
EMPTY = b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


@contextlib.asynccontextmanager
async def axon(handler: Handler, path: str = TARGET) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_post(path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    finally:
        await runner.cleanup()


def streams(*parts: bytes) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for part in parts:
            await answer.write(part)
        return answer

    return handler


async def test_a_signed_question_is_answered_and_timed() -> None:
    hotkey = new_key()
    gate, asked = Gate(hotkey.ss58), []

    async def checked(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            asked.append(gate.check("POST", request.path_qs, request.headers, body))
        except Unauthorised:
            return web.Response(status=401)
        return await streams(EMPTY, WORD[:9], WORD[9:], DONE)(request)

    async with axon(checked) as port:
        found = await ask_axon(port, hotkey)
        assert found.error is None and found.first_word_ms is not None and found.whole_ms is not None
        assert 0 < found.first_word_ms <= found.whole_ms and asked == [hotkey.ss58]
        refused = Gate(new_key().ss58)
        gate.check = refused.check  # type: ignore[method-assign]  # another miner's axon stands there
        assert (await ask_axon(port, hotkey)).error == "The axon refused the question (status 401)."


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ((EMPTY, DONE), "has no words"),
        ((WORD,), "broke off"),
        ((b"data: {]\n\n",), "no chat completion"),
        ((b'data: {"choices":[7]}\n\n',), "no chat completion"),
        ((b"x" * 70_000,) * 4, "never ends"),
    ],
)
async def test_what_is_no_answer_is_named(parts: tuple[bytes, ...], why: str) -> None:
    async with axon(streams(*parts)) as port:
        found = await ask_axon(port, new_key())
    assert (found.first_word_ms, found.whole_ms) == (None, None) and why in (found.error or "")


async def test_an_axon_of_another_kind_and_none_at_all() -> None:
    async with axon(streams(WORD), "/else") as port:
        assert "another way" in ((await ask_axon(port, new_key())).error or "")
    assert "Nothing listens" in ((await ask_axon(port, new_key())).error or "")
