"""The wallet dialogs and the custody check, each in its interesting moments. Called by ``screenshots.py``."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING, Any

from gui import samples
from ranvier.keys import wallets
from ranvier.keys.drill import Drills
from ranvier.keys.listing import list_wallets
from ranvier.keys.offline import ExportedSigner
from ranvier.keys.remember import STATE_WORDS, PasswordStore, StoreState
from ranvier.ui.dialogs.folders import FoldersDialog
from ranvier.ui.dialogs.wallets.create_wallet import BACK, WORDS, WRITING, CreateWalletDialog
from ranvier.ui.dialogs.wallets.custody_fixes import ExportForMinerDialog, MakeWatchOnlyDialog, NewPasswordDialog
from ranvier.ui.dialogs.wallets.import_wallet import AddHotkeyDialog, ImportWalletDialog
from ranvier.ui.dialogs.wallets.offline import OfflineDialog
from ranvier.ui.dialogs.wallets.restore_drill import RestoreDrillDialog
from ranvier.ui.dialogs.wallets.sign import PAYLOAD, VERIFY, SignDialog
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog
from ranvier.ui.dialogs.wallets.watch_only import WatchOnlyDialog

if TYPE_CHECKING:
    from gui.screenshots import Studio

DAY = datetime.date(2026, 11, 20)
PASSWORD = "correct horse battery"


async def shoot_custody(studio: Studio, page: Any) -> None:
    """The findings of a machine that needs some care."""
    folder = studio.house.paths.wallets
    hotkey = folder / "miner" / "hotkeys" / "writer"
    hotkey.chmod(0o644)
    notes = folder.parent / "notes.txt"
    notes.write_text(f"my words: {samples.BOTTOM}")
    page.open_custody()
    await samples.until(lambda: page.custody.findings and len(page.custody.findings) > 2, "findings")
    await asyncio.sleep(0.3)
    studio.shoot(studio.window, "wallets-custody")
    page.close_custody()
    hotkey.chmod(0o600)
    notes.unlink()


async def shoot_wallet_dialogs(studio: Studio) -> None:
    """Every dialog of the Wallets page."""
    await _create(studio)
    await _import(studio)
    await _drill_and_unlock(studio)
    await _fixes(studio)
    await _sign(studio)


async def _create(studio: Studio) -> None:
    window, folder, run = studio.window, studio.house.paths.wallets, studio.house.context.run
    create = CreateWalletDialog(window, folder, ["miner"], run)
    create.name.input.setText("Miner")
    create.password.first.input.setText(PASSWORD)
    create.password.second.input.setText("correct horse batter")
    await studio.dialog(create, "create-1-details")
    create.name.input.setText("rig")
    create.password.second.input.setText(PASSWORD)
    create.submitted()
    create._words = samples.BOTTOM.split()
    create.grid.show_words(create._words)
    assert create.steps.place == WORDS
    await asyncio.sleep(0.1)
    studio.shoot(create, "create-2-words")
    create.submitted()
    for place, field in create.back.fields.items():
        field.setText(create._words[place - 1])
    next(iter(create.back.fields.values())).setText("lone")
    list(create.back.fields.values())[-1].setText("")
    create.submitted()
    assert create.steps.place == BACK
    await asyncio.sleep(0.1)
    studio.shoot(create, "create-3-back")
    create.problem("")
    create.busy(True)
    create.steps.turn_to(WRITING)
    await asyncio.sleep(0.1)
    studio.shoot(create, "create-4-writing")
    create.done(0)


async def _import(studio: Studio) -> None:
    window, folder, run = studio.window, studio.house.paths.wallets, studio.house.context.run
    imported = ImportWalletDialog(window, folder, ["miner"], run)
    imported.name.input.setText("restored")
    imported.entry.text.setPlainText(samples.BOTTOM)
    await studio.dialog(imported, "import-1-recognised")
    imported.entry.text.setPlainText(samples.BOTTOM.replace("hold", "hose"))
    imported.submitted()
    await asyncio.sleep(0.1)
    studio.shoot(imported, "import-2-wrong-word")
    imported.entry.text.setPlainText(samples.CHARLIE)
    await asyncio.sleep(0.1)
    studio.shoot(imported, "import-3-address")
    imported.done(0)
    words = ImportWalletDialog(window, folder, ["miner"], run)
    words.entry.by_word.click()
    words.entry.phrase.fields[0].pasted.emit(samples.BOTTOM.replace("hold", "hose"))
    await studio.dialog(words, "import-4-word-by-word")
    words.done(0)
    watch = WatchOnlyDialog(window, folder, ["miner"], run)
    watch.address.input.setText(samples.ALICE[:-1] + "Z")
    watch.name.input.setText("cold")
    await studio.dialog(watch, "watch-only")
    wallet = (await asyncio.to_thread(list_wallets, folder))[0]
    await studio.dialog(AddHotkeyDialog(window, wallet, run), "add-hotkey")


async def _drill_and_unlock(studio: Studio) -> None:
    window, paths, run = studio.window, studio.house.paths, studio.house.context.run
    wallet = next(w for w in list_wallets(paths.wallets) if w.name == "miner")
    drill = RestoreDrillDialog(window, wallet, Drills(paths), run)
    drill.phrase.fields[0].pasted.emit(samples.BOTTOM)
    await studio.dialog(drill, "drill-1-words")
    drill.submitted()
    await samples.until(lambda: drill._problem.text(), "the other wallet")
    await asyncio.sleep(0.1)
    studio.shoot(drill, "drill-2-another-wallet")
    drill.problem("")
    drill.loaded.setChecked(True)
    drill.file.field.input.setText(str(wallet.path / "coldkey"))
    await asyncio.sleep(0.1)
    studio.shoot(drill, "drill-3-file")
    drill.done(0)

    async def wrong(password: str, on_attempt: Any) -> Any:
        await asyncio.sleep(0)
        return await wallets.unlock_coldkey(wallet.path, password, on_attempt=on_attempt, _cost=samples.CHEAP)

    store = PasswordStore(paths, object())
    why = "The message is signed with this key; nothing is sent."
    unlock = UnlockDialog(window, "Unlock miner", why, wallet.path, wrong, run, store)
    unlock.input.setText("corect horse battery")
    unlock._say_store(STATE_WORDS[StoreState.LOCKED])
    await studio.dialog(unlock, "unlock-1")
    unlock.progress.begin()
    unlock.progress.attempt(2, 3)
    unlock.busy(True)
    await asyncio.sleep(0.1)
    studio.shoot(unlock, "unlock-2-progress")
    unlock.progress.end()
    unlock.submitted()
    await samples.until(lambda: unlock._problem.text(), "wrong password")
    await asyncio.sleep(0.1)
    studio.shoot(unlock, "unlock-3-wrong")
    unlock.done(0)


async def _fixes(studio: Studio) -> None:
    window, paths, run = studio.window, studio.house.paths, studio.house.context.run
    listed = list_wallets(paths.wallets)
    wallet = next(w for w in listed if w.name == "miner")
    export = ExportForMinerDialog(window, listed, run, wallet)
    export.destination.field.input.setText("/media/alice/STICK")
    await studio.dialog(export, "fix-export")
    await studio.dialog(MakeWatchOnlyDialog(window, wallet, None, [paths.wallets], run), "fix-watch-only-1")
    ready = MakeWatchOnlyDialog(window, wallet, DAY, [paths.wallets], run)
    ready.destination.field.input.setText(str(paths.wallets))
    ready.name.input.setText("Miner")
    await studio.dialog(ready, "fix-watch-only-2")
    await studio.dialog(NewPasswordDialog(window, wallet, run), "fix-password")
    from ranvier.keys.folders import WalletFolder

    found = [
        WalletFolder(paths.wallets, "chosen in the settings"),
        WalletFolder(paths.wallets.with_name("old"), "chosen in the settings"),
    ]
    await studio.dialog(FoldersDialog(window, studio.house.settings, found), "folders")


async def _sign(studio: Studio) -> None:
    window, paths, run = studio.window, studio.house.paths, studio.house.context.run
    listed = list_wallets(paths.wallets)
    vault = next(w for w in listed if w.name == "vault")
    sign = SignDialog(window, listed, run, chosen=listed[0])
    sign.sign.key.setCurrentIndex(1)
    sign.sign.message.set_text("I run the node at 192.0.2.1, 2026-11-22")
    sign.submitted()
    await samples.until(lambda: sign.sign.result.text(), "signature")
    await studio.dialog(sign, "sign-1-message")
    sign.turn_to(VERIFY)
    sign.verify.address.input.setText(samples.HOTKEY)
    sign.verify.message.set_text(sign.sign.message.text())
    sign.verify.signature.set_text(sign.sign.result.text())
    sign.submitted()
    await samples.until(lambda: not sign.verify._result.isHidden(), "verdict")
    await asyncio.sleep(0.1)
    studio.shoot(sign, "sign-2-verify")
    hotkey = ExportedSigner(
        samples.HOTKEY, 1, genesis_hash=samples.GENESIS, network="sandbox",
        words=("Register a hotkey on subnet 1", "Fee 0.001347210 TAO, spends 0.500000000 TAO"),
    )  # fmt: skip
    from ranvier.keys import offline

    payload = hotkey.payload(bytes.fromhex("0706" + "5e" * 100))
    target = paths.data / "payload.json"
    offline.write(target, payload)
    sign.turn_to(PAYLOAD)
    sign.payload.load(str(target))
    sign.submitted()
    await samples.until(lambda: sign.payload.answer is not None, "answer")
    await asyncio.sleep(0.1)
    studio.shoot(sign, "sign-3-payload")
    sign.done(0)
    absent = ExportedSigner(vault.coldkey_ss58 or "", 1, genesis_hash="", words=("A message, not a transaction",))
    away = OfflineDialog(window, absent.payload(b"<Bytes>I run the node at 192.0.2.1, 2026-11-22</Bytes>"), run)
    await studio.dialog(away, "sign-4-elsewhere")
    away.done(0)
