"""The custody check finds what is risky, says why, offers the fix, and is silent about what is sound."""

from __future__ import annotations

import datetime
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.vectors import ABANDON, DEV
from ranvier.core.paths import Paths
from ranvier.keys import custody, custody_facts, files, storing, strength, wallets
from ranvier.keys.content import SecretPart
from ranvier.keys.custody import Facts, Finding, Fix, Level
from ranvier.keys.encryption import Cost
from ranvier.keys.miner_wallet import export_for_miner
from ranvier.keys.signing import LocalSigner
from ranvier.keys.words import WORDS

CHEAP = Cost(passes=3, memory_bytes=8192)
COLD, HOT = LocalSigner.from_mnemonic(DEV).ss58, LocalSigner.from_mnemonic(ABANDON).ss58
TODAY = datetime.date(2026, 11, 22)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.under(tmp_path / "home")


async def make(paths: Paths, name: str = "mine") -> wallets.Wallet:
    return await wallets.create_wallet(paths.wallets, name, DEV, "a good password", "hot", ABANDON, _cost=CHEAP)


def found(paths: Paths, **known: object) -> dict[str, Finding]:
    facts = custody_facts.gather([paths.wallets], paths)
    facts = replace(facts, verified={COLD: TODAY}, **known)  # type: ignore[arg-type]
    return {finding.rule: finding for finding in custody.check(facts)}


async def test_a_sound_wallet_has_no_finding(paths: Paths) -> None:
    await make(paths)
    assert found(paths) == {}
    facts = custody_facts.gather([paths.wallets], paths)
    (finding,) = custody.check(facts)
    assert (finding.rule, finding.level, finding.fix) == ("never-verified", Level.NOTE, Fix.RESTORE_DRILL)
    wallets.add_watch_only(paths.wallets, "watched", HOT)
    assert len(custody.check(custody_facts.gather([paths.wallets], paths))) == 1, "nothing to verify without a secret"


async def test_coldkey_on_a_machine_with_miners(paths: Paths) -> None:
    wallet = await make(paths)
    export_for_miner(wallet.path, "hot", paths.miner("m1") / "wallet")
    finding = found(paths)["coldkey-on-miner"]
    assert (finding.level, finding.fix, finding.wallet) == (Level.WARNING, Fix.MAKE_WATCH_ONLY, "mine")
    (wallet.path / "coldkey").unlink()
    assert found(paths) == {}, "watch-only with a hotkey is the way to mine"


async def test_play_keys_of_the_sandbox_do_not_make_it_a_miner_machine(paths: Paths) -> None:
    await make(paths)
    play = wallets.add_watch_only(paths.practice_wallets, "play", HOT)
    wallets.add_hotkey(play.path, "play", DEV)
    export_for_miner(play.path, "play", paths.miner("m1") / "wallet")
    assert found(paths) == {}


async def test_same_hotkey_in_two_miners_and_a_coldkey_in_one(paths: Paths) -> None:
    wallet = await make(paths)
    for miner in ("m1", "m2"):
        export_for_miner(wallet.path, "hot", paths.miner(miner) / "wallet")
    (paths.miner("m2") / "wallet" / "mine" / "coldkey").write_bytes((wallet.path / "coldkey").read_bytes())
    rules = found(paths)
    assert "m1, m2" in rules["shared-hotkey"].what and rules["shared-hotkey"].level is Level.DANGER
    assert rules["coldkey-in-miner"].fix is Fix.EXPORT_FOR_MINER


def test_unencrypted_coldkey_and_secret_in_the_public_file(paths: Paths) -> None:
    secret = SecretPart.from_mnemonic(DEV)
    for name in ("coldkey", "coldkeypub.txt"):
        files.write_new(paths.wallets / "w" / name, files.secret_json(secret))
    rules = found(paths)
    assert rules["coldkey-plain"].fix is Fix.ENCRYPT_COLDKEY and rules["coldkey-plain"].level is Level.DANGER
    assert rules["wallet-problem"].fix is Fix.RESTORE_PUBLIC and rules["wallet-problem"].level is Level.DANGER


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
async def test_lax_modes(paths: Paths) -> None:
    wallet = await make(paths)
    (wallet.path / "coldkey").chmod(0o644)
    finding = found(paths)["lax-modes"]
    assert finding.level is Level.WARNING and finding.path == wallet.path / "coldkey"
    (wallet.path / "coldkey").chmod(0o666)
    assert found(paths)["lax-modes"].level is Level.DANGER
    from ranvier.keys import permissions

    permissions.make_private(finding.path)
    assert found(paths) == {}
    wallet.path.chmod(0o777)
    assert found(paths)["lax-modes"].path == wallet.path
    wallet.path.chmod(0o755)
    assert found(paths) == {}, "every tool makes such folders; the files are what counts"


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Work", "Nextcloud", "Google Drive", "CloudStorage"])
def test_synced_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "keys").mkdir(parents=True)
    assert custody_facts.synced_by(tmp_path / name / "keys") is not None
    assert custody_facts.synced_by(tmp_path) is None
    (tmp_path / "link").symlink_to(tmp_path / name / "keys")
    assert custody_facts.synced_by(tmp_path / "link") is not None, "told through a link"


def test_synced_by_marker(paths: Paths) -> None:
    wallets.add_watch_only(paths.wallets, "w", COLD)
    for marker in (".git", ".stfolder"):
        (paths.wallets / marker).mkdir()
        assert found(paths)["synced-folder"].fix is Fix.MOVE_FOLDER
        (paths.wallets / marker).rmdir()
    assert found(paths) == {}


async def test_phrases_in_files_nearby(paths: Paths) -> None:
    wallet = await make(paths)
    for place in (paths.wallets / "notes.txt", wallet.path / "backup.md", paths.data / "seed"):
        place.write_text("My wallet:\n" + "\n".join(f"{n}. {word}" for n, word in enumerate(DEV.split(), 1)))
        finding = found(paths)["phrase-in-file"]
        assert finding.path == place and finding.level is Level.DANGER and finding.fix is Fix.MOVE_AWAY
        assert "drive" not in finding.what + finding.why, "the finding repeats the phrase"
        place.unlink()
    (wallet.path / "list.txt").write_text("\n".join(WORDS))
    (wallet.path / "prose.txt").write_text("the quick brown fox jumps over the lazy dog " * 30)
    assert found(paths) == {}


@given(st.sampled_from([12, 15, 18, 21, 24]), st.sampled_from([" ", "\n", ", ", "\t"]), st.booleans())
def test_a_phrase_is_seen_in_any_layout(words: int, between: str, capitals: bool) -> None:
    from ranvier.keys import mnemonic

    phrase = mnemonic.generate(words)
    text = between.join(phrase.upper().split() if capitals else phrase.split())
    assert custody_facts.holds_phrase(f"x{between}{text}{between}end of it")


def test_hotkey_that_is_the_coldkey_and_one_without_its_public_file(paths: Paths) -> None:
    path = wallets.add_watch_only(paths.wallets, "w", COLD).path
    wallets.add_hotkey(path, "same", DEV)
    assert found(paths)["hotkey-is-coldkey"].level is Level.DANGER


async def test_locked_hotkey_without_its_public_file(paths: Paths) -> None:
    path = wallets.add_watch_only(paths.wallets, "w", COLD).path
    await storing.store_hotkey(path, "h", SecretPart.from_mnemonic(ABANDON), password="pw", _cost=CHEAP)
    (path / "hotkeys" / "hpub.txt").unlink()
    assert found(paths)["hotkey-problem"].fix is Fix.RESTORE_PUBLIC


def test_plain_hotkey_without_its_public_file(paths: Paths) -> None:
    path = wallets.add_watch_only(paths.wallets, "w", COLD).path
    wallets.add_hotkey(path, "h", ABANDON)
    (path / "hotkeys" / "hpub.txt").unlink()
    finding = found(paths)["hotkey-without-public"]
    assert finding.level is Level.NOTE and finding.fix is Fix.RESTORE_PUBLIC and finding.hotkey == "h"


def test_secret_of_another_address(paths: Paths) -> None:
    path = wallets.add_watch_only(paths.wallets, "w", COLD).path
    wallets.add_hotkey(path, "h", ABANDON)
    text = (path / "hotkeys" / "h").read_text().replace(ABANDON, DEV)
    (path / "hotkeys" / "h").write_text(text)
    assert "belongs to" in found(paths)["secret-unsound"].what


async def test_old_copies_and_old_encryption(paths: Paths) -> None:
    wallet = await make(paths)
    storing.keep_copies(wallet.path, wallet.path / "coldkey", wallet.path / "coldkeypub.txt")
    assert found(paths)["old-secret"].path.name == "coldkey"
    facts = Facts(wallets=(replace(wallet, encryption=custody.Encryption.FERNET),), verified={COLD: TODAY})
    assert [f.rule for f in custody.check(facts)] == ["coldkey-old-encryption"]


async def test_weak_password(paths: Paths) -> None:
    wallet = await make(paths)
    weak = strength.judge("short")
    assert weak is not None
    finding = found(paths, strengths={wallet.path: weak})["weak-password"]
    assert finding.level is Level.DANGER and finding.fix is Fix.CHANGE_PASSWORD


def test_strength_of_known_passwords() -> None:
    pytest.importorskip("zxcvbn")
    for weak in ("password1", "qwertyuiop", "Bittensor2024", "mywallet1"):
        judged = strength.judge(weak, ("mywallet", "bittensor"))
        assert judged is not None and not judged.enough, weak
    for good in ("zebra-lantern-47-orbit", "vN4 glacier? oboe 91 " * 5):
        judged = strength.judge(good)
        assert judged is not None and judged.enough, good


def test_the_worst_comes_first_and_nothing_known_is_nothing_found() -> None:
    assert custody.check(Facts()) == () and custody.worst(()) is None
    facts = Facts(phrases=(Path("b"), Path("a")), lax={Path("c"): "read"}, old_secrets=(Path("d"),))
    findings = custody.check(facts)
    assert [f.level for f in findings] == [Level.DANGER, Level.DANGER, Level.WARNING, Level.NOTE]
    assert [str(f.path) for f in findings[:2]] == ["a", "b"] and custody.worst(findings) is Level.DANGER
    assert custody.FIX_WORDS.keys() == set(Fix)
