"""Writing keys into wallets: new ones, further ones, and the few changes that a stored key may need.

Nothing is overwritten. Replacing a key asks for the wallet's name, typed, and keeps a dated copy of what was there
in ``<wallet>/replaced-keys/``; taking the coldkey off a machine asks for a backup that was verified.
"""

from __future__ import annotations

import datetime
import os
import unicodedata
from pathlib import Path

from ranvier.core.errors import KeyFileError
from ranvier.core.files import storage_errors
from ranvier.core.paths import private_folder
from ranvier.keys import encryption, files, names, wallets
from ranvier.keys.content import KeyTroubleError, PublicPart, SecretPart, Trouble
from ranvier.keys.encryption import FULL_COST, Cost, Encryption
from ranvier.keys.listing import COLDKEY, COLDKEYPUB, HOTKEYS, Hotkey, Wallet, hotkey_path, public_path, read_wallet

REPLACED = "replaced-keys"


async def store_coldkey(
    folder: Path,
    name: str,
    secret: SecretPart,
    password: str,
    *,
    replace_confirmed: str | None = None,
    _cost: Cost = FULL_COST,
) -> Wallet:
    """Encrypt ``secret`` as the coldkey of ``folder/name`` and read it back. Takes some seconds.

    The wallet may be new, or one that knows this coldkey by its address only. A coldkey that is there, or another
    address, is replaced only when ``replace_confirmed`` is the wallet's name as typed; a dated copy stays.
    Raises KeyFileError (name, EXISTS, MISMATCH, no password, memory) or StorageError; then nothing was changed.
    """
    name = names.check_name(name)
    _insist_on_password(password)
    found = names.taken(folder, name)
    if found is None:
        key = await encryption.derive(password, _cost)
        return wallets.make_wallet(folder, name, lambda draft: _place_coldkey(draft, secret, key))
    if unicodedata.normalize("NFC", found) != name:
        raise KeyTroubleError(Trouble.EXISTS, "Wallet exists", f"{folder / found} exists.", "Choose another name.")
    path = folder / found
    occupied = _others_there(path / COLDKEY, secret)
    if occupied is not None:
        _insist_on_confirmation(path, replace_confirmed, occupied)
    key = await encryption.derive(password, _cost)
    if occupied is not None:
        keep_copies(path, path / COLDKEY, path / COLDKEYPUB)
    _place_coldkey(path, secret, key, over=occupied is not None)
    return read_wallet(path)


async def store_hotkey(
    wallet_path: Path,
    hotkey_name: str,
    secret: SecretPart,
    *,
    password: str | None = None,
    replace_confirmed: str | None = None,
    _cost: Cost = FULL_COST,
) -> Hotkey:
    """Write ``secret`` as a hotkey, plain (as miners need it) or with a password; the wallet's folder is made if
    there is none. Replacing one asks for the wallet's name as ``replace_confirmed``. Raises KeyFileError."""
    hotkey_name = names.check_name(hotkey_name)
    names.check_name(wallet_path.name)
    if password is not None:
        _insist_on_password(password)
    coldkey = files.read_public_or_none(wallet_path / COLDKEYPUB)
    if coldkey is not None and coldkey.public_key == secret.signer.public_key:
        raise KeyFileError("Hotkey is the coldkey", "Coldkey and hotkey must not be the same key.", "Use another key.")
    for entry in (hotkey_name, f"{hotkey_name}pub.txt"):
        found = names.taken(wallet_path / HOTKEYS, entry)
        if found not in (None, entry):
            raise KeyTroubleError(
                Trouble.EXISTS, "Name taken", f"{wallet_path / HOTKEYS / found} exists.", "Choose another name."
            )
    path = hotkey_path(wallet_path, hotkey_name)
    occupied = _others_there(path, secret)
    if occupied is not None:
        _insist_on_confirmation(wallet_path, replace_confirmed, occupied)
    data = files.secret_json(secret)
    if password is not None:
        data = encryption.encrypt(data, await encryption.derive(password, _cost))
    if occupied is not None:
        keep_copies(wallet_path, path, public_path(path))
    _write(path, data, over=occupied is not None)
    _place_public(public_path(path), secret.public)
    return next(h for h in read_wallet(wallet_path).hotkeys if h.name == hotkey_name)


async def encrypt_coldkey(
    wallet_path: Path, old_password: str, new_password: str, *, _cost: Cost = FULL_COST
) -> Wallet:
    """Write the same coldkey anew under ``new_password``: for a plain one, an older encryption, a weak password.

    A copy would keep the weakness, so none stays: the new file is opened again before it takes the old one's place.
    """
    _insist_on_password(new_password)
    secret = await wallets.open_coldkey(wallet_path, old_password, _cost=_cost)
    with secret.signer:
        key = await encryption.derive(new_password, _cost)
        data = encryption.encrypt(files.secret_json(secret), key)
        _insist_same(files.parse_secret(encryption.decrypt(data, key)), secret)
        files.write_over(wallet_path / COLDKEY, data)
        _insist_same(files.parse_secret(encryption.decrypt(files.read_bytes(wallet_path / COLDKEY), key)), secret)
    return read_wallet(wallet_path)


async def restore_public(
    wallet_path: Path, password: str, hotkey_name: str | None = None, *, _cost: Cost = FULL_COST
) -> Wallet:
    """Write the missing public file of the coldkey (or of a hotkey) from its secret. A sound one is left; one that
    holds the secret, only bare hex or another network's prefix is written anew. Raises KeyFileError, MISMATCH for
    one of another key."""
    path = wallet_path / COLDKEY if hotkey_name is None else hotkey_path(wallet_path, hotkey_name)
    secret = await wallets.open_key(path, password, _cost=_cost)
    with secret.signer:
        target = public_path(path)
        try:
            there: PublicPart | None = files.read_public(target)
        except KeyTroubleError as error:
            if error.trouble not in (Trouble.MISSING, Trouble.CORRUPT):
                raise
            there = None
        if there is not None and there.public_key != secret.signer.public_key:
            raise KeyTroubleError(
                Trouble.MISMATCH, "Another key is there", f"{target} belongs to another key and was left as it is."
            )
        if there is not None and there.note is not None and not there.holds_secret:
            keep_copies(wallet_path, target)  # bare hex or another prefix: other tools show a wrong address for it
            files.write_over(target, files.public_json(secret.public))
        elif there is None or there.holds_secret:
            _place_public(target, secret.public)
    return read_wallet(wallet_path)


def make_watch_only(wallet_path: Path, *, confirmed: str, verified_on: datetime.date | None) -> Wallet:
    """Take the coldkey's secret off this machine; its address stays, so that mining goes on.

    ``confirmed`` is the wallet's name as typed; ``verified_on`` is when its backup was last verified
    (``drill.Drills.verified_on``). Without either, or without a sound public file, nothing is touched.
    """
    wallet = read_wallet(wallet_path)
    if verified_on is None:
        raise KeyFileError(
            "Backup not verified",
            f"Nobody has verified the backup of {wallet.name} here, and after this the backup is all there is.",
            "Do the restore drill first.",
        )
    _insist_on_confirmation(wallet_path, confirmed, "The coldkey leaves this machine")
    if files.read_public(wallet_path / COLDKEYPUB).holds_secret:
        raise KeyFileError("Public file not sound", "coldkeypub.txt holds the secret.", "Write it anew first.")
    secret = wallet_path / COLDKEY
    with storage_errors(secret):
        secret.unlink(missing_ok=True)
    return read_wallet(wallet_path)


def keep_copies(wallet_path: Path, *paths: Path) -> Path:
    """Copy what is at ``paths`` into a dated folder of the wallet and return that folder. Raises before any change
    where something cannot be kept (a link, a folder, a key type that is not known)."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
    target = wallet_path / REPLACED / stamp
    kept: list[tuple[Path, bytes]] = []
    for path in paths:
        try:
            kept.append((target / path.relative_to(wallet_path), files.read_bytes(path)))
        except KeyTroubleError as error:
            if error.trouble is not Trouble.MISSING or path.is_symlink():
                raise
    with storage_errors(target):
        private_folder(target)
    for path, data in kept:
        files.write_new(path, data)
    return target


def _others_there(path: Path, secret: SecretPart) -> str | None:
    """What stands in the way of writing ``secret`` to ``path``, in words; None when nothing is lost by it."""
    try:
        files.read_bytes(path)
    except KeyTroubleError as error:
        if error.trouble is not Trouble.MISSING or path.is_symlink():
            raise  # never written through or over
        try:
            public = files.read_public(public_path(path))
        except KeyTroubleError as missing:
            if missing.trouble is Trouble.MISSING:
                return None
            raise
        return None if public.public_key == secret.signer.public_key else f"Its address is {public.ss58}"
    _refuse_unsupported(path)
    _refuse_unsupported(public_path(path))
    return f"{path} exists"


def _refuse_unsupported(path: Path) -> None:
    """A key of a type that we do not know is never written over, not even with a copy kept."""
    try:
        data = files.read_bytes(path)
        if encryption.form_of(data) is Encryption.NONE:
            files.parse_public(data)
    except KeyTroubleError as error:
        if error.trouble is Trouble.UNSUPPORTED:
            raise


def _insist_on_confirmation(wallet_path: Path, typed: str | None, reason: str) -> None:
    if typed != wallet_path.name:
        raise KeyTroubleError(
            Trouble.EXISTS,
            "Not replaced",
            f"{reason}; nothing was changed.",
            f"If this is what you want, type the wallet's name: {wallet_path.name}",
        )


def _insist_on_password(password: str) -> None:
    if not password:
        raise KeyFileError("No password", "A coldkey is never stored without a password.", "Choose one.")


def _insist_same(one: SecretPart, other: SecretPart) -> None:
    if one.signer.public_key != other.signer.public_key:
        raise KeyFileError("Not written", "The key could not be read back.", "Check the disk.")


def _place_coldkey(folder: Path, secret: SecretPart, key: bytes, *, over: bool = False) -> None:
    _write(folder / COLDKEY, encryption.encrypt(files.secret_json(secret), key), over=over)
    _insist_same(files.parse_secret(encryption.decrypt(files.read_bytes(folder / COLDKEY), key)), secret)
    _place_public(folder / COLDKEYPUB, secret.public)


def _place_public(path: Path, public: PublicPart) -> None:
    there = files.read_public_or_none(path)
    if there is None or there.public_key != public.public_key or there.holds_secret:
        _write(path, files.public_json(public), over=os.path.lexists(path))


def _write(path: Path, data: bytes, *, over: bool) -> None:
    if over:
        files.write_over(path, data)
    else:
        files.write_new(path, data)
