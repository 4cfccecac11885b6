"""What a miner gets to see: its hotkey and the coldkey's address, in a folder of its own. Never the coldkey."""

from __future__ import annotations

from pathlib import Path

from ranvier.core.errors import KeyFileError
from ranvier.keys import encryption, files
from ranvier.keys.encryption import Encryption
from ranvier.keys.files import KeyTroubleError, PublicPart, SecretPart, Trouble
from ranvier.keys.listing import COLDKEYPUB, HOTKEYS, hotkey_path


def export_for_miner(wallet_path: Path, hotkey_name: str, destination_folder: Path) -> Path:
    """Write exactly ``coldkeypub.txt``, ``hotkeys/<name>`` and ``hotkeys/<name>pub.txt`` below
    ``destination_folder/<wallet name>`` and return that folder.

    The files are written anew from what they mean, so nothing else that lay in them travels. Doing it again
    changes nothing; another key under the same name is refused with KeyFileError.
    """
    public = _public_half(wallet_path)
    data = files.read_bytes(hotkey_path(wallet_path, hotkey_name))
    if encryption.form_of(data) is not Encryption.NONE:
        raise KeyFileError(
            "Hotkey has a password",
            f"The hotkey {hotkey_name} is encrypted, and a miner cannot type a password.",
            "Use a hotkey without a password for mining.",
        )
    secret = files.parse_secret(data)
    if secret.signer.public_key == public.public_key:
        raise KeyFileError(
            "Hotkey is the coldkey", "This hotkey is the coldkey itself; it is not given to a miner.", "Use another."
        )
    target = destination_folder / wallet_path.name
    names = {COLDKEYPUB, f"{HOTKEYS}/{hotkey_name}", f"{HOTKEYS}/{hotkey_name}pub.txt"}
    _refuse_others(target, names)
    _place_public(target / COLDKEYPUB, public)
    _place_secret(target / HOTKEYS / hotkey_name, secret)
    _place_public(target / HOTKEYS / f"{hotkey_name}pub.txt", secret.public)
    return target


def _public_half(wallet_path: Path) -> PublicPart:
    found = files.parse_public(files.read_bytes(wallet_path / COLDKEYPUB))
    return PublicPart(found.ss58, found.public_key, found.crypto_type)


def _refuse_others(target: Path, names: set[str]) -> None:
    here = (
        {str(p.relative_to(target).as_posix()) for p in target.rglob("*") if not p.is_dir()}
        if target.is_dir()
        else set()
    )
    others = sorted(here - names)
    if others:
        raise KeyFileError(
            "Folder not empty",
            f"{target} holds other files ({others[0]}).",
            "Give each miner a wallet folder of its own.",
        )


def _place_public(path: Path, public: PublicPart) -> None:
    try:
        there = files.parse_public(files.read_bytes(path))
    except KeyTroubleError as error:
        if error.trouble is not Trouble.MISSING:
            raise
        files.write_new(path, files.public_json(public))
        return
    if there.public_key != public.public_key or there.holds_secret:
        raise _other_key(path)


def _place_secret(path: Path, secret: SecretPart) -> None:
    try:
        there = files.parse_secret(files.read_bytes(path))
    except KeyTroubleError as error:
        if error.trouble is not Trouble.MISSING:
            raise
        files.write_new(path, files.secret_json(secret))
        return
    if there.signer.public_key != secret.signer.public_key:
        raise _other_key(path)


def _other_key(path: Path) -> KeyFileError:
    return KeyFileError(
        "Another key is there", f"{path} belongs to another key and was left as it is.", "Remove that miner first."
    )
