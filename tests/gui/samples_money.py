"""Made-up but plausible money: positions, subnets, the token, endpoints, receipts. Numbers hang together."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import msgspec

from ranvier.agent.api.history_messages import GetPositionHistory, PositionHistory, PositionMark, PositionPoint
from ranvier.agent.api.ladder_messages import GetLadders, Ladders
from ranvier.agent.api.market_messages import (
    Activity,
    GetHoldings,
    GetNetCheck,
    GetSubnet,
    GetSubnets,
    GetToken,
    Holdings,
    NetCheckView,
    PassedHalving,
    SeatLine,
    SubnetDetail,
    SubnetsView,
    SubnetView,
    TokenView,
)
from ranvier.agent.api.messages import (
    CostsView,
    Earnings,
    Gaps,
    GetCosts,
    GetEarnings,
    GetGaps,
)
from ranvier.agent.money.receipt_rows import stored
from ranvier.chain.concentration import measure, quartiles
from ranvier.chain.model import BlockRef, Change, Effect, Movement, Plan, Receipt, Subnet, TxStage
from ranvier.chain.model_netcheck import EndpointCheck
from ranvier.chain.model_stake import Account, Collateral, Holding, Portfolio
from ranvier.chain.model_subnet import Registration
from ranvier.chain.quotes import Pool, quote_sell
from ranvier.chain.supply import supply
from ranvier.ledger.coverage import Gap
from ranvier.ledger.payments import Payment
from ranvier.ledger.receipts import StoredReceipt
from ranvier.ui.models.earnings import fold_in

COIN = 10**9
COLDKEY = "5EPCUjPxiHAcNooYipQFWr9NmmXJKpNG5RhcntXwbtUySrgH"
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
HOTKEY = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
HOTKEY_2 = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"
VALIDATOR = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
GENESIS = "0x" + "5e" * 32
NAMES = {0: "root", 1: "practice", 4: "targon", 19: "blockmachine", 64: "chutes"}


def head(number: int = 48_213) -> BlockRef:
    return BlockRef(number, f"0x{number:064x}", int(time.time() * 1000) - 400)


def pool(netuid: int, tao: int = 51_000, alpha: int = 1_800_000, out: int = 910_000) -> Pool:
    return Pool(netuid, tao * COIN, alpha * COIN, fee_rate=33, alpha_out_rao=out * COIN)


POOLS = {
    0: Pool(0, 0, 0, alpha_out_rao=6_100_000 * COIN),
    1: pool(1),
    4: pool(4, 61_002, 1_000_000, 2_300_000),
    19: pool(19, 900, 400_000, 22_000),
    64: Pool(64, 0, 0),
}


def holding(
    hotkey: str, netuid: int, alpha_rao: int, *, locked_rao: int = 0, seated: bool = True, owned: bool = True,
    collateral: Collateral | None = None, coldkey: str = COLDKEY,
) -> Holding:  # fmt: skip
    price = POOLS[netuid].price_rao
    sellable = alpha_rao - locked_rao
    return Holding(
        hotkey_ss58=hotkey, coldkey_ss58=coldkey, netuid=netuid, alpha_rao=alpha_rao, price_rao=price,
        spot_rao=None if price is None else alpha_rao * price // COIN, locked_rao=locked_rao,
        sale=quote_sell(POOLS[netuid], sellable) if sellable else None, collateral=collateral, seated=seated,
        owned=owned, auto_stake_ss58=None,
    )  # fmt: skip


def holdings() -> Holdings:
    lock = Collateral(120 * COIN, 20 * COIN, 41 * COIN, 260 * COIN)
    rows = (
        holding(HOTKEY, 1, 391_870_554_002, locked_rao=120 * COIN, collateral=lock),
        holding(HOTKEY_2, 1, 88_202_114_777),
        holding(HOTKEY, 4, 12_500_000_001),
        holding(HOTKEY_2, 19, 9_812_004_000_000, seated=False),
        holding(VALIDATOR, 0, 25 * COIN, seated=False, owned=False),
        holding(HOTKEY_2, 64, 1_203_000_000_000),
    )
    exits = {}
    for netuid in {row.netuid for row in rows}:
        quote = quote_sell(POOLS[netuid], sum(row.sellable_rao for row in rows if row.netuid == netuid))
        if quote is not None:
            exits[netuid] = quote
    accounts = (
        Account(COLDKEY, 103_512_004_871, 0, 0, 103_511_504_871, None),
        Account(BOB, 2 * COIN, 93_000_000, 0, 1_999_999_500, None),
    )
    lines = (
        SeatLine(1, HOTKEY, 6, 4, 50_213, 0, 256, 48_210),
        SeatLine(1, HOTKEY_2, 7, 0, 47_000, 0, 256, 48_210),
        SeatLine(4, HOTKEY, 19, None, 46_000, 31, 225, 48_210),
    )
    whole = Portfolio(head(), accounts, rows, (), POOLS, exits, 5)
    return Holdings(whole, NAMES, lines, 12.0, (HOTKEY, HOTKEY_2))


def nothing_held(*, accounts: bool = False) -> Holdings:
    whole = holdings().portfolio
    return Holdings(Portfolio(whole.block, whole.accounts if accounts else (), (), (), {}, {}, 1), NAMES, (), None)


def subnet_row(netuid: int, name: str, price_rao: int | None, tao_in: int, scale: int) -> SubnetView:
    subnet = Subnet(
        netuid=netuid, name=name, tempo=360, neurons=256 if netuid % 3 else 214, max_neurons=256,
        register_rao=50_000_000 * (1 + netuid % 7), registration_open=netuid % 5 != 3, immunity_blocks=5000 + netuid,
        price_rao=price_rao, tao_in_rao=tao_in * COIN, alpha_in_rao=1_800_000 * COIN, alpha_out_rao=910_000 * COIN,
        last_epoch_block=48_206, next_epoch_block=48_567,
    )  # fmt: skip
    incentive = [65_535 // (place + 1) ** (1 + netuid % 2) for place in range(3 + (netuid * 37) % 200)]
    pays = [share * scale for share in incentive]
    return SubnetView(
        subnet, 4_100_000 * (1 + netuid % 9), COIN, len([one for one in incentive if one]), quartiles(pays),
        measure(incentive), measure([9, 7, 5, 1, 1][: 2 + netuid % 4]),
    )  # fmt: skip


def subnets() -> SubnetsView:
    words = (
        "apex",
        "templar",
        "targon",
        "dippy",
        "zeus",
        "vanta",
        "iota",
        "pixel",
        "ridges",
        "chutes",
        "score",
        "efficient",
    )
    rows = [subnet_row(1, "practice", 28_314_506, 51_000, 40_000)]
    rows += [
        subnet_row(
            number, words[number % len(words)], 61_002_331 // number if number != 14 else None, 900 * number, 9_000
        )
        for number in range(2, 41)
    ]
    return SubnetsView(head(), 12.0, tuple(rows))


def subnet(netuid: int) -> SubnetDetail:
    return SubnetDetail(
        block=head(),
        registration=Registration(
            netuid, netuid % 5 != 3, 150_000_000, 110_000_000, 40_000_000, 500_000, 100 * COIN, 360, 260_000, None,
            None, None, 1, 0, True,
        ),
        seats=256, free_seats=0, immune=41, validators=12,
        validator_stake=measure([410, 380, 120, 90, 40, 22, 11, 8, 5, 3, 2, 1]),
        miner_incentive=measure([60_000 // (n + 1) for n in range(180)]),
        recent_blocks=100_800, recent=88, recent_safe=47, own=holdings().seats[:2] if netuid == 1 else (),
    )  # fmt: skip


def token() -> TokenView:
    return TokenView(
        block=head(), block_s=12.0, supply=supply(10_913_204_551_000_000, None, 7_402_118_000_000_000),
        pooled_rao=3_120_400 * COIN, subnets=128, holders=None, accounts_at_least=5000,
        root=measure([910_000 // (n + 1) * COIN for n in range(64)]),
        activity=Activity(50, 600.0, 612, 37, 9, 812_440_117), passed=(PassedHalving(1, None, 47_973, None),),
    )  # fmt: skip


def netcheck() -> NetCheckView:
    return NetCheckView(
        "finney", time.time() - 2,
        (
            EndpointCheck("wss://entrypoint-finney.opentensor.ai:443", 612.0, 88.4, 131.0, 5, 5, 48_213, 0, 3, 4.1),
            EndpointCheck("wss://lite.chain.opentensor.ai:443", 701.2, 142.9, 420.5, 5, 5, 48_213, 0, 3, 5.0, 425),
            EndpointCheck("wss://lite.sub.latent.to:443", 390.0, 61.7, 1210.0, 4, 5, 48_197, 16, 9, 196.0, 424),
            EndpointCheck(
                "wss://my-node.example:9944", asked=5,
                error="It does not answer: connection refused. Check that the node runs and its port is open.",
            ),
        ),
        "wss://entrypoint-finney.opentensor.ai:443",
    )  # fmt: skip


def stake_plan(network: str = "sandbox", *, value: int = 5 * COIN) -> Plan:
    return Plan(
        network=network, genesis_hash=GENESIS, spec_version=343, signer_ss58=COLDKEY,
        title="Stake 5.000000000 TAO on practice",
        pallet="SubtensorModule", function="add_stake_limit", call_hex="0x0706", fee_rao=1_347_210, spend_rao=value,
        lines=(
            ("Hotkey", HOTKEY), ("Amount", "5.000000000 TAO"),
            ("You get about", "176.379810022 α1 (by the chain's own simulation)"),
            ("Price now", "0.028333333 TAO per alpha"),
            ("Cost", "0.06 % (pool fee and slippage); moves the price 0.01 %"),
            ("Price limit", "At most 0.028478222 TAO per alpha; beyond it nothing is swapped"),
            ("Position", "391.870554002 α1 now, about 568.250364024 α1 after"),
            ("Effect", "Within the limit the price of the block decides; beyond it nothing but the fee is spent."),
            ("Fee", "0.001347210 TAO, paid by 5EPCUj…ySrgH"), ("Left to spend", "98.510157661 TAO"),
            ("Network", "Sandbox (0x5e5e5e5e…)"),
            ("Call", f"SubtensorModule.add_stake_limit(hotkey={HOTKEY}, netuid=1, amount_staked=5000000000)"),
        ),
        block=head(), value_rao=value, cost_ppm=610,
        effects=(
            Effect(COLDKEY, None, None, -value, -value),
            Effect(COLDKEY, HOTKEY, 1, 176_379_810_022, 175_000_000_000),
        ),
    )  # fmt: skip


def receipt(stage: TxStage = TxStage.FINAL, *, error: str | None = None) -> Receipt:
    plan = stake_plan()
    failed = stage is TxStage.FAILED
    return Receipt(
        plan, stage, "0x" + "c4" * 32, head(48_215), 1_347_210, 103_512_004_871,
        103_510_657_661 if failed else 98_510_657_661, error,
        "Raise the limit, or wait for a calmer moment; plan it again." if failed else None, COLDKEY,
        () if failed else tuple(Change(one, 0, one.expected_rao) for one in plan.effects),
        ("Nothing was changed but the fee.",) if failed else (
            "TAO of 5EPCUj…ySrgH: −5.000000000 TAO, exactly as planned.",
            "Alpha of 5EPCUj…ySrgH on 5DfhGy…EqRzV: +176.301112005 α1, 0.078698017 α1 (0.04 %) less than planned: the "
            "price moved, within your limit.",
        ),
        not failed,
        () if failed else (Movement("stake", 4, COLDKEY, HOTKEY, 1, 176_301_112_005, -5 * COIN),),
    )  # fmt: skip


def rich_earnings(rows: tuple[Payment, ...]) -> dict[type, Any]:
    """What a ledger with a second miner, a price source, costs and a gap says."""
    other = [replace(row, hotkey_ss58=HOTKEY_2, alpha_rao=row.alpha_rao // 3, uid=7) for row in rows[::2]]
    every = sorted([*rows, *other], key=lambda row: -row.time_ms)

    def found(command: GetEarnings) -> Earnings:
        low, high = command.since_ms or 0, command.until_ms or 2**62
        chosen = [row for row in every if low <= row.time_ms < high]
        sums = fold_in([], chosen, size=command.bucket, by_hotkey=command.by_hotkey)
        priced = tuple(
            msgspec.structs.replace(one, fiat_micro=None if one.tao_rao is None else one.tao_rao * 412 // 1000)
            for one in sums
        )
        return Earnings(tuple(chosen[: command.limit]), priced, "EUR")

    gap = Gap(1, HOTKEY, rows[14].block, rows[10].block, "the node has forgotten these blocks; no archive is known")
    return {
        GetEarnings: found,
        GetGaps: Gaps((gap,), None),
        GetCosts: CostsView((), None, "EUR", (), ((0, "electricity", 3_480_000), (0, "rent", 900_000))),
    }


def position_history(days: int = 6) -> PositionHistory:
    """Pay every 72 minutes, a price that moves, half a day when nobody looked, a purchase and a sale."""
    now = int(time.time() * 1000)
    points, alpha = [], 260 * COIN
    for step in range(days * 288):
        at_ms = now - (days * 288 - step) * 300_000
        alpha += 410_337_901 if step % 15 == 0 else 0
        alpha += 176 * COIN if step == 700 else -90 * COIN if step == 1500 else 0
        if not 900 < step < 1040:
            price = 28_000_000 + int(1_500_000 * math.sin(step / 140)) + 4_000 * (step * 7919 % 101)
            points.append(PositionPoint(at_ms, 40_000 + step * 25, alpha, price))
    marks = (
        PositionMark(points[700].at_ms, "Stake 5.000000000 TAO on practice", "yes", "0x" + "c4" * 32),
        PositionMark(now - (days * 288 - 1500) * 300_000, "Unstake 90.000000000 α1 from practice", "yes", "0x01"),
    )
    return PositionHistory(tuple(points), marks, 300.0)


def answers() -> dict[type, Any]:
    """What a fake agent says to the commands of money."""
    return {
        GetGaps: Gaps((), None),
        GetHoldings: holdings(),
        GetSubnets: subnets(),
        GetSubnet: lambda command: subnet(command.netuid),
        GetToken: token(),
        GetNetCheck: netcheck(),
        GetLadders: Ladders(()),
        GetPositionHistory: position_history(),
    }


def stored_receipts() -> tuple[StoredReceipt, StoredReceipt, StoredReceipt]:
    """Kept ones, the newest first: done, refused, never in a block."""
    base = 1_795_000_000_000
    failed = receipt(TxStage.FAILED, error="The price moved past your limit; nothing was swapped.")
    dropped = receipt(TxStage.DROPPED, error="It got into no block in time and cannot any more; nothing was spent.")
    dropped = replace(dropped, block=None, fee_rao=None, balance_before_rao=None, balance_after_rao=None, findings=())
    return (
        stored(receipt(), base),
        stored(replace(failed, extrinsic_hash="0x" + "b2" * 32), base - 8_000_000),
        stored(replace(dropped, extrinsic_hash="0x" + "a1" * 32), base - 90_000_000),
    )
