"""Wallet dialogs: a sentence beside the field, nothing lost on an error, nothing written before all words are back."""

from __future__ import annotations

import asyncio
import datetime
import functools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from gui import samples
from ranvier.chain.model import Plan
from ranvier.chain.plans.wording import meaning_of
from ranvier.core.errors import StorageError
from ranvier.keys import drill, storing, wallets
from ranvier.keys.listing import KeyForm, list_wallets, read_wallet
from ranvier.keys.words import WORDS
from ranvier.ui.backup_dates import BackupDates
from ranvier.ui.dialogs.ask import show
from ranvier.ui.dialogs.money.plan import PlanDialog, PlanView
from ranvier.ui.dialogs.wallets.create_wallet import BACK, DETAILS, CreateWalletDialog
from ranvier.ui.dialogs.wallets.create_wallet import WORDS as WORDS_STEP
from ranvier.ui.dialogs.wallets.import_wallet import AddHotkeyDialog, ImportWalletDialog
from ranvier.ui.dialogs.wallets.watch_only import WatchOnlyDialog
from ranvier.ui.widgets.fields import password_problem, strength_words
from ranvier.ui.widgets.mnemonic_entry import MnemonicEntry
from ranvier.ui.widgets.word_grid import WordsBack

PASSWORD = "correct horse battery"


@pytest.fixture
def house(tmp_path, qloop, monkeypatch):
    cheap = functools.partial(wallets.create_wallet, _cost=samples.CHEAP)
    monkeypatch.setattr(wallets, "create_wallet", cheap)
    monkeypatch.setattr(storing, "store_coldkey", functools.partial(storing.store_coldkey, _cost=samples.CHEAP))
    return samples.House(tmp_path)


def fill(dialog: CreateWalletDialog, name: str = "rig") -> None:
    dialog.name.input.setText(name)
    dialog.password.first.input.setText(PASSWORD)
    dialog.password.second.input.setText(PASSWORD)


def type_back(dialog: CreateWalletDialog) -> None:
    for place, field in dialog.back.fields.items():
        field.setText(dialog._words[place - 1])


async def test_create_shows_words_asks_some_back_and_writes(window, house):
    folder = house.paths.wallets
    dates = BackupDates(house.paths)
    dialog = CreateWalletDialog(window, folder, (), house.context.run, dates)
    waiting = asyncio.get_running_loop().create_task(show(dialog))
    await asyncio.sleep(0)
    QGuiApplication.clipboard().setText("before")
    fill(dialog)
    dialog.submitted()
    assert dialog.steps.place == WORDS_STEP
    words = list(dialog._words)
    shown = [label.text() for label in dialog.grid.findChildren(QLabel) if label.isVisibleTo(dialog.grid)]
    assert len(words) == 12 and set(words) <= set(shown)
    selectable = Qt.TextInteractionFlag.TextSelectableByMouse
    assert not any(label.textInteractionFlags() & selectable for label in dialog.grid.findChildren(QLabel))
    dialog.submitted()
    assert dialog.steps.place == BACK and len(dialog.back.fields) == drill.ASKED
    assert not [label for label in dialog.grid.findChildren(QLabel) if label.isVisible()]
    assert not folder.exists()
    type_back(dialog)
    dialog.submitted()
    await asyncio.wait_for(waiting, 20)
    wallet = read_wallet(folder / "rig")
    assert wallet.coldkey is KeyForm.ENCRYPTED and wallet.problem is None
    assert [hotkey.name for hotkey in wallet.hotkeys] == ["default"]
    signer = await wallets.unlock_coldkey(folder / "rig", PASSWORD, _cost=samples.CHEAP)
    assert signer.ss58 == wallet.coldkey_ss58
    assert QGuiApplication.clipboard().text() == "before"
    assert dates.written_on(wallet.coldkey_ss58) == datetime.datetime.now().astimezone().date()
    await house.close()


async def test_words_that_were_not_written_down_are_named_and_nothing_is_written(window, house):
    dialog = CreateWalletDialog(window, house.paths.wallets, (), house.context.run)
    dialog.open()
    fill(dialog)
    dialog.submitted()
    dialog.submitted()
    type_back(dialog)
    place, field = list(dialog.back.fields.items())[1]
    right = field.text()
    field.setText("zoo" if right != "zoo" else "zone")
    dialog.submitted()
    assert dialog.steps.place == BACK
    assert f"Word {place} is not what was shown" in dialog.back.notes[place].text.text()
    others = [one.text() for number, one in dialog.back.fields.items() if number != place]
    assert all(others) and not house.paths.wallets.exists()
    words = list(dialog._words)
    dialog.reject()
    assert dialog.steps.place == WORDS_STEP and dialog._words == words
    dialog.reject()
    assert dialog.steps.place == DETAILS and dialog.name.text() == "rig" and dialog.password.text() == PASSWORD
    dialog.submitted()
    assert dialog._words == words, "the same words, or what is on paper would be worthless"
    dialog.reject()
    dialog.reject()
    assert dialog._words == [] and dialog.password.text() == ""
    await house.close()


async def test_a_changed_number_of_words_makes_new_ones(window, house):
    dialog = CreateWalletDialog(window, house.paths.wallets, (), house.context.run)
    fill(dialog)
    dialog.count.setCurrentIndex(1)
    dialog.submitted()
    assert len(dialog._words) == 24
    dialog.reject()
    dialog.count.setCurrentIndex(0)
    dialog.submitted()
    assert len(dialog._words) == 12
    await house.close()


async def test_details_are_checked_beside_their_field(window, house):
    dialog = CreateWalletDialog(window, house.paths.wallets, ["Miner"], house.context.run)
    dialog.open()
    dialog.submitted()
    assert dialog.steps.place == DETAILS and dialog.name.note.text()
    dialog.name.input.setText("miner")
    assert "“Miner” already" in dialog.name.note.text()
    dialog.name.input.setText("a/b")
    assert "character /" in dialog.name.note.text()
    dialog.name.input.setText("rig")
    dialog.password.first.input.setText("short")
    dialog.submitted()
    assert dialog.password.first.note.text() == "At least 8 characters."
    dialog.password.first.input.setText(PASSWORD)
    dialog.password.second.input.setText("corect horse battery")
    dialog.submitted()
    assert dialog.steps.place == DETAILS and dialog.password.second.note.text() == "The two passwords differ."
    dialog.password.second.input.setText(PASSWORD)
    dialog.submitted()
    assert dialog.steps.place == WORDS_STEP
    await house.close()


async def test_an_error_while_writing_keeps_everything_and_can_be_tried_again(window, house, monkeypatch):
    dialog = CreateWalletDialog(window, house.paths.wallets, (), house.context.run)
    dialog.open()
    fill(dialog)
    dialog.submitted()
    dialog.submitted()
    type_back(dialog)
    good = wallets.create_wallet
    release = asyncio.Event()

    async def full(*_arguments):
        await release.wait()
        raise StorageError("Disk full", "There is no space left.", "Free some.")

    monkeypatch.setattr(wallets, "create_wallet", full)
    dialog.submitted()
    await asyncio.sleep(0)
    assert not dialog.no.isEnabled()
    dialog.reject()
    dialog.close()
    assert dialog.isVisible(), "no way out while the file is being written"
    release.set()
    await samples.until(lambda: dialog.steps.place == BACK, "the error")
    assert "no space left" in dialog._problem.text() and dialog.no.isEnabled()
    monkeypatch.setattr(wallets, "create_wallet", good)
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the wallet")
    assert dialog.wallet.name == "rig"
    await house.close()


async def test_import_names_the_wrong_word_and_loses_nothing(window, house):
    dialog = ImportWalletDialog(window, house.paths.wallets, (), house.context.run)
    dialog.open()
    dialog.name.input.setText("restored")
    dialog.entry.text.setPlainText(samples.BOTTOM.replace("hold", "hose"))
    dialog.password.first.input.setText(PASSWORD)
    dialog.password.second.input.setText(PASSWORD)
    dialog.submitted()
    assert "Word 8, “hose”" in dialog.entry.note.text()
    assert "race" in dialog.entry.text.toPlainText() and dialog.password.text() == PASSWORD
    dialog.entry.text.setPlainText(samples.BOTTOM)
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the wallet")
    assert dialog.wallet.coldkey_ss58 == samples.HOTKEY
    assert dialog.entry.text.toPlainText() == "" and dialog.password.text() == ""
    assert not dialog.entry.text.document().isUndoAvailable(), "undo would bring the words back"
    await house.close()


async def test_import_into_a_name_taken_meanwhile(window, house):
    dialog = ImportWalletDialog(window, house.paths.wallets, (), house.context.run)
    dialog.open()
    dialog.name.input.setText("vault")
    dialog.entry.text.setPlainText(samples.ABANDON)
    dialog.password.first.input.setText(PASSWORD)
    dialog.password.second.input.setText(PASSWORD)
    wallets.add_watch_only(house.paths.wallets, "Vault", samples.BOB)
    dialog.submitted()
    await samples.until(lambda: "exists" in dialog._problem.text(), "the sentence")
    assert dialog.entry.text.toPlainText() == samples.ABANDON and dialog.steps.place == 0
    assert [wallet.name for wallet in list_wallets(house.paths.wallets)] == ["Vault"]
    await house.close()


async def test_watch_only_checks_the_address(window, house):
    dialog = WatchOnlyDialog(window, house.paths.wallets, (), house.context.run)
    dialog.open()
    dialog.name.input.setText("cold")
    dialog.address.input.setText(samples.ALICE[:-1] + "Z")
    dialog.submitted()
    assert "checksum" in dialog.address.note.text() and dialog.isVisible()
    # Typed in groups, as it is shown elsewhere.
    dialog.address.input.setText("5Grwva EF5zXb 26Fz9r cQpDWS 57CtER HpNehX CPcNoH GKutQY")
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the wallet")
    assert dialog.wallet.watch_only and dialog.wallet.coldkey_ss58 == samples.ALICE
    assert not (house.paths.wallets / "cold" / "coldkey").exists()
    await house.close()


async def test_hotkeys_new_and_from_a_phrase(window, house):
    wallet = wallets.add_watch_only(house.paths.wallets, "cold", samples.ALICE)
    dialog = AddHotkeyDialog(window, wallet, house.context.run)
    dialog.open()
    dialog.name.input.setText("fresh")
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the hotkey")
    again = AddHotkeyDialog(window, dialog.wallet, house.context.run)
    again.open()
    again.name.input.setText("Fresh")
    again.submitted()
    assert "“fresh” already" in again.name.note.text()
    again.name.input.setText("restored")
    again.old.setChecked(True)
    again.submitted()
    assert again.entry.note.text().startswith("Nothing yet.")
    again.entry.text.setPlainText(samples.BOTTOM)
    again.submitted()
    await samples.until(lambda: again.wallet is not None, "the second hotkey")
    found = {hotkey.name: hotkey.ss58 for hotkey in read_wallet(wallet.path).hotkeys}
    assert found["restored"] == samples.HOTKEY and len(found) == 2
    await house.close()


def test_phrase_entry_words_by_hand(qtbot):
    entry = MnemonicEntry()
    qtbot.addWidget(entry)
    entry.show()
    first, second = entry.fields[:2]
    first.setFocus()
    qtbot.keyClicks(first, "bott")
    qtbot.keyClick(first, Qt.Key.Key_Space)
    assert first.text() == "bottom", "four letters decide a word"
    assert second.text() == ""
    assert entry.problem() == "Word 2 is missing."
    entry.count.setCurrentIndex(4)
    assert len(entry.words()) == 24 and entry.words()[0] == "bottom"


def test_pasting_a_long_phrase_opens_more_fields(qtbot):
    entry = MnemonicEntry()
    qtbot.addWidget(entry)
    phrase = "abandon " * 23 + "art"
    entry.fields[0].pasted.emit(f"  {phrase.upper()}\n")
    assert entry.count.currentData() == 24 and entry.phrase() == phrase and entry.problem() is None
    assert entry.note.text() == "The phrase is valid."


def test_two_swapped_words_are_told_as_such(qtbot):
    entry = MnemonicEntry()
    qtbot.addWidget(entry)
    words = samples.BOTTOM.split()
    words[1], words[2] = words[2], words[1]
    entry.fields[0].pasted.emit(" ".join(words))
    assert "checksum" in entry.problem() and "order matters" in entry.problem()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 11), st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12))
def test_any_wrong_word_is_named_by_its_number(qapp, place, text):
    entry = MnemonicEntry()
    words = samples.BOTTOM.split()
    words[place] = text
    entry.fields[0].pasted.emit(" ".join(words))
    problem = entry.problem()
    if text.lower() not in WORDS:
        assert problem.startswith(f"Word {place + 1}, “{text.lower()}”")
    else:
        assert problem is None or "checksum" in problem


@given(st.text(max_size=40))
def test_password_words_never_fail(text):
    assert strength_words(text)
    assert (password_problem(text) is None) == (len(text) >= 8)


def test_strength_is_not_fooled_by_repetition():
    assert strength_words("aaaaaaaaaaaaaaaaaaaa").startswith("weak")
    assert strength_words("password").startswith("weak")
    assert strength_words("correct horse battery staple") == "strong"


async def test_each_word_is_checked_at_once(window, house, qtbot):
    back = WordsBack()
    qtbot.addWidget(back)
    back.ask(drill.WordsBack(samples.BOTTOM, (2, 8)))
    back.show()
    field = back.fields[8]
    field.setText("ho")
    assert not back.notes[8].text.text(), "nothing is wrong yet while it is typed"
    field.setText("hold")
    assert back.notes[8].text.text() == "Right"
    field.setText("home")
    assert not back.notes[8].text.text()
    field.editingFinished.emit()
    assert "Word 8 is not what was shown" in back.notes[8].text.text()
    field.setText("hodl")
    field.editingFinished.emit()
    assert "Did you mean" in back.notes[8].text.text()
    field.setText("hold")
    assert not back.insist() and back.notes[2].text.text() == "Word 2 is missing."
    back.fields[2].setText("drive")
    assert back.insist()
    await house.close()


# --- plan -----------------------------------------------------------------------------------------------------------


def texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel)]


def test_plan_says_everything_that_is_signed(qtbot):
    plan = samples.plan("finney")
    view = PlanView(plan)
    qtbot.addWidget(view)
    shown = texts(view)
    assert plan.title in shown and "0.501347210 TAO" in shown and "0.001347210 TAO" in shown
    for name, value in plan.lines:
        assert name in shown and value in shown
    assert plan.warnings[0] in shown
    assert shown.count("Fee") == 1 and shown.count("Call") == 1
    assert "".join(shown).replace(" ", "").count(plan.signer_ss58) == 1
    assert any("runtime 343" in text for text in shown)


async def test_enter_alone_does_not_sign(window, qtbot, qloop):
    dialog = PlanDialog(window, samples.plan())
    asked = asyncio.get_running_loop().create_task(show(dialog))
    await asyncio.sleep(0)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert await asked is False
    dialog = PlanDialog(window, samples.plan())
    asked = asyncio.get_running_loop().create_task(show(dialog))
    await asyncio.sleep(0)
    dialog.yes.click()
    assert await asked is True


def test_unknown_networks_count_as_real_money():
    assert "real money" in meaning_of("devnet-7") and "real TAO" in meaning_of("finney")
    assert "not real" in meaning_of("sandbox")


@given(st.integers(0, 2**60), st.integers(0, 2**60))
def test_plan_amounts_are_exact(qapp, fee, spend):
    base = samples.plan()
    fields = {name: getattr(base, name) for name in Plan.__slots__}
    view = PlanView(Plan(**{**fields, "fee_rao": fee, "spend_rao": spend}))
    narrow = "\N{NARROW NO-BREAK SPACE}"
    shown = [text.replace(narrow, "") for text in texts(view)]
    total = fee + spend
    assert f"{total // 10**9}.{total % 10**9:09d} TAO" in shown
    view.deleteLater()
