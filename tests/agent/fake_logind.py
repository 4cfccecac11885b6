"""A private message bus with a logind on it that does what it is told, for tests on Linux."""

from __future__ import annotations

import os
import select
import subprocess
import threading
from typing import Any

from jeepney import DBusAddress, MessageType, message_bus, new_method_return, new_signal
from jeepney.fds import FileDescriptor
from jeepney.io.blocking import open_dbus_connection

NAME, PATH, MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"


class FakeLogind:
    """``address`` of its bus; ``locks``: read ends of the pipes that it gave away; ``say`` emits a signal."""

    def __init__(self) -> None:
        self._daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True
        )
        assert self._daemon.stdout is not None
        self.address = self._daemon.stdout.readline().strip()
        self.locks: list[int] = []
        self.asked: list[tuple[str, ...]] = []
        self._connection = open_dbus_connection(self.address, enable_fds=True)
        self._connection.send_and_get_reply(message_bus.RequestName(NAME))
        self._ended = threading.Event()
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def say(self, member: str, before: bool) -> None:
        with self._sending:
            emitter = DBusAddress(PATH, bus_name=NAME, interface=MANAGER)
            self._connection.send(new_signal(emitter, member, "b", (before,)))

    @property
    def held(self) -> int:
        """How many inhibitors are held now: a closed one's pipe has ended."""
        return sum(1 for lock in self.locks if not select.select([lock], [], [], 0)[0])

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._connection.close()
        self._daemon.terminate()
        self._daemon.wait()
        assert self._daemon.stdout is not None
        self._daemon.stdout.close()
        for lock in self.locks:
            os.close(lock)

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                message: Any = self._connection.receive(timeout=0.1)
            except TimeoutError:
                continue
            if message.header.message_type is MessageType.method_call:
                read, write = os.pipe()
                self.asked.append(message.body)
                self.locks.append(read)
                with self._sending, FileDescriptor(write) as descriptor:
                    self._connection.send(new_method_return(message, "h", (descriptor,)))
