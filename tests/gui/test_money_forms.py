"""Forms about money: what they offer and refuse, the preview beside them, keys alone, parts put aside."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from gui import samples, samples_forms, samples_money
from ranvier.agent.api.messages import GetReceipts, Receipts
from ranvier.chain.model import Plan
from ranvier.chain.policy import Policy, judge
from ranvier.core.errors import ChainError, RanvierError
from ranvier.keys import wallets
from ranvier.ui.dialogs.money import money_forms as forms
from ranvier.ui.dialogs.money import money_forms_miner as miner_forms
from ranvier.ui.dialogs.money import money_preview as module
from ranvier.ui.dialogs.money.money import FormDialog
from ranvier.ui.dialogs.money.money_ground import Ground, plain_rao, position_key
from ranvier.ui.dialogs.money.money_preview import Preview
from ranvier.ui.money_desk import MoneyDesk
from ranvier.ui.own_keys import OwnKey, own_keys
from ranvier.ui.pages.subnets import SubnetsPage
from ranvier.ui.transacting import Wish

COIN = 10**9


@pytest.fixture
def house(tmp_path, qloop, monkeypatch):
    made = samples.House(tmp_path)
    made.client.answers[GetReceipts] = Receipts(())
    made.bridge.latest = samples.status()

    @asynccontextmanager
    async def connected(_context):
        yield object()

    monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr(module, "_SETTLE_S", 0.01)
    return made


@pytest.fixture
def parent(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


async def judged(plan):
    return judge(Policy(), plan)


def dialog_of(house, parent, form, answers=None):
    return FormDialog(parent, form, samples_forms.ground(), Preview(house.context, judged), answers)


def words(widget):
    return "\n".join(str(w.property("text")) for w in widget.findChildren(QWidget) if w.property("text"))


async def end(house, *dialogs):
    for dialog in dialogs:
        dialog.reject()
        dialog.deleteLater()
    await house.close()


@pytest.mark.parametrize("shot", samples_forms.shots(), ids=lambda shot: shot[0])
async def test_a_whole_form_makes_a_wish_of_the_right_signer_and_another_makes_none(house, parent, shot):
    name, form, answers, plan = shot
    dialog = dialog_of(house, parent, form, answers)
    dialog.submitted()
    if plan is None:
        assert dialog.wish is None and dialog.result() == 0
    else:
        assert dialog.wish is not None
        assert dialog.wish.signer_ss58 == (samples.HOTKEY if name in ("commitment", "serve-axon") else samples.COLDKEY)
    await end(house, dialog)


async def test_amounts_know_what_is_free_and_say_why_the_rest_is_not(house, parent):
    first = samples_forms.ground().rows()[0]
    dialog = dialog_of(house, parent, forms.UNSTAKE, {"position": position_key(first)})
    amount = dialog.parts["amount"]
    amount.all.click()
    assert amount.field.text() == plain_rao(first.holding.sellable_rao) == "271.870554002"
    assert "available of 391.870554002 α1" in amount.room_note.text() and "only work releases" in words(amount)
    amount.field.input.setText("272")
    dialog.submitted()
    assert dialog.wish is None and "more than there is: 271.870554002 α1" in amount.field.note.text()
    send = dialog_of(house, parent, forms.SEND, {"to": samples.ALICE})
    send.parts["amount"].all.click()
    assert send.parts["amount"].field.text() == "103.501504871"  # something stays for the fee
    send.parts["coldkey"].begin(samples.BOB)
    assert "more than there is" in send.parts["amount"].field.note.text()
    await end(house, dialog, send)


async def test_addresses_are_checked_as_typed_and_own_ones_are_listed(house, parent):
    dialog = dialog_of(house, parent, forms.SEND, {"amount": COIN})
    to = dialog.parts["to"]
    assert [to.box.itemText(n).split(",")[0] for n in range(to.box.count())] == ["bob"]
    assert to.value() is None and not to.box.currentText(), "nobody is sent anything who was not chosen"
    to.box.setCurrentIndex(0)
    assert to.value() == samples.BOB
    to.box.setEditText(samples.ALICE[:-1])
    assert to.value() is None and to.note.property("role") == "problem" and to.note.text()
    to.box.setEditText(f" {samples.ALICE[:6]} {samples.ALICE[6:]} ")
    assert to.value() == samples.ALICE and "none of yours" in to.note.text()
    await end(house, dialog)


async def test_what_is_chosen_first_decides_what_can_be_chosen_next(house, parent):
    ground = samples_forms.ground()
    first, root = ground.rows()[0], next(row for row in ground.rows() if row.holding.netuid == 0)
    dialog = dialog_of(house, parent, forms.SWAP, {"position": position_key(first)})
    assert 1 not in [one.value for one in dialog.parts["netuid"].options]
    dialog.parts["position"].begin(position_key(root))
    assert [one.value for one in dialog.parts["netuid"].options] == [1, 4, 19, 64]
    assert dialog.parts["amount"].field.name.text() == "Amount, in TAO on root"
    sell = dialog_of(house, parent, forms.UNSTAKE, {"position": position_key(root)})
    assert not sell.parts["slippage"].asked, "root has no price"
    sell.parts["position"].begin(position_key(first))
    assert sell.parts["slippage"].asked and sell.parts["slippage"].value() == 5_000
    move = dialog_of(house, parent, forms.MOVE, {"position": position_key(first)})
    assert samples.HOTKEY not in [one.value for one in move.parts["hotkey"].options]
    assert move.parts["netuid"].value() == 1
    await end(house, dialog, sell, move)


async def test_without_keys_or_positions_a_form_says_what_is_missing(house, parent):
    empty = Ground(samples_money.nothing_held())
    for form, said in ((forms.UNSTAKE, "There is no position."), (forms.SEND, "No coldkey is known")):
        dialog = FormDialog(parent, form, empty, Preview(house.context, judged))
        dialog.submitted()
        assert dialog.wish is None and said in words(dialog)
        dialog.reject()
        dialog.deleteLater()
    await house.close()


async def test_the_preview_is_of_the_newest_answers_and_tells_errors(house, parent):
    asked, gate = [], asyncio.Event()
    amounts = iter(("first", "second"))

    async def plan(_connection) -> Plan:
        number = next(amounts)
        asked.append(number)
        if number == "first":
            await gate.wait()
        return replace(samples_money.stake_plan(), title=f"the {number} plan")

    preview = Preview(house.context, judged)
    preview.setParent(parent)
    preview.start()
    preview.ask(Wish(samples.COLDKEY, plan))
    await samples.until(lambda: asked, "the first question")
    preview.ask(Wish(samples.COLDKEY, plan))
    gate.set()
    await samples.until(lambda: preview.plan is not None, "the plan")
    assert preview.plan.title == "the second plan" and "the first plan" not in words(preview)
    assert "Call" not in words(preview) and "5.001347210 TAO" in words(preview)

    async def refused(_connection) -> Plan:
        raise ChainError("No such subnet", "Sandbox has no subnet 9.", "Choose another.")

    preview.ask(Wish(samples.COLDKEY, refused))
    await samples.until(lambda: "no subnet 9" in words(preview), "the error")
    assert preview.plan is None
    preview.ask(None)
    assert "before anything is signed" in words(preview)
    preview.stop()
    await house.close()


async def test_keys_alone_are_enough(house, parent):
    parent.show()
    dialog = dialog_of(house, parent, forms.STAKE, {"netuid": 1})
    dialog.open()
    await asyncio.sleep(0.05)
    amount = dialog.parts["amount"].field.input
    assert QApplication.focusWidget() is amount, "the first that needs an answer"
    order = []
    for _ in range(6):
        order.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    wanted = [amount, dialog.parts["amount"].all, dialog.parts["slippage"].field.input, dialog.no, dialog.yes]
    assert order[:5] == wanted and order[5] is dialog.later
    amount.setFocus()
    QTest.keyClick(amount, Qt.Key.Key_Return)
    assert dialog.isVisible() and dialog.wish is None and "such as 1.5" in dialog.parts["amount"].field.note.text()
    QTest.keyClicks(amount, "2.5")
    QTest.keyClick(amount, Qt.Key.Key_Return)
    assert not dialog.isVisible() and dialog.wish is not None
    other = dialog_of(house, parent, forms.SEND)
    other.open()
    QTest.keyClick(other, Qt.Key.Key_Escape)
    assert not other.isVisible() and other.wish is None
    await end(house, dialog, other)


async def test_what_is_put_aside_has_one_signer_and_can_be_forgotten(house, parent):
    seen = []
    desk = MoneyDesk(house.context, parent, lambda _: None, changed=lambda: seen.append(len(desk.basket)))

    async def plan(_connection) -> Plan:
        return samples_money.stake_plan()

    desk._put_aside("one", Wish(samples.COLDKEY, plan))
    desk._put_aside("two", Wish(samples.COLDKEY, plan))
    with pytest.raises(RanvierError, match="one signer"):
        desk._put_aside("three", Wish(samples.BOB, plan))
    desk.begin_batch()
    await samples.until(lambda: desk.dialog is not None, "the form")
    dialog = desk.dialog
    dialog.parts["part0"].box.setChecked(False)
    dialog.later.click()
    await samples.until(lambda: desk.dialog is None, "the end")
    assert [words for words, _ in desk.basket] == ["two"] and seen[-1] == 1
    desk.forget()
    assert desk.basket == [] and not house.errors
    await house.close()


async def test_subnets_page_registers_on_the_chosen_subnet(qtbot, house):
    page = SubnetsPage(house.context)
    qtbot.addWidget(page)
    page.show_subnets(samples_money.subnets())
    assert page.table.select_key(3)
    assert not page.register.isEnabled() and "closed" in page.register.toolTip()
    assert page.table.select_key(4)
    assert page.register.isEnabled()
    page.register.click()
    await samples.until(lambda: page.desk.dialog is not None, "the form")
    dialog = page.desk.dialog
    assert dialog.form is miner_forms.REGISTER and dialog.parts["netuid"].value() == 4
    assert dialog.parts["limit"].value() == 50_000
    dialog.reject()
    await samples.until(lambda: page.desk.dialog is None, "the end")
    assert not house.errors
    await house.close()


async def test_own_keys_have_the_names_that_their_owner_gave(house):
    from ranvier.ui.own_keys import wallets_here

    await samples.make_wallets(house.paths.wallets)
    await samples.make_practice_wallet(house.paths.practice_wallets)
    found = own_keys(wallets_here(house.context))
    names = {key.ss58: key.name for key in found}
    assert len(names) == len(found) and names[samples.HOTKEY].endswith("/ default")
    assert next(key for key in found if key.ss58 == samples.HOTKEY).coldkey_ss58 == samples.COLDKEY
    await house.close()


def test_stake_goes_first_to_where_there_is_some_and_last_to_root() -> None:
    ground = Ground(samples_money.holdings())
    order = [option.value for option in ground.subnets_to_stake_on()]
    assert order[-1] == 0 and set(order) == {option.value for option in ground.subnets()}
    spot = {netuid: sum(one.spot_rao or 0 for one in ground.found.portfolio.holdings if one.netuid == netuid)
            for netuid in order[:-1]}  # fmt: skip
    assert order[:-1] == sorted(order[:-1], key=lambda netuid: -spot[netuid])


def test_a_coldkey_that_can_sign_here_comes_before_a_richer_one_that_is_only_watched() -> None:
    rich, poor = samples_money.COLDKEY, samples_money.BOB
    watched = OwnKey("cold storage", rich, rich, False, signs=False)
    here = OwnKey("bob", poor, poor, False)
    ground = Ground(samples_money.holdings(), (watched, here))
    assert [one.value for one in ground.coldkeys()] == [poor, rich]
    assert ground.coldkeys()[1].words.endswith("to spend, signed elsewhere")
    assert [one.value for one in Ground(samples_money.holdings(), (here, replace(watched, signs=True))).coldkeys()] == [
        rich, poor,
    ]  # fmt: skip


async def test_a_key_that_one_wallet_only_watches_signs_by_another(house) -> None:
    from ranvier.ui.own_keys import wallets_here

    folder = house.paths.wallets
    wallets.add_watch_only(folder, "a watcher", samples.COLDKEY)
    assert [key.signs for key in own_keys(wallets_here(house.context))] == [False]
    await samples.make_wallets(folder)
    (key,) = [key for key in own_keys(wallets_here(house.context)) if key.ss58 == samples.COLDKEY]
    assert key.signs and key.name == "a watcher"
    await house.close()
