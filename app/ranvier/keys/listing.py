"""What lies in a wallet folder. One bad file, link or name never hides the other wallets; nothing is decrypted."""

from __future__ import annotations

import enum
import os
from collections import Counter
from collections.abc import Iterator
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
    crypto_type: int | None = None


@dataclass(frozen=True, slots=True)
class Wallet:
    """One wallet folder. ``coldkey`` NONE means watch-only; ``problem`` is the first thing that is wrong, if any.

    ``encryption`` is how an encrypted coldkey is kept: the older forms are read, and should be written anew.
    """

    name: str
    path: Path
    coldkey_ss58: str | None
    coldkey: KeyForm
    hotkeys: tuple[Hotkey, ...]
    problem: str | None = None
    crypto_type: int | None = None
    encryption: Encryption | None = None
    problems: tuple[str, ...] = ()

    @property
    def watch_only(self) -> bool:
        """Whether this folder knows the coldkey by its address only."""
        return self.coldkey is KeyForm.NONE and self.coldkey_ss58 is not None


def list_wallets(folder: Path) -> tuple[Wallet, ...]:
    """Every wallet in ``folder``, in natural order; empty when there is no such folder.

    Raises KeyFileError only when ``folder`` itself may not be read.
    """
    return tuple(iter_wallets(folder))


def iter_wallets(folder: Path) -> Iterator[Wallet]:
    """The same one by one, so that the first rows show before the last file was read."""
    paths = wallet_folders_in(folder)
    seen = Counter(names.folded(path.name) for path in paths)
    for path in paths:
        wallet = read_wallet(path)
        yield wallet if seen[names.folded(path.name)] == 1 else with_problem(wallet, COLLISION)


def wallet_folders_in(folder: Path) -> list[Path]:
    """The folders in ``folder`` that are wallets, in natural order; raises KeyFileError as ``list_wallets``."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if not entry.name.startswith(".") and _may_be_folder(entry)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise KeyFileError(
            "Wallet folder unreadable",
            f"{str(folder)!r}: {getattr(error, 'strerror', None) or error}.",
            "Check its permissions or choose another folder.",
        ) from error
    found.sort(key=names.natural)
    return [folder / name for name in found if _is_wallet(folder / name)]


def with_problem(wallet: Wallet, problem: str) -> Wallet:
    """``wallet`` with one more thing that is wrong."""
    return replace(wallet, problem=wallet.problem or problem, problems=(*wallet.problems, problem))


COLLISION = "Another one here has the same name but for capitals; on Windows and macOS they are one."


def read_wallet(path: Path) -> Wallet:
    """One wallet folder as it is now; never raises for what it finds inside."""
    problems: list[str] = []
    form, own, kept = _secret_state(path / COLDKEY, problems)
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
        crypto_type=chosen.crypto_type if chosen is not None else None,
        encryption=kept if form is KeyForm.ENCRYPTED else None,
        problems=tuple(problems),
    )


def hotkey_path(wallet_path: Path, name: str) -> Path:
    """The secret file of a hotkey; raises KeyFileError for a name that would leave the folder."""
    if Path(name).name != name or set(name) & {"\\", "\0"} or name in ("", ".", ".."):
        raise KeyFileError("Not a name", f"{name!r} is not the name of a hotkey.")
    return wallet_path / HOTKEYS / name


def _may_be_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_wallet(path: Path) -> bool:
    """Whether anything of a wallet is in there; a folder that may not be entered is shown as one, with its problem."""
    for name in (COLDKEY, COLDKEYPUB, HOTKEYS):
        try:
            os.lstat(path / name)
        except PermissionError:
            return True
        except (OSError, ValueError):
            continue
        return True
    return False


def _secret_state(path: Path, problems: list[str]) -> tuple[KeyForm, PublicPart | None, Encryption]:
    """How the secret at ``path`` is kept, the address that its plain content states, and its encryption."""
    kept = Encryption.NONE
    try:
        data = files.read_bytes(path)
        kept = encryption.form_of(data)
        encryption.check_shape(data)
        if kept is not Encryption.NONE:
            return KeyForm.ENCRYPTED, None, kept
        public = _stated_in_secret(path, data)
    except KeyTroubleError as error:
        if error.trouble is Trouble.MISSING:
            if path.is_symlink():
                problems.append(f"{path.name} is a link that leads nowhere.")
            return KeyForm.NONE, None, kept
        problems.append(f"{path.name}: {error.message}")
        return KeyForm.UNREADABLE, None, kept
    except RanvierError as error:
        problems.append(f"{path.name}: {error.message}")
        return KeyForm.UNREADABLE, None, kept
    if not public.holds_secret:
        problems.append(f"{path.name} holds only the public half and cannot sign.")
        return KeyForm.UNREADABLE, public, kept
    return KeyForm.PLAIN, public, kept


def _stated_in_secret(path: Path, data: bytes) -> PublicPart:
    """What a plain secret file says; one without any field is asked which of the address beside it is its own."""
    if data.lstrip()[:1] == b"{":
        return files.parse_public(data)
    beside = files.read_public_or_none(public_path(path))
    part = files.parse_secret(data, beside.public_key if beside is not None else None)
    return replace(part.public, holds_secret=True)


def public_path(secret_path: Path) -> Path:
    """The public file beside a coldkey or hotkey file."""
    return secret_path.with_name(f"{secret_path.name}{_PUB}")


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
        entries = os.listdir(folder)  # noqa: PTH208  # 500 wallets: a Path for each entry is most of the time
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
        hotkey if seen[names.folded(hotkey.name)] == 1 else replace(hotkey, problem=hotkey.problem or COLLISION)
        for hotkey in hotkeys
    )


def _hotkey(folder: Path, name: str) -> Hotkey:
    problems: list[str] = []
    form, own, _kept = _secret_state(folder / name, problems)
    public = _public(folder / f"{name}{_PUB}", problems, needed=form is KeyForm.ENCRYPTED)
    if own is not None and public is not None and own.public_key != public.public_key:
        problems.insert(0, f"{name}{_PUB} belongs to another key than {name}.")
        public = None
    if public is not None and public.holds_secret:
        problems.insert(0, f"{name}{_PUB} holds the secret key. Do not copy or share it.")
    chosen = own or public
    if chosen is None:
        return Hotkey(name, folder / name, None, form, problems[0] if problems else None)
    return Hotkey(name, folder / name, chosen.ss58, form, problems[0] if problems else None, chosen.crypto_type)
