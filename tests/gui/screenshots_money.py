"""The pictures of money: forms, plans above and beyond a limit, a transaction on its way and its receipts."""

from __future__ import annotations

from typing import Any

from gui import samples, samples_money
from ranvier.chain.model import TxStage
from ranvier.chain.policy import Policy, judge
from ranvier.ui.dialogs.money import AddStakeDialog, RemoveStakeDialog, TransferDialog
from ranvier.ui.dialogs.plan import PlanDialog
from ranvier.ui.dialogs.receipt import TransactionDialog


async def shoot_money(studio: Any) -> None:
    """Each dialog in its interesting moments."""
    page = await studio.page("stake")
    whole = samples_money.holdings().portfolio
    add = AddStakeDialog(page, whole.accounts, page._places())
    add.amount.input.setText("5")
    await studio.dialog(add, "add-stake")
    remove = RemoveStakeDialog(page, whole.holdings[3], "blockmachine", whole.pools[19])
    remove.all.click()
    await studio.dialog(remove, "remove-stake")
    send = TransferDialog(page, whole.accounts)
    send.address.input.setText(samples.BOB)
    send.amount.input.setText("200")
    await studio.dialog(send, "send")
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
