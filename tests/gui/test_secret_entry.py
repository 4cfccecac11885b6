"""One field for every form of a key: each recognised and named, its address known before anything is written."""

from __future__ import annotations

import asyncio
import functools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui import samples
from ranvier.keys import files, mnemonic, storing, wallets
from ranvier.keys.listing import KeyForm
from ranvier.keys.signing import ED25519, LocalSigner
from ranvier.ui.dialogs.wallets.import_wallet import AddHotkeyDialog, ImportWalletDialog
from ranvier.ui.widgets.secret_entry import HINT, SecretEntry, recognise, recognise_file

PASSWORD = "correct horse battery"
SEED = "0x" + mnemonic.mini_secret(samples.ABANDON).hex()
# An export of ABANDON without a password, as old versions of polkadot.js wrote them.
SIGNER = LocalSigner.from_mnemonic(samples.ABANDON)


def test_each_form_is_named_with_its_address():
    private = SIGNER.private_key().hex()
    for text, kind in (
        (samples.ABANDON, "Recovery phrase"),
        (f"  {samples.ABANDON.upper()}\n", "Recovery phrase"),
        (SEED, "Hex seed"),
        (SEED.removeprefix("0x"), "Hex seed"),
        (f"0x{private}", "Private key"),
        (files.secret_json(files.SecretPart.from_mnemonic(samples.ABANDON)).decode(), "Key file"),
    ):
        found = recognise(text)
        assert (found.kind, found.ss58, found.usable) == (kind, samples.COLDKEY, True), kind
        assert not found.address_only
    watched = recognise("5Grwva EF5zXb 26Fz9r cQpDWS 57CtER HpNehX CPcNoH GKutQY")
    assert watched.address_only and watched.ss58 == samples.ALICE and "Nothing can be spent" in watched.sentence()
    public = recognise(files.public_json(files.SecretPart.from_mnemonic(samples.ABANDON).public).decode())
    assert public.address_only and public.ss58 == samples.COLDKEY
    assert recognise(samples.ABANDON, ED25519).ss58 not in (None, samples.COLDKEY)
    assert "public key" in recognise(SEED).sentence(), "raw hex may be an old coldkeypub"


def test_what_cannot_be_used_says_why():
    assert recognise("").sentence() == HINT
    assert recognise("bottom drive obey").sentence() == "Recovery phrase, 3 words so far…"
    assert "Word 8, “hose”" in recognise(samples.BOTTOM.replace("hold", "hose")).problem
    assert "checksum" in recognise(samples.ALICE[:-1] + "Z").problem
    assert "bytes" in recognise("0x" + "ab" * 20).problem or "digits" in recognise("0x" + "ab" * 20).problem
    assert recognise('{"a": 1}').problem
    assert recognise("0xabc").problem


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_input_raises_and_no_answer_repeats_it(text):
    found = recognise(text)
    assert found.sentence()
    assert not found.usable or found.ss58


def test_exports_of_polkadot_js_want_their_password(tmp_path):
    export = tmp_path / "export.json"
    content = {
        "encoded": "AAAA" * 60,
        "encoding": {"content": ["pkcs8", "sr25519"], "type": ["scrypt", "xsalsa20-poly1305"], "version": "3"},
        "address": samples.ALICE,
        "meta": {"name": "old"},
    }
    export.write_text(json.dumps(content))
    for found in (recognise(export.read_text()), recognise_file(export)):
        assert found.kind == "Polkadot.js export" and found.ss58 == samples.ALICE and found.needs_password
    locked = tmp_path / "coldkey"
    locked.write_bytes(b"$NACL" + bytes(90))
    found = recognise_file(locked)
    assert found.kind == "Encrypted key file" and found.needs_password and found.ss58 is None
    assert recognise_file(tmp_path / "none").problem


def test_the_field_asks_for_what_it_needs(qtbot, tmp_path):
    entry = SecretEntry()
    qtbot.addWidget(entry)
    entry.show()
    assert not entry.insist() and entry.note.text().startswith("Nothing yet.")
    entry.text.setPlainText("bottom drive")
    assert not entry.insist() and "not whole yet" in entry.note.text()
    entry.text.setPlainText(samples.BOTTOM)
    assert entry.insist() and "5DfhGy" in entry.note.text() and entry._scheme_row.isVisible()
    entry.scheme.setCurrentIndex(1)
    assert entry.recognised.ss58 != samples.HOTKEY
    locked = tmp_path / "coldkey"
    locked.write_bytes(b"$NACL" + bytes(90))
    entry.use_file(str(locked))
    assert entry.password.isVisible() and not entry._scheme_row.isVisible()
    entry.by_word.click()
    entry.phrase.fields[0].pasted.emit(samples.ABANDON)
    assert entry.insist() and entry.by_word.text() == "As one text"
    entry.wipe()
    assert entry.text.toPlainText() == "" and entry.phrase.phrase() == ""


@pytest.fixture
def house(tmp_path, qloop, monkeypatch):
    monkeypatch.setattr(storing, "store_coldkey", functools.partial(storing.store_coldkey, _cost=samples.CHEAP))
    return samples.House(tmp_path)


@pytest.mark.parametrize("form", ["seed", "private", "file"])
async def test_every_form_becomes_the_same_wallet(window, house, tmp_path, form):
    dialog = ImportWalletDialog(window, house.paths.wallets, (), house.context.run)
    dialog.open()
    if form == "file":
        backup = tmp_path / "backup.json"
        backup.write_bytes(files.secret_json(files.SecretPart.from_mnemonic(samples.ABANDON)))
        dialog.entry.use_file(str(backup))
    else:
        dialog.entry.text.setPlainText(SEED if form == "seed" else SIGNER.private_key().hex())
    dialog.name.input.setText("restored")
    dialog.password.first.input.setText(PASSWORD)
    dialog.password.second.input.setText(PASSWORD)
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the wallet")
    assert dialog.wallet.coldkey_ss58 == samples.COLDKEY and dialog.wallet.coldkey is KeyForm.ENCRYPTED
    assert [hotkey.name for hotkey in dialog.wallet.hotkeys] == ["default"] and dialog.wallet.problem is None
    await house.close()


async def test_an_address_is_watched_without_a_password(window, house):
    dialog = ImportWalletDialog(window, house.paths.wallets, (), house.context.run)
    dialog.open()
    dialog.entry.text.setPlainText(samples.CHARLIE)
    assert dialog.password.isHidden() and dialog.hotkey.isHidden() and dialog.yes.text() == "Watch it"
    dialog.name.input.setText("cold")
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the wallet")
    assert dialog.wallet.watch_only and dialog.wallet.coldkey_ss58 == samples.CHARLIE
    await house.close()


async def test_a_hotkey_from_a_seed_but_not_from_an_address(window, house):
    wallet = wallets.add_watch_only(house.paths.wallets, "cold", samples.ALICE)
    dialog = AddHotkeyDialog(window, wallet, house.context.run)
    dialog.open()
    dialog.name.input.setText("mine")
    dialog.old.setChecked(True)
    dialog.entry.text.setPlainText(samples.BOB)
    dialog.submitted()
    assert "cannot sign" in dialog._problem.text()
    dialog.entry.text.setPlainText(SEED)
    assert dialog._problem.text() == ""
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the hotkey")
    assert [hotkey.ss58 for hotkey in dialog.wallet.hotkeys] == [samples.COLDKEY]
    await asyncio.sleep(0)
    await house.close()


async def test_a_coldkey_joins_the_wallet_that_watches_its_address_and_no_other(window, house):
    wallets.add_watch_only(house.paths.wallets, "own", samples.COLDKEY)
    wallets.add_watch_only(house.paths.wallets, "other", samples.BOB)
    watched = {"own": samples.COLDKEY, "other": samples.BOB}
    dialog = ImportWalletDialog(window, house.paths.wallets, watched, house.context.run, watched)
    dialog.open()
    dialog.entry.text.setPlainText(samples.ABANDON)
    dialog.name.input.setText("other")
    assert "already" in dialog.name.note.text() and dialog.joins.isHidden()
    dialog.name.input.setText("own")
    assert not dialog.name.note.text() and dialog.joins.isVisible() and dialog.hotkey.isHidden()
    dialog.entry.text.setPlainText(samples.BOTTOM)
    assert "already" in dialog.name.note.text()
    dialog.entry.text.setPlainText(samples.ABANDON)
    dialog.password.first.input.setText(PASSWORD)
    dialog.password.second.input.setText(PASSWORD)
    dialog.submitted()
    await samples.until(lambda: dialog.wallet is not None, "the wallet")
    assert dialog.wallet.name == "own" and dialog.wallet.coldkey is KeyForm.ENCRYPTED and not dialog.wallet.hotkeys
    assert dialog.wallet.problem is None
    await house.close()
