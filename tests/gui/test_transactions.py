"""The list of what was signed: on the way, done, come to nothing; each with its plan and its proof."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtWidgets import QWidget

from gui import samples
from gui.samples_money import stored_receipts
from ranvier.agent.api.messages import GetReceipts, Receipts
from ranvier.core.errors import AgentError
from ranvier.core.evidence import Level
from ranvier.ui.dialogs.money.transactions import TransactionsDialog, facts_of, state_of


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


async def test_a_transaction_on_its_way_ends_before_ones_eyes(qtbot, house, monkeypatch):
    monkeypatch.setattr("ranvier.ui.dialogs.money.transactions._EVERY_S", 0.01)
    whole = stored_receipts()
    house.client.answers[GetReceipts] = Receipts((msgspec.structs.replace(whole[0], stage="submitted"), *whole[1:]))
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = TransactionsDialog(parent, house.context)
    dialog.show()
    await samples.until(lambda: len(dialog.model.rows) == 3, "the rows")
    assert dialog.note.text().startswith("1 on the way")
    assert dialog.model.rows[0].id == whole[0].id
    dialog.table.selectRow(0)
    assert dialog.area.isVisible()
    house.client.answers[GetReceipts] = Receipts(whole)
    await samples.until(lambda: "Choose one" in dialog.note.text(), "the end")
    dialog.close()
    await house.close()


async def test_trouble_is_told_and_an_empty_list_says_so(qtbot, house, monkeypatch):
    monkeypatch.setattr("ranvier.ui.dialogs.money.transactions._EVERY_S", 0.01)
    house.client.answers[GetReceipts] = AgentError("Ledger closed", "The ledger is not open.", "See Overview.")
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = TransactionsDialog(parent, house.context)
    dialog.show()
    await samples.until(lambda: "not open" in dialog.note.text(), "the trouble")
    house.client.answers[GetReceipts] = Receipts(())
    await samples.until(dialog.empty.isVisible, "the empty list")
    assert not dialog.table.isVisible()
    dialog.close()
    await house.close()


def test_states_and_facts_tell_everything_that_is_kept():
    final, failed, dropped = stored_receipts()
    assert state_of(final) == (Level.GOOD, "Final, did what it said")
    assert state_of(failed)[0] is state_of(dropped)[0] is Level.BAD
    assert state_of(msgspec.structs.replace(final, stage="in_block", kept="unknown"))[0] is Level.UNKNOWN
    facts = dict(facts_of(final))
    assert final.block_hash in facts["Block"] and facts["Transaction"] == final.id
    assert set(facts) >= {f"Plan: {name[:1].lower()}{name[1:]}" for name, _ in final.lines}
    assert {"Fee paid", "Free TAO before", "Free TAO after", "Signed by"} <= set(facts)
    assert "Block" not in dict(facts_of(dropped))
