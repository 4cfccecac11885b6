"""The pictures of money: forms, plans above and beyond a limit, a transaction on its way and its receipts."""

from __future__ import annotations

import asyncio
from typing import Any

from gui import samples, samples_forms, samples_money
from ranvier.agent.api.ladder_messages import GetLadders, Ladders
from ranvier.agent.api.messages import GetReceipts, Receipts
from ranvier.chain.model import Plan, TxStage
from ranvier.chain.policy import Policy, judge
from ranvier.ui.dialogs.money import money_forms as forms
from ranvier.ui.dialogs.money.money import FormDialog
from ranvier.ui.dialogs.money.money_preview import Preview
from ranvier.ui.dialogs.money.plan import PlanDialog
from ranvier.ui.dialogs.money.receipt import TransactionDialog
from ranvier.ui.dialogs.money.transactions import TransactionsDialog
from ranvier.ui.transacting import Wish


async def shoot_money(studio: Any) -> None:
    """Each dialog in its interesting moments."""
    page = await studio.page("stake")
    studio.house.client.answers[GetLadders] = Ladders(samples_forms.ladders())
    page.read_again()
    await samples.until(lambda: not page.ladders.isHidden(), "the plans in steps")
    await asyncio.sleep(0.2)
    studio.shoot(studio.window, "stake-steps")
    await shoot_forms(studio, page)
    plan = samples_money.stake_plan("finney")
    await studio.dialog(PlanDialog(page, plan, verdict=judge(Policy(), plan)), "plan-again")
    strict = Policy(per_action_rao=10**9, most_cost_ppm=500)
    await studio.dialog(PlanDialog(page, plan, verdict=judge(strict, plan)), "plan-refused")
    for name, receipt in (
        ("sending", None),
        ("receipt", samples_money.receipt()),
        ("receipt-failed", samples_money.receipt(TxStage.FAILED, error="The price moved beyond your limit.")),
    ):
        dialog = TransactionDialog(page, samples_money.stake_plan())
        dialog.show_stage(TxStage.IN_BLOCK)
        if receipt is not None:
            dialog.show_receipt(receipt)
        await studio.dialog(dialog, name)
        dialog.close()
    await shoot_transactions(studio, page)


async def shoot_transactions(studio: Any, page: Any) -> None:
    """The list of what was signed, one of it chosen."""
    studio.house.client.answers[GetReceipts] = Receipts(samples_money.stored_receipts())
    dialog = TransactionsDialog(page, studio.house.context)
    dialog.show()
    await samples.until(lambda: dialog.model.rows, "the transactions")
    dialog.table.selectRow(0)
    await studio.dialog(dialog, "transactions")
    dialog.close()


async def shoot_forms(studio: Any, page: Any) -> None:
    """Every form, filled in as far as its picture says."""
    aside = ("Unstake 40.000000000 α1 from practice", "Stake 5.000000000 TAO on targon")
    together = forms.batch([(words, Wish(samples.COLDKEY, _never)) for words in aside])
    batch: samples_forms.Shot = ("batch", together, {}, samples_forms.form_plan("batch"))
    for name, form, answers, plan in (*samples_forms.shots(), batch):
        preview = Preview(studio.house.context, page.desk.transacting.verdict)
        dialog = FormDialog(page, form, samples_forms.ground(), preview, answers)
        preview.stop()
        if plan is not None:
            preview.show_plan(plan, judge(Policy(), plan))
        await studio.dialog(dialog, name)
        dialog.close()


async def _never(_connection: Any) -> Plan:
    raise AssertionError("nothing is planned for a picture")
