"""The market as a whole: starts the competitors and validators of one practice subnet and keeps them going."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Sequence

import aiohttp

from ranvier.core.errors import ChainError
from ranvier.core.tasks import Tasks
from ranvier.keys.signing import Signer
from ranvier.sandbox.life.competitor import PROFILES, Competitor
from ranvier.sandbox.life.face import NodeFace
from ranvier.sandbox.life.validator import Validator

log = logging.getLogger(__name__)

ANNOUNCED_IP = int(ipaddress.IPv4Address("192.0.2.1"))
"""The chain refuses loopback addresses; this one is set aside for documentation, and nobody dials it here."""
_RETRY_BLOCKS = 5


class Market:
    """Validators and competitors of ``netuid``, driven by their own keys; they must be registered already.

    ``quality`` numbers the competitors' profiles in turn, 1 the best. ``seed`` makes questions and the competitors'
    luck repeatable. ``start`` returns when every competitor listens;
    the rest goes on in tasks until ``close``.
    """

    def __init__(
        self,
        node: NodeFace,
        netuid: int,
        validators: Sequence[Signer],
        competitors: Sequence[Signer],
        *,
        seed: int = 0,
        round_s: float = 3.0,
        weights_every: int = 10,
        quality: Sequence[int] = (),
    ) -> None:
        profiles = [number - 1 for number in quality] or range(len(PROFILES))
        self._node = node
        self._netuid = netuid
        self._tasks = Tasks()
        self._session: aiohttp.ClientSession | None = None
        peers = [signer.public_key for signer in validators]
        self.validators = tuple(
            Validator(
                node,
                netuid,
                signer,
                peers,
                seed=f"{seed} validator {place}",
                round_s=round_s,
                weights_every=weights_every + place,  # so that they do not all set weights in one block
            )
            for place, signer in enumerate(validators)
        )
        self.competitors = tuple(
            Competitor(signer, PROFILES[profiles[place % len(profiles)]], f"{seed} competitor {place}")
            for place, signer in enumerate(competitors)
        )

    async def start(self) -> None:
        """Open the competitors' axons, then let everybody work."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32, force_close=True), trust_env=False
        )
        for competitor in self.competitors:
            await competitor.start(self._announced_port(competitor.signer))
            self._tasks.start(self._announce(competitor), f"announce competitor {competitor.name}")
        for validator in self.validators:
            self._tasks.start(validator.run_questions(self._session), f"questions of {validator.name}")
            self._tasks.start(validator.run_weights(), f"weights of {validator.name}")
        log.info("the market is open: %d validators, %d competitors", len(self.validators), len(self.competitors))

    async def close(self) -> None:
        """End all work and close every port."""
        await self._tasks.close()
        if self._session is not None:
            await self._session.close()
        await asyncio.gather(*(competitor.close() for competitor in self.competitors))

    def _announced_port(self, signer: Signer) -> int | None:
        axon = self._node.read("SubtensorModule", "Axons", self._netuid, signer.public_key)
        return None if axon is None else int(axon["port"]) or None

    async def _announce(self, competitor: Competitor) -> None:
        """Publish the competitor's axon unless the chain has it already; try again while it refuses."""
        while self._announced_port(competitor.signer) != competitor.port:
            try:
                done = await self._node.submit(
                    "SubtensorModule",
                    "serve_axon",
                    {
                        "netuid": self._netuid,
                        "version": 1,
                        "ip": ANNOUNCED_IP,
                        "port": competitor.port,
                        "ip_type": 4,
                        "protocol": 4,
                        "placeholder1": 0,
                        "placeholder2": 0,
                    },
                    competitor.signer,
                )
                problem = done.error
            except ChainError as error:
                problem = error.message
            if problem is None:
                log.info("competitor %s serves on port %d", competitor.name, competitor.port)
                return
            log.warning("competitor %s could not publish its axon: %s", competitor.name, problem)
            for _ in range(_RETRY_BLOCKS):
                await self._node.next_block()
