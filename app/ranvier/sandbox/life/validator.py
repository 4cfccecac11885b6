"""A validator of the practice subnet: asks every served axon, scores the answers, sets weights."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection
from dataclasses import dataclass

import aiohttp

from ranvier.core.errors import ChainError
from ranvier.keys import addresses
from ranvier.keys.signing import Signer
from ranvier.sandbox.life.asking import ask
from ranvier.sandbox.life.face import NodeFace
from ranvier.sandbox.life.questions import QuestionSource
from ranvier.sandbox.life.scoring import MovingScores, score

log = logging.getLogger(__name__)
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class ServedNeuron:
    """A neuron that announced an axon."""

    uid: int
    hotkey: bytes
    port: int

    @property
    def ss58(self) -> str:
        return addresses.ss58(self.hotkey)


def served_neurons(node: NodeFace, netuid: int, not_these: Collection[bytes]) -> list[ServedNeuron]:
    """Every neuron with an axon, without ``not_these`` hotkeys. The announced ip is ignored: all is on loopback."""
    served = []
    for uid in range(node.read("SubtensorModule", "SubnetworkN", netuid) or 0):
        hotkey = node.read("SubtensorModule", "Keys", netuid, uid)
        if hotkey is None or hotkey in not_these:
            continue
        axon = node.read("SubtensorModule", "Axons", netuid, hotkey)
        if axon is not None and axon["ip"] and axon["port"]:
            served.append(ServedNeuron(uid, bytes(hotkey), axon["port"]))
    return served


class Validator:
    """One validator: ``run_questions`` and ``run_weights`` go on until they are cancelled.

    ``peers`` are the hotkeys of all validators: they are not asked. ``round_s`` is the pause between two rounds,
    varied by a fifth so that validators do not march in step.
    """

    def __init__(
        self,
        node: NodeFace,
        netuid: int,
        signer: Signer,
        peers: Collection[bytes],
        *,
        seed: str,
        round_s: float = 3.0,
        weights_every: int = 10,
    ) -> None:
        self.signer = signer
        self.scores = MovingScores()
        self._node = node
        self._netuid = netuid
        self._peers = frozenset(peers)
        self._round_s = round_s
        self._weights_every = weights_every
        self._random = random.Random(f"{seed} rounds")
        self._questions = QuestionSource(f"{seed} questions")
        self._failing: dict[bytes, str] = {}
        self._news = False
        self._weights_block = 0

    @property
    def name(self) -> str:
        return addresses.short(self.signer.ss58)

    async def run_questions(self, session: aiohttp.ClientSession) -> None:
        """Ask round after round."""
        while True:
            await self.ask_everybody(session)
            await asyncio.sleep(self._round_s * self._random.uniform(0.8, 1.2))

    async def ask_everybody(self, session: aiohttp.ClientSession) -> None:
        """One round: one question to each served neuron, a few at a time. One bad miner changes nothing else."""
        neurons = served_neurons(self._node, self._netuid, self._peers)
        self.scores.keep((neuron.uid, neuron.hotkey) for neuron in neurons)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(neuron: ServedNeuron) -> None:
            async with gate:
                await self._ask_one(session, neuron)

        results = await asyncio.gather(*(one(neuron) for neuron in neurons), return_exceptions=True)
        for neuron, result in zip(neurons, results, strict=True):
            if isinstance(result, Exception):
                log.error("validator %s: asking uid %d failed", self.name, neuron.uid, exc_info=result)

    async def _ask_one(self, session: aiohttp.ClientSession, neuron: ServedNeuron) -> None:
        question = self._questions.next()
        answer = await ask(session, self.signer, neuron.ss58, neuron.port, question)
        value = score(answer, question)
        before = self.scores.of(neuron.uid, neuron.hotkey)
        newcomer = before is None
        average = self.scores.observe(neuron.uid, neuron.hotkey, value)
        self._news = self._news or (not before and average > 0)
        if newcomer:
            what = answer.failure or f"{answer.text!r} in {answer.seconds * 1000:.0f} ms"
            log.info("validator %s asked uid %d for the first time: %s", self.name, neuron.uid, what)
        elif self._failing.get(neuron.hotkey, "") != answer.failure:
            log.info("validator %s: uid %d %s", self.name, neuron.uid, answer.failure or "answers again")
        self._failing[neuron.hotkey] = answer.failure
        log.debug("validator %s: uid %d scored %.2f, average %.2f", self.name, neuron.uid, value, average)

    async def run_weights(self) -> None:
        """Look at every block whether weights are due."""
        while True:
            block = await self._node.next_block()
            try:
                await self.set_weights_if_due(block)
            except ChainError as error:
                log.warning("validator %s could not set weights: %s", self.name, error.message)

    async def set_weights_if_due(self, block: int) -> bool:
        """Set weights when the rate limit allows and it is time, or as soon as it allows for a newcomer's sake."""
        read = self._node.read
        uid = read("SubtensorModule", "Uids", self._netuid, self.signer.public_key)
        if uid is None:
            return False
        last = max(read("SubtensorModule", "LastUpdate", self._netuid)[uid], self._weights_block)
        limit = read("SubtensorModule", "WeightsSetRateLimit", self._netuid)
        wanted = 1 if self._news else self._weights_every
        # The block that will hold the transaction is at least the next one.
        if block + 1 - last < max(limit, wanted):
            return False
        uids, weights = self.scores.weights()
        if not uids:
            return False
        news, self._news = self._news, False
        self._weights_block = block
        done = await self._node.submit(
            "SubtensorModule",
            "set_weights",
            {
                "netuid": self._netuid,
                "dests": uids,
                "weights": weights,
                "version_key": read("SubtensorModule", "WeightsVersionKey", self._netuid),
            },
            self.signer,
        )
        if done.error is not None:
            log.warning("validator %s could not set weights: %s", self.name, done.error)
            self._news = news
            return False
        self._weights_block = done.block
        log.info("validator %s set weights on %d neurons in block %d", self.name, len(uids), done.block)
        return True
