"""The market over real HTTP on loopback, with a node that is a dictionary."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from ranvier.core.errors import ChainError
from ranvier.keys.signing import LocalSigner, Signer
from ranvier.sandbox.life.asking import TARGET, ask
from ranvier.sandbox.life.btauth import signed_headers
from ranvier.sandbox.life.competitor import Competitor, Profile
from ranvier.sandbox.life.face import Submitted
from ranvier.sandbox.life.market import Market
from ranvier.sandbox.life.questions import QUESTIONS
from ranvier.sandbox.life.validator import Validator, served_neurons

PERFECT = Profile(right_share=1.0, first_word_s=0.0, word_s=0.0)
NETUID = 1


def signer(number: int) -> LocalSigner:
    return LocalSigner.from_seed(bytes([number]) * 32)


class DictionaryNode:
    """A node without rules: blocks by the clock, weights and axons stored as sent, failures on demand."""

    def __init__(self, neurons: list[Signer], block_s: float = 0.05) -> None:
        self.block = 1
        self.keys = [neuron.public_key for neuron in neurons]
        self.axons: dict[bytes, dict[str, int]] = {}
        self.weights: dict[int, dict[int, int]] = {}
        self.last_update = [0] * len(neurons)
        self.rate_limit = 2
        self.calls: list[str] = []
        self.refuse: str | None = None
        self.fail: str | None = None
        self._block_s = block_s

    async def next_block(self) -> int:
        await asyncio.sleep(self._block_s)
        self.block += 1
        return self.block

    def read(self, pallet: str, item: str, *keys: Any) -> Any:
        assert pallet == "SubtensorModule"
        assert keys[0] == NETUID
        values: dict[str, Callable[[], Any]] = {
            "SubnetworkN": lambda: len(self.keys),
            "Keys": lambda: self.keys[keys[1]],
            "Uids": lambda: self.keys.index(keys[1]) if keys[1] in self.keys else None,
            "Axons": lambda: self.axons.get(keys[1]),
            "LastUpdate": lambda: self.last_update,
            "WeightsSetRateLimit": lambda: self.rate_limit,
            "WeightsVersionKey": lambda: 0,
        }
        return values[item]()

    async def submit(self, pallet: str, call: str, arguments: Mapping[str, Any], signer: Signer) -> Submitted:
        await asyncio.sleep(0)
        self.calls.append(call)
        if self.refuse is not None:
            raise ChainError("Refused", self.refuse)
        if self.fail is not None:
            return Submitted(self.block + 1, self.fail)
        uid = self.keys.index(signer.public_key)
        if call == "serve_axon":
            self.axons[signer.public_key] = {"ip": arguments["ip"], "port": arguments["port"]}
        else:
            assert call == "set_weights"
            self.weights[uid] = dict(zip(arguments["dests"], arguments["weights"], strict=True))
            self.last_update[uid] = self.block + 1
        return Submitted(self.block + 1)

    def serve(self, who: Signer, port: int) -> None:
        self.axons[who.public_key] = {"ip": 1, "port": port}


@contextlib.asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as opened:
        yield opened


@contextlib.asynccontextmanager
async def bad_axon(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[int]:
    """An HTTP server that answers every request with ``answer``; gives its port."""
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def competitor(who: Signer, profile: Profile = PERFECT) -> AsyncIterator[int]:
    running = Competitor(who, profile, "seed")
    port = await running.start()
    try:
        yield port
    finally:
        await running.close()


async def silent(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


def says(text: str, *, end: bool = True) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        chunk = {"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}
        body = f"data: {json.dumps(chunk)}\n\n" + ("data: [DONE]\n\n" if end else "")
        return web.Response(text=body, content_type="text/event-stream")

    return answer


def replies(text: str, status: int = 200) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, headers={"Location": "/elsewhere"})

    return answer


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # the condition is on plain data
            await asyncio.sleep(0.02)


async def test_a_good_axon_answers_fully() -> None:
    async with competitor(signer(9)) as port, session() as web_session:
        answer = await ask(web_session, signer(1), signer(9).ss58, port, QUESTIONS[0])
    assert answer.failure == ""
    assert answer.complete
    assert QUESTIONS[0].agrees(answer.text)
    assert answer.first_word_s is not None
    assert answer.first_word_s <= answer.seconds


async def test_an_axon_refuses_strangers_and_replays() -> None:
    body = b'{"messages":[{"role":"user","content":"hello"}],"stream":true}'
    good = signed_headers(signer(1), signer(9).ss58, "POST", TARGET, body)
    forged = signed_headers(signer(1), signer(9).ss58, "POST", TARGET, body) | {
        "X-Bittensor-Signature": "0x" + "11" * 64
    }
    async with competitor(signer(9)) as port, session() as web_session:
        statuses = []
        for headers in ({}, forged, good, good):
            async with web_session.post(f"http://127.0.0.1:{port}{TARGET}", data=body, headers=headers) as response:
                statuses.append(response.status)
                text = await response.text()
                if response.status == 401:
                    assert "error" in text
    assert statuses == [401, 401, 200, 401]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (says("Paris", end=False), ""),
        (says("x" * 70_000), "the answer never ends"),
        (replies("data: not json\n\n"), "the answer is not a chat completion's stream"),
        (replies('data: {"choices": 5}\n\n'), "the answer is not a chat completion's stream"),
        (replies("nothing", status=500), "it answered with status 500"),
        (replies("", status=302), "it answered with status 302"),
    ],
)
async def test_bad_answers_have_a_name(answer: Any, failure: str) -> None:
    async with bad_axon(answer) as port, session() as web_session:
        got = await ask(web_session, signer(1), signer(9).ss58, port, QUESTIONS[0])
    assert got.failure == failure
    assert not got.complete or failure


async def test_nobody_listens() -> None:
    async with bad_axon(says("x")) as port:
        pass
    async with session() as web_session:
        got = await ask(web_session, signer(1), signer(9).ss58, port, QUESTIONS[0])
    assert got.failure == "nothing listens there"


async def test_one_round_over_good_wrong_silent_and_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The good one is scored, the others get nothing, and the round ends."""
    monkeypatch.setattr("ranvier.sandbox.life.asking.SLOWEST_S", 1.0)
    validator_key, good, wrong, mute, dead, absent = (signer(n) for n in range(1, 7))
    node = DictionaryNode([validator_key, good, wrong, mute, dead, absent])
    validator = Validator(node, NETUID, validator_key, [validator_key.public_key], seed="s")
    async with bad_axon(says("x")) as dead_port:
        pass
    async with (
        session() as web_session,
        competitor(good) as good_port,
        bad_axon(says("I am not sure")) as wrong_port,
        bad_axon(silent) as mute_port,
    ):
        for who, port in ((good, good_port), (wrong, wrong_port), (mute, mute_port), (dead, dead_port)):
            node.serve(who, port)
        node.serve(validator_key, good_port)
        assert [neuron.uid for neuron in served_neurons(node, NETUID, [validator_key.public_key])] == [1, 2, 3, 4]
        await validator.ask_everybody(web_session)
    assert validator.scores.weights() == ([1], [65535])
    assert [validator.scores.of(uid, node.keys[uid]) for uid in (2, 3, 4)] == [0.0, 0.0, 0.0]


async def test_the_market_pays_attention_to_a_newcomer() -> None:
    """Three validators, two competitors; a miner that comes later is weighted by every validator within seconds."""
    validators = [signer(n) for n in (1, 2, 3)]
    competitors = [signer(n) for n in (4, 5)]
    newcomer = signer(6)
    node = DictionaryNode([*validators, *competitors, newcomer])
    market = Market(node, NETUID, validators, competitors, seed=3, round_s=0.2, weights_every=1000)
    await market.start()
    try:
        await until(lambda: len(node.axons) == 2 and set(node.weights) == {0, 1, 2})
        assert all(set(row) <= {3, 4} for row in node.weights.values())
        async with competitor(newcomer) as port:
            node.serve(newcomer, port)
            await until(lambda: all(5 in row for row in node.weights.values()))
    finally:
        await market.close()


async def test_the_market_survives_a_chain_that_refuses(caplog: pytest.LogCaptureFixture) -> None:
    validators, competitors = [signer(1)], [signer(4)]
    node = DictionaryNode([*validators, *competitors], block_s=0.02)
    node.refuse = "the pool is full"
    market = Market(node, NETUID, validators, competitors, round_s=0.1, weights_every=2)
    await market.start()
    try:
        await until(lambda: "could not publish its axon: the pool is full" in caplog.text)
        node.refuse, node.fail = None, "ServingRateLimitExceeded"
        await until(lambda: "ServingRateLimitExceeded" in caplog.text)
        node.fail = None
        await until(lambda: node.weights.get(0) == {1: 65535})
        node.fail = "SettingWeightsTooFast"
        await until(lambda: "could not set weights: SettingWeightsTooFast" in caplog.text)
        node.fail, node.weights = None, {}
        await until(lambda: node.weights.get(0) == {1: 65535})
    finally:
        await market.close()


async def test_a_restarted_market_listens_where_it_was_announced() -> None:
    node = DictionaryNode([signer(1), signer(4)])
    ports = []
    for _ in range(2):
        market = Market(node, NETUID, [signer(1)], [signer(4)], round_s=5)
        await market.start()
        try:
            await until(lambda: signer(4).public_key in node.axons)
            ports.append(market.competitors[0].port)
        finally:
            await market.close()
    assert ports[0] == ports[1]
    assert node.calls.count("serve_axon") == 1


async def test_weights_wait_for_the_rate_limit() -> None:
    node = DictionaryNode([signer(1), signer(4)])
    node.block, node.rate_limit, node.last_update = 149, 50, [100, 0]
    validator = Validator(node, NETUID, signer(1), [], seed="s", weights_every=10)
    assert not await validator.set_weights_if_due(160), "nothing to say yet"
    validator.scores.observe(1, node.keys[1], 0.5)
    assert not await validator.set_weights_if_due(148)
    assert await validator.set_weights_if_due(149)
    assert not await validator.set_weights_if_due(150)
