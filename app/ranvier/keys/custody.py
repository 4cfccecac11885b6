"""The custody check: what is risky about how keys are kept here, why, and the fix for it. Pure: facts in, findings out.

``custody_facts.gather`` collects the facts; nothing here touches a disk. A rule that needs a fact which is not known
says nothing: unknown is neither good nor bad.
"""

from __future__ import annotations

import datetime
import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ranvier.keys.encryption import Encryption
from ranvier.keys.listing import KeyForm, Wallet
from ranvier.keys.strength import Strength


class Level(enum.StrEnum):
    """How bad: funds can be lost now; a risk to end soon; worth knowing."""

    DANGER = "danger"
    WARNING = "warning"
    NOTE = "note"


class Fix(enum.StrEnum):
    """What the page offers for a finding; the id is what a button calls."""

    EXPORT_FOR_MINER = "export_for_miner"
    MAKE_WATCH_ONLY = "make_watch_only"
    MAKE_PRIVATE = "make_private"
    MOVE_FOLDER = "move_folder"
    ENCRYPT_COLDKEY = "encrypt_coldkey"
    RESTORE_PUBLIC = "restore_public"
    SEPARATE_HOTKEYS = "separate_hotkeys"
    MOVE_AWAY = "move_away"
    CHANGE_PASSWORD = "change_password"
    RESTORE_DRILL = "restore_drill"
    LOOK = "look"


FIX_WORDS = {
    Fix.EXPORT_FOR_MINER: "Export what a miner needs",
    Fix.MAKE_WATCH_ONLY: "Make this watch-only (after you verified your backup)",
    Fix.MAKE_PRIVATE: "Allow only yourself",
    Fix.MOVE_FOLDER: "Choose another wallet folder",
    Fix.ENCRYPT_COLDKEY: "Encrypt the coldkey with a password",
    Fix.RESTORE_PUBLIC: "Write the public file",
    Fix.SEPARATE_HOTKEYS: "Give each miner a hotkey of its own",
    Fix.MOVE_AWAY: "Show the file, to move it to a safe place",
    Fix.CHANGE_PASSWORD: "Choose a stronger password",
    Fix.RESTORE_DRILL: "Do the restore drill",
    Fix.LOOK: "Look at the wallet",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``what`` names it, ``why`` says what can happen, ``fix`` is the action offered."""

    level: Level
    rule: str
    what: str
    why: str
    fix: Fix | None
    path: Path
    wallet: str | None = None
    hotkey: str | None = None


@dataclass(frozen=True, slots=True)
class MinerWallet:
    """The wallet folder of one miner on this machine, and the hotkey addresses in it; ``practice`` when they are
    play keys of the sandbox."""

    miner_id: str
    path: Path
    hotkeys_ss58: tuple[str, ...]
    coldkey_secret: Path | None = None
    practice: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of this machine. ``lax`` maps a path to what others may do; ``synced`` a wallet folder to the
    service that copies it; ``phrases`` are files that look as if they held a recovery phrase; ``strengths`` are the
    passwords that were judged when they were typed (wallet path to strength); ``verified`` addresses to dates;
    ``without_public`` are plain hotkeys without the public file beside them."""

    wallets: tuple[Wallet, ...] = ()
    miners: tuple[MinerWallet, ...] = ()
    lax: dict[Path, str] = field(default_factory=dict)
    synced: dict[Path, str] = field(default_factory=dict)
    phrases: tuple[Path, ...] = ()
    old_secrets: tuple[Path, ...] = ()
    unsound: dict[Path, str] = field(default_factory=dict)
    without_public: frozenset[Path] = frozenset()
    strengths: dict[Path, Strength] = field(default_factory=dict)
    verified: dict[str, datetime.date] = field(default_factory=dict)


_ORDER = {Level.DANGER: 0, Level.WARNING: 1, Level.NOTE: 2}


def check(facts: Facts) -> tuple[Finding, ...]:
    """Every finding, the worst first; the same facts give the same findings in the same order."""
    found: list[Finding] = []
    for wallet in facts.wallets:
        found += _secret_on_miner(wallet, facts)
        found += _kept_badly(wallet, facts)
        found += _files(wallet, facts)
    found += _places(facts)
    found += _shared_hotkeys(facts)
    found.sort(key=lambda f: (_ORDER[f.level], f.rule, str(f.path)))
    return tuple(found)


def worst(findings: Iterable[Finding]) -> Level | None:
    """The worst level, None without any finding."""
    return min((finding.level for finding in findings), key=_ORDER.__getitem__, default=None)


def _secret_on_miner(wallet: Wallet, facts: Facts) -> Iterator[Finding]:
    if all(miner.practice for miner in facts.miners) or wallet.coldkey not in (KeyForm.ENCRYPTED, KeyForm.PLAIN):
        return
    bad = wallet.coldkey is KeyForm.PLAIN
    yield Finding(
        Level.DANGER if bad else Level.WARNING,
        "coldkey-on-miner",
        f"The coldkey of {wallet.name} lies on a machine that runs miners.",
        "Miners run code of strangers and answer the open internet. "
        + ("It has no password: whoever reads the file has the funds." if bad else "A miner needs its address only."),
        Fix.MAKE_WATCH_ONLY,
        wallet.path / "coldkey",
        wallet.name,
    )


def _kept_badly(wallet: Wallet, facts: Facts) -> Iterator[Finding]:
    coldkey = wallet.path / "coldkey"

    def finding(level: Level, rule: str, what: str, why: str, fix: Fix) -> Finding:
        return Finding(level, rule, what, why, fix, coldkey, wallet.name)

    if wallet.coldkey is KeyForm.PLAIN:
        what = f"The coldkey of {wallet.name} is not encrypted."
        why = "Whoever can read this one file, or a backup of this disk, has the funds."
        yield finding(Level.DANGER, "coldkey-plain", what, why, Fix.ENCRYPT_COLDKEY)
    if wallet.encryption in (Encryption.ANSIBLE, Encryption.FERNET):
        what = f"The coldkey of {wallet.name} is encrypted in an old way ({wallet.encryption})."
        why = "It is guessed much faster than today's form, and newer tools cannot open it."
        yield finding(Level.WARNING, "coldkey-old-encryption", what, why, Fix.ENCRYPT_COLDKEY)
    strength = facts.strengths.get(wallet.path)
    if strength is not None and not strength.enough:
        what = f"The password of {wallet.name} is {strength.word}."
        why = "Every wallet uses the same salt, so common passwords are found for all at once. " + strength.warning
        level = Level.DANGER if strength.score < 2 else Level.WARNING
        yield finding(level, "weak-password", what, why.strip(), Fix.CHANGE_PASSWORD)
    secret_here = wallet.coldkey in (KeyForm.ENCRYPTED, KeyForm.PLAIN)
    if secret_here and wallet.coldkey_ss58 is not None and wallet.coldkey_ss58 not in facts.verified:
        what = f"The backup of {wallet.name} was never verified here."
        why = "If the words on paper have one mistake, it shows on the day when they are needed."
        yield finding(Level.NOTE, "never-verified", what, why, Fix.RESTORE_DRILL)


def _files(wallet: Wallet, facts: Facts) -> Iterator[Finding]:
    secret = wallet.coldkey in (KeyForm.ENCRYPTED, KeyForm.PLAIN)
    for problem in wallet.problems:
        holds = "holds the secret" in problem or "recovery phrase" in problem
        level = Level.DANGER if holds else Level.NOTE if problem.endswith("network's prefix.") else Level.WARNING
        fix = Fix.RESTORE_PUBLIC if secret and "coldkeypub.txt" in problem else Fix.LOOK
        why = "A public file is copied and shown without care." if holds else "Tools may fail, or show another address."
        yield Finding(level, "wallet-problem", f"{wallet.name}: {problem}", why, fix, wallet.path, wallet.name)
    for hotkey in wallet.hotkeys:
        if hotkey.problem is not None:
            yield Finding(
                Level.DANGER if "holds the secret" in hotkey.problem else Level.WARNING,
                "hotkey-problem",
                f"{wallet.name}, hotkey {hotkey.name}: {hotkey.problem}",
                "A miner with it may fail, or sign for another address than is shown.",
                Fix.RESTORE_PUBLIC if "pub.txt" in hotkey.problem else Fix.LOOK,
                hotkey.path,
                wallet.name,
                hotkey.name,
            )
        elif hotkey.path in facts.without_public:
            yield Finding(
                Level.NOTE,
                "hotkey-without-public",
                f"{wallet.name}: the hotkey {hotkey.name} has no public file.",
                "Tools that want its address have to open the secret for it.",
                Fix.RESTORE_PUBLIC,
                hotkey.path,
                wallet.name,
                hotkey.name,
            )
        if hotkey.ss58 is not None and hotkey.ss58 == wallet.coldkey_ss58:
            yield Finding(
                Level.DANGER,
                "hotkey-is-coldkey",
                f"{wallet.name}: the hotkey {hotkey.name} is the coldkey itself.",
                "A hotkey is handed to miners without a password; this one moves the funds.",
                Fix.SEPARATE_HOTKEYS,
                hotkey.path,
                wallet.name,
                hotkey.name,
            )
    for path, what in facts.unsound.items():
        if path.is_relative_to(wallet.path):
            why = "What is shown is not what it would sign for."
            yield Finding(Level.WARNING, "secret-unsound", what, why, Fix.LOOK, path, wallet.name)


def _places(facts: Facts) -> Iterator[Finding]:
    for path, may in facts.lax.items():
        yield Finding(
            Level.DANGER if may == "change" else Level.WARNING,
            "lax-modes",
            f"Others on this machine may {may} {path}.",
            "Keys are for their owner alone; a folder that others may change lets them swap a key.",
            Fix.MAKE_PRIVATE,
            path,
        )
    for path, service in facts.synced.items():
        yield Finding(
            Level.DANGER,
            "synced-folder",
            f"The wallet folder lies in a folder that is copied elsewhere ({service}).",
            "Hotkeys have no password, and every copy of a coldkey can be guessed at for ever.",
            Fix.MOVE_FOLDER,
            path,
        )
    for path in facts.phrases:
        yield Finding(
            Level.DANGER,
            "phrase-in-file",
            f"{path} looks as if it held a recovery phrase.",
            "Thieves' programs look for exactly this. A phrase belongs on paper or metal.",
            Fix.MOVE_AWAY,
            path,
        )
    for path in facts.old_secrets:
        yield Finding(
            Level.WARNING if facts.miners else Level.NOTE,
            "old-secret",
            f"{path} is the copy of a key that was replaced.",
            "It is still a key; keep it where the backup is, not on this machine.",
            Fix.MOVE_AWAY,
            path,
        )


def _shared_hotkeys(facts: Facts) -> Iterator[Finding]:
    users: dict[str, list[MinerWallet]] = defaultdict(list)
    for miner in facts.miners:
        for ss58 in dict.fromkeys(miner.hotkeys_ss58):
            users[ss58].append(miner)
        if miner.coldkey_secret is not None:
            yield Finding(
                Level.DANGER,
                "coldkey-in-miner",
                f"The folder of the miner {miner.miner_id} holds a coldkey.",
                "The miner's program can read it; it needs the address only.",
                Fix.EXPORT_FOR_MINER,
                miner.coldkey_secret,
            )
    for ss58, miners in users.items():
        if len(miners) > 1:
            yield Finding(
                Level.DANGER,
                "shared-hotkey",
                f"The miners {', '.join(m.miner_id for m in miners)} use the same hotkey {ss58}.",
                "One seat on the chain cannot have two addresses: validators reach one of them, and both score worse.",
                Fix.SEPARATE_HOTKEYS,
                miners[0].path,
            )
