"""Space and health hints of the file systems that hold the folders that matter."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from ranvier.hardware.snapshot import Disk


def folders_that_matter(data: Path) -> tuple[Path, ...]:
    """Our own data, and where inference programs keep their models."""
    models = os.environ.get("HF_HOME")
    return (data, Path(models) if models else Path.home() / ".cache" / "huggingface")


def disks(folders: Iterable[Path], root: Path = Path("/")) -> tuple[Disk, ...]:
    """One entry for each file system; a folder not yet made stands for its nearest parent."""
    found: dict[int, Disk] = {}
    for folder in folders:
        place = next((path for path in (folder, *folder.parents) if path.exists()), None)
        if place is None:
            continue
        try:
            usage, device = shutil.disk_usage(place), place.stat().st_dev
        except OSError:
            continue
        if device not in found:
            kind, read_only = _mount(place, root)
            found[device] = Disk(
                str(folder), usage.total, usage.free, read_only, _rotational(device, root), kind,
                inodes_free=_inodes(place), errors=_errors(device, root),
            )  # fmt: skip
    return tuple(found.values())


def _mount(place: Path, root: Path) -> tuple[str | None, bool]:
    """File system and whether it is mounted read-only, by the longest mount point above ``place`` (Linux)."""
    best: tuple[int, str, bool] | None = None
    whole = str(place.resolve())
    try:
        lines = (root / "proc" / "self" / "mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None, False
    for line in lines:
        fields = line.split()
        if len(fields) < 4:
            continue
        point = fields[1].replace("\\040", " ").rstrip("/")
        inside = whole == point or whole.startswith(point + "/")
        if inside and (best is None or len(point) >= best[0]):
            best = (len(point), fields[2], "ro" in fields[3].split(","))
    return (None, False) if best is None else (best[1], best[2])


def _inodes(place: Path) -> int | None:
    """Files that can still be made; None where the file system has no such limit (btrfs), or no such system call."""
    if sys.platform == "win32":
        return None
    try:
        counts = os.statvfs(place)
    except OSError:
        return None
    return counts.f_favail if counts.f_files else None


def _errors(device: int, root: Path) -> int | None:
    """What ext4 has counted of its own errors; other file systems tell this to root alone, or to nobody."""
    if sys.platform == "win32":
        return None
    block = root / "sys" / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
    try:
        return int((root / "sys" / "fs" / "ext4" / block.resolve().name / "errors_count").read_text("ascii"))
    except (OSError, ValueError):
        return None


def _rotational(device: int, root: Path) -> bool | None:
    if sys.platform == "win32":
        return None
    block = root / "sys" / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
    if block.resolve().name.startswith(("vd", "xvd")):
        return None  # a virtual disk says yes, whatever is below it
    for folder in (block, block.resolve().parent if block.exists() else block):  # a partition's disk is above it
        try:
            return (folder / "queue" / "rotational").read_text("ascii").strip() == "1"
        except OSError:
            continue
    return None
