"""The Wallets page as a place of custody: findings with their fixes, backups marked, several folders, other tools."""

from __future__ import annotations

import datetime
import os

import pytest
from PySide6.QtWidgets import QDialog

from gui import samples
from gui.stage import texts
from ranvier.core.settings import NETWORK, WALLET_FOLDER
from ranvier.keys import files, storing, strength, wallets
from ranvier.keys.custody import Finding, Fix, Level
from ranvier.keys.drill import Drills
from ranvier.keys.folders import joined
from ranvier.keys.listing import KeyForm, read_wallet
from ranvier.keys.miner_wallet import export_for_miner
from ranvier.ui.backup_dates import BackupDates
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.folders import FoldersDialog
from ranvier.ui.dialogs.wallets.custody_fixes import ExportForMinerDialog, MakeWatchOnlyDialog, NewPasswordDialog
from ranvier.ui.dialogs.wallets.restore_drill import RestoreDrillDialog
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog
from ranvier.ui.models.wallets import backup_text
from ranvier.ui.pages.wallets import PRACTICE_TITLE, WalletsPage

PASSWORD = "correct horse battery"
LEGAL = "legal winner thank year wave sausage worth useful legal winner thank yellow"


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path / "home")


@pytest.fixture
def cheap(monkeypatch):
    """Argon2 at its cheapest, for writing and for opening."""
    for module, name in ((storing, "encrypt_coldkey"), (storing, "restore_public"), (wallets, "unlock_coldkey")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, cheapened(real))


def cheapened(real):
    async def call(*arguments, **options):
        return await real(*arguments, **{**options, "_cost": samples.CHEAP})

    return call


async def opened(qtbot, house, names):
    page = WalletsPage(house.context)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    page.shown()
    await samples.until(lambda: {row.wallet.name for row in page.groups.rows} == set(names), f"{names}")
    await samples.until(lambda: page.custody.findings is not None, "the first check")
    return page


async def dialog_of(page, kind):
    await samples.until(lambda: [d for d in page.findChildren(kind) if d.isVisible()], kind.__name__)
    return next(d for d in page.findChildren(kind) if d.isVisible())


async def miner_wallet(house, name="miner"):
    return await wallets.create_wallet(
        house.paths.wallets, name, samples.ABANDON, PASSWORD, "default", samples.BOTTOM, _cost=samples.CHEAP
    )


async def end(page, house):
    page.hidden()
    await house.close()
    assert not house.errors


# --- backups --------------------------------------------------------------------------------------------------------


async def test_never_verified_is_marked_until_a_drill_goes_well(qtbot, house):
    wallet = await miner_wallet(house)
    BackupDates(house.paths).remember(wallet.coldkey_ss58, datetime.date(2026, 11, 2))
    page = await opened(qtbot, house, {"miner"})
    row = page.groups.current()
    assert backup_text(row) == "never" and row.never_verified
    assert "2026-11-02" in page.detail.backup_words.text() and "never verified" in page.detail.backup_words.text()
    page.detail.drill_button.click()
    dialog = await dialog_of(page, RestoreDrillDialog)
    dialog.phrase.fields[0].pasted.emit(samples.ABANDON)
    dialog.submitted()
    await samples.until(lambda: house.said, "the note")
    today = datetime.datetime.now().astimezone().date()
    await samples.until(lambda: page.groups.current().verified_on == today, "the date")
    assert f"verified on {today}" in page.detail.backup_words.text()
    assert Drills(house.paths).verified_on(wallet.coldkey_ss58) == today
    await samples.until(lambda: not [f for f in page.custody.findings if f.rule == "never-verified"], "no finding")
    await end(page, house)


async def test_a_drill_with_another_backup_changes_nothing(qtbot, house):
    wallet = await miner_wallet(house)
    page = await opened(qtbot, house, {"miner"})
    dialog = RestoreDrillDialog(page, wallet, Drills(house.paths), house.context.run)
    dialog.open()
    dialog.submitted()
    assert dialog.phrase.note.text() == "Word 1 is missing."
    dialog.phrase.fields[0].pasted.emit(samples.BOTTOM)
    dialog.submitted()
    await samples.until(lambda: "opens another wallet" in dialog._problem.text(), "the sentence")
    shown = dialog._problem.text().replace(" ", "")
    assert samples.HOTKEY in shown and samples.COLDKEY in shown
    assert dialog.phrase.phrase() == samples.BOTTOM and dialog.isVisible()
    assert Drills(house.paths).verified_on(samples.COLDKEY) is None
    dialog.reject()
    assert dialog.phrase.phrase() == ""
    await end(page, house)


async def test_a_drill_from_a_file_but_never_from_the_wallet_itself(qtbot, house, tmp_path):
    wallet = await miner_wallet(house)
    page = await opened(qtbot, house, {"miner"})
    dialog = RestoreDrillDialog(page, wallet, Drills(house.paths), house.context.run)
    dialog.open()
    dialog.loaded.setChecked(True)
    dialog.file.field.input.setText(str(wallet.path / "coldkey"))
    dialog.submitted()
    assert "the wallet itself" in dialog._problem.text()
    backup = tmp_path / "stick" / "seed.txt"
    backup.parent.mkdir()
    backup.write_text("nothing of use")
    dialog.file.field.input.setText(str(backup))
    dialog.submitted()
    await samples.until(lambda: "is not in the word list" in dialog._problem.text(), "the sentence")
    backup.write_text(samples.ABANDON)
    dialog._file_changed()
    assert dialog.file.field.note.text() == "This is a recovery phrase." and dialog.password.isHidden()
    dialog.submitted()
    await samples.until(lambda: dialog.verified_on is not None, "the date")
    kept = (house.paths.data / "keys" / "verified.json").read_text()
    assert "abandon" not in kept and samples.COLDKEY in kept
    await end(page, house)


# --- folders --------------------------------------------------------------------------------------------------------


async def test_practice_wallets_are_a_group_of_their_own_on_the_sandbox(qtbot, house):
    await miner_wallet(house)
    await samples.make_practice_wallet(house.paths.practice_wallets)
    page = await opened(qtbot, house, {"miner", "rehearsal"})
    assert page.groups.headings == (str(house.paths.wallets), PRACTICE_TITLE)
    assert page.subtitle.text().startswith("1 wallet in"), "play wallets are not counted"
    assert [wallet.name for wallet in page.wallets()] == ["miner"]
    assert page.groups.select(house.paths.practice_wallets / "rehearsal")
    assert page.groups.current().practice and page.detail.drill_button.isHidden()
    await samples.until(lambda: "the rehearsal's password" in texts(page.detail), "whose password it is")
    assert len([part for part in page.groups._parts.values() if part.table.current_row()]) == 1
    assert not [f for f in page.custody.findings if f.path.is_relative_to(house.paths.practice_wallets)]
    house.settings.set(NETWORK, "finney")
    await page.refresh()
    assert {row.wallet.name for row in page.groups.rows} == {"miner"} and page.groups.headings == ()
    await end(page, house)


async def test_several_folders_with_their_reason_and_collisions_named(qtbot, house, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    wallets.add_watch_only(one, "cold", samples.ALICE)
    wallets.add_watch_only(two, "cold", samples.BOB)
    house.settings.set(WALLET_FOLDER, joined([one, two]))
    page = await opened(qtbot, house, {"cold"})
    assert page.groups.headings == (str(one), str(two))
    text = page.subtitle.text()
    assert text == f"2 wallets in 2 folders, chosen in the settings; new ones go to {one}."
    if os.name == "posix":
        (one / "Cold").mkdir()
        (one / "Cold" / "coldkeypub.txt").write_bytes((two / "cold" / "coldkeypub.txt").read_bytes())
        await page.refresh()
        assert page.groups.select(one / "Cold")
        assert "but for capitals" in page.detail.wallet.problem
    await end(page, house)


async def test_folders_dialog_adds_orders_and_forgets(qtbot, house, tmp_path):
    page = await opened(qtbot, house, set())
    page.folders_button.click()
    dialog = await dialog_of(page, FoldersDialog)
    dialog.add_folder(str(tmp_path / "more"))
    dialog.add_folder(str(tmp_path / "more"))
    assert dialog.folders == [house.paths.wallets, tmp_path / "more"]
    dialog.put_first(tmp_path / "more")
    dialog.submitted()
    await samples.until(lambda: page.folders[0].path == tmp_path / "more", "the new order")
    assert house.settings.get(WALLET_FOLDER) == joined([tmp_path / "more", house.paths.wallets])
    assert not (tmp_path / "more").exists(), "watching makes nothing"
    again = FoldersDialog(page, house.settings, page.folders)
    again.remove_folder(house.paths.wallets)
    again._forget()
    assert house.settings.get(WALLET_FOLDER) == ""
    await end(page, house)


async def test_what_other_tools_do_appears_without_a_restart(qtbot, house, monkeypatch):
    monkeypatch.setattr("ranvier.ui.pages.wallets._LOOK_S", 0.05)
    wallet = await miner_wallet(house)
    page = await opened(qtbot, house, {"miner"})
    wallets.add_watch_only(house.paths.wallets, "late", samples.BOB)
    await samples.until(lambda: len(page.groups.rows) == 2, "the new wallet")
    wallets.add_hotkey(wallet.path, "second", LEGAL)
    await samples.until(lambda: page.detail.hot.title.text() == "2 hotkeys", "the new hotkey")
    assert page.groups.current().wallet.name == "miner"
    reads = []
    monkeypatch.setattr("ranvier.keys.watching.read_wallet", lambda path: reads.append(path) or read_wallet(path))
    await page.refresh()
    assert not reads, "what did not change is not read again"
    await end(page, house)


# --- findings and fixes -----------------------------------------------------------------------------------------------


async def test_lax_modes_are_found_and_repaired(qtbot, house):
    if os.name != "posix":
        pytest.skip("modes are POSIX")
    wallet = await miner_wallet(house)
    (wallet.path / "coldkey").chmod(0o644)
    page = await opened(qtbot, house, {"miner"})
    assert page.custody_button.text() == "Custody check · 1"
    page.open_custody()
    entry, button = next((f, b) for f, b in page.custody.buttons if f.fix is Fix.MAKE_PRIVATE)
    assert entry.path == wallet.path / "coldkey"
    button.click()
    question = await dialog_of(page, Dialog)
    question.accept()
    await samples.until(lambda: page.custody_button.text() == "Custody check", "the repair")
    assert (wallet.path / "coldkey").stat().st_mode & 0o777 == 0o600
    await end(page, house)


async def test_watch_only_needs_the_drill_a_copy_and_the_name(qtbot, house, tmp_path):
    wallet = await miner_wallet(house)
    export_for_miner(wallet.path, "default", house.paths.miner("m1") / "wallet")
    secret = (wallet.path / "coldkey").read_bytes()
    page = await opened(qtbot, house, {"miner"})
    entry = next(f for f in page.custody.findings if f.fix is Fix.MAKE_WATCH_ONLY)
    page.custody.fix_wanted.emit(entry)
    first = await dialog_of(page, MakeWatchOnlyDialog)
    first.submitted()
    assert first.yes.isHidden() and first.isVisible() and (wallet.path / "coldkey").exists()
    first.drill_button.click()
    drill = await dialog_of(page, RestoreDrillDialog)
    drill.phrase.fields[0].pasted.emit(samples.ABANDON)
    drill.submitted()
    await samples.until(lambda: house.said, "the drill")
    second = await dialog_of(page, MakeWatchOnlyDialog)
    second.destination.field.input.setText(str(house.paths.wallets / "x"))
    second.name.input.setText("Miner")
    second.submitted()
    assert "wallet folder of this machine" in second.destination.field.note.text()
    stick = tmp_path / "stick"
    stick.mkdir()
    second.destination.field.input.setText(str(stick))
    second.submitted()
    assert "exactly" in second.name.note.text() and (wallet.path / "coldkey").exists()
    second.name.input.setText("miner")
    second.submitted()
    await samples.until(lambda: read_wallet(wallet.path).watch_only, "watch-only")
    copies = list(stick.iterdir())
    assert len(copies) == 1 and copies[0].name.startswith("miner-coldkey-20") and copies[0].read_bytes() == secret
    await samples.until(lambda: not [f for f in page.custody.findings if f.fix is Fix.MAKE_WATCH_ONLY], "no finding")
    await end(page, house)


async def test_export_writes_three_files(qtbot, house, tmp_path):
    wallet = await miner_wallet(house)
    page = await opened(qtbot, house, {"miner"})
    page.detail.export_button.click()
    dialog = await dialog_of(page, ExportForMinerDialog)
    dialog.submitted()
    assert "Choose a folder" in dialog.destination.field.note.text()
    dialog.destination.field.input.setText(str(tmp_path / "out"))
    dialog.submitted()
    await samples.until(lambda: house.said, "the note")
    found = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert found == ["miner/coldkeypub.txt", "miner/hotkeys/default", "miner/hotkeys/defaultpub.txt"]
    assert wallet.coldkey_ss58 in (tmp_path / "out/miner/coldkeypub.txt").read_text()
    await end(page, house)


async def test_a_plain_coldkey_is_encrypted_and_its_finding_goes(qtbot, house, cheap):
    made = await miner_wallet(house)
    plain = files.secret_json(files.SecretPart.from_mnemonic(samples.ABANDON))
    (made.path / "coldkey").write_bytes(plain)
    page = await opened(qtbot, house, {"miner"})
    entry = next(f for f in page.custody.findings if f.fix is Fix.ENCRYPT_COLDKEY)
    page.custody.fix_wanted.emit(entry)
    dialog = await dialog_of(page, NewPasswordDialog)
    assert dialog.old.isHidden()
    dialog.password.first.input.setText(PASSWORD)
    dialog.submitted()
    assert dialog.password.second.note.text() == "The two passwords differ."
    dialog.password.second.input.setText(PASSWORD)
    dialog.submitted()
    await samples.until(lambda: read_wallet(made.path).coldkey is KeyForm.ENCRYPTED, "the encrypted file")
    await samples.until(lambda: not [f for f in page.custody.findings if f.fix is Fix.ENCRYPT_COLDKEY], "no finding")
    signer = await wallets.unlock_coldkey(made.path, PASSWORD)
    assert signer.ss58 == samples.COLDKEY
    await end(page, house)


async def test_a_weak_password_is_refused_where_it_can_be_judged_and_found_where_it_is_kept(
    qtbot, house, cheap, monkeypatch
):
    def judge(password, personal=()):
        score = 1 if password.startswith("weak") else 2
        return strength.Strength(score, "weak", 4.0, "It is in every list.", ("Add words.",))

    monkeypatch.setattr(strength, "judge", judge)
    wallet = await miner_wallet(house)
    page = await opened(qtbot, house, {"miner"})
    dialog = NewPasswordDialog(page, wallet, house.context.run)
    dialog.open()
    dialog.password.first.input.setText("weak password")
    assert "It is in every list. Add words." in dialog.password.first.note.text()
    dialog.password.second.input.setText("weak password")
    dialog.old.input.setText(PASSWORD)
    dialog.submitted()
    assert dialog.steps.place == 0
    dialog.reject()

    async def work(password, _on_attempt):
        return await wallets.unlock_coldkey(wallet.path, password)

    unlock = UnlockDialog(page, "Unlock", "", wallet.path, work, house.context.run, strengths=page.strengths)
    unlock.open()
    unlock.input.setText(PASSWORD)
    unlock.submitted()
    await samples.until(lambda: not unlock.isVisible(), "unlocked")
    await page.check_custody()
    entry = next(f for f in page.custody.findings if f.fix is Fix.CHANGE_PASSWORD)
    assert "password of miner" in entry.what and PASSWORD not in repr(page.custody.findings)
    await end(page, house)


async def test_a_wrong_old_password_keeps_what_was_typed(qtbot, house, cheap):
    wallet = await miner_wallet(house)
    page = await opened(qtbot, house, {"miner"})
    before = (wallet.path / "coldkey").read_bytes()
    dialog = NewPasswordDialog(page, wallet, house.context.run)
    dialog.open()
    dialog.old.input.setText("wrong")
    for field in (dialog.password.first, dialog.password.second):
        field.input.setText("another horse battery")
    dialog.submitted()
    await samples.until(lambda: "does not open" in dialog._problem.text(), "the sentence")
    assert dialog.old.text() == "wrong" and dialog.password.text() == "another horse battery"
    assert (wallet.path / "coldkey").read_bytes() == before
    dialog.reject()
    await end(page, house)


async def test_a_missing_public_file_of_a_hotkey_is_written(qtbot, house):
    wallet = await miner_wallet(house)
    public = wallet.path / "hotkeys" / "defaultpub.txt"
    public.unlink()
    page = await opened(qtbot, house, {"miner"})
    entry = next(f for f in page.custody.findings if f.fix is Fix.RESTORE_PUBLIC)
    page.custody.fix_wanted.emit(entry)
    await samples.until(public.exists, "the file")
    await samples.until(lambda: house.said, "the note")
    assert samples.HOTKEY in public.read_text()
    await end(page, house)


async def test_a_fix_for_a_wallet_that_went_away_says_so(qtbot, house):
    page = await opened(qtbot, house, set())
    gone = Finding(Level.NOTE, "rule", "Something", "Because.", Fix.RESTORE_DRILL, house.paths.wallets / "gone", "x")
    page.custody.fix_wanted.emit(gone)
    await samples.until(lambda: house.said, "the note")
    assert "not there any more" in house.said[0]
    assert not [dialog for dialog in page.findChildren(QDialog) if dialog.isVisible()]
    await end(page, house)
