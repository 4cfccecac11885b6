"""Plans in steps in the window: their forms, their card, and that a signed step is noted before and after."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import msgspec
import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from gui import samples, samples_forms, samples_money
from ranvier.agent.api.ladder_messages import AddLadder, ChangeLadder, GetLadders, Ladders
from ranvier.agent.api.messages import Attention
from ranvier.chain.model import TxStage
from ranvier.core.evidence import Level
from ranvier.ui.dialogs.money import money_forms_ladder as forms
from ranvier.ui.pages.overview import AttentionCard
from ranvier.ui.pages.stake import StakePage
from ranvier.ui.tray import Tray, tray_lines
from ranvier.ui.widgets.ladder_card import LadderCard, ladder_words

COIN = 10**9
NAMES = {1: "practice", 4: "targon"}


@pytest.fixture
def house(tmp_path, qloop):
    made = samples.House(tmp_path)
    made.bridge.latest = samples.status()
    made.client.answers[GetLadders] = Ladders(samples_forms.ladders())
    return made


def texts(widget):
    return [str(w.property("text")) for w in widget.findChildren(QWidget) if w.property("text")]


def test_words_say_how_it_stands():
    due, later, signing = samples_forms.ladders()
    now = time.time()
    title, text = ladder_words(due, NAMES, now)
    assert title == "Buy on 1 · practice for 10.000000 TAO, in 5 steps, every day"
    assert (
        text.startswith("1 signed, 1 skipped. Step 3 of 5 is due: 2.000000 TAO. About 70.5") and "cost 0.061 %" in text
    )
    title, text = ladder_words(later, NAMES, now)
    assert title.startswith("Sell on 4 · targon of 12.500000 α4") and "is due in" in text
    assert "was being signed" in ladder_words(signing, NAMES, now)[1]
    unknown = msgspec.structs.replace(due, quote=None, problem="The network is away.")
    assert ladder_words(unknown, NAMES, now)[1].endswith("The network is away.")


async def test_the_card_offers_what_can_be_done(qtbot, house):
    acts = []
    card = LadderCard(lambda one, action, seconds: acts.append((one.id, action, seconds)))
    qtbot.addWidget(card)
    card.show_ladders(samples_forms.ladders(), NAMES)
    assert not card.isHidden()
    assert not card.more.isHidden() and card.more.text() == "Show all 3"
    card.more.click()
    await asyncio.sleep(0.01)  # the rows of before are gone
    buttons = [one for one in card.findChildren(QPushButton) if one.isEnabled() and one is not card.more]
    assert [one.text() for one in buttons if one.text().startswith("Sign")] == ["Sign this step…"]
    for one in buttons:
        one.click()
        if one.text() == "Postpone…":
            card.menu.actions()[1].trigger()
            card.menu.hide()
    assert acts == [
        ("due", "sign", 0.0), ("due", "skip", 0.0), ("due", "postpone", 86_400.0), ("due", "end", 0.0),
        ("later", "skip", 0.0), ("later", "postpone", 86_400.0), ("later", "end", 0.0),
        ("signing", "signed", 0.0), ("signing", "unsent", 0.0), ("signing", "end", 0.0),
    ]  # fmt: skip
    card.show_ladders(samples_forms.ladders(), NAMES, signing={"signing"})
    await asyncio.sleep(0.01)
    assert "is on its way" in " ".join(texts(card))
    assert not {"It was done", "It was not"} & {one.text() for one in card.findChildren(QPushButton)}
    card.show_ladders((), NAMES)
    assert card.isHidden()
    await house.close()


async def test_a_form_ends_in_a_plan_and_signs_nothing(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    page.desk.begin(forms.SELL_IN_STEPS, {"position": (samples.COLDKEY, samples.HOTKEY, 1), "amount": 9 * COIN})
    await samples.until(lambda: page.desk.dialog is not None, "the form")
    dialog = page.desk.dialog
    assert dialog.later.isHidden() and dialog.yes.text() == "Keep this plan"
    assert dialog.parts["every"].value() == 86_400.0
    dialog.parts["steps"].field.input.setText("0")
    dialog.submitted()
    assert dialog.command is None and "from 2 to 365" in dialog.parts["steps"].field.note.text()
    dialog.parts["steps"].field.input.setText("4")
    dialog.submitted()
    await samples.until(lambda: house.client.called(AddLadder), "the command")
    (kept,) = house.client.called(AddLadder)
    assert (kept.buying, kept.total_rao, kept.steps, kept.netuid, kept.slippage_ppm) == (False, 9 * COIN, 4, 1, 5_000)
    assert not page.desk.transacting.busy and not house.errors
    await house.close()


async def test_a_signed_step_is_noted_before_and_after(qtbot, house):
    page = StakePage(house.context)
    qtbot.addWidget(page)
    signed = []
    page.desk.sign = signed.append
    page.shown()
    await samples.until(lambda: not page.ladders.isHidden(), "the card")
    page.hidden()
    next(one for one in page.ladders.findChildren(QPushButton) if one.text() == "Sign this step…").click()
    (wish,) = signed
    assert wish.signer_ss58 == samples.COLDKEY
    await wish.sending()
    assert page._signing == {"due"}, "nobody is asked how it went while that is being followed"
    for receipt in (samples_money.receipt(), None, samples_money.receipt(TxStage.FAILED, error="no")):
        await wish.ended(receipt)
    unknown = replace(samples_money.receipt(), stage=TxStage.SUBMITTED)
    await wish.ended(unknown)
    assert not page._signing
    said = [(one.action, one.step, one.receipt_id) for one in house.client.called(ChangeLadder)]
    assert said == [
        ("signing", 2, ""), ("signed", 2, samples_money.receipt().extrinsic_hash), ("unsent", 2, ""), ("unsent", 2, ""),
    ]  # fmt: skip
    assert not house.errors
    await house.close()


async def test_a_due_step_is_told_once_and_leads_to_its_page(qtbot, house, monkeypatch):
    monkeypatch.setattr(Tray, "available", True)
    due = Attention(Level.WARN, "A step is due: buy on subnet 1", "Step 3 of 5.", key="ladder/due/2", page="stake")
    status = msgspec.structs.replace(samples.status(), attention=(due,))
    tray = Tray()
    told = []
    tray.tell = lambda title, text: told.append(title)
    tray.show_status(status)
    tray.show_status(status)
    assert told == [due.title] and due.title in tray_lines(status)
    following = msgspec.structs.replace(due, key="ladder/due/3")
    tray.show_status(msgspec.structs.replace(status, attention=(following,)))
    assert len(told) == 2, "another step is another reminder"
    tray.close()
    card = AttentionCard(house.context)
    qtbot.addWidget(card)
    card.show_items([due])
    card.findChild(QPushButton).click()
    assert house.visited == ["stake"]
    await house.close()
