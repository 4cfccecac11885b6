"""The commands of ``ranvier keys`` that write or use a key: create, import, export-public, sign, drill."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ranvier.core.errors import KeyFileError
from ranvier.keys import (
    addresses,
    files,
    importing,
    messages,
    miner_wallet,
    mnemonic,
    names,
    offline,
    qr,
    storing,
    strength,
    wallets,
)
from ranvier.keys import (
    drill as drills,
)
from ranvier.keys.cli_io import confirmation, new_password, note, out, out_json, secret, waiting
from ranvier.keys.cli_read import find, message_of, wallet_data
from ranvier.keys.content import SecretPart
from ranvier.keys.listing import COLDKEYPUB, HOTKEYS, KeyForm, Wallet, hotkey_path, public_path, read_wallet
from ranvier.keys.signing import ED25519, SR25519, LocalSigner

_SCHEMES = {"sr25519": SR25519, "ed25519": ED25519}


async def create(options: Namespace) -> int:
    """A new phrase goes into the encrypted file only; ``show --reveal`` shows it to its owner."""
    folder, scheme = options.folders[0].path, _SCHEMES[options.scheme]
    for name in (options.wallet, options.hotkey):
        names.check_name(name)
    password = _strong_password(options)
    made = SecretPart.from_mnemonic(mnemonic.generate(options.words), scheme)
    note("Encrypting the coldkey: this takes some seconds.")
    wallet = await storing.store_coldkey(
        folder, options.wallet, made, password, replace_confirmed=confirmation(options, options.wallet)
    )
    if not options.no_hotkey and not any(h.name == options.hotkey for h in wallet.hotkeys):
        await storing.store_hotkey(wallet.path, options.hotkey, SecretPart.from_mnemonic(mnemonic.generate(), scheme))
        wallet = read_wallet(wallet.path)
    _report(options, wallet)
    note(f"Now write its recovery phrase down: ranvier keys show {options.wallet} --reveal")
    return 0


async def import_key(options: Namespace) -> int:
    """From words, seed, private key or a file; or only an address, to watch."""
    folder = options.folders[0].path
    if options.address is not None:
        _report(options, wallets.add_watch_only(folder, options.wallet, options.address))
        return 0
    found = await _imported(options)
    note(f"Its address is {found.signer.ss58}")
    if options.expect is not None and addresses.public_key(options.expect) != found.signer.public_key:
        raise KeyFileError(
            "Another address",
            f"This key has the address {found.signer.ss58}, not {options.expect}; nothing was written.",
            "Look for the scheme, a BIP-39 password or a derivation path that made the address.",
        )
    if options.hotkey is None:
        password = _strong_password(options)
        await storing.store_coldkey(
            folder, options.wallet, found, password, replace_confirmed=confirmation(options, options.wallet)
        )
    else:
        await storing.store_hotkey(
            folder / options.wallet,
            options.hotkey,
            found,
            password=_strong_password(options) if options.encrypt_hotkey else None,
            replace_confirmed=confirmation(options, options.wallet),
        )
    _report(options, read_wallet(find(options.folders, options.wallet)))
    return 0


async def _imported(options: Namespace) -> SecretPart:
    scheme = _SCHEMES[options.scheme]
    if options.file is None:
        _refuse_same_descriptor(options.mnemonic_fd, options.password_fd)
        return importing.from_text(
            secret(options.mnemonic_fd, "Recovery phrase, seed or private key", "--mnemonic-fd"), scheme
        )
    kind = importing.kind_of_file(options.file)
    _refuse_same_descriptor(options.file_password_fd, options.password_fd)
    password = ""
    if kind.needs_password:
        password = secret(options.file_password_fd, f"Password of the file ({kind})", "--file-password-fd")
    return await importing.from_file(options.file, password, scheme, on_attempt=waiting)


def export_public(options: Namespace) -> int:
    """The public halves written anew from what they mean, so that no secret can travel inside one of them."""
    path = find(options.folders, options.wallet)
    if options.for_miner is not None:
        target = miner_wallet.export_for_miner(path, options.for_miner, options.destination)
    else:
        target = options.destination / path.name
        parts = {target / COLDKEYPUB: files.read_public(path / COLDKEYPUB)}
        for hotkey in read_wallet(path).hotkeys:
            public = files.read_public_or_none(public_path(hotkey.path))
            if public is None and hotkey.form is KeyForm.PLAIN:
                public = files.read_public_or_none(hotkey.path)
            if public is not None:
                parts[target / HOTKEYS / public_path(hotkey.path).name] = public
        for place, part in parts.items():
            there = files.read_public_or_none(place)
            if there is None or there.holds_secret or there.public_key != part.public_key:
                files.write_new(place, files.public_json(part))
    written = sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())
    if options.json:
        out_json({"folder": str(target), "files": written})
    else:
        out(f"{target}: {', '.join(written)}")
    return 0


async def sign(options: Namespace) -> int:
    path = find(options.folders, options.wallet)
    if options.payload is not None:
        return await _sign_payload(options, path)
    message = message_of(options)
    with await _signer(options, path) as signer:
        signed = messages.sign_message(signer, message, wrap=options.wrap)
    if options.json:
        out_json({"signed_message": signed.signed_message, "signer_address": signed.signer_address})
    else:
        out(f"{signed.signed_message}\nsigned by {signed.signer_address}")
    if options.qr:
        out(qr.terminal(signed.signed_message))
    return 0


async def _sign_payload(options: Namespace, path: Path) -> int:
    payload = offline.load_payload(options.payload)
    lines = [f"Payload {payload.id} for {payload.network or 'a network'} (genesis {payload.genesis_hash})"]
    sys.stderr.write("\n".join([*lines, *(f"  {word}" for word in payload.words)]) + "\n")
    if not options.yes:
        if not sys.stdin.isatty():
            raise KeyFileError("Not signed", "Nobody can be asked here.", "Look at the payload, then add --yes.")
        sys.stderr.write("Sign this? Type yes: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise KeyFileError("Not signed", "You did not type yes.")
    with await _signer(options, path) as signer:
        answer = offline.sign_payload(payload, signer)
    if options.out is not None:
        offline.write(options.out, answer)
    out(offline.encode(answer).decode() if options.json or options.out is None else f"{options.out} written")
    if options.qr:
        out(qr.terminal(offline.encode(answer)))
    return 0


async def _signer(options: Namespace, path: Path) -> LocalSigner:
    wallet = read_wallet(path)
    if options.hotkey is None:
        password = _password(options, wallet.coldkey, path)
        return await wallets.unlock_coldkey(path, password, on_attempt=waiting)
    form = next((h.form for h in wallet.hotkeys if h.name == options.hotkey), KeyForm.NONE)
    password = _password(options, form, hotkey_path(path, options.hotkey))
    return await wallets.unlock_hotkey(path, options.hotkey, password, on_attempt=waiting)


def _password(options: Namespace, form: KeyForm, path: Path) -> str:
    if form is not KeyForm.ENCRYPTED:
        return ""
    return secret(options.password_fd, f"Password of {path.name}", "--password-fd")


async def drill(options: Namespace) -> int:
    wallet = read_wallet(find(options.folders, options.wallet))
    if wallet.coldkey_ss58 is None:
        raise KeyFileError("Address unknown", "Nothing says which address this wallet has.", "Write its public file.")
    if options.file is None:
        text = secret(options.mnemonic_fd, "Recovery phrase, seed or private key", "--mnemonic-fd")
        result = drills.compare_words(text, wallet.coldkey_ss58)
    else:
        password = ""
        if importing.kind_of_file(options.file).needs_password:
            password = secret(options.password_fd, "Password of the backup", "--password-fd")
        result = await drills.compare_file(options.file, password, wallet.coldkey_ss58, on_attempt=waiting)
    day = drills.Drills(options.paths).remember(result)
    if options.json:
        out_json({"matches": True, "coldkey_ss58": wallet.coldkey_ss58, "verified_on": day.isoformat()})
    else:
        out(f"The backup opens {wallet.coldkey_ss58}. Verified on {day}.")
    return 0


def _strong_password(options: Namespace) -> str:
    password = new_password(options)
    if not options.weak_password_ok:
        strength.insist(password, (options.wallet,))
    return password


def _refuse_same_descriptor(one: int | None, other: int | None) -> None:
    if one is not None and one == other:
        raise KeyFileError("One descriptor twice", "Two secrets cannot come from one file descriptor.", "Use 3 and 4.")


def _report(options: Namespace, wallet: Wallet) -> None:
    if options.json:
        out_json(wallet_data(wallet, drills.Drills(options.paths)))
        return
    out(f"{wallet.name}  {wallet.coldkey_ss58 or 'address unknown'}  {wallet.path}")
    for hotkey in wallet.hotkeys:
        out(f"  {hotkey.name}  {hotkey.ss58 or 'address unknown'}")
