"""Starting the agent at log-in: offered with what would be written, switched on and off here, never unasked."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QHBoxLayout

from ranvier.agent import autostart
from ranvier.core.errors import RanvierError
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import tell
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.text import allow, button, label

_HELP = (
    "When you log in, the agent starts without a window and brings back the miners that should run. "
    "Nothing is set up until you tick this, and unticking it takes it away again."
)


class AutostartCard(Card):
    """``look`` asks the system how it is now."""

    def __init__(self, context: Context) -> None:
        super().__init__("Start at log-in")
        self._context = context
        self.add(label(_HELP, "muted", wrap=True))
        row = QHBoxLayout()
        self.box = QCheckBox("Start the agent when I log in")
        self.box.clicked.connect(lambda on: context.run(self._switch(on), "start at log-in"))
        allow(self.box, "Asking the system…")
        self.show_text = button("What is written…", lambda: context.run(self._tell(), "show the entry"))
        row.addWidget(self.box)
        row.addStretch(1)
        row.addWidget(self.show_text)
        self.body.addLayout(row)
        self.note = label("", "small", wrap=True)
        self.note.hide()
        self.add(self.note)

    def look(self) -> None:
        """Bring the box up to date."""
        self._context.run(self._look(), "log-in entry")

    async def _look(self) -> None:
        found = await autostart.state(self._context.paths)
        self.box.setChecked(bool(found.on))
        allow(self.box, found.note if found.on is None else None)
        self.note.setText(found.note)
        self.note.setVisible(bool(found.note))

    async def _switch(self, on: bool) -> None:
        allow(self.box, "The system is being told.")
        try:
            await (autostart.switch_on if on else autostart.switch_off)(self._context.paths)
        except RanvierError as error:
            self._context.show_error(error)
        finally:
            await self._look()

    async def _tell(self) -> None:
        one = autostart.entry(self._context.paths)
        await tell(self.window(), "Start at log-in", f"{one.file}\n\n{one.text.strip()}")
