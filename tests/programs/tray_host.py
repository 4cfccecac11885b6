"""A tray host over D-Bus, without a panel: starts a program, sees its tray item, reads the menu, clicks entries.

``tray_host.py WHEN CLICKS PROGRAM ...`` inside ``dbus-run-session``. CLICKS is a JSON list of labels. WHEN ``now``:
the host is there first; ``late``: it appears only after the program has said something on its standard output, as
at a login where the panel is slow.
Prints one JSON object: the item's properties, the menu, what the program printed, its exit status.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_error, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection

WATCHER = "org.kde.StatusNotifierWatcher"
BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
INTROSPECTION = f"""<node><interface name="{WATCHER}">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/></interface></node>"""


class Host:
    """Owns the watcher's name and answers what Qt asks of it."""

    def __init__(self) -> None:
        self.bus = open_dbus_connection(bus="SESSION")
        self.items: list[str] = []

    def appear(self) -> None:
        for name in (WATCHER, "org.kde.StatusNotifierHost-1"):
            self.ask(BUS, "RequestName", "su", (name, 0))

    def ask(self, address: DBusAddress, method: str, signature: str | None = None, body: tuple[Any, ...] = ()) -> Any:
        reply = self.bus.send_and_get_reply(new_method_call(address, method, signature, body), timeout=5)
        if reply.header.message_type is MessageType.error:
            raise RuntimeError(f"{method}: {reply.body}")
        return reply.body

    def serve(self, done: Callable[[], object], seconds: float) -> None:
        """Answer calls until ``done()`` or the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not done():
            try:
                message = self.bus.receive(timeout=0.1)
            except TimeoutError:
                continue
            if message.header.message_type is MessageType.method_call:
                self._answer(message)

    def _answer(self, message: Message) -> None:
        values = {
            "IsStatusNotifierHostRegistered": ("b", True),
            "ProtocolVersion": ("i", 0),
            "RegisteredStatusNotifierItems": ("as", list(self.items)),
        }
        match message.header.fields.get(HeaderFields.member):
            case "Get":
                self.bus.send(new_method_return(message, "v", (values[message.body[1]],)))
            case "GetAll":
                self.bus.send(new_method_return(message, "a{sv}", (values,)))
            case "Introspect":
                self.bus.send(new_method_return(message, "s", (INTROSPECTION,)))
            case "RegisterStatusNotifierItem":
                self.items.append(message.header.fields[HeaderFields.sender])
                self.bus.send(new_method_return(message))
            case _:
                self.bus.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod"))

    def properties(self, owner: str) -> dict[str, Any]:
        address = DBusAddress("/StatusNotifierItem", owner, "org.freedesktop.DBus.Properties")
        return {
            name: value
            for name, (_, value) in self.ask(address, "GetAll", "s", ("org.kde.StatusNotifierItem",))[0].items()
        }

    def menu(self, owner: str, path: str) -> list[tuple[int, str, bool]]:
        """(id, label, enabled) of the entries; separators have an empty label."""
        address = DBusAddress(path, owner, "com.canonical.dbusmenu")
        _, (_, _, children) = self.ask(address, "GetLayout", "iias", (0, -1, []))
        return [
            (entry[0], entry[1].get("label", ("s", ""))[1].replace("_", ""), entry[1].get("enabled", ("b", True))[1])
            for _, entry in children
        ]

    def click(self, owner: str, path: str, label: str) -> None:
        number = next(number for number, text, _ in self.menu(owner, path) if text == label)
        address = DBusAddress(path, owner, "com.canonical.dbusmenu")
        self.ask(address, "Event", "isvu", (number, "clicked", ("s", ""), 0))


def main() -> int:
    late, clicks, command = sys.argv[1] == "late", json.loads(sys.argv[2]), sys.argv[3:]
    host = Host()
    if not late:
        host.appear()
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    printed: list[str] = []
    reader = threading.Thread(target=lambda: printed.extend(line.strip() for line in program.stdout or ()), daemon=True)
    reader.start()
    report: dict[str, Any] = {"items_before": 0}
    try:
        if late:
            host.serve(lambda: printed, 20)
            host.serve(lambda: False, 0.5)
            report["items_before"] = len(host.items)
            host.appear()
        host.serve(lambda: host.items, 15)
        host.serve(lambda: False, 0.7)
        owner = host.items[-1]
        properties = host.properties(owner)
        report["tooltip"] = [properties["ToolTip"][2], properties["ToolTip"][3]]
        report["sizes"] = [(width, height) for width, height, _ in properties["IconPixmap"]]
        report["menu"] = [(text, enabled) for _, text, enabled in host.menu(owner, properties["Menu"])]
        for label in clicks:
            host.click(owner, properties["Menu"], label)
            host.serve(lambda: False, 0.3)
        report["status"] = program.wait(10)
    except Exception as error:  # noqa: BLE001  # the test shows it
        report["failed"] = repr(error)
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
        reader.join(2)
    report["printed"] = printed
    report["errors"] = (program.stderr.read() if program.stderr else "")[-2000:]
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
