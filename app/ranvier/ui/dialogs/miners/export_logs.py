"""Handing out a miner's log: first what would be in the bundle and what was cut out, then where to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from ranvier.agent.api.messages import BundlePreview, ExportLogs, MinerView
from ranvier.core.errors import RanvierError
from ranvier.core.outside import at_home
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog, show
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.path_field import Choose, PathField
from ranvier.ui.widgets.text import label
from ranvier.ui.words import count_text, size_text


class ExportDialog(Dialog):
    """``path`` is where the reader wants it."""

    def __init__(self, parent: QWidget, name: str, preview: BundlePreview, path: Path) -> None:
        super().__init__(parent, f"Export what is known of {name}", yes="Export")
        self.setMinimumWidth(560)
        self.body.addWidget(
            label("A zip for somebody who helps you. This miner's own secrets, seeds, phrases, passwords, tokens, "
                  "addresses on the network and your home folder's name are cut out; public keys stay.",
                  "muted", wrap=True)
        )  # fmt: skip
        files = "\n".join(f"{file.name}  ({size_text(file.size)})" for file in preview.files)
        self.body.addWidget(label("In it", "strong"))
        self.body.addWidget(label(files or "nothing", wrap=True, copyable=True))
        self.body.addWidget(label("Cut out", "strong"))
        self.body.addWidget(label(cut_text(preview), wrap=True, copyable=True))
        if preview.problem:
            self.body.addWidget(label(preview.problem, "problem", wrap=True))
        self.path = PathField("Save as", Choose.NEW_FILE, _problem, text=str(path))
        self.body.addWidget(self.path)
        fit(self, 560)

    def submitted(self) -> None:
        if self.path.field.insist():
            self.accept()


def cut_text(preview: BundlePreview) -> str:
    """One line for each kind of thing that was cut out, with an example as it looks now."""
    if not preview.cuts:
        return "Nothing was found that had to be cut out."
    lines = []
    for cut in preview.cuts:
        sample = f": “{cut.sample.strip()[:90]}”" if cut.sample.strip() else ""
        lines.append(f"{cut.file}: {cut.kind}, {count_text(cut.count, 'place')}{sample}")
    return "\n".join(lines)


def _problem(text: str) -> str | None:
    path = at_home(text)
    if not text.strip():
        return "Say where to save it."
    if not path.is_absolute():
        return "Give the whole path."
    if path.is_dir():
        return "That is a folder; add a file name."
    return None if path.parent.is_dir() else f"There is no folder {path.parent}."


async def export_logs(parent: QWidget, context: Context, miner: MinerView) -> None:
    """Show what would be handed out, ask where to, write it."""
    preview = await context.client.call(ExportLogs(miner.id))
    folder = next((one for one in (Path.home() / "Desktop", Path.home()) if one.is_dir()), Path.home())
    dialog = ExportDialog(parent, miner.name, preview, folder / f"{miner.id}-logs.zip")
    if not await show(dialog):
        return
    path = str(at_home(dialog.path.field.text()))
    try:
        await context.client.call(ExportLogs(miner.id, path))
    except RanvierError as error:
        context.show_error(error)
        return
    context.say(f"Saved to {path}.")
