"""Enter on a plan: alone it never spends; after the amount was typed again it means yes."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QWidget

from gui import samples, samples_money
from ranvier.chain.policy import Policy, judge
from ranvier.ui.dialogs.money.plan import PlanDialog


async def opened(qtbot, dialog_of) -> tuple[PlanDialog, list[int]]:
    page = QWidget()
    qtbot.addWidget(page)
    page.show()
    dialog, ended = dialog_of(page), []
    dialog.page = page  # nobody else holds it
    dialog.finished.connect(ended.append)
    dialog.open()
    await asyncio.sleep(0.05)
    return dialog, ended


async def test_enter_alone_never_spends(qtbot) -> None:
    dialog, ended = await opened(qtbot, lambda page: PlanDialog(page, samples.plan()))
    QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Return)
    assert ended == [QDialog.DialogCode.Rejected]


async def test_enter_after_the_amount_means_yes_and_is_refused_before(qtbot) -> None:
    plan = samples_money.stake_plan("finney")
    verdict = judge(Policy(), plan)
    dialog, ended = await opened(qtbot, lambda page: PlanDialog(page, plan, verdict=verdict))
    assert dialog.again is not None and dialog.again.input.hasFocus()
    for wrong in ("", "4.9"):
        dialog.again.input.setText(wrong)
        QTest.keyClick(dialog.again.input, Qt.Key.Key_Return)
        assert ended == [] and dialog.isVisible()
    dialog.again.input.setText("5")
    QTest.keyClick(dialog.again.input, Qt.Key.Key_Return)
    assert ended == [QDialog.DialogCode.Accepted]
