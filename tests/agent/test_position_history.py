"""A position's past: sampled by its own clock, gaps stay gaps, thinned with age, own transactions marked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.agent_fakes import ALICE
from ranvier.agent.api.history_messages import GetPositionHistory
from ranvier.agent.money.position_history import PositionWatch
from ranvier.chain.model import BlockRef, StakePosition
from ranvier.core.errors import AgentError
from ranvier.core.paths import Paths
from ranvier.ledger import receipts
from ranvier.ledger.positions import FINE_MS, Positions, Sample
from ranvier.ledger.receipts import Operation, StoredReceipt
from ranvier.ledger.store import Ledger

BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
COIN = 10**9
HOUR = 3_600_000
DAY = 24 * HOUR


def sample(at_ms, alpha=COIN, price=5, hotkey=BOB, netuid=1):
    return Sample(ALICE, hotkey, netuid, at_ms, at_ms // 12_000, alpha, price)


async def test_samples_are_kept_once_and_a_position_that_went_is_nothing(tmp_path):
    kept = Positions(tmp_path / "positions.sqlite")
    await kept.open()
    await kept.add([sample(1000), sample(1000, netuid=4)])
    await kept.add([sample(1000, alpha=7 * COIN)])  # the same moment again
    await kept.add([sample(2000, alpha=2 * COIN, price=None)])
    await kept.add([sample(3000, alpha=3 * COIN)])
    found = await kept.of(ALICE, BOB, 1, 0)
    assert [(one.at_ms, one.alpha_rao, one.price_rao) for one in found] == [
        (1000, COIN, 5), (2000, 2 * COIN, None), (3000, 3 * COIN, 5),
    ]  # fmt: skip
    gone = await kept.of(ALICE, BOB, 4, 0)
    assert [(one.at_ms, one.alpha_rao) for one in gone] == [(1000, COIN), (2000, 0)], "noted as nothing, once"
    assert await kept.of(ALICE, BOB, 1, 2500) == found[2:]
    await kept.close()


async def test_older_samples_are_thinned_to_one_an_hour(tmp_path):
    kept = Positions(tmp_path / "positions.sqlite")
    await kept.open()
    begun = 100 * DAY
    for minute in range(0, 180, 5):
        await kept.add([sample(begun + minute * 60_000, alpha=minute)])
    later = begun + FINE_MS + 3 * HOUR
    await kept.add([sample(later)])
    found = await kept.of(ALICE, BOB, 1, 0)
    assert [one.alpha_rao for one in found] == [55, 115, 175, COIN], "the newest of each hour stays"
    await kept.close()


class Chain:
    genesis_hash = "0x" + "ab" * 32

    def __init__(self) -> None:
        self.alpha, self.asked = COIN, 0

    async def positions(self, coldkeys, at):
        self.asked += 1
        assert coldkeys == [ALICE]
        return (StakePosition(BOB, ALICE, 1, self.alpha, 5, 0),)


def head(chain, number):
    return SimpleNamespace(network="sandbox", chain=chain, block=BlockRef(number, hex(number), number * 1000))


async def test_it_samples_by_its_own_clock_and_begins_anew_on_another_chain(tmp_path):
    now, chain = [0.0], Chain()
    watch = PositionWatch(Paths.under(tmp_path), lambda network: {ALICE}, lambda network: None, now=lambda: now[0])
    asked = GetPositionHistory(ALICE, BOB, 1)
    with pytest.raises(AgentError, match="yet"):
        await watch.get(asked)
    for number in range(40):
        now[0], chain.alpha = float(number), COIN + number
        await watch.on_head(head(chain, number))
    assert chain.asked == 3
    found = await watch.get(asked)
    assert [one.alpha_rao - COIN for one in found.points] == [0, 15, 30] and found.every_s == 15.0
    chain.genesis_hash = "0x" + "cd" * 32
    now[0] += 100
    await watch.on_head(head(chain, 50))
    assert len((await watch.get(asked)).points) == 1
    await watch.close()


async def test_a_damaged_file_is_kept_aside_and_sampling_goes_on(tmp_path):
    paths, chain = Paths.under(tmp_path), Chain()
    file = paths.network("sandbox") / "positions-abababababab.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database at all" * 200)
    watch = PositionWatch(paths, lambda network: {ALICE}, lambda network: None, now=lambda: 0.0)
    await watch.on_head(head(chain, 1))
    assert len((await watch.get(GetPositionHistory(ALICE, BOB, 1))).points) == 1
    assert file.with_name("positions-abababababab-damaged.sqlite").read_bytes().startswith(b"this is no")
    await watch.close()


def receipt(number, **changes):
    values = {
        "id": f"0x{number:02}", "at_ms": number * 1000, "network": "sandbox", "genesis_hash": Chain.genesis_hash,
        "signer_ss58": ALICE, "title": f"Number {number}", "pallet": "SubtensorModule", "function": "unstake_all",
        "call_hex": "0x", "stage": "final", "planned_fee_rao": 1, "spend_rao": 0, "kept": "yes", "sentences": ("x",),
    }  # fmt: skip
    return StoredReceipt(**{**values, **changes})


async def test_own_transactions_are_marked_at_their_block(tmp_path):
    paths, chain = Paths.under(tmp_path), Chain()
    ledger = Ledger(tmp_path / "ledger.sqlite")
    await ledger.open()
    done = Operation("stake", 7, None, 7500, ALICE, BOB, 1, 5, -5)
    other = Operation("stake", 7, None, 7500, ALICE, BOB, 4, 5, -5)
    for one in (
        receipt(1, operations=(done,)),
        receipt(2, operations=(other,)),
        receipt(3, lines=(("Hotkey", BOB),)),
        receipt(4, lines=(("Hotkey", BOB),), stage="failed"),
        receipt(5, lines=(("Hotkey", BOB),), signer_ss58=BOB),
        receipt(6),
    ):
        await ledger.write(lambda c, one=one: receipts.add(c, one))
    watch = PositionWatch(paths, lambda network: {ALICE}, lambda network: ledger, now=lambda: 0.0)
    await watch.on_head(head(chain, 1))
    marks = (await watch.get(GetPositionHistory(ALICE, BOB, 1))).marks
    assert [(one.words, one.at_ms, one.kept) for one in marks] == [
        ("Number 1", 7500, "yes"), ("Number 3", 3000, "yes"),
    ]  # fmt: skip
    await watch.close()
    await ledger.close()
