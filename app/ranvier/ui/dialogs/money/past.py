"""The past: which node is asked for blocks that the ordinary one has forgotten, and whose pay is read up from where."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QComboBox, QWidget

from ranvier.chain.networks import NETWORKS
from ranvier.keys.addresses import is_ss58
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.text import label

USUAL, OWN, NONE = "usual", "own", "none"
_CHOICES = (
    (USUAL, "The network's usual archive, if it has one"),
    (OWN, "An archive node of my choice"),
    (NONE, "None: only what the ordinary node still keeps"),
)
OFF = "off"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hotkey's pay on one subnet, from a block on."""

    netuid: int
    hotkey_ss58: str
    from_block: int


class PastDialog(Dialog):
    """``archive`` is the endpoint in use (None: none); hotkey and subnet are offered. When accepted, ``endpoint`` says
    what to use from now on (None: as before, empty: the usual one, ``off``), ``wanted`` what to read up."""

    def __init__(self, parent: QWidget, archive: str | None, netuid: int | None, hotkey_ss58: str) -> None:
        super().__init__(parent, "Read the past", yes="Read")
        self.endpoint: str | None = None
        self.wanted: Wanted | None = None
        now = f"Asked now: {archive}." if archive else "No archive is asked now."
        self.body.addWidget(
            label(
                "An ordinary node keeps about an hour of the past. Earnings and trades before that are read from an"
                f" archive node, which sees your internet address and what is asked. {now}",
                wrap=True,
            )
        )
        self.kind = QComboBox()
        self.kind.setAccessibleName("Archive node")
        self.kind.setMinimumHeight(32)
        for key, words in _CHOICES:
            self.kind.addItem(words, key)
        self.address = Field("Address of the archive", _endpoint_problem, hint="It begins with wss:// or ws://.")
        self.body.addWidget(self.kind)
        self.body.addWidget(self.address)
        self.body.addWidget(
            label(
                "Read up a hotkey's pay from a block on; leave the block empty to change the archive only.", wrap=True
            )
        )
        self.block = Field("From block", self._block_problem, hint="Such as the block of its registration.")
        self.hotkey = Field("Hotkey", self._hotkey_problem, text=hotkey_ss58)
        self.netuid = Field("Subnet", self._netuid_problem, text="" if netuid is None else str(netuid))
        for field in (self.hotkey, self.netuid, self.block):
            self.body.addWidget(field)
        self.block.changed.connect(self.hotkey.draw_again)
        self.block.changed.connect(self.netuid.draw_again)
        usual = {one.archive for one in NETWORKS.values()}
        self._before = (NONE if not archive else USUAL if archive in usual else OWN, archive or "")
        if self._before[0] == OWN:
            self.address.start_anew(self._before[1])
        self.kind.setCurrentIndex(self.kind.findData(self._before[0]))
        self.kind.currentIndexChanged.connect(lambda _: self._changed())
        self._changed()
        (self.block if hotkey_ss58 else self.hotkey).input.setFocus()
        fit(self, 560)

    def submitted(self) -> None:
        kind = self.kind.currentData()
        checked = [*([self.address] if kind == OWN else []), self.hotkey, self.netuid, self.block]
        good = [field.insist() for field in checked]  # each says what is wrong with it
        if not all(good):
            return
        address = self.address.text().strip()
        if kind != self._before[0] or (kind == OWN and address != self._before[1]):
            self.endpoint = {OWN: address, NONE: OFF, USUAL: ""}[kind]
        if self.block.text().strip():
            self.wanted = Wanted(int(self.netuid.text()), self.hotkey.text().strip(), _block(self.block.text()) or 1)
        self.accept()

    def _changed(self) -> None:
        self.address.setVisible(self.kind.currentData() == OWN)

    def _hotkey_problem(self, text: str) -> str | None:
        if not self.block.text().strip() or is_ss58(text.strip()):
            return None
        return "That is no address: it begins with 5 and has 48 characters."

    def _netuid_problem(self, text: str) -> str | None:
        return None if not self.block.text().strip() or text.strip().isdecimal() else "The subnet's number, such as 1."

    def _block_problem(self, text: str) -> str | None:
        return None if not text.strip() or _block(text) else "A block's number, such as 4 100 000."


def _endpoint_problem(text: str) -> str | None:
    return None if text.strip().startswith(("wss://", "ws://")) else "An endpoint begins with wss:// or ws://."


def _block(text: str) -> int | None:
    """Groups are fine: 4 100 000 and 4,100,000."""
    digits = "".join(text.split()).replace(",", "").replace("'", "")
    return int(digits) if digits.isdecimal() and len(digits) < 12 and int(digits) > 0 else None
