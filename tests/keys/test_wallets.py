"""Wallet folders: create, list, unlock, export; and every malformed case ends in a sentence."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.vectors import ABANDON, DEV, SET, index, needs_vectors
from ranvier.core.errors import KeyFileError, MnemonicError, RanvierError, WrongPasswordError
from ranvier.keys import addresses, files, names, wallets
from ranvier.keys.encryption import Cost
from ranvier.keys.files import KeyTroubleError, Trouble
from ranvier.keys.miner_wallet import export_for_miner
from ranvier.keys.signing import ED25519, LocalSigner, verify
from ranvier.keys.wallets import KeyForm

# The vectors spend the three derivations of the default run; without them this one is the proof of the real cost.
needs_time = pytest.mark.slow if SET.is_dir() else lambda test: test
CHEAP = Cost(passes=3, memory_bytes=8192)
PASSWORD = "correct horse battery"
COLD, HOT = LocalSigner.from_mnemonic(DEV), LocalSigner.from_mnemonic(ABANDON)


async def make(folder: Path, name: str = "mine") -> wallets.Wallet:
    return await wallets.create_wallet(folder, name, DEV, PASSWORD, "hot-1", ABANDON, _cost=CHEAP)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@needs_time
async def test_create_and_unlock_at_full_cost(tmp_path: Path) -> None:
    wallet = await wallets.create_wallet(tmp_path / "w", "Größe 1", DEV, PASSWORD, "default", ABANDON)
    assert (wallet.name, wallet.coldkey_ss58, wallet.coldkey) == ("Größe 1", COLD.ss58, KeyForm.ENCRYPTED)
    assert [(h.name, h.ss58, h.form) for h in wallet.hotkeys] == [("default", HOT.ss58, KeyForm.PLAIN)]
    assert set(everything(wallet.path)) == {
        "coldkey", "coldkeypub.txt", "hotkeys/default", "hotkeys/defaultpub.txt"
    }  # fmt: skip
    signer = await wallets.unlock_coldkey(wallet.path, PASSWORD)
    assert verify(COLD.ss58, b"message", signer.sign(b"message"))
    assert wallets.load_hotkey(wallet.path, "default").ss58 == HOT.ss58


async def test_created_files_hide_the_coldkey(tmp_path: Path) -> None:
    await make(tmp_path)
    for name, data in everything(tmp_path).items():
        for secret in (DEV, COLD.private_key().hex(), PASSWORD):
            assert secret.encode() not in data, name


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
async def test_modes_are_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        wallet = await make(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    for path in (wallet.path.parent, wallet.path, *wallet.path.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


async def test_wrong_password_and_second_try(tmp_path: Path) -> None:
    wallet = await make(tmp_path)
    with pytest.raises(WrongPasswordError):
        await wallets.unlock_coldkey(wallet.path, "guess", _cost=CHEAP)
    assert (await wallets.unlock_coldkey(wallet.path, PASSWORD + "\n", _cost=CHEAP)).ss58 == COLD.ss58


async def test_refusals_leave_nothing_behind(tmp_path: Path) -> None:
    await make(tmp_path)
    before = everything(tmp_path)
    create = wallets.create_wallet
    for arguments in (
        ("MINE", DEV, PASSWORD, "h", ABANDON),  # the same name but for capitals
        ("../x", DEV, PASSWORD, "h", ABANDON),
        ("x", DEV, PASSWORD, "..", ABANDON),
        ("x", DEV, "", "h", ABANDON),
        ("x", DEV, PASSWORD, "h", DEV),
    ):
        with pytest.raises(KeyFileError):
            await create(tmp_path, *arguments, _cost=CHEAP)
    with pytest.raises(MnemonicError):
        await create(tmp_path, "x", "abandon " * 12, PASSWORD, "h", ABANDON, _cost=CHEAP)
    assert everything(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


async def test_failure_half_way_leaves_no_wallet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise KeyFileError("Broken", "on purpose")

    monkeypatch.setattr(files, "public_json", broken)
    with pytest.raises(KeyFileError, match="on purpose"):
        await make(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_watch_only_then_hotkeys(tmp_path: Path) -> None:
    wallet = wallets.add_watch_only(tmp_path, "cold", COLD.ss58)
    assert wallet.watch_only and wallet.coldkey is KeyForm.NONE and wallet.problem is None
    wallets.add_hotkey(wallet.path, "miner-10", ABANDON)
    wallets.add_hotkey(wallet.path, "miner-2", DEV, crypto_type=ED25519)
    listed = wallets.list_wallets(tmp_path)[0]
    assert [h.name for h in listed.hotkeys] == ["miner-2", "miner-10"]
    assert wallets.load_hotkey(wallet.path, "miner-2").crypto_type == ED25519
    with pytest.raises(KeyFileError):
        wallets.add_hotkey(wallet.path, "Miner-2", ABANDON)
    with pytest.raises(KeyTroubleError) as caught:
        await wallets.unlock_coldkey(wallet.path, "x", _cost=CHEAP)
    assert caught.value.trouble is Trouble.MISSING
    with pytest.raises(KeyFileError):
        wallets.add_hotkey(tmp_path / "nobody", "h", ABANDON)
    with pytest.raises(RanvierError):
        wallets.add_watch_only(tmp_path, "other", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ")
    for name in ("../../coldkey", "..", "", "a\\b"):
        with pytest.raises(KeyFileError):
            wallets.load_hotkey(wallet.path, name)


async def test_unlock_refuses_a_key_that_is_not_the_one_shown(tmp_path: Path) -> None:
    wallet = await make(tmp_path)
    (wallet.path / "coldkeypub.txt").write_bytes(files.public_json(files.SecretPart.from_mnemonic(ABANDON).public))
    with pytest.raises(KeyTroubleError, match="coldkeypub"):
        await wallets.unlock_coldkey(wallet.path, PASSWORD, _cost=CHEAP)


async def test_miner_sees_no_coldkey(tmp_path: Path) -> None:
    wallet = await make(tmp_path / "wallets")
    target = export_for_miner(wallet.path, "hot-1", tmp_path / "miner" / "wallet")
    assert target == tmp_path / "miner" / "wallet" / "mine"
    first = everything(tmp_path / "miner")
    assert set(first) == {f"wallet/mine/{n}" for n in ("coldkeypub.txt", "hotkeys/hot-1", "hotkeys/hot-1pub.txt")}
    assert export_for_miner(wallet.path, "hot-1", tmp_path / "miner" / "wallet") == target
    assert everything(tmp_path / "miner") == first
    assert wallets.load_hotkey(target, "hot-1").ss58 == HOT.ss58
    (target / "coldkey").write_bytes(b"x")
    with pytest.raises(KeyFileError, match="other files"):
        export_for_miner(wallet.path, "hot-1", tmp_path / "miner" / "wallet")


async def test_miner_gets_the_address_only_even_when_the_public_file_holds_secrets(tmp_path: Path) -> None:
    wallet = await make(tmp_path / "wallets")
    (wallet.path / "coldkeypub.txt").write_bytes(files.secret_json(files.SecretPart.from_mnemonic(DEV)))
    assert "holds the secret" in str(wallets.read_wallet(wallet.path).problem)
    target = export_for_miner(wallet.path, "hot-1", tmp_path / "miner")
    assert DEV.encode() not in (target / "coldkeypub.txt").read_bytes()
    wallets.add_hotkey(wallet.path, "cold", DEV)
    with pytest.raises(KeyFileError, match="coldkey itself"):
        export_for_miner(wallet.path, "cold", tmp_path / "miner2")


def test_names() -> None:
    for good in ("default", "miner-2", "v wallet with space ünï", "a.b", "鍵", "x" * 64):
        assert names.check_name(good) == good
    bad_names = [
        " a",
        "a ",
        ".a",
        "a.",
        "a/b",
        "a\\b",
        "..",
        "a\nb",
        "CON",
        "com1.txt",
        "a.tmp",
        "b.lock",
        "cpub.txt",
        "a:b",
    ]
    for bad in ("", "x" * 65, "\ud800", *bad_names):
        with pytest.raises(KeyFileError):
            names.check_name(bad)
    assert sorted(["m10", "m2", "M1", "a"], key=names.natural) == ["a", "M1", "m2", "m10"]
    assert sorted(["2", "a", "10", "²"], key=names.natural)[:2] == ["2", "10"]


def test_listing_of_nothing(tmp_path: Path) -> None:
    assert wallets.list_wallets(tmp_path / "none") == ()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    assert wallets.list_wallets(tmp_path) == ()
    with pytest.raises(KeyFileError):
        wallets.list_wallets(tmp_path / "file")


@needs_vectors
def test_listing_of_real_wallets() -> None:
    known = {w["wallet"]: w for w in index()["wallets"]}
    listed = {w.name: w for w in wallets.list_wallets(SET / "wallets")}
    assert set(listed) == set(known)
    for name, wallet in listed.items():
        cold = known[name]["coldkey"] or known[name]["coldkeypub"]
        assert wallet.coldkey_ss58 == (cold["ss58"] if cold else None), name
        if known[name]["coldkey"]:
            assert wallet.coldkey is (KeyForm.ENCRYPTED if cold["encrypted"] else KeyForm.PLAIN)
        hotkeys = known[name]["hotkeys"]
        assert {h.name: h.ss58 for h in wallet.hotkeys} == {n: h["ss58"] for n, h in hotkeys.items()}, name
        assert wallet.problem is None, f"{name}: {wallet.problem}"


@needs_vectors
def test_plain_hotkeys_open() -> None:
    opened = 0
    for known in index()["wallets"]:
        for name, hotkey in known["hotkeys"].items():
            if not hotkey.get("encrypted") and (SET / "wallets" / known["wallet"] / "hotkeys" / name).exists():
                assert wallets.load_hotkey(SET / "wallets" / known["wallet"], name).ss58 == hotkey["ss58"]
                opened += 1
    assert opened > 10


@needs_vectors
async def test_ansible_wallet_opens() -> None:
    known = next(w for w in index()["wallets"] if w["wallet"] == "v-ansible")["coldkey"]
    assert (await wallets.unlock_coldkey(SET / "wallets" / "v-ansible", known["password"])).ss58 == known["ss58"]
    with pytest.raises(WrongPasswordError):
        await wallets.unlock_coldkey(SET / "wallets" / "v-ansible", "no")


FILES = ("coldkey", "coldkeypub.txt", "hotkeys/a", "hotkeys/apub.txt")
DEV_PART = files.SecretPart.from_mnemonic(DEV)
ODD = [b"", b"\0" * 300, b"$NACL", b"$NACL" + bytes(60), b"gAAAAA", b"$ANSIBLE_VAULT;1.1;AES256\n3030", b"[" * 50_000]
ODD += [b"[1]", b"null", DEV.encode(), b"0x" + bytes(32).hex().encode(), COLD.ss58.encode(), b"<html>", b"\xff\xfe{\0}"]
ODD += [files.secret_json(DEV_PART), files.public_json(DEV_PART.public)]
SHAPES = st.binary(max_size=80) | st.sampled_from(ODD)


@given(st.dictionaries(st.sampled_from(FILES), SHAPES, min_size=1))
def test_no_content_ends_the_listing_or_shows_another_address(contents: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        wallets.add_watch_only(Path(temporary), "good", HOT.ss58)
        for name, data in contents.items():
            path = Path(temporary) / "odd" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        good, odd = wallets.list_wallets(Path(temporary))
        assert (good.name, good.problem, odd.name) == ("good", None, "odd")
        shown = {odd.coldkey_ss58, *(hotkey.ss58 for hotkey in odd.hotkeys)} - {None, COLD.ss58}
        bare = {addresses.ss58(bytes(32))} | {addresses.ss58(d) for d in contents.values() if len(d) == 32}
        bare |= {addresses.ss58(key) for key in map(hex_key, contents.values()) if key}
        assert shown <= bare


def hex_key(data: bytes) -> bytes | None:
    try:
        key = bytes.fromhex(data.decode().strip().removeprefix("0x"))
    except ValueError:
        return None
    return key if len(key) == 32 else None
