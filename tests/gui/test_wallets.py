"""The Wallets page over real folders: forms told apart, problems in a sentence, changes seen, balances when known."""

from __future__ import annotations

import asyncio
import datetime
import os
import threading
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from PySide6.QtGui import QGuiApplication

from gui import samples
from ranvier.agent.api.messages import GetPortfolio, WatchColdkeys
from ranvier.chain import reads
from ranvier.chain.model import Balance
from ranvier.chain.networks import sandbox_network
from ranvier.core.errors import AgentError
from ranvier.core.evidence import Level
from ranvier.core.settings import NETWORK
from ranvier.keys import custody_facts, wallets
from ranvier.keys.custody import Fix
from ranvier.keys.listing import list_wallets
from ranvier.ui.dialogs.wallets.watch_only import WatchOnlyDialog
from ranvier.ui.models.wallets import Listed, form_text, wallet_level
from ranvier.ui.pages import wallet_actions
from ranvier.ui.pages.wallet_detail import Address
from ranvier.ui.pages.wallets import WalletsPage
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.wallet_groups import Group, WalletGroups


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


async def opened(qtbot, house, count):
    page = WalletsPage(house.context)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    page.shown()
    await samples.until(lambda: len(page.groups.rows) == count and page.subtitle.text(), "wallets")
    return page


class Faucet:
    """A sandbox whose faucet pays with the second block, as far as Wallets asks it."""

    def __init__(self, network):
        self.network, self.asked, self.blocks = sandbox_network("ws://127.0.0.1:1", None), [], 0
        self.network = replace(self.network, name=network)

    async def head(self):
        self.blocks += 1
        return self.blocks

    async def rpc(self, method, parameters):
        self.asked.append((method, parameters))

    async def balances(self, _connection, addresses, head):
        free = 100 * 10**9 if head > 2 else 0
        return [Balance(address, free, 0, free) for address in addresses]


@pytest.mark.parametrize("network", ["sandbox", "finney"])
async def test_play_money_is_the_sandboxs_alone(qtbot, house, monkeypatch, network):
    faucet = Faucet(network)

    @asynccontextmanager
    async def connected(_context):
        yield faucet

    monkeypatch.setattr(wallet_actions, "connected", connected)
    monkeypatch.setattr(reads, "balances", faucet.balances)
    await samples.make_wallets(house.paths.wallets)
    house.settings.set(NETWORK, "sandbox")
    page = await opened(qtbot, house, 3)
    assert page.detail.fund_button.isVisible() and page.detail.money.title.text() == "Play money"
    page.detail.fund_button.click()
    assert not page.detail.fund_button.isEnabled() and "next block" in page.detail.fund_button.toolTip()
    await samples.until(page.detail.fund_button.isEnabled, "the money")
    if network == "sandbox":
        assert faucet.asked == [("sandbox_fund", [samples.COLDKEY, 100 * 10**9])]
        assert any("100 TAO of play money" in text for text in house.said)
        assert house.client.called(WatchColdkeys) == [WatchColdkeys((samples.COLDKEY,), beside=True)]
    else:
        assert faucet.asked == [], "the network was changed meanwhile"
    house.settings.set(NETWORK, "finney")
    await page.refresh()
    assert not page.detail.fund_button.isVisible() and page.detail.money.title.text() == "Balance"
    page.hidden()
    await house.close()


async def test_forms_are_told_apart(qtbot, house):
    await samples.make_wallets(house.paths.wallets)
    page = await opened(qtbot, house, 3)
    forms = {w.name: (form_text(w), wallet_level(w)) for w in page.wallets()}
    assert forms == {
        "miner": ("Encrypted", Level.GOOD),
        "old-rig": ("Unreadable", Level.BAD),
        "vault": ("Watch-only", Level.GOOD),
    }
    assert str(house.paths.wallets) in page.subtitle.text() and "--home" in page.subtitle.text()
    assert page.groups.current().wallet.name == "miner"
    page.hidden()
    await house.close()


async def test_detail_has_whole_addresses_and_copies_them(qtbot, house):
    await samples.make_wallets(house.paths.wallets)
    page = await opened(qtbot, house, 3)
    addresses = {address.ss58 for address in page.detail.findChildren(Address) if address.isVisibleTo(page.detail)}
    assert {samples.COLDKEY, samples.HOTKEY} <= addresses and len(addresses) == 3
    cold = next(a for a in page.detail.findChildren(Address) if a.ss58 == samples.COLDKEY)
    cold.copy.click()
    assert QGuiApplication.clipboard().text() == samples.COLDKEY
    page.hidden()
    await house.close()


async def test_balance_of_a_watched_coldkey_and_watching_another(qtbot, house):
    await samples.make_wallets(house.paths.wallets)
    page = await opened(qtbot, house, 3)
    await samples.until(lambda: page.detail.balance.value.text() == "103.512004871 TAO", "the balance")
    assert page.detail.spendable.value.text() == "103.511504871 TAO"
    assert "reserved" not in page.detail.money_note.text()
    page.detail.show_balance(Balance(samples.COLDKEY, 2 * 10**9, 93_000_000, 10**9), 5, "", asked=True)
    assert "0.093000000 TAO more is reserved" in page.detail.money_note.text()
    wallets.add_watch_only(house.paths.wallets, "new", samples.CHARLIE)
    await page.refresh()
    assert page.groups.current().wallet.name == "miner", "what was selected stays selected"
    page.groups.select(house.paths.wallets / "new")
    assert page.detail.balance.value.text() == "unknown"
    assert page.detail.watch_button.isVisibleTo(page.detail)
    page.detail.watch_button.click()
    await samples.until(lambda: house.client.called(WatchColdkeys), "the command")
    assert house.client.called(WatchColdkeys) == [WatchColdkeys((samples.CHARLIE,), beside=True)]
    page.hidden()
    await house.close()


async def test_balance_is_unknown_without_an_agent_and_says_why(qtbot, house):
    await samples.make_wallets(house.paths.wallets)
    house.client.answers[GetPortfolio] = AgentError("No agent", "The agent is not running.")
    page = await opened(qtbot, house, 3)
    await samples.until(lambda: page.detail.money_note.text() == "The agent is not running.", "the reason")
    assert page.detail.balance.value.text() == "unknown"
    assert not page.detail.watch_button.isVisibleTo(page.detail)
    page.hidden()
    await house.close()


async def test_an_empty_folder_offers_the_first_step(qtbot, house):
    page = await opened(qtbot, house, 0)
    assert page.stack.currentIndex() == 0 and page.empty.title.text() == "No wallet yet"
    assert not house.paths.wallets.exists(), "looking makes nothing"
    page.hidden()
    await house.close()


async def test_an_unreadable_folder_is_a_sentence(qtbot, house):
    house.paths.wallets.parent.mkdir(parents=True, exist_ok=True)
    house.paths.wallets.write_text("not a folder")
    page = WalletsPage(house.context)
    qtbot.addWidget(page)
    page.shown()
    await samples.until(lambda: "unreadable" in page.empty.title.text(), "the sentence")
    assert not house.errors
    page.hidden()
    await house.close()


async def test_a_new_wallet_is_selected_and_told(qtbot, house):
    await samples.make_wallets(house.paths.wallets)
    page = await opened(qtbot, house, 3)
    page.watch_button.click()
    await samples.until(lambda: page.findChildren(WatchOnlyDialog), "the dialog")
    dialog = page.findChildren(WatchOnlyDialog)[0]
    assert dialog.name.problem() and dialog.isVisible()
    dialog.address.input.setText(samples.CHARLIE)
    dialog.name.input.setText("another")
    dialog.submitted()
    await samples.until(lambda: house.said, "the note")
    await samples.until(lambda: page.groups.current() and page.groups.current().wallet.name == "another", "selection")
    assert "another" in house.said[0] and not house.errors
    await samples.until(lambda: house.client.called(WatchColdkeys), "it was added to be watched")
    assert house.client.called(WatchColdkeys) == [WatchColdkeys((samples.CHARLIE,), beside=True)]
    page.hidden()
    await house.close()


async def test_nothing_is_polled_while_hidden(qtbot, house):
    page = await opened(qtbot, house, 0)
    page.hidden()
    assert not page._folder_polling.running and not page._balance_polling.running
    await house.close()


async def test_a_verified_wallet_is_listed_whole_in_the_window_as_it_opens(qtbot, house):
    await samples.make_wallets(house.paths.wallets)
    groups = WalletGroups()
    qtbot.addWidget(groups)
    groups.resize(446, 500)  # what the first window leaves it
    groups.show()
    day = datetime.date(2026, 11, 23)
    rows = tuple(Listed(wallet, verified_on=day) for wallet in list_wallets(house.paths.wallets))
    groups.show_groups([Group(house.paths.wallets, "Wallets", rows)])
    table = groups.findChild(Table)
    assert table.horizontalHeader().length() <= table.viewport().width() and table.left_out == ()
    groups.resize(330, 500)
    await samples.until(lambda: table.left_out == ("Coldkey",), "the address is the first that can be spared")
    await house.close()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
async def test_a_custody_check_from_before_a_repair_is_not_shown_after_it(qtbot, house, monkeypatch):
    await samples.make_wallets(house.paths.wallets)
    coldkey = house.paths.wallets / "miner" / "coldkey"
    coldkey.chmod(0o644)
    page = await opened(qtbot, house, 3)
    await samples.until(lambda: page.custody.findings is not None, "the first check")
    page.hidden()
    read, let_go = threading.Event(), threading.Event()
    gather = custody_facts.gather

    def late(*arguments, **options):
        """The first one has read the files, and hands over what it read when it is let go."""
        facts = gather(*arguments, **options)
        if not read.is_set():
            read.set()
            assert let_go.wait(20)
        return facts

    monkeypatch.setattr(custody_facts, "gather", late)
    first = house.tasks.start(page.check_custody(), "first")
    await samples.until(read.is_set, "the first check has read")
    coldkey.chmod(0o600)
    second = house.tasks.start(page.changed(), "second")
    await asyncio.wait([second], timeout=0.3)  # as far as it can get while the first is under way
    let_go.set()
    await asyncio.gather(first, second)
    assert not [finding for finding in page.custody.findings if finding.fix is Fix.MAKE_PRIVATE]
    await house.close()
