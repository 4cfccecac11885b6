"""What people, owners and root do to a network: every call that could disturb what is noted of pay, at random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.pallets.subtensor import shares
from ranvier.sandbox.pallets.subtensor.networks import START_DELAY_343
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench
from sandbox.test_networks import alice

Call = tuple[Any, str, str, dict[str, Any]]
WHOLE = 2**64 - 1
EXPECTED = {
    "add_stake", "add_stake_limit", "remove_stake", "unstake_all", "unstake_all_alpha", "move_stake", "swap_stake",
    "transfer_stake", "burn_alpha", "recycle_alpha", "burned_register", "swap_hotkey", "announce_coldkey_swap",
    "swap_coldkey_announced", "set_children", "set_childkey_take", "set_coldkey_auto_stake_hotkey", "claim_root",
    "add_collateral", "set_min_collateral", "set_weights", "set_mechanism_weights", "transfer_keep_alive",
    "sudo_set_tempo", "sudo_set_mechanism_count", "sudo_set_mechanism_emission_split", "sudo_set_recycle_or_burn",
    "sudo_set_owner_cut_enabled", "sudo_set_subnet_owner_cut", "sudo_set_collateral_lock_share",
    "sudo_set_sn_owner_hotkey", "increase_take", "root_dissolve_network", "register_network", "start_call",
}  # fmt: skip


class Operations:
    """``people`` own what they own now: a swapped key takes the old one's place in the list."""

    def __init__(self, bench: Bench, chance: random.Random, netuids: Sequence[int]) -> None:
        self.bench, self.random, self.netuids = bench, chance, netuids
        cast, keys = bench.cast, bench.keys
        self.people = [*cast.validators, *cast.competitors, cast.owner]
        self.people += [(keys.signer("p", n, "cold"), keys.signer("p", n, "hot")) for n in range(4)]
        self.spare_hot = [keys.signer("spare", n, "hot") for n in range(12)]
        self.spare_cold = [keys.signer("spare", n, "cold") for n in range(12)]
        self.hot_of = {hot.public_key: hot for _, hot in self.people} | {one.public_key: one for one in self.spare_hot}
        self.cold_of = {cold.public_key: cold for cold, _ in self.people}
        self.cold_of |= {one.public_key: one for one in self.spare_cold}

    def all_hotkeys(self) -> list[bytes]:
        return list(self.hot_of)

    def begin(self) -> None:
        """Money for all, and rules under which things happen within blocks instead of days."""
        for cold in self.cold_of.values():
            self.bench.fund(cold, 5_000 * TAO)
        quick = {
            Subtensor.AdminFreezeWindow.key(): (0, 2), Subtensor.OwnerHyperparamRateLimit.key(): (0, 2),
            Subtensor.PendingChildKeyCooldown.key(): (2, 8), Subtensor.TxRateLimit.key(): (0, 8),
            Subtensor.ColdkeySwapAnnouncementDelay.key(): (3, 4), Subtensor.TxDelegateTakeRateLimit.key(): (0, 8),
            Subtensor.TxChildkeyTakeRateLimit.key(): (0, 8), Subtensor.NetworkRateLimit.key(): (0, 8),
        }  # fmt: skip
        for netuid in self.netuids:
            quick[Subtensor.MaxAllowedUids.key(netuid)] = (12, 2)
            quick[Subtensor.MinAllowedUids.key(netuid)] = (4, 2)
            quick[Subtensor.MinNonImmuneUids.key(netuid)] = (0, 2)
            quick[Subtensor.ImmunityPeriod.key(netuid)] = (3, 2)
            quick[Subtensor.MaxBurn.key(netuid)] = (TAO, 8)
            quick[Subtensor.WeightsSetRateLimit.key(netuid)] = (0, 8)
        self.bench.node.give({key: value.to_bytes(size, "little") for key, (value, size) in quick.items()})
        for cold, hot in self.bench.cast.validators:  # some root stake, so that there is something to claim
            stake = {"hotkey": hot.public_key, "netuid": 0, "amount_staked": 100 * TAO}
            self.bench.node.send(cold, "SubtensorModule", "add_stake", stake)
        self.bench.blocks()

    def send(self) -> None:
        """One call into the waiting room. Raises Refused."""
        chance = self.random.random()
        make = self._by_root if chance < 0.06 else self._votes if chance < 0.3 else self._by_people
        signer, pallet, name, arguments = make()
        self.bench.node.send(signer, pallet, name, arguments)

    def new_subnet(self, netuid: int) -> Iterator[Call]:
        """One call a block: the subnet ends, and a new one begins under its number."""
        cold = next(one for one in self.cold_of.values() if self._free(one))
        hot = next(key for key in self.hot_of if Subtensor.Owner.get(self.bench.state, key) == cold.public_key)
        fund = {"dest": ("Id", cold.public_key), "value": 50_000 * TAO}
        yield self.bench.node.faucet, "Balances", "transfer_keep_alive", fund
        yield self.end_of(netuid)
        self.bench.blocks(self.random.randrange(6))
        yield cold, "SubtensorModule", "register_network", {"hotkey": hot}
        old = self.bench.node.chain.spec.version < 425
        self.bench.blocks(START_DELAY_343 if old else 0)
        yield cold, "SubtensorModule", "start_call", {"netuid": netuid}
        if not old:
            yield self._sudo("AdminUtils", "sudo_set_subnet_emission_enabled", netuid=netuid, enabled=True)
        yield self._sudo("AdminUtils", "sudo_set_max_burn", netuid=netuid, max_burn=TAO)
        yield self._sudo("AdminUtils", "sudo_set_weights_set_rate_limit", netuid=netuid, weights_set_rate_limit=0)
        for key in list(self.hot_of)[:9]:
            owner = self._owner_of(key)
            if key != hot and self._free(owner):
                yield owner, "SubtensorModule", "burned_register", {"netuid": netuid, "hotkey": key}

    def end_of(self, netuid: int) -> Call:
        return self._sudo("SubtensorModule", "root_dissolve_network", netuid=netuid)

    def _free(self, cold: Any) -> bool:
        """Whether the coldkey owns a hotkey and may call what it likes."""
        state, key = self.bench.state, cold.public_key
        return bool(Subtensor.OwnedHotkeys.get(state, key)) and not Subtensor.ColdkeySwapAnnouncements.exists(
            state, key
        )

    def _sudo(self, pallet: str, name: str, **arguments: Any) -> Call:
        return alice(), "Sudo", "sudo", {"call": (pallet, (name, arguments))}

    # --- who and what ---------------------------------------------------------------------------------------

    def _owner_of(self, hotkey: bytes) -> Any:
        """The coldkey that owns a hotkey now, or anybody while nobody does."""
        owner = Subtensor.Owner.get(self.bench.state, hotkey)
        return self.cold_of.get(owner) or self.random.choice(list(self.cold_of.values()))

    def _seated(self, netuid: int) -> tuple[Any, Any]:
        """(coldkey, hotkey) of a random seat of ours."""
        rows = [hotkey for _, hotkey in Subtensor.Keys.items(self.bench.state, netuid) if hotkey in self.hot_of]
        hotkey = self.random.choice(sorted(rows) or list(self.hot_of))
        return self._owner_of(hotkey), self.hot_of[hotkey]

    def _votes(self) -> Call:
        """Validators decide who is paid, in one mechanism or the other."""
        pick, state, netuid = self.random, self.bench.state, self.random.choice(self.netuids)
        permits = Subtensor.ValidatorPermit.get(state, netuid)
        seats = [Subtensor.Keys.get(state, netuid, uid) for uid, permit in enumerate(permits) if permit]
        hot = pick.choice([self.hot_of[one] for one in seats if one in self.hot_of] or [self._seated(netuid)[1]])
        count = Subtensor.SubnetworkN.get(state, netuid)
        uids = pick.sample(range(count), k=min(5, count))
        values = {"netuid": netuid, "dests": uids, "weights": [pick.randrange(1, 65_535) for _ in uids]}
        values["version_key"] = 0
        if Subtensor.MechanismCountCurrent.get(state, netuid) > 1 and pick.random() < 0.5:
            return hot, "SubtensorModule", "set_mechanism_weights", {**values, "mecid": 1}
        return hot, "SubtensorModule", "set_weights", values

    def _by_root(self) -> Call:
        pick, netuid = self.random, self.random.choice(self.netuids)
        count = Subtensor.MechanismCountCurrent.get(self.bench.state, netuid)
        part = pick.randrange(65_536)
        split = None if count < 2 or pick.random() < 0.2 else [part, 65_535 - part]
        _, hot = self._seated(netuid)
        name, arguments = pick.choice(
            [
                ("tempo", {"netuid": netuid, "tempo": pick.randrange(3, 10)}),
                ("mechanism_count", {"netuid": netuid, "mechanism_count": pick.choice((1, 2, 2))}),
                ("mechanism_emission_split", {"netuid": netuid, "maybe_split": split}),
                ("recycle_or_burn", {"netuid": netuid, "recycle_or_burn": (pick.choice(("Recycle", "Burn")), ())}),
                ("owner_cut_enabled", {"netuid": netuid, "enabled": pick.random() < 0.5}),
                ("subnet_owner_cut", {"subnet_owner_cut": pick.randrange(30_000)}),
                ("collateral_lock_share", {"netuid": netuid, "lock_share": pick.choice((0, 20_000, 40_000))}),
                ("sn_owner_hotkey", {"netuid": netuid, "hotkey": hot.public_key}),
            ]
        )
        return self._sudo("AdminUtils", f"sudo_set_{name}", **arguments)

    def _by_people(self) -> Call:
        pick, state = self.random, self.bench.state
        netuid, second = pick.choice(self.netuids), pick.choice((0, *self.netuids))
        cold, hot = self._seated(netuid)
        other = pick.choice(list(self.hot_of))
        mine = Subtensor.StakingHotkeys.get(state, cold.public_key)
        on = pick.choice(mine) if mine and pick.random() < 0.8 else other
        part = int(shares.stake_of(state, on, cold.public_key, netuid) * pick.uniform(0.01, 1)) or TAO
        own = int(shares.stake_of(state, hot.public_key, cold.public_key, netuid) * pick.uniform(0.01, 0.5)) or TAO
        spend, hotkey = pick.randrange(TAO // 10, 20 * TAO), hot.public_key
        route = {"origin_netuid": netuid, "destination_netuid": second, "alpha_amount": part}
        limit = {"limit_price": 10 * TAO, "allow_partial": True}
        friend = pick.choice(list(self.cold_of.values())).public_key
        new = pick.choice([*self.spare_hot, *(one for _, one in self.people)]).public_key
        ours = {"hotkey": hotkey, "netuid": netuid}
        table: list[tuple[int, str, dict[str, Any]]] = [
            (3, "add_stake", {"hotkey": other, "netuid": second, "amount_staked": spend}),
            (1, "add_stake_limit", {"hotkey": other, "netuid": netuid, "amount_staked": spend, **limit}),
            (2, "remove_stake", {"hotkey": on, "netuid": netuid, "amount_unstaked": part}),
            (1, "unstake_all", {"hotkey": on}),
            (1, "unstake_all_alpha", {"hotkey": on}),
            (2, "move_stake", {"origin_hotkey": on, "destination_hotkey": other, **route}),
            (2, "swap_stake", {"hotkey": on, **route}),
            (2, "transfer_stake", {"destination_coldkey": friend, "hotkey": on, **route}),
            (1, "burn_alpha", {**ours, "amount": own}),
            (1, "recycle_alpha", {**ours, "amount": own}),
            (5, "burned_register", {"netuid": netuid, "hotkey": new}),
            (2, "swap_hotkey", {"hotkey": hotkey, "new_hotkey": new, "netuid": pick.choice((None, netuid))}),
            (2, "set_coldkey_auto_stake_hotkey", {"netuid": netuid, "hotkey": other}),
            (2, "set_children", {**ours, "children": [(pick.randrange(WHOLE // 4, WHOLE), other)]}),
            (1, "set_childkey_take", {**ours, "take": pick.randrange(10_000)}),
            (1, "increase_take", {"hotkey": hotkey, "take": pick.randrange(11_000)}),
            (2, "claim_root", {"subnets": [netuid]}),
            (2, "add_collateral", {**ours, "alpha": own, "limit_price": 10 * TAO}),
            (2, "set_min_collateral", {**ours, "min_locked": pick.choice((0, own, 5 * TAO))}),
        ]
        if pick.random() < 0.05:
            return cold, "Balances", "transfer_keep_alive", {"dest": ("Id", friend), "value": spend}
        if (swap := self._coldkey_swap(cold)) is not None:
            return swap
        _, name, arguments = pick.choices(table, weights=[row[0] for row in table])[0]
        signer = self._owner_of(new) if name == "burned_register" else cold
        return signer, "SubtensorModule", name, arguments

    def _coldkey_swap(self, cold: Any) -> Call | None:
        """Go on with a swap that is announced (nothing else is let through then), or seldom begin one."""
        state, pick = self.bench.state, self.random
        announced = Subtensor.ColdkeySwapAnnouncements.get(state, cold.public_key)
        if announced is not None:
            new = next(one for one in self.spare_cold if blake2_256(one.public_key) == announced[1])
            return cold, "SubtensorModule", "swap_coldkey_announced", {"new_coldkey": new.public_key}
        free = [one for one in self.spare_cold if not Subtensor.StakingHotkeys.get(state, one.public_key)]
        if not free or pick.random() > 0.04:
            return None
        new_hash = blake2_256(pick.choice(free).public_key)
        return cold, "SubtensorModule", "announce_coldkey_swap", {"new_coldkey_hash": new_hash}
