"""The one flow of every transaction: plan, limits, password, stages, receipt; with fakes, and once for real."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import msgspec
import pytest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from chain.sandbox_process import SandboxProcess
from gui import samples, samples_money
from ranvier.agent.api.messages import AddReceipt, GetReceipts, Receipts
from ranvier.agent.money.receipt_book import counts
from ranvier.agent.money.receipt_rows import stored
from ranvier.agent.network.link import where
from ranvier.chain import reads
from ranvier.chain.connection import Connection
from ranvier.chain.following import unpacked
from ranvier.chain.model import TxStage
from ranvier.chain.networks import sandbox_network
from ranvier.chain.outcome import Sent
from ranvier.chain.plans import plans
from ranvier.chain.plans.wording import verdict_words
from ranvier.chain.policy import Policy, judge, policy_of
from ranvier.chain.runtime.extrinsics import Mortality
from ranvier.core.errors import ChainError, KeyFileError, RanvierError, StorageError
from ranvier.core.evidence import Level
from ranvier.core.settings import LIMIT_ACTION_TAO, LIMIT_COST_PERCENT, LIMIT_DAY_TAO, RETYPE_ABOVE_TAO
from ranvier.core.units import Tao
from ranvier.keys import mnemonic, wallets
from ranvier.keys.signing import LocalSigner, OneSignature
from ranvier.ui import transacting as module
from ranvier.ui.dialogs.ask import show
from ranvier.ui.dialogs.money.money import self_transfer
from ranvier.ui.dialogs.money.plan import PlanDialog
from ranvier.ui.dialogs.money.receipt import TransactionDialog
from ranvier.ui.dialogs.wallets.offline import OfflineDialog
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog
from ranvier.ui.transacting import Transacting, Wish

COIN = 10**9
PASSWORD = "correct horse battery"
UNLOCK = partial(wallets.unlock_coldkey, _cost=samples.CHEAP)


@pytest.fixture
def house(tmp_path, qloop):
    made = samples.House(tmp_path)
    made.client.answers[GetReceipts] = Receipts(())
    made.bridge.latest = samples.status()
    return made


async def dialog_of(kind):
    """The open dialog of this kind, when it is there."""

    def find():
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]

    await samples.until(find, kind.__name__)
    return find()[0]


def test_limits_come_from_the_settings_and_never_vanish(house):
    settings = house.settings
    assert policy_of(settings) == Policy(None, None, COIN, 50_000)
    settings.set(LIMIT_ACTION_TAO, "2.5")
    settings.set(LIMIT_DAY_TAO, "10")
    settings.set(RETYPE_ABOVE_TAO, "")
    settings.set(LIMIT_COST_PERCENT, "0.5")
    assert policy_of(settings) == Policy(2_500_000_000, 10 * COIN, None, 5_000)
    settings.set(LIMIT_DAY_TAO, "ten")
    with pytest.raises(StorageError, match="Most per day"):
        policy_of(settings)


async def test_plan_dialog_asks_for_the_amount_again_and_refuses_beyond_a_limit(qtbot, house):
    parent = QWidget()
    qtbot.addWidget(parent)
    plan = samples_money.stake_plan()
    dialog = PlanDialog(parent, plan, verdict=judge(Policy(), plan))
    done = asyncio.ensure_future(show(dialog))
    await asyncio.sleep(0)
    assert dialog.again is not None and not dialog.again.text()
    for wrong in ("", "4.999999999", "50"):
        dialog.again.input.setText(wrong)
        dialog.submitted()
        assert dialog.isVisible() and not done.done()
    dialog.again.input.setText("5")
    dialog.submitted()
    assert await done
    refused = PlanDialog(parent, plan, verdict=judge(Policy(per_action_rao=COIN, retype_above_rao=None), plan))
    assert not refused.yes.isEnabled() and refused.again is None
    refused.submitted()
    assert refused.result() == 0
    refused.deleteLater()
    short = replace(plan, lacks="Not enough TAO: 1.000000000 TAO can be spent, 5.000000000 TAO are needed.")
    poor = PlanDialog(parent, short, verdict=judge(Policy(), short))
    said = [one.text() for one in poor.findChildren(QLabel)]
    assert not poor.yes.isEnabled() and short.lacks in poor.yes.toolTip() and poor.again is None
    assert said.count(short.lacks) == 1 and "Your limits are in the settings." not in said
    poor.deleteLater()
    await house.close()


def test_one_signature_wipes_the_key():
    key = LocalSigner.from_mnemonic(samples.ABANDON)
    once = OneSignature(key)
    assert len(once.sign(b"payload")) == 64
    assert key.private_key() == b""
    with pytest.raises(KeyFileError, match="locked"):
        once.sign(b"payload")


async def test_transaction_dialog_shows_stages_then_the_receipt(qtbot, house):
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = TransactionDialog(parent, samples_money.stake_plan())
    assert not dialog.isModal()
    assert [mark.level for mark in dialog.marks] == [Level.BUSY, Level.OFF, Level.OFF]
    dialog.show_stage(TxStage.IN_BLOCK)
    assert [mark.level for mark in dialog.marks] == [Level.GOOD, Level.GOOD, Level.BUSY]
    dialog.show_stage(TxStage.RETRACTED)
    assert dialog.marks[1].level is Level.BUSY and "lost against another" in dialog.words.text()
    dialog.show_receipt(samples_money.receipt())
    assert [mark.level for mark in dialog.marks] == [Level.GOOD] * 3
    shown = "\n".join(str(w.property("text")) for w in dialog.findChildren(QWidget) if w.property("text"))
    assert "It did what it said" in shown and "within your limit" in shown and "98.510657661 TAO" in shown
    assert verdict_words(samples_money.receipt(TxStage.DROPPED))[0] is Level.BAD
    assert verdict_words(samples_money.receipt(TxStage.SUBMITTED))[0] is Level.UNKNOWN
    dialog.deleteLater()
    await house.close()


class Node:
    """A connection that is never used: plans and sending are put in place by the test."""

    genesis_hash = samples.GENESIS


@pytest.fixture
def faked(monkeypatch):
    """Planning and submitting without a chain; what was submitted, with which key."""
    sent = []

    @asynccontextmanager
    async def connected(_context):
        yield Node()

    async def submit(_conn, plan, signer, *, unsigned, on_signed, on_stage, wait, timeout_s):
        payload = b"what is signed"
        late = getattr(signer, "sign_later", None)
        signature = await late(payload) if late else signer.sign(payload)
        await on_signed(Sent(plan, payload, samples_money.receipt().extrinsic_hash, Mortality(7, "0x7")))
        sent.append((plan, signature))
        on_stage(TxStage.SUBMITTED)
        on_stage(TxStage.IN_BLOCK)
        return samples_money.receipt()

    monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr("ranvier.chain.submit.submit", submit)
    return sent


async def plan_of(_connection):
    return samples_money.stake_plan()


async def test_a_wrong_password_keeps_asking_and_a_right_one_sends(qtbot, house, faked):
    parent = QWidget()
    qtbot.addWidget(parent)
    await samples.make_wallets(house.paths.wallets)
    receipts = []
    flow = Transacting(
        house.context, parent, receipts.append, unlock=partial(wallets.unlock_coldkey, _cost=samples.CHEAP)
    )
    flow.begin(Wish(samples.COLDKEY, plan_of))
    flow.begin(Wish(samples.COLDKEY, plan_of))
    assert "under way" in house.said[-1]
    plan = await dialog_of(PlanDialog)
    plan.again.input.setText("5")
    plan.submitted()
    unlock = await dialog_of(UnlockDialog)
    unlock.input.setText("wrong")
    unlock.submitted()
    await samples.until(lambda: not unlock._problem.isHidden(), "the refusal")
    assert not faked and unlock.input.text() == "wrong"
    unlock.input.setText(PASSWORD)
    unlock.submitted()
    await samples.until(lambda: receipts, "the receipt")
    await samples.until(lambda: not flow.busy, "the end")
    assert len(faked) == 1 and len(faked[0][1]) == 64
    assert flow.dialog is not None and flow.dialog.receipt is receipts[0]
    begun, kept = house.client.called(AddReceipt)
    assert begun.receipt.id == kept.receipt.id == receipts[0].extrinsic_hash
    assert (begun.receipt.stage, kept.receipt.stage, kept.receipt.following) == ("submitted", "final", "")
    assert unpacked(begun.receipt.following).plan == faked[0][0]
    assert not house.errors
    await house.close()


class Ends:
    """What a wish is told at its end."""

    def __init__(self):
        self.told = []

    async def __call__(self, receipt):
        self.told.append(receipt)


async def sign_and_send(flow, parent, ended=None):
    flow.begin(Wish(samples.COLDKEY, plan_of, ended=ended))
    plan = await dialog_of(PlanDialog)
    plan.again.input.setText("5")
    plan.submitted()
    unlock = await dialog_of(UnlockDialog)
    unlock.input.setText(PASSWORD)
    unlock.submitted()
    await samples.until(lambda: not flow.busy, "the end")


async def test_what_cannot_be_kept_is_not_sent(qtbot, house, faked):
    """A full disk is found before the money moves, not after."""
    parent = QWidget()
    qtbot.addWidget(parent)
    await samples.make_wallets(house.paths.wallets)
    house.client.answers[AddReceipt] = RanvierError("Ledger not written", "The disk is full.")
    await sign_and_send(Transacting(house.context, parent, unlock=UNLOCK), parent)
    assert not faked
    (error,) = house.errors
    assert error.title == "Not sent" and "The disk is full." in error.message and "Nothing was sent" in error.hint
    await house.close()


async def test_what_the_node_does_not_take_is_kept_as_dropped(qtbot, house, faked, monkeypatch):
    parent = QWidget()
    qtbot.addWidget(parent)
    await samples.make_wallets(house.paths.wallets)

    async def refused(_conn, plan, signer, *, on_signed, **_):
        await on_signed(Sent(plan, b"", "0xbad", Mortality(7, "0x7")))
        raise ChainError("Transaction not accepted", "The account cannot pay the fee.", "Send some TAO to it first.")

    monkeypatch.setattr("ranvier.chain.submit.submit", refused)
    ends = Ends()
    flow = Transacting(house.context, parent, unlock=UNLOCK)
    await sign_and_send(flow, parent, ended=ends)
    assert ends.told == [None], "a step of a plan is free again"
    kept = house.client.called(AddReceipt)[-1].receipt
    assert (kept.id, kept.stage, kept.following) == ("0xbad", "dropped", "")
    assert kept.error == "The account cannot pay the fee." and kept.next_step == "Send some TAO to it first."
    assert not counts(kept) and len(house.errors) == 1
    await house.close()


async def test_a_no_sends_nothing(qtbot, house, faked):
    parent = QWidget()
    qtbot.addWidget(parent)
    await samples.make_wallets(house.paths.wallets)
    flow = Transacting(house.context, parent)
    flow.begin(Wish(samples.COLDKEY, plan_of))
    (await dialog_of(PlanDialog)).reject()
    await samples.until(lambda: not flow.busy, "the end")
    flow.begin(Wish(samples.COLDKEY, plan_of))
    plan = await dialog_of(PlanDialog)
    plan.again.input.setText("5")
    plan.submitted()
    (await dialog_of(UnlockDialog)).reject()
    await samples.until(lambda: not flow.busy, "the end")
    assert not faked and not house.client.called(AddReceipt) and not house.errors
    await house.close()


async def test_a_watch_only_coldkey_signs_elsewhere(qtbot, house, faked):
    parent = QWidget()
    qtbot.addWidget(parent)
    wallets.add_watch_only(house.paths.wallets, "vault", samples.COLDKEY)
    flow = Transacting(house.context, parent)
    flow.begin(Wish(samples.COLDKEY, plan_of))
    plan = await dialog_of(PlanDialog)
    assert plan.yes.text() == "Export for signing"
    plan.again.input.setText("5")
    plan.submitted()
    offline = await dialog_of(OfflineDialog)
    assert offline.payload.data == b"what is signed" and offline.payload.genesis_hash == samples.GENESIS
    offline.answer.setPlainText(LocalSigner.from_mnemonic(samples.ABANDON).sign(b"what is signed").hex())
    offline.submitted()
    await samples.until(lambda: faked, "the sending")
    await samples.until(lambda: not flow.busy, "the end")
    assert not house.errors
    await house.close()


async def test_a_limit_of_the_day_counts_what_was_signed_today(qtbot, house, faked):
    parent = QWidget()
    qtbot.addWidget(parent)
    house.settings.set(LIMIT_DAY_TAO, "8")
    house.client.answers[GetReceipts] = Receipts((stored(samples_money.receipt(), 1),))
    flow = Transacting(house.context, parent)
    flow.begin(Wish(samples.COLDKEY, plan_of))
    plan = await dialog_of(PlanDialog)
    assert not plan.yes.isEnabled()
    plan.reject()
    house.client.answers[GetReceipts] = RanvierError("Ledger closed", "It is not open.")
    await samples.until(lambda: not flow.busy, "the end")
    flow.begin(Wish(samples.COLDKEY, plan_of))
    await samples.until(lambda: house.errors, "the error: a limit is not guessed")
    assert not faked
    await house.close()


def test_where_the_network_is(house):
    view = samples.chain_view()
    network, own = where(view)
    assert network.endpoints == (view.endpoint,) and network.genesis == samples.GENESIS and own == ()
    network, own = where(samples.chain_view("finney"))
    assert network.genesis != samples.GENESIS and own == ("wss://finney.example:443",)
    with pytest.raises(RanvierError, match="No network"):
        where(None)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("flow") / "node", "--block-time", "0.2", "--tempo", "20")
    process.start()
    yield process
    process.stop()


async def test_the_whole_flow_on_a_real_sandbox(qtbot, house, sandbox):
    """Register, stake, unstake and send with a practice wallet; each receipt agrees with the chain to the rao."""
    parent = QWidget()
    qtbot.addWidget(parent)
    folder = house.paths.practice_wallets
    made = await wallets.create_wallet(
        folder, "practice", mnemonic.generate(), PASSWORD, "default", mnemonic.generate(), _cost=samples.CHEAP
    )
    coldkey, hotkey = made.coldkey_ss58, made.hotkeys[0].ss58
    status = samples.status()
    chain = msgspec.structs.replace(status.chain, endpoint=sandbox.endpoint, genesis_hash=sandbox.genesis)
    house.bridge.latest = msgspec.structs.replace(status, chain=chain)
    house.settings.set(RETYPE_ABOVE_TAO, "")
    connection = Connection(sandbox_network(sandbox.endpoint, sandbox.genesis))
    await connection.open()
    receipts = []
    flow = Transacting(
        house.context, parent, receipts.append, unlock=partial(wallets.unlock_coldkey, _cost=samples.CHEAP)
    )

    async def free() -> int:
        return (await reads.balances(connection, [coldkey], await connection.head()))[0].free_rao

    async def signed(wish):
        before = len(receipts)
        flow.begin(wish)
        plan = await dialog_of(PlanDialog)
        plan.submitted()
        unlock = await dialog_of(UnlockDialog)
        assert "The rehearsal shows the practice wallet's password" in " ".join(
            one.text() for one in unlock.findChildren(QLabel)
        )
        unlock.input.setText(PASSWORD)
        unlock.submitted()
        await samples.until(lambda: len(receipts) > before and not flow.busy, "the receipt", limit_s=20)
        assert not house.errors
        return receipts[-1]

    try:
        await connection.rpc("sandbox_fund", [coldkey, 50 * COIN])
        for _ in range(100):
            if await free() == 50 * COIN:
                break
            await asyncio.sleep(0.05)
        await signed(Wish(coldkey, lambda c: plans.plan_register(c, coldkey, hotkey, 1)))
        before = await free()
        receipt = await signed(Wish(coldkey, lambda c: plans.plan_add_stake(c, coldkey, hotkey, 1, Tao(3 * COIN))))
        assert receipt.stage is TxStage.FINAL and receipt.as_planned is not False and receipt.error is None
        assert (receipt.balance_before_rao, receipt.fee_rao) == (before, receipt.plan.fee_rao)
        assert await free() == receipt.balance_after_rao == before - 3 * COIN - receipt.fee_rao
        assert flow.dialog is not None and all(mark.level is Level.GOOD for mark in flow.dialog.marks)
        before = await free()
        own = await signed(self_transfer(coldkey))
        assert await free() == before - (own.fee_rao or 0)
        assert [call.receipt.kept for call in house.client.called(AddReceipt)].count("no") == 0
    finally:
        await connection.close()
        await house.close()
