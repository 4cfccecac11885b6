"""A miner's secrets in the window: what is missing is said, a value is stored and never shown again."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from gui.fakes import good_miner, status_event
from gui.stage import settle, stage, texts, until
from ranvier.agent.api.messages import GetSecrets, MinerSecrets, RemoveSecret, SecretView, SetSecret
from ranvier.core.errors import MinerError
from ranvier.ui.dialogs.miners.miner_secrets import SecretsDialog

VALUE = "hunter2-and-more"
MISSING = MinerSecrets(
    (SecretView("HF_TOKEN", ("TOKEN",), True, False), SecretView("WANDB_API_KEY", ("WANDB_API_KEY",), False, True))
)
STORED = MinerSecrets((SecretView("HF_TOKEN", ("TOKEN",), True, True),))


def dialog_of(it) -> SecretsDialog | None:
    return next((one for one in it.window.findChildren(SecretsDialog) if one.isVisible()), None)


async def test_a_missing_secret_is_said_set_and_never_shown(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[GetSecrets] = MISSING
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        await until(lambda: page.secrets.isVisible())
        assert "HF_TOKEN (missing), WANDB_API_KEY (stored)" in texts(page.secrets)
        it.bridge._emit(status_event(good_miner()))
        await settle()
        assert len(it.client.sent(GetSecrets)) == 1, "the store is not asked with every status"
        page.secrets.set.click()
        await until(lambda: dialog_of(it))
        dialog = dialog_of(it)
        assert dialog.name.text() == "HF_TOKEN" and "missing, its recipe asks for it" in texts(dialog)
        dialog.yes.click()
        assert "Type or paste the value" in texts(dialog) and not it.client.sent(SetSecret)
        dialog.value.input.setText(VALUE)
        assert dialog.value.input.echoMode() is QLineEdit.EchoMode.Password
        it.client.answers[SetSecret] = MinerError("Secret not stored", "The store is locked.", "Unlock it.")
        dialog.yes.click()
        await until(lambda: "store is locked. Unlock it." in texts(dialog))
        assert dialog.value.text() == VALUE, "nothing that was typed is lost"
        del it.client.answers[SetSecret]
        it.client.answers[GetSecrets] = STORED
        dialog.yes.click()
        await until(lambda: it.client.sent(SetSecret)[1:] == [SetSecret("practice", "HF_TOKEN", VALUE)])
        await until(lambda: "stored, its recipe asks for it" in texts(dialog))
        assert VALUE not in texts(it.window) and dialog.value.text() == "" and "Type or paste" not in texts(dialog)
        dialog.choose("HF_TOKEN")
        assert dialog.yes.text() == "Replace"
        dialog.value.input.setText(VALUE)
        dialog.reject()
        assert dialog.value.text() == "", "what was typed goes with the dialog"
        await until(lambda: "Needs HF_TOKEN (stored)." in texts(page.secrets))


async def test_one_is_removed_and_another_name_added(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[GetSecrets] = MISSING
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        page.head.secrets.trigger()
        await until(lambda: dialog_of(it))
        dialog = dialog_of(it)
        dialog.rows.itemAtPosition(1, 3).widget().click()
        await until(lambda: it.client.sent(RemoveSecret) == [RemoveSecret("practice", "WANDB_API_KEY")])
        assert not dialog.rows.itemAtPosition(0, 3).widget().isEnabled(), "what is not stored is not removed"
        await until(lambda: dialog.yes.isEnabled())
        dialog.name.input.setText("two words")
        dialog.value.input.setText(VALUE)
        dialog.yes.click()
        assert "Letters, digits and _" in texts(dialog) and not it.client.sent(SetSecret)
        dialog.reject()


async def test_a_miner_without_secrets_shows_none_and_a_locked_store_is_told(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        await until(lambda: it.client.sent(GetSecrets))
        assert not page.secrets.isVisible()
        locked = MinerSecrets((SecretView("HF_TOKEN", ("HF_TOKEN",), True, None),), "The store is locked. Unlock it.")
        it.client.answers[GetSecrets] = locked
        it.bridge._emit(status_event(good_miner(id="other")))
        await until(lambda: page.secrets.isVisible())
        assert "HF_TOKEN (not known). The store is locked." in texts(page.secrets)
