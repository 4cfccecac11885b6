"""What fills the disk of Ranvier's data, the largest first, and the one thing in it that can be deleted safely."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from ranvier.core.paths import Paths
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog, show
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.text import allow, label
from ranvier.ui.words import size_text

_MOST = 8


@dataclass(frozen=True, slots=True)
class Use:
    """Bytes on disk below ``folder``, and what that is."""

    title: str
    folder: Path
    size: int


def look(paths: Paths, names: dict[str, str]) -> tuple[list[Use], int, int]:
    """(uses, free bytes, bytes of the whole disk). ``names``: miner's id -> its name. Blocking (seconds)."""
    parts = [("Downloads for environments; they can be fetched again", paths.cache)]
    for folder in sorted(paths.miners.iterdir()) if paths.miners.is_dir() else []:
        name = names.get(folder.name, folder.name)
        parts += [
            (f"{name}: its environments", folder / "env"),
            (f"{name}: its newer versions", folder / "versions"),
            (f"{name}: its log", folder / "logs"),
            (f"{name}: what it stored itself", folder / "data"),
        ]
    parts += [("Ledgers and the sandbox", paths.data / "networks"), ("Benchmarks", paths.benchmarks)]
    found = [Use(title, folder, _below(folder)) for title, folder in parts]
    disk = shutil.disk_usage(paths.data)
    return sorted((one for one in found if one.size), key=lambda one: -one.size), disk.free, disk.total


def _below(folder: Path) -> int:
    """What deleting it would free: blocks on disk, of a file that stands elsewhere too (hard links) its share."""
    total = 0
    pending = [folder]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                        continue
                    facts = entry.stat(follow_symlinks=False)
                    size = getattr(facts, "st_blocks", 0) * 512 or facts.st_size
                    total += size // max(1, facts.st_nlink)
    return total


class DiskDialog(Dialog):
    """Accepted: the downloads are to be deleted. ``busy_with`` says why that cannot be done now."""

    def __init__(
        self, parent: QWidget, paths: Paths, found: tuple[list[Use], int, int], busy_with: str | None = None
    ) -> None:
        uses, free, total = found
        super().__init__(parent, "What fills the disk", yes="Delete the downloads", no="Close")
        self.body.addWidget(label(f"{size_text(free)} of {size_text(total)} are free on the disk of {paths.data}.",
                                  wrap=True, copyable=True))  # fmt: skip
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for row, one in enumerate(uses[:_MOST]):
            title = label(one.title, wrap=True)
            title.setToolTip(str(one.folder))
            grid.addWidget(title, row, 0)
            grid.addWidget(label(size_text(one.size)), row, 1, Qt.AlignmentFlag.AlignRight)
        if not uses:
            grid.addWidget(label("Ranvier keeps next to nothing on it.", "muted", wrap=True), 0, 0)
        self.body.addLayout(grid)
        ours = sum(one.size for one in uses)
        self.body.addWidget(
            label(f"{size_text(ours)} are Ranvier's in all; what else lies on the disk is not counted here. Ranvier "
                  "deletes nothing that cannot be fetched again.", "muted", wrap=True)
        )  # fmt: skip
        none = None if any(one.folder == paths.cache for one in uses) else "There are no downloads."
        allow(self.yes, busy_with or none, "Environments in use stay as they are")
        self.no.setDefault(True)
        fit(self, 540)


async def disk_use(parent: QWidget, context: Context) -> None:
    """Count, show, and delete the downloads when asked."""
    latest = context.bridge.latest
    miners = () if latest is None else latest.miners
    context.say("Counting what fills the disk…")
    found = await asyncio.to_thread(look, context.paths, {one.id: one.name for one in miners})
    busy = next((f"{one.name} is being installed." for one in miners if one.shown == "installing"), None)
    if await show(DiskDialog(parent, context.paths, found, busy)):
        await asyncio.to_thread(shutil.rmtree, context.paths.cache / "uv", True)
        free = shutil.disk_usage(context.paths.data).free
        context.say(f"The downloads are deleted; {size_text(free)} are free now.")
