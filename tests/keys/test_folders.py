"""Which wallet folder and why, several of them, and what other tools change in them while we run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from keys.vectors import ABANDON, DEV
from ranvier.core.paths import Paths
from ranvier.core.settings import WALLET_FOLDER, Settings
from ranvier.keys import folders, wallets
from ranvier.keys.folders import wallet_folder, wallet_folders
from ranvier.keys.signing import LocalSigner
from ranvier.keys.watching import Watcher

COLD, HOT = (LocalSigner.from_mnemonic(phrase).ss58 for phrase in (DEV, ABANDON))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings.toml")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_order_and_the_reason(
    settings: Settings, away_from_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = Paths.default()
    assert wallet_folder(settings, paths).path == away_from_home / ".bittensor" / "wallets"
    yml = write(away_from_home / ".bittensor" / "config.yml", "network: finney\nwallet_path: ~/from-yml # old\n")
    chosen = wallet_folder(settings, paths)
    assert chosen.path == away_from_home / "from-yml" and str(yml) in chosen.why
    btcli = write(away_from_home / ".bittensor" / "btcli.json", json.dumps({"wallet_path": "~/from-json"}))
    chosen = wallet_folder(settings, paths)
    assert chosen.path == away_from_home / "from-json" and str(btcli) in chosen.why
    elsewhere = write(tmp_path / "other.json", json.dumps({"wallet_path": str(tmp_path / "moved")}))
    monkeypatch.setenv("BTCLI_CONFIG", str(elsewhere))
    assert wallet_folder(settings, paths).path == tmp_path / "moved"
    monkeypatch.setenv("BT_WALLET_PATH", "~/from-variable")
    chosen = wallet_folder(settings, paths)
    assert chosen.path == away_from_home / "from-variable" and "BT_WALLET_PATH" in chosen.why
    settings.set(WALLET_FOLDER, "~/chosen/../chosen")
    chosen = wallet_folder(settings, paths)
    assert chosen.path == away_from_home / "chosen" and "settings" in chosen.why


@pytest.mark.usefixtures("away_from_home")
def test_an_instance_of_its_own_never_reaches_the_real_wallets(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BT_WALLET_PATH", "~/elsewhere")
    assert wallet_folder(settings, Paths.under(tmp_path)).path == tmp_path / "wallets"
    settings.set(WALLET_FOLDER, str(tmp_path / "chosen"))
    assert wallet_folder(settings, Paths.under(tmp_path)).path == tmp_path / "chosen"


@pytest.mark.parametrize(
    "text", ["{", "[1]", '"x"', '{"wallet_path": 5}', '{"wallet_path": ""}', "[" * 100_000, "\xff"]
)
def test_other_tools_broken_settings_are_passed_over(settings: Settings, away_from_home: Path, text: str) -> None:
    file = write(away_from_home / ".bittensor" / "btcli.json", "")
    file.write_bytes(text.encode("latin-1"))
    chosen = wallet_folder(settings, Paths.default())
    assert chosen.path == away_from_home / ".bittensor" / "wallets"
    assert bool(chosen.ignored) == (text in ("{", "[" * 100_000, "\xff"))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("wallet_path: /a/b", "/a/b"),
        ('wallet_path: "/a b/c"', "/a b/c"),
        ("wallet_path: '/a#b'   # remark\r", "/a#b"),
        ("wallet_path: null", None),
        ("wallet_path: ~", None),
        ("# wallet_path: /a", None),
        ("other:\n  wallet_path: /a", None),
        ("wallet_path:", None),
    ],
)
def test_yaml_line(tmp_path: Path, line: str, value: str | None) -> None:
    assert folders._from_yaml(write(tmp_path / "c.yml", f"a: 1\n{line}\nb: 2\n")) == value


def test_several_folders(settings: Settings, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    settings.set(WALLET_FOLDER, folders.joined([one, two, one]))
    assert [f.path for f in wallet_folders(settings, Paths.under(tmp_path))] == [one, two]
    if os.name == "posix":
        odd = tmp_path / "a:b"
        odd.mkdir()
        settings.set(WALLET_FOLDER, str(odd))
        assert [f.path for f in wallet_folders(settings, Paths.under(tmp_path))] == [odd]


def test_changes_by_other_tools_appear(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    watcher = Watcher([one, two, one])
    assert watcher.scan().wallets == ()
    first = wallets.add_watch_only(one, "w", COLD)
    second = wallets.add_watch_only(two, "v", HOT)
    scan = watcher.scan()
    assert [w.name for w in scan.wallets] == ["w", "v"] and scan.changed == {first.path, second.path}
    again = watcher.scan()
    assert again.changed == frozenset() and again.wallets[0] is scan.wallets[0], "an unchanged wallet is not read again"
    wallets.add_hotkey(first.path, "h", ABANDON)
    scan = watcher.scan()
    assert scan.changed == {first.path} and [h.name for h in scan.wallets[0].hotkeys] == ["h"]
    (first.path / "hotkeys" / "h").chmod(0o644)
    assert watcher.scan().changed == {first.path}
    (first.path / "coldkeypub.txt").write_bytes(b"broken")
    assert watcher.scan().wallets[0].problem
    shutil.rmtree(second.path)
    scan = watcher.scan()
    assert scan.changed == {second.path} and [w.name for w in scan.wallets] == ["w"]


@pytest.mark.skipif(os.name != "posix", reason="names that differ by capitals need such a file system")
def test_names_that_are_one_elsewhere_are_named(tmp_path: Path) -> None:
    wallets.add_watch_only(tmp_path, "mine", COLD)
    shutil.copytree(tmp_path / "mine", tmp_path / "Mine")
    for listed in (wallets.list_wallets(tmp_path), Watcher([tmp_path]).scan().wallets):
        assert [("capitals" in str(w.problem)) for w in listed] == [True, True]


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    wallets.add_watch_only(tmp_path / "good", "w", COLD)
    scan = Watcher([tmp_path / "file", tmp_path / "good"]).scan()
    assert len(scan.wallets) == 1 and len(scan.problems) == 1
