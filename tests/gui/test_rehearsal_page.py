"""The rehearsal page draws from reports alone: each state, the plan inline, a failure with its way on."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, QRect

from gui.fakes import COLDKEY, GENESIS, HOTKEY, status_event
from gui.stage import settle, stage, texts, until, watchdog
from ranvier.chain.model import Plan
from ranvier.core.errors import Cancelled, ChainError, ErrorData
from ranvier.core.evidence import Level
from ranvier.core.settings import NETWORK
from ranvier.rehearsal import practice
from ranvier.rehearsal import rehearsal as rehearsal_module
from ranvier.rehearsal.stages import TITLES, Outcome, StageReport, StageState
from ranvier.rehearsal.stages import Stage as Step
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.pages import rehearsal as rehearsal_page
from ranvier.ui.waiting import agent_known
from ranvier.ui.widgets.text import QPushButton

PLAN = Plan(
    "sandbox", GENESIS, 343, COLDKEY, "Register on subnet 1", "SubtensorModule", "register_limit", "0x00",
    1_250_000, 10**9, (("Hotkey", HOTKEY), ("Burn now", "1.000000000 TAO")), ("The burned TAO is gone.",),
)  # fmt: skip


class ScriptedRehearsal:
    """Stands where ``Rehearsal`` stands: reports, asks, ends as told."""

    made: list[ScriptedRehearsal]

    def __init__(self, paths, client, *, on_report, consent):
        self.on_report, self.consent, self.password = on_report, consent, None
        self.runs = 0
        self.asked = []
        self.made.append(self)

    async def run(self, *, new_wallet=False):
        self.runs += 1
        self.asked.append(new_wallet)
        self.password = "babidu-gagodo"
        for step in (Step.SANDBOX, Step.WALLET, Step.FUND, Step.INSTALL):
            self.on_report(StageReport(step, StageState.RUNNING, f"doing {step}", progress=0.5, seconds=1.0))
            self.on_report(StageReport(step, StageState.DONE, evidence=f"proof of {step}", seconds=2.0, progress=1.0))
        if self.runs == 1:
            error = ChainError("Registration", "The network refused it.", "Try again.")
            self.on_report(StageReport(Step.REGISTER, StageState.FAILED, error.message, error=error.data()))
            raise error
        self.on_report(StageReport(Step.REGISTER, StageState.CONSENT, "Nothing is signed", plan=PLAN))
        if not await self.consent(PLAN):
            data = ErrorData("Cancelled", "Not done", "You said no; nothing was signed.")
            self.on_report(StageReport(Step.REGISTER, StageState.FAILED, error=data))
            raise Cancelled
        for step in list(Step)[4:]:
            self.on_report(StageReport(step, StageState.DONE, evidence=f"proof of {step}", seconds=3.0))
        return Outcome(61.0, 1_234_567_890, HOTKEY, 40)


def push(widget, text):
    found = [b for b in widget.findChildren(QPushButton) if b.text() == text and not b.isHidden()]
    assert len(found) == 1, f"{len(found)} buttons {text!r}"
    found[0].click()


async def test_from_start_over_failure_and_consent_to_the_first_earnings(qtbot, tmp_path, monkeypatch):
    ScriptedRehearsal.made = []
    monkeypatch.setattr(rehearsal_module, "Rehearsal", ScriptedRehearsal)
    async with stage(tmp_path) as it:
        page = await it.open("rehearsal")
        it.bridge._emit(status_event())
        assert [row.mark.level for row in page.rows.values()] == [Level.OFF] * 10
        assert [title in texts(page) for title in TITLES.values()] == [True] * 10
        page.start.click()
        register = page.rows[Step.REGISTER]
        await until(lambda: register.report.state is StageState.FAILED and not page.running)
        assert it.settings.get(NETWORK) == "sandbox"
        assert "The network refused it." in texts(register) and "Try again." in texts(register)
        assert page.rows[Step.FUND].mark.level is Level.GOOD and "proof of fund" in texts(page.rows[Step.FUND])
        assert page.rows[Step.EARN].mark.level is Level.OFF
        assert page.practice.isVisible() and "babidu" not in texts(page)
        push(page, "Show the password")
        assert "babidu-gagodo" in texts(page)

        push(register, "Try again from here")
        await until(lambda: register.report.state is StageState.CONSENT)
        shown = texts(register)
        for words in ("Register on subnet 1", "1.000000000 TAO", "0.001250000 TAO", "The burned TAO is gone."):
            assert words in shown, words
        push(register, "Not now")
        await until(lambda: not page.running)
        assert "nothing was signed" in texts(register)
        assert it.window.messages.messages == []

        push(register, "Try again from here")
        await until(lambda: register.report.state is StageState.CONSENT)
        push(register, "Register")
        await until(lambda: not page.running)
        assert page.end.isVisible() and "1.234567890 α1" in texts(page.end)
        assert [row.mark.level for row in page.rows.values()] == [Level.GOOD] * 10
        assert len(ScriptedRehearsal.made) == 1, "the password would be lost with a second one"
        await it.open("overview")
        assert "babidu" not in texts(page)


def dialog_of(it):
    return next((one for one in it.window.findChildren(Dialog) if one.isVisible()), None)


async def test_a_practice_wallet_whose_password_is_gone_leads_to_a_new_one(qtbot, tmp_path, monkeypatch):
    ScriptedRehearsal.made = []
    monkeypatch.setattr(rehearsal_module, "Rehearsal", ScriptedRehearsal)
    async with stage(tmp_path) as it:
        page = await it.open("rehearsal")
        await settle()
        assert not page.practice.isVisible()
        await it.open("overview")
        practice.save(it.context.paths.rehearsal, practice.Practice("practice", "miner", COLDKEY, HOTKEY, GENESIS))
        (it.context.paths.practice_wallets / "practice").mkdir(parents=True)
        await it.open("rehearsal")  # as another window would find it
        await until(page.practice.isVisible)
        assert "The password of practice ended with" in texts(page.practice) and page.practice.show_button.isHidden()
        it.bridge._emit(status_event())
        it.window.go("rehearsal/new-wallet")  # as the dialog that unlocks does
        await until(lambda: dialog_of(it))
        dialog_of(it).no.click()
        await until(lambda: dialog_of(it) is None)
        assert not ScriptedRehearsal.made
        page.practice.new_button.click()
        await until(lambda: dialog_of(it))
        dialog_of(it).yes.click()
        await until(lambda: ScriptedRehearsal.made and not page.running)
        (made,) = ScriptedRehearsal.made
        assert made.asked == [True] and not page.practice.show_button.isHidden()
        push(page.rows[Step.REGISTER], "Try again from here")
        await until(lambda: page.rows[Step.REGISTER].report.state is StageState.CONSENT)
        assert made.asked == [True, False], "the wallet was made; what failed goes on with it"
        page.choose("new-wallet")
        await until(lambda: it.window.messages.messages)
        assert dialog_of(it) is None, "not while it runs"
        push(page.rows[Step.REGISTER], "Not now")
        await until(lambda: not page.running)


async def test_progress_and_a_running_duration(qtbot, tmp_path, monkeypatch):
    async with stage(tmp_path) as it:
        page = await it.open("rehearsal")
        row = page.rows[Step.INSTALL]
        now = [1000.0]
        with monkeypatch.context() as clock:
            clock.setattr("ranvier.ui.pages.rehearsal.time.monotonic", lambda: now[0])
            report = StageReport(Step.INSTALL, StageState.RUNNING, "Downloading", progress=0.42, seconds=5.0)
            page.show_report(report)
            assert row.progress.isVisible() and row.progress.value() == 42 and row.duration.text() == "5.0 s"
            now[0] += 10
            page.tick(0.0)
        assert row.duration.text() == "15 s"
        page.show_report(StageReport(Step.INSTALL, StageState.RUNNING, "Unpacking", seconds=6.0))
        assert not row.progress.isVisible()


async def test_a_bug_in_a_stage_is_one_sentence_and_leaves_no_stage_running(qtbot, tmp_path, monkeypatch):
    class Broken(ScriptedRehearsal):
        async def run(self, *, new_wallet=False):
            self.on_report(StageReport(Step.SANDBOX, StageState.RUNNING, "Starting"))
            raise ZeroDivisionError("deep inside")

    ScriptedRehearsal.made = []
    monkeypatch.setattr(rehearsal_module, "Rehearsal", Broken)
    async with stage(tmp_path) as it:
        page = await it.open("rehearsal")
        it.bridge._emit(status_event())
        page.start.click()
        await until(lambda: it.window.messages.messages)
        said = it.window.messages.messages[0].words
        assert "ZeroDivisionError" in said[1] and "Traceback" not in "".join(said)
        assert page.rows[Step.SANDBOX].report.state is StageState.FAILED and page.start.isEnabled()


async def test_reports_do_not_hold_the_loop(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("rehearsal")
        async with watchdog() as seen:
            for number in range(100):
                report = StageReport(Step.INSTALL, StageState.RUNNING, f"file {number}", progress=number / 100)
                page.show_report(report)
                await until(lambda: True)
            page.show_report(StageReport(Step.REGISTER, StageState.CONSENT, "?", plan=PLAN))
            await until(lambda: True)
        assert seen.busy_s < 0.05, f"a report took {seen.busy_s * 1000:.0f} ms"


async def test_a_start_before_the_agent_is_there_waits_for_it(qtbot, tmp_path, monkeypatch):
    ScriptedRehearsal.made = []
    monkeypatch.setattr(rehearsal_module, "Rehearsal", ScriptedRehearsal)
    async with stage(tmp_path) as it:
        page = await it.open("rehearsal")
        page.start.click()
        await settle()
        assert page.rows[Step.SANDBOX].text.text() == "Waiting for the agent" and ScriptedRehearsal.made == []
        it.bridge._emit(status_event())
        await until(lambda: ScriptedRehearsal.made and not page.running)


async def test_no_agent_at_all_is_told_in_the_first_stage(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(rehearsal_page, "agent_known", partial(agent_known, limit_s=0.05))
    async with stage(tmp_path) as it:
        page = await it.open("rehearsal")
        page.start.click()
        await until(lambda: not page.running and page.rows[Step.SANDBOX].report.state is StageState.FAILED)
        assert "The agent does not answer." in texts(page.rows[Step.SANDBOX])


async def test_what_waits_for_a_yes_is_in_sight_and_the_button_at_the_top_leads_to_it(qtbot, tmp_path, monkeypatch):
    ScriptedRehearsal.made = []
    monkeypatch.setattr(rehearsal_module, "Rehearsal", ScriptedRehearsal)
    async with stage(tmp_path) as it:
        it.window.resize(940, 600)
        page = await it.open("rehearsal")
        it.bridge._emit(status_event())
        register = page.rows[Step.REGISTER]
        page.start.click()
        await until(lambda: register.report.state is StageState.FAILED and not page.running)

        def in_sight():
            (yes,) = (b for b in register.findChildren(QPushButton) if b.text() == "Register")
            return page.area.viewport().rect().contains(QRect(yes.mapTo(page.area.viewport(), QPoint()), yes.size()))

        push(register, "Try again from here")
        await until(lambda: register.report.state is StageState.CONSENT)
        await until(lambda: page.area.verticalScrollBar().value() > 0 and in_sight())  # laid out in several rounds
        for _ in range(3):
            page.tick(0.0)
        page.area.verticalScrollBar().setValue(0)
        assert not in_sight() and page.start.text() == "Show what it asks" and page.start.isEnabled()
        page.start.click()
        await until(in_sight)
        assert len(ScriptedRehearsal.made) == 1 and ScriptedRehearsal.made[0].runs == 2, "nothing was begun anew"
        push(register, "Register")
        await until(lambda: not page.running)
        assert page.start.text() == "Run it again"
