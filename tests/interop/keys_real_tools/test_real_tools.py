"""Wallets written by us are opened by the real tools, and theirs by us. Slow: environments are made with uv, and every
key costs each side a derivation. ``pytest tests/interop/keys_real_tools -m slow``; skipped where nothing can be
installed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keys.vectors import ABANDON, DEV
from ranvier.keys import files, importing, messages, storing, wallets
from ranvier.keys.content import SecretPart
from ranvier.keys.listing import KeyForm, list_wallets
from ranvier.keys.signing import ED25519, SR25519, verify

pytestmark = [pytest.mark.slow, pytest.mark.limit_s(600)]
TOOLS = {"bittensor-wallet": "bittensor-wallet==4.1.1", "bittensor": "bittensor==11.3.*"}
SCRIPT = Path(__file__).with_name("real_tool.py")
PASSWORD = "Zürich 47 zebra lantern"
MESSAGE = "hello <bittensor> 0x12"
Ask = Callable[[Path, list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="module", params=sorted(TOOLS))
def tool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def environment(tool: str) -> Path:
    """The tool's own environment, made once per machine under the temporary folder."""
    from uv import find_uv_bin

    wanted = TOOLS[tool]
    folder = Path(tempfile.gettempdir()) / f"ranvier-interop-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "whole").exists():
        env = {**os.environ, "UV_CACHE_DIR": str(Path(tempfile.gettempdir()) / "ranvier-interop-cache")}
        for command in (["venv", "--clear", str(folder)], ["pip", "install", "--python", str(python), wanted]):
            done = subprocess.run([find_uv_bin(), *command], env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{wanted} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
        (folder / "whole").touch()
    return python


@pytest.fixture
def ask(tool: str, tmp_path: Path) -> Ask:
    python = environment(tool)

    def action(folder: Path, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        given = json.dumps({"tool": tool, "folder": str(folder), "jobs": jobs})
        env = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(
            [str(python), str(SCRIPT)], input=given, capture_output=True, text=True, timeout=300, check=False, env=env
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return action


KINDS = {
    "sr25519 phrase": lambda: importing.from_text(DEV, SR25519),
    "ed25519 phrase": lambda: importing.from_text(DEV, ED25519),
    "hex seed": lambda: importing.from_text("0x" + "5a" * 32),
    "private key": lambda: importing.from_text(importing.from_text(DEV).signer.private_key().hex()),
    "with BIP-39 password": lambda: importing.from_text(DEV, bip39_password="extra"),
}


async def test_ours_are_opened_by_the_tool(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "wallets"
    jobs, parts = [], []
    for kind, make in KINDS.items():
        part = make()
        await storing.store_coldkey(folder, kind, part, PASSWORD)
        await storing.store_hotkey(folder / kind, "h", SecretPart.from_mnemonic(ABANDON, part.signer.crypto_type))
        signature = part.signer.sign(MESSAGE.encode()).hex()
        parts.append(part)
        jobs.append({"do": "read", "wallet": kind, "hotkey": "h", "password": PASSWORD, "message": MESSAGE,
                     "signature": signature})  # fmt: skip
    for kind, part, answer in zip(KINDS, parts, ask(folder, jobs), strict=True):
        assert "error" not in answer, (kind, answer)
        ss58 = part.signer.ss58
        assert (answer["coldkey"], answer["coldkeypub"], answer["crypto_type"]) == (ss58, ss58, part.signer.crypto_type)
        assert answer["hotkey"] == SecretPart.from_mnemonic(ABANDON, part.signer.crypto_type).signer.ss58
        assert answer["ours_is_good"] and verify(ss58, MESSAGE.encode(), bytes.fromhex(answer["signature"])), kind


async def test_theirs_are_opened_by_us(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "wallets"
    jobs = [
        {"do": "make", "wallet": f"w {words} {scheme}", "hotkey": "h", "words": words, "crypto_type": scheme,
         "password": PASSWORD, "message": MESSAGE, "lock_hotkey": words == 24}
        for words, scheme in ((12, SR25519), (24, SR25519), (12, ED25519))
    ]  # fmt: skip
    answers = ask(folder, jobs)
    listed = {wallet.name: wallet for wallet in list_wallets(folder)}
    for job, answer in zip(jobs, answers, strict=True):
        assert "error" not in answer, answer
        wallet = listed[job["wallet"]]
        assert (wallet.coldkey_ss58, wallet.problem, wallet.coldkey) == (answer["coldkey"], None, KeyForm.ENCRYPTED)
        secret = await wallets.open_coldkey(wallet.path, PASSWORD)
        assert secret.signer.ss58 == answer["coldkey"] and len((secret.phrase or "").split()) == job["words"]
        assert messages.verify_message(answer["coldkey"], MESSAGE, answer["signature"]).valid
        (hotkey,) = wallet.hotkeys
        assert hotkey.form is (KeyForm.ENCRYPTED if job["lock_hotkey"] else KeyForm.PLAIN)
        assert (await wallets.unlock_hotkey(wallet.path, "h", PASSWORD)).ss58 == hotkey.ss58


async def test_btcli_lists_signs_and_verifies_with_us(tmp_path: Path) -> None:
    btcli = environment("bittensor").with_name("btcli")
    folder = tmp_path / "wallets"
    part = SecretPart.from_mnemonic(ABANDON)
    wallets.add_watch_only(folder, "w", SecretPart.from_mnemonic(DEV).signer.ss58)
    await storing.store_hotkey(folder / "w", "h", part)

    def run(*arguments: str) -> Any:
        command = [str(btcli), "wallet", *arguments, "--json", "--wallet-path", str(folder), "-w", "w", "-H", "h"]
        env = {**os.environ, "HOME": str(tmp_path), "COLUMNS": "400"}
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    assert part.signer.ss58 in json.dumps(run("list"))
    signed = run("sign", "--use-hotkey", "--message", MESSAGE)
    assert messages.verify_message(signed["signer_address"], MESSAGE, signed["signed_message"]).valid
    for wrap in (False, True):
        ours = messages.sign_message(part.signer, MESSAGE, wrap=wrap)
        arguments = ("--message", MESSAGE, "--signature", ours.signed_message, "--ss58", ours.signer_address)
        assert "true" in json.dumps(run("verify", *arguments)).lower()
    assert files.read_public(folder / "w" / "coldkeypub.txt").ss58
