"""The one button of a diagnosis does its step: register, correct the recipe, set the secret, make room."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from gui import samples_miners
from gui.fakes import COLDKEY, HOTKEY, failed_miner, good_miner, status_event
from gui.stage import settle, stage, texts, until
from ranvier.agent.api.messages import (
    Done,
    GetRecipe,
    GetSecrets,
    MinerSecrets,
    PublishAxon,
    RecipeText,
    SecretView,
    StartMiner,
)
from ranvier.agent.api.messages import UpdateMiner as Update
from ranvier.agent.miners.incidents import LABELS
from ranvier.chain.model import Receipt, TxStage
from ranvier.core.errors import RecipeError
from ranvier.miners.diagnosis import ACTIONS
from ranvier.ui import transacting
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.miners.change_miner import ChangeMinerDialog
from ranvier.ui.dialogs.miners.disk_use import DiskDialog, look
from ranvier.ui.dialogs.miners.edit_recipe import EditRecipeDialog
from ranvier.ui.dialogs.miners.miner_secrets import SecretsDialog

RECIPE = 'name = "mine"\n[program]\ncommand = ["x"]\n'


def sick(action: str, **changes):
    why = msgspec.structs.replace(samples_miners.diagnosis(), action=action, label=LABELS[action], **changes)
    return msgspec.structs.replace(failed_miner(), diagnosis=why, wanted=True)


def opened(it, kind: type[Dialog]) -> Dialog | None:
    return next((one for one in it.window.findChildren(kind) if one.isVisible()), None)


def test_every_action_has_a_button_that_says_what_it_does():
    assert set(LABELS) == set(ACTIONS) and all(LABELS[action] for action in ACTIONS if action != "none")


async def test_registering_makes_a_plan_for_this_seat_and_then_starts_the_miner(qtbot, tmp_path, monkeypatch):
    planned = []

    async def plan_register(_connection, *seat):
        planned.append(seat)

    def begin(self, wish):
        self.wish = wish

    monkeypatch.setattr("ranvier.chain.plans.plans.plan_register", plan_register)
    monkeypatch.setattr(transacting.Transacting, "begin", begin)
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        miner = sick("register")
        it.bridge._emit(status_event(miner))
        page.diagnosis.button.click()
        await until(lambda: page.steps.transacting is not None and hasattr(page.steps.transacting, "wish"))
        wish = page.steps.transacting.wish
        await wish.plan(None)
        assert planned == [(COLDKEY, HOTKEY, miner.netuid)] and COLDKEY in str(wish)
        for stage_, error in ((TxStage.FINAL, "NotEnoughBalanceToStake"), (TxStage.SUBMITTED, None)):
            page.steps._registering = miner.id
            page.steps._registered(Receipt(None, stage_, "0x", None, None, None, None, error))
        await settle()
        assert not it.client.sent(StartMiner), "what was not registered is not started"
        page.steps._registering = miner.id
        page.steps._registered(Receipt(None, TxStage.FINAL, "0x", None, None, None, None))
        await until(lambda: it.client.sent(StartMiner) == [StartMiner(miner.id)])


async def test_registering_on_another_network_is_refused_in_words(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(msgspec.structs.replace(sick("register"), network="finney")))
        page.diagnosis.button.click()
        await until(lambda: "Choose finney in the settings first" in texts(it.window))
        assert page.steps.transacting is None


async def test_its_axon_is_published_by_a_plan_where_money_is_real(qtbot, tmp_path, monkeypatch):
    opened = []

    async def remember(self, form, answers):
        opened.append((form.title, answers))

    monkeypatch.setattr("ranvier.ui.money_desk.MoneyDesk.open", remember)
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        page.head.publish.trigger()
        await until(lambda: it.client.sent(PublishAxon) == [PublishAxon("practice")])
        there = good_miner(network="test", external_ip="203.0.113.7", axon_port=8091)
        status = status_event(there)
        chain = msgspec.structs.replace(status.status.chain, network="test")
        it.bridge._emit(msgspec.structs.replace(status, status=msgspec.structs.replace(status.status, chain=chain)))
        page.head.publish.trigger()
        await until(lambda: opened)
        assert opened == [
            ("Publish the axon",
             {"hotkey": there.hotkey_ss58, "netuid": there.netuid, "ip": "203.0.113.7", "port": 8091})
        ]  # fmt: skip
        assert len(it.client.sent(PublishAxon)) == 1, "the agent signs nothing without a plan"


async def test_a_seat_that_it_has_is_not_paid_for_twice(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        assert not page.head.register.isEnabled() and "uid 7" in page.head.register.toolTip()
        it.bridge._emit(status_event(good_miner(neuron=None)))
        assert page.head.register.isEnabled()


async def test_the_recipe_is_corrected_and_what_is_refused_is_not_lost(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[GetRecipe] = RecipeText(RECIPE, "/data/recipe.toml")
        page = await it.open("miners")
        miner = sick("edit_recipe")
        it.bridge._emit(status_event(miner))
        page.diagnosis.button.click()
        await until(lambda: opened(it, EditRecipeDialog))
        dialog = opened(it, EditRecipeDialog)
        assert dialog.box.toPlainText() == RECIPE and miner.diagnosis.sentence in texts(dialog)
        dialog.yes.click()
        assert "Nothing was changed" in texts(dialog)
        dialog.box.setPlainText("name = ")
        dialog.yes.click()
        assert "not TOML" in texts(dialog) and not it.client.sent(Update)
        better = RECIPE.replace('"x"', '"y"')
        dialog.box.setPlainText(better)
        it.client.answers[Update] = RecipeError("Recipe not valid", "line 3: unknown key.")
        dialog.yes.click()
        await until(lambda: "line 3: unknown key" in texts(dialog))
        assert dialog.box.toPlainText() == better and dialog.yes.isEnabled()
        it.client.answers[Update] = Done("Version 1 is being tried.")
        dialog.yes.click()
        await until(lambda: opened(it, EditRecipeDialog) is None)
        assert it.client.sent(Update)[-1] == Update(miner.id, recipe_text=better)


async def test_a_long_installation_does_not_hold_the_dialog(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr("ranvier.ui.dialogs.miners.edit_recipe._REFUSED_WITHIN_S", 0.05)
    goes_on = asyncio.Event()

    async with stage(tmp_path) as it:
        call = it.client.call

        async def slow(command, **more):
            if isinstance(command, Update):
                await goes_on.wait()
                raise RecipeError("Not installed", "The disk is full.")
            return await call(command, **more)

        it.client.call = slow
        it.client.answers[GetRecipe] = RecipeText(RECIPE, "/data/recipe.toml")
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        page.head.recipe.trigger()
        await until(lambda: opened(it, EditRecipeDialog))
        dialog = opened(it, EditRecipeDialog)
        dialog.box.setPlainText(RECIPE + "title = 'x'\n")
        dialog.yes.click()
        await until(lambda: opened(it, EditRecipeDialog) is None)
        goes_on.set()
        await until(lambda: "The disk is full" in texts(it.window))


@pytest.mark.parametrize(("action", "kind"), [("edit_miner", ChangeMinerDialog), ("set_secret", SecretsDialog)])
async def test_a_step_opens_its_dialog(qtbot, tmp_path, action, kind):
    from gui import samples
    from ranvier.agent.api.messages import GetHardware

    async with stage(tmp_path) as it:
        it.client.answers[GetHardware] = samples.hardware()
        it.client.answers[GetSecrets] = MinerSecrets((SecretView("A", ("A",), True, False),))
        page = await it.open("miners")
        it.bridge._emit(status_event(sick(action, subject="HF_TOKEN")))
        page.diagnosis.button.click()
        await until(lambda: opened(it, kind))
        if kind is SecretsDialog:
            assert opened(it, kind).name.text() == "HF_TOKEN"
        opened(it, kind).reject()


async def test_a_full_disk_is_explained_and_downloads_can_go(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        paths = it.context.paths
        for folder, size in ((paths.cache / "uv", 300_000), (paths.miner("one") / "logs", 90_000)):
            folder.mkdir(parents=True)
            (folder / "file").write_bytes(b"x" * size)
        uses, free, total = look(paths, {"one": "First"})
        assert [one.title for one in uses] == [
            "Downloads for environments; they can be fetched again",
            "First: its log",
        ]
        assert 0 < free < total and uses[0].size >= 300_000
        page = await it.open("miners")
        it.bridge._emit(status_event(sick("free_disk")))
        page.diagnosis.button.click()
        await until(lambda: opened(it, DiskDialog))
        dialog = opened(it, DiskDialog)
        assert "can be fetched again" in texts(dialog)
        dialog.yes.click()
        await until(lambda: not (paths.cache / "uv").exists())
        assert (paths.miner("one") / "logs" / "file").exists(), "a log is not deleted"
