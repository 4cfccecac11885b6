"""The parent of ``hardware-probe``: asks, waits so long and no longer, kills and starts again with a growing pause.

A library that crashes costs one sample; one that hangs costs its process. What was seen last stays listed, marked.
When the driver's files change, the child is started anew without a pause: what it then says is what new programs meet.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from ranvier.core.processes import NO_WINDOW, child_environment, own_command
from ranvier.hardware.pci import driver_signs, nvidia_possible
from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Gpu

log = logging.getLogger(__name__)


_ANSWER_S = 3.0
_OPENING_S = 60.0  # without persistence mode the driver wakes each card in turn
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
_HEALTHY_S = 30.0  # so long must it go well before the pause is short again
_FROM_OUTSIDE = {"SIGHUP", "SIGINT", "SIGKILL", "SIGTERM"}  # ends that no driver causes


class NvmlChild:
    """A ``GpuProbe``. ``read`` blocks for at most ``answer_s`` (``opening_s`` while the driver opens); one reader.

    No child is started while ``possible`` says that this machine has neither a card nor the library. ``signs`` tells
    cheaply whether the driver is another one than before.
    """

    closes_at_once = True

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        answer_s: float = _ANSWER_S,
        opening_s: float = _OPENING_S,
        healthy_s: float = _HEALTHY_S,
        clock: Callable[[], float] = time.monotonic,
        possible: Callable[[], bool] | None = None,
        signs: Callable[[], object] | None = None,
    ) -> None:
        self._command = list(command) if command is not None else own_command("hardware-probe")
        self._possible = nvidia_possible if possible is None else possible
        self._environment = environment
        self._signs = partial(driver_signs, environment=child_environment(environment)) if signs is None else signs
        self._driver_signs: object = None
        self._answer_s, self._opening_s, self._healthy_s = answer_s, opening_s, healthy_s
        self._clock = clock
        self._lock = threading.Lock()  # about which child is ours
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stuck: subprocess.Popen[bytes] | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._retry_at = 0.0
        self._healthy_since: float | None = None
        self._last = GpuReading()
        self._at: dict[str, Gpu] = {}  # by PCI address, as last seen awake: a card that sleeps tells no UUID
        self._failure: tuple[str, str] | None = None
        self.restarts = 0

    def read(self) -> GpuReading:
        """The newest truth; when there is none, the cards seen last with the reason in ``problem``."""
        self._look_for_another_driver()
        if self._child is None:
            if not self._last.gpus and not self._possible():
                return GpuReading(note="No NVIDIA GPU or driver was found.", trouble="none")
            if not self._start():
                return self._faded()
        child = self._child
        if child is None:
            return self._faded()
        try:
            assert child.stdin is not None
            child.stdin.write(b"read\n")
            child.stdin.flush()
            answer = self._answer()
        except TimeoutError:
            return self._fail(child, "hangs", "The NVIDIA driver hangs; its reader was ended and is started again.")
        except (OSError, ValueError):
            answer = None
        if answer is None:
            return self._fail(child, "crashed", None)
        reading = self._known(_decode(answer))
        if reading is None:
            return self._fail(child, "crashed", "The GPU reader said something unreadable. It is started again.")
        now = self._clock()
        if self._healthy_since is None:
            self._healthy_since = now
        if now - self._healthy_since >= self._healthy_s:
            self._pause_s = _FIRST_PAUSE_S
        self._failure = None
        self._last = reading
        return reading

    def close(self) -> None:
        """End the child at once; a ``read`` that waits for it ends too."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            self._end(child)

    def _look_for_another_driver(self) -> None:
        """A child that runs would go on with the old library, and a pause would keep the old story."""
        signs, before = self._signs(), self._driver_signs
        self._driver_signs = signs
        if before is None or signs == before:
            return
        log.info("the NVIDIA driver's files changed: its reader is started anew")
        self.close()
        self._pause_s, self._retry_at, self._failure = _FIRST_PAUSE_S, 0.0, None

    def _known(self, reading: GpuReading | None) -> GpuReading | None:
        """Cards that only their address names, by the name and UUID that they had when they answered."""
        if reading is None:
            return None
        gpus = []
        for gpu in reading.gpus:
            before = self._at.get(gpu.pci_address or "")
            if before is not None and gpu.uuid == f"pci:{gpu.pci_address}":
                gpus.append(replace(gpu, uuid=before.uuid, name=before.name))
                continue
            gpus.append(gpu)
            if gpu.pci_address is not None:
                self._at[gpu.pci_address] = gpu
        return replace(reading, gpus=tuple(gpus))

    def _start(self) -> bool:
        if self._clock() < self._retry_at:
            return False
        if self._stuck is not None:
            if self._stuck.poll() is None:  # not even a kill ends it: a second one would hang on the same lock
                note = "The NVIDIA driver hangs inside the kernel. Restart the machine."
                self._failure = ("hangs", note)
                return False
            self._stuck = None
        try:
            child = subprocess.Popen(
                self._command,
                env=child_environment(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=NO_WINDOW,
            )
        except OSError as error:
            self._failure = ("crashed", f"The GPU reader cannot be started: {error.strerror or error}.")
            self._back_off()
            return False
        answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(child, answers), name="gpu reader", daemon=True).start()
        with self._lock:
            self._child, self._answers = child, answers
        self._healthy_since = None
        return True

    def _answer(self) -> bytes | None:
        """The next line that is an answer; None at the child's end. Raises TimeoutError."""
        deadline = self._clock() + self._answer_s + (self._opening_s if self._healthy_since is None else 0.0)
        while True:
            try:
                line = self._answers.get(timeout=max(0.0, deadline - self._clock()))
            except queue.Empty:
                raise TimeoutError from None
            if line is None or b'"opening"' not in line[:12]:
                return line
            deadline = self._clock() + self._opening_s

    def _fail(self, child: subprocess.Popen[bytes], trouble: str, note: str | None) -> GpuReading:
        with self._lock:
            ours, self._child = self._child is child, None
        if not ours:  # it was closed meanwhile: that is no failure
            return GpuReading(note="The GPUs are not being read.", trouble="closed")
        answered = self._healthy_since is not None
        self._end(child)
        if note is None:
            how, cause = _ending(child.returncode), "the NVIDIA driver is in trouble"
            if how in _FROM_OUTSIDE:
                trouble, cause = "ended", "something else on this machine ended it"
                if answered:  # no sign of a reader that fails again and again
                    self._pause_s = _FIRST_PAUSE_S
            note = f"The GPU reader ended ({how}): {cause}. It is started again."
        log.warning("%s", note)
        self._failure = (trouble, note)
        self.restarts += 1
        self._back_off()
        return self._faded()

    def _back_off(self) -> None:
        self._retry_at = self._clock() + self._pause_s
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2)
        self._healthy_since = None

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(OSError):
            child.kill()
        try:
            child.wait(0.5)
        except subprocess.TimeoutExpired:
            self._stuck = child
            return
        with contextlib.suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()

    def _faded(self) -> GpuReading:
        trouble, note = self._failure or ("starting", "The GPU reader is being started.")
        gpus = tuple(
            Gpu(g.uuid, g.name, g.index, problem=note, trouble=trouble, vendor=g.vendor, pci_address=g.pci_address,
                parent_uuid=g.parent_uuid, mig=g.mig)
            for g in self._last.gpus
        )  # fmt: skip
        return GpuReading(gpus, self._last.driver, note, trouble, self._last.cuda)


def _pump(child: subprocess.Popen[bytes], answers: queue.SimpleQueue[bytes | None]) -> None:
    """Bring the child's lines into the queue; None at the end."""
    assert child.stdout is not None
    with child.stdout as lines, contextlib.suppress(OSError, ValueError):
        for line in lines:
            answers.put(line)
    answers.put(None)


def _decode(line: bytes) -> GpuReading | None:
    try:
        raw: Any = json.loads(line)
        return msgspec.convert(raw, GpuReading)
    except (ValueError, msgspec.ValidationError):
        log.warning("the GPU reader said something unreadable")
        return None


def _ending(code: int | None) -> str:
    if code is None:
        return "it did not end"
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"
