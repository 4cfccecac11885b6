"""Files that survive a kill, a full disk and two writers."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ranvier.core import files
from ranvier.core.errors import StorageError
from ranvier.core.files import storage_errors, write_atomic, write_wish
from ranvier.core.processes import child_environment

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX modes and signals")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "state.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["state.json"]


@posix
def test_files_and_new_folders_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    before = os.umask(0)
    try:
        write_atomic(path, b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    write_atomic(path, b"y", mode=0o644)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_without_replace_the_first_writer_wins(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_atomic(path, b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_atomic(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["key"]


@posix
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    wait = random.Random(2)
    for _round in range(6):
        command = [sys.executable, str(PROGRAMS / "write_for_ever.py"), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment()) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"writing\n"
            time.sleep(wait.uniform(0, 0.05))
            writer.kill()
        content = path.read_bytes()
        assert len(content) == 200_000
        assert len(set(content)) == 1
    write_atomic(path, b"after")
    assert path.read_bytes() == b"after"


@posix
def test_no_room_left_is_said_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_atomic(path, b"old")
    command = [sys.executable, str(PROGRAMS / "write_past_limit.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), check=True)
    assert done.stdout.startswith("Cannot write: ")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["state"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        write_atomic(disk / "state", b"old")
        with pytest.raises(StorageError) as caught:
            write_atomic(disk / "state", b"x" * 200_000)
        assert caught.value.title == "Disk full"
        assert "no space left" in caught.value.message
        assert (disk / "state").read_bytes() == b"old"
        assert names(disk) == ["state"]
        write_wish(disk / "wish", b'{"run": true, "for": "ever and ever"}')
        with contextlib.suppress(StorageError):
            while True:
                write_atomic(disk / f"full{len(names(disk))}", b"x" * 4096)
        for text in (b'{"run": false}', b'{"run": false, "why": "' + b"long" * 100 + b'"}', b'{"run": true}'):
            write_wish(disk / "wish", text)
            assert json.loads((disk / "wish").read_bytes()) == json.loads(text)
        with pytest.raises(StorageError, match="no space left"):
            write_wish(disk / "wish", b"x" * 5000)
        with pytest.raises(StorageError, match="no space left"):
            write_wish(disk / "another", b"{}")
        assert json.loads((disk / "wish").read_bytes()) == {"run": True}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_is_told_apart_from_forbidden(code: int, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise OSError(code, os.strerror(code))
    assert caught.value.title == "Disk full"
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    assert caught.value.title == "Cannot write"
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize(("refusals", "written"), [(2, b"new"), (9, b"old")])
def test_a_reader_that_keeps_windows_from_replacing_a_file_is_waited_for(
    refusals: int, written: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    replace, tries = Path.replace, []

    def refused(self: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) <= refusals:
            raise PermissionError(errno.EACCES, "Access is denied")
        return replace(self, target)

    monkeypatch.setattr(files, "_PATIENCE_S", (0.0, 0.0, 0.0))  # as it is there
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(StorageError, match="Access is denied") if written == b"old" else contextlib.nullcontext():
        write_atomic(path, b"new")
    assert (path.read_bytes(), names(tmp_path)) == (written, ["state.json"])


def test_a_folder_in_the_way_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        write_atomic(tmp_path / "file" / "below", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError):
        write_atomic(tmp_path / "folder", b"x")
    assert names(tmp_path) == ["file", "folder"]
