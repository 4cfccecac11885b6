"""What lies in a wallet folder. One bad file, link or name never hides the other wallets; nothing is decrypted."""

from __future__ import annotations

import enum
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ranvier.core.errors import KeyFileError, RanvierError
from ranvier.keys import encryption, files, names
from ranvier.keys.encryption import Encryption
from ranvier.keys.files import KeyTroubleError, PublicPart, Trouble

COLDKEY = "coldkey"
COLDKEYPUB = "coldkeypub.txt"
HOTKEYS = "hotkeys"
_PUB = "pub.txt"
_NOT_KEYS = (".lock", ".tmp", "~", ".bak")


class KeyForm(enum.StrEnum):
    """How the secret half of a key is kept."""

    NONE = "none"
    ENCRYPTED = "encrypted"
    PLAIN = "plain"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Hotkey:
    """One hotkey of a wallet. ``ss58`` is None where no file says it; ``problem`` is a sentence."""

    name: str
    path: Path
    ss58: str | None
    form: KeyForm
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Wallet:
    """One wallet folder. ``coldkey`` NONE means watch-only; ``problem`` is the first thing that is wrong, if any."""

    name: str
    path: Path
    coldkey_ss58: str | None
    coldkey: KeyForm
    hotkeys: tuple[Hotkey, ...]
    problem: str | None = None

    @property
    def watch_only(self) -> bool:
        """Whether this folder knows the coldkey by its address only."""
        return self.coldkey is KeyForm.NONE and self.coldkey_ss58 is not None


def list_wallets(folder: Path) -> tuple[Wallet, ...]:
    """Every wallet in ``folder``, in natural order; empty when there is no such folder.

    Raises KeyFileError only when ``folder`` itself may not be read.
    """
    try:
        entries = [e for e in folder.iterdir() if not e.name.startswith(".")]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise KeyFileError(
            "Wallet folder unreadable",
            f"{folder}: {error.strerror}.",
            "Check its permissions or choose another folder.",
        ) from error
    entries.sort(key=lambda entry: names.natural(entry.name))
    wallets = [read_wallet(entry) for entry in entries if _is_wallet(entry)]
    seen = Counter(names.folded(wallet.name) for wallet in wallets)
    return tuple(
        wallet if seen[names.folded(wallet.name)] == 1 else replace(wallet, problem=wallet.problem or _COLLISION)
        for wallet in wallets
    )


_COLLISION = "Another one here has the same name but for capitals; on Windows and macOS they are one."


def read_wallet(path: Path) -> Wallet:
    """One wallet folder as it is now; never raises for what it finds inside."""
    problems: list[str] = []
    form, own = _secret_state(path / COLDKEY, problems)
    public = _public(path / COLDKEYPUB, problems, needed=form in (KeyForm.ENCRYPTED, KeyForm.PLAIN))
    if public is not None and public.holds_secret:
        problems.insert(0, "coldkeypub.txt holds the secret key. Do not copy or share it.")
    if public is not None and public.note:
        problems.append(public.note)
    if own is not None and public is not None and own.public_key != public.public_key:
        problems.insert(0, f"coldkeypub.txt belongs to another key than the coldkey ({own.ss58}).")
    hotkeys = _hotkeys(path / HOTKEYS, problems)
    chosen = public or own
    return Wallet(
        name=path.name,
        path=path,
        coldkey_ss58=chosen.ss58 if chosen is not None else None,
        coldkey=form,
        hotkeys=hotkeys,
        problem=problems[0] if problems else None,
    )


def hotkey_path(wallet_path: Path, name: str) -> Path:
    """The secret file of a hotkey; raises KeyFileError for a name that would leave the folder."""
    if Path(name).name != name or "\\" in name or name in ("", ".", ".."):
        raise KeyFileError("Not a name", f"{name!r} is not the name of a hotkey.")
    return wallet_path / HOTKEYS / name


def _is_wallet(path: Path) -> bool:
    try:
        if not path.is_dir():
            return False
        return any(os.path.lexists(path / name) for name in (COLDKEY, COLDKEYPUB, HOTKEYS))
    except OSError:
        return False


def _secret_state(path: Path, problems: list[str]) -> tuple[KeyForm, PublicPart | None]:
    """How the secret at ``path`` is kept, and the address that its plain content states."""
    try:
        data = files.read_bytes(path)
        encryption.check_shape(data)
        if encryption.form_of(data) is not Encryption.NONE:
            return KeyForm.ENCRYPTED, None
        public = files.parse_public(data)
        if public.note and not public.holds_secret and data.strip()[:1] != b"{":
            raise KeyFileError("Not a key file", f"{path.name} holds bare hex, not a key file.")
    except KeyTroubleError as error:
        if error.trouble is Trouble.MISSING:
            return KeyForm.NONE, None
        problems.append(f"{path.name}: {error.message}")
        return KeyForm.UNREADABLE, None
    except RanvierError as error:
        problems.append(f"{path.name}: {error.message}")
        return KeyForm.UNREADABLE, None
    if not public.holds_secret:
        problems.append(f"{path.name} holds only the public half and cannot sign.")
        return KeyForm.UNREADABLE, public
    return KeyForm.PLAIN, public


def _public(path: Path, problems: list[str], *, needed: bool) -> PublicPart | None:
    try:
        return files.parse_public(files.read_bytes(path))
    except KeyTroubleError as error:
        if error.trouble is not Trouble.MISSING:
            problems.append(f"{path.name}: {error.message}")
        elif needed:
            problems.append(f"{path.name} is missing; it can be made again when the key is unlocked.")
        return None


def _hotkeys(folder: Path, problems: list[str]) -> tuple[Hotkey, ...]:
    try:
        entries = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return ()
    except NotADirectoryError:
        problems.append("hotkeys is a file, not a folder.")
        return ()
    except OSError as error:
        problems.append(f"The hotkeys folder may not be read: {error.strerror}.")
        return ()
    found = {n for n in entries if not n.startswith(".") and not n.endswith((*_NOT_KEYS, _PUB))}
    found |= {n.removesuffix(_PUB) for n in entries if n.endswith(_PUB) and not n.startswith(".") and n != _PUB}
    seen = Counter(names.folded(name) for name in found)
    hotkeys = [_hotkey(folder, name) for name in sorted(found, key=names.natural)]
    return tuple(
        hotkey if seen[names.folded(hotkey.name)] == 1 else replace(hotkey, problem=hotkey.problem or _COLLISION)
        for hotkey in hotkeys
    )


def _hotkey(folder: Path, name: str) -> Hotkey:
    problems: list[str] = []
    form, own = _secret_state(folder / name, problems)
    public = _public(folder / f"{name}{_PUB}", problems, needed=form is KeyForm.ENCRYPTED)
    if own is not None and public is not None and own.public_key != public.public_key:
        problems.insert(0, f"{name}{_PUB} belongs to another key than {name}.")
        public = None
    if public is not None and public.holds_secret:
        problems.insert(0, f"{name}{_PUB} holds the secret key. Do not copy or share it.")
    chosen = own or public
    ss58 = chosen.ss58 if chosen is not None else None
    return Hotkey(name, folder / name, ss58, form, problems[0] if problems else None)
