"""A transaction before it is signed, in words: what, on which network, what it costs, what may surprise."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ranvier.chain.model import Plan
from ranvier.core.units import Tao, format_tao
from ranvier.ui.words import short_hash

_NETWORKS = {
    "sandbox": ("Sandbox · play money", "This happens on your own machine; the money is not real."),
    "test": ("Testnet", "Testnet TAO has no market value."),
    "finney": ("Mainnet · real money", "This spends real TAO and cannot be undone."),
}


def network_words(network: str) -> tuple[str, str]:
    """Title of a network and one sentence of what signing there means. An unknown name is treated as real money."""
    return _NETWORKS.get(network, (network, "This may spend real money and cannot be undone."))


class PlanView(QWidget):
    """The plan itself, without buttons, so that a dialog and the rehearsal page show the same thing."""

    def __init__(self, plan: Plan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plan = plan
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(self._head())
        layout.addWidget(_rule())
        layout.addLayout(self._facts())
        for warning in plan.warnings:
            layout.addWidget(_warning(warning))

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        title = QLabel(self.plan.title)
        title.setObjectName("subheading")
        title.setWordWrap(True)
        name, meaning = network_words(self.plan.network)
        network = QLabel(name)
        network.setObjectName("networkBadge")
        network.setProperty("network", self.plan.network)
        network.setToolTip(meaning)
        network.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        row.addWidget(title, 1)
        row.addWidget(network, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _facts(self) -> QGridLayout:
        plan = self.plan
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows = [
            *((label, value, False) for label, value in plan.lines),
            ("Network fee", format_tao(Tao(plan.fee_rao)), False),
            ("Spends at most", format_tao(Tao(plan.spend_rao + plan.fee_rao)), True),
            ("Signed by", plan.signer_ss58, False),
            ("Call", f"{plan.pallet}.{plan.function}", False),
            ("Network checked", f"genesis {short_hash(plan.genesis_hash)}, runtime {plan.spec_version}", False),
        ]
        for index, (label, value, strong) in enumerate(rows):
            name = QLabel(label)
            name.setObjectName("muted")
            text = QLabel(value)
            text.setWordWrap(True)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if strong:
                font = text.font()
                font.setBold(True)
                text.setFont(font)
            grid.addWidget(name, index, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(text, index, 1)
        return grid


class PlanDialog(QDialog):
    """Shows a plan and asks for a yes. The default button is Cancel: Enter must not spend money."""

    def __init__(self, plan: Plan, parent: QWidget | None = None, *, confirm: str = "Sign and send") -> None:
        super().__init__(parent)
        self.setWindowTitle("Check before signing")
        self.setMinimumWidth(600)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 20)
        layout.setSpacing(16)
        layout.addWidget(PlanView(plan))
        meaning = QLabel(network_words(plan.network)[1])
        meaning.setObjectName("muted")
        meaning.setWordWrap(True)
        layout.addWidget(meaning)
        buttons = QDialogButtonBox()
        self.confirm_button = buttons.addButton(confirm, QDialogButtonBox.ButtonRole.AcceptRole)
        self.cancel_button = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self.confirm_button.setAutoDefault(False)
        self.cancel_button.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.cancel_button.setFocus()


def _warning(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("warning")
    label.setWordWrap(True)
    return label


def _rule() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setObjectName("rule")
    return line
