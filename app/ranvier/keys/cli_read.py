"""The commands of ``ranvier keys`` that change nothing: list, show, check, verify."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ranvier.core.errors import KeyFileError
from ranvier.keys import cli_io, custody, custody_facts, messages, strength, wallets
from ranvier.keys.cli_io import out, out_json, secret, waiting
from ranvier.keys.content import KeyTroubleError, SecretPart, Trouble
from ranvier.keys.drill import Drills
from ranvier.keys.folders import WalletFolder
from ranvier.keys.listing import COLDKEY, KeyForm, Wallet, hotkey_path, iter_wallets, read_wallet
from ranvier.keys.signing import SCHEME_NAMES
from ranvier.keys.strength import Strength

_FORMS = {
    KeyForm.NONE: "watch-only",
    KeyForm.ENCRYPTED: "encrypted",
    KeyForm.PLAIN: "NOT ENCRYPTED",
    KeyForm.UNREADABLE: "unreadable",
}


def list_command(options: Namespace) -> int:
    drills = Drills(options.paths)
    if options.json:
        whole = [
            {"path": str(f.path), "why": f.why, "ignored": list(f.ignored), "wallets": _rows(f, drills)}
            for f in options.folders
        ]
        out_json({"folders": whole})
        return 0
    for folder in options.folders:
        out(f"{folder.path}  ({folder.why})")
        for sentence in folder.ignored:
            out(f"  ! {sentence}")
        for number, wallet in enumerate(iter_wallets(folder.path)):
            _print_wallet(wallet)
            if number == 0:
                sys.stdout.flush()  # the first row shows before the last file was read
    return 0


def show(options: Namespace) -> int | Coroutine[None, None, int]:
    if options.reveal:
        return _reveal(options)
    wallet = read_wallet(find(options.folders, options.wallet))
    drills = Drills(options.paths)
    if options.json:
        out_json(wallet_data(wallet, drills))
        return 0
    _print_wallet(wallet)
    out(f"  folder    {wallet.path}")
    verified = drills.verified_on(wallet.coldkey_ss58) if wallet.coldkey_ss58 is not None else None
    out(f"  backup    {f'verified on {verified}' if verified else 'never verified here'}")
    return 0


async def _reveal(options: Namespace) -> int:
    """The one command that prints a secret: to a person, at a terminal."""
    cli_io.insist_on_terminal()
    path = find(options.folders, options.wallet)
    secret_path = path / COLDKEY if options.hotkey is None else hotkey_path(path, options.hotkey)
    wallet = read_wallet(path)
    plain = KeyForm.PLAIN in (h.form for h in wallet.hotkeys if h.name == options.hotkey)
    if options.hotkey is None:
        plain = wallet.coldkey is KeyForm.PLAIN
    password = "" if plain else secret(options.password_fd, f"Password of {wallet.name}", "--password-fd")
    key = await wallets.open_key(secret_path, password, on_attempt=waiting)
    with key.signer:
        _print_phrase(key)
    return 0


def _print_phrase(key: SecretPart) -> None:
    out(f"The recovery phrase of {key.signer.ss58}. Write it down; whoever reads it has the key.\n")
    if key.phrase is None:
        kept = key.seed or key.signer.private_key()
        out(f"  This key was not made from words. Its {'seed' if key.seed else 'private key'}:\n\n  0x{kept.hex()}\n")
        return
    words = key.phrase.split()
    rows = -(-len(words) // 3)
    for row in range(rows):
        cells = [f"{n + 1:>4}. {words[n]:<10}" for n in range(row, len(words), rows)]
        out("".join(cells).rstrip())
    out("")


async def check(options: Namespace) -> int:
    strengths: dict[Path, Strength] = {}
    if options.wallet is not None:
        path = find(options.folders, options.wallet)
        password = secret(options.password_fd, f"Password of {path.name}", "--password-fd")
        (await wallets.unlock_coldkey(path, password, on_attempt=waiting)).wipe()
        judged = strength.judge(password, (path.name,))
        if judged is not None:
            strengths[path] = judged
    facts = custody_facts.gather([f.path for f in options.folders], options.paths, strengths=strengths)
    findings = custody.check(facts)
    if options.json:
        rows = [{**asdict(f), "path": str(f.path), "fix_words": custody.FIX_WORDS[f.fix] if f.fix else None}
                for f in findings]  # fmt: skip
        out_json({"wallets": len(facts.wallets), "miners": len(facts.miners), "findings": rows})
    else:
        for finding in findings:
            out(f"{finding.level.upper():<8} {finding.what}")
            out(f"         {finding.why}" + (f" -> {custody.FIX_WORDS[finding.fix]}" if finding.fix else ""))
        out(f"{len(facts.wallets)} wallets and {len(facts.miners)} miners looked at: {len(findings)} findings.")
    return 1 if custody.worst(findings) is custody.Level.DANGER else 0


def verify(options: Namespace) -> int:
    verdict = messages.verify_message(options.address, message_of(options), options.signature)
    if options.json:
        out_json({"valid": verdict.valid, "scheme": verdict.scheme, "wrapped": verdict.wrapped})
    else:
        wrapped = ", wrapped by a browser wallet" if verdict.wrapped else ""
        out(f"good signature ({verdict.scheme}{wrapped})" if verdict.valid else "NOT a signature by this address")
    return 0 if verdict.valid else 1


def find(folders: Sequence[WalletFolder], name: str) -> Path:
    """The wallet's folder in the first folder that has it; raises KeyFileError with the places looked at."""
    if Path(name).name != name or name in ("", ".", "..") or "\0" in name:
        raise KeyFileError("Not a name", f"{name!r} is not the name of a wallet.", "Give the folder with --folder.")
    for folder in folders:
        if (folder.path / name).is_dir():
            return folder.path / name
    places = ", ".join(f"{folder.path} ({folder.why})" for folder in folders)
    raise KeyTroubleError(Trouble.MISSING, "No such wallet", f"There is no wallet {name!r} in {places}.")


def message_of(options: Namespace) -> bytes:
    """The message's bytes from ``--message`` or ``--message-file``."""
    if (options.message is None) == (options.message_file is None):
        raise KeyFileError("No message", "Give the message with --message or --message-file.")
    if options.message is not None:
        return str(options.message).encode("utf-8", "surrogateescape")
    try:
        return bytes(options.message_file.read_bytes())
    except OSError as error:
        raise KeyFileError("No message", f"{options.message_file}: {error.strerror}.") from error


def wallet_data(wallet: Wallet, drills: Drills) -> dict[str, Any]:
    """A wallet as plain data for ``--json``; unknown is null."""
    verified = drills.verified_on(wallet.coldkey_ss58) if wallet.coldkey_ss58 is not None else None
    return {
        "name": wallet.name,
        "path": str(wallet.path),
        "coldkey_ss58": wallet.coldkey_ss58,
        "coldkey": str(wallet.coldkey),
        "encryption": str(wallet.encryption) if wallet.encryption is not None else None,
        "scheme": _scheme(wallet.crypto_type),
        "watch_only": wallet.watch_only,
        "backup_verified_on": verified.isoformat() if verified else None,
        "problems": list(wallet.problems),
        "hotkeys": [
            {"name": h.name, "ss58": h.ss58, "form": str(h.form), "scheme": _scheme(h.crypto_type),
             "problem": h.problem}
            for h in wallet.hotkeys
        ],
    }  # fmt: skip


def _rows(folder: WalletFolder, drills: Drills) -> list[dict[str, Any]]:
    return [wallet_data(wallet, drills) for wallet in iter_wallets(folder.path)]


def _print_wallet(wallet: Wallet) -> None:
    form = "no coldkey" if wallet.coldkey is KeyForm.NONE and not wallet.watch_only else _FORMS[wallet.coldkey]
    out(f"{_safe(wallet.name)}  {wallet.coldkey_ss58 or 'address unknown'}  {form}{_other(wallet.crypto_type)}")
    for problem in wallet.problems:
        out(f"  ! {_safe(problem)}")
    for hotkey in wallet.hotkeys:
        remark = {KeyForm.ENCRYPTED: "  encrypted", KeyForm.NONE: "  address only"}.get(hotkey.form, "")
        out(f"  {_safe(hotkey.name)}  {hotkey.ss58 or 'address unknown'}{remark}{_other(hotkey.crypto_type)}")
        if hotkey.problem is not None:
            out(f"    ! {_safe(hotkey.problem)}")


def _scheme(crypto_type: int | None) -> str | None:
    return SCHEME_NAMES.get(crypto_type) if crypto_type is not None else None


def _other(crypto_type: int | None) -> str:
    return "  ed25519" if _scheme(crypto_type) == "ed25519" else ""


def _safe(text: str) -> str:
    """Names come from folders that others may have filled: no control character reaches the terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]", "\ufffd", text)
