"""Storing and replacing: nothing is lost, nothing unknown is written over, and a copy stays of what was replaced."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from keys.vectors import ABANDON, DEV
from ranvier.core.errors import KeyFileError, StorageError, WrongPasswordError
from ranvier.keys import encryption, files, storing, wallets
from ranvier.keys.content import KeyTroubleError, SecretPart, Trouble
from ranvier.keys.encryption import Cost, Encryption
from ranvier.keys.listing import KeyForm, read_wallet
from ranvier.keys.signing import ED25519, LocalSigner

CHEAP = Cost(passes=3, memory_bytes=8192)
PASSWORD = "correct horse battery"


def part(phrase: str = DEV, scheme: int = 1) -> SecretPart:
    return SecretPart.from_mnemonic(phrase, scheme)


async def store(folder: Path, secret: SecretPart, confirmed: str | None = None) -> wallets.Wallet:
    return await storing.store_coldkey(folder, "w", secret, PASSWORD, replace_confirmed=confirmed, _cost=CHEAP)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    "secret",
    [part(), part(scheme=ED25519), SecretPart(LocalSigner.from_seed(bytes(32)), None, bytes(32)),
     SecretPart(LocalSigner.from_private_key(part().signer.private_key()))],
    ids=["phrase", "ed25519", "seed", "private key"],
)  # fmt: skip
async def test_every_form_is_written_and_opens_again(tmp_path: Path, secret: SecretPart) -> None:
    wallet = await store(tmp_path, secret)
    assert wallet.problem is None and wallet.coldkey is KeyForm.ENCRYPTED
    assert wallet.encryption is Encryption.NACL
    opened = await wallets.open_coldkey(wallet.path, PASSWORD, _cost=CHEAP)
    assert (opened.signer.ss58, opened.phrase, opened.seed) == (secret.signer.ss58, secret.phrase, secret.seed)


async def test_coldkey_joins_the_wallet_that_watched_it(tmp_path: Path) -> None:
    wallets.add_watch_only(tmp_path, "w", part().signer.ss58)
    wallets.add_hotkey(tmp_path / "w", "h", ABANDON)
    wallet = await store(tmp_path, part())
    assert wallet.coldkey is KeyForm.ENCRYPTED and [h.name for h in wallet.hotkeys] == ["h"]
    assert not (wallet.path / storing.REPLACED).exists()


async def test_replacing_needs_the_name_and_keeps_a_copy(tmp_path: Path) -> None:
    await store(tmp_path, part())
    before = everything(tmp_path)
    for confirmed in (None, "", "W", "yes"):
        with pytest.raises(KeyTroubleError) as caught:
            await store(tmp_path, part(ABANDON), confirmed)
        assert caught.value.trouble is Trouble.EXISTS and everything(tmp_path) == before
    wallet = await store(tmp_path, part(ABANDON), "w")
    assert wallet.coldkey_ss58 == part(ABANDON).signer.ss58 and wallet.problem is None
    (copy,) = (wallet.path / storing.REPLACED).iterdir()
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == {
        n: before[f"w/{n}"] for n in ("coldkey", "coldkeypub.txt")
    }
    assert copy.name[:8].isdigit()
    old = await wallets.open_key(copy / "coldkey", PASSWORD, _cost=CHEAP)
    assert old.signer.ss58 == part().signer.ss58


async def test_another_address_is_not_replaced_unasked(tmp_path: Path) -> None:
    wallets.add_watch_only(tmp_path, "w", part(ABANDON).signer.ss58)
    before = everything(tmp_path)
    with pytest.raises(KeyTroubleError, match="address is"):
        await store(tmp_path, part())
    assert everything(tmp_path) == before


async def test_hotkeys(tmp_path: Path) -> None:
    await store(tmp_path, part())
    path = tmp_path / "w"
    first = await storing.store_hotkey(path, "h", part(ABANDON, ED25519))
    assert (first.form, first.crypto_type, first.problem) == (KeyForm.PLAIN, ED25519, None)
    locked = await storing.store_hotkey(path, "locked", part(ABANDON), password="pw", _cost=CHEAP)
    assert locked.form is KeyForm.ENCRYPTED and locked.ss58 == part(ABANDON).signer.ss58
    assert (await wallets.unlock_hotkey(path, "locked", "pw", _cost=CHEAP)).ss58 == locked.ss58
    with pytest.raises(KeyFileError, match="same key"):
        await storing.store_hotkey(path, "cold", part())
    for name, confirmed in (("h", None), ("H", "w"), ("h", "x")):
        with pytest.raises(KeyTroubleError):
            await storing.store_hotkey(path, name, part(ABANDON), replace_confirmed=confirmed)
    again = await storing.store_hotkey(path, "h", part(ABANDON), replace_confirmed="w")
    assert again.crypto_type == 1
    kept = list((path / storing.REPLACED).rglob("h"))
    assert len(kept) == 1 and json.loads(kept[0].read_bytes())["cryptoType"] == 0
    assert (await storing.store_hotkey(tmp_path / "hotkeys-only", "h", part(ABANDON))).problem is None


async def test_unknown_types_and_links_are_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "w" / "hotkeys" / "h"
    wallets.add_watch_only(tmp_path, "w", part().signer.ss58)
    files.write_new(path, json.dumps({"ss58Address": part().signer.ss58, "cryptoType": 7}).encode())
    (path.parent / "linked").symlink_to(tmp_path / "elsewhere")
    before = everything(tmp_path)
    for name in ("h", "linked"):
        with pytest.raises(KeyFileError):
            await storing.store_hotkey(tmp_path / "w", name, part(ABANDON), replace_confirmed="w")
    assert everything(tmp_path) == before and not (tmp_path / "elsewhere").exists()
    assert "unsupported" in str(read_wallet(tmp_path / "w").hotkeys[0].problem)


async def test_plain_and_old_coldkeys_are_encrypted_anew(tmp_path: Path) -> None:
    files.write_new(tmp_path / "w" / "coldkey", files.secret_json(part()))
    files.write_new(tmp_path / "w" / "coldkeypub.txt", files.public_json(part().public))
    wallet = await storing.encrypt_coldkey(tmp_path / "w", "", PASSWORD, _cost=CHEAP)
    assert wallet.coldkey is KeyForm.ENCRYPTED and DEV.encode() not in b"".join(everything(tmp_path).values())
    await storing.encrypt_coldkey(tmp_path / "w", PASSWORD, "another one", _cost=CHEAP)
    with pytest.raises(WrongPasswordError):
        await wallets.open_coldkey(tmp_path / "w", PASSWORD, _cost=CHEAP)
    assert (await wallets.open_coldkey(tmp_path / "w", "another one", _cost=CHEAP)).phrase == DEV
    with pytest.raises(KeyFileError):
        await storing.encrypt_coldkey(tmp_path / "w", "another one", "", _cost=CHEAP)


async def test_public_file_is_restored_from_the_secret(tmp_path: Path) -> None:
    wallet = await store(tmp_path, part())
    public = wallet.path / "coldkeypub.txt"
    for broken in (None, b"", files.secret_json(part())):
        public.unlink()
        if broken is not None:
            public.write_bytes(broken)
        assert (await storing.restore_public(wallet.path, PASSWORD, _cost=CHEAP)).problem is None
    public.write_bytes(b"0x" + part().signer.public_key.hex().encode())  # as the tools of 2021 wrote it
    assert "wrong address" in str(read_wallet(wallet.path).problem)
    assert (await storing.restore_public(wallet.path, PASSWORD, _cost=CHEAP)).problem is None
    assert json.loads(public.read_bytes())["ss58Address"] == part().signer.ss58
    public.write_bytes(files.public_json(part(ABANDON).public))
    with pytest.raises(KeyTroubleError) as caught:
        await storing.restore_public(wallet.path, PASSWORD, _cost=CHEAP)
    assert caught.value.trouble is Trouble.MISMATCH
    wallets.add_hotkey(wallet.path, "h", ABANDON)
    (wallet.path / "hotkeys" / "hpub.txt").unlink()
    await storing.restore_public(wallet.path, "", "h")
    assert files.read_public(wallet.path / "hotkeys" / "hpub.txt").ss58 == part(ABANDON).signer.ss58


async def test_watch_only_asks_for_a_verified_backup_and_the_name(tmp_path: Path) -> None:
    wallet = await store(tmp_path, part())
    today = datetime.date(2026, 11, 22)
    for confirmed, day in (("w", None), ("", today), ("W", today)):
        with pytest.raises(KeyFileError):
            storing.make_watch_only(wallet.path, confirmed=confirmed, verified_on=day)
        assert (wallet.path / "coldkey").exists()
    left = storing.make_watch_only(wallet.path, confirmed="w", verified_on=today)
    assert left.watch_only and left.coldkey_ss58 == part().signer.ss58


async def test_a_failure_while_replacing_leaves_the_old_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet = await store(tmp_path, part())
    before = everything(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise StorageError("Disk full", "on purpose")

    monkeypatch.setattr(files, "write_atomic", full)
    with pytest.raises(StorageError):
        await store(tmp_path, part(ABANDON), "w")
    assert everything(tmp_path) == before
    assert (await wallets.unlock_coldkey(wallet.path, PASSWORD, _cost=CHEAP)).ss58 == part().signer.ss58


def test_bare_secret_opens_only_beside_its_address(tmp_path: Path) -> None:
    folder = tmp_path / "w" / "hotkeys"
    secret = part(ABANDON)
    assert secret.seed is not None
    for name, data in (("seed", b"0x" + secret.seed.hex().encode()), ("words", ABANDON.encode())):
        files.write_new(folder / name, data)
        with pytest.raises(KeyTroubleError):
            wallets.load_hotkey(tmp_path / "w", name)
        files.write_new(folder / f"{name}pub.txt", files.public_json(secret.public))
        assert wallets.load_hotkey(tmp_path / "w", name).ss58 == secret.signer.ss58
        (folder / f"{name}pub.txt").write_bytes(files.public_json(part().public))
        with pytest.raises(KeyTroubleError):
            wallets.load_hotkey(tmp_path / "w", name)
    assert encryption.form_of(b"") is Encryption.NONE
