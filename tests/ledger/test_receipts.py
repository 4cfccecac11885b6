"""Receipts: kept for ever, later stages replace earlier ones, sentences say whether it did what it said."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from ranvier.core.errors import LedgerError
from ranvier.ledger import cost_book, receipts
from ranvier.ledger.receipts import Operation, StoredReceipt, judged
from ranvier.ledger.store import Ledger

SENT = StoredReceipt(
    id="0xaa", at_ms=1000, network="test", genesis_hash="0x8f", signer_ss58="5Me", title="Send 1 TAO",
    pallet="Balances", function="transfer_keep_alive", call_hex="0x00", stage="submitted", planned_fee_rao=100,
    spend_rao=10**9, lines=(("To", "5You"),),
)  # fmt: skip
DONE = replace(
    SENT, stage="in_block", block=7, block_hash="0x07", fee_rao=100, balance_before_rao=5 * 10**9,
    balance_after_rao=4 * 10**9 - 100,
)  # fmt: skip


def test_sentences_tell_whether_the_plan_was_kept() -> None:
    assert judged(SENT).sentences == ("It is not in a block yet.",)
    kept = judged(DONE)
    assert kept.kept == "yes"
    assert kept.sentences[0] == "The fee was 0.000000100 TAO, as planned."
    assert kept.sentences[1].endswith("what was planned and the fee, to the rao.")
    dearer = judged(replace(DONE, fee_rao=150, balance_after_rao=4 * 10**9 - 150))
    assert (dearer.kept, "0.000000050 TAO more than planned" in dearer.sentences[0]) == ("no", True)
    moved = judged(replace(DONE, balance_after_rao=4 * 10**9))
    assert (moved.kept, "something else in the same block" in moved.sentences[1]) == ("unknown", True)
    refused = judged(replace(DONE, stage="failed", error="Not enough balance."))
    assert (refused.kept, refused.sentences[0]) == ("no", "The chain refused it: Not enough balance.")
    assert judged(replace(SENT, stage="dropped")).kept == "no"
    assert judged(replace(DONE, sentences=("Said already.",))).sentences == ("Said already.",)
    unstaked = judged(replace(DONE, function="remove_stake", balance_after_rao=9 * 10**9))
    assert (unstaked.kept, "the fee included" in unstaked.sentences[1]) == ("unknown", True)


async def test_a_later_stage_replaces_and_a_repeat_changes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    add = [SENT, SENT, replace(DONE, at_ms=2000), SENT, replace(DONE, at_ms=2000), replace(DONE, stage="final")]
    new = [await ledger.write(lambda c, one=one: receipts.add(c, one)) for one in add]
    assert new == [True, False, True, False, False, True]
    (kept,) = await ledger.read(receipts.receipts)
    assert (kept.stage, kept.at_ms, kept.kept, kept.lines) == ("final", 1000, "yes", (("To", "5You"),))
    await ledger.write(lambda c: receipts.add(c, replace(DONE, id="0xbb", at_ms=5000)))
    found = await ledger.read(lambda c: receipts.receipts(c, since_ms=1001))
    assert [one.id for one in found] == ["0xbb"]
    with pytest.raises(LedgerError, match="no stage"):
        await ledger.write(lambda c: receipts.add(c, replace(SENT, stage="won")))
    await ledger.close()


async def test_operations_are_told_once_each_in_order(tmp_path: Path) -> None:
    one = Operation("unstake", 7, 3, 1, "5Me", "5Hot", 1, -5, 4)
    other = Operation("stake", 6, 1, 1, "5Me", "5Hot", 1, 5, -6)
    ledger = Ledger(tmp_path / "l.sqlite")
    await ledger.write(lambda c: receipts.add(c, replace(DONE, operations=(one,))))
    await ledger.write(lambda c: receipts.add(c, replace(DONE, id="0xbb", operations=(one, other))))
    assert await ledger.read(receipts.operations) == (other, one)
    await ledger.close()


def test_what_a_registration_took() -> None:
    registered = replace(DONE, function="burned_register", spend_rao=10**9)
    assert receipts.registration_rao(registered) == 10**9 + 100
    assert receipts.registration_rao(replace(registered, balance_after_rao=None)) == 10**9 + 100
    assert receipts.registration_rao(DONE) is None
    assert receipts.registration_rao(replace(registered, error="no")) is None
    got = replace(registered, balance_after_rao=9 * 10**9)
    assert receipts.registration_rao(got) == 10**9 + 100, "something else came in the same block: what was planned"


async def test_what_two_registrations_of_one_block_took_is_counted_once(tmp_path: Path) -> None:
    """Both saw the same balance before and after: the whole of it is neither's."""
    ledger = Ledger(tmp_path / "l.sqlite")
    both = [
        replace(
            DONE, id=name, function="burned_register", spend_rao=spend, balance_after_rao=5 * 10**9 - 3 * 10**8 - 200
        )
        for name, spend in (("0xaa", 10**8), ("0xbb", 2 * 10**8))
    ]
    for one in both:
        await ledger.write(lambda c, one=one: receipts.add(c, one))
    found = await ledger.read(lambda c: cost_book.costs(c, (), "EUR", 0, 10**9, "day", {0: 10**6}))
    assert [(kind, micro) for _, kind, micro in found.slots] == [("registration", 300_000)]
    await ledger.close()
