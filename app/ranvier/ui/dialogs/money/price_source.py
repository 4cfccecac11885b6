"""Where fiat prices come from: nobody until one is chosen. Says before what is sent to whom."""

from __future__ import annotations

from urllib.parse import urlsplit

from PySide6.QtWidgets import QComboBox, QWidget

from ranvier.core.errors import LedgerError
from ranvier.ledger.prices import PriceSource, check_source
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.path_field import Choose, PathField
from ranvier.ui.widgets.text import label

OFF, CSV, JSON, PRESET = "off", "csv", "json", "preset"
_CHOICES = (
    (OFF, "None: amounts are shown in TAO only"),
    (CSV, "A file of mine"),
    (PRESET, "CoinGecko's public price, no account"),
    (JSON, "Another address that answers in JSON"),
)
_PRESET_HOST = "https://api.coingecko.com"
_PRESET = _PRESET_HOST + "/api/v3/simple/price?ids=bittensor&vs_currencies={code}"


class PriceSourceDialog(Dialog):
    """``source`` is what was chosen after it was accepted; None is off."""

    def __init__(self, parent: QWidget, source: PriceSource | None) -> None:
        super().__init__(parent, "Fiat prices", yes="Use")
        self.source = source
        self.kind = QComboBox()
        self.kind.setAccessibleName("Where prices come from")
        self.kind.setMinimumHeight(32)
        for key, words in _CHOICES:
            self.kind.addItem(words, key)
        old = source or PriceSource("off", "", "EUR")
        self.currency = Field(
            "Currency", self._currency_check, hint="Three letters, like EUR or USD.", text=old.currency
        )
        file = old.place if old.kind == "csv" else ""
        self.file = PathField(
            "File", Choose.FILE, lambda text: None if text.strip() else "Choose a file.", text=file,
            hint="CSV with a heading: date and price. It is read again every hour; nothing leaves this machine.",
        )  # fmt: skip
        address = old.place if old.kind == "json" else ""
        self.address = Field("Address", self._address_check, text=address, hint="It has to begin with https://.")
        self.price = Field(
            "Where in the answer the price is",
            lambda text: None if text.strip() else "Such as bittensor.usd.",
            hint="Steps joined by dots, like bittensor.usd.",
            text=old.price,
        )
        self.rows = Field("Where the list is, if it is a list", lambda _: None, text=old.rows or "")
        self.time = Field("Where the time of each is", self._time_check, text=old.time)
        self.body.addWidget(self.kind)
        for widget in (self.currency, self.file, self.address, self.price, self.rows, self.time):
            self.body.addWidget(widget)
        self.sends = label("", wrap=True)
        self.body.addWidget(self.sends)
        self.kind.currentIndexChanged.connect(lambda _: self._changed())
        self.address.changed.connect(self._changed)
        self.rows.changed.connect(self.time.draw_again)
        preset = old.kind == "json" and old.place.startswith(_PRESET_HOST)
        self.kind.setCurrentIndex(self.kind.findData(PRESET if preset else old.kind))
        self._changed()
        fit(self, 560)

    def _changed(self) -> None:
        kind = self.kind.currentData()
        self.currency.setVisible(kind != OFF)
        self.file.setVisible(kind == CSV)
        for field in (self.address, self.price, self.rows, self.time):
            field.setVisible(kind == JSON)
        self.sends.setText(sent_words(kind, self.address.text()))

    def submitted(self) -> None:
        kind = self.kind.currentData()
        if kind == OFF:
            self.source = None
            self.accept()
            return
        checked = [self.currency]
        checked += [self.address, self.price, self.time] if kind == JSON else []
        good = [field.insist() for field in checked]  # each says what is wrong with it
        if not all(good) or (kind == CSV and not self.file.insist()):
            return
        source = self._made(kind)
        try:
            check_source(source)
        except LedgerError as error:
            self.problem(error.message)
            return
        self.source = source
        self.accept()

    def _made(self, kind: str) -> PriceSource:
        code = self.currency.text().strip().upper()
        if kind == CSV:
            return PriceSource("csv", str(self.file.path()), code)
        if kind == PRESET:
            return PriceSource("json", _PRESET.format(code=code.lower()), code, f"bittensor.{code.lower()}")
        rows = self.rows.text().strip() or None
        return PriceSource("json", self.address.text().strip(), code, self.price.text().strip(), rows, self.time.text())

    def _currency_check(self, text: str) -> str | None:
        code = text.strip()
        ok = 3 <= len(code) <= 5 and code.isascii() and code.isalpha() and code.upper() != "TAO"
        return None if ok else "Three letters, like EUR or USD."

    def _address_check(self, text: str) -> str | None:
        return None if text.strip().startswith("https://") else "The address has to begin with https://."

    def _time_check(self, text: str) -> str | None:
        return "A list needs to say where its times are." if self.rows.text().strip() and not text.strip() else None


def sent_words(kind: str, address: str) -> str:
    """What is sent where by this choice."""
    if kind == OFF:
        return "Nobody is asked for prices. Prices that are stored already stay."
    if kind == CSV:
        return "Nothing is sent anywhere."
    host = urlsplit(_PRESET_HOST if kind == PRESET else address.strip()).hostname or "that host"
    return (
        f"Once an hour this machine asks {host} for that address and nothing else. {host} sees your internet address"
        " and the time. No wallet, hotkey or amount is sent. Each price is stored with its source and time."
    )
