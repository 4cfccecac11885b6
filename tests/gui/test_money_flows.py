"""Every way of moving stake, through its form, on a real sandbox: what the receipt says is what the chain did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import msgspec
import pytest
from PySide6.QtWidgets import QApplication, QWidget

from chain.sandbox_process import SandboxProcess
from gui import samples
from ranvier.agent.api.ladder_messages import Ladder
from ranvier.agent.api.market_messages import GetHoldings, Holdings
from ranvier.agent.api.messages import AddReceipt, GetReceipts, Receipts
from ranvier.chain import pools, portfolio
from ranvier.chain.connection import Connection
from ranvier.chain.model import TxStage
from ranvier.chain.networks import sandbox_network
from ranvier.core.settings import LIMIT_DAY_TAO, RETYPE_ABOVE_TAO
from ranvier.keys import mnemonic, wallets
from ranvier.ui.dialogs.money import money_forms as forms
from ranvier.ui.dialogs.money import money_forms_miner as miner_forms
from ranvier.ui.dialogs.money import money_preview
from ranvier.ui.dialogs.money.money_forms_ladder import step_wish
from ranvier.ui.dialogs.money.plan import PlanDialog
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog
from ranvier.ui.money_desk import MoneyDesk
from ranvier.ui.transacting import Transacting

pytestmark = pytest.mark.limit_s(120)  # up to eight transactions, each over several blocks
COIN = 10**9
PASSWORD = "correct horse battery"
UNLOCK = partial(wallets.unlock_coldkey, _cost=samples.CHEAP)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> Iterator[SandboxProcess]:
    folder = tmp_path_factory.mktemp("flows") / "node"
    process = SandboxProcess(folder, "--block-time", "0.1", "--tempo", "50", "--subnets", "2", "--no-life")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def house(tmp_path, qloop, monkeypatch):
    monkeypatch.setattr(money_preview, "_SETTLE_S", 0.02)
    made = samples.House(tmp_path)
    made.client.answers[GetReceipts] = Receipts(())
    made.settings.set(RETYPE_ABOVE_TAO, "")
    return made


class People:
    """A practice wallet with two hotkeys, another coldkey, a desk, and the chain itself to hold receipts against."""

    def __init__(self, house, sandbox) -> None:
        self.house, self.sandbox = house, sandbox
        status = samples.status()
        chain = msgspec.structs.replace(status.chain, endpoint=sandbox.endpoint, genesis_hash=sandbox.genesis)
        house.bridge.latest = msgspec.structs.replace(status, chain=chain)
        self.connection = Connection(sandbox_network(sandbox.endpoint, sandbox.genesis))
        self.parent = QWidget()
        self.receipts = []
        self.desk = MoneyDesk(house.context, self.parent, self.receipts.append)
        self.desk.transacting = Transacting(house.context, self.parent, self.receipts.append, unlock=UNLOCK)

    async def open(self) -> None:
        await self.connection.open()
        folder = self.house.paths.practice_wallets
        one = await wallets.create_wallet(
            folder, "one", mnemonic.generate(), PASSWORD, "default", mnemonic.generate(), _cost=samples.CHEAP
        )
        self.second = wallets.add_hotkey(one.path, "second", mnemonic.generate())
        other = await wallets.create_wallet(
            folder, "other", mnemonic.generate(), PASSWORD, "default", mnemonic.generate(), _cost=samples.CHEAP
        )
        self.coldkey, self.hotkey, self.other = one.coldkey_ss58, one.hotkeys[0].ss58, other.coldkey_ss58
        await self.connection.rpc("sandbox_fund", [self.coldkey, 500 * COIN])
        while not (await self.held()).portfolio.accounts[0].spendable_rao:  # noqa: ASYNC110  # the faucet pays in a block
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self.connection.close()
        await self.house.close()
        self.parent.deleteLater()

    async def held(self, coldkey=None) -> Holdings:
        at = await self.connection.head()
        whole = await portfolio.portfolio(self.connection, [coldkey or self.coldkey], at)
        names = {one.netuid: one.name for one in await pools.subnets(self.connection, at)}
        return Holdings(whole, names, (), 0.15)

    async def alpha(self, hotkey, netuid, coldkey=None) -> int:
        whole = (await self.held(coldkey)).portfolio
        return sum(one.alpha_rao for one in whole.holdings if (one.hotkey_ss58, one.netuid) == (hotkey, netuid))

    async def form(self, form, answers):
        """The form, filled in, when its preview has the chain's answer."""
        self.house.client.answers[GetHoldings] = await self.held()
        self.desk.begin(form, answers)
        await samples.until(lambda: self.desk.dialog is not None and self.desk.dialog.isVisible(), "the form")
        dialog = self.desk.dialog
        await samples.until(lambda: dialog.preview.plan is not None, "the preview", limit_s=15)
        return dialog

    async def signed(self):
        """Agree to the plan, unlock, and wait for the receipt."""
        before = len(self.receipts)
        plan = await shown(self, PlanDialog)
        plan.submitted()
        unlock = await shown(self, UnlockDialog)
        unlock.input.setText(PASSWORD)
        unlock.submitted()
        busy = self.desk.transacting
        await samples.until(lambda: len(self.receipts) > before and not busy.busy, "the receipt", limit_s=20)
        assert not self.house.errors, self.house.errors
        receipt = self.receipts[-1]
        assert receipt.stage is TxStage.FINAL and receipt.error is None, receipt.error
        assert receipt.as_planned is not False and receipt.findings, receipt.findings
        return receipt

    async def do(self, form, answers):
        dialog = await self.form(form, answers)
        dialog.submitted()
        return await self.signed()


async def shown(people, kind):
    """The open dialog of this kind, when it is there; what went wrong instead is said."""

    def find():
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]

    house = people.house
    await samples.until(lambda: find() or house.errors, f"{kind.__name__}; said: {house.said}", limit_s=20)
    assert not house.errors, house.errors
    return find()[0]


async def test_move_swap_give_and_unstake_all_do_what_their_plans_say(house, sandbox):
    people = People(house, sandbox)
    await people.open()
    try:
        own = people.coldkey
        receipt = await people.do(miner_forms.REGISTER, {"netuid": 1, "coldkey": own, "hotkey": people.hotkey})
        assert receipt.plan.function in ("register_limit", "burned_register") and receipt.as_planned
        second = {"netuid": 2, "coldkey": own, "hotkey": people.second.ss58}
        await people.do(miner_forms.REGISTER, second)
        stake = {"coldkey": own, "netuid": 1, "hotkey": people.hotkey, "amount": 60 * COIN}
        receipt = await people.do(forms.STAKE, stake)
        assert receipt.as_planned and receipt.plan.limit_price_rao is not None
        place = (own, people.hotkey, 1)
        start = await people.alpha(people.hotkey, 1)

        # To another hotkey of the same subnet: as it is.
        receipt = await people.do(
            forms.MOVE, {"position": place, "hotkey": people.second.ss58, "netuid": 1, "amount": 10 * COIN}
        )
        assert receipt.as_planned
        assert abs(await people.alpha(people.second.ss58, 1) - 10 * COIN) <= 2
        assert abs(await people.alpha(people.hotkey, 1) - (start - 10 * COIN)) <= 2

        # To another subnet: a sale and a purchase, within the limit.
        before = await people.alpha(people.hotkey, 2)
        receipt = await people.do(forms.SWAP, {"position": place, "netuid": 2, "amount": 20 * COIN})
        assert receipt.plan.function == "swap_stake_limit" and receipt.plan.limit_price_rao
        assert any("sells and re-buys" in warning for warning in receipt.plan.warnings)
        got = await people.alpha(people.hotkey, 2) - before
        expected = next(one for one in receipt.plan.effects if one.netuid == 2)
        assert expected.at_least_rao <= got

        # To somebody else.
        receipt = await people.do(forms.GIVE, {"position": place, "to": people.other, "netuid": 1, "amount": 5 * COIN})
        assert receipt.as_planned and abs(await people.alpha(people.hotkey, 1, people.other) - 5 * COIN) <= 2

        # Everything of one hotkey, on both subnets.
        free = (await people.held()).portfolio.free_rao
        receipt = await people.do(forms.UNSTAKE_ALL, {"position": place})
        assert await people.alpha(people.hotkey, 1) == 0 == await people.alpha(people.hotkey, 2)
        assert (await people.held()).portfolio.free_rao > free + receipt.plan.value_rao * 99 // 100
        told = [call.receipt for call in house.client.called(AddReceipt)]
        kept = {one.id: one.kept for one in told}  # each is written down before it is sent, and again at its end
        assert len(told) == 2 * len(kept) == 14 and set(kept.values()) <= {"yes", "unknown"}
    finally:
        await people.close()


async def test_parts_are_signed_together_and_a_day_limit_holds_in_the_preview(house, sandbox):
    people = People(house, sandbox)
    await people.open()
    try:
        own = people.coldkey
        await people.do(miner_forms.REGISTER, {"netuid": 1, "coldkey": own, "hotkey": people.hotkey})
        for amount in (3, 4):
            dialog = await people.form(
                forms.STAKE, {"coldkey": own, "netuid": 1, "hotkey": people.hotkey, "amount": amount * COIN}
            )
            dialog.later.click()
            await samples.until(lambda n=amount: len(people.desk.basket) == n - 2, "the basket")
        people.desk.begin_batch()
        await samples.until(lambda: people.desk.dialog is not None, "the form")
        dialog = people.desk.dialog
        await samples.until(lambda: dialog.preview.plan is not None, "the preview", limit_s=15)
        assert dialog.preview.plan.spend_rao == 7 * COIN and "Part 2" in dict(dialog.preview.plan.lines)
        dialog.submitted()
        receipt = await people.signed()
        assert (receipt.plan.pallet, receipt.plan.function) == ("Utility", "batch_all")
        assert receipt.balance_before_rao - receipt.balance_after_rao == 7 * COIN + receipt.fee_rao
        assert people.desk.basket == []
        house.settings.set(LIMIT_DAY_TAO, "5")
        stake = {"coldkey": own, "netuid": 1, "hotkey": people.hotkey, "amount": COIN}
        dialog = await people.form(forms.STAKE, stake)
        said = "\n".join(str(w.property("text")) for w in dialog.preview.findChildren(QWidget) if w.property("text"))
        assert "limit for today" in said
        dialog.reject()
        await samples.until(lambda: people.desk.dialog is None, "the end")
    finally:
        await people.close()


async def by_its_hotkey(people, form, answers):
    """The receipt of what a hotkey signs: no password is asked for."""
    before = len(people.receipts)
    (await people.form(form, {"hotkey": people.hotkey, "netuid": 1, **answers})).submitted()
    (await shown(people, PlanDialog)).submitted()
    await samples.until(lambda: len(people.receipts) > before, "the receipt", limit_s=20)
    await samples.until(lambda: not people.desk.transacting.busy, "the end")
    receipt = people.receipts[-1]
    assert receipt.plan.signer_ss58 == people.hotkey and receipt.error is None and receipt.as_planned
    return receipt


async def test_commitment_and_axon_are_signed_by_the_hotkey_itself(house, sandbox):
    people = People(house, sandbox)
    await people.open()
    try:
        await people.do(miner_forms.REGISTER, {"netuid": 1, "coldkey": people.coldkey, "hotkey": people.hotkey})
        await by_its_hotkey(people, miner_forms.COMMITMENT, {"text": "https://example.org"})
        at = await people.connection.head()
        (stored,) = await people.connection.read([("Commitments", "CommitmentOf", [1, people.hotkey])], at)
        assert b"https://example.org".hex() in str(stored) or "https://example.org" in str(stored)
        served = await by_its_hotkey(people, miner_forms.SERVE_AXON, {"ip": "198.51.100.7", "port": 8091})
        assert served.findings == ("The chain says: The chain tells validators to ask 198.51.100.7 port 8091.",)
        assert not house.errors
    finally:
        await people.close()
        await asyncio.sleep(0)


async def test_where_pay_lands_a_step_and_a_new_hotkey_by_their_forms(house, sandbox):
    people = People(house, sandbox)
    await people.open()
    try:
        own, hotkey = people.coldkey, people.hotkey
        for one in (hotkey, people.second.ss58):
            await people.do(miner_forms.REGISTER, {"netuid": 1, "coldkey": own, "hotkey": one})
        receipt = await people.do(miner_forms.AUTO_STAKE, {"coldkey": own, "netuid": 1, "hotkey": people.second.ss58})
        at = await people.connection.head()
        (target,) = await people.connection.read([("SubtensorModule", "AutoStakeDestination", [own, 1])], at)
        assert receipt.as_planned and target == people.second.ss58
        assert "The chain says: The pay of your miners on subnet 1 lands on" in receipt.findings[0]

        # One step of a plan, as the Stake page signs it.
        kept = Ladder("x", sandbox.genesis, True, own, hotkey, 1, 7 * COIN, 2, 60.0, 5_000, 0.0)
        told = []

        async def sending():
            told.append("sending")

        async def ended(one):
            told.append(one)

        people.desk.sign(replace(step_wish(kept), sending=sending, ended=ended))
        receipt = await people.signed()
        assert receipt.as_planned and receipt.plan.spend_rao == kept.amount_rao() == 3_500_000_000
        assert told == ["sending", receipt]

        fresh = wallets.add_hotkey(house.paths.practice_wallets / "one", "third", mnemonic.generate())
        held = await people.alpha(hotkey, 1)
        receipt = await people.do(
            miner_forms.SWAP_HOTKEY, {"coldkey": own, "hotkey": hotkey, "new": fresh.ss58, "netuid": 1}
        )
        assert await people.alpha(hotkey, 1) == 0 and abs(await people.alpha(fresh.ss58, 1) - held) <= 2
        assert not any("new to the chain" in warning for warning in receipt.plan.warnings), "a practice key"
    finally:
        await people.close()


async def test_collateral_takes_free_stake_first_and_buys_the_rest(house, sandbox):
    people = People(house, sandbox)
    await people.open()
    try:
        if not people.connection.has_call("SubtensorModule", "add_collateral"):
            pytest.skip("the sandbox of this version has no collateral")
        own, hotkey = people.coldkey, people.hotkey
        await people.do(miner_forms.REGISTER, {"netuid": 1, "coldkey": own, "hotkey": hotkey})
        await people.do(forms.STAKE, {"coldkey": own, "netuid": 1, "hotkey": hotkey, "amount": 2 * COIN})
        place, held = (own, hotkey, 1), await people.alpha(hotkey, 1)
        receipt = await people.do(miner_forms.ADD_COLLATERAL, {"position": place, "amount": held // 2})
        assert receipt.plan.spend_rao == 0 and receipt.as_planned
        receipt = await people.do(miner_forms.ADD_COLLATERAL, {"position": place, "amount": held})
        spent = receipt.balance_before_rao - receipt.balance_after_rao - receipt.fee_rao
        assert 0 < spent <= receipt.plan.spend_rao and "Bought for it" in dict(receipt.plan.lines)
        receipt = await people.do(miner_forms.COLLATERAL_FLOOR, {"position": place, "amount": COIN})
        (holding,) = (await people.held()).portfolio.holdings
        assert holding.collateral.min_locked_rao == COIN
        # What is bought is paid for at the price before: slippage and fee come off it.
        assert held < holding.collateral.locked_rao <= held // 2 + held + 4
    finally:
        await people.close()
