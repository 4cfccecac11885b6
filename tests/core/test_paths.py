"""Folders: all from one object, all moved by one option, private when made."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from ranvier.core.paths import Paths, private_folder, resources


def all_of(paths: Paths) -> list[Path]:
    return [
        paths.config, paths.data, paths.wallets, paths.settings_file, paths.logs, paths.agent, paths.miners,
        paths.benchmarks, paths.rehearsal, paths.cache, paths.network("test"), paths.ledger_file("test"),
        paths.miner("m1"),
    ]  # fmt: skip


def test_home_moves_everything_and_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    assert all(path.is_relative_to(home) for path in all_of(Paths.under(home)))
    assert not home.exists()


def test_a_child_process_gets_the_same_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = Paths.under(Path("relative"))
    assert paths.arguments() == ["--home", str(tmp_path / "relative")]
    assert Paths.under(Path(paths.arguments()[1])) == paths
    assert Paths.default().arguments() == []


def test_by_default_wallets_are_where_the_ecosystem_keeps_them(away_from_home: Path) -> None:
    paths = Paths.default()
    assert paths.wallets == away_from_home / ".bittensor" / "wallets"
    if sys.platform == "linux":
        assert paths.config.is_relative_to(away_from_home)
        assert paths.data.is_relative_to(away_from_home)


def test_two_networks_never_share_a_ledger(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path)
    assert len({paths.ledger_file(name) for name in ("sandbox", "test", "finney")}) == 3


def test_resources_are_found_in_the_source_tree_and_in_a_frozen_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (resources() / "recipes").is_dir()
    (tmp_path / "resources").mkdir()
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resources() == tmp_path / "resources"


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_new_folders_are_the_owners_alone_and_old_ones_are_left_as_they_are(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o755)
    old.chmod(0o755)
    made = private_folder(old / "a" / "b")
    assert private_folder(made) == made
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, old / "a", made)] == [0o755, 0o700, 0o700]
