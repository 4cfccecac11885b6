"""Positions on the newest storage forms, what a lock leaves of several of them, and nodes that refuse to compute."""

from __future__ import annotations

import pytest

from chain import fixtures_343 as real
from chain import generated
from chain.fake_node import HEAD, FakeNode
from chain.fixtures_343 import needs_343
from chain.test_forms import ALICE, AT, BOB, COIN, connection_to, le, share
from ranvier.chain import pools, portfolio, stakes, token
from ranvier.chain.model import BlockRef

MODULE = "SubtensorModule"
CHARLIE = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"
accounts = real.addresses_of


def listed(*ss58: str) -> bytes:
    return bytes([len(ss58) << 2]) + b"".join(accounts(one) for one in ss58)


def two_positions(node: FakeNode, netuid: int = 7) -> None:
    """Bob's ten alpha on Alice's hotkey and ten on Charlie's."""
    node.put(MODULE, "StakingHotkeys", [BOB], listed(ALICE, CHARLIE))
    node.put(MODULE, "NetworksAdded", [netuid], b"\1")
    for hotkey in (ALICE, CHARLIE):
        node.put(MODULE, "AlphaV2", [hotkey, BOB, netuid], share("float", 10))
        node.put(MODULE, "TotalHotkeySharesV2", [hotkey, netuid], share("float", 10))
        node.put(MODULE, "TotalHotkeyAlpha", [hotkey, netuid], le(10 * COIN, 8))
    node.put(MODULE, "SubnetTAO", [netuid], le(500 * COIN, 8))
    node.put(MODULE, "SubnetAlphaIn", [netuid], le(1000 * COIN, 8))


async def test_shares_of_a_closed_pool_are_worth_nothing() -> None:
    async with FakeNode(generated.GENESIS, runtime=generated.runtime("epochs")) as node:
        two_positions(node)
        node.put(MODULE, "AlphaSharePoolEpoch", [CHARLIE, 7], le(3, 8))
        connection = connection_to(node)
        await connection.open()
        places = [(ALICE, BOB, 7), (CHARLIE, BOB, 7), (ALICE, ALICE, 7)]
        for epoch, held in ((2, 0), (3, 10 * COIN)):
            node.put(MODULE, "AlphaShareEpoch", [CHARLIE, BOB, 7], le(epoch, 8))
            rows = await stakes.stake_rows(connection, [BOB], AT)
            assert {row.hotkey_ss58: row.alpha_rao for row in rows} == {ALICE: 10 * COIN} | (
                {CHARLIE: held} if held else {}
            )
            assert await stakes.stake_of(connection, places, AT) == [10 * COIN, held, 0]
            blocks = [BlockRef(number, HEAD) for number in range(90, 100)]
            before = connection.traffic[1]
            assert await stakes.stake_each(connection, places[1], blocks) == [held] * 10
            assert connection.traffic[1] - before == 1, "one round, however many blocks"
        await connection.close()


@pytest.mark.parametrize("form", ["float", "epochs"])
async def test_a_lock_keeps_back_what_it_holds_once(form: str) -> None:
    """A lock is on all that a coldkey has in a subnet, whichever hotkey it names; each position may be the one that
    goes, but not both."""
    async with FakeNode(generated.GENESIS, runtime=generated.runtime(form)) as node:
        two_positions(node)
        node.put(MODULE, "Lock", [BOB, 7, ALICE], le(12 * COIN, 8) + bytes(16) + le(90, 8))
        bond = le(3 * COIN, 8) + le(1 << 63, 16) + bytes(16)
        node.put(MODULE, "MinerCollateral", [7, CHARLIE, BOB], bond)
        if form == "epochs":
            node.put(MODULE, "ColdkeyMinerCollateral", [7, BOB], le(3 * COIN, 8))
            node.put(MODULE, "ColdkeyCollateralHotkeys", [7, BOB], listed(CHARLIE))
            node.put(MODULE, "OwnedHotkeys", [BOB], listed(CHARLIE))
        else:
            node.put(MODULE, "Owner", [CHARLIE], accounts(BOB))
        connection = connection_to(node)
        await connection.open()
        found = await portfolio.portfolio(connection, [BOB], AT)
        await connection.close()
    alice, charlie = sorted(found.holdings, key=lambda one: one.hotkey_ss58 == CHARLIE)
    assert (alice.sellable_rao, charlie.sellable_rao) == (5 * COIN, 5 * COIN), "20 held less 12 locked less 3 bonded"
    assert charlie.collateral is not None and charlie.collateral.locked_rao == 3 * COIN and alice.collateral is None
    assert (alice.owned, charlie.owned) == (False, True)
    assert found.exits[7].gives_rao == 5 * COIN and found.sale_rao == found.exits[7].gets_rao


async def test_the_requests_do_not_grow_with_what_is_held() -> None:
    async with FakeNode(generated.GENESIS, runtime=generated.runtime("epochs")) as node:
        costs = []
        for netuids in ((7,), (7, 8, 9), tuple(range(7, 47))):
            for netuid in netuids:
                two_positions(node, netuid)
            connection = connection_to(node)
            await connection.open()
            await portfolio.portfolio(connection, [BOB], AT)  # now it is known what the chain lacks
            rounds = connection.traffic[1]
            found = await portfolio.portfolio(connection, [BOB], AT)
            assert len(found.holdings) == 2 * len(netuids)
            costs.append((found.requests, connection.traffic[1] - rounds))
            await connection.close()
        assert len(set(costs)) == 1 and costs[0][0] <= 8


@pytest.mark.parametrize(
    ("last", "asked", "following"),
    [(80, 0, 116), (80, 104, 104), (80, 130, 116), (40, 0, 101), (80, 100, 101), (0, 0, 101)],
)
async def test_the_next_epoch_is_due_a_tempo_later_or_when_asked_for(last: int, asked: int, following: int) -> None:
    """At block 100, with a tempo of 36; what is overdue was put off by a full block."""
    async with FakeNode(generated.GENESIS, runtime=generated.runtime("epochs")) as node:
        two_positions(node)
        for item, number, size in (("Tempo", 36, 2), ("LastEpochBlock", last, 8), ("PendingEpochAt", asked, 8)):
            node.put(MODULE, item, [7], le(number, size))
        connection = connection_to(node)
        await connection.open()
        found = await pools.subnet(connection, 7, AT)
        await connection.close()
    assert (found.last_epoch_block, found.next_epoch_block) == (last, following)


async def test_a_pool_on_a_curve_of_its_own_is_priced_by_the_runtime_or_not_at_all() -> None:
    """The balancer's weights lie beside the curve still, left from before: a price by them would be wrong."""
    async with FakeNode(generated.GENESIS, runtime=generated.runtime("epochs")) as node:
        two_positions(node)
        node.put("Swap", "SwapBalancer", [7], le(5 * 10**17, 8))
        node.put("Swap", "SwapSuperellipse", [7], le(1, 8))
        connection = connection_to(node)
        await connection.open()
        unknown = await portfolio.portfolio(connection, [BOB], AT)
        assert (await pools.subnet(connection, 7, AT)).price_rao is None
        node.answers["state_call"] = lambda params: {
            "SwapRuntimeApi_current_alpha_price": "0x" + le(COIN // 4, 8).hex()
        }[params[0]]
        told = await portfolio.portfolio(connection, [BOB], AT)
        assert (await pools.subnet(connection, 7, AT)).price_rao == COIN // 4
        await connection.close()
    for found, spot in ((unknown, None), (told, 5 * COIN)):
        assert found.spot_rao == spot and all(one.sale is None for one in found.holdings)
        assert found.exits == {} and found.sale_rao is None, "what a sale brings no formula tells"


async def test_what_a_block_makes_follows_from_the_issuance() -> None:
    """Newer runtimes have ``BlockEmission`` still, but write it no more: it stays at what it was."""
    async with FakeNode(generated.GENESIS, runtime=generated.runtime("epochs")) as node:
        for item, coins in (("TotalIssuance", 15_750_000), ("TotalStake", 6_000_000), ("BlockEmission", 1)):
            node.put(MODULE, item, [], le(coins * COIN, 8))
        connection = connection_to(node)
        await connection.open()
        found = await token.token(connection, AT)
        await connection.close()
    assert (found.block_emission_rao, found.halvings, found.staked_rao) == (COIN // 4, 2, 6_000_000 * COIN)
    assert found.next_halving_rao == 18_375_000 * COIN and found.blocks_to_halving == 2_625_000 * 4


@needs_343
async def test_a_node_that_will_not_compute_is_asked_what_it_keeps() -> None:
    """The real chain's types name the runtime call; a node that refuses it still has the storage."""
    async with FakeNode() as node:
        blob = real.blob(real.V15)

        def call(params: list[object]) -> str:
            if params[0] == "Metadata_metadata_at_version":
                return "0x" + blob.hex()
            raise ValueError({"code": -32000, "message": "Client error: Execution failed"})

        node.answers["state_call"] = call
        node.put("System", "Account", [BOB], bytes(16) + le(3 * COIN, 8) + bytes(8) + bytes(8) + bytes(16))
        node.put(MODULE, "StakingHotkeys", [BOB], listed(ALICE))
        node.put(MODULE, "OwnedHotkeys", [BOB], listed(ALICE))
        node.put(MODULE, "NetworksAdded", [7], b"\1")
        node.put(MODULE, "Alpha", [ALICE, BOB, 7], share("fixed", 250))
        node.put(MODULE, "TotalHotkeyShares", [ALICE, 7], share("fixed", 1000))
        node.put(MODULE, "TotalHotkeyAlpha", [ALICE, 7], le(8 * COIN, 8))
        node.put(MODULE, "SubnetTAO", [7], le(500 * COIN, 8))
        node.put(MODULE, "SubnetAlphaIn", [7], le(1000 * COIN, 8))
        connection = connection_to(node)
        await connection.open()
        found = await portfolio.portfolio(connection, [BOB], AT)
        await connection.close()
    (held,) = found.holdings
    assert held.alpha_rao == 2 * COIN and held.owned and not held.seated
    assert found.accounts[0].free_rao == 3 * COIN
