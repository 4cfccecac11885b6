"""Collecting the facts for the custody check: modes, places, files nearby. Reads a little, changes nothing.

Every scan has a limit, so that a huge or odd folder never makes the check hang.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ranvier.core.errors import MnemonicError, RanvierError
from ranvier.core.paths import Paths
from ranvier.keys import encryption, files, mnemonic, permissions
from ranvier.keys.custody import Facts, MinerWallet
from ranvier.keys.drill import Drills
from ranvier.keys.encryption import Encryption
from ranvier.keys.listing import COLDKEY, COLDKEYPUB, HOTKEYS, KeyForm, Wallet, list_wallets, public_path
from ranvier.keys.storing import REPLACED
from ranvier.keys.strength import Strength
from ranvier.keys.words import WORDS

_MOST_FILES = 2000
_DEEPEST = 3
_LARGEST_TEXT = 64 * 1024
_TEXT_ENDINGS = ("", ".txt", ".md", ".json", ".csv", ".rtf", ".html", ".log", ".note", ".yml", ".yaml", ".env", ".bak")
_LONGEST_RUN = 120  # a longer run of words is the word list itself
_WORD = re.compile(r"[a-z]+")
_LISTED = frozenset(WORDS)
_SERVICES = {
    "dropbox": "Dropbox", "google drive": "Google Drive", "googledrive": "Google Drive", "my drive": "Google Drive",
    "icloud drive": "iCloud", "mobile documents": "iCloud", "cloudstorage": "a cloud service",
    "nextcloud": "Nextcloud", "owncloud": "ownCloud", "MEGA": "MEGA", "megasync": "MEGA", "pcloud": "pCloud",
    "pclouddrive": "pCloud", "Box": "Box", "box sync": "Box", "seafile": "Seafile", "proton drive": "Proton Drive",
    "yandex.disk": "Yandex Disk", "tresorit": "Tresorit", "syncthing": "Syncthing", "insync": "Insync",
}  # fmt: skip
_MARKERS = {".dropbox": "Dropbox", ".stfolder": "Syncthing", ".nextcloudsync.log": "Nextcloud",
            ".owncloudsync.log": "ownCloud", ".git": "a git repository", ".tmp.driveupload": "Drive"}  # fmt: skip


def gather(
    folders: Iterable[Path],
    paths: Paths,
    *,
    strengths: dict[Path, Strength] | None = None,
    nearby: Iterable[Path] | None = None,
) -> Facts:
    """The facts about these wallet folders and this instance's miners. Takes some tens of milliseconds: use a worker.

    ``nearby`` are folders to look into for phrases besides the wallet folders; by default the one above each and the
    user's Desktop, Documents and Downloads (not with ``--home``). A folder that may not be read is left out.
    """
    folders = list(dict.fromkeys(folders))
    wallets: list[Wallet] = []
    for folder in folders:
        try:
            wallets += list_wallets(folder)
        except RanvierError:
            continue
    drills = Drills(paths)
    dates = {w.coldkey_ss58: drills.verified_on(w.coldkey_ss58) for w in wallets if w.coldkey_ss58 is not None}
    places = _nearby(folders, paths) if nearby is None else nearby
    return Facts(
        wallets=tuple(wallets),
        miners=miner_wallets(paths),
        lax=dict(_lax(folders, wallets)),
        synced={folder: service for folder in folders if (service := synced_by(folder)) and folder.is_dir()},
        phrases=tuple(phrase_files(folders, places)),
        old_secrets=tuple(_old_secrets(wallets)),
        unsound=dict(_unsound(wallets)),
        without_public=frozenset(
            h.path
            for wallet in wallets
            for h in wallet.hotkeys
            if h.form is KeyForm.PLAIN and not os.path.lexists(public_path(h.path))
        ),
        strengths=strengths or {},
        verified={ss58: day for ss58, day in dates.items() if day is not None},
    )


def miner_wallets(paths: Paths) -> tuple[MinerWallet, ...]:
    """The wallet folders that this instance's miners were given."""
    found: list[MinerWallet] = []
    play = _play_hotkeys(paths)
    try:
        folders = sorted(entry for entry in paths.miners.iterdir() if entry.is_dir())
    except OSError:
        return ()
    for folder in folders:
        try:
            wallets = list_wallets(folder / "wallet")
        except RanvierError:
            continue
        hotkeys = tuple(h.ss58 for wallet in wallets for h in wallet.hotkeys if h.ss58 is not None)
        secret = next((w.path / COLDKEY for w in wallets if w.coldkey is not KeyForm.NONE), None)
        if wallets:
            practice = bool(hotkeys) and play.issuperset(hotkeys)
            found.append(MinerWallet(folder.name, folder / "wallet", hotkeys, secret, practice))
    return tuple(found)


def _play_hotkeys(paths: Paths) -> frozenset[str]:
    try:
        wallets = list_wallets(paths.practice_wallets)
    except RanvierError:
        return frozenset()
    return frozenset(h.ss58 for wallet in wallets for h in wallet.hotkeys if h.ss58 is not None)


def synced_by(folder: Path) -> str | None:
    """The service that copies ``folder`` elsewhere, told by names and marker files above it; None when none is seen."""
    try:
        real = folder.resolve()
    except (OSError, RuntimeError):
        real = folder
    home = Path.home()
    for path in (folder, real):
        for part in (path, *path.parents):
            if part in (home, *home.parents):
                break
            name = part.name.lower()
            if name.startswith("onedrive"):
                return "OneDrive"
            service = _SERVICES.get(part.name) or _SERVICES.get(name)
            if service is not None:
                return service
            for marker, by in _MARKERS.items():
                if os.path.lexists(part / marker):
                    return by
    return None


def holds_phrase(text: str) -> bool:
    """Whether a text holds a valid recovery phrase: words of the list in a row whose checksum fits, numbered or not."""
    run: list[str] = []
    for word in [*_WORD.findall(text.lower()), ""]:
        if word in _LISTED:
            run.append(word)
            continue
        if 12 <= len(run) <= _LONGEST_RUN and _phrase_in(run):
            return True
        run.clear()
    return False


def phrase_files(folders: Iterable[Path], nearby: Iterable[Path]) -> Iterator[Path]:
    """Files that look as if they held a phrase; the key files in their places are what they should be."""
    seen: set[Path] = set()
    left = _MOST_FILES
    starts = [(folder, _DEEPEST) for folder in folders] + [(folder, 0) for folder in nearby]
    for folder, depth in starts:
        for path in _walk(folder, depth):
            if path in seen or left <= 0:
                continue
            seen.add(path)
            left -= 1
            if not _is_key_file(path, folder) and _file_holds_phrase(path):
                yield path


def _phrase_in(run: list[str]) -> bool:
    for length in sorted(mnemonic.LENGTHS, reverse=True):
        for start in range(len(run) - length + 1):
            try:
                mnemonic.check(" ".join(run[start : start + length]))
            except MnemonicError:
                continue
            return True
    return False


def _file_holds_phrase(path: Path) -> bool:
    if path.suffix.lower() not in _TEXT_ENDINGS:
        return False
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST_TEXT:
            return False
        return holds_phrase(files.read_bytes(path).decode("utf-8", "replace"))
    except (RanvierError, OSError):
        return False


def _is_key_file(path: Path, folder: Path) -> bool:
    """Whether it is a secret file where one belongs: ``wallet/coldkey`` or ``wallet/hotkeys/name`` (no ending)."""
    parts = path.relative_to(folder).parts
    if len(parts) == 2:
        return parts[1] in (COLDKEY, COLDKEYPUB)
    return len(parts) == 3 and parts[1] == HOTKEYS


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)[:_MOST_FILES]
    except OSError:
        return
    for entry in found:
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth > 0 and entry.name != REPLACED:
                    yield from _walk(Path(entry.path), depth - 1)
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
        except OSError:
            continue


def _nearby(folders: list[Path], paths: Paths) -> list[Path]:
    above = [folder.parent for folder in folders]
    if paths.home is not None:
        return above
    return [*above, *(Path.home() / name for name in ("Desktop", "Documents", "Downloads"))]


def _lax(folders: list[Path], wallets: list[Wallet]) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        if permissions.others_may(folder) == "change":
            yield folder, "change"
    for wallet in wallets:
        for path in (wallet.path, wallet.path / HOTKEYS):
            if permissions.others_may(path) == "change":
                yield path, "change"
        secrets = [wallet.path / COLDKEY, *(hotkey.path for hotkey in wallet.hotkeys)]
        for path in secrets:
            may = permissions.others_may(path)
            if may is not None and path.is_file():
                yield path, may
        for path in (wallet.path / COLDKEYPUB, *(public_path(hotkey.path) for hotkey in wallet.hotkeys)):
            if permissions.others_may(path) == "change":
                yield path, "change"


def _old_secrets(wallets: list[Wallet]) -> Iterator[Path]:
    for wallet in wallets:
        for path in _walk(wallet.path / REPLACED, 3):
            if not path.name.endswith("pub.txt"):
                yield path


def _unsound(wallets: list[Wallet]) -> Iterator[tuple[Path, str]]:
    """Plain secrets that do not belong to the address that their own file states; the listing does not compute that."""
    for wallet in wallets:
        plain = [wallet.path / COLDKEY] if wallet.coldkey is KeyForm.PLAIN else []
        plain += [hotkey.path for hotkey in wallet.hotkeys if hotkey.form is KeyForm.PLAIN]
        for path in plain:
            try:
                data = files.read_bytes(path)
                if encryption.form_of(data) is Encryption.NONE:
                    beside = files.read_public_or_none(public_path(path))
                    files.parse_secret(data, beside.public_key if beside else None).signer.wipe()
            except RanvierError as error:
                yield path, f"{wallet.name}, {path.name}: {error.message}"
