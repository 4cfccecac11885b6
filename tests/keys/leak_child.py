"""A real child process for the leak test: makes, unlocks and uses keys, then crashes on purpose. No test by itself."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import logging
import os
import sys
import threading
from pathlib import Path

from ranvier.core.errors import RanvierError
from ranvier.core.log import start_logging
from ranvier.core.paths import Paths
from ranvier.core.settings import WALLET_FOLDER, Settings
from ranvier.keys import custody_facts, drill, importing, memory, messages, offline, storing, wallets
from ranvier.keys.encryption import Cost

CHEAP = Cost(passes=3, memory_bytes=8192)


async def use(paths: Paths, words: str, hot_words: str, password: str) -> None:
    log = logging.getLogger("leak")
    wallet = await wallets.create_wallet(paths.wallets, "w", words, password, "hot", hot_words, _cost=CHEAP)
    drill.Drills(paths).remember(drill.compare_words(words, wallet.coldkey_ss58 or ""))
    for wrong in (password + "x", "no"):
        try:
            await wallets.unlock_coldkey(wallet.path, wrong, _cost=CHEAP)
        except RanvierError as error:
            log.exception("as it should be: %s", error)
    try:
        importing.from_text(words.rsplit(" ", 1)[0])
    except RanvierError as error:
        log.warning("as it should be: %s", error)
    secret = await wallets.open_coldkey(wallet.path, password, _cost=CHEAP)
    signed = messages.sign_message(secret.signer, "message")
    away = offline.ExportedSigner(secret.signer.ss58, 1, genesis_hash="0x00")
    offline.write(paths.data / "payload.json", offline.sign_payload(away.payload(b"x"), secret.signer))
    log.info("%r %r %s %s", secret, secret.signer, signed, custody_facts.gather([paths.wallets], paths))
    await storing.encrypt_coldkey(wallet.path, password, password + "2", _cost=CHEAP)
    try:
        raise ValueError(f"a bug that shows {secret!r}")
    except ValueError:
        log.exception("a bug")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    held = (words, hot_words, password, secret)  # still in memory when the process dies
    threading.excepthook = sys.__excepthook__  # type: ignore[assignment]
    log.critical("crashing with %d things in hand", len(held))
    os.abort()


def main() -> None:
    memory.forbid_core_dumps()
    given = json.loads(sys.stdin.readline())
    paths = Paths.under(Path(sys.argv[1]))
    Settings(paths.settings_file).set(WALLET_FOLDER, str(paths.wallets))
    start_logging(paths.logs, "leak", level=logging.DEBUG)
    with (paths.logs / "crash.txt").open("w") as report:
        faulthandler.enable(report)
        asyncio.run(use(paths, given["words"], given["hot_words"], given["password"]))


main()
