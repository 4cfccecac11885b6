"""A damaged ledger: the Earnings page says so and offers to begin a new one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gui import samples
from ranvier.agent.api.command import Done
from ranvier.agent.api.messages import Earnings, GetEarnings
from ranvier.agent.api.money_messages import MendLedger
from ranvier.core.errors import AgentError, RanvierError
from ranvier.ledger.errors import ledger_errors
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.pages.earnings import EarningsPage


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


def damaged() -> RanvierError:
    error = sqlite3.DatabaseError("file is not a database")
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    with pytest.raises(RanvierError) as caught, ledger_errors(Path("/home/somebody/ledger.sqlite")):
        raise error
    return caught.value


async def test_a_new_ledger_is_offered_asked_for_and_shown(qtbot, house) -> None:
    house.client.answers[GetEarnings] = damaged()
    page = EarningsPage(house.context)
    qtbot.addWidget(page)
    page.show()
    page.shown()
    await samples.until(lambda: page.empty.title.text() == "Not a ledger", "the trouble")
    assert page.empty.button.text() == "Begin a new ledger…" and not page.empty.button.isHidden()
    page.empty.button.click()
    await samples.until(lambda: page.findChildren(Dialog), "the question")
    assert not house.client.called(MendLedger)
    house.client.answers[MendLedger] = Done("The damaged ledger is kept as x.")
    house.client.answers[GetEarnings] = Earnings((), ())
    page.findChildren(Dialog)[0].accept()
    await samples.until(lambda: page.empty.title.text() == "Earnings are not known", "the new ledger")
    assert house.client.called(MendLedger) == [MendLedger()] and "kept as x" in house.said[-1]
    assert page.empty.button.isHidden()
    page.hidden()
    await house.close()


async def test_other_trouble_offers_no_such_thing(qtbot, house) -> None:
    house.client.answers[GetEarnings] = AgentError("Ledger closed", "It is not open.", "Wait.")
    page = EarningsPage(house.context)
    qtbot.addWidget(page)
    page.show()
    page.shown()
    await samples.until(lambda: page.empty.title.text() == "Ledger closed", "the trouble")
    assert page.empty.button.isHidden()
    page.hidden()
    await house.close()
