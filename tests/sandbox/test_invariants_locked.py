"""Whatever people do with locks, collateral and keys: nothing locked leaves, and the chain's sums of it are right."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.pallets.subtensor import collateral, locks, shares
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench
from sandbox.test_invariants import People, go_on

HALF = 32_768


class Lockers(People):
    """Half of their calls are about what is locked."""

    def call(self) -> tuple[Any, str, str, dict[str, Any]]:
        dice = self.random
        if dice.random() < 0.5:
            return super().call()
        cold, hot = dice.choice(self.pairs)
        friend = dice.choice(self.pairs)[0].public_key
        held = shares.total_of(self.bench.state, cold.public_key, 1)
        amount = int(held * dice.uniform(0.01, 0.6)) or 10**9
        fresh = self.bench.keys.signer("fresh", dice.randrange(60)).public_key
        mine = dice.choice(Subtensor.OwnedHotkeys.get(self.bench.state, cold.public_key) or [hot.public_key])
        place = {"netuid": 1, "hotkey": mine}
        other = self._hotkey()
        route = {"origin_netuid": 1, "destination_netuid": 1, "alpha_amount": amount}
        keys = {"origin_hotkey": other, "destination_hotkey": self._hotkey()}
        swap = {"hotkey": mine, "new_hotkey": fresh, "netuid": dice.choice((None, 1))}
        table: list[tuple[str, dict[str, Any]]] = [
            ("lock_stake", {"hotkey": other, "netuid": 1, "amount": amount}),
            ("move_lock", {"destination_hotkey": other, "netuid": 1}),
            ("set_perpetual_lock", {"netuid": 1, "enabled": dice.random() < 0.5}),
            ("set_reject_locked_alpha", {"enabled": dice.random() < 0.3}),
            ("add_collateral", {**place, "alpha": amount, "limit_price": int(TAO * dice.uniform(0.01, 3))}),
            ("set_min_collateral", {**place, "min_locked": dice.choice((0, amount))}),
            ("transfer_stake_and_hotkey", {"destination_coldkey": friend, **keys, **route}),
            ("swap_hotkey_v2", {**swap, "keep_stake": dice.random() < 0.5}),
            ("burned_register", {"netuid": 1, "hotkey": fresh}),
        ]
        name, arguments = dice.choice(table)
        return cold, "SubtensorModule", name, arguments


def bonds_agree(bench: Bench) -> None:
    state = bench.state
    by_coldkey: dict[bytes, dict[bytes, int]] = {}
    for (_, hotkey, coldkey), row in Subtensor.MinerCollateral.items(state, 1):
        assert row["locked"] or row["min_locked"], "an empty row goes"
        assert row["locked"] <= shares.stake_of(state, hotkey, coldkey, 1) + 4, "collateral is stake that is there"
        by_coldkey.setdefault(coldkey, {})[hotkey] = row["locked"]
    sums = {keys[1]: total for keys, total in Subtensor.ColdkeyMinerCollateral.items(state, 1)}
    assert sums == {coldkey: sum(rows.values()) for coldkey, rows in by_coldkey.items() if sum(rows.values())}
    lists = {keys[1]: set(hotkeys) for keys, hotkeys in Subtensor.ColdkeyCollateralHotkeys.items(state, 1)}
    assert lists == {coldkey: set(rows) for coldkey, rows in by_coldkey.items()}
    for (coldkey, _, _), _ in Subtensor.Lock.items(state):
        assert locks.locked_of(state, coldkey, 1) <= shares.total_of(state, coldkey, 1) + 4, "so is what is locked"
        assert collateral.available_of(state, coldkey, 1) >= 0
    listed = {keys for keys, _ in Subtensor.LockingColdkeys.items(state)}
    assert listed == {(netuid, hotkey, coldkey) for (coldkey, netuid, hotkey), _ in Subtensor.Lock.items(state)}


@pytest.mark.parametrize("seed", [2, 3])
def test_nothing_locked_leaves(seed: int) -> None:
    bench = Bench(tempo=4)
    bench.node.give(
        {
            Subtensor.CollateralLockShare.key(1): HALF.to_bytes(2, "little"),
            Subtensor.OwnerCutAutoLockEnabled.key(1): b"\x01",
            Subtensor.UnlockRate.key(): (40).to_bytes(8, "little"),
            Subtensor.MaturityRate.key(): (15).to_bytes(8, "little"),
        }
    )
    bench.blocks()
    people = Lockers(bench, seed)
    for _ in range(30):
        go_on(bench, people, 8, 8)
        bonds_agree(bench)
    assert {"lock_stake", "add_collateral", "set_min_collateral"} <= people.succeeded
