"""Every damaged, foreign or misplaced key file ends in the right sentence: never a traceback, never another address."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from keys.vectors import index, materialise, needs_vectors
from ranvier.core.errors import RanvierError, WrongPasswordError
from ranvier.keys import encryption, files, wallets
from ranvier.keys.content import KeyTroubleError
from ranvier.keys.encryption import Cost
from ranvier.keys.listing import Wallet, list_wallets

CASES = index()["malformed"]
WHATS = ("coldkey", "coldkeypub", "hotkey")

# What the sentence has to say, for every case and file that does not simply open: (case, file) -> words in it.
SENTENCES: dict[tuple[str, str], tuple[str, ...]] = {
    ("wrong-password", "coldkey"): ("password", "damaged"),
    ("wrong-password-case", "coldkey"): ("password", "damaged"),
    ("nacl-header-only", "coldkey"): ("5 bytes", "cut off"),
    ("nacl-short-nonce", "coldkey"): ("15 bytes", "cut off"),
    ("nacl-no-ciphertext", "coldkey"): ("29 bytes", "cut off"),
    ("nacl-truncated", "coldkey"): ("password", "damaged", "recovery phrase"),
    ("nacl-bitflip", "coldkey"): ("password", "damaged", "recovery phrase"),
    ("nacl-trailing-newline", "coldkey"): ("password", "damaged", "recovery phrase"),
    ("nacl-crlf-mangled", "coldkey"): ("password", "damaged", "recovery phrase"),
    ("nacl-base64", "coldkey"): ("base64", "decode"),
    ("nacl-inner-garbage", "coldkey"): ("not a key file",),
    ("nacl-inner-no-key", "coldkey"): ("no key",),
    ("nacl-inner-empty", "coldkey"): ("cut off",),
    ("nacl-inner-address-mismatch", "coldkey"): ("belongs to", "the file says"),
    ("nacl-inner-13-words", "coldkey"): ("phrase", "number of words"),
    ("nacl-inner-polkadotjs", "coldkey"): ("polkadot.js", "Import"),
    ("coldkeypub-of-other-key", "coldkey"): ("coldkeypub.txt says", "5FPDE7sz"),
    ("empty-coldkey", "coldkey"): ("empty",),
    ("empty-coldkeypub", "coldkeypub"): ("empty",),
    ("missing-coldkeypub", "coldkeypub"): ("does not exist",),
    ("zeros-coldkey", "coldkey"): ("zeros", "power cut"),
    ("huge-coldkey", "coldkey"): ("too large",),
    ("huge-json", "coldkeypub"): ("too large",),
    ("json-truncated", "coldkey"): ("incomplete",),
    ("json-truncated", "hotkey"): ("incomplete",),
    ("json-array", "coldkeypub"): ("JSON, but not a key file",),
    ("json-string", "coldkeypub"): ("JSON, but not a key file",),
    ("json-null", "coldkeypub"): ("JSON, but not a key file",),
    ("json-no-address", "coldkeypub"): ("no address",),
    ("json-address-not-string", "coldkeypub"): ("not a text",),
    ("json-bom", "coldkeypub"): ("byte-order mark",),
    ("json-utf16", "coldkeypub"): ("byte-order mark",),
    ("json-non-utf8", "coldkeypub"): ("encoding",),
    ("json-cryptotype-unknown", "coldkeypub"): ("unsupported", "left as it was"),
    ("json-cryptotype-unknown", "hotkey"): ("unsupported", "left as it was"),
    ("json-leading-space-key", "coldkeypub"): ("no address",),
    ("json-hotkey-address-mismatch", "hotkey"): ("belongs to", "the file says"),
    ("json-hotkey-bad-checksum", "hotkey"): ("phrase", "does not add up"),
    ("json-hotkey-is-pub", "hotkey"): ("only the address", "cannot sign"),
    ("coldkeypub-bad-checksum", "coldkeypub"): ("address", "checksum"),
    ("coldkeypub-key-vs-address", "coldkeypub"): ("do not match",),
    ("coldkeypub-encrypted", "coldkeypub"): ("encrypted", "public file is expected"),
    ("raw-seed-hotkey", "hotkey"): ("bare hex", "Import"),
    ("raw-mnemonic-hotkey", "hotkey"): ("recovery phrase", "Import"),
    ("polkadotjs-as-coldkey", "coldkey"): ("polkadot.js", "Import"),
    ("html-as-coldkey", "coldkey"): ("web page",),
    ("hotkeys-is-file", "hotkey"): ("does not exist",),
    ("directory-instead-of-files", "coldkey"): ("folder or a device",),
    ("directory-instead-of-files", "coldkeypub"): ("folder or a device",),
    ("directory-instead-of-files", "hotkey"): ("folder or a device",),
    ("symlink-dangling", "coldkey"): ("does not exist",),
    ("symlink-loop", "coldkey"): ("leads to itself",),
    ("fifo", "coldkey"): ("folder or a device",),
    ("mode-0000", "coldkey"): ("may not be read", "chmod"),
    ("mode-0000", "hotkey"): ("may not be read", "chmod"),
}
# What the listing has to say about a wallet whose files all open.
REMARKS = {
    "coldkeypub-raw-hex": ("only the public key", "wrong address"),
    "coldkeypub-holds-secret": ("holds the secret key",),
    "coldkeypub-other-prefix": ("another network's prefix",),
    "case-collision": ("but for capitals",),
    "hotkeys-is-file": ("hotkeys is a file",),
    "symlink-dangling": ("leads nowhere",),
    "missing-coldkeypub": ("coldkeypub.txt is missing",),
}


@pytest.fixture(scope="module")
def derived() -> dict[str, bytes]:
    return {}


@needs_vectors
def test_the_table_knows_every_case() -> None:
    names = {case["case"] for case in CASES}
    assert {case for case, _ in SENTENCES} <= names and REMARKS.keys() <= names


@needs_vectors
@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
async def test_malformed(
    case: dict[str, Any], tmp_path: Path, derived: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = materialise(case, tmp_path / "w")
    if folder is None:
        pytest.skip("this system cannot make the case")
    monkeypatch.setattr(encryption, "derive", one_derivation(derived))
    before = snapshot(folder)
    wallet = next(w for w in list_wallets(folder) if w.name == case["wallet"])
    shows_no_wrong_address(wallet, case)
    for what, expected in case["expect"].items():
        error = await opened(wallet, what, case)
        assert kind(error) in allowed(expected, case["case"], what), (what, expected, error)
        if error is not None:
            says = f"{error.message} {error.hint}".replace("left as it is", "left as it was")
            words = SENTENCES[case["case"], what]
            assert all(word in says for word in words), (words, says)
            assert "Traceback" not in says and "Error" not in says
    problems = " ".join([*wallet.problems, *(h.problem or "" for h in wallet.hotkeys)])
    assert all(word in problems for word in REMARKS.get(case["case"], ())), problems
    assert snapshot(folder) == before, "reading changed something"


@needs_vectors
def test_listing_all_cases_beside_each_other_never_dies(tmp_path: Path) -> None:
    for case in CASES:
        made = materialise(case, tmp_path / "one" / case["case"])
        if made is not None and (made / case["wallet"]).is_dir():
            (made / case["wallet"]).rename(tmp_path / case["case"])
    listed = {wallet.name: wallet for wallet in list_wallets(tmp_path)}
    assert len(listed) >= len([case for case in CASES if case["wallet"] == "w"]) - 2
    assert listed["control-good"].problem is None


def one_derivation(derived: dict[str, bytes]) -> Any:
    """The true password costs its derivation once; every other one is a wrong key, whichever."""
    real, right = encryption.derive, CASES[0]["password"] if CASES else ""

    async def derive(password: str, cost: Cost = encryption.FULL_COST) -> bytes:
        if password != right:
            return hashlib.sha256(password.encode()).digest()
        if password not in derived:
            derived[password] = await real(password, cost)
        return derived[password]

    return derive


def shows_no_wrong_address(wallet: Wallet, case: dict[str, Any]) -> None:
    only_seen_when_unlocked = case["case"] == "coldkeypub-of-other-key"
    if not only_seen_when_unlocked and not wallet.problem:
        assert wallet.coldkey_ss58 in (case["true_ss58"], None)
    for hotkey in wallet.hotkeys:
        if hotkey.name == case.get("hotkey") and hotkey.problem is None:
            assert hotkey.ss58 in (case["true_ss58"], None)


async def opened(wallet: Wallet, what: str, case: dict[str, Any]) -> RanvierError | None:
    """Open one file; anything but our own error fails the test, and so does another key."""
    try:
        if what == "coldkey":
            ss58 = (await wallets.unlock_coldkey(wallet.path, case["password"])).ss58
        elif what == "coldkeypub":
            ss58 = files.read_public(wallet.path / "coldkeypub.txt").ss58
        else:
            ss58 = wallets.load_hotkey(wallet.path, case.get("hotkey", "default")).ss58
    except RanvierError as error:
        return error
    if case["case"] != "coldkeypub-of-other-key":
        assert ss58 == case["true_ss58"], "another account was opened"
    return None


def kind(error: RanvierError | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, WrongPasswordError):
        return "wrong_password"
    assert isinstance(error, KeyTroubleError), error
    return str(error.trouble)


def allowed(expected: str, case: str, what: str) -> set[str]:
    table = {
        "wrong_password_or_corrupt": {"wrong_password", "corrupt"},
        "ok_or_mismatch": {"ok", "mismatch"},
        "ok_or_corrupt": {"ok", "corrupt"},
        "ok_via_link": {"ok"},
        "danger": {"ok", "corrupt"},
        "unreadable": {"unreadable"} | ({"ok"} if os.name != "posix" or os.geteuid() == 0 else set()),
    }
    if case == "coldkeypub-of-other-key":  # it is refused where it would sign, as its address is not the one shown
        return {"mismatch"} if what == "coldkey" else {"ok"}
    if case == "wrong-password-trailing-space":
        return {"ok"}  # we try a password trimmed before we call it wrong
    return table.get(expected, {expected})


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    stats = {str(path): path.lstat() for path in folder.rglob("*")}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}
