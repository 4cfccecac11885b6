"""The whole window with the real agent, sandbox, keeper and axon: welcome, rehearsal, consent, first earnings,
and no handler that holds the UI thread.
"""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from PySide6.QtWidgets import QPushButton

from end2end.conftest import fake_model_recipe, home, ours, paths  # noqa: F401  # fixtures
from gui.stage import texts, until, watchdog
from ranvier.agent.api.messages import StopAgent
from ranvier.core.evidence import Level
from ranvier.core.settings import NETWORK, SANDBOX_BLOCK_MS, Settings
from ranvier.miners.status import MinerState
from ranvier.rehearsal import rehearsal as rehearsal_module
from ranvier.rehearsal.stages import Stage, StageState
from ranvier.ui.garbage import GarbageOnThisThread
from ranvier.ui.instance import Instance
from ranvier.ui.root import Application, Options


@pytest.mark.limit_s(200)
async def test_from_the_welcome_to_the_first_earnings(qapp, home, paths, fake_model_recipe, monkeypatch):  # noqa: F811
    recipe = partial(rehearsal_module.Rehearsal, recipe=str(fake_model_recipe))
    monkeypatch.setattr(rehearsal_module, "Rehearsal", recipe)
    Settings(paths.settings_file).set(SANDBOX_BLOCK_MS, 250)
    instance = Instance(paths)
    assert instance.first()
    application = Application(qapp, paths, Options(), instance, GarbageOnThisThread())
    running = asyncio.get_running_loop().create_task(application.run())
    window = application.window
    try:
        await until(lambda: window.open_key == "welcome", 20)
        await until(lambda: window.header.agent.level is Level.GOOD, 40)
        assert ours(home, "sandbox") == [], "nothing starts before the choice"
        window.pages["welcome"].choices["sandbox"].choose.click()
        await until(lambda: window.open_key == "rehearsal", 40)
        page = window.pages["rehearsal"]
        async with watchdog() as seen:
            page.start.click()
            register = page.rows[Stage.REGISTER]
            await until(lambda: register.report.state is StageState.CONSENT or not page.running, 90)
            assert register.report.state is StageState.CONSENT, texts(page)
            assert "register_limit" in texts(register) and "TAO" in texts(register)
            next(b for b in register.findChildren(QPushButton) if b.text() == "Register").click()
            await until(lambda: not page.running, 120)
        assert page.rows[Stage.EARN].report.state is StageState.DONE, texts(page)
        assert page.end.isVisible() and "α1" in texts(page.end)
        assert seen.busy_s < 0.05, f"a handler held the UI thread for {seen.busy_s * 1000:.0f} ms"
        assert application.settings.get(NETWORK) == "sandbox"

        window.go("overview")
        await until(lambda: window.open_key == "overview", 10)
        overview = window.pages["overview"]
        await until(lambda: overview.today.value.text() not in ("", "unknown", "0.0000 α1"), 20)
        card = next(iter(overview.cards.values()))
        assert card.miner.state is MinerState.RUNNING
        card.stop.click()
        await until(lambda: card.miner.state is MinerState.STOPPED, 40)
        assert card.start.isEnabled() and not card.stop.isEnabled()
        await application.context.client.call(StopAgent(everything=True))
    finally:
        application.quit_window()
        assert await running == 0
        instance.close()
