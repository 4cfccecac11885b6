"""Unlocking: honest progress, what was typed stays, and the system's keyring only when asked, in each of its states."""

from __future__ import annotations

import asyncio
import threading

import keyring.errors
import pytest
import shiboken6
from PySide6.QtWidgets import QLineEdit

from gui import samples
from ranvier.core.errors import KeyFileError
from ranvier.keys import remember, wallets
from ranvier.keys.remember import STATE_WORDS, PasswordStore, StoreState
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog, memory_sentence

PASSWORD = "correct horse battery"


class Keyring:
    """A system keyring in memory, or one that answers with an error."""

    def __init__(self, error=None):
        self.kept, self.error, self.calls = {}, error, 0

    def _answer(self):
        self.calls += 1
        if self.error is not None:
            raise self.error

    def get_password(self, service, account):
        self._answer()
        return self.kept.get((service, account))

    def set_password(self, service, account, password):
        self._answer()
        self.kept[service, account] = password

    def delete_password(self, service, account):
        self._answer()
        if self.kept.pop((service, account), None) is None:
            raise keyring.errors.PasswordDeleteError("none")


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


async def made(house):
    return await wallets.create_wallet(
        house.paths.wallets, "miner", samples.ABANDON, PASSWORD, "default", samples.BOTTOM, _cost=samples.CHEAP
    )


def dialog_for(window, house, wallet, backend=None, seen=None):
    async def work(password, on_attempt):
        def attempt(number, of):
            on_attempt(number, of)
            if seen is not None:
                seen.append((number, of, dialog.progress.words.text(), dialog.progress.isVisible()))

        return await wallets.unlock_coldkey(wallet.path, password, on_attempt=attempt, _cost=samples.CHEAP)

    store = PasswordStore(house.paths, backend, patience_s=2.0) if backend is not None else None
    dialog = UnlockDialog(window, "Unlock miner", "Why.", wallet.path, work, house.context.run, store)
    return dialog


async def test_a_wrong_password_keeps_everything_and_the_right_one_opens(window, house):
    wallet = await made(house)
    seen = []
    dialog = dialog_for(window, house, wallet, seen=seen)
    dialog.open()
    assert dialog.input.echoMode() == QLineEdit.EchoMode.Password
    dialog.submitted()
    assert dialog._problem.text() == "Type the password."
    dialog.input.setText("corect horse battéry ")
    dialog.submitted()
    assert not dialog.no.isEnabled() and dialog.progress.isVisible()
    await samples.until(lambda: "does not open" in dialog._problem.text(), "the sentence")
    assert dialog.input.text() == "corect horse battéry " and dialog.isVisible() and not dialog.progress.isVisible()
    assert [entry[:2] for entry in seen] == [(n, 4) for n in (1, 2, 3, 4)], "as typed, trimmed, other form, both"
    assert "another spelling" not in seen[0][2] and "another spelling of it, 2 of 4" in seen[1][2]
    assert "each try takes 2 to 6 s" in seen[0][2] and seen[0][3]
    dialog.input.setText(f" {PASSWORD} ")
    dialog.submitted()
    await samples.until(lambda: not dialog.isVisible(), "unlocked")
    assert dialog.result_of_work.ss58 == samples.COLDKEY and dialog.input.text() == ""
    await house.close()
    assert not house.errors


async def test_no_way_out_while_it_runs_and_none_into_the_box(window, house):
    wallet = await made(house)
    release = asyncio.Event()

    async def work(_password, _on_attempt):
        await release.wait()
        raise KeyFileError("Not enough memory", "Opening needs 600 MB.", "Close other programs.")

    dialog = UnlockDialog(window, "Unlock", "Why.", wallet.path, work, house.context.run)
    dialog.open()
    assert dialog.keep_box.isHidden(), "without a store there is nothing to offer"
    dialog.input.setText("x")
    dialog.submitted()
    await asyncio.sleep(0)
    dialog.reject()
    dialog.close()
    assert dialog.isVisible() and not dialog.input.isEnabled()
    release.set()
    await samples.until(lambda: "600 MB" in dialog._problem.text(), "the sentence")
    assert dialog.input.text() == "x" and dialog.input.isEnabled()
    dialog.reject()
    assert not dialog.isVisible() and dialog.input.text() == ""
    await house.close()


def test_memory_is_said_before():
    fits, text = memory_sentence(4 * 2**30)
    assert fits and "512" in text and "are free" in text and "Close" not in text
    fits, text = memory_sentence(300 * 2**20)
    assert not fits and "Close other programs" in text


async def test_remembered_only_when_asked_and_taken_back(window, house):
    wallet = await made(house)
    backend = Keyring()
    dialog = dialog_for(window, house, wallet, backend)
    dialog.open()
    assert not dialog.keep_box.isChecked() and backend.calls == 0, "off, and the keyring is not even opened"
    dialog.input.setText(PASSWORD)
    dialog.submitted()
    await samples.until(lambda: dialog.result_of_work is not None, "unlocked")
    await samples.until(lambda: not dialog.isVisible(), "closed")
    assert backend.kept == {} and backend.calls == 0
    dialog = dialog_for(window, house, wallet, backend)
    dialog.open()
    dialog.keep_box.setChecked(True)
    await samples.until(lambda: dialog.keep_note.text() == STATE_WORDS[StoreState.READY], "its state")
    dialog.input.setText(PASSWORD)
    dialog.submitted()
    await samples.until(lambda: not dialog.isVisible(), "closed")
    assert list(backend.kept.values()) == [PASSWORD]
    again = dialog_for(window, house, wallet, backend)
    again.open()
    await samples.until(lambda: again.input.text() == PASSWORD, "recalled")
    assert "taken from the system's keyring" in again.keep_note.text()
    again.keep_box.setChecked(False)
    await samples.until(lambda: "has forgotten" in again.keep_note.text(), "forgotten")
    assert backend.kept == {}
    again.reject()
    on_disk = b"".join(path.read_bytes() for path in house.paths.data.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in on_disk
    await house.close()


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, StoreState.READY),
        (keyring.errors.KeyringLocked("dismissed"), StoreState.LOCKED),
        (keyring.errors.InitError("no collection"), StoreState.EMPTY),
        (RuntimeError("no session bus"), StoreState.ABSENT),
    ],
)
async def test_each_state_of_the_keyring_is_said(window, house, error, state):
    wallet = await made(house)
    dialog = dialog_for(window, house, wallet, Keyring(error))
    dialog.open()
    dialog.keep_box.setChecked(True)
    await samples.until(lambda: dialog.keep_note.text() == STATE_WORDS[state], str(state))
    assert dialog.keep_box.isEnabled() == (state is not StoreState.ABSENT)
    assert dialog.keep_box.isChecked() == (state is not StoreState.ABSENT), "no store, no second place"
    dialog.input.setText(PASSWORD)
    dialog.submitted()
    await samples.until(lambda: dialog.result_of_work is not None, "unlocked all the same")
    await samples.until(lambda: not dialog.isVisible(), "closed")
    await house.close()


async def test_a_keyring_that_asks_its_own_question_is_said(window, house):
    wallet = await made(house)
    answered = threading.Event()

    class Asking(Keyring):
        def get_password(self, service, account):
            answered.wait(5)

    store = PasswordStore(house.paths, Asking(), patience_s=0.05)
    dialog = UnlockDialog(window, "Unlock", "Why.", wallet.path, None, house.context.run, store)
    dialog.open()
    dialog.keep_box.setChecked(True)
    await samples.until(lambda: dialog.keep_note.text() == STATE_WORDS[StoreState.WAITING], "the state")
    # A keyring that answers when the dialog is gone is no bug.
    late = PasswordStore(house.paths, Asking(), patience_s=5.0)
    gone = UnlockDialog(window, "Unlock", "Why.", wallet.path, None, house.context.run, late)
    gone.open()
    gone.keep_box.setChecked(True)
    await asyncio.sleep(0.02)
    gone.reject()
    shiboken6.delete(gone)
    answered.set()
    dialog.reject()
    await samples.until(lambda: not house.tasks._tasks, "the late answer")
    await house.close()
    assert not house.errors


def test_every_state_has_its_words():
    assert set(STATE_WORDS) == set(StoreState) and remember.SERVICE


async def test_a_practice_password_that_is_gone_has_a_way_on(qtbot, house):
    window, gone = QLineEdit(), []
    qtbot.addWidget(window)
    wallet = await made(house)
    plain = UnlockDialog(window, "Unlock", "Why.", wallet.path, None, house.context.run)
    assert not hasattr(plain, "lost_button"), "a real password has no such way"
    dialog = UnlockDialog(window, "Unlock", "Why.", wallet.path, None, house.context.run, lost=lambda: gone.append(1))
    dialog.open()
    dialog.input.setText("typed")
    dialog.lost_button.click()
    assert gone == [1] and not dialog.isVisible() and dialog.input.text() == ""
    await house.close()
