"""Change what is not in a miner's recipe: its port, where others reach it, the cards that are its alone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QCheckBox, QSpinBox, QWidget

from ranvier.agent.api.messages import ChangeMiner, GetHardware, MinerView
from ranvier.hardware.snapshot import Gpu
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog, show
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.fields import Field, ip_problem
from ranvier.ui.widgets.text import allow, label
from ranvier.ui.words import size_text


class ChangeMinerDialog(Dialog):
    """``owners``: card (UUID) -> name of the other miner that has it."""

    def __init__(self, parent: QWidget, miner: MinerView, gpus: Sequence[Gpu], owners: dict[str, str]) -> None:
        super().__init__(parent, f"Change {miner.name}", yes="Change")
        self._miner = miner
        self.body.addWidget(label("It counts from the miner's next start.", "muted", wrap=True))
        self.body.addWidget(label("Port of its axon", "strong"))
        self.port = _port_box("Port of its axon", "any free port", miner.axon_port or 0)
        self.body.addWidget(self.port)
        self.body.addWidget(label("Where others reach it from outside", "strong"))
        self.address = Field(
            "Address", lambda text: ip_problem(text) if text.strip() else None, text=miner.external_ip,
            hint="For recipes that ask for it, and for publishing its axon. Empty: not told.",
        )  # fmt: skip
        self.body.addWidget(self.address)
        self.body.addWidget(label("Port"))
        self.outside = _port_box("Port from outside", "the same port", miner.external_port)
        self.body.addWidget(self.outside)
        self.body.addWidget(label("Cards that are this miner's alone", "strong"))
        self.cards: dict[str, QCheckBox] = {}
        for gpu in gpus:
            memory = f", {size_text(gpu.memory_total)}" if gpu.memory_total is not None else ""
            box = QCheckBox(f"{gpu.name} (number {gpu.index}{memory})")
            box.setChecked(gpu.uuid in miner.gpus)
            owner = owners.get(gpu.uuid)
            allow(box, None if owner is None else f"{owner} has it; take it from that one first.", gpu.uuid)
            self.cards[gpu.uuid] = box
            self.body.addWidget(box)
        for uuid in miner.gpus:
            if uuid not in self.cards:
                box = self.cards[uuid] = QCheckBox(f"{uuid} (not seen now)")
                box.setChecked(True)
                self.body.addWidget(box)
        none = "None chosen: it sees all cards, and shares them."
        self.body.addWidget(label(none if self.cards else "No card was found in this machine.", "small", wrap=True))
        fit(self, 460)

    def command(self) -> ChangeMiner:
        port, ip, outside = self.port.value(), self.address.text().strip(), self.outside.value()
        gpus = tuple(uuid for uuid, box in self.cards.items() if box.isChecked())
        return ChangeMiner(
            self._miner.id,
            axon_port=None if port == (self._miner.axon_port or 0) else port,
            gpus=None if set(gpus) == set(self._miner.gpus) else gpus,
            external_ip=None if ip == self._miner.external_ip else ip,
            external_port=None if outside == self._miner.external_port else outside,
        )

    def accept(self) -> None:
        if self.address.insist():
            super().accept()


def _port_box(name: str, none: str, port: int) -> QSpinBox:
    """``none``: what 0 means."""
    box = QSpinBox()
    box.setRange(0, 65_535)
    box.setSpecialValueText(none)
    box.setValue(port)
    box.lineEdit().setTextMargins(7, 0, 0, 0)  # the stylesheet's padding does not reach it
    box.setAccessibleName(name)
    return box


async def change_miner(parent: QWidget, context: Context, miner: MinerView) -> None:
    """Ask and change; says what counts from when."""
    hardware = await context.client.call(GetHardware())
    status = context.bridge.latest
    others = () if status is None else status.miners
    owners = {uuid: one.name for one in others if one.id != miner.id for uuid in one.gpus}
    dialog = ChangeMinerDialog(parent, miner, hardware.gpus, owners)
    if await show(dialog):
        done = await context.client.call(dialog.command())
        context.say(done.text)
