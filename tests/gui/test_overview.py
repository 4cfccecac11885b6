"""Overview: evidence and ages, honest sums, commands on clicks, what needs the owner."""

from __future__ import annotations

import time

import msgspec

from gui.fakes import good_miner, rich_status, status, status_event, unknown_miner
from gui.stage import settle, stage, texts, until
from ranvier.agent.api.messages import Attention, StartMiner, StatusEvent, StopMiner
from ranvier.core.errors import MinerError
from ranvier.core.evidence import Level
from ranvier.miners.status import MinerState
from ranvier.ui.phrases import alpha_sums


async def test_cards_show_state_evidence_and_age(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        it.client.send(StatusEvent(rich_status()))
        await until(lambda: len(page.cards) == 3)
        good, old = page.cards["practice"], page.cards["old"]
        assert good.badge.level is Level.GOOD and good.badge.text == "Running"
        assert good.evidence.lines[0].evidence.text == "Process alive (pid 40312)"
        page.tick(time.time() + 30)
        assert "31 s ago" in texts(good) or "32 s ago" in texts(good)
        assert old.badge.level is Level.UNKNOWN and "never" in texts(old)
        assert old.today.text() == "unknown"
        assert "12.3456 α1" in texts(good)


async def test_unknown_earnings_are_told_and_not_counted_as_zero(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        it.bridge._emit(status_event(good_miner(), unknown_miner()))
        assert page.today.value.text() == "12.3456 α1"
        assert "without 1 miner" in page.today.note.text()
        it.bridge._emit(status_event(unknown_miner()))
        assert page.today.value.text() == "unknown"
    assert alpha_sums([(1, 5), (2, 7), (1, None)], 9) == ("0.000000005 α1  +  0.000000007 α2", 1)
    assert alpha_sums([]) == (None, 0)


async def test_alpha_of_another_network_is_not_counted_as_this_ones(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        it.bridge._emit(status_event(good_miner(), good_miner(id="elsewhere", network="test")))
        assert page.today.value.text() == "12.3456 α1"
        here, elsewhere = page.cards["practice"], page.cards["elsewhere"]
        assert here.chip.isHidden() and not elsewhere.chip.isHidden() and elsewhere.chip.text == "TESTNET"
        it.bridge._emit(status_event(good_miner(network="test")))
        assert page.today.value.text() == "–" and page.today.note.text() == "no miner on this network"


async def test_clicks_send_commands_and_errors_reach_the_bar(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        it.bridge._emit(status_event(good_miner()))
        card = page.cards["practice"]
        assert not card.start.isEnabled() and card.start.toolTip() == "It is running already."
        card.stop.click()
        await until(lambda: it.client.sent(StopMiner))
        assert it.client.sent(StopMiner) == [StopMiner("practice")]
        it.bridge._emit(status_event(good_miner(state=MinerState.STOPPED, wanted=False, level=Level.OFF)))
        assert not card.stop.isEnabled() and card.start.isEnabled()
        it.client.answers[StartMiner] = MinerError("Port taken", "Port 8091 is used by another program.", "Free it.")
        card.start.click()
        await until(lambda: it.window.messages.messages)
        assert it.window.messages.messages[0].words == (
            "Port taken",
            "Port 8091 is used by another program.",
            "Free it.",
        )


async def test_an_agent_that_ended_leaves_no_promise_behind(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        told = Attention(Level.BAD, "Mainnet is not reached", "Nobody answers. Tried again in 19 s.", key="network")
        it.bridge._emit(StatusEvent(msgspec.structs.replace(status(good_miner()), attention=(told,))))
        await settle()
        assert "Tried again" in texts(page.attention)
        it.bridge._lost("The agent is not running.")
        await settle()
        assert "Tried again" not in texts(page.attention) and "does not answer" in texts(page.attention)
        it.bridge._emit(status_event(good_miner()))
        await settle()
        assert not page.attention.isVisible()


async def test_attention_comes_and_goes(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        it.bridge._emit(StatusEvent(rich_status()))
        await settle()
        assert page.attention.isVisible() and "CUDA out of memory" in texts(page.attention)
        it.bridge._emit(status_event(good_miner()))
        assert not page.attention.isVisible()


async def test_the_empty_page_leads_to_the_rehearsal(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        assert "Waiting for the agent" in texts(page)
        it.bridge._emit(status_event())
        assert page.empty.isVisible() and not page.totals.isVisible()
        page.empty.button.click()
        await until(lambda: it.window.open_key == "rehearsal")


async def test_a_page_made_late_shows_the_latest_status_at_once(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.bridge._emit(status_event(good_miner()))
        page = await it.open("overview")
        assert list(page.cards) == ["practice"]
