"""The past: an archive is chosen and a hotkey's pay read up, each only when it was asked for."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtWidgets import QWidget

from gui import samples
from ranvier.agent.api.command import Done
from ranvier.agent.api.messages import FollowEarnings, Gaps, GetGaps, UseArchive
from ranvier.chain.networks import NETWORKS
from ranvier.ledger.payments import Payment
from ranvier.ui.dialogs.money.past import NONE, OWN, USUAL, PastDialog, Wanted
from ranvier.ui.pages.earning_books import EarningBooks

ROW = Payment(4, 0, 700, samples.HOTKEY, 6, 1, 9, 1, "0x")


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


@pytest.fixture
def page(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def chosen(dialog: PastDialog, kind: str) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(kind))


def test_the_keyboard_begins_where_something_is_missing(page) -> None:
    for hotkey, first in ((samples.HOTKEY, "block"), ("", "hotkey")):
        dialog = PastDialog(page, None, 4, hotkey)
        assert dialog.focusWidget() is getattr(dialog, first).input


def test_nothing_changes_that_was_not_chosen(page) -> None:
    dialog = PastDialog(page, "wss://archive.example", 4, samples.HOTKEY)
    dialog.submitted()
    assert (dialog.result(), dialog.endpoint, dialog.wanted) == (1, None, None)
    off = PastDialog(page, "wss://archive.example", None, "")
    chosen(off, NONE)
    off.submitted()
    assert (off.result(), off.endpoint) == (1, "off")
    back = PastDialog(page, "wss://archive.example", None, "")
    assert (back.kind.currentData(), back.address.text()) == (OWN, "wss://archive.example")
    chosen(back, USUAL)
    back.submitted()
    assert back.endpoint == "", "from an own one back to the usual one"
    assert PastDialog(page, NETWORKS["finney"].archive, None, "").kind.currentData() == USUAL
    usual = PastDialog(page, None, None, "")
    chosen(usual, USUAL)
    usual.submitted()
    assert usual.endpoint == ""


def test_what_cannot_be_meant_is_told_at_its_field(page) -> None:
    dialog = PastDialog(page, None, None, "5Nobody")
    chosen(dialog, OWN)
    dialog.block.input.setText("last year")
    dialog.submitted()
    assert dialog.result() == 0
    for field in (dialog.address, dialog.hotkey, dialog.netuid, dialog.block):
        assert field.problem()
    dialog.address.input.setText("wss://own.example")
    dialog.hotkey.input.setText(samples.HOTKEY)
    dialog.netuid.input.setText("4")
    dialog.block.input.setText("4 100\N{NARROW NO-BREAK SPACE}000")
    dialog.submitted()
    assert (dialog.result(), dialog.endpoint) == (1, "wss://own.example")
    assert dialog.wanted == Wanted(4, samples.HOTKEY, 4_100_000)


async def test_the_agent_is_told_both(page, house) -> None:
    house.client.answers[GetGaps] = Gaps((), None)
    house.client.answers[UseArchive] = Done("Gaps are tried again.")
    house.client.answers[FollowEarnings] = Done("Earnings are read from block 5 on.")
    changed = []
    books = EarningBooks(house.context, page, lambda: changed.append(True))
    going = asyncio.ensure_future(books.past(ROW))
    await samples.until(lambda: page.findChildren(PastDialog), "the dialog")
    dialog = page.findChildren(PastDialog)[0]
    assert (dialog.hotkey.text(), dialog.netuid.text()) == (samples.HOTKEY, "4")
    chosen(dialog, OWN)
    dialog.address.input.setText("wss://own.example")
    dialog.block.input.setText("5")
    dialog.yes.click()
    await going
    assert house.client.called(UseArchive) == [UseArchive("wss://own.example")]
    assert house.client.called(FollowEarnings) == [FollowEarnings(4, samples.HOTKEY, 5)]
    assert "from block 5 on" in house.said[-1] and changed == [True]
    await house.close()
