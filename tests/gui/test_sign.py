"""Signing and checking messages, and the way over a machine that has the key: file, code, signature back."""

from __future__ import annotations

import functools

import pytest

from gui import samples
from ranvier.core.errors import KeyFileError
from ranvier.core.evidence import Level
from ranvier.keys import messages, offline, qr, signing, wallets
from ranvier.keys.listing import list_wallets
from ranvier.keys.offline import ExportedSigner
from ranvier.keys.signing import ED25519, LocalSigner
from ranvier.ui.dialogs.wallets.offline import OfflineDialog, what_is_signed
from ranvier.ui.dialogs.wallets.sign import PAYLOAD, VERIFY, SignDialog
from ranvier.ui.dialogs.wallets.sign_steps import key_choices
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog
from ranvier.ui.widgets.qr_view import QrView
from ranvier.ui.words import breakable

PASSWORD = "correct horse battery"
TEXT = "I run the node at 192.0.2.1"


@pytest.fixture
def house(tmp_path, qloop, monkeypatch):
    monkeypatch.setattr(wallets, "unlock_coldkey", functools.partial(wallets.unlock_coldkey, _cost=samples.CHEAP))
    return samples.House(tmp_path / "home")


def test_a_long_call_breaks_before_its_addresses_and_says_the_same():
    call = f"Balances.transfer(dest={samples.COLDKEY}, value=5)"
    assert breakable(call) != call and breakable(call).replace("\N{ZERO WIDTH SPACE}", "") == call
    assert breakable("value=5, hash=0x12") == "value=5, hash=0x12"


async def opened(window, house, chosen=""):
    await samples.make_wallets(house.paths.wallets)
    listed = list_wallets(house.paths.wallets)
    wallet = next((w for w in listed if w.name == chosen), None)
    dialog = SignDialog(window, listed, house.context.run, chosen=wallet)
    dialog.open()
    return dialog


def use(dialog, name, hotkey=None):
    place = next(
        n
        for n, c in enumerate(dialog.choices)
        if c.wallet.name == name and (c.hotkey.name if c.hotkey else None) == hotkey
    )
    dialog.sign.key.setCurrentIndex(place)


async def end(dialog, house):
    dialog.reject()
    await house.close()
    assert not house.errors


async def test_a_hotkey_signs_and_the_signature_is_checked(window, house):
    dialog = await opened(window, house)
    use(dialog, "miner", "default")
    assert "no password" in dialog.sign.note.text()
    dialog.submitted()
    await samples.until(lambda: dialog._problem.text() == "Type the message first.", "the sentence")
    dialog.sign.message.set_text(TEXT)
    dialog.sign.wrap.setChecked(False)
    dialog.submitted()
    await samples.until(lambda: dialog.sign.result.text(), "the signature")
    signature = dialog.sign.result.text()
    verdict = messages.verify_message(samples.HOTKEY, TEXT, signature)
    assert verdict.valid and not verdict.wrapped
    dialog.sign.message.set_text(TEXT + "!")
    assert dialog.sign.result.text() == "" and dialog.sign.result.isHidden(), "it was of another message"
    dialog.turn_to(VERIFY)
    dialog.verify.address.input.setText(samples.HOTKEY)
    dialog.verify.message.set_text(TEXT)
    dialog.verify.signature.set_text(f"0x{signature}")
    dialog.submitted()
    await samples.until(lambda: dialog.verify.verdict.text(), "the verdict")
    assert dialog.verify.mark.level is Level.GOOD and "sr25519" in dialog.verify.verdict.text()
    dialog.verify.message.set_text(TEXT + " ")
    assert dialog.verify._result.isHidden()
    dialog.submitted()
    await samples.until(lambda: not dialog.verify._result.isHidden(), "the verdict")
    assert dialog.verify.mark.level is Level.BAD
    dialog.verify.signature.set_text("xyz")
    dialog.submitted()
    await samples.until(lambda: "128 hex digits" in dialog._problem.text(), "the sentence")
    await end(dialog, house)


async def test_other_scheme_and_browser_wallets_are_understood(window, house):
    dialog = await opened(window, house)
    signer = LocalSigner.from_mnemonic(samples.BOTTOM, ED25519)
    signed = messages.sign_message(signer, TEXT, wrap=True)
    dialog.turn_to(VERIFY)
    dialog.submitted()
    await samples.until(lambda: dialog.verify.address.note.text(), "the sentence")
    dialog.verify.address.input.setText(signed.signer_address)
    dialog.verify.message.set_text(TEXT)
    dialog.verify.signature.set_text(signed.signed_message)
    dialog.submitted()
    await samples.until(lambda: dialog.verify.verdict.text(), "the verdict")
    assert "ed25519, wrapped in <Bytes>" in dialog.verify.verdict.text()
    await end(dialog, house)


async def test_an_encrypted_coldkey_asks_for_its_password(window, house):
    dialog = await opened(window, house, "miner")
    assert dialog.sign.choice().hotkey is None and "password" in dialog.sign.note.text()
    dialog.sign.message.set_text(TEXT)
    dialog.submitted()
    await samples.until(lambda: dialog.findChildren(UnlockDialog), "the question")
    unlock = dialog.findChildren(UnlockDialog)[0]
    unlock.reject()
    await samples.until(dialog.yes.isEnabled, "back again")
    assert not dialog.sign.result.text()
    dialog.submitted()
    await samples.until(lambda: [u for u in dialog.findChildren(UnlockDialog) if u.isVisible()], "the question")
    unlock = next(u for u in dialog.findChildren(UnlockDialog) if u.isVisible())
    unlock.input.setText(PASSWORD)
    unlock.submitted()
    await samples.until(lambda: dialog.sign.result.text(), "the signature")
    assert messages.verify_message(samples.COLDKEY, TEXT, dialog.sign.result.text()).wrapped
    await end(dialog, house)


async def test_a_watch_only_key_signs_by_way_of_another_machine(window, house, tmp_path):
    wallets.add_watch_only(house.paths.wallets, "away", samples.COLDKEY)
    dialog = await opened(window, house, "away")
    use(dialog, "away")
    assert "elsewhere" in dialog.sign.note.text()
    dialog.sign.message.set_text(TEXT)
    dialog.submitted()
    await samples.until(lambda: dialog.findChildren(OfflineDialog), "the export")
    away = dialog.findChildren(OfflineDialog)[0]
    away.submitted()
    assert away._problem.text() == "Bring the signature first."
    target = tmp_path / "payload.json"
    away.save(str(target))
    away.save(str(target))
    assert "left as it is" in away._problem.text()

    # The other machine, which has the key.
    there = SignDialog(window, list_wallets(house.paths.wallets), house.context.run)
    there.open()
    there.turn_to(PAYLOAD)
    there.submitted()
    await samples.until(lambda: "Open the payload" in there._problem.text(), "the sentence")
    there.payload.load(str(tmp_path / "nothing.json"))
    assert there._problem.text()
    there.payload.load(str(target))
    there.submitted()
    await samples.until(lambda: there.findChildren(UnlockDialog), "the question")
    unlock = there.findChildren(UnlockDialog)[0]
    unlock.input.setText(PASSWORD)
    unlock.submitted()
    await samples.until(lambda: there.payload.answer is not None, "the answer")
    answer = tmp_path / "answer.json"
    there.payload.save(str(answer))
    there.reject()

    other = LocalSigner.from_mnemonic(samples.BOTTOM)
    away.answer.setPlainText(other.sign(away.payload.data).hex())
    away.submitted()
    await samples.until(lambda: "not a signature by" in away._problem.text(), "another key refused")
    away.load(str(answer))
    away.submitted()
    await samples.until(lambda: dialog.sign.result.text(), "the signature")
    verdict = messages.verify_message(samples.COLDKEY, TEXT, dialog.sign.result.text())
    assert verdict.valid and verdict.wrapped, "a message can never be a transaction"
    await end(dialog, house)


async def test_a_payload_of_a_key_that_is_not_here(window, house, tmp_path):
    dialog = await opened(window, house)
    payload = ExportedSigner(samples.CHARLIE, 1, genesis_hash=samples.GENESIS, network="finney").payload(b"\x07\x06")
    offline.write(tmp_path / "p.json", payload)
    dialog.turn_to(PAYLOAD)
    dialog.payload.load(str(tmp_path / "p.json"))
    dialog.submitted()
    await samples.until(lambda: samples.CHARLIE in dialog._problem.text(), "the sentence")
    assert dialog.payload.answer is None
    await end(dialog, house)


async def test_damaged_keys_are_not_offered(house):
    await samples.make_wallets(house.paths.wallets)
    names = [
        (c.wallet.name, c.hotkey.name if c.hotkey else None) for c in key_choices(list_wallets(house.paths.wallets))
    ]
    assert ("old-rig", None) not in names and ("old-rig", "default") in names and ("vault", None) in names
    await house.close()


def test_the_bytes_are_shown_whatever_the_words_say():
    assert what_is_signed(b"hello") == "The text “hello”"
    assert what_is_signed(b"\x07\x06\xff") == "3 bytes: 0706ff"
    assert what_is_signed("a\u202eb".encode()).startswith("5 bytes:"), "text that turns itself round is shown as bytes"
    assert what_is_signed(b"x" * 5000).endswith("…”")
    assert signing.SCHEME_NAMES[1] == "sr25519"


def test_a_code_is_drawn_exactly_or_the_reason_is_said(qtbot, monkeypatch):
    modules = tuple(tuple((x * y) % 3 == 0 and 3 < x < 30 for x in range(33)) for y in range(33))
    monkeypatch.setattr(qr, "matrix", lambda _data: modules)
    view = QrView(132)
    qtbot.addWidget(view)
    view.show_data("payload")
    view.resize(view.sizeHint())
    assert view.drawn and view.sizeHint().width() == 132
    picture = view.grab().toImage()
    for y in range(33):
        for x in range(33):
            assert (picture.pixelColor(4 * x + 2, 4 * y + 2).lightness() < 128) == modules[y][x], (x, y)

    def none(_data):
        raise KeyFileError("No QR codes here", "This copy cannot draw QR codes.", "Use the file instead.")

    monkeypatch.setattr(qr, "matrix", none)
    view.show_data("payload")
    assert not view.drawn and "Use the file instead" in view.note.text()
