"""Wallet folders in the ecosystem's own layout: list them without dying of one, create, add, unlock.

``<folder>/<wallet>/coldkey`` (encrypted), ``coldkeypub.txt``, ``hotkeys/<name>`` (plain), ``hotkeys/<name>pub.txt``.
Nothing is ever overwritten; a new wallet appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from ranvier.core.errors import KeyFileError, StorageError
from ranvier.core.files import storage_errors
from ranvier.core.paths import private_folder
from ranvier.keys import addresses, encryption, files, names, permissions
from ranvier.keys.encryption import FULL_COST, Cost, Encryption, OnAttempt
from ranvier.keys.files import KeyTroubleError, PublicPart, SecretPart, Trouble
from ranvier.keys.listing import (
    COLDKEY,
    COLDKEYPUB,
    HOTKEYS,
    Hotkey,
    KeyForm,
    Wallet,
    hotkey_path,
    list_wallets,
    public_path,
    read_wallet,
)
from ranvier.keys.signing import SR25519, LocalSigner

__all__ = [
    "Hotkey",
    "KeyForm",
    "Wallet",
    "add_hotkey",
    "add_watch_only",
    "create_wallet",
    "list_wallets",
    "load_hotkey",
    "make_wallet",
    "open_coldkey",
    "open_key",
    "read_wallet",
    "unlock_coldkey",
    "unlock_hotkey",
]


async def create_wallet(
    folder: Path,
    name: str,
    mnemonic: str,
    password: str,
    hotkey_name: str,
    hotkey_mnemonic: str,
    *,
    _cost: Cost = FULL_COST,
) -> Wallet:
    """Make ``folder/name`` with an encrypted coldkey and a plain hotkey, and read it back. Takes some seconds.

    Raises MnemonicError, KeyFileError (name, existing wallet, empty password, memory) or StorageError; then
    nothing was made.
    """
    name, hotkey_name = names.check_name(name), names.check_name(hotkey_name)
    coldkey, hotkey = SecretPart.from_mnemonic(mnemonic), SecretPart.from_mnemonic(hotkey_mnemonic)
    if not password:
        raise KeyFileError("No password", "A coldkey is never stored without a password.", "Choose one.")
    if coldkey.signer.public_key == hotkey.signer.public_key:
        raise KeyFileError("Same phrase twice", "Coldkey and hotkey must not be the same key.", "Use another phrase.")
    _refuse_taken(folder, name)
    key = await encryption.derive(password, _cost)

    def fill(draft: Path) -> None:
        files.write_new(draft / COLDKEY, encryption.encrypt(files.secret_json(coldkey), key))
        files.write_new(draft / COLDKEYPUB, files.public_json(coldkey.public))
        _write_hotkey(draft, hotkey_name, hotkey)
        stored = files.parse_secret(encryption.decrypt(files.read_bytes(draft / COLDKEY), key))
        if stored.signer.ss58 != coldkey.signer.ss58:
            raise KeyFileError("Not written", "The coldkey could not be read back.", "Check the disk.")

    return make_wallet(folder, name, fill)


def make_wallet(folder: Path, name: str, fill: Callable[[Path], None]) -> Wallet:
    """A new wallet from what ``fill(draft)`` writes: it appears whole under its name, or not at all."""
    _refuse_taken(folder, name)
    with _new_folder(folder, name) as draft:
        fill(draft)
    return _checked(folder / name)


def add_watch_only(folder: Path, name: str, coldkey_ss58: str) -> Wallet:
    """Make ``folder/name`` with the coldkey's address only: it can be watched and mined for, but not spent from."""
    name = names.check_name(name)
    public = PublicPart(coldkey_ss58, addresses.public_key(coldkey_ss58), SR25519)
    return make_wallet(folder, name, lambda draft: files.write_new(draft / COLDKEYPUB, files.public_json(public)))


def add_hotkey(wallet_path: Path, hotkey_name: str, mnemonic: str, *, crypto_type: int = SR25519) -> Hotkey:
    """Add a plain hotkey with its public file to a wallet; raises KeyFileError when the name is taken."""
    hotkey_name = names.check_name(hotkey_name)
    secret = SecretPart.from_mnemonic(mnemonic, crypto_type)
    if not wallet_path.is_dir():
        raise KeyTroubleError(Trouble.MISSING, "No such wallet", f"{wallet_path} does not exist.")
    for entry in (hotkey_name, f"{hotkey_name}pub.txt"):
        found = names.taken(wallet_path / HOTKEYS, entry)
        if found is not None:
            raise KeyTroubleError(
                Trouble.EXISTS, "Name taken", f"{wallet_path / HOTKEYS / found} exists.", "Choose another name."
            )
    _write_hotkey(wallet_path, hotkey_name, secret)
    return next(h for h in read_wallet(wallet_path).hotkeys if h.name == hotkey_name)


async def unlock_coldkey(
    wallet_path: Path, password: str, *, on_attempt: OnAttempt | None = None, _cost: Cost = FULL_COST
) -> LocalSigner:
    """The coldkey, decrypted in a worker thread (some seconds, 526 MB; ``on_attempt(number, of)`` before each try).

    Raises WrongPasswordError, or KeyFileError for a file that is missing, damaged, foreign or of another key than
    ``coldkeypub.txt`` (what is shown would not be what is signed with).
    """
    return (await open_coldkey(wallet_path, password, on_attempt=on_attempt, _cost=_cost)).signer


async def open_coldkey(
    wallet_path: Path, password: str, *, on_attempt: OnAttempt | None = None, _cost: Cost = FULL_COST
) -> SecretPart:
    """The same with the phrase or seed that the file keeps: for writing it anew, or showing it to its owner."""
    secret = await open_key(wallet_path / COLDKEY, password, on_attempt=on_attempt, _cost=_cost)
    public = files.read_public_or_none(wallet_path / COLDKEYPUB)
    if public is not None and public.public_key != secret.signer.public_key:
        secret.signer.wipe()
        raise KeyTroubleError(
            Trouble.MISMATCH,
            "Two different keys",
            f"The coldkey is {secret.signer.ss58}, but coldkeypub.txt says {public.ss58}.",
            "Find out which is yours before anything is signed; neither file was changed.",
        )
    return secret  # without a public file: it can be made again from this key; the listing shows the trouble


async def unlock_hotkey(
    wallet_path: Path,
    hotkey_name: str,
    password: str,
    *,
    on_attempt: OnAttempt | None = None,
    _cost: Cost = FULL_COST,
) -> LocalSigner:
    """A hotkey that is stored with a password."""
    path = hotkey_path(wallet_path, hotkey_name)
    return (await open_key(path, password, on_attempt=on_attempt, _cost=_cost)).signer


def load_hotkey(wallet_path: Path, hotkey_name: str) -> LocalSigner:
    """A plain hotkey, ready to sign; raises KeyFileError."""
    path = hotkey_path(wallet_path, hotkey_name)
    return files.parse_secret(files.read_bytes(path), _key_beside(path)).signer


async def open_key(
    path: Path, password: str, *, on_attempt: OnAttempt | None = None, _cost: Cost = FULL_COST
) -> SecretPart:
    """Any Bittensor key file, wherever it lies; the password is not used for a plain one.

    Raises WrongPasswordError, KeyFileError.
    """
    data = files.read_bytes(path)
    if encryption.form_of(data) is not Encryption.NONE:
        data = await encryption.open_with_password(data, password, _cost, on_attempt=on_attempt)
    return files.parse_secret(data, _key_beside(path))


def _key_beside(path: Path) -> bytes | None:
    public = files.read_public_or_none(public_path(path))
    return public.public_key if public is not None else None


def _write_hotkey(wallet_path: Path, name: str, secret: SecretPart) -> None:
    files.write_new(wallet_path / HOTKEYS / name, files.secret_json(secret))
    files.write_new(wallet_path / HOTKEYS / f"{name}pub.txt", files.public_json(secret.public))


def _refuse_taken(folder: Path, name: str) -> None:
    found = names.taken(folder, name)
    if found is not None:
        raise KeyTroubleError(
            Trouble.EXISTS, "Wallet exists", f"{folder / found} exists and was left as it is.", "Choose another name."
        )


def _checked(path: Path) -> Wallet:
    wallet = read_wallet(path)
    if wallet.problem is not None:
        raise KeyFileError("Wallet not sound", f"{path} was written, but: {wallet.problem}")
    return wallet


class _new_folder:  # noqa: N801  # a context manager, used like a function
    """A draft folder that becomes ``folder/name`` by one rename, or disappears."""

    def __init__(self, folder: Path, name: str) -> None:
        self._target = folder / name
        self._draft = folder / f".{secrets.token_hex(4)}.tmp"

    def __enter__(self) -> Path:
        with storage_errors(self._target):
            private_folder(self._draft)
        with contextlib.suppress(StorageError):  # a file system without modes; the custody check speaks of it
            permissions.make_private(self._draft)
        return self._draft

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                _rename_new(self._draft, self._target)
        finally:
            shutil.rmtree(self._draft, ignore_errors=True)


def _rename_new(draft: Path, target: Path) -> None:
    with storage_errors(target):
        if os.path.lexists(target):
            raise KeyTroubleError(
                Trouble.EXISTS, "Wallet exists", f"{target} appeared meanwhile and was left as it is."
            )
        try:
            draft.rename(target)
        except OSError as error:
            raise StorageError("Wallet not made", f"{target}: {error.strerror}.") from error
        if os.name == "posix":
            descriptor = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
