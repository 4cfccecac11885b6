"""The same promises under whatever hypothesis thinks of: calls, blocks, forks, restarts and an upgrade in any order.

The default run makes a few hundred blocks, ``--slow`` thousands; a failure is shrunk to the shortest life that has it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ranvier.sandbox.codec.types import DIGEST
from ranvier.sandbox.frame.extrinsic import decode_extrinsic
from ranvier.sandbox.frame.version import SPECS
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.balances import Balances
from ranvier.sandbox.pallets.subtensor import shares
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.system import System
from sandbox.support import Bench, error_name
from sandbox.test_invariants import POTS, seats_agree

AMOUNTS = st.one_of(
    st.sampled_from([0, 1, 499, 500, 10**6, 2 * 10**6, 10**9, 10**12, (1 << 64) - 1]), st.integers(0, 2 * 10**12)
)
NETUIDS = st.sampled_from([0, 1, 1, 1, 2, 4095, 65_535])
PEOPLE = st.integers(0, 7)
PARTS = st.integers(1, 1000)
BEGIN_MS = 1_700_000_000_000
EXISTENTIAL_RAO = 500


def tao_adds_up(bench: Bench, begun_as: int) -> None:
    """All TAO is free or staked into pools; under 343 a pool's fees are its own, which its reserve does not show.

    TotalStake counts the fees of all purchases, also of those of 425, which go to the author.
    """
    state = bench.state
    accounts = [account["data"] for _, account in System.Account.items(state)]
    free = sum(data["free"] + data["reserved"] for data in accounts)
    assert free == Balances.TotalIssuance.get(state)
    pools = sum(tao for _, tao in Subtensor.SubnetTAO.items(state))
    staked = Subtensor.TotalStake.get(state)
    issued = Subtensor.TotalIssuance.get(state)
    assert pools <= staked
    assert free + pools == issued if begun_as >= 425 else free + pools <= issued <= free + staked
    assert all(data["free"] >= EXISTENTIAL_RAO or not data["free"] for data in accounts)


def alpha_adds_up(bench: Bench, burned: int) -> None:
    """What is staked, waits in pots, is the protocol's or was burned never exceeds what was given out."""
    state = bench.state
    totals = dict(Subtensor.TotalHotkeyAlpha.items(state))
    staked = sum(total for (_, netuid), total in totals.items() if netuid == 1)
    kept = sum(pot.get(state, 1) for pot in POTS) + Subtensor.SubnetProtocolAlpha.get(state, 1)
    assert staked + kept + burned <= Subtensor.SubnetAlphaOut.get(state, 1)
    root = sum(total for (_, netuid), total in totals.items() if netuid == 0)
    assert root == Subtensor.SubnetTAO.get(state, 0)
    held: dict[tuple[bytes, int], int] = {}
    for hotkey, coldkey, netuid in shares.positions(state):
        held[hotkey, netuid] = held.get((hotkey, netuid), 0) + shares.stake_of(state, hotkey, coldkey, netuid)
    for keys, total in held.items():
        assert total <= totals[keys] + 2, keys


class Life(RuleBasedStateMachine):
    """One network and its people. Every call is one block, so that each has one cause."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.burned: dict[int, int] = {}

    @initialize(rules=st.sampled_from([343, 425]))
    def begin(self, rules: int) -> None:
        self.begun_as = rules
        self._open(rules)
        self.people = [*self.bench.cast.validators, *self.bench.cast.competitors]

    def _open(self, rules: int) -> None:
        self.bench = Bench(self.folder, tempo=4, per_snapshot=60, rules=rules)
        self.bench.node.listen(lambda block, changes: self._count(block.number))

    def _count(self, block: int) -> None:
        """Alpha that was burned stays counted as out: known per block, so that a fork forgets it."""
        found = [event[1][1][2] for _, event in self.bench.events() if event[1][0] == "AlphaBurned"]
        self.burned[block] = sum(found)

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.node.chain.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What people do

    @rule(who=PEOPLE, to=PEOPLE, amount=AMOUNTS)
    def transfer(self, who: int, to: int, amount: int) -> None:
        dest = ("Id", self.people[to][0].public_key)
        self._call(self.people[who][0], "transfer_keep_alive", dest=dest, value=amount, pallet="Balances")

    @rule(who=PEOPLE, on=PEOPLE, netuid=NETUIDS, amount=AMOUNTS)
    def stake(self, who: int, on: int, netuid: int, amount: int) -> None:
        self._call(self.people[who][0], "add_stake", hotkey=self._hot(on), netuid=netuid, amount_staked=amount)

    @rule(who=PEOPLE, on=PEOPLE, netuid=NETUIDS, amount=AMOUNTS, price=AMOUNTS, partly=st.booleans())
    def stake_with_a_limit(self, who: int, on: int, netuid: int, amount: int, price: int, partly: bool) -> None:
        limit = {"limit_price": price, "allow_partial": partly}
        hotkey = self._hot(on)
        self._call(self.people[who][0], "add_stake_limit", hotkey=hotkey, netuid=netuid, amount_staked=amount, **limit)

    @rule(who=PEOPLE, on=PEOPLE, netuid=NETUIDS, part=PARTS, extra=st.sampled_from([0, 0, 0, 1, 10**9]))
    def unstake(self, who: int, on: int, netuid: int, part: int, extra: int) -> None:
        """A part of what is held, or a little too much."""
        amount = self._held(who, on, netuid) * part // 1000 + extra
        self._call(self.people[who][0], "remove_stake", hotkey=self._hot(on), netuid=netuid, amount_unstaked=amount)

    @rule(who=PEOPLE, on=PEOPLE, only_alpha=st.booleans())
    def unstake_everything(self, who: int, on: int, only_alpha: bool) -> None:
        self._call(self.people[who][0], "unstake_all_alpha" if only_alpha else "unstake_all", hotkey=self._hot(on))

    @rule(who=PEOPLE, on=PEOPLE, to=PEOPLE, netuid=NETUIDS, second=NETUIDS, part=PARTS)
    def move(self, who: int, on: int, to: int, netuid: int, second: int, part: int) -> None:
        amount = self._held(who, on, netuid) * part // 1000
        keys = {"origin_hotkey": self._hot(on), "destination_hotkey": self._hot(to)}
        route = {"origin_netuid": netuid, "destination_netuid": second, "alpha_amount": amount}
        self._call(self.people[who][0], "move_stake", **keys, **route)

    @rule(who=PEOPLE, on=PEOPLE, to=PEOPLE, netuid=NETUIDS, part=PARTS)
    def give_stake_away(self, who: int, on: int, to: int, netuid: int, part: int) -> None:
        amount = self._held(who, on, netuid) * part // 1000
        route = {"origin_netuid": netuid, "destination_netuid": netuid, "alpha_amount": amount}
        taker = self.people[to][0].public_key
        self._call(self.people[who][0], "transfer_stake", destination_coldkey=taker, hotkey=self._hot(on), **route)

    @rule(who=PEOPLE, netuid=NETUIDS, part=PARTS, burnt=st.booleans())
    def destroy_alpha(self, who: int, netuid: int, part: int, burnt: bool) -> None:
        amount = self._held(who, who, netuid) * part // 1000
        name = "burn_alpha" if burnt else "recycle_alpha"
        self._call(self.people[who][0], name, hotkey=self._hot(who), amount=amount, netuid=netuid)

    @rule(who=PEOPLE, new=st.integers(0, 30), netuid=NETUIDS)
    def register(self, who: int, new: int, netuid: int) -> None:
        hotkey = self.bench.keys.signer("fresh", new).public_key
        self._call(self.people[who][0], "burned_register", netuid=netuid, hotkey=hotkey)

    @rule(who=PEOPLE, new=st.integers(0, 30), netuid=st.sampled_from([None, 1]))
    def swap_hotkey(self, who: int, new: int, netuid: int | None) -> None:
        fresh = self.bench.keys.signer("fresh", new).public_key
        self._call(self.people[who][0], "swap_hotkey", hotkey=self._hot(who), new_hotkey=fresh, netuid=netuid)

    @rule(who=PEOPLE, to=st.integers(0, 9), weight=st.integers(0, 65_535))
    def set_weights(self, who: int, to: int, weight: int) -> None:
        values = {"netuid": 1, "dests": [to], "weights": [weight], "version_key": 0}
        self._call(self.people[who][1], "set_weights", **values)

    @rule(who=PEOPLE, on=PEOPLE)
    def auto_stake(self, who: int, on: int) -> None:
        self._call(self.people[who][0], "set_coldkey_auto_stake_hotkey", netuid=1, hotkey=self._hot(on))

    @rule(who=PEOPLE, part=PARTS)
    def lock(self, who: int, part: int) -> None:
        """Conviction locks: of 425 only."""
        amount = self._held(who, who, 1) * part // 1000
        self._call(self.people[who][0], "lock_stake", hotkey=self._hot(who), netuid=1, amount=amount)

    # What happens to the network

    @rule(count=st.integers(1, 12))
    def pass_time(self, count: int) -> None:
        for _ in range(count):
            self._block()

    @rule(depth=st.integers(1, 2))
    def fork(self, depth: int) -> None:
        chain = self.bench.node.chain
        if chain.head.number - depth >= chain.finalized.number and chain.head.number - depth > 0:
            try:
                self.bench.node.reorganise(depth)
            except ValueError as refusal:
                assert "just written" in str(refusal)

    @rule()
    def restart(self) -> None:
        chain = self.bench.node.chain
        values, head, spec = dict(self.bench.state.values()), chain.head.hash, chain.spec
        chain.close()
        self._open(spec.version)
        chain = self.bench.node.chain
        assert (chain.head.hash, chain.spec) == (head, spec)
        assert dict(self.bench.state.values()) == values

    @precondition(lambda self: self.bench.node.chain.spec.version == 343)
    @rule()
    def upgrade(self) -> None:
        self.bench.node.upgrade(SPECS[425])
        self._block()

    # What must hold

    @invariant()
    def sums(self) -> None:
        if hasattr(self, "bench"):
            tao_adds_up(self.bench, self.begun_as)
            alpha_adds_up(self.bench, sum(self.burned.values()))
            seats_agree(self.bench)

    def _hot(self, who: int) -> bytes:
        return bytes(self.people[who][1].public_key)

    def _held(self, who: int, on: int, netuid: int) -> int:
        return int(shares.stake_of(self.bench.state, self._hot(on), self.people[who][0].public_key, netuid))

    def _block(self) -> None:
        self.bench.node.make_block(self._next())

    def _next(self) -> int:
        """The next block's time; the first block's is always the same."""
        return self.bench.node.next_time() if self.bench.node.chain.head.number else BEGIN_MS

    def _call(self, signer: Any, name: str, *, pallet: str = "SubtensorModule", **arguments: Any) -> None:
        """One call in one block: a refused one is not in it, a failed one only paid, no one is taken twice."""
        bench, chain = self.bench, self.bench.node.chain
        try:
            encoded = bench.node.sign(signer, pallet, name, arguments)
            bench.node.waiting.submit(encoded)
        except Refused:
            return
        without = self._empty_block()
        before = dict(bench.state.values())
        self._block()
        mine = [e for (phase, e) in bench.events() if phase == ("ApplyExtrinsic", 1)]
        if [decode_extrinsic(raw).hash for raw in chain.head.extrinsics[1:]] == [decode_extrinsic(encoded).hash]:
            failure = [e[1][1]["dispatch_error"] for e in mine if e[1][0] == "ExtrinsicFailed"]
            if failure:
                self._only_paid(signer.public_key, before, without, f"{name}: {error_name(failure[0])}")
        with pytest.raises(Refused):
            bench.node.waiting.submit(encoded)

    def _empty_block(self) -> dict[bytes, bytes | None]:
        """What the next block would change without the call."""
        chain = self.bench.node.chain
        now = self._next()
        slot = now // chain.machine.block_ms
        digest = DIGEST.encode({"logs": [("PreRuntime", (b"aura", slot.to_bytes(8, "little")))]})
        head = chain.head
        made = chain.machine.make_block(chain.store, head.number + 1, head.hash, chain.genesis_hash, now, digest, [])
        return made.changes

    def _only_paid(
        self, signer: bytes, before: dict[bytes, bytes], without: dict[bytes, bytes | None], what: str
    ) -> None:
        touched = {System.Account.key(signer), System.Account.key(self.bench.cast.author.public_key)}
        after = dict(self.bench.state.values())
        for key in set(before) | set(after) | set(without):
            if key in touched or key.startswith((System.Events.prefix, System.EventCount.prefix)):
                continue
            assert after.get(key) == without.get(key, before.get(key)), f"{what} changed {key.hex()}"
        nothing = System.Account.default_bytes  # a hotkey that holds nothing may make free calls
        key = System.Account.key(signer)
        old, new = (System.Account.value.decode(state.get(key, nothing)) for state in (before, after))
        assert new["nonce"] == old["nonce"] + 1
        assert new["data"]["free"] <= old["data"]["free"]


_QUICK = settings(max_examples=10, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
_LONG = settings(_QUICK, max_examples=120, stateful_step_count=100)


def test_whatever_happens_the_sums_hold() -> None:
    run_state_machine_as_test(Life, settings=_QUICK)


@pytest.mark.slow
@pytest.mark.limit_s(1200)
def test_whatever_happens_for_thousands_of_blocks() -> None:
    run_state_machine_as_test(Life, settings=_LONG)


def test_the_machine_notices_alpha_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The promises can fail: stake that is paid out but stays with its holder is found."""
    monkeypatch.setattr(shares, "take_stake", lambda state, hotkey, coldkey, netuid, amount: amount)
    quick = settings(_QUICK, max_examples=100, phases=[Phase.generate], database=None)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Life, settings=quick)
