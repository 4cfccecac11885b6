"""A practice network on which everything happens at once, and what each epoch really added to whose stake.

The truth is the chain's state: each payment is measured by what it changed, inside the block that makes it. No event,
no reader and no encoding of ours comes into it.
"""

from __future__ import annotations

import copy
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.life_operations import Operations
from ranvier.keys import addresses
from ranvier.sandbox.frame.extrinsic import decode_extrinsic
from ranvier.sandbox.frame.version import SPECS
from ranvier.sandbox.node.node import Faults
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.subtensor import payment
from ranvier.sandbox.pallets.subtensor.epochs import next_epoch
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.rpc.server import RpcServer
from sandbox.support import Bench

SUBNETS = (1, 2, 3)  # with one tempo: at 425 the third one's epoch is put off each time
Key = tuple[int, int, str]  # netuid, block, hotkey


@dataclass
class Paid:
    """What one epoch paid one hotkey, as the state changed: ``landed`` is rao of new stake by hotkey."""

    gross_rao: int
    fate: str
    coldkey_ss58: str | None
    landed: dict[str, int]


class AnyLife:
    """``listen`` opens two nodes of the same chain: a common one, which may forget its past, and an archive."""

    def __init__(self, seed: int, tempo: int, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.random, self.tempo, self._folder = random.Random(seed), tempo, folder
        self.netuids = SUBNETS
        self.bench = Bench(folder / "0", tempo=tempo, rules=343, subnets=len(SUBNETS))
        self.paid: dict[Key, Paid] = {}
        self.done: Counter[str] = Counter()
        self.lives = 0
        self._watch(patch)
        self.operations = Operations(self.bench, self.random, SUBNETS)
        self.hotkeys = [addresses.ss58(key) for key in self.operations.all_hotkeys()]
        self.port = self.archive_port = 0
        self._open_doors()
        self.operations.begin()

    @property
    def goals(self) -> dict[int, int]:
        """The newest block that paid somebody, by netuid."""
        return {netuid: max((key[1] for key in self.paid if key[0] == netuid), default=0) for netuid in self.netuids}

    def _open_doors(self) -> None:
        """One chain behind two doors."""
        common = copy.copy(self.bench.node)
        common.faults = Faults()
        self.faults = common.faults
        self.server, self.archive = RpcServer(common), RpcServer(self.bench.node)

    async def listen(self) -> None:
        await self.server.start(self.port)
        await self.archive.start(self.archive_port)
        self.port, self.archive_port = self.server.port, self.archive.port

    async def close(self) -> None:
        await self.server.close()
        await self.archive.close()

    # --- what goes wrong ------------------------------------------------------------------------------------

    async def fail(self) -> None:
        """Both endpoints go away for a moment, with all their connections."""
        await self.close()
        self._open_doors()
        await self.listen()

    async def crash(self) -> None:
        """The node is killed: what it has on disk at this moment is what it goes on with."""
        await self.close()
        self.lives += 1
        left = self._folder / str(self.lives)
        shutil.copytree(self._folder / str(self.lives - 1), left)
        self.bench.node.chain.close()
        self.bench = self.operations.bench = Bench(left, tempo=self.tempo)
        self._forget_above(self.bench.node.chain.head.number)
        self._open_doors()
        await self.listen()

    def fork(self) -> None:
        """The newest blocks are given up for others."""
        depth = self.random.choice((1, 2))
        chain = self.bench.node.chain
        if chain.head.number - depth < max(1, chain.finalized.number):
            return
        keep = chain.head.number - depth
        taken = {key: paid for key, paid in self.paid.items() if key[1] > keep}
        self._forget_above(keep)
        try:
            self.bench.node.reorganise(depth)
        except ValueError:  # a snapshot was just written: there is no way back
            self.paid.update(taken)
            return
        self.done["fork"] += 1

    def forget(self) -> None:
        """The common node prunes its past, or is a full one again."""
        self.faults.discarded = not self.faults.discarded
        self.done["pruned"] += self.faults.discarded

    def upgrade(self) -> None:
        self.bench.node.upgrade(SPECS[425])
        self.done["upgrade"] += 1

    def dissolve(self) -> None:
        """A subnet ends, and nothing follows it; its last block is one with an epoch."""
        netuid = SUBNETS[-1]
        while next_epoch(self.bench.state, number := self.bench.node.chain.head.number, netuid) != number + 1:
            self.block(0)
        self.bench.node.send(*self.operations.end_of(netuid))
        self.block(0)
        assert not Subtensor.NetworksAdded.get(self.bench.state, netuid)

    def reuse(self) -> None:
        """A subnet is dissolved; another one begins under its number, with people of its own."""
        for call in self.operations.new_subnet(SUBNETS[-1]):
            self.bench.node.send(*call)
            self.bench.blocks()
            self.note_done()

    # --- blocks and what they pay ---------------------------------------------------------------------------

    def block(self, operations: int) -> None:
        for _ in range(operations):
            try:
                self.operations.send()
            except Refused:
                continue  # a refusal is a life's event too
        self.bench.blocks()
        self.note_done()

    def note_done(self) -> None:
        """Which calls of the newest block succeeded."""
        calls = [decode_extrinsic(raw).call for raw in self.bench.node.chain.head.extrinsics]
        for phase, (pallet, event) in self.bench.events():
            if phase[0] != "ApplyExtrinsic":
                continue
            outer, (name, arguments) = calls[phase[1]]
            if (pallet, event[0]) == ("Sudo", "Sudid") and event[1]["sudo_result"][0] == "Ok":
                self.done[arguments["call"][1][0]] += 1
            elif (pallet, event[0]) == ("System", "ExtrinsicSuccess") and outer != "Sudo":
                self.done[name] += 1

    def _forget_above(self, number: int) -> None:
        self.paid = {key: paid for key, paid in self.paid.items() if key[1] <= number}

    def _watch(self, patch: pytest.MonkeyPatch) -> None:
        """Measure around the two functions that pay miners."""
        pay_all, pay_one = payment._pay_miners, payment._pay_miner
        now: dict[bytes, Paid] = {}

        def stakes(state: Any, netuid: int) -> dict[str, int]:
            rows = Subtensor.TotalHotkeyAlpha.items(state)
            return {addresses.ss58(hotkey): rao for (hotkey, one), rao in rows if one == netuid}

        def one(context: Any, netuid: int, hotkey: bytes, coldkey: bytes, amount: int) -> None:
            before = stakes(context.state, netuid)
            pay_one(context, netuid, hotkey, coldkey, amount)
            after = stakes(context.state, netuid)
            landed = {who: rao - before.get(who, 0) for who, rao in after.items() if rao != before.get(who, 0)}
            now[hotkey] = Paid(amount, "paid", addresses.ss58(coldkey), landed)

        def everybody(context: Any, netuid: int, incentives: dict[bytes, int]) -> None:
            now.clear()
            before = Subtensor.SubnetAlphaOut.get(context.state, netuid)
            pay_all(context, netuid, incentives)
            recycled = before - Subtensor.SubnetAlphaOut.get(context.state, netuid)
            withheld = {hotkey: rao for hotkey, rao in incentives.items() if rao and hotkey not in now}
            assert recycled in (0, sum(withheld.values()))
            fate = "recycled" if recycled else "burned"
            for hotkey, rao in withheld.items():
                now[hotkey] = Paid(rao, fate, None, {})
            for hotkey, paid in now.items():
                self.paid[netuid, context.block, addresses.ss58(hotkey)] = paid

        patch.setattr(payment, "_pay_miner", one)
        patch.setattr(payment, "_pay_miners", everybody)
