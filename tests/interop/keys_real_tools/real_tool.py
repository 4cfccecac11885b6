"""Runs inside a real tool's environment: reads and makes wallets with it as its users do. Jobs come as JSON on
standard input (so that no password is an argument), answers go out as JSON. No test by itself."""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    given = json.load(sys.stdin)
    if given["tool"] == "bittensor-wallet":
        from bittensor_wallet import Wallet
    else:
        from bittensor.wallet import Wallet
    say, sys.stdout = sys.stdout, sys.stderr  # the tools print remarks
    answers = []
    for job in given["jobs"]:
        wallet = Wallet(name=job["wallet"], hotkey=job["hotkey"], path=given["folder"])
        try:
            answers.append(read(wallet, job) if job["do"] == "read" else make(wallet, job))
        except BaseException as error:  # noqa: BLE001  # one of the tools panics with one
            answers.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(answers, say)


def read(wallet: Any, job: dict[str, Any]) -> dict[str, Any]:
    coldkey, hotkey = wallet.get_coldkey(job["password"]), wallet.get_hotkey()
    public = wallet.coldkeypub
    message = job["message"].encode()
    return {
        "coldkey": coldkey.ss58_address,
        "coldkeypub": public.ss58_address,
        "hotkey": hotkey.ss58_address,
        "crypto_type": int(coldkey.crypto_type),
        "signature": bytes(coldkey.sign(message)).hex(),
        "ours_is_good": bool(coldkey.verify(message, bytes.fromhex(job["signature"]))),
    }


def make(wallet: Any, job: dict[str, Any]) -> dict[str, Any]:
    wallet.create_new_coldkey(
        n_words=job["words"], use_password=True, overwrite=False, suppress=True, coldkey_password=job["password"],
        crypto_type=job["crypto_type"],
    )  # fmt: skip
    wallet.create_new_hotkey(
        n_words=job["words"], use_password=job["lock_hotkey"], overwrite=False, suppress=True,
        hotkey_password=job["password"] if job["lock_hotkey"] else None, crypto_type=job["crypto_type"],
    )  # fmt: skip
    coldkey = wallet.get_coldkey(job["password"])
    return {"coldkey": coldkey.ss58_address, "signature": bytes(coldkey.sign(job["message"].encode())).hex()}


if __name__ == "__main__":
    main()
