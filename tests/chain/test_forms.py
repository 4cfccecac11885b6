"""Positions on chains of every storage form, locks and collateral, and blocks read with their own runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain import fixtures_343 as real
from chain import generated
from chain.fake_node import HEAD, FakeNode
from chain.fixtures_343 import needs_343
from ranvier.chain import portfolio, stakes
from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef
from ranvier.chain.networks import Network
from ranvier.chain.runtime import codec, metadata
from ranvier.chain.shares import SafeFloat, value_rao
from ranvier.core.errors import ChainError

ALICE, BOB = real.ALICE, real.BOB
AT = BlockRef(100, HEAD)
COIN = 10**9


def le(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little", signed=value < 0)


def connection_to(node: FakeNode, cache: Path | None = None) -> Connection:
    network = Network("x", "X", (node.endpoint,), node.genesis, "TAO", play_money=True)
    return Connection(network, timeout_s=2, cache=cache)


def share(form: str, number: int) -> bytes:
    if form == "u64":
        return le(number, 8)
    if form == "fixed":
        return le(number << 64, 16)
    normal = SafeFloat(number, 0).normal()
    return le(normal.mantissa, 16) + normal.exponent.to_bytes(8, "little", signed=True)


@pytest.mark.parametrize("form", ["u64", "fixed", "float"])
async def test_positions_in_every_form(form: str) -> None:
    async with FakeNode(generated.GENESIS, runtime=generated.runtime(form)) as node:
        module = "SubtensorModule"
        alpha, shares = ("AlphaV2", "TotalHotkeySharesV2") if form == "float" else ("Alpha", "TotalHotkeyShares")
        node.put(module, "StakingHotkeys", [BOB], b"\x04" + real.addresses_of(ALICE))
        node.put(module, "Owner", [ALICE], real.addresses_of(BOB))
        node.put(module, "Uids", [7, ALICE], le(3, 2))
        for netuid in (0, 7):
            node.put(module, "NetworksAdded", [netuid], b"\1")
            node.put(module, alpha, [ALICE, BOB, netuid], share(form, 333))
            node.put(module, shares, [ALICE, netuid], share(form, 1000))
            node.put(module, "TotalHotkeyAlpha", [ALICE, netuid], le(4 * COIN + 7, 8))
        node.put(module, "SubnetTAO", [7], le(500 * COIN, 8))
        node.put(module, "SubnetAlphaIn", [7], le(1000 * COIN, 8))
        node.put("System", "Account", [BOB], bytes(16) + le(3 * COIN, 8) + le(5, 8) + le(2 * COIN, 8) + bytes(16))
        connection = connection_to(node)
        await connection.open()
        found = await portfolio.portfolio(connection, [BOB, ALICE], AT)
        await connection.close()
    bob, alice = found.accounts
    assert (bob.free_rao, bob.reserved_rao, bob.frozen_rao) == (3 * COIN, 5, 2 * COIN)
    assert bob.spendable_rao == 3 * COIN - (2 * COIN - 5) and alice.free_rao == 0
    root, held = found.holdings
    exact = (4 * COIN + 7) * 333 // 1000
    assert root.netuid == 0 and found.root_rao == root.alpha_rao and root.spot_rao == root.alpha_rao
    assert exact - 2 <= held.alpha_rao <= exact and held.owned and held.seated
    forms = {"u64": (333 << 64, 1000 << 64), "fixed": (333 << 64, 1000 << 64)}
    parts = forms.get(form) or (SafeFloat(333, 0).normal(), SafeFloat(1000, 0).normal())
    assert held.alpha_rao == value_rao(4 * COIN + 7, *parts, whole=form == "u64")
    assert held.price_rao == COIN // 2 and held.spot_rao == held.alpha_rao // 2
    assert held.sale is not None and held.sale.gets_rao < held.spot_rao and held.locked_rao == 0


async def test_locks_collateral_and_key_swaps() -> None:
    async with FakeNode(generated.GENESIS, runtime=generated.runtime("float")) as node:
        module = "SubtensorModule"
        node.put(module, "StakingHotkeys", [BOB], b"\x04" + real.addresses_of(ALICE))
        for netuid in (5, 7):
            node.put(module, "NetworksAdded", [netuid], b"\1")
            node.put(module, "AlphaV2", [ALICE, BOB, netuid], share("float", 10))
            node.put(module, "TotalHotkeySharesV2", [ALICE, netuid], share("float", 10))
            node.put(module, "TotalHotkeyAlpha", [ALICE, netuid], le(10 * COIN, 8))
            node.put(module, "SubnetTAO", [netuid], le(500 * COIN, 8))
            node.put(module, "SubnetAlphaIn", [netuid], le(1000 * COIN, 8))
            node.put("Swap", "FeeRate", [netuid], le(33, 2))
        node.put("Swap", "SwapBalancer", [7], le(25 * 10**16, 8))
        half = le(1 << 63, 16)  # half of what is earned releases collateral
        node.put(module, "MinerCollateral", [5, ALICE, BOB], le(4 * COIN, 8) + half + le(COIN, 8) + le(77, 8))
        node.put(module, "MinerCollateral", [7, ALICE, BOB], bytes(8) + half + le(COIN, 8) + bytes(8))
        node.put(module, "MinerCollateral", [7, ALICE, ALICE], le(9 * COIN, 8) + half + bytes(16))
        node.put(module, "Lock", [BOB, 7, ALICE], le(6 * COIN, 8) + bytes(16) + le(90, 8))
        node.put(module, "DecayingLock", [BOB, 7], b"\0")
        node.put(module, "ColdkeySwapAnnouncements", [BOB], le(4321, 4) + bytes(32))
        connection = connection_to(node)
        await connection.open()
        found = await portfolio.portfolio(connection, [BOB], AT)
        await connection.close()
    swap = found.accounts[0].key_swap
    assert swap is not None and (swap.execute_block, swap.disputed) == (4321, False)
    five, seven = found.holdings
    assert five.collateral is not None and five.locked_rao == 4 * COIN and five.sellable_rao == 6 * COIN
    assert (five.collateral.min_locked_rao, five.collateral.earned_rao) == (COIN, 77)
    assert five.collateral.work_left_rao == 6 * COIN  # three above the floor, half released for each earned
    assert seven.collateral is not None, "a floor is there before anything is locked"
    assert (seven.collateral.locked_rao, seven.collateral.min_locked_rao) == (0, COIN)
    assert seven.locked_rao == 6 * COIN and seven.sellable_rao == 4 * COIN
    (lock,) = found.locks
    assert lock.perpetual and (lock.netuid, lock.locked_rao, lock.since_block) == (7, 6 * COIN, 90)
    assert seven.price_rao == 3 * COIN // 2  # three quarters of the weight is alpha's
    assert five.sale is not None and five.sale.gives_rao == 6 * COIN and not five.owned
    assert found.sale_rao == five.sale.gets_rao + (seven.sale.gets_rao if seven.sale else 0)


@needs_343
async def test_old_blocks_are_read_with_their_own_runtime() -> None:
    """Shares as u64 before the upgrade, as fixed point after it: the same connection reads both."""
    old, new = generated.runtime("u64"), generated.runtime("fixed")
    before, upgrade, after = ("0x" + f"{n:02x}" * 32 for n in (1, 2, 3))
    async with FakeNode(generated.GENESIS, runtime=new) as node:
        marks = {before: 218, upgrade: 218, after: 320}  # the block that brings new code still has the old types
        codes = {before: 218, upgrade: 320, after: 320}

        def values(params: list[object]) -> object:
            keys, at = params
            assert isinstance(keys, list) and isinstance(at, str)
            runtime, size = (old, 8) if marks[at] == 218 else (new, 16)
            mark = "0x" + (marks[at] << 2 | 1).to_bytes(2, "little").hex() + "00"
            known = {
                codec.storage_prefix("System", "LastRuntimeUpgrade"): mark,
                runtime.key("SubtensorModule", "Alpha", [ALICE, BOB, 7]): "0x"
                + le(5 if size == 8 else 5 << 64, size).hex(),
            }
            return [{"block": at, "changes": [[key, known.get(key)] for key in keys]}]

        def version(params: list[object]) -> object:
            spec = codes[str(params[0])] if params else 320
            return {"specVersion": spec, "transactionVersion": 1}

        node.answers["state_queryStorageAt"] = values
        node.answers["state_getRuntimeVersion"] = version
        node.answers["chain_getHeader"] = lambda _: {"number": "0x2", "parentHash": before}
        connection = connection_to(node)
        await connection.open()
        asked = [("SubtensorModule", "Alpha", [ALICE, BOB, 7])]
        assert await connection.read(asked, BlockRef(1, before)) == [5]
        assert await connection.read(asked, BlockRef(2, upgrade)) == [5]
        assert await connection.read(asked, BlockRef(3, after)) == [{"bits": 5 << 64}]
        three = [BlockRef(1, before), BlockRef(2, upgrade), BlockRef(3, after)]
        together = await connection.read_each([(at, asked) for at in three])
        assert together == [[5], [5], [{"bits": 5 << 64}]], "one round over the upgrade, each with its own types"
        assert (await connection.runtime_at(BlockRef(2, upgrade))).spec_version == 218
        assert connection.spec_version == 320  # what would be signed for
        await connection.close()


@needs_343
async def test_second_start_needs_no_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_known", {})
    async with FakeNode() as node:
        node.put("System", "Number", [], le(100, 4))
        for expected in (1, 0, 0):
            codec._known.clear()  # a new process
            node.asked.clear()
            connection = connection_to(node, tmp_path)
            await connection.open()
            assert (await connection.head()).number == 100
            assert node.asked.count("state_getMetadata") == expected
            assert connection.has_call("SubtensorModule", "add_stake")
            await connection.close()
        (file,) = tmp_path.iterdir()
        file.write_bytes(file.read_bytes()[:-5])  # cut short by a full disk
        codec._known.clear()
        connection = connection_to(node, tmp_path)
        await connection.open()
        assert node.asked.count("state_getMetadata") == 1
        await connection.close()


@needs_343
async def test_runtime_calls_come_from_the_cache_too(tmp_path: Path) -> None:
    async with FakeNode() as node:
        blob = real.blob(real.V15)
        node.answers["state_call"] = lambda params: (
            "0x" + blob.hex() if params[0] == "Metadata_metadata_at_version" else "0x0100000000000000"
        )
        for expected in (2, 1):
            node.asked.clear()
            connection = connection_to(node, tmp_path)
            await connection.open()
            assert await connection.runtime_call("SwapRuntimeApi", "current_alpha_price", [7], AT) == 1
            assert node.asked.count("state_call") == expected
            assert await connection.has_api("StakeInfoRuntimeApi", "get_stake_info_for_coldkeys", AT)
            assert not await connection.has_api("StakeInfoRuntimeApi", "nothing", AT)
            await connection.close()
    assert metadata.parse(blob).methods


async def test_a_chain_without_runtime_calls_is_asked_once() -> None:
    async with FakeNode(generated.GENESIS, runtime=generated.runtime("u64")) as node:
        connection = connection_to(node)
        await connection.open()
        for _ in range(3):
            assert not await connection.has_api("StakeInfoRuntimeApi", "get_stake_info_for_coldkeys", AT)
        assert node.asked.count("state_call") == 1
        assert await stakes.stake_rows(connection, [], AT) == ()
        with pytest.raises(ChainError):
            await connection.runtime_call("Any", "thing", [], AT)
        await connection.close()
