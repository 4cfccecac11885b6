"""Receipts in the ledger's form: what they changed, whose it is, and what of it counts for the limit of a day."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gui import samples, samples_money
from ranvier.agent.api.messages import Receipts
from ranvier.agent.money.receipt_book import ReceiptBook, counts, value_of
from ranvier.agent.money.receipt_rows import stored
from ranvier.chain.model import Movement, TxStage

COIN = 10**9


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


def test_receipts_are_kept_with_what_they_changed():
    whole = stored(samples_money.receipt(), 7)
    assert (whole.id, whole.kept, whole.stage, whole.at_ms) == ("0x" + "c4" * 32, "yes", "final", 7)
    (one,) = whole.operations
    assert (one.kind, one.alpha_rao, one.tao_rao, one.netuid, one.event_index) == (
        "stake", 176_301_112_005, -5 * COIN, 1, 4,
    )  # fmt: skip
    assert value_of(whole) == 5 * COIN
    failed = stored(samples_money.receipt(TxStage.FAILED, error="The price moved."), 7)
    assert failed.kept == "no" and failed.operations == () and failed.error == "The price moved."
    assert msgspec.json.decode(msgspec.json.encode(whole), type=type(whole)) == whole


def test_what_came_to_others_is_not_ours_and_gifts_count_by_their_value():
    base, mine = samples_money.receipt(), samples_money.COLDKEY
    gone = Movement("transfer", 3, mine, samples_money.HOTKEY, 1, -9, 0)
    came = replace(gone, event_index=4, coldkey_ss58=samples_money.HOTKEY_2, alpha_rao=9)
    gift = replace(base, movements=(gone, came), plan=replace(base.plan, spend_rao=0, value_rao=70))
    assert [one.alpha_rao for one in stored(gift, 7).operations] == [-9]
    assert [one.alpha_rao for one in stored(gift, 7, {samples_money.HOTKEY_2}).operations] == [-9, 9]
    assert value_of(stored(gift, 7)) == 70
    swap = [replace(gone, kind="move", tao_rao=tao) for tao in (80, -80)]
    assert value_of(stored(replace(gift, movements=tuple(swap)), 7)) == 80


def test_what_a_batch_did_before_it_failed_counts():
    base = samples_money.receipt()
    broken = stored(replace(base, stage=TxStage.FAILED, error="Part 2 failed."), 7)
    assert len(broken.operations) == 1 and counts(broken)
    assert not counts(stored(samples_money.receipt(TxStage.FAILED, error="The price moved."), 7))


async def test_more_receipts_than_a_page_count_for_the_day(house):
    whole = [msgspec.structs.replace(stored(samples_money.receipt(), 1), id=f"0x{one:x}") for one in range(700)]
    pages = {0: whole[:500], 500: whole[500:]}

    async def call(command):
        assert command.limit == 500
        return Receipts(tuple(pages[command.offset]))

    house.client.call = call
    assert await ReceiptBook(house.client, lambda: (), house.errors.append).spent_today() == 700 * 5 * COIN
    await house.close()
